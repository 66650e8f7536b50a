"""FER+ as pictures: in the folders that its own script writes, or sorted by emotion."""

from dataclasses import replace
from pathlib import Path

from ferkit.core.files import expand_home
from ferkit.data.card import DataSet, Offer
from ferkit.data.clip import Clip
from ferkit.data.counts import Expected, check_level, verify_clips
from ferkit.data.layout import ANY_EMOTION, ANY_SPLIT, EMOTION_WORDS, Layout, read_layout
from ferkit.data.listing import files_below
from ferkit.data.sets import ferplus
from ferkit.data.votes import NO_MAJORITY, vote

_OFFICIAL = Layout(
    "FER2013Train/fer0000000.png",
    (r"(?P<split>FER2013(?:Train|Valid|Test))/fer[0-9]{7}",),
    EMOTION_WORDS,
)
_SORTED = Layout(
    "train/angry/fer0000002.png",
    (rf"{ANY_SPLIT}/{ANY_EMOTION}/fer[0-9]{{7}}",),
    EMOTION_WORDS,
)
CARD = replace(
    ferplus.CARD,
    title="FER+ as pictures",
    licence="none attached to the pictures; labels MIT",
    terms="not to be passed on; no picture is shown here",
    ask="write them from fer2013.csv with the script of https://github.com/microsoft/FERPlus",
    open_download=False,
    missing="who is in a picture; of copies sorted by emotion also the votes and often the "
    "provider's split",
    forbids="folds by person and residuals; with a copy sorted by emotion also other rules than "
    "the one by which somebody sorted it, and comparing with published numbers",
    certainty="folders, names and label.csv: the provider's script; copies sorted by emotion: "
    "several published readers, and their numbers differ",
)


def read_ferplus_pictures(root: str | Path, verify: str = "warn") -> list[Clip]:
    """Read the pictures with the majority's label, or with that of their folder.

        root/
            data/FER2013Train/fer0000000.png    and FER2013Valid/, FER2013Test/, where each folder
            data/FER2013Train/label.csv         has the votes; or
            train/angry/fer0000002.png          and validation/ (or val/), test/

    `split` is train, val or test. Votes become labels by `ms_majority`; pictures without a majority
    are left out.
    """
    check_level(verify)
    root = expand_home(root)
    votes = [path for path in files_below(root, (".csv",), depth=3) if path.name == "label.csv"]
    if not votes:
        clips = read_layout("ferplus-pictures", _SORTED, CARD, root, verify)
        verify_clips(clips, None, verify)
        return clips
    labels: dict[tuple[str, str], str] = {}
    for table in votes:
        voted = ferplus.read_votes(table)
        emotions = vote(voted)["emotion"]
        for name, emotion in zip(voted["name"], emotions, strict=True):
            labels[table.parent.name, Path(name).stem] = emotion or NO_MAJORITY

    def code_of(path: Path) -> str | None:
        return labels.get((path.parent.name, path.stem))

    layout = replace(_OFFICIAL, emotions={**EMOTION_WORDS, NO_MAJORITY: ""}, code_of=code_of)
    clips = read_layout("ferplus-pictures", layout, CARD, root, verify)
    verify_clips(clips, EXPECTED, verify)
    return clips


def _expected() -> Expected:
    counts: dict[str, int] = {}
    for outcome, numbers in ferplus.EXPECTED["ms_majority", "label.csv"].items():
        row = "clips" if outcome == "kept" else outcome
        if row == "clips" or row in EMOTION_WORDS:
            counts |= {
                f"{split} {row}": n for split, n in zip(ferplus.SPLITS, numbers, strict=True)
            }
    return Expected(counts=counts)


EXPECTED = _expected()
DATA_SET = DataSet(
    "ferplus-pictures",
    read_ferplus_pictures,
    ("ferplus-pictures", "ferplus", "FERPlus", "fer2013plus"),
    CARD,
    Offer(8, identities=False, split=True),
    EXPECTED,
    path=rf"{_OFFICIAL.path}|{_SORTED.path}",
)
