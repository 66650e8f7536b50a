"""Explorer of Grad-CAM: which part of a face supports a class."""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from ferkit.explain.drawn_faces import DrawnFace
from ferkit.explain.face_maps import bring_picture_to_map, find_class
from ferkit.explain.grad_cam import network_maps
from ferkit.plots import plot_cam
from ferkit.training.spec import Network
from ferkit.workbook.explorers.base import (
    Explorer,
    assemble,
    busy,
    encode_figure,
    load_ipywidgets,
    make_text,
    make_view,
    on_change,
)


def cam_explorer(networks: Mapping[str, Network], faces: Sequence[DrawnFace]) -> Explorer:
    """Explore maps: choose a face, a network and a class.

    Shows the picture, the map of that class over it, and its probability. Controls: `face`,
    `network`, and `name`, the class.
    """
    w = load_ipywidgets()
    named = {f"{place}: {shown.emotion}": place for place, shown in enumerate(faces, start=1)}
    controls = {
        "face": w.Dropdown(options=named, description="face"),
        "network": w.Dropdown(options=list(networks), description="network"),
        "name": w.Dropdown(description="class"),
    }
    view = make_view(440, "png")
    text = make_text()

    def read_controls() -> tuple[Network, DrawnFace]:
        return networks[controls["network"].value], faces[controls["face"].value - 1]

    def offer_classes(_: object = None) -> None:
        network, shown = read_controls()
        controls["name"].options = network.names
        place = find_class(network, shown.emotion)
        controls["name"].value = network.names[place or 0]

    def redraw(_: object = None) -> None:
        network, shown = read_controls()
        name = controls["name"].value
        if name is None or name not in network.names:
            return  # the classes of another network are being offered
        with busy(controls.values()):
            view.value = map_picture(network, shown, name)
            seen = network.look(shown.image, shown.face)
            probability = network.probabilities([seen])[0, network.class_index(name)]
        kind = controls["network"].value
        text.value = f"{kind} gives {name} {probability:.0%}; the face shows {shown.emotion}"

    offer_classes()
    on_change([controls["network"], controls["face"]], offer_classes)
    return assemble(controls, view, text, redraw)


def map_picture(network: Network, face: DrawnFace, name: str) -> bytes:
    """Draw the network's view of a face beside its map, as PNG."""
    ((heat, matrix),) = network_maps(
        network, [(face.image, face.face)], [network.class_index(name)]
    )
    figure = Figure(figsize=(4.4, 2.3), layout="constrained", dpi=90)
    left, right = figure.subplots(1, 2)
    seen = bring_picture_to_map(face, matrix, heat.shape)  # type: ignore[arg-type]
    left.imshow(seen)
    left.set_axis_off()
    plot_cam(heat, seen, ax=right)
    return encode_figure(figure)
