"""Tiny made-up trees in the providers' layouts, with the providers' traps in them."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image
from scipy.io import savemat

APPLEDOUBLE = bytes.fromhex("0005160700020000") + b"Mac OS X".ljust(209, b"\x00")


def picture(path: Path, grey: int = 90) -> Path:
    """A picture of 4 x 3 pixels at `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (4, 3), grey).save(path)
    return path


def lock(monkeypatch, folder: Path) -> None:
    """From now on `folder` may not be listed, nor what lies in it be looked at, whoever asks."""

    def refusing(given, allowed):
        def asked(path=".", *arguments, **options):
            if folder in (Path(str(path)), *Path(str(path)).parents)[allowed:]:
                raise PermissionError(13, "Permission denied", str(path))
            return given(path, *arguments, **options)

        return asked

    for name, allowed in {
        "listdir": 0,
        "scandir": 0,
        "stat": 1,
    }.items():  # of itself one may know that it is there
        monkeypatch.setattr(os, name, refusing(getattr(os, name), allowed))


def junk(folder: Path) -> None:
    """What operating systems leave: a twin of every file, and a few of their own."""
    for path in [path for path in folder.iterdir() if path.is_file()]:
        (folder / f"._{path.name}").write_bytes(APPLEDOUBLE)
    for name in (".DS_Store", "Thumbs.db", "desktop.ini"):
        (folder / name).write_bytes(b"\x00\x00\x00\x01Bud1")
    (folder / "__MACOSX").mkdir(exist_ok=True)
    (folder / "__MACOSX" / "._x.jpg").write_bytes(APPLEDOUBLE)


def make_cmu(root: Path) -> int:
    """Two people at two scales, one capture with a glitch; returns the clips at one scale."""
    names = [
        "an2i_straight_happy_open",
        "an2i_left_angry_sunglasses",
        "kk49_straight_neutral_open",
        "kk49_up_sad_open",
    ]
    for name in names:
        person = root / "faces" / name.split("_")[0]
        picture(person / f"{name}_2.pgm")
        picture(person / f"{name}_4.pgm")
        junk(person)
    (root / "faces" / "kk49" / "kk49_up_neutral_open_2.bad").write_bytes(b"P5 64 60 255\n")
    junk(root / "faces")
    return len(names)


def make_london(root: Path, doubled: bool = False, newline: str = "\n", bom: bool = False) -> int:
    """Two people, each neutral and smiling; returns the clips."""
    for folder, suffix in (("neutral_front", "03"), ("smiling_front", "08")):
        view = root / folder / folder if doubled else root / folder
        for person in ("001", "031"):
            picture(view / f"{person}_{suffix}.jpg")
            if suffix == "03":
                write_tem(view / f"{person}_{suffix}.tem", newline)
        junk(view)
    table = newline.join(
        ["face_id,face_age,face_gender,face_eth", "001,24,female,white", "031,NA,male,white", ""]
    )
    (root / "london_info.csv").write_bytes(table.encode("utf-8-sig" if bom else "utf-8"))
    junk(root)
    return 4


def template_points() -> np.ndarray:
    """189 points of which no two are alike."""
    i = np.arange(189)
    return np.stack([i + 0.25, 1000 - 2 * i], axis=1)


def write_tem(path: Path, newline: str = "\n", points: np.ndarray | None = None) -> Path:
    """A template as WebMorph writes it: n, n points, m, then three lines per contour."""
    points = [f"{x}\t{y}" for x, y in (template_points() if points is None else points)]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(
        newline.join(["189", *points, "2", "0", "2", "0 0", "0", "3", "18 19 20", ""]).encode()
    )
    return path


def make_drawn(root: Path) -> int:
    """Two stills and a sequence of three frames, rows in no order; returns the clips."""
    rows = []
    for name, person, emotion, complementary, frames in (
        ("p0001_a", "p0001", "anger", "", 1),
        ("p0002_b", "p0002", "fear", "sadness", 1),
        ("p0002_c", "p0002", "happiness", "", 3),
    ):
        for frame in range(frames):
            path = f"{person}/{name}_{frame}.png"
            picture(root / path, 10 * frame)
            points = {f"{axis}{i}": float(100 * frame + i) for i in range(68) for axis in "xy"}
            row = dict(
                path=path, person=person, name=name, emotion=emotion, complementary=complementary
            )
            rows.append(
                row
                | dict(
                    frame=frame, frames=frames, peak=frames - 1, intensity=frame / 3, light="left"
                )
                | points
            )
    pd.DataFrame(rows[::-1]).to_parquet(root / "truth.parquet")
    return 3


def make_folder(root: Path) -> int:
    """Two people, three pictures, everyday words and suffixes in capitals; returns the clips."""
    picture(root / "anna" / "happy" / "10.jpg")
    picture(root / "anna" / "happy" / "2.JPG")
    picture(root / "anna" / "Neutral" / "1.png")
    picture(root / "ben" / "angry" / "1.jpeg")
    picture(root / "ben" / "sadness" / "1.jpeg")
    junk(root / "anna" / "happy")
    junk(root / "ben")
    junk(root)
    return 5


def text(path: Path, content: str, newline: str = "\n", bom: bool = False) -> Path:
    """A text file at `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.replace("\n", newline).encode("utf-8-sig" if bom else "utf-8"))
    return path


