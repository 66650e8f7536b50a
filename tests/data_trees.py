"""Tiny made-up trees in the providers' layouts, with the providers' traps in them."""

from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

APPLEDOUBLE = bytes.fromhex("0005160700020000") + b"Mac OS X".ljust(209, b"\x00")


def picture(path: Path, grey: int = 90) -> Path:
    """A picture of 4 x 3 pixels at `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (4, 3), grey).save(path)
    return path


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
    names = ["an2i_straight_happy_open", "an2i_left_angry_sunglasses", "kk49_straight_neutral_open", "kk49_up_sad_open"]
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
    table = newline.join(["face_id,face_age,face_gender,face_eth", "001,24,female,white", "031,NA,male,white", ""])
    (root / "london_info.csv").write_bytes(table.encode("utf-8-sig" if bom else "utf-8"))
    junk(root)
    return 4


def template_points() -> np.ndarray:
    """189 points of which no two are alike."""
    i = np.arange(189)
    return np.stack([i + 0.25, 1000 - 2 * i], axis=1)


def write_tem(path: Path, newline: str = "\n") -> Path:
    """A template as WebMorph writes it: n, n points, m, then three lines per contour."""
    points = [f"{x}\t{y}" for x, y in template_points()]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(newline.join(["189", *points, "2", "0", "2", "0 0", "0", "3", "18 19 20", ""]).encode())
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
            row = dict(path=path, person=person, name=name, emotion=emotion, complementary=complementary)
            rows.append(
                row | dict(frame=frame, frames=frames, peak=frames - 1, intensity=frame / 3, light="left") | points
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
