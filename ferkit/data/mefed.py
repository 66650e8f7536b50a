"""iCV-MEFED: compound emotions, 50 classes of a complementary and a dominant emotion, as released for the FG 2017 challenge."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from ferkit.data.cards import Card
from ferkit.data.clips import Clip
from ferkit.data.files import files_below, find_file, not_found, report, shorten, text_lines, usable
from ferkit.data.verify import Expected, check_level, verify_clips
from ferkit.labels import BASIC7, compound_names

NAME = re.compile(r"SAMPLE_([0-9]{3})_([0-9]{3})")
LABEL = re.compile(r"([1-7])_([1-7])|N_N")
LISTS = ("training_validation_new.txt", "training_new.txt")  # the first has everything of the second
OLD = "training.txt"  # before the correction

NEVER = {1, 2, 4, 6, 8, 10, 29, 39, 63, 75, 103, 117, 125}  # numbers that were not released
SPLITS = {"train": range(1, 74), "val": range(74, 103), "test": range(103, 129)}  # of people
PEOPLE = {split: tuple(f"{i:03d}" for i in ids if i not in NEVER) for split, ids in SPLITS.items()}

# Pictures of each class, and the classes that have fewer; counted from the released lists.
EACH = {"train": 320, "val": 140}
FEWER = {
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
    consent="not checked; the provider's agreement says",
    terms="not to be passed on; no picture is shown here",
    ask="write to the iCV research group, University of Tartu (page of the iCV MEFED database)",
    may_show=False,
    open_download=False,
    bias="115 people, posed, in even light",
)


def expected_of(clips: Sequence[Clip]) -> Expected:
    """What a complete copy holds of the splits that `clips` are of: training, or training and validation."""
    splits = [split for split in EACH if any(clip.split == split for clip in clips)] or ["train"]
    counts, emotions = {}, dict.fromkeys(("neutral", *BASIC7), 0)
    for split in splits:
        classes = dict.fromkeys(compound_names(), EACH[split]) | FEWER[split]
        counts[f"{split} people"] = len(PEOPLE[split])
        counts[f"{split} clips"] = sum(classes.values())
        for name, count in classes.items():
            emotions[name.rpartition("+")[2]] += count
            if "+" in name:
                counts[f"{split} {name}"] = count
    return Expected(
        people=tuple(person for split in splits for person in PEOPLE[split]),
        emotions=emotions,
        counts={"clips": sum(emotions.values()), **counts},
    )


EXPECTED = expected_of([])


def read_mefed(root: str | Path, verify: str = "warn") -> list[Clip]:
    """The labelled pictures: 15 969 of 64 people, with the labels of the validation part 22 969 of 92 people, 50 classes.

        root/
            training_new.txt                    `Sample_003_006.JPG<tab>1_2`: complementary 1, dominant 2; or
            training_validation_new.txt         which has both parts
            .../Sample_003_006.JPG              person 003, picture 006; 5184 x 3456 pixels; each part in a folder

    Codes 1 to 7 are anger, contempt, disgust, fear, happiness, sadness, surprise; `N_N` is neutral. `emotion` is the
    dominant one, `complementary` the other, None where both agree. `split` is `train` or `val`, by the person's
    number; no labels of the test part are public. The label comes from the list alone: picture numbers follow the classes
    for most people, not for all. FileNotFoundError too when there is only `training.txt`, which was corrected later.
    """
    check_level(verify)
    root = Path(root).expanduser()
    table = find_file(root, *LISTS)
    old = find_file(root, OLD)
    if table is None:
        hint = f"; {old} is an earlier release with wrong labels" if old else ""
        raise not_found(CARD.title, root, f"the list {' or '.join(LISTS)} beside the pictures{hint}", CARD.ask)
    if old:
        report(f"mefed: {old} is an earlier release and not read; {table.name} is", verify)
    pictures: dict[str, Path] = {}
    copies = []
    for path in files_below(root, (".jpg", ".jpeg")):
        if pictures.setdefault(path.stem.upper(), path) is not path:
            copies.append(path)
    if not pictures:
        raise not_found(f"{CARD.title}: pictures", root, "Sample_003_001.JPG and so on", CARD.ask)
    problems: list[str] = []
    labels = dict(_labels(table, problems))
    if copies:
        report(f"mefed: {len(copies)} picture(s) are there twice, the second is skipped: {shorten(copies)}", verify)
    if problems:
        report(f"mefed: {len(problems)} line(s) of {table.name} skipped: {shorten(problems)}", verify)
    trained = [pictures[name] for name in pictures.keys() - labels if name[7:10] in PEOPLE["train"]]
    if trained:
        report(f"mefed: {len(trained)} picture(s) of training people have no label: {shorten(sorted(trained))}", verify)
    paths = {name: pictures.get(name, table.parent / f"{name.capitalize()}.JPG") for name in labels}
    there = set(usable(paths.values(), "mefed", verify))
    clips = [_clip(name, paths[name], label) for name, label in labels.items() if paths[name] in there]
    verify_clips(clips, expected_of(clips), verify)
    return clips


def _labels(table: Path, problems: list[str]) -> Iterator[tuple[str, str]]:
    """Name and label of each line; lines that are wrong or name a picture again go to `problems`."""
    seen: dict[str, int] = {}
    for number, line in enumerate(text_lines(table), start=1):
        name, _, label = line.strip().partition("\t") if "\t" in line else line.strip().partition(" ")
        stem, label = name.upper().removesuffix(".JPG"), label.strip().upper()
        if not line.strip():
            continue
        if not NAME.fullmatch(stem) or not LABEL.fullmatch(label):
            problems.append(f"line {number} ({line.strip()!r})")
        elif stem in seen:
            problems.append(f"line {number} ({name} is in line {seen[stem]} already)")
        else:
            seen[stem] = number
            yield stem, label


def _clip(name: str, path: Path, label: str) -> Clip:
    person = name[7:10]
    split = next((split for split, ids in SPLITS.items() if int(person) in ids), None)
    if label == "N_N":
        return Clip("mefed", person, name.capitalize(), "neutral", (path,), split=split)
    complementary, dominant = (BASIC7[int(code) - 1] for code in label.split("_"))
    second = complementary if complementary != dominant else None
    return Clip("mefed", person, name.capitalize(), dominant, (path,), complementary=second, split=split)
