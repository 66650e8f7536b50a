"""Explorers: sliders around drawn faces, labels and plots.

An explorer holds its controls by name, so that `explorer.controls["emotion"].value = "fear"` does what a click does, also where no
browser listens. Callbacks only read the controls, call the package's functions and show what those return. ipywidgets is needed when
an explorer is made, not when this module is imported.
"""

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import ArrayLike
from PIL import Image

from ferkit.data.ferplus import COLUMNS, RULES, vote
from ferkit.faces import patches
from ferkit.labels import AU_NAMES, EMOTIONS, compound_code, compound_name
from ferkit.landmarks import inter_ocular, residuals
from ferkit.plots import plot_boxes, plot_residuals
from ferkit.synthetic.draw import Frame, Model, draw, model
from ferkit.synthetic.expressions import ACTION_UNIT_OF, PROTOTYPES, Mixture, action_units, expression, sided
from ferkit.synthetic.head import load_head
from ferkit.synthetic.people import person
from ferkit.synthetic.scene import Scene

JPEG_QUALITY = 88


@dataclass(frozen=True)
class Explorer:
    """Controls by name, the picture (bytes in `view.value`), the text beside it (`text.value`), and the box that shows them all."""

    controls: Mapping[str, Any]
    view: Any
    text: Any
    box: Any

    def _ipython_display_(self) -> None:
        from IPython.display import display

        display(self.box)


def face_explorer(seed: int = 0, *, size: int = 224, rays: int = 1) -> Explorer:
    """A drawn face with a slider for every facial action, a button for every emotion, and the action units that result.

    Controls: `emotion` sets the sliders to one of its prototypes, the one numbered `way`; `sides` from -1 (the subject's right
    side only) to 1 (left only); `person`, `yaw`, `light`; and the actions by name. `rays` as in `draw`: 1 is twice as fast as 2.
    """
    w = _ipywidgets()
    sliders = {name: _slider(w, name, 0.0, 0.0, 1.0) for name in ACTION_UNIT_OF}
    choices = {
        "emotion": w.ToggleButtons(options=EMOTIONS, value="neutral", style={"button_width": "84px"}),
        "way": w.ToggleButtons(options=[1, 2, 3], description="way", style={"button_width": "40px"}),
        "sides": _slider(w, "sides", 0.0, -1.0, 1.0),
        "person": w.BoundedIntText(seed, min=0, max=10**6, description="person", layout={"width": "170px"}),
        "yaw": _slider(w, "yaw", 0.0, -45.0, 45.0, 1.0),
        "light": _slider(w, "light", 20.0, -90.0, 90.0, 1.0),
    }
    controls = {**choices, **sliders}
    view, text = w.Image(format="jpeg", width=320, height=320), w.HTML()

    def redraw(_: object = None) -> None:
        mixture = {name: slider.value for name, slider in sliders.items()}
        who, sides, yaw, light = (controls[name].value for name in ("person", "sides", "yaw", "light"))
        view_from = Scene(yaw=yaw, light_azimuth=light)
        frame, units = draw_mixture(who, mixture, sides=sides, scene=view_from, size=size, rays=rays)
        view.value, text.value = jpeg(frame.image), describe_units(units)

    def set_prototype(_: object) -> None:
        mixture, sides = prototype(controls["emotion"].value, controls["way"].value)
        with _silent([*sliders.values(), controls["sides"]], redraw):
            controls["sides"].value = sides
            for name, slider in sliders.items():
                slider.value = mixture.get(name, 0.0)
        redraw()

    _on_change([*sliders.values(), *(controls[name] for name in ("sides", "person", "yaw", "light"))], redraw)
    _on_change([controls["emotion"], controls["way"]], set_prototype)
    redraw()
    left = w.VBox([view, controls["person"], controls["yaw"], controls["light"], controls["sides"], text])
    columns = [w.VBox(list(sliders.values())[i : i + 10]) for i in (0, 10)]
    head = w.VBox([controls["emotion"], controls["way"]])
    return Explorer(controls, view, text, w.VBox([head, w.HBox([left, *columns])]))


