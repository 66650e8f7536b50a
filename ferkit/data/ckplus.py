"""CK+, the Extended Cohn-Kanade data set: sequences from neutral to the peak of a posed expression."""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ferkit.data.cards import Card
from ferkit.data.clips import Clip
from ferkit.data.files import below, folders, image_files, is_junk, not_found, report, shorten, text_lines, usable
from ferkit.data.verify import Expected, check_level, verify_clips
from ferkit.labels import EMOTIONS

FRAME = re.compile(r"(S[0-9]{3})_([0-9]{3})_([0-9]{8})")

# The labelled sequences of each person; counted from a public list of the ten folds.
LABELLED = (
    "S005:1 S010:2,4,6 S011:1,2,3,4,5,6 S014:1,2,3,5 S022:1,5,6 S026:1,2,3,6 S028:1 S029:1 S032:1,3,4,5,6 "
    "S034:1,3,5 S035:1,5,6 S037:1,3,6 S042:1,2,4,6 S044:1,3,6 S045:4,5 S046:1,2,3,4 S050:1,2,4,6 S051:2,3 "
    "S052:1,4,6 S053:1,4 S054:2,3,4 S055:1,3,4,5,6 S056:2,3,4 S057:1,3,6 S058:1,5,6 S059:1,2 S060:2,3,5 S061:1,2,4 "
    "S062:1,2,4,5 S063:1,2 S064:1,3,4 S065:2,3,4,5 S066:2,3,4,5 S067:2,4,5,6 S068:2,3,4,5 S069:2,3,4 S070:2,3,5 "
    "S071:1,2,4,5,6 S072:5,6 S073:1,6 S074:1,2,4,5 S075:2,5,6,8 S076:1,5,6 S077:1,6 S078:1,4,7 S079:1,2,4 "
    "S080:1,5,8 S081:1,2,8 S082:1,5,7 S083:3 S084:1,2 S085:2,3,4 S086:1,2 S087:1,4,5,7 S088:1,4 S089:1,2,3 "
    "S090:2,6,7 S091:1,3 S092:1,3,4 S093:1,4 S094:1,4 S095:1,6,7,10 S096:1,3,4 S097:1,4,6 S098:3,4 S099:1,4,7 "
    "S100:2,5,6 S101:2 S102:2,3,9 S105:8 S106:2,4,6 S107:1,5 S108:5,6,8 S109:3,5,6 S110:1 S111:1,6,7 S112:5 "
    "S113:1,3,8 S114:1,6 S115:1,4,8 S116:1,6,7 S117:1,3,6 S119:1,3,8 S122:1 S124:1,3,6,7 S125:1,5,6,7,8 S126:4,8 "
    "S127:1,4,10 S128:4,11 S129:2,6,11,12 S130:1,7,9,12,13 S131:1,3,6,10 S132:2,3,5,6,8 S133:3,9,10 S134:3,4,8 "
    "S135:1,12 S136:1,3,5,6 S137:1,5,11 S138:1,4,5,7,8 S139:2 S147:2 S148:2 S149:2 S151:2 S154:2 S155:2 S156:2 "
    "S157:2 S158:2 S160:6 S501:1,4,6 S502:1,2,4 S503:1,2,6 S504:1,2,4,6 S505:2,6 S506:1,2,4,6 S895:2 S999:1,3"
)
SEQUENCES = tuple(
    f"{person}_{int(number):03d}"
    for entry in LABELLED.split()
    for person, numbers in [entry.split(":")]
    for number in numbers.split(",")
)
EXPECTED = Expected(
    people=tuple(entry.split(":")[0] for entry in LABELLED.split()),
    clips=SEQUENCES,
    emotions=dict(anger=45, contempt=18, disgust=59, fear=25, happiness=69, sadness=28, surprise=83),
    counts={"frames": 5876},
    unconfirmed=("frames",),
)
CARD = Card(
    title="CK+, the Extended Cohn-Kanade data set",
    source="P. Lucey et al., CVPR Workshops 2010; phase 1, revised 28 September 2010",
    licence="signed agreement, non-commercial research",
    consent="not checked; the provider's agreement says",
    terms="not to be passed on; no picture is shown here",
    ask="sign the agreement at https://www.jeffcohn.net/Resources/ (Affect Analysis Group, Pittsburgh)",
    may_show=False,
    open_download=False,
    bias="posed in a laboratory; 18 to 50 years, 69 % women, 81 % Euro-American (not confirmed)",
)


