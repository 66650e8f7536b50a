"""Who is who in a table of predictions, and what each person showed: means, and over time.

Faces of a video belong to one person while their boxes overlap from frame to frame, or over a few
frames in which none was found; nobody is recognised. In a picture each face counts as a person of
its own, unless the person is known.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from ferkit.predict.priors import name_answers
from ferkit.predict.table import BOX_COLUMNS

_LONGEST_GAP = 5  # sampled frames until a person is seen again, one second by default
_LEAST_OVERLAP = 0.3  # of two boxes of one person in successive frames: intersection over union


def name_people(table: pd.DataFrame, known: Mapping[str, str] | None = None) -> pd.Series:
    """Name the person of each row of a table of predictions; "" where there is no face.

    `known` names the only person of a file, by its path.
    """
    names = pd.Series("", index=table.index, dtype=str)
    for path, everything in table.groupby("path", sort=False):
        rows = everything[everything["x0"].notna()]
        if known and path in known:
            names[rows.index] = known[str(path)]
        elif "frame" in rows and rows["frame"].notna().all():
            tracks = _follow(rows, everything["frame"].unique())
            names[rows.index] = [f"{path}: person {track}" for track in tracks]
        elif len(rows) == 1:
            names[rows.index] = str(path)
        else:
            names[rows.index] = [f"{path}: face {face + 1}" for face in rows["face"]]
    return names


def summarise_people(
    table: pd.DataFrame, people: pd.Series, names: Sequence[str], unsure: float = 0.0
) -> pd.DataFrame:
    """Tabulate what each person showed: faces, the most frequent emotion, mean probabilities.

    Indexed by person; `share` is that of the faces with the most frequent emotion.
    """
    rows = []
    seen = table[people != ""]
    for person, faces in seen.groupby(people[people != ""], sort=False):
        probabilities = faces[list(names)].to_numpy()
        answers = pd.Series(name_answers(probabilities, names, unsure)).value_counts()
        row = {"person": person, "faces": len(faces)}
        row |= {"emotion": answers.index[0], "share": answers.iloc[0] / len(faces)}
        rows.append(row | dict(zip(names, probabilities.mean(0), strict=True)))
    columns = ["person", "faces", "emotion", "share", *names]
    return pd.DataFrame(rows, columns=columns).set_index("person")


def timeline(
    table: pd.DataFrame, people: pd.Series, names: Sequence[str], seconds: float = 1.0
) -> pd.DataFrame:
    """Tabulate probabilities over time: columns person, time, emotion, probability and smoothed.

    `smoothed` is the mean over the frames of the same person within `seconds` / 2 before and after.
    Without videos the table is empty.
    """
    parts = []
    if "time" in table:
        timed = table[(people != "") & table["time"].notna()]
        for person, faces in timed.groupby(people[timed.index], sort=False):
            times = faces["time"].to_numpy(dtype=float)
            probabilities = faces[list(names)].to_numpy(dtype=float)
            smoothed = smooth_over_time(times, probabilities, seconds)
            for k, name in enumerate(names):
                part = {"person": person, "time": times, "emotion": name}
                part |= {"probability": probabilities[:, k], "smoothed": smoothed[:, k]}
                parts.append(pd.DataFrame(part))
    columns = ["person", "time", "emotion", "probability", "smoothed"]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)


def smooth_over_time(times: np.ndarray, values: np.ndarray, seconds: float) -> np.ndarray:
    """Average values `(T, K)` over a window of so many seconds around each of the times `(T,)`."""
    if seconds < 0:
        raise ValueError(f"the window must be 0 seconds or more, got {seconds}")
    # Times are rounded to milliseconds, and a frame at the window's edge belongs to it.
    reach = seconds / 2 + 2e-3
    order = np.argsort(times, kind="stable")
    in_order = times[order]
    first = np.searchsorted(in_order, times - reach, side="left")
    end = np.searchsorted(in_order, times + reach, side="right")
    sums = np.cumsum(values[order], axis=0)
    sums = np.concatenate([np.zeros_like(sums[:1]), sums])
    return (sums[end] - sums[first]) / (end - first)[:, None]


def _follow(rows: pd.DataFrame, frames: np.ndarray) -> list[int]:
    """Number the people in a video's rows with a face, from 1.

    Boxes are followed through the sampled `frames`, those without a face among them.
    """
    boxes = rows[BOX_COLUMNS].to_numpy(dtype=float)
    places = pd.Index(frames).get_indexer(rows["frame"])
    tracks = np.zeros(len(rows), dtype=int)
    last: dict[int, tuple[int, np.ndarray]] = {}  # where each person was seen last
    count = 0
    for place, own in pd.Series(range(len(rows))).groupby(places):
        last = {track: seen for track, seen in last.items() if place - seen[0] <= _LONGEST_GAP}
        pairs = []
        for i in own:
            for track, (_, box) in last.items():
                pairs.append((_overlap(boxes[i], box), i, track))
        taken: set[int] = set()
        for overlap, i, track in sorted(pairs, key=lambda pair: -pair[0]):
            if overlap >= _LEAST_OVERLAP and not tracks[i] and track not in taken:
                tracks[i] = track
                taken.add(track)
        for i in own:
            if not tracks[i]:
                count += 1
                tracks[i] = count
            last[int(tracks[i])] = (place, boxes[i])
    return tracks.tolist()


def _overlap(box: np.ndarray, other: np.ndarray) -> float:
    """The intersection of two boxes over their union."""
    low = np.maximum(box[:2], other[:2])
    high = np.minimum(box[2:], other[2:])
    common = float(np.prod(np.maximum(high - low, 0)))
    areas = np.prod(box[2:] - box[:2]) + np.prod(other[2:] - other[:2])
    return common / (float(areas) - common)
