"""Figures on disk: a picture, the numbers behind it, and what made it, so that each can be drawn again.

folder/
    name.png     the picture
    name.csv     the table it was drawn from; a column "panel" puts several plots side by side
    name.json    the plot and its options, the notebook, level and seed, and versions

A figure is drawn from the table as the CSV holds it, so drawing it again gives the same file. A figure with photographs or
drawn faces in it (`save_picture`) has no table that could: it is kept as it is.
"""

import io
import json
from collections.abc import Callable, Mapping
from importlib.metadata import version
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from ferkit import __version__
from ferkit.paths import write_whole
from ferkit.plots.colours import EMOTION_COLOURS, SERIES
from ferkit.plots.explained import plot_embedding, plot_roc
from ferkit.plots.faces import plot_displacement, plot_landmarks, plot_residuals
from ferkit.plots.gap import plot_gap
from ferkit.plots.labels import plot_compound_grid, plot_votes
from ferkit.plots.results import plot_confusion, plot_history, plot_intervals, plot_top_k, plot_trainings
from ferkit.plots.sequences import plot_alpha, plot_courses

DPI = 110
SMALL = 120_000  # bytes; larger pictures are saved in 256 colours
PRECISION = "%.5g"  # of numbers in the CSV


def points_table(points: np.ndarray, **columns: Any) -> pd.DataFrame:
    """A row for each face `(N, 68, 2)`: the given columns (such as panel and person), then x0, y0, ... y67."""
    points = np.asarray(points, dtype=np.float64)
    names = [f"{axis}{i}" for i in range(68) for axis in "xy"]
    table = pd.DataFrame(points.reshape(len(points), -1), columns=names)
    for place, (name, value) in enumerate(columns.items()):
        table.insert(place, name, value)
    return table


def table_points(table: pd.DataFrame) -> np.ndarray:
    """The faces `(N, 68, 2)` of a table with columns x0, y0, ... y67."""
    return table[[f"{axis}{i}" for i in range(68) for axis in "xy"]].to_numpy(dtype=np.float64).reshape(-1, 68, 2)


def _landmarks(table: pd.DataFrame, *, ax: Axes, **options: Any) -> Axes:
    labels = table.get("label", pd.Series([None] * len(table)))
    for face, label, colour in zip(table_points(table), labels, cycle(SERIES), strict=False):
        plot_landmarks(face, ax=ax, colour=EMOTION_COLOURS.get(label, colour), label=label, **options)
    if "label" in table:
        ax.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, 0), ncols=4)
    return ax


# What can be drawn from a table alone.
PLOTS: dict[str, Callable[..., Axes]] = {
    "plot_landmarks": _landmarks,  # points, one face a row; a column "label" names them
    "plot_residuals": lambda table, *, ax, **options: plot_residuals(table_points(table), ax=ax, **options),
    "plot_displacement": lambda table, *, ax, **options: plot_displacement(*table_points(table), ax=ax, **options),
    "plot_votes": lambda table, *, ax, **options: plot_votes(dict(zip(table["name"], table["votes"], strict=True)), ax=ax, **options),
    "plot_compound_grid": lambda table, *, ax, **options: plot_compound_grid(table.get("value"), ax=ax, **options),
    "plot_confusion": plot_confusion,
    "plot_top_k": plot_top_k,
    "plot_intervals": plot_intervals,
    "plot_trainings": plot_trainings,
    "plot_history": plot_history,
    "plot_alpha": plot_alpha,
    "plot_courses": plot_courses,
    "plot_embedding": plot_embedding,
    "plot_roc": plot_roc,
    "plot_gap": plot_gap,  # in panels of different kinds
}  # fmt: skip
ONE_LEGEND = ("plot_intervals", "plot_trainings", "plot_embedding")  # for all panels
ONE_SCALE = ("plot_intervals", "plot_trainings")
FACES = ("plot_landmarks", "plot_residuals", "plot_displacement")  # panels share their scale


def draw(
    plot: str, table: pd.DataFrame, *, size: tuple[float, float] = (6.4, 4.0), title: str = "", **options: Any
) -> Figure:
    """A figure of `size` inches a panel: one of PLOTS for the table, or for each value of its column "panel" in turn."""
    if plot not in PLOTS:
        raise ValueError(f"unknown plot {plot!r}; known: {', '.join(PLOTS)}")
    panels = list(table.groupby("panel", sort=False)) if "panel" in table else [("", table)]
    figure = Figure(
        figsize=(size[0] * len(panels), size[1]), layout="constrained", dpi=DPI
    )  # whatever a notebook shows it at
    for ax, (name, part) in zip(
        np.ravel(figure.subplots(1, len(panels), sharex=plot in FACES, sharey=plot in FACES)), panels, strict=True
    ):
        rows = part.drop(columns="panel", errors="ignore").reset_index(drop=True)
        PLOTS[plot](rows, ax=ax, **options)
        ax.set_title(name)
    if plot in ONE_LEGEND and (len(panels) > 1 or plot == "plot_trainings"):
        _alike(figure, plot in ONE_SCALE)
    figure.suptitle(title)
    figure.draw_without_rendering()  # labels outside the axes find their place in the second pass only
    return figure


