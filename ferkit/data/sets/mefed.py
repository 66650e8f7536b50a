"""iCV-MEFED: 50 classes of compound emotions, as released for the FG 2017 challenge."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from ferkit.core.files import expand_home
from ferkit.core.labels import BASIC7, compound_names
from ferkit.data.card import Card, DataSet, Offer
from ferkit.data.clip import Clip
from ferkit.data.counts import Expected, check_level, verify_clips
from ferkit.data.listing import files_below, find_file, not_found, text_lines
from ferkit.data.reports import count_noun, keep_usable, report, report_skipped, shorten

NAME = re.compile(r"SAMPLE_([0-9]{3})_([0-9]{3})")
_LABEL = re.compile(r"([1-7])_([1-7])|N_N")
# The first list has everything of the second.
_LISTS = ("training_validation_new.txt", "training_new.txt")
_UNCORRECTED_LIST = "training.txt"

_UNRELEASED = {1, 2, 4, 6, 8, 10, 29, 39, 63, 75, 103, 117, 125}  # numbers of people
_SPLITS = {"train": range(1, 74), "val": range(74, 103), "test": range(103, 129)}  # of people
PEOPLE = {
    split: tuple(map("{:03d}".format, sorted(set(numbers) - _UNRELEASED)))
    for split, numbers in _SPLITS.items()
}

# Pictures of each class, and the classes that have fewer; counted from the released lists.
_PER_CLASS = {"train": 320, "val": 140}
_FEWER = {
    "train": {
        "fear+surprise": 319,
        "sadness+disgust": 318,
        "sadness+fear": 315,
        "surprise+disgust": 310,
        "surprise+fear": 307,
    },
    "val": {},
}
CARD = Card(
    title="iCV-MEFED, multi-emotion facial expressions",
    source="J. Guo et al., IEEE Access 6, 2018; iCV research group, University of Tartu",
    licence="on request, research only",
    consent="not checked; see the provider's agreement",
    terms="not to be passed on; no picture is shown here",
    ask="write to the iCV research group, University of Tartu (page of the iCV MEFED database)",
    may_show=False,
    open_download=False,
    bias="115 people, posed, in even light",
    certainty="counted from the released lists, which have 115 people where the provider says 125",
)


def expected_of(clips: Sequence[Clip]) -> Expected:
    """Return what a complete copy holds of the splits that `clips` are of.

    These are training, or training and validation.
    """
    present = {clip.split for clip in clips}
    splits = [split for split in _PER_CLASS if split in present] or ["train"]
    counts = {}
    emotions = dict.fromkeys(("neutral", *BASIC7), 0)
    people: list[str] = []
    for split in splits:
        people += PEOPLE[split]
        classes = dict.fromkeys(compound_names(), _PER_CLASS[split]) | _FEWER[split]
        counts[f"{split} people"] = len(PEOPLE[split])
        counts[f"{split} clips"] = sum(classes.values())
        for name, count in classes.items():
            emotions[name.rpartition("+")[2]] += count
            if "+" in name:
                counts[f"{split} {name}"] = count
    return Expected(
        people=tuple(people), emotions=emotions, counts={"clips": sum(emotions.values()), **counts}
    )


EXPECTED = expected_of([])


def read_mefed(root: str | Path, verify: str = "warn") -> list[Clip]:
    """Read the labelled pictures: 15 969 of 64 people, 50 classes.

        root/
            training_new.txt                `Sample_003_006.JPG<tab>1_2`: complementary, dominant;
            training_validation_new.txt     or this one, which has both parts
            .../Sample_003_006.JPG          person 003, picture 006; 5184 x 3456 pixels; each part
                                            in a folder

    With the labels of the validation part these are 22 969 pictures of 92 people. Codes 1 to 7 are
    anger, contempt, disgust, fear, happiness, sadness, surprise; `N_N` is neutral. `emotion` is the
    dominant one, `complementary` the other, None where both agree. `split` is `train` or `val`, by
    the person's number; no labels of the test part are public.

    The label comes from the list alone: picture numbers follow the classes for most people, but not
    for all. FileNotFoundError is also raised when there is only `training.txt`, which was corrected
    later.
    """
    check_level(verify)
    root = expand_home(root)
    table = _find_list(root, verify)
    pictures = _find_pictures(root, verify)
    problems: list[str] = []
    labels = dict(_read_labels(table, problems))
    report_skipped("mefed", problems, "line", verify, f"of {table.name}")
    unlabelled = sorted(
        path
        for name, path in pictures.items()
        if name not in labels and name[7:10] in PEOPLE["train"]
    )
    if unlabelled:
        count = count_noun(unlabelled, "picture")
        report(f"mefed: {count} of training people without a label: {shorten(unlabelled)}", verify)
    paths = {name: pictures.get(name, table.parent / f"{name.capitalize()}.JPG") for name in labels}
    usable = set(keep_usable(paths.values(), "mefed", verify))
    named = {name: path for name, path in paths.items() if path in usable}
    clips = [_clip(name, path, labels[name]) for name, path in named.items()]
    verify_clips(clips, expected_of(clips), verify)
    return clips


def _find_list(root: Path, verify: str) -> Path:
    table = find_file(root, *_LISTS)
    uncorrected = find_file(root, _UNCORRECTED_LIST)
    if table is None:
        hint = f"; {uncorrected} is an earlier release with wrong labels" if uncorrected else ""
        expected = f"the list {' or '.join(_LISTS)} beside the pictures{hint}"
        raise not_found(CARD.title, root, expected, CARD.ask)
    if uncorrected:
        report(f"mefed: {uncorrected} is an earlier release and not read; {table.name} is", verify)
    return table


def _find_pictures(root: Path, verify: str) -> dict[str, Path]:
    """The pictures by their names in capital letters."""
    pictures: dict[str, Path] = {}
    copies = []
    for path in files_below(root, (".jpg", ".jpeg")):
        if pictures.setdefault(path.stem.upper(), path) is not path:
            copies.append(path)
    if not pictures:
        raise not_found(f"{CARD.title}: pictures", root, "Sample_003_001.JPG and so on", CARD.ask)
    report_skipped("mefed", copies, "picture", verify, "found twice")
    return pictures


def _read_labels(table: Path, problems: list[str]) -> Iterator[tuple[str, str]]:
    """Yield name and label of each line.

    Lines that are wrong or name a picture again go to `problems`.
    """
    line_of: dict[str, int] = {}
    for number, line in enumerate(text_lines(table), start=1):
        text = line.strip()
        if not text:
            continue
        file_name, _, label = text.partition("\t" if "\t" in line else " ")
        name = file_name.upper().removesuffix(".JPG")
        label = label.strip().upper()
        if not NAME.fullmatch(name) or not _LABEL.fullmatch(label):
            problems.append(f"line {number} ({text!r})")
        elif name in line_of:
            problems.append(f"line {number} ({file_name} is in line {line_of[name]} already)")
        else:
            line_of[name] = number
            yield name, label


def _clip(name: str, path: Path, label: str) -> Clip:
    person = name[7:10]
    dominant = "neutral"
    complementary = None
    if label != "N_N":
        first, second = label.split("_")
        dominant = BASIC7[int(second) - 1]
        complementary = BASIC7[int(first) - 1] if first != second else None
    split = next((split for split, ids in _SPLITS.items() if int(person) in ids), None)
    return Clip(
        "mefed",
        person,
        name.capitalize(),
        dominant,
        (path,),
        complementary=complementary,
        split=split,
    )


DATA_SET = DataSet(
    "mefed",
    read_mefed,
    ("mefed", "iCV-MEFED", "iCV_MEFED"),
    CARD,
    Offer(50),
    expected_of,
    path=r"Sample_[0-9]{3}_[0-9]{3}\.jpg$",
)
