"""All that is found in some pictures or videos, kept in memory: faces, thumbnails, probabilities.

found = analyse(read_frames(list_inputs("my_pictures"), Sampling()), predictor)
found.table()
found = found.calibrated(found.face(3))
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from ferkit.faces.detect import Face
from ferkit.predict.calibrate import CalibratedPredictor, calibrate
from ferkit.predict.frames import InputFrame
from ferkit.predict.people import name_people, summarise_people, timeline
from ferkit.predict.predictors import Predictor
from ferkit.predict.read_faces import FrameFaces, predict_emotions, read_faces
from ferkit.predict.shipped import load_model
from ferkit.predict.table import predictions_table
from ferkit.predict.thumbnails import face_pictures


@dataclass(frozen=True, eq=False)
class Analysis:
    """Frames with their faces, and a small picture (JPEG) of each face, a list for each frame."""

    names: tuple[str, ...]
    predictions: tuple[FrameFaces, ...] = ()
    pictures: tuple[list[bytes], ...] = ()
    unsure: float = 0.0
    neutral: Face | None = None  # with which the faces were compared

    def __add__(self, other: "Analysis") -> "Analysis":
        return replace(
            self,
            predictions=self.predictions + other.predictions,
            pictures=self.pictures + other.pictures,
        )

    @property
    def faces(self) -> list[Face]:
        """All faces, in the order of the table."""
        return [face for found in self.predictions for face in found.faces]

    @property
    def thumbnails(self) -> list[bytes]:
        """The small pictures of all faces, in the order of the table."""
        return [picture for pictures in self.pictures for picture in pictures]

    def table(self) -> pd.DataFrame:
        """The table that `ferkit predict` writes, with the column `person` after `path`."""
        table = predictions_table(self.predictions, self.names, self.unsure)
        table.insert(1, "person", self._people(table))
        return table

    def summary(self) -> pd.DataFrame:
        """What each person showed; see `summarise_people`."""
        table = self.table()
        return summarise_people(table, table["person"], self.names, self.unsure)

    def timeline(self, seconds: float = 1.0) -> pd.DataFrame:
        """Probabilities over time; see `people.timeline`."""
        table = self.table()
        return timeline(table, table["person"], self.names, seconds)

    def calibrated(self, neutral: Face) -> "Analysis":
        """Predict all faces again, compared with a neutral face of the same person."""
        predictor = calibrate(load_model("residual"), neutral)
        return replace(self._predicted_by(predictor), neutral=neutral)

    def _predicted_by(self, predictor: CalibratedPredictor) -> "Analysis":
        predictions = []
        for found in self.predictions:
            probabilities = np.empty((0, len(self.names)))
            if found.faces:
                inputs = [predictor.look(None, face) for face in found.faces]
                probabilities = predictor.predict(inputs, [found.frame] * len(inputs))
            predictions.append(replace(found, probabilities=probabilities))
        return replace(self, predictions=tuple(predictions))

    def _people(self, table: pd.DataFrame) -> pd.Series:
        files = [found.frame.file for found in self.predictions]
        known = {file.name: file.person for file in files if file.person}
        return name_people(table, known)


def analyse(
    frames: Iterable[InputFrame],
    predictor: Predictor,
    unsure: float = 0.0,
    progress: bool = False,
) -> Analysis:
    """Find the faces in frames, predict their emotions, and keep small pictures of them.

    All frames are in memory together, so sample a long video sparsely.
    """
    held = list(frames)
    batches = read_faces(held, predictor, len(held), progress)
    predictions = predict_emotions(batches, predictor)
    pictures = tuple(face_pictures(predictions, held))
    return Analysis(predictor.names, tuple(predictions), pictures, unsure)
