"""`Clip`, the record that every reader returns."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ferkit.core.labels import EMOTIONS


@dataclass(frozen=True, slots=True)
class Clip:
    """One labelled recording, frames in time order. A photograph is a clip of one frame."""

    dataset: str
    person: str  # as the provider writes it; the picture's own name where identity is unknown
    name: str  # unique within the data set
    emotion: str  # one of EMOTIONS, the dominant one of a compound emotion; "" where unlabelled
    # Pictures, pictures inside a file (`ferkit.data.packed`), or one video, which stays closed.
    frames: tuple[Path, ...]
    complementary: str | None = None  # the complementary emotion of a compound one, else None
    sequence: str | None = None  # the provider's sequence id
    # Index in `frames` (in a video: its frame) of the strongest expression, where known.
    peak: int | None = None
    split: str | None = None  # the provider's own split, where there is one
    landmarks: Path | None = None  # the provider's landmark file; of a sequence, their folder
    # The provider's further fields.
    extra: Mapping[str, Any] = field(default_factory=dict, compare=False)

    @property
    def person_known(self) -> bool:
        """Whether the person is known; else the clip's own name stands for the person."""
        return self.person != self.name

    @property
    def strongest(self) -> int:
        """The index in `frames` of the strongest expression, the last where it is not known."""
        return len(self.frames) - 1 if self.peak is None else self.peak

    def __post_init__(self) -> None:
        for emotion in (self.emotion, self.complementary):
            if emotion and emotion not in EMOTIONS:
                raise ValueError(
                    f"{self.dataset} {self.name}: unknown emotion {emotion!r}; "
                    f"choose one of {', '.join(EMOTIONS)}"
                )
        if not self.frames:
            raise ValueError(f"{self.dataset} {self.name}: a clip needs at least one frame")