# Person, sequence, code, numbers of the frames.
CKPLUS = (
    ("S005", "001", 3, (1, 2, 3, 4, 11)),
    ("S010", "002", 7, (1, 2, 3, 4)),
    ("S010", "004", 1, (1, 2, 3, 4, 5)),
    ("S138", "008", 2, (1, 2, 3, 9, 10)),
    ("S999", "001", 1, (1, 2, 3, 4)),
)


def make_ckplus(root: Path, outer: bool = True, newline: str = "\n", bom: bool = False) -> int:
    """Write five labelled sequences of four people; return how many are labelled.

    Two more have no label, one of them an empty label folder. With `outer` the folder of each
    archive is inside another, as unpacked.
    """
    images, labels, facs, points = (
        root / (folder if outer else folder.rpartition("/")[2])
        for folder in (
            "extended-cohn-kanade-images/cohn-kanade-images",
            "Emotion_labels/Emotion",
            "FACS_labels/FACS",
            "Landmarks/Landmarks",
        )
    )
    for person, sequence, code, numbers in (
        *CKPLUS,
        ("S005", "002", 0, (1, 2)),
        ("S011", "001", 0, (1, 2)),
    ):
        place, name = f"{person}/{sequence}", f"{person}_{sequence}"
        for number in numbers:
            picture(images / place / f"{name}_{number:08d}.png")
            text(points / place / f"{name}_{number:08d}_landmarks.txt", face_points(number))
        peak = f"{name}_{numbers[-1]:08d}"
        text(
            facs / place / f"{peak}_facs.txt",
            "   9.0000000e+00   4.0000000e+00\n   1.7000000e+01   0.0000000e+00\n",
        )
        if code:
            text(labels / place / f"{peak}_emotion.txt", f"   {code}.0000000e+00\n", newline, bom)
            junk(labels / place)
        junk(images / place)
    (labels / "S005" / "002").mkdir()  # no label, and yet a folder
    for folder in (images, labels, facs, points):
        junk(folder)
    return len(CKPLUS)


def face_points(shift: float = 0) -> str:
    """68 lines `x y` as CK+ writes them: the chin lowest, the left eye left."""
    i = np.arange(68)
    x, y = 100.0 + 2 * i, 200.0 + 0 * i
    y[:17] = 300 - (i[:17] - 8.0) ** 2
    lines = (f"   {a + shift:.7e}   {b:.7e}" for a, b in zip(x, y, strict=True))
    return "\n".join(lines) + "\n"


JAFFE = ("KA.AN1.39", "KA.NE1.26", "KM.SA3.11", "KM.SA5.13", "NA.FE3.219")


def make_jaffe(root: Path, place: str = "jaffe") -> int:
    """Write five photographs of three people; return their number.

    The ratings also name a take and a serial number that do not exist.
    """
    for i, name in enumerate(JAFFE):
        picture(root / place / f"{name}.{'TIF' if i == 2 else 'tiff'}")
    rows = (
        "N HAP SAD SUR ANG DIS FEA PIC\n"
        "  1 2.87 2.52 2.10 1.97 1.97 2.06 KA-NE1\n"
        " 40 1.2 2.5 1.9 4.3 3.1 2.2 KA-AN1\n"
    )
    text(
        root / place / "README_FIRST.txt",
        f"Japanese Female Facial Expression\n\n{rows}# 207 and so on\n",
    )
    junk(root / place)
    junk(root)
    return len(JAFFE)


OULU = (
    ("P001", "Anger", 9),
    ("P001", "Surprise", 4),
    ("P051", "Happiness", 5),
    ("P080", "Disgust", 4),
)


def make_oulu(root: Path, place: str = "B_OriginalImg/OriginalImg") -> int:
    """Write sequences in several lights; return how many in strong visible light.

    These are four, of three people.
    """
    for light, extra in (("VL/Strong", 0), ("VL/Dark", 1), ("NI/Strong", 2)):
        for person, emotion, count in OULU[: len(OULU) - extra]:
            folder = root / place / light / person / emotion
            for number in range(count + extra):
                picture(folder / f"{number:03d}.jpeg")
            junk(folder)
        junk(root / place / light)
    picture(
        root / "PreprocessImg" / "VL" / "Strong" / "P001" / "Anger" / "000.jpeg"
    )  # not the original frames
    return len(OULU)


MMI = "mmi-facial-expression-database_download_2020-01-31_12_00_00/Sessions"


