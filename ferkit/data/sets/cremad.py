"""CREMA-D: videos of 91 actors who speak in six emotions, and what viewers saw in them."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ferkit.core.files import expand_home
from ferkit.data.card import Card, DataSet, Offer, Option
from ferkit.data.clip import Clip
from ferkit.data.counts import Expected, check_level, verify_clips
from ferkit.data.layout import Layout, read_layout
from ferkit.data.listing import VIDEOS, below, find_file, image_files, not_found
from ferkit.data.reports import keep_usable, report_skipped
from ferkit.data.table import read_table

CODES = {
    "ANG": "anger",
    "DIS": "disgust",
    "FEA": "fear",
    "HAP": "happiness",
    "NEU": "neutral",
    "SAD": "sadness",
}
_VOTES = {code[0]: emotion for code, emotion in CODES.items()}
_SENTENCES = "IEO TIE IOM IWW TAI MTI IWL ITH DFA ITS TSI WSI".split()
NAME = re.compile(rf"(1[0-9]{{3}})_({'|'.join(_SENTENCES)})_({'|'.join(CODES)})_(LO|MD|HI|XX)")
# Too short (two), an error, all emotions.
_BAD = ("1076_MTI_NEU_XX", "1076_MTI_SAD_XX", "1064_TIE_SAD_XX", "1064_IEO_DIS_MD")
_POINTER = b"version https://git-lfs"
TABLE = "summaryTable.csv"
COLUMNS = ("filename", "facevote")  # FileName and FaceVote in the table
LABEL_KINDS = ("voted", "intended")

PEOPLE = tuple(str(number) for number in range(1001, 1092))
# Counted before the four bad videos were left out; their votes, and which videos are missing among
# the names, are not known here.
_VOTED = dict(neutral=2076, happiness=1266, disgust=1057, anger=968, fear=822, sadness=783)
_INTENDED = dict(anger=1271, disgust=1270, fear=1271, happiness=1271, neutral=1086, sadness=1269)
EXPECTED = {
    "voted": Expected(
        PEOPLE, emotions=_VOTED, counts={"clips": 6972}, unconfirmed=("clips", *_VOTED)
    ),
    "intended": Expected(PEOPLE, emotions=_INTENDED, counts={"clips": 7438}),
}
CARD = Card(
    title="CREMA-D",
    source="H. Cao et al., IEEE Transactions on Affective Computing 5(4), 2014",
    licence="ODbL 1.0 (database), DbCL 1.0 (contents)",
    consent="not checked",
    terms="free to use with attribution, a changed database under the same licence; as consent was "
    "not checked, no picture is shown here",
    ask="clone https://github.com/CheyneyComputerScience/CREMA-D with Git LFS (`git lfs pull "
    "--include VideoFlash`)",
    may_show=False,
    open_download=True,
    bias="91 actors in the United States, 48 men and 43 women, 20 to 74 years; acted, speaking; no "
    "surprise, no contempt",
    certainty="names and votes: counted from the provider's tables; which videos are bad: the "
    "readme",
)


def expected_of(clips: Sequence[Clip]) -> Expected:
    """Return what a complete copy holds under the labels that `clips` have."""
    return EXPECTED[clips[0].extra["labels"] if clips else "voted"]


def read_cremad(root: str | Path, verify: str = "warn", labels: str = "voted") -> list[Clip]:
    """Read the videos: 91 people, six emotions, labelled as seen or as intended.

        root/
            VideoFlash/1001_DFA_ANG_XX.flv      actor, sentence, emotion intended, level
            processedResults/summaryTable.csv   FileName, ..., FaceVote, ...: A D F H N S, ties
                                                joined by `:`

    `voted` is the emotion that most viewers of the silent video saw; it leaves out the 470 videos
    with a tie. It agrees with the intended one in 4 931 of 7 442. `intended` needs no table. Four
    videos that the readme calls bad are left out. A video is one frame and is not opened; `extra`
    has `labels`, `intended`, `vote`, `sentence`, `level` and `speaks`. FileNotFoundError is also
    raised where Git LFS left pointers in place of videos.
    """
    check_level(verify)
    if labels not in LABEL_KINDS:
        raise ValueError(f"labels={labels!r} is not known; choose {' or '.join(LABEL_KINDS)}")
    root = expand_home(root)
    problems: list[str] = []
    named = _find_videos(root, problems)
    usable = keep_usable(named, "cremad", verify)
    votes = _read_votes(root, labels, problems)
    clips = []
    for path in usable:
        vote = votes.get(path.stem)
        if labels == "voted" and vote is None:
            problems.append(f"{path.name} (no row in {TABLE})")
        elif labels == "intended" or vote in _VOTES:  # no tie
            clips.append(_clip(path, named[path], vote, labels))
    report_skipped("cremad", problems, "item", verify)
    verify_clips(clips, expected_of(clips), verify)
    return clips


def _find_videos(root: Path, problems: list[str]) -> dict[Path, re.Match[str]]:
    """The videos with their parsed names; faults go to `problems`."""
    expected = "VideoFlash/1001_DFA_ANG_XX.flv and so on"
    paths = image_files(below(root, "VideoFlash") or root, VIDEOS) if root.is_dir() else []
    named: dict[Path, re.Match[str]] = {}
    pointers = []
    for path in paths:
        match = NAME.fullmatch(path.stem)
        if match is None:
            problems.append(f"{path.name} (not CREMA-D's name)")
        elif path.stem in _BAD:
            continue
        elif _is_pointer(path):
            pointers.append(path)
        else:
            named[path] = match
    if not named:
        if pointers:
            expected = "videos, but these are pointers of Git LFS"
        raise not_found(f"{CARD.title} videos", root, expected, CARD.ask)
    fault = "a pointer of Git LFS; `git lfs pull` fetches the video"
    problems += [f"{path.name} ({fault})" for path in pointers]
    return named


def _is_pointer(path: Path) -> bool:
    if path.stat().st_size > 1000:
        return False
    with path.open("rb") as file:
        return file.read(len(_POINTER)) == _POINTER


def _read_votes(root: Path, labels: str, problems: list[str]) -> dict[str, str]:
    """The votes by video, empty where there is no table; faults go to `problems`."""
    table = find_file(root, TABLE)
    if table is None:
        if labels == "voted":
            remedy = 'clone the repository again, or read with labels="intended"'
            raise not_found(f"{CARD.title}: votes", root, f"processedResults/{TABLE}", remedy)
        return {}
    votes: dict[str, str] = {}
    for number, row in read_table(table, COLUMNS).rows:
        name, vote = (row[column] for column in COLUMNS)
        line = f"line {number} of {TABLE}"
        if not NAME.fullmatch(name) or not vote or not set(vote.split(":")) <= set(_VOTES):
            problems.append(f"{line} ({name!r}, {vote!r})")
        elif votes.setdefault(name, vote) != vote:
            problems.append(f"{line} ({name} has another vote in an earlier line)")
    return votes


def _clip(path: Path, match: re.Match[str], vote: str | None, labels: str) -> Clip:
    person, sentence, code, level = match.groups()
    emotion = _VOTES[vote] if labels == "voted" and vote else CODES[code]
    extra = {
        "labels": labels,
        "intended": CODES[code],
        "vote": vote,
        "sentence": sentence,
        "level": level,
        "speaks": True,
    }
    return Clip("cremad", person, path.stem, emotion, (path,), sequence=path.stem, extra=extra)


_FRAMES = Layout(
    "1001_DFA_ANG_XX/frame_00012.jpg",
    (
        rf"(?P<sequence>(?P<person>1[0-9]{{3}})_(?:{'|'.join(_SENTENCES)})"
        rf"_(?P<emotion>{'|'.join(CODES)})_(?:LO|MD|HI|XX))"
        r"(?:/|_|-)(?:frame)?[ _-]?(?P<frame>[0-9]+)",
    ),
    {code.lower(): emotion for code, emotion in CODES.items()},
)
_FRAMES_CARD = replace(
    CARD,
    title="CREMA-D as frames",
    missing="the videos, so how many frames a second were kept is not known; the votes of viewers",
    forbids="labels by what viewers saw (these are the intended ones, with which the votes on the "
    "silent video agree in 4 931 of 7 442), speeds and durations",
    certainty="the names of the recordings: the provider's; those of frames are everybody's own, "
    "and the forms read here were met in published readers; counts are not known",
)


def read_cremad_frames(root: str | Path, verify: str = "warn") -> list[Clip]:
    """Read frames that somebody took from the videos, a clip for each, with intended emotions.

        root/
            1001_DFA_ANG_XX/frame_00012.jpg     or
            1001_DFA_ANG_XX_12.jpg

    The four bad videos are left out, as in `read_cremad`.
    """
    clips = read_layout("cremad-frames", _FRAMES, _FRAMES_CARD, root, verify)
    kept = [replace(clip, extra={"speaks": True}) for clip in clips if clip.name not in _BAD]
    verify_clips(kept, Expected(PEOPLE), verify)
    return kept


DATA_SETS = (
    DataSet(
        "cremad",
        read_cremad,
        ("cremad", "CREMA-D"),
        CARD,
        Offer(6),  # speech does not go from neutral to an expression
        expected_of,
        options={"labels": Option("voted (what viewers saw, the default) or intended")},
        path=NAME.pattern + r"\.(flv|mp4|avi|mov|mkv|webm)$",
    ),
    DataSet(
        "cremad-frames",
        read_cremad_frames,
        ("cremad-frames", "cremad", "CREMA-D"),
        _FRAMES_CARD,
        Offer(6),  # speech does not go from neutral to an expression
        Expected(PEOPLE),
        path=_FRAMES.path,
    ),
)
