"""Read data sets whose paths say what each picture shows, such as `train/happy/7.jpg`."""

import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from ferkit.core.files import expand_home
from ferkit.core.labels import EMOTIONS
from ferkit.data.card import Card
from ferkit.data.clip import Clip
from ferkit.data.counts import check_level
from ferkit.data.listing import not_found, walk_images
from ferkit.data.reports import keep_usable, report_skipped

# Everyday words for the eight emotions, in small letters.
EMOTION_WORDS = {emotion: emotion for emotion in EMOTIONS} | {
    "angry": "anger",
    "contemptuous": "contempt",
    "disgusted": "disgust",
    "afraid": "fear",
    "fearful": "fear",
    "happy": "happiness",
    "joy": "happiness",
    "sad": "sadness",
    "surprised": "surprise",
}
ANY_EMOTION = rf"(?P<emotion>{'|'.join(EMOTION_WORDS)})"
# Names of the parts of a split, in small letters.
SPLIT_WORDS = {
    **dict.fromkeys(("train", "training", "train_set", "fer2013train"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "val_set", "publictest", "fer2013valid"), "val"),
    **dict.fromkeys(("test", "testing", "test_set", "privatetest", "fer2013test"), "test"),
}
ANY_SPLIT = rf"(?P<split>{'|'.join(SPLIT_WORDS)})"
_OWN_GROUPS = ("person", "sequence", "frame", "emotion", "split")


@dataclass(frozen=True)
class Layout:
    """How the paths of a data set are written.

    Each pattern is searched in a picture's path below the root, without its suffix; case is
    ignored, it begins after a slash, and the first that matches counts. What it matches is the
    clip's name. Its groups are `emotion`, a key of `emotions`, and where the path says so `person`,
    `split`, a key of SPLIT_WORDS, `sequence` and `frame`: the frames of one sequence are one clip.
    Further groups go to `extra`.
    """

    example: str  # a path, for messages
    patterns: tuple[str, ...]
    # Code in small letters -> emotion; "" where pictures of that code are left out.
    emotions: Mapping[str, str]
    # The code of a picture whose path does not say it, or None where it has none.
    code_of: Callable[[Path], str | None] | None = None

    @property
    def path(self) -> str:
        """The pattern that tells a data set, `DataSet.path`."""
        alternatives = [re.sub(r"\?P<\w+>", "?:", text) for text in self.patterns]
        return rf"(?:{'|'.join(alternatives)})\.\w+$"

    @cached_property
    def _compiled(self) -> list[re.Pattern[str]]:
        return [re.compile(rf"(?<![^/])(?:{text})$", re.IGNORECASE) for text in self.patterns]

    def match(self, path: str) -> re.Match[str] | None:
        """Match a path below the root, with slashes and with its suffix."""
        stem = path.rpartition(".")[0]
        found = (pattern.search(stem) for pattern in self._compiled)
        return next((match for match in found if match), None)


def emotion_of(word: str) -> str:
    """Return the emotion meant by an everyday word; ValueError when it is not known."""
    try:
        return EMOTION_WORDS[word.strip().lower()]
    except KeyError:
        raise ValueError(f"unknown emotion {word!r}; known: {', '.join(EMOTION_WORDS)}") from None


def read_layout(
    dataset: str, layout: Layout, card: Card, root: str | Path, verify: str
) -> list[Clip]:
    """Read the pictures below `root` that `layout` matches; no picture is opened.

    A picture whose path does not say who is in it gets its own name as person. Pictures that do not
    match, or whose code is unknown, are reported. Raises FileNotFoundError when none matches.
    """
    check_level(verify)
    root = expand_home(root)
    prefix = f"{root.as_posix()}/"
    matching: list[str] = []  # texts, since half a million paths take much memory
    strange: list[str] = []
    for place in walk_images(root, verify):
        if layout.match(place):
            matching.append(prefix + place)
        else:
            strange.append(prefix + place)
    if not matching:
        raise not_found(card.title, root, f"{layout.example} and so on", card.ask)
    report_skipped(dataset, strange, "picture", verify, f"not named as in {layout.example}")
    clips = []
    sequences: defaultdict[str, list[_Frame]] = defaultdict(list)
    unknown = []
    for path in keep_usable(matching, dataset, verify):
        match = layout.match(path.removeprefix(prefix))
        assert match is not None
        code = layout.code_of(Path(path)) if layout.code_of else match["emotion"]
        emotion = layout.emotions.get(code.lower()) if code else None
        if emotion is None:
            reason = f"code {code!r}" if code else "no label"
            unknown.append(f"{path} ({reason})")
        elif emotion and "frame" in match.groupdict():
            sequences[match["sequence"]].append(_Frame(path, match, emotion))
        elif emotion:
            clips.append(_clip(dataset, match[0], [_Frame(path, match, emotion)]))
    report_skipped(dataset, unknown, "picture", verify)
    return clips + [_clip(dataset, name, frames) for name, frames in sequences.items()]


class _Frame(NamedTuple):
    """A picture and what its path says."""

    path: str
    match: re.Match[str]
    emotion: str


def _clip(dataset: str, name: str, frames: list[_Frame]) -> Clip:
    """The clip of one picture, or of the frames of one sequence."""
    said = frames[0].match.groupdict()
    if "frame" in said:
        frames.sort(key=lambda frame: int(frame.match["frame"]))
    return Clip(
        dataset,
        said.get("person") or name,
        name,
        frames[0].emotion,
        tuple(Path(frame.path) for frame in frames),
        sequence=said.get("sequence"),
        split=SPLIT_WORDS.get((said.get("split") or "").lower()),
        extra={key: value for key, value in said.items() if key not in _OWN_GROUPS},
    )
