"""Small data sets of drawn faces in their providers' layouts, for notebooks.

`data_trees` and `photo_trees` have the traps of each layout but no faces; here are faces but no
traps.
"""

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from data_trees import ised_row, text, write_ised, write_tem
from film_files import write_film
from photo_trees import HEADER, make_arrays
from PIL import Image

from ferkit.core.labels import EMOTIONS
from ferkit.drawn.draw_sets import draw_clip
from ferkit.drawn.sets import SETS, PlannedClip

PEOPLE, FRAMES = 4, 5  # faces grow from neutral to the expression
BASIC = tuple(name for name in EMOTIONS if name not in ("neutral", "contempt"))
SEVEN = ("neutral", *BASIC)


@cache
def faces(person: int, emotion: str, take: int = 0) -> list[np.ndarray]:
    """Draw one sequence, `(96, 96, 3)` uint8, from neutral to the expression."""
    shot = PlannedClip(
        7000 + person, f"{person}_{emotion}_{take}", emotion, None, FRAMES, 100 * person + take
    )
    return [frame.image for frame, _ in draw_clip(shot, SETS["sequences"])]


def everybody(
    emotions: tuple[str, ...], count: int = PEOPLE
) -> Iterator[tuple[int, str, list[np.ndarray]]]:
    """Who shows what, and how it looks."""
    return (
        (person, emotion, faces(person, emotion)) for person in range(count) for emotion in emotions
    )