def _alike(figure: Figure, one_scale: bool) -> None:
    """Panels that are to be compared: one legend, of all that any of them names, below, and one scale where asked."""
    entries: dict[str, Any] = {}
    for ax in figure.axes:
        if one_scale:
            ends = [ax.get_xlim() for ax in figure.axes]
            ax.set_xlim(min(left for left, _ in ends), max(right for _, right in ends))
        if legend := ax.get_legend():
            entries |= {label: handle for handle, label in zip(*ax.get_legend_handles_labels(), strict=True)}
            legend.remove()
    if not entries:
        return
    figure.legend(list(entries.values()), list(entries), loc="outside lower center", ncols=len(entries), frameon=False)


def save_figure(
    plot: str,
    table: pd.DataFrame,
    folder: str | Path,
    name: str,
    *,
    made_by: Mapping[str, Any],
    size: tuple[float, float] = (6.4, 4.0),
    title: str = "",
    **options: Any,
) -> Figure:
    """The figure, drawn by `draw` from the table and saved as folder/name.png, .csv and .json.

    `made_by` says what made the numbers (notebook, level, seed). Options must be what JSON holds.
    """
    folder = Path(folder)
    if table.index.name is not None:
        table = table.reset_index()
    text = table.to_csv(index=False, float_format=PRECISION, lineterminator="\n")
    how = {"plot": plot, "size": list(size), "title": title, "options": options}
    figure = draw(plot, _read(text), size=size, title=title, **options)
    _write(folder / f"{name}.csv", text.encode())
    _write(folder / f"{name}.json", _about(how, made_by))
    _write(folder / f"{name}.png", png(figure))
    figure.set_dpi(rcParams["figure.dpi"])  # a notebook shows it as large as its other figures
    return figure


def save_picture(
    figure: Figure | Axes,
    folder: str | Path,
    name: str,
    *,
    made_by: Mapping[str, Any],
    table: pd.DataFrame | None = None,
) -> None:
    """Saves a figure with pictures in it, which cannot be drawn again from numbers; `table` goes beside it as CSV."""
    folder, whole = Path(folder), figure.get_figure(root=True)
    if not isinstance(whole, Figure):
        raise ValueError(f"expected a Figure or Axes of one, got {figure!r}")
    if table is not None:
        _write(folder / f"{name}.csv", table.to_csv(index=False, float_format=PRECISION, lineterminator="\n").encode())
    _write(folder / f"{name}.json", _about({"plot": None}, made_by))
    _write(folder / f"{name}.png", png(whole))


def drawn_again(file: str | Path) -> Figure:
    """The figure of a .json that `save_figure` wrote, drawn from the .csv beside it.

    FileNotFoundError when one of the two is gone, ValueError for a picture, which no numbers can draw.
    """
    file = Path(file)
    how, numbers = json.loads(file.read_text(encoding="utf-8")), file.with_suffix(".csv")
    if how["plot"] is None:
        raise ValueError(f"{file} tells of a picture; only {file.with_suffix('.png').name} itself shows it")
    if not numbers.is_file():
        raise FileNotFoundError(
            f"{file} has no {numbers.name} beside it; run {how['made_by'].get('notebook', 'what made it')} again"
        )
    table = _read(numbers.read_text(encoding="utf-8"))
    figure = draw(how["plot"], table, size=tuple(how["size"]), title=how["title"], **how["options"])
    figure.set_dpi(rcParams["figure.dpi"])
    return figure


def redraw(file: str | Path) -> bool:
    """Draws the figure of one .json again (`drawn_again`) into its .png; False for a picture, which is kept as it is."""
    file = Path(file)
    if json.loads(file.read_text(encoding="utf-8"))["plot"] is None:
        return False
    _write(file.with_suffix(".png"), png(drawn_again(file)))
    return True


def redraw_all(folder: str | Path) -> pd.DataFrame:
    """Draws every figure under `folder` again; a table of figure and done ("redrawn", "kept: a picture")."""
    folder = Path(folder)
    rows = [
        (file.relative_to(folder).with_suffix("").as_posix(), "redrawn" if redraw(file) else "kept: a picture")
        for file in sorted(folder.rglob("*.json"))
        if file.with_suffix(".png").is_file()
    ]
    return pd.DataFrame(rows, columns=["figure", "done"])


def png(figure: Figure) -> bytes:
    """The figure as a PNG file, the same bytes for the same figure; in 256 colours when it would be large."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None})
    return small_png(buffer.getvalue())


def small_png(picture: bytes) -> bytes:
    """A PNG file as it is, or in 256 colours where it is large."""
    if len(picture) <= SMALL:
        return picture
    few = (
        Image.open(io.BytesIO(picture)).convert("RGB").quantize(256, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    )
    buffer = io.BytesIO()
    few.save(buffer, "png", optimize=True)
    return buffer.getvalue()


def _about(how: Mapping[str, Any], made_by: Mapping[str, Any]) -> bytes:
    versions = {"ferkit": __version__} | {name: version(name) for name in ("matplotlib", "seaborn", "numpy", "pandas")}
    return (json.dumps({**how, "made_by": dict(made_by), "versions": versions}, indent=1) + "\n").encode()


def _read(text: str) -> pd.DataFrame:
    return pd.read_csv(io.StringIO(text), keep_default_na=False, na_values=[""])


def _write(file: Path, content: bytes) -> None:
    write_whole(file, lambda part: part.write_bytes(content))
