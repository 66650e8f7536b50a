"""LFW, Labeled Faces in the Wild: who is on a picture, and the pairs on which verification is measured."""

import re
from dataclasses import dataclass
from pathlib import Path

from ferkit.data.cards import Card
from ferkit.data.clips import Clip
from ferkit.data.files import find_file, folders, image_files, not_found, report, shorten, text_lines, usable
from ferkit.data.verify import Expected, check_level, verify_clips

ROOTS = ("lfw", "lfw_funneled", "lfw-deepfunneled")
NAME = re.compile(r"(.+)_([0-9]{4})")
PAIRS = {"test": "pairs.txt", "dev train": "pairsDevTrain.txt", "dev test": "pairsDevTest.txt"}
EXPECTED = Expected(counts={"clips": 13_233, "people": 5_749})
CARD = Card(
    title="LFW, Labeled Faces in the Wild",
    source="G. Huang, M. Ramesh, T. Berg, E. Learned-Miller, University of Massachusetts TR 07-49, 2007",
    licence="free for research",
    consent="none: news photographs of known people",
    terms="no picture is shown here",
    ask="fetch lfw.tgz and pairs.txt (vis-www.cs.umass.edu/lfw, or their copies on figshare) and unpack the first",
    may_show=False,
    open_download=True,
    bias="people in the news about 2003: mostly men, mostly white, few children or old people",
)


@dataclass(frozen=True)
class Pair:
    """Two pictures by their clips' names, whether they show one person, and the fold (from 1; 1 alone in view 1)."""

    first: str
    second: str
    same: bool
    fold: int


def read_lfw(root: str | Path, verify: str = "warn") -> list[Clip]:
    """The pictures with who is on them, `emotion` "": 13 233 of 5 749 people.

        root/
            lfw/ or lfw_funneled/ or lfw-deepfunneled/          the first that is there; or none
                George_W_Bush/George_W_Bush_0010.jpg            250 x 250 pixels

    Files beside the people's folders are passed over.
    """
    check_level(verify)
    root = Path(root).expanduser()
    paths = _pictures(root)
    good = [path for path in paths if (match := NAME.fullmatch(path.stem)) and match[1] == path.parent.name]
    if not good:
        raise not_found(CARD.title, root, "lfw/George_W_Bush/George_W_Bush_0010.jpg and so on", CARD.ask)
    if len(good) < len(paths):
        strange = [path for path in paths if path not in set(good)]
        report(f"lfw: {len(strange)} file(s) skipped, their names are not LFW's: {shorten(strange)}", verify)
    clips = [Clip("lfw", path.parent.name, path.stem, "", (path,)) for path in usable(good, "lfw", verify)]
    verify_clips(clips, EXPECTED, verify)
    return clips


def read_pairs(root: str | Path, view: str = "test") -> list[Pair]:
    """The pairs of a view: `test` 6 000 in ten folds of 300 same and 300 different; `dev train` 2 200, `dev test` 1 000.

    The first line says how many folds (where there are several) and how many pairs of each kind; same pairs are
    `name<tab>i<tab>j`, different ones `name<tab>i<tab>other<tab>j`. ValueError names the line that is wrong.
    """
    if view not in PAIRS:
        raise ValueError(f"unknown view {view!r}; known: {', '.join(PAIRS)}")
    root = Path(root).expanduser()
    path = find_file(root, PAIRS[view]) or find_file(root.parent, PAIRS[view], depth=0)
    if path is None:
        raise not_found(f"{CARD.title}: pairs", root, PAIRS[view], CARD.ask)
    first, *lines = [line.split("\t") for line in text_lines(path) if line]
    if not 1 <= len(first) <= 2 or not all(word.strip().isdigit() for word in first):
        raise ValueError(f"{path} line 1: expected how many folds and pairs, got {' '.join(first)!r}")
    folds, each = (1, *map(int, first))[-2:]
    if len(lines) != 2 * folds * each:
        raise ValueError(f"{path} has {len(lines)} pairs, line 1 says {2 * folds * each}; fetch it again")
    return [_pair(path, place, words, each) for place, words in enumerate(lines)]


def _pair(path: Path, place: int, words: list[str], each: int) -> Pair:
    fold, same = place // (2 * each) + 1, place % (2 * each) < each
    numbers = words[1::2] if not same else words[1:]
    if len(words) != (3 if same else 4) or not all(number.isdigit() for number in numbers):
        kind = "name, i, j" if same else "name, i, other, j"
        raise ValueError(f"{path} line {place + 2}: expected {kind}, got {' '.join(words)!r}")
    other = words[0] if same else words[2]
    return Pair(f"{words[0]}_{int(numbers[0]):04d}", f"{other}_{int(numbers[1]):04d}", same, fold)


def _pictures(root: Path) -> list[Path]:
    """The pictures in the people's folders of the nearest archive, the first of ROOTS where several lie side by side."""
    level = [root] if root.is_dir() else []
    for _ in range(3):
        order = [name.lower() for name in reversed(ROOTS)]
        for base in sorted(level, key=lambda base: -(order.index(n) if (n := base.name.lower()) in order else -1)):
            paths = [path for person in folders(base) for path in image_files(person)]
            if any(NAME.fullmatch(path.stem) and path.stem.startswith(f"{path.parent.name}_") for path in paths):
                return paths
        level = [inner for folder in level for inner in folders(folder)]
    return []