def make_mmi(root: Path, place: str = MMI) -> int:
    """Write three usable sessions and five others; return the number of usable ones.

    One is turned, one upright, one dual.
    """
    for number, person, view, tags, kind in (
        (36, "S053-003", "0", '<Metatag Name="Emotion" Value="6"/>', "avi"),  # upright
        (
            224,
            "S002-106",
            "0",
            '<Metatag Name="Gender" Value="1"/><Metatag Name="Emotion" Value="4"/>',
            "avi",
        ),
        (
            1767,
            "S001-120",
            "2",
            '<Metatag Name="Emotion" Value=" 1 "/>',
            "AVI",
        ),  # both views side by side
        (225, "S002-107", "0", '<Metatag Name="Emotion" Value="9"/>', "avi"),  # not basic
        (226, "S002-108", "0", '<Metatag Name="Gender" Value="1"/>', "avi"),  # action units alone
        (500, "S021-001", "1", '<Metatag Name="Emotion" Value="5"/>', "avi"),  # profile
        (601, "S003-001", "0", '<Metatag Name="Emotion" Value="3"/>', "jpg"),  # stills
    ):
        make_session(root / place / str(number), person, view, tags, kind)
    text(root / place / "226" / "S002-108-oao_aucs.xml", '<?xml version="1.0"?>\n<ActionUnits/>\n')
    junk(root / place)
    return 3


def make_session(folder: Path, name: str, view: str, tags: str, kind: str = "avi") -> Path:
    """One session of MMI: the film (or a picture), what is known of it, and its annotation."""
    text(
        folder / "session.xml",
        f'<?xml version="1.0"?>\n<session><track view="{view}" person="2"/></session>\n',
        "\r\n",
    )
    text(
        folder / f"{name}.xml",
        f'<?xml version="1.0" encoding="UTF-8"?>\n<MetaData>\n{tags}\n</MetaData>\n',
    )
    (folder / f"{name}.{kind}").write_bytes(b"RIFF")
    junk(folder)
    return folder


MEFED = (  # name, complementary_dominant
    ("Sample_003_001", "1_1"),
    ("Sample_003_006", "1_2"),
    ("Sample_011_260", "3_6"),  # an index above 250
    ("Sample_011_001", "7_1"),  # and one that does not follow the classes
    ("Sample_003_250", "N_N"),
    ("Sample_074_036", "2_1"),  # validation from here on
    ("Sample_102_246", "N_N"),
)


def make_mefed(root: Path, joint: bool = True, newline: str = "\r\n", bom: bool = False) -> int:
    """Write seven labelled pictures of four people, and one of the test part.

    Without `joint` only the training part has labels.
    """
    for name, _ in MEFED:
        picture(root / ("train" if name < "Sample_074" else "val") / f"{name}.JPG")
    picture(root / "test" / "Sample_104_001.JPG")
    labelled = [(name, label) for name, label in MEFED if joint or name < "Sample_074"]
    lines = "".join(f"{name}.JPG\t{label}\n" for name, label in labelled)
    text(
        root / ("training_validation_new.txt" if joint else "training_new.txt"), lines, newline, bom
    )
    text(root / "order_of_test.txt", "Sample_104_001.JPG\n", newline)
    for folder in (root / "train", root / "test", root):
        junk(folder)
    return len(labelled)


ISED = (
    (1, 4, 31, 1),
    (26, 7, 39, 4),
    (26, 12, 5, 3),
    (50, 1, 112, 2),
)  # participant, clip, peak (from 1), emotion


def make_ised(root: Path, separator: str = "\\") -> int:
    """Four clips of three people: table, films, peaks; a film without a row. Returns the rows."""
    for person, number, peak, _ in ISED:
        film = root / "videos" / f"PS {person}" / f"{number}.avi"
        film.parent.mkdir(parents=True, exist_ok=True)
        film.write_bytes(b"RIFF")
        picture(root / "peakImages" / f"{person}_{number}_{peak}.jpg")
    (root / "videos" / "PS 1" / "9.avi").write_bytes(b"RIFF")
    write_ised(root / "ISED_details.mat", [ised_row(*row, separator=separator) for row in ISED])
    junk(root / "videos" / "PS 1")
    junk(root / "peakImages")
    junk(root)
    return len(ISED)


def ised_row(
    person: object, number: object, peak: object, emotion: object, separator: str = "\\"
) -> list[object]:
    """A row of the provider's table: 16 cells."""
    film = separator.join(("ISED", "videos", f"PS {person}", f"{number}.avi"))
    image = separator.join(("ISED", "peakImages", f"{person}_{number}_{peak}.jpg"))
    box, eye = np.array([[10.0, 20.0, 90.0, 90.0]]), np.array([[30.5, 40.0]])
    return [
        person,
        f"ID{person}",
        number,
        peak,
        film,
        image,
        emotion,
        3,
        "M",
        0,
        1,
        0,
        box,
        eye,
        eye + 40,
        eye + 20,
    ]


def write_ised(path: Path, rows: list[list[object]]) -> Path:
    """The rows as MATLAB's cell array."""
    cells = np.empty((len(rows), 16), dtype=object)
    for i, row in enumerate(rows):
        for j, cell in enumerate(row):
            cells[i, j] = cell
    savemat(path, {"ISED_details": cells})
    return path
