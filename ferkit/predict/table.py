"""The table of predictions that `ferkit predict` writes."""

from collections.abc import Sequence

import pandas as pd

from ferkit.predict.priors import name_answers
from ferkit.predict.read_faces import FrameFaces

BOX_COLUMNS = ["x0", "y0", "x1", "y1"]


def predictions_table(
    predictions: Sequence[FrameFaces], names: Sequence[str], unsure: float = 0.0
) -> pd.DataFrame:
    """Return one row per face: path, face, box in the file's pixels, emotion, class probabilities.

    The emotion is "unsure" where no class has at least the probability `unsure`.
    With videos, the columns frame and time (seconds) follow path. A frame without a face has one
    row with an empty emotion, and so has an unreadable file, which the table's
    `attrs["unreadable"]` lists too; `attrs["smallest"]` is the width of the smallest faces that
    were searched for in every frame, in the file's pixels.
    """
    rows = []
    for found in predictions:
        rows += _frame_rows(found, names, unsure)
    videos = any(found.frame.file.is_video for found in predictions)
    frame_columns = ["frame", "time"] if videos else []
    columns = ["path", *frame_columns, "face", *BOX_COLUMNS, "emotion", *names]
    table = pd.DataFrame(rows, columns=columns)
    table = table.astype(dict.fromkeys([*BOX_COLUMNS, *names], float))
    if videos:
        table["frame"] = table["frame"].astype("Int64")
        table["time"] = table["time"].astype(float).round(3)
    table.attrs["unreadable"] = [
        found.frame.file.name for found in predictions if found.frame.problem
    ]
    table.attrs["smallest"] = max((found.smallest for found in predictions), default=0)
    return table


def _frame_rows(found: FrameFaces, names: Sequence[str], unsure: float) -> list[dict]:
    frame = found.frame
    place = {"path": frame.file.name, "frame": frame.number, "time": frame.time}
    if not found.faces or found.probabilities is None:
        return [place | {"face": 0, "emotion": ""}]
    answers = name_answers(found.probabilities, names, unsure)
    rows = []
    for index, (face, probabilities) in enumerate(
        zip(found.faces, found.probabilities, strict=True)
    ):
        box = (face.box / found.scale).round(1)
        row = place | {"face": index, "emotion": answers[index]}
        row |= zip(BOX_COLUMNS, box, strict=True)
        row |= zip(names, probabilities.round(5), strict=True)
        rows.append(row)
    return rows
