"""CK+, the Extended Cohn-Kanade data set: posed expressions from neutral to their peak."""

import re
from dataclasses import replace
from itertools import chain
from pathlib import Path

from ferkit.core.files import expand_home
from ferkit.core.labels import EMOTIONS
from ferkit.data.card import Card, DataSet, Offer
from ferkit.data.clip import Clip
from ferkit.data.counts import Expected, check_level, verify_clips
from ferkit.data.layout import ANY_EMOTION, EMOTION_WORDS, Layout, read_layout
from ferkit.data.listing import below, folders, image_files, is_junk, not_found, text_lines
from ferkit.data.reports import keep_usable, report_skipped

_FRAME = re.compile(r"(S[0-9]{3})_([0-9]{3})_([0-9]{8})")

# The labelled sequences of each person; counted from a public list of the ten folds.
_LABELLED = (
    "S005:1 S010:2,4,6 S011:1,2,3,4,5,6 S014:1,2,3,5 S022:1,5,6 S026:1,2,3,6 S028:1 S029:1 "
    "S032:1,3,4,5,6 S034:1,3,5 S035:1,5,6 S037:1,3,6 S042:1,2,4,6 S044:1,3,6 S045:4,5 "
    "S046:1,2,3,4 S050:1,2,4,6 S051:2,3 S052:1,4,6 S053:1,4 S054:2,3,4 S055:1,3,4,5,6 S056:2,3,4 "
    "S057:1,3,6 S058:1,5,6 S059:1,2 S060:2,3,5 S061:1,2,4 S062:1,2,4,5 S063:1,2 S064:1,3,4 "
    "S065:2,3,4,5 S066:2,3,4,5 S067:2,4,5,6 S068:2,3,4,5 S069:2,3,4 S070:2,3,5 S071:1,2,4,5,6 "
    "S072:5,6 S073:1,6 S074:1,2,4,5 S075:2,5,6,8 S076:1,5,6 S077:1,6 S078:1,4,7 S079:1,2,4 "
    "S080:1,5,8 S081:1,2,8 S082:1,5,7 S083:3 S084:1,2 S085:2,3,4 S086:1,2 S087:1,4,5,7 S088:1,4 "
    "S089:1,2,3 S090:2,6,7 S091:1,3 S092:1,3,4 S093:1,4 S094:1,4 S095:1,6,7,10 S096:1,3,4 "
    "S097:1,4,6 S098:3,4 S099:1,4,7 S100:2,5,6 S101:2 S102:2,3,9 S105:8 S106:2,4,6 S107:1,5 "
    "S108:5,6,8 S109:3,5,6 S110:1 S111:1,6,7 S112:5 S113:1,3,8 S114:1,6 S115:1,4,8 S116:1,6,7 "
    "S117:1,3,6 S119:1,3,8 S122:1 S124:1,3,6,7 S125:1,5,6,7,8 S126:4,8 S127:1,4,10 S128:4,11 "
    "S129:2,6,11,12 S130:1,7,9,12,13 S131:1,3,6,10 S132:2,3,5,6,8 S133:3,9,10 S134:3,4,8 "
    "S135:1,12 S136:1,3,5,6 S137:1,5,11 S138:1,4,5,7,8 S139:2 S147:2 S148:2 S149:2 S151:2 S154:2 "
    "S155:2 S156:2 S157:2 S158:2 S160:6 S501:1,4,6 S502:1,2,4 S503:1,2,6 S504:1,2,4,6 S505:2,6 "
    "S506:1,2,4,6 S895:2 S999:1,3"
).split()
PEOPLE = tuple(entry.split(":")[0] for entry in _LABELLED)


def _expected_names() -> tuple[str, ...]:
    names = []
    for entry in _LABELLED:
        person, numbers = entry.split(":")
        names += [f"{person}_{int(number):03d}" for number in numbers.split(",")]
    return tuple(names)


