"""LFW, Labeled Faces in the Wild: pictures of named people, and pairs for verification."""

import re
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from ferkit.core.files import expand_home
from ferkit.data.card import Card, DataSet, Offer
from ferkit.data.clip import Clip
from ferkit.data.counts import Expected, check_level, verify_clips
from ferkit.data.listing import find_file, folders, image_files, not_found, text_lines
from ferkit.data.reports import keep_usable, report_skipped

ROOTS = ("lfw", "lfw_funneled", "lfw-deepfunneled")
NAME = re.compile(r"(.+)_([0-9]{4})")
_PAIR_FILES = {
    "test": "pairs.txt",
    "dev train": "pairsDevTrain.txt",
    "dev test": "pairsDevTest.txt",
}
EXPECTED = Expected(counts={"clips": 13_233, "people": 5_749})
CARD = Card(
    title="LFW, Labeled Faces in the Wild",
    source="G. Huang, M. Ramesh, T. Berg, E. Learned-Miller, University of Massachusetts TR 07-49, "
    "2007",
    licence="free for research",
    consent="none: news photographs of known people",
    terms="no picture is shown here",
    ask="download lfw.tgz and pairs.txt (vis-www.cs.umass.edu/lfw, or their copies on figshare) "
    "and unpack the first",
    may_show=False,
    open_download=True,
    bias="people in the news about 2003: mostly men, mostly white, few children or old people",
    certainty="names and totals: the provider's page and several readers",
)


@dataclass(frozen=True)
class Pair:
    """Two pictures of LFW that a verification protocol compares."""

    first: str  # the name of a clip
    second: str
    same: bool  # whether both show one person
    fold: int  # from 1; always 1 in the development view


def read_lfw(root: str | Path, verify: str = "warn") -> list[Clip]:
    """Read the pictures and who is in them: 13 233 of 5 749 people; `emotion` is "".

        root/
            lfw/ or lfw_funneled/ or lfw-deepfunneled/      the first that is there; or none
                George_W_Bush/George_W_Bush_0010.jpg        250 x 250 pixels

    Files beside the people's folders are skipped.
    """
    check_level(verify)
    root = expand_home(root)
    paths = _pictures(root)
    named = [path for path in paths if _is_named(path)]
    if not named:
        expected = "lfw/George_W_Bush/George_W_Bush_0010.jpg and so on"
        raise not_found(CARD.title, root, expected, CARD.ask)
    strange = [path for path in paths if not _is_named(path)]
    report_skipped("lfw", strange, "file", verify, "not named as in LFW")
    clips = []
    for path in keep_usable(named, "lfw", verify):
        clips.append(Clip("lfw", path.parent.name, path.stem, "", (path,)))
    verify_clips(clips, EXPECTED, verify)
    return clips


def read_pairs(root: str | Path, view: str = "test") -> list[Pair]:
    """Read the pairs of a view.

    `test` has 6 000 in ten folds of 300 same and 300 different pairs, `dev train` 2 200 and
    `dev test` 1 000. The first line says how many folds (where there are several) and how many
    pairs of each kind; same pairs are `name<tab>i<tab>j`, different ones
    `name<tab>i<tab>other<tab>j`. ValueError names the line that is wrong.
    """
    if view not in _PAIR_FILES:
        raise ValueError(f"unknown view {view!r}; known: {', '.join(_PAIR_FILES)}")
    file_name = _PAIR_FILES[view]
    root = expand_home(root)
    path = find_file(root, file_name) or find_file(root.parent, file_name, depth=0)
    if path is None:
        raise not_found(f"{CARD.title}: pairs", root, file_name, CARD.ask)
    header, *lines = [line.split("\t") for line in text_lines(path) if line]
    if not 1 <= len(header) <= 2 or not all(word.strip().isdigit() for word in header):
        raise ValueError(
            f"{path} line 1: expected the numbers of folds and pairs, got {' '.join(header)!r}"
        )
    fold_count = int(header[0]) if len(header) == 2 else 1
    pairs_of_kind = int(header[-1])
    if len(lines) != 2 * fold_count * pairs_of_kind:
        raise ValueError(
            f"{path} has {len(lines)} pairs, line 1 says {2 * fold_count * pairs_of_kind}; "
            "download it again"
        )
    return [_pair(path, index, words, pairs_of_kind) for index, words in enumerate(lines)]


def _pair(path: Path, index: int, words: list[str], pairs_of_kind: int) -> Pair:
    fold = index // (2 * pairs_of_kind) + 1
    same = index % (2 * pairs_of_kind) < pairs_of_kind
    numbers = words[1:] if same else words[1::2]
    if len(words) != (3 if same else 4) or not all(number.isdigit() for number in numbers):
        kind = "name, i, j" if same else "name, i, other, j"
        raise ValueError(f"{path} line {index + 2}: expected {kind}, got {' '.join(words)!r}")
    other = words[0] if same else words[2]
    first = f"{words[0]}_{int(numbers[0]):04d}"
    second = f"{other}_{int(numbers[1]):04d}"
    return Pair(first, second, same, fold)


def _is_named(path: Path) -> bool:
    match = NAME.fullmatch(path.stem)
    return match is not None and match[1] == path.parent.name


def _pictures(root: Path) -> list[Path]:
    """The pictures in the people's folders of the nearest archive.

    Where several archives lie side by side, this is the first of ROOTS.
    """
    level = [root] if root.is_dir() else []
    for _ in range(3):
        for base in sorted(level, key=_archive_rank):
            paths = list(chain.from_iterable(map(image_files, folders(base))))
            if any(_is_named(path) for path in paths):
                return paths
        level = list(chain.from_iterable(map(folders, level)))
    return []


def _archive_rank(base: Path) -> int:
    name = base.name.lower()
    return ROOTS.index(name) if name in ROOTS else len(ROOTS)


DATA_SET = DataSet(
    "lfw",
    read_lfw,
    ("lfw", "LFW", "lfw_home"),
    CARD,
    Offer(0),
    EXPECTED,
    path=r"(?P<name>[^/]+)/(?P=name)_[0-9]{4}\.jpg$",
)
