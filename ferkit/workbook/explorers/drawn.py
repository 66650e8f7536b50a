"""Explorer of drawn faces: sliders of facial actions, and action units."""

from collections.abc import Sequence

import numpy as np

from ferkit.core.labels import EMOTIONS
from ferkit.core.landmarks import inter_ocular
from ferkit.drawn.examples import draw_mixture, find_prototype
from ferkit.drawn.prototypes import ACTION_UNIT_OF, AU_NAMES
from ferkit.drawn.scene import Scene
from ferkit.workbook.explorers.base import (
    SLIDER_STYLE,
    Explorer,
    encode_image,
    load_ipywidgets,
    make_slider,
    make_text,
    make_view,
    on_change,
    side_by_side,
    silenced,
    slider_layout,
)

_PEOPLE = 99  # the last person that the slider offers


def face_explorer(seed: int = 0, *, size: int = 224, rays: int = 1) -> Explorer:
    """Explore a drawn face with sliders of facial actions and emotions.

    Controls: `emotion` sets the sliders to one of its prototypes, the one numbered `way`, and is
    None once a slider has left that prototype; `sides` from -1 (the subject's right side only) to 1
    (left only); `person`, `yaw`, `light`; and the actions by name, labelled by their action units.
    `rays` as in `draw`: 1 is twice as fast as 2.
    """
    w = load_ipywidgets()
    sliders = {
        name: make_slider(f"{unit} {AU_NAMES[unit]}", 0.0, 0.0, 1.0)
        for name, unit in ACTION_UNIT_OF.items()
    }
    choices = {
        "emotion": w.ToggleButtons(
            options=EMOTIONS, value="neutral", style={"button_width": "92px"}
        ),
        "way": w.ToggleButtons(
            options=[1, 2, 3], description="way", style={"button_width": "40px"}
        ),
        "sides": make_slider("right side or left side", 0.0, -1.0, 1.0),
        "person": w.IntSlider(
            seed,
            min=0,
            max=max(_PEOPLE, seed),
            description="person",
            style=SLIDER_STYLE,
            layout=slider_layout(),
        ),
        "yaw": make_slider("turn of the head (°)", 0.0, -45.0, 45.0, 1.0),
        "light": make_slider("light from (°)", 20.0, -90.0, 90.0, 1.0),
    }
    controls = {**choices, **sliders}
    prototype_controls = [*sliders.values(), controls["sides"]]
    view = make_view(320, "jpeg")
    text = make_text(lines=9)
    last_emotion = ["neutral"]  # what `way` refers to once no emotion is chosen

    def redraw(_: object = None) -> None:
        mixture = {name: slider.value for name, slider in sliders.items()}
        scene = Scene(yaw=controls["yaw"].value, light_azimuth=controls["light"].value)
        person = controls["person"].value
        sides = controls["sides"].value
        frame, units = draw_mixture(person, mixture, sides=sides, scene=scene, size=size, rays=rays)
        view.value = encode_image(frame.image)
        text.value = describe_units(units)

    def set_prototype(_: object = None) -> None:
        last_emotion[0] = controls["emotion"].value or last_emotion[0]
        mixture, sides = find_prototype(last_emotion[0], controls["way"].value)
        with silenced(prototype_controls, leave_prototype):
            controls["sides"].value = sides
            for name, slider in sliders.items():
                slider.value = mixture.get(name, 0.0)
        with silenced([controls["emotion"]], set_prototype):
            controls["emotion"].value = last_emotion[0]
        redraw()

    def leave_prototype(_: object) -> None:
        with silenced([controls["emotion"]], set_prototype):
            controls["emotion"].value = None  # so that its button can be pressed again
        redraw()

    def return_to_first(_: object) -> None:
        with silenced(scene_controls, redraw):
            for control, value in zip(scene_controls, (seed, 0.0, 20.0), strict=True):
                control.value = value
        with silenced([controls["emotion"], controls["way"]], set_prototype):
            controls["emotion"].value = "neutral"
            controls["way"].value = 1
        set_prototype()

    scene_controls = [controls[name] for name in ("person", "yaw", "light")]
    reset = w.Button(description="reset", layout={"width": "90px"})
    reset.on_click(return_to_first)
    on_change(prototype_controls, leave_prototype)
    on_change(scene_controls, redraw)
    on_change([controls["emotion"], controls["way"]], set_prototype)
    redraw()
    flexible = {"flex": "1 1 300px", "max_width": "100%"}
    left = w.VBox([view, *scene_controls, controls["sides"], text], layout=flexible)
    units = list(sliders.values())
    parts = [w.Label("action units (AU) by number:"), *units]
    columns = [w.VBox(parts[start : start + 10], layout=flexible) for start in (0, 10)]
    head = w.VBox([controls["emotion"], side_by_side(controls["way"], reset)])
    box = w.VBox([head, side_by_side(left, *columns)])
    return Explorer(controls, view, text, box, reset)


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
