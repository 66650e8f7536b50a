"""The pages on data sets, docs/data.md and docs/data/NAME.md, written from their records.

`write_pages()` writes them anew.
"""

import inspect
from dataclasses import asdict, dataclass
from pathlib import Path

from ferkit.core.files import PROJECT, write_text
from ferkit.data import DATASETS, dataset
from ferkit.workbook.needs import NEEDS, find_obstacle, markdown

DOCS = PROJECT / "docs"
_BEGIN = "<!-- written by ferkit.workbook.data_pages -->"
_END = "<!-- end -->"
# What a notebook tells of a data set.
NOTEBOOK_FINDINGS = {
    "00": "how faces are drawn",
    "01": "how many clips and people each emotion has; no picture is opened",
    "02": "emotions from 68 landmarks, raw and minus each person's mean, in folds by person; 50 "
    "classes where emotions are mixed",
    "03": "50 compound classes from the picture and the landmarks together, in folds by person",
    "04": "emotions from 60 patches of a face and from one, in folds by person; how folds by image "
    "inflate the result",
    "05": "emotions from sequences of pictures (DTAN) and of landmarks (DTGN), in folds by person",
    "06": "both networks of 05 tuned together, beside a weighted sum; run 05 first",
    "07": "whether features of identity help to recognise the emotion",
    "08": "how networks trained on drawn faces recognise these photographs, in seven and three "
    "classes",
    "09": "t-SNE of DTGN's features on these sequences; the faces explained by Grad-CAM are drawn",
    "10": "all methods on the same people, in folds by person, compared in pairs",
    "11": "fourteen leaks: how much each inflates a score on these faces",
}
# The pictures of a complete copy that a notebook opens; of videos the one picture that is read.
PICTURES = {
    "affectnet": 287_651 + 3_999,
    "affectnet-yolo": 25_262,
    "ckplus": 5_876,
    "ckplus48": 981,
    "cmu": 624,
    "cremad": 6_972,
    "fer2013": 35_887,
    "fer2013-folders": 35_887,
    "ised": 428,
    "jaffe": 213,
    "kdef": 4_900,
    "london": 204,
    "mefed": 22_969,
    "rafd": 8_040,
    "rafdb": 15_339,
    "ravdess": 1_248,
    "yale": 59,
}
# Minutes of one core until the faces of 1 000 photographs are found, the most of three sets.
FINDING = 0.4


@dataclass(frozen=True)
class MeasuredRun:
    """Minutes of one core that a notebook took at `lesson`, for so many drawn pictures.

    Where it does not grow, the drawn faces take nearly all of the time.
    """

    minutes: float
    pictures: int
    grows: bool = True


MEASURED_RUNS = {
    "01": MeasuredRun(0.31, 2_000, grows=False),
    "02": MeasuredRun(1.4, 2_000),
    "03": MeasuredRun(2.3, 2_000),
    "04": MeasuredRun(3.2, 210),
    "05": MeasuredRun(2.8, 3_924),
    "06": MeasuredRun(1.7, 3_924),
    "07": MeasuredRun(6, 1_308),
    "08": MeasuredRun(5.9, 2_000, grows=False),
    "09": MeasuredRun(1, 3_924, grows=False),
    "10": MeasuredRun(1.1, 654),
    "11": MeasuredRun(0.44, 420),
}


_ABOUT_MINUTES = (
    "The time of a first run at level `lesson` on one core is expected, not measured: from the "
    "number of pictures of a complete copy, and from what the notebook took for drawn faces."
)


def page(name: str) -> str:
    """Return the page on a data set: facts, layout, commands, and what each notebook gives."""
    record = dataset(name)
    lines = [f"# `{name}`: {record.card.title}", ""]
    lines += ["| | |", "|---|---|"]
    for field, value in asdict(record.card).items():
        if field == "title":
            continue
        text = {True: "yes", False: "no"}.get(value, value)
        lines.append(f"| {field.replace('_', ' ')} | {text} |")
    lines += ["", "## Files", "", inspect.getdoc(record.read) or "", ""]
    lines += ["## Commands", "", "`my_data` is the folder of these files, or the one above it.", ""]
    lines += ["```", *_commands(name), "```", ""]
    if record.options:
        lines += ["Options, `--data-option NAME=VALUE` for every command below:", ""]
        lines += [f"- `{option}`: {about.about}" for option, about in record.options.items()]
        lines += [""]
    if record.offer.pictures:
        lines += ["## What you get from which notebook", "", _ABOUT_MINUTES, ""]
        lines += ["| notebook | what you get | first run | command |", "|---|---|---|---|"]
        lines += [_notebook_row(name, number) for number in NEEDS]
        lines += [""]
    return "\n".join(lines)


def _commands(name: str) -> list[str]:
    record = dataset(name)
    if name == "folder":
        return ["ferkit data describe my_data", "ferkit data check folder --data-root my_data"]
    first = [f"ferkit data get {name} --data-root my_data"] if record.download else []
    if record.offer.pictures:
        first.append("ferkit data describe my_data")
    return [*first, f"ferkit data check {name} --data-root my_data"]


def expected_minutes(name: str, number: str) -> float | None:
    """Return the minutes of one core that a notebook's first run at `lesson` is expected to take.

    They grow in proportion to the pictures of a complete copy; None where their number is not
    known.
    """
    if name not in PICTURES or number not in MEASURED_RUNS:
        return None
    pictures = PICTURES[name]
    measured = MEASURED_RUNS[number]
    growth = max(1.0, pictures / measured.pictures) if measured.grows else 1.0
    finding = 0.0 if NEEDS[number].labels_only else FINDING * pictures / 1000
    return measured.minutes * growth + finding


def _describe_minutes(minutes: float | None) -> str:
    if minutes is None:
        return "not known"
    if minutes < 1:
        return "under a minute"
    return f"{minutes:.0f} min" if minutes < 90 else f"{minutes / 60:.0f} h"


def _notebook_row(name: str, number: str) -> str:
    obstacle = find_obstacle(number, name)
    link = _notebook_link(number)
    if obstacle:
        return f"| {link} | nothing: {obstacle.partition(': ')[2]} | | |"
    command = f"`ferkit run {number} --dataset {name} --data-root my_data`"
    minutes = _describe_minutes(expected_minutes(name, number))
    return f"| {link} | {NOTEBOOK_FINDINGS[number]} | {minutes} | {command} |"


def _notebook_link(number: str) -> str:
    """Link a notebook from a data set's page."""
    name = next(path.name for path in (PROJECT / "notebooks").glob(f"{number}_*.ipynb"))
    return f"[{number}](../../notebooks/{name})"


def documented() -> list[str]:
    """List the data sets that have a page: all but the drawn ones."""
    return [name for name, record in DATASETS.items() if not record.drawn]


def overview(text: str) -> str:
    """Return docs/data.md with its table of data sets and notebooks as the code has it."""
    before, _, rest = text.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    return f"{before}{_BEGIN}\n\n{markdown()}\n\n{_END}{after}"


def write_pages(docs: Path = DOCS) -> list[Path]:
    """Write all pages; return their files."""
    texts = {docs / "data" / f"{name}.md": page(name) for name in documented()}
    main = docs / "data.md"
    texts[main] = overview(main.read_text(encoding="utf-8"))
    for file, text in texts.items():
        write_text(file, text)
    return list(texts)
