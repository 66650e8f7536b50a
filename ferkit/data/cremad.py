"""CREMA-D: films of 91 actors who speak twelve sentences in six emotions, and what viewers saw in their faces."""

import csv
import re
from collections.abc import Sequence
from pathlib import Path

from ferkit.data.cards import Card
from ferkit.data.clips import Clip
from ferkit.data.files import FILMS, find_file, image_files, not_found, report, shorten, text_lines, usable
from ferkit.data.files import below as folder_below
from ferkit.data.verify import Expected, check_level, verify_clips

CODES = {"ANG": "anger", "DIS": "disgust", "FEA": "fear", "HAP": "happiness", "NEU": "neutral", "SAD": "sadness"}
VOTES = {code[0]: emotion for code, emotion in CODES.items()}
SENTENCES = "IEO TIE IOM IWW TAI MTI IWL ITH DFA ITS TSI WSI".split()
NAME = re.compile(rf"(1[0-9]{{3}})_({'|'.join(SENTENCES)})_({'|'.join(CODES)})_(LO|MD|HI|XX)")
BAD = ("1076_MTI_NEU_XX", "1076_MTI_SAD_XX", "1064_TIE_SAD_XX", "1064_IEO_DIS_MD")  # too short, an error, all emotions
POINTER = b"version https://git-lfs"
TABLE = "summaryTable.csv"
COLUMNS = ("FileName", "FaceVote")
LABELS = ("voted", "intended")

PEOPLE = tuple(str(number) for number in range(1001, 1092))
# Counted before the four bad films were left out; their votes, and which films lack among the names, are not known here.
_VOTED = dict(neutral=2076, happiness=1266, disgust=1057, anger=968, fear=822, sadness=783)
EXPECTED = {
    "voted": Expected(PEOPLE, emotions=_VOTED, counts={"clips": 6972}, unconfirmed=("clips", *_VOTED)),
    "intended": Expected(
        PEOPLE,
        emotions=dict(anger=1271, disgust=1270, fear=1271, happiness=1271, neutral=1086, sadness=1269),
        counts={"clips": 7438},
    ),
}
CARD = Card(
    title="CREMA-D",
    source="H. Cao et al., IEEE Transactions on Affective Computing 5(4), 2014",
    licence="ODbL 1.0 (database), DbCL 1.0 (contents)",
    consent="not checked",
    terms="free to use with attribution, a changed database under the same licence; as consent was not checked, no picture is shown here",
    ask="clone https://github.com/CheyneyComputerScience/CREMA-D with Git LFS (`git lfs pull --include VideoFlash`)",
    may_show=False,
    open_download=True,
    bias="91 actors in the United States, 48 men and 43 women, 20 to 74 years; acted, speaking; no surprise, no contempt",
)


def expected_of(clips: Sequence[Clip]) -> Expected:
    """What a complete copy holds under the labels that `clips` have."""
    return EXPECTED[clips[0].extra["labels"] if clips else "voted"]


def read_cremad(root: str | Path, verify: str = "warn", labels: str = "voted") -> list[Clip]:
    """The films: 91 people, six emotions; labels are the one most viewers of the silent film saw, or the one intended.

        root/
            VideoFlash/1001_DFA_ANG_XX.flv      actor, sentence, emotion intended, level
            processedResults/summaryTable.csv   FileName, ..., FaceVote, ...: A D F H N S, ties joined by `:`

    `voted` leaves out the 470 films with a tie; seen and intended agree in 4 931 of 7 442. `intended` needs no table. Four
    films that the readme calls bad are left out. A film is one frame, not opened; `extra` has `labels`, `intended`, `vote`,
    `sentence`, `level`, and `speaks`: mouths do. Raises FileNotFoundError too where Git LFS left pointers in place of films.
    """
    check_level(verify)
    if labels not in LABELS:
        raise ValueError(f"labels={labels!r} is not known; choose {' or '.join(LABELS)}")
    root = Path(root).expanduser()
    films = image_files(folder_below(root, "VideoFlash") or root, FILMS) if root.is_dir() else []
    named = {path: match for path in films if (match := NAME.fullmatch(path.stem)) and path.stem not in BAD}
    if not named:
        raise not_found(f"{CARD.title} films", root, "VideoFlash/1001_DFA_ANG_XX.flv and so on", CARD.ask)
    problems = [f"{path.name} (not CREMA-D's name)" for path in films if not NAME.fullmatch(path.stem)]
    pointers = [path for path in named if _is_pointer(path)]
    if len(pointers) == len(named):
        raise not_found(f"{CARD.title} films", root, "films, but these are pointers of Git LFS", CARD.ask)
    problems += [f"{path.name} (a pointer of Git LFS; `git lfs pull` fetches the film)" for path in pointers]
    there = set(usable([path for path in named if path not in pointers], "cremad", verify))
    votes = _votes(root, labels, problems)
    clips = []
    for path, match in named.items():
        vote = votes.get(path.stem)
        if path in there and labels == "voted" and vote is None:
            problems.append(f"{path.name} (no row in {TABLE})")
        elif path in there and (labels == "intended" or vote in VOTES):
            clips.append(_clip(path, match, vote, labels))
    if problems:
        report(f"cremad: {len(problems)} thing(s) skipped: {shorten(problems)}", verify)
    verify_clips(clips, expected_of(clips), verify)
    return clips


def _is_pointer(path: Path) -> bool:
    if path.stat().st_size > 1000:
        return False
    with path.open("rb") as file:
        return file.read(len(POINTER)) == POINTER


def _votes(root: Path, labels: str, problems: list[str]) -> dict[str, str]:
    """What the faces were voted, by film; rows that cannot be used go to `problems`. Empty where there is no table."""
    table = find_file(root, TABLE)
    if table is None:
        if labels == "voted":
            where = 'clone the repository again, or read with labels="intended"'
            raise not_found(f"{CARD.title}: votes", root, f"processedResults/{TABLE}", where)
        return {}
    rows = csv.DictReader(text_lines(table))
    if absent := [column for column in COLUMNS if column not in (rows.fieldnames or ())]:
        raise ValueError(f"{table} has no column {', '.join(absent)}; found {', '.join(rows.fieldnames or ())}")
    votes: dict[str, str] = {}
    for row in rows:
        name, vote = (row[column] or "" for column in COLUMNS)
        if not NAME.fullmatch(name) or not vote or set(vote.split(":")) - set(VOTES):
            problems.append(f"line {rows.line_num} of {TABLE} ({name!r}, {vote!r})")
        elif votes.setdefault(name, vote) != vote:
            problems.append(f"line {rows.line_num} of {TABLE} ({name} is voted again, and otherwise)")
    return votes


def _clip(path: Path, match: re.Match[str], vote: str | None, labels: str) -> Clip:
    person, sentence, code, level = match.groups()
    emotion = VOTES[vote] if labels == "voted" and vote else CODES[code]
    extra = {
        "labels": labels,
        "intended": CODES[code],
        "vote": vote,
        "sentence": sentence,
        "level": level,
        "speaks": True,
    }
    return Clip("cremad", person, path.stem, emotion, (path,), sequence=path.stem, extra=extra)
