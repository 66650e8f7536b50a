"""Steps of notebook 00: the truth that comes with a drawn picture, and what others see in it.

dlib's landmarks are compared with the true ones; the judge's answers and the displacements of the
face (`workbook.studies`) are put into sentences.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure

from ferkit import plots
from ferkit.core.labels import SEVEN
from ferkit.core.landmarks import REGIONS, inter_ocular
from ferkit.data.clip import Clip
from ferkit.drawn.draw import Frame
from ferkit.drawn.head import BACKGROUND, CLOTHES, HEAD_PARTS
from ferkit.faces.detect import find_face
from ferkit.faces.load import load_clips
from ferkit.faces.pictures import read_image
from ferkit.workbook.lessons.start_here import BRIGHT, draw_expression
from ferkit.workbook.studies.judge import Judged, summarize_answers

_PART_NAMES = (*HEAD_PARTS, "clothes", "glasses", "hair", "wall")
# Numbered landmarks, each with the direction of its number.
_NUMBERED = {
    0: (-1, 0), 16: (1, 0), 17: (-0.7, -0.7), 26: (0.7, -0.7), 21: (0, -1), 22: (0, -1),
    30: (1, 0), 36: (-1, 0), 45: (1, 0), 48: (-1, 0), 54: (1, 0),
}  # fmt: skip
_CLOSE_UP = 85  # pixels on either side of the face's centre


# --- the truth of one picture ---


def plot_truth(frame: Frame) -> Figure:
    """Draw a picture, its landmarks, its parts and, on a square-root scale, how far each moved."""
    figure, axes = plt.subplots(2, 2, figsize=(6.4, 5.7), layout="constrained")
    picture, points, parts, motion = axes.ravel()
    picture.imshow(frame.image)
    points.imshow(frame.image, alpha=0.5)
    plots.plot_landmarks(frame.landmarks, ax=points, connect=False, colour=plots.SERIES[0], width=3)
    for i, direction in _NUMBERED.items():
        points.annotate(
            str(i),
            frame.landmarks[i],
            9 * np.array(direction),
            textcoords="offset points",
            fontsize=8,
            ha="center",
            va="center",
        )
    colours = plt.get_cmap("Set3")
    numbers = _number_parts(frame)
    parts.imshow(numbers, cmap=colours, vmin=0, vmax=11)
    for k in np.unique(numbers):
        label = _PART_NAMES[k].replace("_", " ")
        parts.plot([], [], "s", color=colours(k / 11), mec="black", mew=0.5, label=label)
    parts.legend(loc="upper center", bbox_to_anchor=(0.5, 0), ncols=3, fontsize=8, frameon=False)
    shown = np.where(frame.parts == BACKGROUND, np.nan, frame.motion)
    scale = PowerNorm(0.5, vmin=0, vmax=float(np.nanmax(shown)))
    heat = motion.imshow(shown, cmap="viridis", norm=scale)
    figure.colorbar(heat, ax=motion, label="pixels", ticks=[0, 0.5, 2, 5, 10, 20], shrink=0.85)
    titles = ("picture", "68 landmarks", "parts seen", "moved by the expression")
    size = len(frame.image)
    for ax, title in zip(axes.ravel(), titles, strict=True):
        ax.set(title=title, xticks=[], yticks=[])
        ax.set(xlim=(0.1 * size, 0.9 * size), ylim=(0.94 * size, 0.06 * size))
    return figure


def _number_parts(frame: Frame) -> np.ndarray:
    """The parts of a picture `(S, S)` as places in `_PART_NAMES`."""
    parts = frame.parts.astype(int)
    return np.where(parts >= CLOTHES, parts - CLOTHES + len(HEAD_PARTS), parts)


# --- dlib ---


@dataclass(frozen=True, eq=False)
class DlibAnswers:
    """dlib's landmarks beside the true ones, of the n clips whose face it found.

    `clips` n, `truth` and `answers` (n, 68, 2); `searched` is how many clips dlib was shown.
    """

    clips: Sequence[Clip]
    truth: np.ndarray
    answers: np.ndarray
    searched: int

    @property
    def found(self) -> float:
        """The share of faces that dlib found."""
        return len(self.clips) / self.searched

    @property
    def error(self) -> np.ndarray:
        """Distances `(n, 68)` in percent of the distance between the eyes."""
        eyes = inter_ocular(self.truth)[:, None]
        return 100 * np.linalg.norm(self.answers - self.truth, axis=-1) / eyes

    def by_region(self) -> pd.DataFrame:
        """Tabulate the mean distance, and its systematic part: the length of the mean error."""
        bias = (self.answers - self.truth).mean(0) / inter_ocular(self.truth).mean()
        shift = 100 * np.linalg.norm(bias, axis=-1)
        regions = {**REGIONS, "all 68": slice(None)}
        rows = {
            name.replace("_", " "): (self.error[:, part].mean(), shift[part].mean())
            for name, part in regions.items()
        }
        columns = ["mean distance, %", "of it systematic, %"]
        return pd.DataFrame.from_dict(rows, orient="index", columns=columns)


def ask_dlib(drawn_set: str, level: str, seed: int) -> DlibAnswers:
    """Let dlib find the faces and landmarks of a drawn set, in each clip's first frame."""
    clips = load_clips(drawn_set, level, seed)
    faces = [find_face(read_image(clip.frames[0])) for clip in clips]
    found = [(clip, face) for clip, face in zip(clips, faces, strict=True) if face is not None]
    truth = np.array([clip.extra["landmarks"][0] for clip, _ in found]).reshape(-1, 68, 2)
    answers = np.array([face.landmarks for _, face in found]).reshape(-1, 68, 2)
    return DlibAnswers([clip for clip, _ in found], truth, answers, len(clips))