def save(
    image: np.ndarray, path: Path, form: str | None = None, *, grey: bool = False, size: int = 0
) -> Path:
    """A picture at `path`, in grey or of another size where that is asked."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.fromarray(image).convert("L" if grey else "RGB")
    (picture.resize((size, size)) if size else picture).save(path, form)
    return path


def cmu(root: Path) -> None:
    for person, emotion, frames in everybody(("neutral", "happiness", "sadness", "anger")):
        word = {"happiness": "happy", "sadness": "sad", "anger": "angry"}.get(emotion, emotion)
        name = ("an2i", "at33", "boland", "bpm")[person]
        save(frames[-1], root / "faces" / name / f"{name}_straight_{word}_open_2.pgm", grey=True)


def london(root: Path) -> None:
    for person, emotion, frames in everybody(("neutral", "happiness")):
        view, code = {"neutral": ("neutral_front", "03"), "happiness": ("smiling_front", "08")}[
            emotion
        ]
        save(frames[-1], root / view / f"{person + 1:03d}_{code}.jpg", size=224)
    for person in range(PEOPLE):
        write_tem(root / "neutral_front" / f"{person + 1:03d}_03.tem")
    text(root / "london_info.csv", "face_id,face_age,face_gender,face_eth\n001,24,female,white\n")


def ckplus(root: Path) -> None:
    for code, emotion in enumerate(
        ("anger", "contempt", "disgust", "fear", "happiness", "sadness", "surprise"), 1
    ):
        for person in range(PEOPLE):
            place, name = f"S{person + 5:03d}/{code:03d}", f"S{person + 5:03d}_{code:03d}"
            for number, frame in enumerate(faces(person, emotion), start=1):
                save(
                    frame,
                    root / "cohn-kanade-images" / place / f"{name}_{number:08d}.png",
                    grey=True,
                )
            text(
                root / "Emotion" / place / f"{name}_{FRAMES:08d}_emotion.txt",
                f"   {code}.0000000e+00\n",
            )


def jaffe(root: Path) -> None:
    codes = dict(zip(SEVEN, ("NE", "AN", "DI", "FE", "HA", "SA", "SU"), strict=True))
    for serial, (person, emotion, frames) in enumerate(everybody(SEVEN), start=1):
        who = ("KM", "KA", "YM", "KR")[person]
        save(frames[-1], root / "jaffe" / f"{who}.{codes[emotion]}1.{serial}.tiff", grey=True)


def oulu(root: Path) -> None:
    for person, emotion, frames in everybody(BASIC):
        for number, frame in enumerate(frames):
            place = (
                root / "OriginalImg" / "VL" / "Strong" / f"P{person + 1:03d}" / emotion.capitalize()
            )
            save(frame, place / f"{number:03d}.jpeg")


def mmi(root: Path) -> None:
    codes = {
        name: code
        for code, name in enumerate(
            ("anger", "disgust", "fear", "happiness", "sadness", "surprise"), 1
        )
    }
    for number, (person, emotion, frames) in enumerate(everybody(BASIC), start=1):
        folder, name = root / "Sessions" / str(number), f"S{person + 1:03d}-{number:03d}"
        turned = [
            np.rot90(frame) for frame in [*frames, *frames[-2::-1]]
        ]  # back to neutral; the camera lay on its side
        write_film(folder / f"{name}.avi", turned)
        text(folder / "session.xml", '<session><track view="0"/></session>\n')
        text(
            folder / f"{name}.xml",
            f'<MetaData><Metatag Name="Emotion" Value="{codes[emotion]}"/></MetaData>\n',
        )


def mefed(root: Path) -> None:
    codes = dict(
        zip(
            ("anger", "contempt", "disgust", "fear", "happiness", "sadness", "surprise"),
            range(1, 8),
            strict=True,
        )
    )
    lines = []
    for number, (person, emotion, frames) in enumerate(everybody(EMOTIONS), start=1):
        label = f"{codes[emotion]}_{codes[emotion]}" if emotion in codes else "N_N"
        part, who = ("train", person + 1) if person < PEOPLE - 1 else ("val", 74)
        name = f"Sample_{who:03d}_{number:03d}.JPG"
        save(frames[-1], root / part / name, "JPEG", size=224)
        lines.append(f"{name}\t{label}\n")
    text(root / "training_validation_new.txt", "".join(lines))


def ised(root: Path) -> None:
    rows = []
    for number, (person, emotion, frames) in enumerate(
        everybody(("happiness", "surprise", "disgust", "sadness")), 1
    ):
        write_film(root / "videos" / f"PS {person + 1}" / f"{number}.avi", frames)
        save(frames[-1], root / "peakImages" / f"{person + 1}_{number}_{FRAMES}.jpg")
        code = ("happiness", "surprise", "sadness", "disgust").index(emotion) + 1
        rows.append(ised_row(person + 1, number, FRAMES, code))
    write_ised(root / "ISED_details.mat", rows)


def affectnet(root: Path) -> None:
    order = ("neutral", "happiness", "sadness", "surprise", "fear", "disgust", "anger", "contempt")
    for number, (person, emotion, frames) in enumerate(everybody(EMOTIONS)):
        part = root / ("val_set" if person == PEOPLE - 1 else "train_set")
        save(frames[-1], part / "images" / f"{number}.jpg", size=224)
        make_arrays(part / "annotations", number, order.index(emotion))


def fer2013(root: Path) -> None:
    codes = dict(
        zip(
            ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral"),
            range(7),
            strict=True,
        )
    )
    columns, rows, votes = HEADER.split(",")[2:], ["emotion,pixels,Usage"], [HEADER]
    for number, (person, emotion, frames) in enumerate(everybody(EMOTIONS, 6)):
        usage = {4: "PublicTest", 5: "PrivateTest"}.get(person, "Training")
        small = cv2.resize(
            cv2.cvtColor(frames[-1], cv2.COLOR_RGB2GRAY), (48, 48), interpolation=cv2.INTER_AREA
        )
        rows.append(f"{codes.get(emotion, 0)},{' '.join(map(str, small.ravel()))},{usage}")
        counts = [10 if column == emotion else 0 for column in columns]
        votes.append(f"{usage},fer{number:07d}.png,{','.join(map(str, counts))}")
    text(root / "fer2013.csv", "\n".join(rows) + "\n")
    text(root / "fer2013new.csv", "\n".join(votes) + "\n")


def casia(root: Path, people: int = PEOPLE) -> None:
    for person, emotion, frames in everybody(("neutral", "happiness"), people):
        number = ("neutral", "happiness").index(emotion)
        save(frames[-1], root / "CASIA-WebFace" / f"{person + 45:07d}" / f"{number + 1:03d}.jpg")


def lfw(root: Path) -> None:
    names = ("Abel_Pacheco", "Bo_Li", "George_W_Bush", "Yoko_Ono")
    for person, emotion, frames in everybody(("neutral", "happiness")):
        number = ("neutral", "happiness").index(emotion)
        save(frames[-1], root / "lfw" / names[person] / f"{names[person]}_{number + 1:04d}.jpg")
    # Two folds of one pair each.
    pairs = [f"{a}\t1\t2\n{a}\t1\t{b}\t1\n" for a, b in (names[:2], names[2:])]
    text(root / "pairs.txt", "2\t1\n" + "".join(pairs))


def yale(root: Path) -> None:
    words = {"neutral": "normal", "happiness": "happy", "sadness": "sad", "surprise": "surprised"}
    for person, emotion, frames in everybody(tuple(words)):
        save(
            frames[-1],
            root / "yalefaces" / f"subject{person + 1:02d}.{words[emotion]}",
            "GIF",
            grey=True,
            size=224,
        )


def cremad(root: Path) -> None:
    codes = dict(
        zip(("anger", "disgust", "fear", "happiness", "neutral", "sadness"), "ADFHNS", strict=True)
    )
    intended = dict(zip(codes, ("ANG", "DIS", "FEA", "HAP", "NEU", "SAD"), strict=True))
    lines = ['"","FileName","FaceVote"']
    for number, (person, emotion, frames) in enumerate(everybody(tuple(codes)), start=1):
        name = f"{1001 + person}_DFA_{intended[emotion]}_XX"
        write_film(root / "VideoFlash" / f"{name}.flv", frames)
        lines.append(f'"{number}","{name}","{codes[emotion]}"')
    text(root / "processedResults" / "summaryTable.csv", "\n".join(lines) + "\n")


def ravdess(root: Path) -> None:
    codes = dict(
        neutral="01",
        happiness="03",
        sadness="04",
        anger="05",
        fear="06",
        disgust="07",
        surprise="08",
    )
    for person, emotion, frames in everybody(tuple(codes)):
        who = f"{person + 1:02d}"
        write_film(root / f"Actor_{who}" / f"02-01-{codes[emotion]}-01-01-01-{who}.mp4", frames)


WORDS = dict(
    zip(EMOTIONS, "neutral angry contempt disgust fear happy sad surprise".split(), strict=True)
)


def ckplus48(root: Path) -> None:
    words = {"happiness": "happy", "anger": "anger", "sadness": "sadness"}
    for code, emotion in enumerate(EMOTIONS[1:], start=1):
        for person in range(PEOPLE):
            for number, frame in enumerate(faces(person, emotion)[-3:], start=15):
                name = f"S{person + 10:03d}_{code:03d}_{number:08d}.png"
                save(frame, root / "CK+48" / words.get(emotion, emotion) / name, grey=True, size=48)


def fer2013_folders(root: Path) -> None:
    for number, (person, emotion, frames) in enumerate(everybody(SEVEN, 6)):
        usage = {4: "PublicTest", 5: "PrivateTest"}.get(person, "Training")
        part = "train" if usage == "Training" else "test"
        path = root / part / WORDS[emotion] / f"{usage}_{10118481 + number}.jpg"
        save(frames[-1], path, grey=True, size=48)


def ferplus_pictures(root: Path) -> None:
    columns = HEADER.split(",")[2:]
    lines: dict[str, list[str]] = {}
    for number, (person, emotion, frames) in enumerate(everybody(EMOTIONS, 6)):
        part = {4: "FER2013Valid", 5: "FER2013Test"}.get(person, "FER2013Train")
        name = f"fer{number:07d}.png"
        save(frames[-1], root / "data" / part / name, grey=True, size=48)
        counts = ",".join("10" if column == emotion else "0" for column in columns)
        lines.setdefault(part, []).append(f'{name},"(0, 0, 48, 48)",{counts}\n')
    for part, rows in lines.items():
        text(root / "data" / part / "label.csv", "".join(rows))


RAFDB = "surprise fear disgust happiness sadness anger neutral".split()


def rafdb(root: Path) -> None:
    lines = []
    for number, (person, emotion, frames) in enumerate(everybody(SEVEN), start=1):
        name = f"test_{number:04d}" if person == PEOPLE - 1 else f"train_{number:05d}"
        save(frames[-1], root / "basic" / "Image" / "aligned" / f"{name}_aligned.jpg")
        lines.append(f"{name}.jpg {RAFDB.index(emotion) + 1}\n")
    text(root / "basic" / "EmoLabel" / "list_patition_label.txt", "".join(lines))


def affectnet_folders(root: Path) -> None:
    for number, (person, emotion, frames) in enumerate(everybody(EMOTIONS)):
        part = "Test" if person == PEOPLE - 1 else "Train"
        save(frames[-1], root / part / WORDS[emotion] / f"image{number:07d}.jpg")


def affectnet_yolo(root: Path) -> None:
    order = "anger contempt disgust fear happiness neutral sadness surprise".split()
    for number, (person, emotion, frames) in enumerate(everybody(EMOTIONS)):
        part = root / "YOLO_format" / {2: "valid", 3: "test"}.get(person, "train")
        name = f"ffhq_{number}" if person == 1 else f"image{number:07d}"
        save(frames[-1], part / "images" / f"{name}.png")
        text(part / "labels" / f"{name}.txt", f"{order.index(emotion)} 0.5 0.5 1.0 1.0\n")
    text(root / "YOLO_format" / "data.yaml", "nc: 8\n")


def kdef(root: Path) -> None:
    codes = dict(zip(SEVEN, ("NE", "AN", "DI", "AF", "HA", "SA", "SU"), strict=True))
    for person, emotion, frames in everybody(SEVEN):
        for session in "AB":
            who = f"{session}{'FM'[person % 2]}{person + 1:02d}"
            save(frames[-1], root / "KDEF" / who / f"{who}{codes[emotion]}S.JPG", "JPEG")
    save(frames[-1], root / "KDEF" / who / f"{who}SUFL.JPG", "JPEG")


def rafd(root: Path) -> None:
    words = WORDS | {
        "contempt": "contemptuous",
        "disgust": "disgusted",
        "fear": "fearful",
        "surprise": "surprised",
    }
    for person, emotion, frames in everybody(EMOTIONS):
        name = f"Rafd090_{person + 1:02d}_Caucasian_female_{words[emotion]}_frontal.jpg"
        save(frames[-1], root / name)


def cremad_frames(root: Path) -> None:
    codes = dict(
        anger="ANG", disgust="DIS", fear="FEA", happiness="HAP", neutral="NEU", sadness="SAD"
    )
    for person, emotion, frames in everybody(tuple(codes)):
        name = f"{1001 + person}_DFA_{codes[emotion]}_XX"
        for number, frame in enumerate(frames):
            save(frame, root / name / f"frame_{number:05d}.jpg")


def ravdess_frames(root: Path) -> None:
    codes = dict(zip(SEVEN, ("01", "05", "07", "06", "03", "04", "08"), strict=True))
    for person, emotion, frames in everybody(SEVEN):
        who = f"{person + 1:02d}"
        name = f"01-01-{codes[emotion]}-01-01-01-{who}"
        for number, frame in enumerate(frames):
            save(frame, root / f"Actor_{who}" / name / f"frame{9 + number}.jpg")


def folder(root: Path) -> None:
    for person, emotion, frames in everybody(SEVEN):
        save(frames[-1], root / ("anna", "ben", "cem", "dora")[person] / emotion / "1.jpg")


def sequence_table(root: Path) -> Path:
    """Write somebody's own sequences and the table that lists them; return the table."""
    rows = ["path,person,emotion,sequence,frame"]
    for person, emotion, frames in everybody(BASIC):
        who = ("anna", "ben", "cem", "dora")[person]
        for number, frame in enumerate(frames):
            name = f"{who}_{emotion}_{number}.png"
            save(frame, root / name)
            rows.append(f"{name},{who},{emotion},{emotion},{number}")
    return text(root / "sequences.csv", "\n".join(rows) + "\n")


TREES: dict[str, Callable[[Path], None]] = {
    make.__name__.replace("_", "-"): make
    for make in (
        cmu, london, ckplus, jaffe, oulu, mmi, mefed, ised,
        affectnet, fer2013, casia, lfw, yale, cremad, ravdess, folder,
        ckplus48, fer2013_folders, ferplus_pictures, rafdb, affectnet_folders, affectnet_yolo, kdef,
        rafd, cremad_frames, ravdess_frames,
    )
}  # fmt: skip
