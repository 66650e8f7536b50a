"""`Clip`, the one record every reader returns."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ferkit.labels import EMOTIONS


@dataclass(frozen=True, slots=True)
class Clip:
    """One labelled recording, frames in time order. A still photograph is a clip of one frame."""

    dataset: str
    person: str  # as the provider writes it; the picture's own name where identity is unknown
    name: str  # unique within the data set
    emotion: str  # one of EMOTIONS; for a compound emotion the dominant one; "" where the provider marks none
    frames: tuple[Path, ...]  # pictures, or places of pictures (`data.inside`); or one film, which is not opened here
    complementary: str | None = None  # the complementary emotion of a compound one, else None
    sequence: str | None = None  # the provider's sequence id
    peak: int | None = None  # position in `frames` (in a film: its frame) of the strongest expression, where known
    split: str | None = None  # the provider's own split, where there is one
    landmarks: Path | None = None  # a landmark file of the provider; of a sequence, the folder of its files
    extra: Mapping[str, Any] = field(default_factory=dict, compare=False)  # the provider's own fields

    def __post_init__(self) -> None:
        for emotion in (self.emotion, self.complementary):
            if emotion and emotion not in EMOTIONS:
                known = ", ".join(EMOTIONS)
                raise ValueError(f"{self.dataset} {self.name}: unknown emotion {emotion!r}; known: {known}")
        if not self.frames:
            raise ValueError(f"{self.dataset} {self.name}: a clip needs at least one frame")
