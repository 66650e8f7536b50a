"""Reading large data sets.

The 450 000 rows of a table, and the pictures of a packed file: how many a second.
"""

import json
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROWS, FOLDERS, EACH = 450_000, 1_000, 450  # of AffectNet's tables; folders, and pictures in each
SECONDS, GIGABYTE = 20, 1e9
PICTURES, SIZE = 60_000, 6_500  # of a packed CASIA-WebFace: an eighth of it; bytes of one picture

MEASURE = """
import json, resource, sys, time, warnings
warnings.simplefilter("ignore")  # the counts are not the provider's
from ferkit.data import read_clips
start = time.perf_counter()
clips = read_clips("affectnet", sys.argv[1])
seconds = time.perf_counter() - start
# VmHWM counts this process alone; ru_maxrss begins with the size of the parent process.
try:
    status = open("/proc/self/status").read()
    peak = int(status.partition("VmHWM:")[2].split()[0]) * 1024
except OSError:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
print(json.dumps([len(clips), seconds, peak]))
"""


@pytest.fixture(scope="module")
def affectnet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write tables of 450 000 rows, and 1 000 links to one folder of pictures."""
    root = tmp_path_factory.mktemp("affectnet")
    images = root / "Manually_Annotated" / "Manually_Annotated_Images"
    images.mkdir(parents=True)
    shared = root / "shared"
    shared.mkdir()
    names = [f"{i:056x}.jpg" for i in range(EACH)]
    for name in names:
        (shared / name).write_bytes(b"\xff\xd8\xff")
    for folder in range(FOLDERS):
        (images / str(folder)).symlink_to(shared)
    rng = np.random.default_rng(0)
    codes = rng.choice(
        8, ROWS
    )  # every row shows an emotion: in the provider's tables a quarter does not
    landmarks = ";".join(f"{x:.2f}" for x in rng.uniform(20, 900, 136))
    lists = root / "Manually_Annotated_file_lists"
    lists.mkdir()
    with (lists / "training.csv").open("w") as file:
        header = (
            "subDirectory_filePath,face_x,face_y,face_width,face_height,facial_landmarks,"
            "expression,valence,arousal"
        )
        file.write(f"{header}\n")
        for row, code in enumerate(codes.tolist()):
            path = f"{row // EACH}/{names[row % EACH]}"
            file.write(f"{path},20,20,200,200,{landmarks},{code},-0.1234,0.5678\n")
    return root


def bench_affectnet_listing(affectnet, remark):
    """In a process of its own, whose memory is measured whole."""
    run = subprocess.run(
        [sys.executable, "-c", MEASURE, str(affectnet)], capture_output=True, text=True, check=True
    )
    count, seconds, peak = json.loads(run.stdout)
    remark("AffectNet, 450 000 rows listed", f"{seconds:.1f} s")
    remark("AffectNet, memory of the process", f"{peak / 1e9:.2f} GB")
    assert count == ROWS
    assert seconds < SECONDS
    assert peak < GIGABYTE


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Records of 60 000 JPEG pictures of 112 x 112 pixels, as large as the provider's are."""
    file = tmp_path_factory.mktemp("casia") / "faces_webface_112x112" / "train.rec"
    file.parent.mkdir()
    plain = file.with_suffix(".jpg")
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (112, 112, 3), dtype=np.uint8)).save(
        plain, quality=30
    )
    body = plain.read_bytes().ljust(SIZE, b"\0")
    with file.open("wb") as out:
        for i in range(PICTURES):
            payload = struct.pack("<IfQQ", 0, i // 46, i, 0) + body
            out.write(
                struct.pack("<II", 0xCED7230A, len(payload)) + payload + bytes(-len(payload) % 4)
            )
    return file


def bench_packed_listing(packed, speed):
    from ferkit.data.packed import record_labels

    speed("CASIA-WebFace packed, listed", lambda: list(record_labels(packed)), PICTURES)


def bench_packed_file(packed, speed, remark):
    def work() -> int:
        with packed.open("rb") as file:
            return sum(len(part) for part in iter(lambda: file.read(1 << 20), b""))

    rate = speed("CASIA-WebFace packed, the file end to end", work, PICTURES)
    remark(
        "CASIA-WebFace packed, the file end to end",
        f"{rate * packed.stat().st_size / PICTURES / 1e6:.0f} MB/s",
    )


def bench_packed_pictures(packed, speed, remark):
    """Read every picture's bytes; the system has the file in memory."""
    from ferkit.data.packed import file_bytes, record_labels

    places = [packed / str(place) for place, _ in record_labels(packed)]
    whole = "CASIA-WebFace packed, the file end to end"
    rate = speed(
        "CASIA-WebFace packed, picture by picture",
        lambda: [len(file_bytes(p)) for p in places],
        PICTURES,
        whole,
    )
    remark(
        "CASIA-WebFace packed, picture by picture",
        f"{rate * packed.stat().st_size / PICTURES / 1e6:.0f} MB/s",
    )