def compound_explorer(seed: int = 0, *, size: int = 224) -> Explorer:
    """Two emotions, their compound code with its equation, and a drawn face that shows them.

    Controls: `complementary`, `dominant`, `person`, and `take`, another expression of the same emotions. A pair that is no class shows
    the error of `compound_code` and keeps the picture.
    """
    w = _ipywidgets()
    controls = {
        "complementary": w.Dropdown(options=EMOTIONS, value="disgust", description="complementary"),
        "dominant": w.Dropdown(options=EMOTIONS, value="sadness", description="dominant"),
        "person": w.BoundedIntText(seed, min=0, max=10**6, description="person"),
        "take": w.IntSlider(0, min=0, max=9, description="take"),
    }
    for name in ("complementary", "dominant"):
        controls[name].style.description_width = "110px"
    view, text = w.Image(format="jpeg", width=280, height=280), w.HTML()

    def redraw(_: object = None) -> None:
        c, d, who, take = (control.value for control in controls.values())
        try:
            text.value = describe_compound(c, d)
        except ValueError as error:
            text.value = f"<b>no class:</b> {error}"
            return
        view.value = jpeg(draw_compound(who, c, d, take, size=size).image)

    _on_change(controls.values(), redraw)
    redraw()
    return Explorer(controls, view, text, w.HBox([view, w.VBox([*controls.values(), text])]))


def votes_explorer(votes: Mapping[str, int] | None = None) -> Explorer:
    """Ten sliders, one for each answer of the ten FER+ voters, and the label that each rule makes of them.

    Controls: the columns of FER+ by name. `votes` is where they start; answers it does not name start at 0.
    """
    w = _ipywidgets()
    start = {"neutral": 4, "sadness": 3, "anger": 2, "fear": 1} if votes is None else votes
    if unknown := set(start) - set(COLUMNS):
        raise ValueError(f"unknown answer {', '.join(sorted(unknown))}; FER+ has {', '.join(COLUMNS)}")
    controls = {
        name: w.IntSlider(int(start.get(name, 0)), min=0, max=10, description=name, layout={"width": "330px"})
        for name in COLUMNS
    }
    text = w.HTML()

    def redraw(_: object = None) -> None:
        counts = {name: slider.value for name, slider in controls.items()}
        table = under_each_rule(pd.DataFrame([counts])).droplevel(0)
        text.value = f"<p>{sum(counts.values())} votes (FER+ has 10)</p>{table.to_html(border=0)}"

    _on_change(controls.values(), redraw)
    redraw()
    return Explorer(controls, None, text, w.HBox([w.VBox(list(controls.values())), text]))


def landmark_explorer(
    points: ArrayLike, people: ArrayLike, emotions: ArrayLike, fallback: ArrayLike | None = None
) -> Explorer:
    """The landmarks of one emotion across people over each other, as they are or as residuals on the mean face.

    Shapes: `points` (N, 68, 2), best aligned; `people` (N,); `emotions` (N,); `fallback` as in `landmarks.residuals`.
    Controls: `emotion`; `residuals`, on or off; `faces`, at most how many are drawn.
    """
    points, people, emotions = np.asarray(points, dtype=np.float64), np.asarray(people), np.asarray(emotions)
    if points.ndim != 3 or not len(points) == len(people) == len(emotions):
        raise ValueError(f"expected (N, 68, 2), (N,) and (N,), got {points.shape}, {people.shape} and {emotions.shape}")
    w = _ipywidgets()
    known = [name for name in EMOTIONS if name in emotions] or sorted(set(emotions.tolist()))
    shown = {False: points, True: points.mean(0) + residuals(points, people, fallback)}
    controls = {
        "emotion": w.Dropdown(options=known, description="emotion"),
        "residuals": w.Checkbox(False, description="residuals: each person's mean subtracted"),
        "faces": w.IntSlider(min(40, len(points)), min=1, max=min(200, len(points)), description="faces"),
    }
    view, text = w.Image(format="png", width=400, height=400), w.HTML()

    def redraw(_: object = None) -> None:
        chosen = shown[controls["residuals"].value][emotions == controls["emotion"].value]
        view.value = landmark_picture(chosen[: controls["faces"].value], points)
        text.value = f"{min(len(chosen), controls['faces'].value)} faces, spread {spread(chosen):.1f} % of the distance between the eyes"

    _on_change(controls.values(), redraw)
    redraw()
    return Explorer(controls, view, text, w.HBox([view, w.VBox([*controls.values(), text])]))