def region_metrics(seen: DlibAnswers) -> dict[str, float]:
    """Return the mean distance of each region as metrics."""
    error = seen.error
    return {
        f"landmark_distance_percent/{name}": float(error[:, part].mean())
        for name, part in REGIONS.items()
    }


def plot_dlib(seen: DlibAnswers) -> Figure:
    """Draw true and found landmarks of the best, the median and the worst face."""
    mean_error = seen.error.mean(1)
    order = np.argsort(mean_error)
    figure, axes = plt.subplots(1, 3, figsize=(7.6, 3.3), layout="constrained")
    places = {"best": order[0], "median": order[len(order) // 2], "worst": order[-1]}
    for ax, (name, k) in zip(axes, places.items(), strict=True):
        ax.imshow(read_image(seen.clips[k].frames[0]), alpha=0.6)
        kinds = ((seen.truth[k], plots.SERIES[0], "truth"), (seen.answers[k], "#b03000", "dlib"))
        for points, colour, label in kinds:
            plots.plot_landmarks(points, ax=ax, colour=colour, width=1.6, label=label)
        x, y = seen.truth[k].mean(0)
        ax.set(xlim=(x - _CLOSE_UP, x + _CLOSE_UP), ylim=(y + _CLOSE_UP, y - _CLOSE_UP))
        ax.set_title(f"{name}: {mean_error[k]:.1f} %\n({seen.clips[k].emotion})")
        ax.set_axis_off()
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2, frameon=False)
    figure.draw_without_rendering()  # the layout has room for all titles only in a second pass
    return figure


def found_in_scene(people: Sequence[int], view: Mapping[str, float]) -> tuple[int, int]:
    """Return in how many neutral and smiling pictures of people dlib finds a face, and of how many.

    `view` are fields of `Scene`; all pictures are drawn in that scene.
    """
    scene = replace(BRIGHT, **view)
    emotions = ("neutral", "happiness")
    pictures = [draw_expression(i, e, scene=scene).image for i in people for e in emotions]
    return sum(find_face(picture) is not None for picture in pictures), len(pictures)


# --- figures in parts, and sentences ---


def split_panels(table: pd.DataFrame, size: int = 1) -> list[pd.DataFrame]:
    """Split the table of a figure with many panels into tables of `size` panels each."""
    names = list(dict.fromkeys(table["panel"]))
    groups = [names[start : start + size] for start in range(0, len(names), size)]
    return [table[table["panel"].isin(group)] for group in groups]


def describe_judged(before: Judged, now: Judged) -> str:
    """Say what the judge names, what it mistakes, and which faces its detectors miss."""
    summary = summarize_answers(now.answers).set_index(["detector", "name"])["value"]
    first = summarize_answers(before.answers).set_index(["detector", "name"])["value"]
    recalls = summary["ssd"][list(SEVEN)].sort_values(ascending=False)
    answers = now.answers[now.answers["detector"] == "ssd"]
    mistakes = answers[answers["said"] != answers["emotion"]]
    neutral = (mistakes["said"] == "neutral").mean()
    others = mistakes[~mistakes["said"].isin(["neutral", "none"])]
    pairs = others.groupby(["emotion", "said"]).size().sort_values(ascending=False)
    taken = [f"{emotion} for {said} ({n} times)" for (emotion, said), n in pairs.head(2).items()]
    return (
        f"The judge names **{summary['ssd', 'all seven']:.0%}** of the pictures as they were drawn "
        f"({first['ssd', 'all seven']:.0%} before the expressions were tuned). It recognises "
        f"{_list_shares(recalls.head(2))} best and {_list_shares(recalls.tail(2))} least. "
        f"Of its mistakes, {neutral:.0%} are *neutral*, an expression it does not notice; "
        f"otherwise it most often takes {' and '.join(taken)}. The larger detector finds "
        f"{summary['ssd', 'face found']:.0%} of the faces, the smaller one "
        f"{summary['tiny', 'face found']:.0%}."
    )


def describe_displacements(compared: pd.DataFrame) -> str:
    """Say how many drawn displacements are near the photographed ones, and where they are not.

    The table is that of `studies.displacement.set_against`.
    """
    near = compared["is_near"]
    by_emotion = compared.groupby("emotion")["is_near"].agg(["sum", "size"]).sort_values("sum")
    least = by_emotion[by_emotion["sum"] == by_emotion["sum"].min()]
    names = " and ".join(least.index)
    far = compared[~near].copy()
    far["size"] = far["difference"].abs()
    worst = far.nlargest(3, "size")
    cases = [
        f"*{row.measure}* in {row.emotion} (drawn {row.value_drawn:+.0f}, "
        f"photographed {row.value_press:+.0f} %)"
        for row in worst.itertuples()
    ]
    return (
        f"**{near.sum()} of {len(near)}** drawn displacements are near the photographed ones. "
        f"Fewest are near in {names} ({least['sum'].iloc[0]} of {least['size'].iloc[0]} measures). "
        f"The largest differences: {'; '.join(cases)}."
    )


def _list_shares(shares: pd.Series) -> str:
    return " and ".join(f"{name} ({share:.0%})" for name, share in shares.items())
