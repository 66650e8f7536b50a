"""RAF-DB, the basic emotions: 15 339 photographs of the web, in seven classes."""

from dataclasses import replace
from pathlib import Path

from ferkit.core.files import expand_home
from ferkit.data.card import Card, DataSet, Offer
from ferkit.data.clip import Clip
from ferkit.data.counts import Expected, check_level, verify_clips
from ferkit.data.layout import ANY_SPLIT, Layout, read_layout
from ferkit.data.listing import below, find_file, not_found, text_lines
from ferkit.data.reports import report_skipped

CODES = {
    "1": "surprise",
    "2": "fear",
    "3": "disgust",
    "4": "happiness",
    "5": "sadness",
    "6": "anger",
    "7": "neutral",
}
_LIST = "list_patition_label.txt"  # spelt so by the provider
_COUNTS = {
    "train": (1_290, 281, 717, 4_772, 1_982, 705, 2_524),
    "test": (329, 74, 160, 1_185, 478, 162, 680),
}


def _expected() -> Expected:
    counts = {"clips": 15_339}
    for split, numbers in _COUNTS.items():
        counts[f"{split} clips"] = sum(numbers)
        for emotion, number in zip(CODES.values(), numbers, strict=True):
            counts[f"{split} {emotion}"] = number
    return Expected(counts=counts)


EXPECTED = _expected()
CARD = Card(
    title="RAF-DB, the Real-world Affective Faces Database (basic emotions)",
    source="S. Li, W. Deng, J. Du, CVPR 2017",
    licence="on request, non-commercial research",
    consent="none: photographs of the web",
    terms="not to be passed on; no picture is shown here",
    ask="ask for it at http://www.whdeng.cn/raf/model1.html",
    may_show=False,
    open_download=False,
    bias="found photographs of unknown people; sex, age range and race were labelled too",
    missing="who is in a picture; a part for validation; of copies in folders 1 to 7 also the "
    "original photographs and the votes",
    forbids="folds by person and residuals (02, 04, 05, 06, 09), and choosing an epoch on a part "
    "that is not the test",
    certainty="names, codes and the counts of each part: several published readers and tables",
)
_FOLDERS = Layout(
    "train/1/train_00001_aligned.jpg",
    (rf"{ANY_SPLIT}/(?P<emotion>[1-7])/(?:train|test)_[0-9]+(?:_aligned)?",),
    CODES,
)
_LISTED = Layout(
    "aligned/train_00001_aligned.jpg",
    (r"(?P<split>train|test)_[0-9]+(?:_aligned)?",),
    CODES,
)


def read_rafdb(root: str | Path, verify: str = "warn") -> list[Clip]:
    """Read the pictures: 12 271 to train and 3 068 to test, seven emotions with neutral.

        root/
            basic/EmoLabel/list_patition_label.txt      train_00001.jpg 5
            basic/Image/aligned/train_00001_aligned.jpg 100 x 100 pixels;
            basic/Image/original/train_00001.jpg        read where there is no aligned/
        or
            DATASET/train/1/train_00001_aligned.jpg     the folder is the code of the emotion

    `split` is train or test. Who is in a picture is unknown.
    """
    check_level(verify)
    root = expand_home(root)
    table = find_file(root, _LIST, depth=3)
    if table is None:
        clips = read_layout("rafdb", _FOLDERS, CARD, root, verify)
    else:
        clips = _read_listed(root, table, verify)
    verify_clips(clips, EXPECTED, verify)
    return clips


def _read_listed(root: Path, table: Path, verify: str) -> list[Clip]:
    codes: dict[str, str] = {}
    problems = []
    for number, line in enumerate(text_lines(table), start=1):
        name, _, code = line.strip().partition(" ")
        if code.strip() in CODES:
            codes[Path(name).stem] = code.strip()
        elif line:
            problems.append(f"line {number} of {table.name} ({line!r})")
    report_skipped("rafdb", problems, "line", verify)
    pictures = below(root, "aligned", "original", depth=3)
    if pictures is None:
        raise not_found(CARD.title, root, f"{_LISTED.example} beside {_LIST}", CARD.ask)

    def code_of(path: Path) -> str | None:
        return codes.get(path.stem.removesuffix("_aligned"))

    return read_layout("rafdb", replace(_LISTED, code_of=code_of), CARD, pictures, verify)


DATA_SET = DataSet(
    "rafdb",
    read_rafdb,
    ("rafdb", "RAF-DB", "raf-db", "raf-db-dataset", "RAFDB"),
    CARD,
    Offer(7, identities=False),
    EXPECTED,
    path=rf"{_LIST}$|{_FOLDERS.path}",
)