def patch_explorer(image: np.ndarray, landmarks: ArrayLike) -> Explorer:
    """Where each of the 60 patches of an aligned face comes from: its box on the face, and the patch itself.

    `image` `(S, S, 3)` uint8 with its `landmarks` `(68, 2)`. Controls: `region`, `scale` and `flipped`.
    """
    w = _ipywidgets()
    where = patches.boxes(np.asarray(landmarks)[None], len(image))[0]
    controls = {
        "region": w.Dropdown(options=[*patches.GLOBAL, *patches.LOCAL], value="right eye", description="region"),
        "scale": w.ToggleButtons(options=patches.SCALES, value=1.0, description="scale"),
        "flipped": w.Checkbox(False, description="flipped"),
    }
    controls["scale"].style.button_width = "50px"
    view, text = w.Image(format="png", width=480, height=240), w.HTML()

    def redraw(_: object = None) -> None:
        region, scale, flipped = (control.value for control in controls.values())
        number = patches.number(region, scale, flipped=flipped)
        view.value = patch_picture(image, where[number])
        x0, y0, x1, y1 = where[number]
        text.value = (
            f"patch <b>{number + 1}</b> of {patches.COUNT}: {region} x {scale:g}{', flipped' if flipped else ''}<br>"
            f"from x = {x0:.1f} to {x1:.1f}, y = {y0:.1f} to {y1:.1f} of {len(image)} pixels"
        )

    _on_change(controls.values(), redraw)
    redraw()
    return Explorer(controls, view, text, w.HBox([view, w.VBox([*controls.values(), text])]))


def draw_mixture(
    seed: int,
    mixture: Mixture,
    *,
    sides: float = 0.0,
    scene: Scene = Scene(),  # noqa: B008
    size: int = 224,
    rays: int | None = None,
) -> tuple[Frame, tuple[int, ...]]:
    """The frame of person `seed` doing exactly this mixture of facial actions, and the action units present.

    `sides` scales one side down: 1 leaves the subject's left side only, -1 the right side only.
    """
    head = load_head()
    amounts = sided(mixture, head.action_names)
    amounts *= [1 - max(0.0, -sides if n.endswith("Left") else sides if n.endswith("Right") else 0.0)
                for n in head.action_names]  # fmt: skip
    frame = draw(_model(seed, size), head, amounts, scene, size, rays=rays)
    return frame, action_units(amounts, head.action_names)


def draw_compound(seed: int, complementary: str, dominant: str, take: int = 0, *, size: int = 224) -> Frame:
    """The frame of person `seed` showing a compound emotion at full strength; each `take` is another expression of it."""
    head = load_head()
    other = None if complementary in ("neutral", dominant) else complementary
    rng = np.random.default_rng(take)
    amounts, _ = expression(dominant, head.action_names, rng, complementary=other, person_seed=seed, intensity=1.0)
    return draw(_model(seed, size), head, amounts, Scene(), size)


def prototype(emotion: str, way: int = 1) -> tuple[Mixture, float]:
    """One of an emotion's prototypes as a mixture without sides, and the `sides` of `draw_mixture` that goes with it.

    Prototypes are counted from 1 and begin again after the last. Those of contempt are one-sided.
    """
    mixtures = PROTOTYPES[emotion]
    mixture = mixtures[(way - 1) % len(mixtures)]
    one_sided = any(name.endswith("Left") for name in mixture)
    return {name.removesuffix("Left"): value for name, value in mixture.items()}, float(one_sided)


def under_each_rule(votes: pd.DataFrame) -> pd.DataFrame:
    """What each FER+ rule makes of each row of votes: indexed by (row, rule), columns label ("" where dropped), dropped, target.

    `target` lists what training would see: the emotions with a share of at least 1 %.
    """
    tables = pd.concat({rule: vote(votes, rule) for rule in RULES}, names=["rule"]).swaplevel()
    shares = tables[list(EMOTIONS)]
    target = [
        ", ".join(f"{name} {row[name]:.2f}" for name in EMOTIONS if row[name] >= 0.01) for _, row in shares.iterrows()
    ]
    table = pd.DataFrame({"label": tables["emotion"].fillna(""), "dropped": tables["dropped"], "target": target})
    return table.loc[[(row, rule) for row in votes.index for rule in RULES]]


