"""The five papers' ideas in five pictures of drawn faces, for notebook 00."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from ferkit import plots
from ferkit.core.landmarks import inter_ocular, person_residuals
from ferkit.drawn.draw import Frame
from ferkit.drawn.draw_sets import draw_clip
from ferkit.drawn.sets import SETS, plan_clips
from ferkit.papers.i2cnn.patches import patch_boxes, patch_number
from ferkit.plots.colours import INK
from ferkit.workbook.lessons.start_here import crop_face, draw_expression
from ferkit.workbook.studies.displacement import eye_coordinates

_EMOTIONS = ("happiness", "surprise", "sadness")
_STYLES = {"happiness": ("s", plots.SERIES[1]), "surprise": ("o", plots.SERIES[0]),
           "sadness": ("^", plots.SERIES[2])}  # fmt: skip
_MOUTH_CORNER = 54  # the left one
_TAKES = 3
_FRAMES = 6  # of a sequence
# Region and scale of some patches, in the order shown.
_PATCHES = (
    ("face", 1.0), ("upper face", 1.0), ("left half", 1.0),
    ("right eye", 1.0), ("nose tip", 1.0), ("left mouth corner", 0.75),
)  # fmt: skip


def plot_residual_idea(people: Sequence[int]) -> Figure:
    """Draw a mouth corner of many faces: as it lies, and minus the mean of its person."""
    pairs = [(i, emotion) for i in people for emotion in _EMOTIONS for _ in range(_TAKES)]
    faces = eye_coordinates(
        [
            draw_expression(i, emotion, take=k % _TAKES, size=64).landmarks
            for k, (i, emotion) in enumerate(pairs)
        ]
    )
    names = np.array([str(i) for i, _ in pairs])
    emotions = np.array([emotion for _, emotion in pairs])
    figure, axes = plt.subplots(1, 2, figsize=(7.4, 3.5), layout="constrained")
    residuals = person_residuals(faces, names).reshape(-1, 68, 2)
    panels = (
        (faces, "landmarks as they lie"),
        (residuals, "minus each person's mean: residuals"),
    )
    for ax, (points, title) in zip(axes, panels, strict=True):
        for emotion in _EMOTIONS:
            marker, colour = _STYLES[emotion]
            x, y = points[emotions == emotion, _MOUTH_CORNER].T
            ax.plot(x, y, marker, color=colour, mec="white", ms=6, label=emotion)
        ax.set(title=title, xlabel="right, % of eye distance", ylabel="down, % of eye distance")
        ax.invert_yaxis()
        ax.spines[["top", "right"]].set_visible(False)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False)
    return figure


def plot_patch_idea(person: int) -> Figure:
    """Draw one face with boxes on it, and the patches that they cut out."""
    frame = draw_expression(person, "happiness")
    size = len(frame.image)
    boxes = patch_boxes(frame.landmarks[None], size)[0]
    chosen = [boxes[patch_number(region, scale)] for region, scale in _PATCHES]
    figure = plt.figure(figsize=(7.4, 3.0), layout="constrained")
    grid = figure.add_gridspec(2, 5)
    whole = figure.add_subplot(grid[:, :2])
    whole.imshow(frame.image, extent=(0, size, size, 0))
    for k, (x0, y0, x1, y1) in enumerate(chosen):
        colour = plots.SERIES[k % len(plots.SERIES)]
        outline = Rectangle((x0, y0), x1 - x0, y1 - y0, fill=False, ec="white", lw=3)
        whole.add_patch(outline)
        whole.add_patch(Rectangle((x0, y0), x1 - x0, y1 - y0, fill=False, ec=colour, lw=1.8))
    whole.set_title("six of 60 boxes")
    for k, (x0, y0, x1, y1) in enumerate(chosen):
        ax = figure.add_subplot(grid[k // 3, 2 + k % 3])
        top, bottom, left, right = (round(edge) for edge in (y0, y1, x0, x1))
        ax.imshow(frame.image[max(top, 0) : bottom, max(left, 0) : right])
        for spine in ax.spines.values():
            spine.set(color=plots.SERIES[k % len(plots.SERIES)], lw=2.5)
        ax.set(xticks=[], yticks=[])
    whole.set_axis_off()
    return figure


def plot_temporal_idea(seed: int) -> Figure:
    """Draw one sequence as each of the two networks sees it: pictures, and landmarks."""
    clips = plan_clips("sequences", "lesson", seed)
    surprised = [clip for clip in clips if clip.emotion == "surprise"][:4]
    drawn = [[frame for frame, _ in draw_clip(clip, SETS["sequences"])] for clip in surprised]
    frames = max(drawn, key=_movement)
    chosen = [frames[i] for i in np.linspace(0, len(frames) - 1, _FRAMES).round().astype(int)]
    figure, axes = plt.subplots(2, _FRAMES, figsize=(7.4, 2.9), layout="constrained")
    for t, frame in enumerate(chosen):
        axes[0, t].imshow(crop_face(frame.image))
        axes[0, t].set(xticks=[], yticks=[])
        plots.plot_landmarks(frame.landmarks, ax=axes[1, t], colour=plots.SERIES[0], width=1.4)
        axes[0, t].set_title(f"frame {t + 1}", fontsize=9)
    axes[0, 0].set_ylabel("network 1:\nappearance")
    axes[1, 0].text(
        -0.08, 0.5, "network 2:\ngeometry", rotation=90, ha="right", va="center", ma="center",
        transform=axes[1, 0].transAxes,
    )  # fmt: skip
    return figure


def _movement(frames: Sequence[Frame]) -> float:
    """How far the landmarks move from the first frame to the last, on average."""
    return float(np.abs(frames[-1].landmarks - frames[0].landmarks).mean())


def plot_joint_idea(person: int, others: Sequence[int]) -> Figure:
    """Draw what the joint loss asks: move a mean face to the landmarks, and name the emotion."""
    frame = draw_expression(person, "surprise")
    start = _place_mean_face(frame.landmarks, others)
    figure, axes = plt.subplots(1, 3, figsize=(7.4, 3.0), layout="constrained")
    titles = (
        "start: the mean face",
        "landmark loss: how far to move",
        "class loss: which emotion?",
    )
    for ax, title in zip(axes, titles, strict=True):
        ax.set_title(title, fontsize=10)
        ax.set_axis_off()
    for ax in axes[:2]:
        ax.imshow(frame.image, alpha=0.65)
        ax.set(xlim=(35, 190), ylim=(210, 35))
    plots.plot_landmarks(start, ax=axes[0], colour="#b03000", width=2)
    plots.plot_landmarks(frame.landmarks, ax=axes[1], colour=plots.SERIES[0], width=2)
    reach = (frame.landmarks - start).T
    axes[1].quiver(*start.T, *reach, color="#b03000", angles="xy", scale_units="xy", scale=1,
                   width=0.008, zorder=4)  # fmt: skip
    axes[1].set(xlim=(35, 190), ylim=(210, 35))
    _list_classes(axes[2], "surprise")
    return figure


def _place_mean_face(landmarks: np.ndarray, people: Sequence[int]) -> np.ndarray:
    """The mean neutral face of people `(68, 2)`, as large as the landmarks and at their centre."""
    faces = np.stack([draw_expression(i, "neutral", size=64).landmarks for i in people])
    mean = faces.mean(0) - faces.mean((0, 1))
    return mean * inter_ocular(landmarks) / inter_ocular(mean) + landmarks.mean(0)


def _list_classes(ax: Axes, right: str) -> None:
    """Write the seven classes, the true one marked."""
    names = ("neutral", "anger", "disgust", "fear", "happiness", "sadness", "surprise")
    for row, name in enumerate(names):
        mark, weight = ("●", "bold") if name == right else ("○", "normal")
        y = 0.9 - 0.13 * row
        ax.text(0.2, y, mark, color=plots.SERIES[0], transform=ax.transAxes, va="center", size=12)
        ax.text(0.34, y, name, color=INK, weight=weight, transform=ax.transAxes, va="center")


def plot_identity_idea(person: int, other: int) -> Figure:
    """Draw a face beside three others: the same person, the same emotion, and neither."""
    shown = [
        (person, "happiness", "a face"),
        (person, "anger", "same person,\nother emotion"),
        (other, "happiness", "other person,\nsame emotion"),
        (other, "anger", "other person,\nother emotion"),
    ]
    figure, axes = plt.subplots(1, 4, figsize=(6.4, 2.5), layout="constrained")
    for ax, (who, emotion, title) in zip(axes, shown, strict=True):
        ax.imshow(crop_face(draw_expression(who, emotion).image))
        ax.set_title(title, fontsize=10)
        ax.set_axis_off()
    return figure