EXPECTED = Expected(
    people=PEOPLE,
    clips=_expected_names(),
    emotions=dict(
        anger=45, contempt=18, disgust=59, fear=25, happiness=69, sadness=28, surprise=83
    ),
    counts={"frames": 5876},
    per_person={entry.split(":")[0]: entry.count(",") + 1 for entry in _LABELLED},
    unconfirmed=("frames",),
)
CARD = Card(
    title="CK+, the Extended Cohn-Kanade data set",
    source="P. Lucey et al., CVPR Workshops 2010; phase 1, revised 28 September 2010",
    licence="signed agreement, non-commercial research",
    consent="not checked; see the provider's agreement",
    terms="not to be passed on; no picture is shown here",
    ask="sign the agreement at https://www.jeffcohn.net/Resources/ (Affect Analysis Group, "
    "Pittsburgh)",
    may_show=False,
    open_download=False,
    bias="posed in a laboratory; 18 to 50 years, 69 % women, 81 % Euro-American (not confirmed)",
    certainty="names, labels and people: counted from a published list of folds; the number of "
    "frames and the order of the landmarks are not confirmed",
)


def read_ckplus(root: str | Path, verify: str = "warn") -> list[Clip]:
    """Read the labelled sequences: 327 of 118 people, seven emotions.

        root/                       folders of the four archives, each with or without its outer one
            extended-cohn-kanade-images/cohn-kanade-images/S005/001/S005_001_00000001.png
            Emotion_labels/Emotion/S005/001/S005_001_00000011_emotion.txt
                                    3.0000000e+00
            FACS_labels/FACS/S005/001/S005_001_00000011_facs.txt
                                    optional: action unit and level
            Landmarks/Landmarks/S005/001/S005_001_00000001_landmarks.txt
                                    optional: 68 lines `x y`

    Sequences go from neutral (first frame) to the peak (last frame). A sequence without a label
    file (266 of 593; some have an empty folder) is not read. `landmarks` is the folder of a
    sequence's landmark files; `extra["action_units"]` is unit -> level, 0 where it is not scored.
    Pictures are 640 x 490 or 640 x 480 pixels, grey or colour.
    """
    check_level(verify)
    root = expand_home(root)
    images = below(root, "cohn-kanade-images")
    labels = below(root, "Emotion")
    if images is None or labels is None:
        raise not_found(
            f"{CARD.title}: {'pictures' if images is None else 'emotion labels'}",
            root,
            "the folders cohn-kanade-images/S005/001/ and Emotion/S005/001/; a copy with a folder "
            "per emotion, CK+48, is read as `ckplus48`",
            CARD.ask,
        )
    facs = below(root, "FACS")
    landmarks = below(root, "Landmarks")
    problems: list[str] = []
    emotions = _read_labels(labels, problems)
    frames = {label: _frames(images / _place(label), problems) for label in emotions}
    all_frames = chain.from_iterable(frames.values())
    usable = set(keep_usable(all_frames, "ckplus", verify))
    clips = []
    for label, emotion in emotions.items():
        paths = [path for path in frames[label] if path in usable]
        peak = _name_parts(label)[2]
        if peak not in [_name_parts(path)[2] for path in paths]:
            problems.append(f"{_place(label)} (its peak, frame {peak}, is missing)")
            continue
        units = _read_action_units(facs / _place(label), problems) if facs else {}
        points = landmarks / _place(label) if landmarks else None
        clips.append(_clip(label, emotion, paths, points, units))
    report_skipped("ckplus", problems, "item", verify)
    verify_clips(clips, EXPECTED, verify)
    return clips


def _name_parts(path: Path) -> tuple[str, str, str]:
    """Person, sequence and frame in a file's name."""
    person, sequence, frame = path.stem.split("_")[:3]
    return person, sequence, frame


def _clip(
    label: Path, emotion: str, frames: list[Path], points: Path | None, units: dict[int, int]
) -> Clip:
    person, sequence, peak = _name_parts(label)
    return Clip(
        "ckplus",
        person,
        f"{person}_{sequence}",
        emotion,
        tuple(frames),
        sequence=sequence,
        peak=[_name_parts(path)[2] for path in frames].index(peak),
        landmarks=points if points and points.is_dir() else None,
        extra={"action_units": units} if units else {},
    )


def _place(path: Path) -> str:
    """The folder of a file below the folders of the four archives: `S005/001`."""
    return f"{path.parent.parent.name}/{path.parent.name}"


def _is_of_its_folder(path: Path, match: re.Match[str] | None) -> bool:
    return match is not None and f"{match[1]}/{match[2]}" == _place(path)


def _texts(folder: Path, ending: str) -> list[Path]:
    paths = folder.iterdir() if folder.is_dir() else ()
    return sorted(path for path in paths if path.name.endswith(ending) and not is_junk(path.name))