def landmark_picture(faces: np.ndarray, frame: np.ndarray) -> bytes:
    """Faces `(n, 68, 2)` over each other as the bytes of a PNG file; `frame` `(N, 68, 2)` are the points that set its limits."""
    figure = Figure(figsize=(4, 4), dpi=100)
    ax = plot_residuals(faces, ax=figure.add_axes((0, 0, 1, 1)))
    (x0, y0), (x1, y1) = frame.min((0, 1)), frame.max((0, 1))
    ax.set(xlim=(x0, x1), ylim=(y1, y0))
    file = io.BytesIO()
    figure.savefig(file, format="png")
    return file.getvalue()


def patch_picture(image: np.ndarray, box: np.ndarray, side: int = 240) -> bytes:
    """A face with one box on it and the patch cut from there beside it, as the bytes of a PNG file."""
    figure = Figure(figsize=(4.8, 2.4), dpi=100)
    plot_boxes(image, [box], [""], ax=figure.add_axes((0, 0, 0.5, 1)))
    ax = figure.add_axes((0.51, 0.02, 0.48, 0.96))
    ax.imshow(patches.cut(image[None], box[None, None], side)[0, 0])
    ax.set_axis_off()
    file = io.BytesIO()
    figure.savefig(file, format="png")
    return file.getvalue()


def spread(faces: np.ndarray) -> float:
    """How far points lie from their means over the faces `(n, 68, 2)`, root mean square, in % of the distance between the eyes."""
    away = np.linalg.norm(faces - faces.mean(0), axis=-1)
    return float(100 * np.sqrt((away**2).mean()) / inter_ocular(faces.mean(0)))


def describe_units(units: Sequence[int]) -> str:
    """Action units with their names, as HTML."""
    return "<br>".join(f"<b>AU {unit}</b> {AU_NAMES[unit]}" for unit in units) or "no action unit"


def describe_compound(complementary: str, dominant: str) -> str:
    """Code, name and equation of a compound emotion, as HTML; ValueError when the pair is no class."""
    c, d = EMOTIONS.index(complementary), EMOTIONS.index(dominant)
    n = compound_code(c, d)
    equation = "neutral is 0" if n == 0 else f"7 &middot; ({c} &minus; 1) + {d} = {n}"
    return f"<b>class {n}</b>: {compound_name(complementary, dominant)}<br>{equation}"


def jpeg(image: np.ndarray, quality: int = JPEG_QUALITY) -> bytes:
    """A picture `(H, W, 3)` uint8 as the bytes of a JPEG file."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, "jpeg", quality=quality)
    return file.getvalue()


@lru_cache(maxsize=4)
def _model(seed: int, size: int) -> Model:
    return model(person(seed, load_head()), load_head(), size)


def _ipywidgets() -> ModuleType:
    try:
        import ipywidgets
    except ImportError as error:
        raise ImportError(
            "explorers need ipywidgets, which is not installed: `pip install ipywidgets` and restart the kernel; "
            "the static pictures of the notebooks show the same without it"
        ) from error
    return ipywidgets


def _slider(w: ModuleType, name: str, value: float, low: float, high: float, step: float = 0.05) -> Any:
    looks = {"style": {"description_width": "120px"}, "layout": {"width": "320px"}}
    digits = ".0f" if step >= 1 else ".2f"
    return w.FloatSlider(value, min=low, max=high, step=step, description=name, readout_format=digits, **looks)


def _on_change(controls: Any, callback: Callable) -> None:
    for control in controls:
        control.observe(callback, "value")


@contextmanager
def _silent(controls: Sequence[Any], callback: Callable) -> Iterator[None]:
    """While this lasts, changes of the controls do not call back."""
    for control in controls:
        control.unobserve(callback, "value")
    try:
        yield
    finally:
        _on_change(controls, callback)