def read_ckplus(root: str | Path, verify: str = "warn") -> list[Clip]:
    """The labelled sequences: 327 of 118 people, seven emotions, from neutral (first frame) to the peak (last frame).

        root/                                   folders of the four archives, each with or without its outer one
            extended-cohn-kanade-images/cohn-kanade-images/S005/001/S005_001_00000001.png
            Emotion_labels/Emotion/S005/001/S005_001_00000011_emotion.txt       3.0000000e+00
            FACS_labels/FACS/S005/001/S005_001_00000011_facs.txt                optional: action unit and level
            Landmarks/Landmarks/S005/001/S005_001_00000001_landmarks.txt        optional: 68 lines `x y`

    A sequence without a label file (266 of 593; some have an empty folder) is not read. `landmarks` is the folder of a
    sequence's landmark files (see `read_landmarks`); `extra["action_units"]` is unit -> level, 0 where it is not scored.
    Pictures are 640 x 490 or 640 x 480 pixels, grey or colour.
    """
    check_level(verify)
    root = Path(root).expanduser()
    images, labels = below(root, "cohn-kanade-images"), below(root, "Emotion")
    if images is None or labels is None:
        raise not_found(
            f"{CARD.title}: {'pictures' if images is None else 'emotion labels'}",
            root,
            "the folders cohn-kanade-images/S005/001/ and Emotion/S005/001/ (copies sorted into a folder per emotion, or as a "
            "table of 48 x 48 pixels, have lost people and sequences and cannot be used)",
            CARD.ask,
        )
    facs, landmarks = below(root, "FACS"), below(root, "Landmarks")
    marked, problems = _labels(labels)
    frames = {label: list(_frames(images / label.parent.relative_to(labels), problems)) for label in marked}
    there = set(usable([path for paths in frames.values() for path in paths], "ckplus", verify))
    clips = []
    for label, emotion in marked.items():
        person, sequence, peak = _parts(label)
        paths = [path for path in frames[label] if path in there]
        if peak not in [_parts(path)[2] for path in paths]:
            problems.append(f"{label.parent.relative_to(labels).as_posix()} (its peak, frame {peak}, is not there)")
            continue
        units = _action_units(facs / label.parent.relative_to(labels), problems) if facs else {}
        points = landmarks / label.parent.relative_to(labels) if landmarks else None
        clips.append(
            Clip(
                "ckplus",
                person,
                f"{person}_{sequence}",
                emotion,
                tuple(paths),
                sequence=sequence,
                peak=[_parts(path)[2] for path in paths].index(peak),
                landmarks=points if points and points.is_dir() else None,
                extra={"action_units": units} if units else {},
            )
        )
    if problems:
        report(f"ckplus: {len(problems)} thing(s) skipped: {shorten(problems)}", verify)
    verify_clips(clips, EXPECTED, verify)
    return clips


def read_landmarks(clip: Clip) -> np.ndarray:
    """The provider's points of a sequence's frames (T, 68, 2), float pixels.

    Raises FileNotFoundError for a missing file; ValueError when one is not 68 points, or when their order is not that of
    the 68 points (the chin lowest, the eye of the left side of the picture on the left), which the provider does not state.
    """
    if clip.landmarks is None:
        raise FileNotFoundError(
            f"{clip.dataset} {clip.name} has no landmarks; unpack Landmarks.zip beside the pictures"
        )
    points = []
    for frame in clip.frames:
        path = clip.landmarks / f"{frame.stem}_landmarks.txt"
        try:
            one = np.array([[float(number) for number in line.split()] for line in text_lines(path) if line])
        except ValueError as error:
            raise ValueError(f"{path} is not a table of numbers ({error}); expected 68 lines `x y`") from None
        if one.shape != (68, 2):
            raise ValueError(f"{path} has the shape {one.shape}; expected 68 lines `x y`")
        if one[8, 1] < one[:17, 1].max() or one[36:42, 0].mean() >= one[42:48, 0].mean():
            raise ValueError(
                f"{path} is not in the order of the 68 points: expected 8 at the chin, 36 to 41 left of 42 to 47"
            )
        points.append(one)
    return np.stack(points)


def _parts(path: Path) -> tuple[str, str, str]:
    """Person, sequence and frame in a file's name."""
    person, sequence, frame = path.stem.split("_")[:3]
    return person, sequence, frame


def _texts(folder: Path, ending: str) -> list[Path]:
    found = folder.iterdir() if folder.is_dir() else ()
    return sorted(path for path in found if path.name.endswith(ending) and not is_junk(path.name))


def _labels(folder: Path) -> tuple[dict[Path, str], list[str]]:
    """The emotion of each label file, and what cannot be used."""
    marked: dict[Path, str] = {}
    problems = []
    for sequence in (inner for person in folders(folder) for inner in folders(person)):
        place = f"{sequence.parent.name}/{sequence.name}"
        texts = _texts(sequence, "_emotion.txt")
        if len(texts) > 1:
            problems.append(f"{place} ({len(texts)} label files, expected one)")
            continue
        for path in texts:
            text = " ".join(text_lines(path)).strip()
            code = _whole(text)
            name = FRAME.match(path.stem)
            if name is None or (name[1], name[2]) != (sequence.parent.name, sequence.name):
                problems.append(f"{place}/{path.name} (a label of another sequence)")
            elif code is None or not 1 <= code < len(EMOTIONS):
                problems.append(f"{place}/{path.name} (expected a code from 1 to 7, got {text!r})")
            else:
                marked[path] = EMOTIONS[code]
    return marked, problems


def _frames(folder: Path, problems: list[str]) -> Iterator[Path]:
    """The pictures of one sequence, by number."""
    for path in image_files(folder, (".png",)) if folder.is_dir() else ():
        name = FRAME.fullmatch(path.stem)
        if name is None or (name[1], name[2]) != (folder.parent.name, folder.name):
            problems.append(f"{folder.parent.name}/{folder.name}/{path.name} (not a name of this sequence)")
        else:
            yield path


def _action_units(folder: Path, problems: list[str]) -> dict[int, int]:
    units = {}
    for path in _texts(folder, "_facs.txt"):
        for number, line in enumerate(text_lines(path), start=1):
            unit, level = ([_whole(word) for word in line.split()] + [None, None])[:2]
            if unit is not None and level is not None:
                units[unit] = level
            elif line:
                problems.append(f"{path.name} line {number} ({line.strip()!r})")
    return units


def _whole(text: str) -> int | None:
    """A whole number written as 3.0000000e+00, or None."""
    try:
        number = float(text)
    except ValueError:
        return None
    return int(number) if number.is_integer() else None
