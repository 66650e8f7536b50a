"""What is known of a data set before it is read: where it comes from and what may be done with it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ferkit.data.clips import Clip
from ferkit.data.verify import Expected


@dataclass(frozen=True)
class Card:
    """Where a data set comes from and its terms, in the provider's words where they matter."""

    title: str
    source: str  # who made it, and the reference to cite
    licence: str
    consent: str  # what the people in the pictures agreed to
    terms: str  # what follows for us
    ask: str  # how it is had, as the end of an error message
    may_show: bool  # whether its pictures may be shown to others
    open_download: bool  # whether anybody may fetch it without an account
    bias: str = "not documented"  # who is in it and who is not, as far as it is known


@dataclass(frozen=True)
class DataSet:
    """One data set ferkit can read."""

    name: str
    read: Callable[..., Any]  # (root, verify="warn") -> list[Clip]; labels only: a table
    folders: tuple[str, ...]  # its folder's usual names under the data root
    card: Card
    # What a complete copy holds, where known; a function of the clips where it depends on the release.
    expected: Expected | Callable[[Sequence[Clip]], Expected | None] | None = None
    has_images: bool = True

    def expected_of(self, clips: Sequence[Clip]) -> Expected | None:
        """What a complete copy of the release that these clips come from holds."""
        return self.expected(clips) if callable(self.expected) else self.expected


# FER+ has labels and no pictures; its reader returns a table.
FERPLUS = Card(
    title="FER+ labels",
    source="E. Barsoum et al., ICMI 2016, arXiv 1608.01041; microsoft/FERPlus",
    licence="MIT (labels and code)",
    consent="not documented; the pictures (FER2013) are found photographs",
    terms="labels only: the pictures have their own terms and are not fetched",
    ask="`ferkit data get ferplus`, or https://github.com/microsoft/FERPlus",
    may_show=False,
    open_download=True,
    bias="found photographs of unknown people; ten votes on each, by voters of whom nothing is known",
)
