"""ISED, the Indian Spontaneous Expression Database: videos, and the picture of each peak."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ferkit.core.files import expand_home
from ferkit.data.card import Card, DataSet, Offer, Option
from ferkit.data.clip import Clip
from ferkit.data.counts import Expected, check_level, verify_clips
from ferkit.data.listing import below, find_file, not_found
from ferkit.data.reports import count_noun, keep_usable, report, shorten

CODES = {1: "happiness", 2: "surprise", 3: "sadness", 4: "disgust"}
TABLE = "ISED_details.mat"
COLUMNS = (
    "person id number peak video picture emotion intensity sex spectacles beard occlusion face_box "
    "left_eye right_eye nose"
).split()
_PICTURES = ("peak", "video")

EXPECTED = Expected(
    emotions=dict(happiness=227, surprise=73, sadness=48, disgust=80),
    counts={"clips": 428, "people": 50},
    unconfirmed=("happiness", "surprise", "sadness", "disgust"),
)
CARD = Card(
    title="ISED, the Indian Spontaneous Expression Database",
    source="S. L. Happy, P. Patnaik, A. Routray, R. Guha, IEEE Transactions on Affective Computing "
    "8(1), 2017",
    licence="on request, research only",
    consent="not checked; see the provider's agreement",
    terms="not to be passed on; no picture is shown here",
    ask="write to the authors (Indian Institute of Technology Kharagpur; address in arXiv "
    "1512.00932)",
    may_show=False,
    open_download=False,
    bias="50 people in India; four emotions, more than half of the clips happiness, no neutral",
    certainty="the provider's readme alone, the numbers per emotion too",
)


def read_ised(root: str | Path, verify: str = "warn", pictures: str = "peak") -> list[Clip]:
    """Read the clips of the provider's table: 428 of 50 people, four emotions.

        root/
            ISED_details.mat            16 columns, a row for each clip
            peakImages/26_7_39.jpg      person, clip, frame of the peak
            videos/PS 1/4.avi           person 1, clip 4

    Each clip is the picture of its peak, or its video with `pictures="video"`. The table decides
    what is read, not the folders. `peak` is the peak's frame in the video, from 0 (the table counts
    from 1), and None when the picture is read. `extra` has the table's other columns, with `video`
    and `picture` as paths. There is no neutral class: the first frame of a video need not be
    neutral. Raises ValueError when the table cannot be read.
    """
    check_level(verify)
    root = expand_home(root)
    if pictures not in _PICTURES:
        raise ValueError(f"pictures={pictures!r} is not known; choose {' or '.join(_PICTURES)}")
    table = find_file(root, TABLE)
    if table is None:
        expected = f"the table {TABLE} beside the folders peakImages/ and videos/"
        raise not_found(CARD.title, root, expected, CARD.ask)
    videos = below(root, "videos") or table.parent / "videos"
    peaks = below(root, "peakImages") or table.parent / "peakImages"
    remarks: list[str] = []
    clips = [_clip(row, videos, peaks, pictures) for row in _read_rows(table, remarks)]
    usable = set(keep_usable([clip.frames[0] for clip in clips], "ised", verify))
    if remarks:
        report(f"ised: {count_noun(remarks, 'fault')} in {TABLE}: {shorten(remarks)}", verify)
    clips = [clip for clip in clips if clip.frames[0] in usable]
    if not clips:
        expected = f"the files that {TABLE} lists"
        raise not_found(f"{CARD.title}: {pictures}", root, expected, CARD.ask)
    verify_clips(clips, EXPECTED, verify)
    return clips


def _clip(row: dict[str, Any], videos: Path, peaks: Path, pictures: str) -> Clip:
    person = str(row["person"])
    number = str(row["number"])
    video = videos.joinpath(*row["video"].replace("\\", "/").split("/")[-2:])
    picture = peaks / row["picture"].replace("\\", "/").split("/")[-1]
    used = ("person", "number", "peak", "emotion")
    further = {name: value for name, value in row.items() if name not in used}
    return Clip(
        "ised",
        person,
        f"{person}_{number}",
        CODES[row["emotion"]],
        (picture if pictures == "peak" else video,),
        sequence=number,
        peak=row["peak"] - 1 if pictures == "video" else None,
        extra=further | {"video": video, "picture": picture},
    )


def _read_rows(path: Path, remarks: list[str]) -> Iterator[dict[str, Any]]:
    """Yield the usable rows, cells as plain values.

    The other rows, and peaks that do not agree, go to `remarks`.
    """
    for number, cells in enumerate(_read_table(path), start=1):
        values = [_plain(cell) for cell in cells]
        row = dict(zip(COLUMNS, values, strict=True))
        numbers = [row[name] for name in ("person", "number", "peak", "emotion")]
        paths = [row["video"], row["picture"]]
        are_whole = all(isinstance(value, int) and value > 0 for value in numbers)
        if not are_whole or row["emotion"] not in CODES:
            remarks.append(
                f"row {number} (skipped: person, number, peak and emotion are {numbers})"
            )
            continue
        if not all(isinstance(value, str) and value for value in paths):
            remarks.append(f"row {number} (skipped: no path of the video or of the picture)")
            continue
        named = Path(row["picture"].replace("\\", "/")).stem.split("_")
        if named != [str(value) for value in numbers[:3]]:
            remarks.append(
                f"row {number} (person, number and peak are {numbers[:3]}, "
                f"the picture is {row['picture']})"
            )
        yield row


def _read_table(path: Path) -> np.ndarray:
    """The cell array of 16 columns, whatever it is called in the file."""
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    try:
        content = loadmat(path)
    except NotImplementedError:
        raise ValueError(
            f"{path} is in MATLAB's format 7.3, which is not supported; in MATLAB or Octave load "
            f"it and `save -v7 {TABLE}`"
        ) from None
    except (MatReadError, ValueError, OSError, TypeError) as error:
        raise ValueError(f"{path} is no whole MATLAB file ({error})") from None
    for value in content.values():
        is_cell_array = isinstance(value, np.ndarray) and value.dtype == object
        if is_cell_array and value.ndim == 2 and value.shape[1] == len(COLUMNS):
            return value
    raise ValueError(f"{path} has no cell array of {len(COLUMNS)} columns")


def _plain(cell: Any) -> Any:
    """A cell as a whole number, a number, a text without surrounding blanks, or a list."""
    value = np.asarray(cell).squeeze()
    while value.dtype == object and value.ndim == 0:
        value = np.asarray(value.item()).squeeze()
    if value.ndim:
        return value.tolist()
    item = value.item()
    if isinstance(item, str):
        text = item.strip()
        return int(text) if text.isdigit() else text
    return int(item) if float(item).is_integer() else float(item)


DATA_SET = DataSet(
    "ised",
    read_ised,
    ("ised", "ISED"),
    CARD,
    Offer(4),
    EXPECTED,
    options={"pictures": Option("peak (the picture of the peak, the default) or video")},
    path=r"ISED_details\.mat$",
)
