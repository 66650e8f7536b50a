"""ISED, the Indian Spontaneous Expression Database: films of spontaneous expressions and the picture of each peak."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ferkit.data.cards import Card
from ferkit.data.clips import Clip
from ferkit.data.files import below, find_file, not_found, report, shorten, usable
from ferkit.data.verify import Expected, check_level, verify_clips

CODES = {1: "happiness", 2: "surprise", 3: "sadness", 4: "disgust"}
TABLE = "ISED_details.mat"
COLUMNS = (
    "person id number peak film picture emotion intensity sex spectacles beard occlusion face_box left_eye right_eye nose"
).split()
PICTURES = ("peak", "film")

EXPECTED = Expected(
    emotions=dict(happiness=227, surprise=73, sadness=48, disgust=80),
    counts={"clips": 428, "people": 50},
    unconfirmed=("happiness", "surprise", "sadness", "disgust"),
)
CARD = Card(
    title="ISED, the Indian Spontaneous Expression Database",
    source="S. L. Happy, P. Patnaik, A. Routray, R. Guha, IEEE Transactions on Affective Computing 8(1), 2017",
    licence="on request, research only",
    consent="not checked; the provider's agreement says",
    terms="not to be passed on; no picture is shown here",
    ask="write to the authors (Indian Institute of Technology Kharagpur; address in arXiv 1512.00932)",
    may_show=False,
    open_download=False,
    bias="50 people in India; four emotions, more than half of the clips happiness, no neutral",
)


def read_ised(root: str | Path, verify: str = "warn", pictures: str = "peak") -> list[Clip]:
    """The clips of the provider's table: 428 of 50 people, four emotions; each as the picture of its peak, or as its film.

        root/
            ISED_details.mat            16 columns, a row for each clip
            peakImages/26_7_39.jpg      person, clip, frame of the peak
            videos/PS 1/4.avi           person 1, clip 4

    The table decides what is read, not the folders. `peak` is the peak's frame in the film, from 0 (the table counts from
    1), and None when the picture is read. `extra` has the table's other columns, and `film` and `picture` as paths. There
    is no neutral: the first frame of a film is not promised to be. Raises ValueError when the table cannot be read.
    """
    check_level(verify)
    root = Path(root).expanduser()
    if pictures not in PICTURES:
        raise ValueError(f"pictures={pictures!r} is not known; choose {' or '.join(PICTURES)}")
    table = find_file(root, TABLE)
    if table is None:
        raise not_found(CARD.title, root, f"the table {TABLE} beside the folders peakImages/ and videos/", CARD.ask)
    films, peaks = (below(root, name) or table.parent / name for name in ("videos", "peakImages"))
    problems: list[str] = []
    clips = [_clip(row, films, peaks, pictures) for row in _rows(table, problems)]
    there = set(usable([clip.frames[0] for clip in clips], "ised", verify))
    if problems:
        report(f"ised: {len(problems)} remark(s) on rows of {TABLE}: {shorten(problems)}", verify)
    clips = [clip for clip in clips if clip.frames[0] in there]
    if not clips:
        raise not_found(f"{CARD.title}: {pictures}", root, f"the files that {TABLE} lists", CARD.ask)
    verify_clips(clips, EXPECTED, verify)
    return clips


def _clip(row: dict[str, Any], films: Path, peaks: Path, pictures: str) -> Clip:
    person, number = str(row["person"]), str(row["number"])
    film = films.joinpath(*row["film"].replace("\\", "/").split("/")[-2:])
    picture = peaks / row["picture"].replace("\\", "/").split("/")[-1]
    own = {name: row[name] for name in COLUMNS if name not in ("person", "number", "peak", "emotion")}
    return Clip(
        "ised",
        person,
        f"{person}_{number}",
        CODES[row["emotion"]],
        (picture if pictures == "peak" else film,),
        sequence=number,
        peak=row["peak"] - 1 if pictures == "film" else None,
        extra=own | {"film": film, "picture": picture},
    )


def _rows(path: Path, problems: list[str]) -> Iterator[dict[str, Any]]:
    """The rows that can be used, cells as plain values; remarks on the others, and on peaks that do not agree."""
    for number, cells in enumerate(_table(path), start=1):
        row = dict(zip(COLUMNS, map(_plain, cells), strict=True))
        whole = [row[name] for name in ("person", "number", "peak", "emotion")]
        if not all(isinstance(value, int) and value > 0 for value in whole) or row["emotion"] not in CODES:
            problems.append(f"row {number} (skipped: person, number, peak and emotion are {whole})")
        elif not all(isinstance(row[name], str) and row[name] for name in ("film", "picture")):
            problems.append(f"row {number} (skipped: no path of the film or of the picture)")
        else:
            named = Path(row["picture"].replace("\\", "/")).stem.split("_")
            if named != [str(value) for value in whole[:3]]:
                problems.append(
                    f"row {number} (person, number and peak are {whole[:3]}, the picture is {row['picture']})"
                )
            yield row


def _table(path: Path) -> np.ndarray:
    """The cell array of 16 columns, whatever it is called in the file."""
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    try:
        content = loadmat(path)
    except NotImplementedError:
        raise ValueError(
            f"{path} is in MATLAB's format 7.3, which is not read here; in MATLAB or Octave load it and "
            f"`save -v7 {TABLE}`"
        ) from None
    except (MatReadError, ValueError, OSError, TypeError) as error:
        raise ValueError(f"{path} is no whole MATLAB file ({error})") from None
    for value in content.values():
        if (
            isinstance(value, np.ndarray)
            and value.dtype == object
            and value.ndim == 2
            and value.shape[1] == len(COLUMNS)
        ):
            return value
    raise ValueError(f"{path} has no cell array of {len(COLUMNS)} columns")


def _plain(cell: Any) -> Any:
    """A cell as a whole number, a number, a text without blanks around, or a list."""
    value = np.asarray(cell).squeeze()
    while value.dtype == object and value.ndim == 0:
        value = np.asarray(value.item()).squeeze()
    if value.ndim:
        return value.tolist()
    one = value.item()
    if isinstance(one, str):
        text = one.strip()
        return int(text) if text.isdigit() else text
    return int(one) if float(one).is_integer() else float(one)
