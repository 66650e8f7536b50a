"""A widget for maps: choose a face, a network and a class, and see which part of the picture spoke for it."""

import io
from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from ferkit.moved import Shown, class_of, seen_at
from ferkit.plots import plot_cam
from ferkit.portable import Network
from ferkit.widgets import Explorer, _ipywidgets, _on_change


def cam_explorer(networks: Mapping[str, Network], faces: Sequence[Shown]) -> Explorer:
    """Choose a face, a network and a class: the picture, the map of that class over it, and the network's probability of it."""
    w = _ipywidgets()
    named = {f"{place}: {shown.emotion}": place for place, shown in enumerate(faces, start=1)}
    controls = {
        "face": w.Dropdown(options=named, description="face"),
        "network": w.Dropdown(options=list(networks), description="network"),
        "name": w.Dropdown(description="class"),
    }
    view, text = w.Image(format="png", width=440, height=230), w.Label()

    def chosen() -> tuple[Network, Shown]:
        return networks[controls["network"].value], faces[controls["face"].value - 1]

    def offer(_: object = None) -> None:
        network, shown = chosen()
        controls["name"].options = network.names
        place = class_of(network, shown.emotion)
        controls["name"].value = network.names[place or 0]

    def redraw(_: object = None) -> None:
        network, shown = chosen()
        name = controls["name"].value
        if name is None or name not in network.names:  # while the classes of another network are being offered
            return
        view.value = map_picture(network, shown, name)
        sure = network.probabilities([network.look(shown.image, shown.face)])[0, network.class_index(name)]
        text.value = f"{controls['network'].value} gives {name} {sure:.0%}; the face shows {shown.emotion}"

    offer()
    redraw()
    _on_change([controls["network"], controls["face"]], offer)
    _on_change(controls.values(), redraw)
    return Explorer(controls, view, text, w.HBox([view, w.VBox([*controls.values(), text])]))


def map_picture(network: Network, face: Shown, name: str) -> bytes:
    """The face as the network sees it and the map of class `name` over it, side by side, as PNG."""
    ((heat, matrix),) = network.maps([(face.image, face.face)], [network.class_index(name)])
    figure = Figure(figsize=(4.4, 2.3), layout="constrained", dpi=90)
    left, right = figure.subplots(1, 2)
    seen = seen_at(face, matrix, heat.shape)  # type: ignore[arg-type]
    left.imshow(seen)
    left.set_axis_off()
    plot_cam(heat, seen, ax=right)
    file = io.BytesIO()
    figure.savefig(file, format="png")
    return file.getvalue()
