"""Look at a folder or table: which data set it seems to be, and what ferkit can do with it."""

import shlex
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ferkit.core.files import expand_home
from ferkit.core.labels import EMOTIONS
from ferkit.data import DATASETS, look_alike, read_clips
from ferkit.data.card import Offer, offer_of
from ferkit.data.clip import Clip
from ferkit.data.listing import TABLES
from ferkit.data.options import get_options
from ferkit.data.table import read_rows
from ferkit.workbook.needs import NEEDS, find_obstacle

_FIRST_CHOICES = ("02", "08", "01")  # quick notebooks to begin with


@dataclass(frozen=True)
class Description:
    """What a folder or table seems to be."""

    path: Path
    name: str  # of the data set
    others: tuple[str, ...]  # data sets that some of its files look like too
    clips: tuple[Clip, ...]
    remarks: tuple[str, ...]  # what the reader reported

    @property
    def offer(self) -> Offer:
        """What this copy contains: measured of own pictures, else what the data set has."""
        return offer_of(self.clips) if self.name == "folder" else DATASETS[self.name].offer


def describe(path: str | Path) -> Description:
    """Find the data set that `path` seems to be, and read it.

    FileNotFoundError when nothing is there; ValueError with each reader's reason when none finds
    labels.
    """
    path = expand_home(path)
    if not path.exists():
        raise FileNotFoundError(f"no folder or table {path}")
    names = _candidates(path)
    refusals = []
    for name in names:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                clips = read_clips(name, path, verify="off")
            except (FileNotFoundError, ValueError) as error:
                reasons = [str(error), *(str(warning.message) for warning in caught)]
                refusals.append(f"as {name}: {'. '.join(reasons)}")
                continue
        remarks = dict.fromkeys(str(warning.message) for warning in caught)
        others = tuple(other for other in names if other not in (name, "folder"))
        return Description(path, name, others, tuple(clips), tuple(remarks))
    raise ValueError(
        f"nothing in {path} says what pictures show. {'. '.join(refusals)}. For pictures without "
        f"labels: ferkit predict {shlex.quote(str(path))}"
    )


def _candidates(path: Path) -> list[str]:
    """The data sets to try, the likeliest first."""
    if path.is_file():
        if path.suffix.lower() not in TABLES:
            raise ValueError(
                f"{path} is no folder and no table ({', '.join(TABLES)}); `ferkit predict` reads "
                "single pictures and videos"
            )
        _, header = next(read_rows(path), (0, []))
        return ["fer2013"] if "pixels" in header else ["folder"]
    alike = [name for name in look_alike(path) if DATASETS[name].offer.pictures]
    return [*alike, "folder"]


def report_lines(found: Description) -> Iterator[str]:
    """Describe in lines for the terminal, with the commands to go on."""
    card = DATASETS[found.name].card
    yield f"{found.path} looks like `{found.name}`: {card.title}"
    if found.others:
        yield f"some of its files look like {', '.join(found.others)} too"
    yield from _contents(found)
    is_own = found.name == "folder"
    for fact in ("missing", "forbids", "certainty"):
        if not is_own:
            yield f"{fact + ':':<14}{getattr(card, fact)}"
    for remark in found.remarks:
        yield f"remark:       {remark}"
    usable = [number for number in NEEDS if not find_obstacle(number, found.name, found.offer)]
    yield f"notebooks:    {', '.join(usable)}"
    for number in NEEDS:
        if number not in usable:
            obstacle = find_obstacle(number, found.name, found.offer) or ""
            yield f"  not {number}:     {obstacle.partition(': ')[2]}"
    place = f"--data-root {shlex.quote(str(found.path))}"
    for option, value in get_options(DATASETS[found.name]).items():
        written = getattr(value, "pattern", value)  # of a regular expression
        place += f" --data-option {shlex.quote(f'{option}={written}')}"
    yield "count them, and begin:" if is_own else "compare with the published counts, and begin:"
    yield f"  ferkit data check {found.name} {place}"
    first = next(number for number in _FIRST_CHOICES if number in usable)
    yield f"  ferkit run {first} --dataset {found.name} {place}"


def _contents(found: Description) -> Iterator[str]:
    clips = found.clips
    people = {clip.person for clip in clips if clip.person_known}
    unknown = sum(not clip.person_known for clip in clips)
    frames = sum(len(clip.frames) > 1 for clip in clips)
    emotions = Counter(clip.emotion for clip in clips)
    splits = Counter(clip.split for clip in clips if clip.split)
    shown = [f"{name} {emotions[name]}" for name in EMOTIONS if emotions[name]]
    yield f"clips:        {len(clips)}, of which {frames} have more than one frame"
    nameless = f"; {unknown} clips do not say who it is" if unknown else ""
    yield f"people:       {len(people)}{nameless}"
    yield f"emotions:     {', '.join(shown) or 'none'}"
    if splits:
        yield f"split:        {', '.join(f'{name} {count}' for name, count in splits.items())}"
