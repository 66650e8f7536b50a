"""Explorer of drawn faces: sliders of facial actions, and action units."""

from collections.abc import Sequence

import numpy as np

from ferkit.core.labels import EMOTIONS
from ferkit.core.landmarks import inter_ocular
from ferkit.drawn.examples import draw_mixture, find_prototype
from ferkit.drawn.prototypes import ACTION_UNIT_OF, AU_NAMES
from ferkit.drawn.scene import Scene
from ferkit.workbook.explorers.base import (
    Explorer,
    encode_image,
    load_ipywidgets,
    make_slider,
    on_change,
    silenced,
)


def face_explorer(seed: int = 0, *, size: int = 224, rays: int = 1) -> Explorer:
    """Explore a drawn face with sliders of facial actions and emotions.

    Controls: `emotion` sets the sliders to one of its prototypes, the one numbered `way`; `sides`
    from -1 (the subject's right side only) to 1 (left only); `person`, `yaw`, `light`; and the
    actions by name. `rays` as in `draw`: 1 is twice as fast as 2.
    """
    w = load_ipywidgets()
    sliders = {name: make_slider(name, 0.0, 0.0, 1.0) for name in ACTION_UNIT_OF}
    choices = {
        "emotion": w.ToggleButtons(
            options=EMOTIONS, value="neutral", style={"button_width": "84px"}
        ),
        "way": w.ToggleButtons(
            options=[1, 2, 3], description="way", style={"button_width": "40px"}
        ),
        "sides": make_slider("sides", 0.0, -1.0, 1.0),
        "person": w.BoundedIntText(
            seed, min=0, max=10**6, description="person", layout={"width": "170px"}
        ),
        "yaw": make_slider("yaw", 0.0, -45.0, 45.0, 1.0),
        "light": make_slider("light", 20.0, -90.0, 90.0, 1.0),
    }
    controls = {**choices, **sliders}
    view = w.Image(format="jpeg", width=320, height=320)
    text = w.HTML()

    def redraw(_: object = None) -> None:
        mixture = {name: slider.value for name, slider in sliders.items()}
        scene = Scene(yaw=controls["yaw"].value, light_azimuth=controls["light"].value)
        person = controls["person"].value
        sides = controls["sides"].value
        frame, units = draw_mixture(person, mixture, sides=sides, scene=scene, size=size, rays=rays)
        view.value = encode_image(frame.image)
        text.value = describe_units(units)

    def set_prototype(_: object) -> None:
        mixture, sides = find_prototype(controls["emotion"].value, controls["way"].value)
        with silenced([*sliders.values(), controls["sides"]], redraw):
            controls["sides"].value = sides
            for name, slider in sliders.items():
                slider.value = mixture.get(name, 0.0)
        redraw()

    scene_controls = [controls[name] for name in ("sides", "person", "yaw", "light")]
    on_change([*sliders.values(), *scene_controls], redraw)
    on_change([controls["emotion"], controls["way"]], set_prototype)
    redraw()
    left = w.VBox(
        [view, controls["person"], controls["yaw"], controls["light"], controls["sides"], text]
    )
    columns = [w.VBox(list(sliders.values())[i : i + 10]) for i in (0, 10)]
    head = w.VBox([controls["emotion"], controls["way"]])
    return Explorer(controls, view, text, w.VBox([head, w.HBox([left, *columns])]))


def spread(faces: np.ndarray) -> float:
    """The spread of faces `(n, 68, 2)` in % of the eye distance.

    The root mean square distance from the mean over points and faces; the distance is between the
    eyes of the mean face.
    """
    mean = faces.mean(0)
    squares = ((faces - mean) ** 2).sum(-1)
    return float(100 * np.sqrt(squares.mean()) / inter_ocular(mean))


def describe_units(units: Sequence[int]) -> str:
    """Action units with their names, as HTML."""
    return "<br>".join(f"<b>AU {unit}</b> {AU_NAMES[unit]}" for unit in units) or "no action unit"
