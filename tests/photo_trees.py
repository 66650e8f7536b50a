"""Tiny copies of sets of photographs and videos, with the traps of their layouts."""

import io
import struct
from pathlib import Path

import numpy as np
from data_trees import junk, picture, text
from PIL import Image

MAGIC = 0xCED7230A
HEADER = (
    "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF"
)
# Usage, own code, votes; the third is voted no face and has no name, the fifth has no majority.
FER = (
    ("Training", 6, "8,0,0,2,0,0,0,0,0,0"),
    ("Training", 3, "0,10,0,0,0,0,0,0,0,0"),
    ("Training", 0, "0,0,0,0,0,0,0,0,0,10"),
    ("PublicTest", 5, "0,0,9,0,0,0,1,0,0,0"),
    ("PublicTest", 4, "3,0,0,3,2,2,0,0,0,0"),
    ("PrivateTest", 2, "0,0,0,0,0,0,7,3,0,0"),
)


def pixels(grey: int) -> str:
    """A picture of FER2013 that is not the same everywhere."""
    return " ".join(str((grey + i) % 256) for i in range(48 * 48))


def make_fer2013(root: Path, spaced: bool = False) -> int:
    """Write six rows and their votes; return the number of rows with a label.

    The votes of two rows give no label. `spaced` writes the layout of icml_face_data.csv.
    """
    if spaced:
        rows = [
            "emotion, Usage, pixels",
            *(f"{code},{usage},{pixels(i)}" for i, (usage, code, _) in enumerate(FER)),
        ]
        text(root / "icml_face_data.csv", "\n".join(rows) + "\n", "\r\n")
    else:
        rows = [
            "emotion,pixels,Usage",
            *(f"{code},{pixels(i)},{usage}" for i, (usage, code, _) in enumerate(FER)),
        ]
        text(root / "fer2013.csv", "\n".join(rows) + "\n")
    names = [
        "fer0000000.png",
        "fer0000001.png",
        "",
        "fer0000001.png",
        "fer0000004.png",
        "fer0000005.png",
    ]
    votes = [
        f"{usage},{name},{counts}" for (usage, _, counts), name in zip(FER, names, strict=True)
    ]
    text(root / "fer2013new.csv", "\n".join([HEADER, *votes]) + "\n")
    junk(root)
    return 4


def make_casia(root: Path) -> int:
    """Three pictures of two people in folders, a stray file; returns the pictures."""
    for name in ("0000045/001", "0000045/010", "0000099/002"):
        picture(root / "CASIA-WebFace" / f"{name}.jpg")
    junk(root / "CASIA-WebFace" / "0000045")
    junk(root / "CASIA-WebFace")
    return 3


def jpeg(grey: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (16, 12), (grey, grey, grey)).save(file, "JPEG")
    return file.getvalue()


def record(payload: bytes, part: int = 0) -> bytes:
    return struct.pack("<II", MAGIC, part << 29 | len(payload)) + payload + bytes(-len(payload) % 4)


def make_casia_packed(root: Path, place: str = "faces_webface_112x112") -> int:
    """Write four records with a picture, one of them in two parts; return the number.

    The other records only describe these.
    """
    body, whole = struct.Struct("<IfQQ"), jpeg(4)
    records = [record(body.pack(2, 0, 0, 0) + struct.pack("<ff", 5, 7))]
    records += [record(body.pack(0, label, i, 0) + jpeg(i)) for i, label in ((1, 0), (2, 0))]
    records += [
        record(body.pack(1, 0, 3, 0) + struct.pack("<f", 1) + jpeg(3))
    ]  # one more label, then the picture
    cut = 4 * (len(whole) // 8)
    records += [record(body.pack(0, 1, 4, 0) + whole[:cut], 1) + record(whole[cut:], 3)]
    records += [record(body.pack(2, 0, key, 0) + struct.pack("<ff", 1, 3)) for key in (5, 6)]
    file = root / place / "train.rec"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"".join(records))
    places = [sum(map(len, records[:i])) for i in range(len(records))]
    text(
        root / place / "train.idx",
        "".join(f"{key}\t{offset}\n" for key, offset in enumerate(places)),
    )
    text(root / place / "property", "2,112,112\n")
    return 4


def make_lfw(root: Path, place: str = "lfw") -> int:
    """Write five pictures of three people and the pairs of both views; return their number."""
    for name in (
        "Abel_Pacheco_0001",
        "Abel_Pacheco_0004",
        "Bo_Li_0001",
        "George_W_Bush_0002",
        "George_W_Bush_0010",
    ):
        picture(root / place / name[:-5] / f"{name}.jpg")
    text(root / place / "pairs_01.txt", "stray\n")
    junk(root / place / "Bo_Li")
    junk(root / place)
    same, other = "Abel_Pacheco\t1\t4\n", "Abel_Pacheco\t1\tBo_Li\t1\n"
    text(
        root / "pairs.txt", f"2\t1\n{same}{other}George_W_Bush\t2\t10\nBo_Li\t1\tGeorge_W_Bush\t2\n"
    )
    text(root / "pairsDevTest.txt", f"1\n{same}{other}", "\r\n")
    return 5