def _read_labels(root: Path, problems: list[str]) -> dict[Path, str]:
    """The emotion of each label file; faults go to `problems`."""
    emotions: dict[Path, str] = {}
    for sequence in chain.from_iterable(map(folders, folders(root))):
        texts = _texts(sequence, "_emotion.txt")
        if len(texts) > 1:
            place = f"{sequence.parent.name}/{sequence.name}"
            problems.append(f"{place} ({len(texts)} label files, expected one)")
            continue
        for path in texts:
            place = f"{_place(path)}/{path.name}"
            text = " ".join(text_lines(path)).strip()
            code = _whole_number(text)
            if not _is_of_its_folder(path, _FRAME.match(path.stem)):
                problems.append(f"{place} (a label of another sequence)")
            elif code is None or not 1 <= code < len(EMOTIONS):
                problems.append(f"{place} (expected a code from 1 to 7, got {text!r})")
            else:
                emotions[path] = EMOTIONS[code]
    return emotions


def _frames(folder: Path, problems: list[str]) -> list[Path]:
    """The pictures of one sequence, by number; faults go to `problems`."""
    frames = []
    for path in image_files(folder, (".png",)) if folder.is_dir() else ():
        if _is_of_its_folder(path, _FRAME.fullmatch(path.stem)):
            frames.append(path)
        else:
            problems.append(f"{_place(path)}/{path.name} (not a name of this sequence)")
    return frames


def _read_action_units(folder: Path, problems: list[str]) -> dict[int, int]:
    levels = {}
    for path in _texts(folder, "_facs.txt"):
        for number, line in enumerate(text_lines(path), start=1):
            numbers = [_whole_number(word) for word in line.split()[:2]]
            whole = [number for number in numbers if number is not None]
            if len(whole) == 2:
                levels[whole[0]] = whole[1]
            elif line:
                problems.append(f"{path.name} line {number} ({line.strip()!r})")
    return levels


def _whole_number(text: str) -> int | None:
    """A whole number written as 3.0000000e+00, or None."""
    try:
        number = float(text)
    except ValueError:
        return None
    return int(number) if number.is_integer() else None


# CK+48: the last three frames of each labelled sequence.
LAYOUT48 = Layout(
    "CK+48/anger/S010_004_00000017.png",
    (rf"{ANY_EMOTION}/(?P<person>S[0-9]{{3}})_(?P<sequence>[0-9]{{3}})_[0-9]{{8}}",),
    EMOTION_WORDS,
)
EXPECTED48 = Expected(
    people=PEOPLE,
    emotions={emotion: 3 * count for emotion, count in EXPECTED.emotions.items()},
    counts={"clips": 981},
    per_person={person: 3 * count for person, count in EXPECTED.per_person.items()},
)
CARD48 = replace(
    CARD,
    title="CK+48, faces cut out of CK+",
    terms="CK+'s agreement forbids passing it on; ask for CK+ itself; no picture is shown here",
    missing="the first, neutral frames, all frames but the last three, the 266 sequences without "
    "an emotion, action units and landmarks; pictures have 48 x 48 pixels",
    forbids="notebooks of sequences (05, 06, 09) and a neutral class; residuals use expressive "
    "faces only; at 48 pixels some faces are not found",
    certainty="folders, names and the 981 pictures per emotion: several published readers; that "
    "they are the last three frames: the counts, three times those of CK+",
)


def read_ckplus48(root: str | Path, verify: str = "warn") -> list[Clip]:
    """Read CK+48: 981 pictures of 118 people, seven emotions and no neutral one.

        root/
            CK+48/anger/S010_004_00000017.png       emotion, person, sequence, frame

    `sequence` is the provider's number; each of its three pictures is a clip.
    """
    clips = read_layout("ckplus48", LAYOUT48, CARD48, root, verify)
    verify_clips(clips, EXPECTED48, verify)
    return clips


DATA_SETS = (
    DataSet(
        "ckplus",
        read_ckplus,
        ("ckplus", "CK+", "ck+"),
        CARD,
        Offer(8, sequences=True),
        EXPECTED,
        path=r"cohn-kanade-images/S[0-9]{3}/[0-9]{3}/S[0-9]{3}_[0-9]{3}_[0-9]{8}\.png$"
        r"|S[0-9]{3}/[0-9]{3}/\w+_emotion\.txt$",
    ),
    DataSet(
        "ckplus48",
        read_ckplus48,
        ("ckplus48", "CK+48", "ck+48"),
        CARD48,
        Offer(7),
        EXPECTED48,
        path=LAYOUT48.path,
    ),
)
