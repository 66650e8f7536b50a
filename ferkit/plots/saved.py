"""Save figures with their numbers, and draw them again from these.

    folder/name.png     the picture
    folder/name.csv     the table it was drawn from; a column "panel" makes several panels
    folder/name.json    the plot and its options, the notebook, level and seed, and versions

A figure is drawn from the table as the CSV holds it, so drawing it again gives the same file. A
figure that contains photographs or drawn faces (`save_picture`) cannot be drawn from a table; its
picture is kept.
"""

import io
import json
import sys
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from ferkit import __version__
from ferkit.core.files import write_whole
from ferkit.plots.from_table import DPI, draw_table

_FULL_COLOUR_BYTES = 120_000  # larger pictures are saved in 256 colours
_CSV_PRECISION = "%.5g"


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
    """Draw a table with `draw_table` and save folder/name.png, .csv and .json.

    `made_by` says what made the numbers (notebook, level, seed). Options must be JSON values.
    As the last value of a cell, the figure is shown in the notebook.
    """
    folder = Path(folder)
    if table.index.name is not None:
        table = table.reset_index()
    text = _to_csv(table)
    drawing = {"plot": plot, "size": list(size), "title": title, "options": options}
    figure = draw_table(plot, _read_csv(text), size=size, title=title, **options)
    _write(folder / f"{name}.csv", text.encode())
    _write(folder / f"{name}.json", _encode_record(drawing, made_by))
    _write(folder / f"{name}.png", encode_png(figure))
    return _prepare_for_notebook(figure)


def save_picture(
    figure: Figure | Axes,
    folder: str | Path,
    name: str,
    *,
    made_by: Mapping[str, Any],
    table: pd.DataFrame | None = None,
) -> None:
    """Save a figure that contains pictures, so numbers cannot draw it again.

    `table` is saved beside it as CSV.
    """
    folder = Path(folder)
    whole = figure.get_figure(root=True)
    if not isinstance(whole, Figure):
        raise ValueError(f"expected a Figure or Axes of one, got {figure!r}")
    if table is not None:
        _write(folder / f"{name}.csv", _to_csv(table).encode())
    _write(folder / f"{name}.json", _encode_record({"plot": None}, made_by))
    _write(folder / f"{name}.png", encode_png(whole))
    _prepare_for_notebook(whole)


def redraw_figure(file: str | Path) -> Figure:
    """Draw a saved figure again, given its .json, from its .csv.

    FileNotFoundError when one of the two files is missing, ValueError for a figure with pictures.
    """
    file = Path(file)
    record = json.loads(file.read_text(encoding="utf-8"))
    numbers = file.with_suffix(".csv")
    if record["plot"] is None:
        raise ValueError(
            f"{file} describes a figure with pictures, which numbers cannot draw; "
            f"show {file.with_suffix('.png').name} instead"
        )
    if not numbers.is_file():
        maker = record["made_by"].get("notebook", "what made it")
        raise FileNotFoundError(f"{file} has no {numbers.name} beside it; run {maker} again")
    table = _read_csv(numbers.read_text(encoding="utf-8"))
    size = tuple(record["size"])
    figure = draw_table(
        record["plot"], table, size=size, title=record["title"], **record["options"]
    )
    return _prepare_for_notebook(figure)


def redraw_all(folder: str | Path) -> pd.DataFrame:
    """Draw every figure under `folder` again; figures with pictures are kept.

    Columns figure and done ("redrawn", "kept: a picture").
    """
    folder = Path(folder)
    rows = []
    for file in sorted(folder.rglob("*.json")):
        if not file.with_suffix(".png").is_file():
            continue
        has_pictures = json.loads(file.read_text(encoding="utf-8"))["plot"] is None
        if not has_pictures:
            _write(file.with_suffix(".png"), encode_png(redraw_figure(file)))
        name = file.relative_to(folder).with_suffix("").as_posix()
        rows.append((name, "kept: a picture" if has_pictures else "redrawn"))
    return pd.DataFrame(rows, columns=["figure", "done"])


def encode_png(figure: Figure) -> bytes:
    """Encode a figure as PNG; equal figures give equal bytes."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None})
    return shrink_png(buffer.getvalue())


def shrink_png(picture: bytes, largest: int = _FULL_COLOUR_BYTES, colours: int = 256) -> bytes:
    """Reduce a PNG file of more than `largest` bytes to few colours; keep a smaller one."""
    if len(picture) <= largest:
        return picture
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    reduced = image.quantize(colours, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    buffer = io.BytesIO()
    reduced.save(buffer, "png", optimize=True)
    return buffer.getvalue()


def _prepare_for_notebook(figure: Figure) -> Figure:
    """Let a notebook show the figure as a picture of usual size.

    Jupyter learns to show figures only when pyplot opens one; this figure is not one of pyplot's.
    """
    figure.set_dpi(rcParams["figure.dpi"])
    interactive = sys.modules.get("IPython")
    shell = interactive.get_ipython() if interactive else None
    if hasattr(shell, "kernel") and not _knows_figures(shell):
        from IPython.core.pylabtools import select_figure_formats
        from matplotlib_inline.config import InlineBackend

        settings = InlineBackend.instance(parent=shell)
        select_figure_formats(shell, settings.figure_formats, **settings.print_figure_kwargs)
    return figure


def _knows_figures(shell: Any) -> bool:
    formatters = shell.display_formatter.formatters.values()
    return any(Figure in formatter.type_printers for formatter in formatters)


def _encode_record(drawing: Mapping[str, Any], made_by: Mapping[str, Any]) -> bytes:
    versions = {"ferkit": __version__}
    for name in ("matplotlib", "seaborn", "numpy", "pandas"):
        versions[name] = version(name)
    record = {**drawing, "made_by": dict(made_by), "versions": versions}
    return (json.dumps(record, indent=1) + "\n").encode()


def _to_csv(table: pd.DataFrame) -> str:
    return table.to_csv(index=False, float_format=_CSV_PRECISION, lineterminator="\n")


def _read_csv(text: str) -> pd.DataFrame:
    return pd.read_csv(io.StringIO(text), keep_default_na=False, na_values=[""])


def _write(file: Path, content: bytes) -> None:
    write_whole(file, lambda part: part.write_bytes(content))