def make_yale(root: Path, suffix: str = "") -> int:
    """Write two people in several conditions; return the number of usable pictures.

    Among them are the misnamed file, the duplicate and the damaged one.
    """
    for person in ("subject01", "subject04"):
        for condition in ("normal", "happy", "sad", "surprised", "wink", "glasses"):
            gif(root / "yalefaces" / f"{person}.{condition}{suffix}")
    gif(root / "yalefaces" / "subject01.gif")
    gif(root / "yalefaces" / "subject01.glasses.gif")
    text(root / "yalefaces" / "Readme.txt", "The Yale Face Database\n")
    junk(root / "yalefaces")
    return 7


def gif(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (4, 3), 90).save(path, "GIF")
    return path


CREMAD = (
    ("1001_DFA_ANG_XX", "A"),
    ("1001_IEO_HAP_HI", "N"),
    ("1002_DFA_NEU_XX", "N"),
    ("1091_WSI_SAD_XX", "N:S"),
)


def make_cremad(root: Path) -> int:
    """Four films, one of them with a tie of votes, and a bad one; returns the films with a vote."""
    for name in (*(name for name, _ in CREMAD), "1076_MTI_SAD_XX"):
        (root / "VideoFlash").mkdir(parents=True, exist_ok=True)
        (root / "VideoFlash" / f"{name}.flv").write_bytes(b"FLV\x01")
    head = (
        '"","FileName","VoiceVote","VoiceLevel","FaceVote","FaceLevel",'
        '"MultiModalVote","MultiModalLevel"\n'
    )
    rows = (
        f'"{i}","{name}","A",50,"{vote}",60,"A",70\n'
        for i, (name, vote) in enumerate(CREMAD, start=1)
    )
    text(root / "processedResults" / "summaryTable.csv", head + "".join(rows))
    junk(root / "VideoFlash")
    return 3


def make_pointer(path: Path) -> None:
    """What Git leaves in place of a file where Git LFS is not installed."""
    path.write_text(
        f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 123456\n"
    )


def make_ravdess(root: Path, archive: bool = True) -> int:
    """Write videos of two actors; return the number of usable ones.

    Four have no sound (one of them is calm); others have sound or are sung.
    """
    for name in (
        "02-01-01-01-01-01",
        "02-01-06-02-02-01",
        "02-01-02-01-01-01",
        "01-01-06-02-02-01",
        "02-02-03-01-01-01",
    ):
        for person in ("01", "12"):
            outer = f"Video_Speech_Actor_{person}/" if archive else ""
            film = root / f"{outer}Actor_{person}" / f"{name}-{person}.mp4"
            film.parent.mkdir(parents=True, exist_ok=True)
            film.write_bytes(b"ftyp")
    junk(film.parent)
    return 4


AFFECTNET = (
    "subDirectory_filePath,face_x,face_y,face_width,face_height,facial_landmarks,"
    "expression,valence,arousal"
)
UNREADABLE = "103/29a31ebf1567693f4644c8ba3476ca9a72ee07fe67a5860d98707a0a.jpg"


def affectnet_row(path: str, code: object, valence: object = 0.74, arousal: object = 0.07) -> str:
    """A row whose landmarks are 0.5, 1.5, ... 135.5."""
    points = ";".join(f"{i + 0.5}" for i in range(136))
    return f"{path},20,-3,200,210,{points},{code},{valence},{arousal}"


def make_affectnet(root: Path, newline: str = "\n", bom: bool = False) -> int:
    """Write the first release; return the number of usable rows.

    Some rows have no emotion or no readable picture; the validation table has no header.
    """
    rows = {
        "training.csv": (
            ("17/0a1b.jpg", 1),
            ("17/0a2b.JPG", 0),
            ("2/ff.png", 10),
            (UNREADABLE, 1),
            ("103/c.bmp", 7),
        ),
        "validation.csv": (("17/ee.jpg", 6), ("2/dd.tif", 8)),
    }
    images = root / "Manually_Annotated" / "Manually_Annotated_Images"
    for name, listed in rows.items():
        lines = [
            affectnet_row(path, code, *((-2, -2) if path == "17/ee.jpg" else ()))
            for path, code in listed
        ]
        header = [AFFECTNET] if name == "training.csv" else []
        text(
            root / "Manually_Annotated_file_lists" / name,
            "\n".join([*header, *lines, ""]),
            newline,
            bom and bool(header),
        )
        for path, _ in listed:
            picture(images / path)
    (images / UNREADABLE).write_bytes(b"")
    junk(images / "17")
    junk(images)
    junk(root / "Manually_Annotated_file_lists")
    return 4


def make_affectnet_arrays(root: Path) -> int:
    """The newer release: numbers as text or not, of both parts; returns the pictures."""
    for part, listed in (("train_set", ((9, 1), (10, 0), (2, 7))), ("val_set", ((9, 6),))):
        for number, code in listed:
            picture(root / part / "images" / f"{number}.jpg")
            make_arrays(root / part / "annotations", number, code, as_text=number == 9)
        junk(root / part / "annotations")
        junk(root / part / "images")
    return 4


def make_arrays(folder: Path, number: int, code: object, as_text: bool = False) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    kind = str if as_text else float
    for what, value in (("exp", code), ("val", kind(-0.25)), ("aro", kind(0.5))):
        np.save(folder / f"{number}_{what}.npy", np.array(str(value) if as_text else value))
    points = np.arange(136) + 0.5
    np.save(folder / f"{number}_lnd.npy", points.astype(str) if as_text else points)
