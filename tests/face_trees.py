"""Data sets in their providers' layouts whose pictures are drawn faces: small copies on which notebooks run.

`data_trees` and `photo_trees` have the traps of each layout and no faces; here are faces and no traps.
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

from ferkit.labels import EMOTIONS
from ferkit.synthetic.sets import SETS, Shot, frames_of

PEOPLE, FRAMES = 4, 5  # faces grow from neutral to the expression
BASIC = tuple(name for name in EMOTIONS if name not in ("neutral", "contempt"))
SEVEN = ("neutral", *BASIC)


@cache
def faces(person: int, emotion: str, take: int = 0) -> list[np.ndarray]:
    """The frames of one sequence, `(96, 96, 3)` uint8: the first neutral, the last the expression."""
    shot = Shot(7000 + person, f"{person}_{emotion}_{take}", emotion, None, FRAMES, 100 * person + take)
    return [frame.image for frame, _ in frames_of(shot, SETS["sequences"])]


def everybody(emotions: tuple[str, ...], count: int = PEOPLE) -> Iterator[tuple[int, str, list[np.ndarray]]]:
    """Who shows what, and how it looks."""
    return ((person, emotion, faces(person, emotion)) for person in range(count) for emotion in emotions)


def save(image: np.ndarray, path: Path, form: str | None = None, *, grey: bool = False, size: int = 0) -> Path:
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
        view, code = {"neutral": ("neutral_front", "03"), "happiness": ("smiling_front", "08")}[emotion]
        save(frames[-1], root / view / f"{person + 1:03d}_{code}.jpg", size=224)
    for person in range(PEOPLE):
        write_tem(root / "neutral_front" / f"{person + 1:03d}_03.tem")
    text(root / "london_info.csv", "face_id,face_age,face_gender,face_eth\n001,24,female,white\n")


def ckplus(root: Path) -> None:
    for code, emotion in enumerate(("anger", "contempt", "disgust", "fear", "happiness", "sadness", "surprise"), 1):
        for person in range(PEOPLE):
            place, name = f"S{person + 5:03d}/{code:03d}", f"S{person + 5:03d}_{code:03d}"
            for number, frame in enumerate(faces(person, emotion), start=1):
                save(frame, root / "cohn-kanade-images" / place / f"{name}_{number:08d}.png", grey=True)
            text(root / "Emotion" / place / f"{name}_{FRAMES:08d}_emotion.txt", f"   {code}.0000000e+00\n")


def jaffe(root: Path) -> None:
    codes = dict(zip(SEVEN, ("NE", "AN", "DI", "FE", "HA", "SA", "SU"), strict=True))
    for serial, (person, emotion, frames) in enumerate(everybody(SEVEN), start=1):
        who = ("KM", "KA", "YM", "KR")[person]
        save(frames[-1], root / "jaffe" / f"{who}.{codes[emotion]}1.{serial}.tiff", grey=True)


def oulu(root: Path) -> None:
    for person, emotion, frames in everybody(BASIC):
        for number, frame in enumerate(frames):
            place = root / "OriginalImg" / "VL" / "Strong" / f"P{person + 1:03d}" / emotion.capitalize()
            save(frame, place / f"{number:03d}.jpeg")


def mmi(root: Path) -> None:
    codes = {
        name: code for code, name in enumerate(("anger", "disgust", "fear", "happiness", "sadness", "surprise"), 1)
    }
    for number, (person, emotion, frames) in enumerate(everybody(BASIC), start=1):
        folder, name = root / "Sessions" / str(number), f"S{person + 1:03d}-{number:03d}"
        turned = [
            np.rot90(frame) for frame in [*frames, *frames[-2::-1]]
        ]  # back to neutral; the camera lay on its side
        write_film(folder / f"{name}.avi", turned)
        text(folder / "session.xml", '<session><track view="0"/></session>\n')
        text(folder / f"{name}.xml", f'<MetaData><Metatag Name="Emotion" Value="{codes[emotion]}"/></MetaData>\n')


def mefed(root: Path) -> None:
    codes = dict(
        zip(("anger", "contempt", "disgust", "fear", "happiness", "sadness", "surprise"), range(1, 8), strict=True)
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
    for number, (person, emotion, frames) in enumerate(everybody(("happiness", "surprise", "disgust", "sadness")), 1):
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
        zip(("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral"), range(7), strict=True)
    )
    columns, rows, votes = HEADER.split(",")[2:], ["emotion,pixels,Usage"], [HEADER]
    for number, (person, emotion, frames) in enumerate(everybody(EMOTIONS, 6)):
        usage = {4: "PublicTest", 5: "PrivateTest"}.get(person, "Training")
        small = cv2.resize(cv2.cvtColor(frames[-1], cv2.COLOR_RGB2GRAY), (48, 48), interpolation=cv2.INTER_AREA)
        rows.append(f"{codes.get(emotion, 0)},{' '.join(map(str, small.ravel()))},{usage}")
        counts = [10 if column == emotion else 0 for column in columns]
        votes.append(f"{usage},fer{number:07d}.png,{','.join(map(str, counts))}")
    text(root / "fer2013.csv", "\n".join(rows) + "\n")
    text(root / "fer2013new.csv", "\n".join(votes) + "\n")


def casia(root: Path) -> None:
    for person, emotion, frames in everybody(("neutral", "happiness")):
        number = ("neutral", "happiness").index(emotion)
        save(frames[-1], root / "CASIA-WebFace" / f"{person + 45:07d}" / f"{number + 1:03d}.jpg")


def lfw(root: Path) -> None:
    for person, emotion, frames in everybody(("neutral", "happiness")):
        name = ("Abel_Pacheco", "Bo_Li", "George_W_Bush", "Yoko_Ono")[person]
        number = ("neutral", "happiness").index(emotion)
        save(frames[-1], root / "lfw" / name / f"{name}_{number + 1:04d}.jpg")


def yale(root: Path) -> None:
    words = {"neutral": "normal", "happiness": "happy", "sadness": "sad", "surprise": "surprised"}
    for person, emotion, frames in everybody(tuple(words)):
        save(frames[-1], root / "yalefaces" / f"subject{person + 1:02d}.{words[emotion]}", "GIF", grey=True, size=224)


def cremad(root: Path) -> None:
    codes = dict(zip(("anger", "disgust", "fear", "happiness", "neutral", "sadness"), "ADFHNS", strict=True))
    intended = dict(zip(codes, ("ANG", "DIS", "FEA", "HAP", "NEU", "SAD"), strict=True))
    lines = ['"","FileName","FaceVote"']
    for number, (person, emotion, frames) in enumerate(everybody(tuple(codes)), start=1):
        name = f"{1001 + person}_DFA_{intended[emotion]}_XX"
        write_film(root / "VideoFlash" / f"{name}.flv", frames)
        lines.append(f'"{number}","{name}","{codes[emotion]}"')
    text(root / "processedResults" / "summaryTable.csv", "\n".join(lines) + "\n")


def ravdess(root: Path) -> None:
    codes = dict(neutral="01", happiness="03", sadness="04", anger="05", fear="06", disgust="07", surprise="08")
    for person, emotion, frames in everybody(tuple(codes)):
        who = f"{person + 1:02d}"
        write_film(root / f"Actor_{who}" / f"02-01-{codes[emotion]}-01-01-01-{who}.mp4", frames)


def folder(root: Path) -> None:
    for person, emotion, frames in everybody(SEVEN):
        save(frames[-1], root / ("anna", "ben", "cem", "dora")[person] / emotion / "1.jpg")


TREES: dict[str, Callable[[Path], None]] = {
    make.__name__: make
    for make in (cmu, london, ckplus, jaffe, oulu, mmi, mefed, ised, affectnet, fer2013, casia, lfw, yale, cremad, ravdess, folder)
}  # fmt: skip
