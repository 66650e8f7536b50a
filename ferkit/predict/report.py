"""A page about predictions: every face with its probabilities, people, and videos over time.

The page is one HTML file that needs no network. It contains pictures of faces, so it is personal
data of the people in it.
"""

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from jinja2 import Environment, PackageLoader

from ferkit import __version__
from ferkit.core.files import write_text
from ferkit.predict.analysis import Analysis
from ferkit.predict.output import table_text

MOST_PICTURES = 300  # of faces in one report; the table lists all
_STRIP = (600.0, 26.0)  # width and height of one emotion over time, SVG units
_FEWEST_FRAMES = 3  # for which courses over time are drawn
_TEMPLATES = Environment(
    loader=PackageLoader("ferkit.predict"), autoescape=True, trim_blocks=True, lstrip_blocks=True
)


@dataclass(frozen=True)
class _FaceEntry:
    """What the page shows of a face."""

    place: str
    answer: str
    picture: str  # JPEG in base64
    bars: list[tuple[str, float]]  # class and probability, most probable first


@dataclass(frozen=True)
class _Course:
    """One emotion of one person over time: the line of its smoothed probability, and the dots."""

    emotion: str
    area: str  # the points of an SVG polygon
    dots: list[tuple[float, float]]


def render_report(analysis: Analysis, title: str, model: str = "", seconds: float = 1.0) -> str:
    """Render an analysis as an HTML page.

    `model` says in words what predicted; courses over time are means over `seconds`.
    """
    table = analysis.table()
    summary = analysis.summary()
    csv = base64.b64encode(table_text(table, ".csv").encode()).decode()
    courses = analysis.timeline(seconds)
    entries = [entry for entry in _face_entries(analysis, table) if entry.picture]
    return _TEMPLATES.get_template("report.html").render(
        title=title,
        model=model,
        version=__version__,
        names=analysis.names,
        faces=len(analysis.faces),
        empty=int((table["emotion"] == "").sum()),
        is_calibrated=analysis.neutral is not None,
        summary=list(summary.reset_index().itertuples(index=False)),
        timelines={person: _courses(rows) for person, rows in _long_enough(courses)},
        ends={person: rows["time"].max() for person, rows in _long_enough(courses)},
        seconds=seconds,
        strip=_STRIP,
        entries=entries,
        csv=csv,
    )


def save_report(path: str | Path, analysis: Analysis, title: str, model: str = "") -> Path:
    """Write the page of an analysis, whole or not at all."""
    path = Path(path)
    text = render_report(analysis, title, model)
    write_text(path, text)
    return path


def _face_entries(analysis: Analysis, table: pd.DataFrame) -> Iterator[_FaceEntry]:
    rows = table[table["x0"].notna()].to_dict("records")
    for row, picture in zip(rows, analysis.thumbnails, strict=True):
        bars = sorted(((name, row[name]) for name in analysis.names), key=lambda bar: -bar[1])
        time = row.get("time")
        place = str(row["path"])
        if time is not None and not np.isnan(time):
            place += f", {time:.2f} s"
        elif row["face"]:
            place += f", face {row['face'] + 1}"
        yield _FaceEntry(place, row["emotion"], base64.b64encode(picture).decode(), bars)


def _long_enough(courses: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """The people who were seen long enough for a course over time, with their rows."""
    for person, rows in courses.groupby("person", sort=False):
        if rows["time"].nunique() >= _FEWEST_FRAMES:
            yield str(person), rows


def _courses(rows: pd.DataFrame) -> list[_Course]:
    width, height = _STRIP
    first, last = rows["time"].min(), rows["time"].max()
    courses = []
    for emotion, own in rows.groupby("emotion", sort=False):
        x = width * (own["time"] - first) / max(last - first, 1e-9)
        line = zip(x, height * (1 - own["smoothed"]), strict=True)
        points = [(0.0, height), *line, (width, height)]
        area = " ".join(f"{a:.1f},{b:.1f}" for a, b in points)
        dots = zip(x.round(1), (height * (1 - own["probability"])).round(1), strict=True)
        courses.append(_Course(str(emotion), area, list(dots)))
    return courses
