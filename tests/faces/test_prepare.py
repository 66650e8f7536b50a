"""Prepared faces: what is in a row, what is made again and when, kills, full disks, two at once."""

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import warnings
from collections import namedtuple
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from PIL import Image

from ferkit.core.landmarks import five_points, inter_ocular
from ferkit.data.clip import Clip
from ferkit.data.sets.cmu import read_cmu, select_frontal
from ferkit.faces import align, detect, pictures, prepare, prepared_files

PORTRAIT = np.ascontiguousarray(skimage.data.astronaut()[:256, 96:352])


def clip(name: str, *frames: Path, dataset: str = "made-up", emotion: str = "neutral") -> Clip:
    return Clip(dataset, name, name, emotion, frames)


@pytest.fixture
def clips(tmp_path) -> list[Clip]:
    """Eight small portraits, one clip each."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    made = []
    for i in range(8):
        path = folder / f"{i:02}.png"
        Image.fromarray(PORTRAIT[:, i : i + 240]).save(path)
        made.append(clip(f"{i:02}", path))
    return made


def quick(clips, tmp_path, size=64, **options) -> prepare.Prepared:
    return prepare.prepare(clips, size, cache=tmp_path / "cache", progress=False, **options)


def rows_done(cache: Path) -> int:
    """Rows marked done in the only unfinished folder of a cache."""
    try:
        return int((np.load(next(cache.glob("*/faces.npy")))["done"] > 0).sum())
    except StopIteration:
        return 0


@pytest.fixture
def calls(monkeypatch) -> list[Path]:
    """The files that were really prepared, in this process."""
    made: list[Path] = []
    original = prepare._prepare_one

    def counting(job, path):
        made.append(path)
        return original(job, path)

    monkeypatch.setattr(prepare, "_prepare_one", counting)
    return made


# What is in a row


def test_a_row_holds_what_the_steps_give_one_by_one(clips, tmp_path):
    prepared = quick(clips[:1], tmp_path, 224)
    image = pictures.read_image(clips[0].frames[0])
    face = detect.find_face(image)
    matrix = align.alignment(face.landmarks, 224)
    aligned = align.align(image, matrix, 224)
    np.testing.assert_array_equal(prepared.images[0], aligned)
    np.testing.assert_allclose(prepared.original[0], face.landmarks, rtol=1e-6)
    np.testing.assert_allclose(prepared.boxes[0], face.box, rtol=1e-6)
    again = detect.landmarks_in(aligned, align.apply_box(matrix, face.box))
    np.testing.assert_allclose(prepared.landmarks[0], again, rtol=1e-6)
    moved = align.apply(matrix, face.landmarks)
    assert np.linalg.norm(again - moved, axis=1).mean() < 0.03 * inter_ocular(again)


def test_every_frame_is_a_row_and_what_was_not_found_says_why(clips, tmp_path):
    (tmp_path / "empty.png").touch()
    (tmp_path / "text.jpg").write_text("no picture")
    Image.new("RGB", (90, 90), "grey").save(tmp_path / "flat.png")
    bad = ["flat.png", "empty.png", "text.jpg", "nowhere.png"]
    mixed = [
        replace(
            clip("a", clips[0].frames[0], tmp_path / "flat.png", emotion="fear"),
            complementary="anger",
        ),
        *(clip(name, tmp_path / name, dataset="other") for name in bad[1:]),
        clip("b", clips[1].frames[0], dataset="other"),
    ]
    with pytest.warns(
        UserWarning,
        match=r"4 of 6 pictures have no prepared face \(1 without a face found, 3 unreadable",
    ):
        prepared = quick(mixed, tmp_path)
    table = prepared.table
    assert table["clip"].tolist() == [0, 0, 1, 2, 3, 4]
    assert table["frame"].tolist() == [0, 1, 0, 0, 0, 0]
    assert table["emotion"].tolist() == ["fear"] * 2 + ["neutral"] * 4
    assert table["complementary"].tolist()[:2] == ["anger"] * 2
    assert table["complementary"][2:].isna().all()
    assert table["found"].tolist() == [True, False, False, False, False, True]
    decode, missing = "picture cannot be decoded", "file cannot be opened"
    assert table["reason"].tolist() == ["", "no face found", decode, decode, missing, ""]
    assert table["path"][4].endswith("nowhere.png")
    for points in (prepared.landmarks, prepared.original, prepared.boxes):
        assert np.isnan(points.reshape(6, -1)).all(axis=1).tolist() == (~table["found"]).tolist()
    assert prepared.images[~table["found"]].max() == 0
    summary = prepared.summary()
    assert summary.loc["made-up"].tolist() == [2, 1, 1, 0]
    assert summary.loc["other"].tolist() == [4, 1, 0, 3]
    with pytest.warns(UserWarning, match="4 of 6"):  # also when only opened
        quick(mixed, tmp_path)


def test_grey_and_landmarks_only(clips, tmp_path):
    colour = quick(clips[:3], tmp_path)
    grey = quick(clips[:3], tmp_path, grey=True)
    points = quick(clips[:3], tmp_path, keep_images=False)
    assert colour.images.shape == (3, 64, 64, 3)
    assert grey.images.shape == (3, 64, 64)
    assert np.abs(grey.images - colour.images @ np.array([0.299, 0.587, 0.114])).max() < 3
    assert points.images is None
    assert len({prepared.folder for prepared in (colour, grey, points)}) == 3
    for other in (grey, points):
        assert np.linalg.norm(other.landmarks - colour.landmarks, axis=2).mean() < 0.03 * 64 * 0.3
    assert quick(clips[:1], tmp_path, 600).images is None


def test_points_of_a_picture_read_at_half_size_are_in_the_pixels_of_its_file(tmp_path):
    Image.fromarray(PORTRAIT).resize((2560, 2560), Image.Resampling.BICUBIC).save(
        tmp_path / "big.jpg"
    )
    Image.fromarray(PORTRAIT).save(tmp_path / "small.png")
    prepared = quick([clip("a", tmp_path / "big.jpg", tmp_path / "small.png")], tmp_path)
    error = np.linalg.norm(prepared.original[0] / 10 - prepared.original[1], axis=1).mean()
    assert error < 0.03 * inter_ocular(prepared.original[1])
    np.testing.assert_allclose(prepared.boxes[0] / 10, prepared.boxes[1], atol=4)


def test_selected_rows_stay_together(clips, tmp_path):
    prepared = quick(clips[:5], tmp_path)
    some = prepared.select(prepared.table["person"].isin(["01", "04"]))
    assert len(some) == 2
    assert some.table["person"].tolist() == ["01", "04"]
    assert some.table.index.tolist() == [0, 1]
    np.testing.assert_array_equal(some.images, prepared.images[[1, 4]])
    np.testing.assert_array_equal(some.landmarks, prepared.landmarks[[1, 4]])
    assert prepared.select([3]).table["person"].tolist() == ["03"]


def test_no_clips_and_senseless_settings_are_refused(clips, tmp_path):
    with pytest.raises(ValueError, match="no clips"):
        quick([], tmp_path)
    for size in (8, 100_000):
        with pytest.raises(ValueError, match=f"from 16 to 4096 pixels, got {size}"):
            quick(clips, tmp_path, size)
    with pytest.raises(ValueError, match="one worker"):
        quick(clips, tmp_path, workers=0)


# What is made again, and when


def test_a_finished_set_is_opened_and_not_made_again(clips, tmp_path, calls):
    first = quick(clips, tmp_path)
    assert len(calls) == 8
    start = time.perf_counter()
    again = quick(clips, tmp_path)
    assert time.perf_counter() - start < 2
    assert len(calls) == 8
    assert again.folder == first.folder
    np.testing.assert_array_equal(again.images, first.images)
    relabelled = quick([replace(one, emotion="fear") for one in clips], tmp_path)
    assert len(calls) == 8
    assert set(relabelled.table["emotion"]) == {"fear"}


def test_another_file_order_or_setting_is_another_set_but_another_place_is_not(
    clips, tmp_path, calls
):
    clips = clips[:2]
    folders = [
        quick(clips, tmp_path).folder,
        quick(clips[::-1], tmp_path).folder,
        quick(clips, tmp_path, 48).folder,
    ]
    moved = tmp_path / "moved"
    shutil.copytree(clips[0].frames[0].parent, moved)
    assert (
        quick(
            [replace(one, frames=(moved / one.frames[0].name,)) for one in clips], tmp_path
        ).folder
        == folders[0]
    )
    path = clips[0].frames[0]
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 1))
    folders.append(quick(clips, tmp_path).folder)
    assert len(set(folders)) == 4
    assert len(calls) == 8


def test_another_template_is_another_set(clips, tmp_path, monkeypatch):
    first = quick(clips[:1], tmp_path)
    monkeypatch.setitem(align.TEMPLATE, "eyes", (0.5, 0.35))
    assert quick(clips[:1], tmp_path).folder != first.folder


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()]
)
def test_work_goes_on_after_a_full_disk_or_an_interrupt(clips, tmp_path, calls, monkeypatch, error):
    monkeypatch.setattr(prepare, "_CHUNK", 2)
    original, writes = prepare.write_rows, []

    def failing(path, rows, values):
        writes.append(path)
        if len(writes) > 4:  # two chunks are written, each a picture and a record file
            raise error
        original(path, rows, values)

    monkeypatch.setattr(prepare, "write_rows", failing)
    with pytest.raises(type(error)):
        quick(clips, tmp_path, workers=1)
    assert rows_done(tmp_path / "cache") == 4
    monkeypatch.setattr(prepare, "write_rows", original)
    calls.clear()
    prepared = quick(clips, tmp_path)
    assert sorted(calls) == sorted(one.frames[0] for one in clips[4:])
    assert prepared.table["found"].all()
    whole = prepare.prepare(clips, 64, cache=tmp_path / "elsewhere", progress=False)
    np.testing.assert_array_equal(prepared.images, whole.images)
    np.testing.assert_array_equal(prepared.landmarks, whole.landmarks)


def test_a_disk_too_small_is_said_before_work_begins(clips, tmp_path, calls, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(prepared_files.shutil, "disk_usage", lambda _: usage(1e9, 1e9 - 1e5, 1e5))
    with pytest.raises(
        OSError, match=r"8 faces to prepare need 1 MB, only 0 MB are free"
    ) as caught:
        quick(clips, tmp_path, 224)
    assert caught.value.errno == errno.ENOSPC
    assert not calls
    monkeypatch.undo()
    assert quick(clips, tmp_path, 224).table["found"].all()


SLOWLY = """
import sys, time
from pathlib import Path
from ferkit.data.clip import Clip
from ferkit.faces import prepare

folder, cache, log = map(Path, sys.argv[1:])
prepare._CHUNK = 1
prepare_one = prepare._prepare_one

def slowly(job, path):
    with open(log, "a") as file:
        file.write(path.name + "\\n")
    time.sleep(0.1)
    return prepare_one(job, path)

prepare._prepare_one = slowly
paths = sorted(folder.glob("*.png"))
clips = [Clip("made-up", path.stem, path.stem, "neutral", (path,)) for path in paths]
prepared = prepare.prepare(clips, 64, cache=cache, workers=1, progress=False)
assert prepared.table["found"].all()
"""


def slow_process(tmp_path: Path) -> subprocess.Popen:
    arguments = [tmp_path / "pictures", tmp_path / "cache", tmp_path / "log"]
    return subprocess.Popen([sys.executable, "-c", SLOWLY, *map(str, arguments)])


def test_work_goes_on_after_a_kill(clips, tmp_path, calls):
    process = slow_process(tmp_path)
    try:
        deadline = time.monotonic() + 600
        while rows_done(tmp_path / "cache") < 3 and time.monotonic() < deadline:
            time.sleep(0.01)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    done = rows_done(tmp_path / "cache")
    assert 3 <= done < 8
    prepared = quick(clips, tmp_path)
    assert len(calls) == 8 - done
    assert prepared.table["found"].all()
    assert len(list((tmp_path / "cache").iterdir())) == 1


@pytest.fixture
def instant(monkeypatch):
    """Rows that depend on the file's name alone, without looking at its picture."""

    def row_of(job: object, path: Path) -> tuple[np.ndarray, np.ndarray]:
        number = int(path.stem)
        record = np.zeros((), prepared_files.RECORD)
        record["landmarks"] = number
        record["done"] = 1
        return record, np.full(job.picture_shape, number, np.uint8)

    monkeypatch.setattr(prepare, "_prepare_one", row_of)


def prepare_until(step: int, clips: list[Clip], cache: Path) -> None:
    """Prepare two clips; kill the process before the file event of this number."""
    events = iter(range(10_000))

    def at_event(event: str, arguments: tuple) -> None:
        if event in ("open", "os.rename", "os.remove", "os.mkdir", "mmap.__new__"):
            ours = event == "mmap.__new__" or str(cache) in str(arguments)
            if ours and next(events) == step:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(at_event)
    prepare.prepare(clips[:2], 64, cache=cache, workers=1, progress=False)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forked processes")
def test_work_goes_on_after_a_kill_at_any_file_event(clips, tmp_path, instant):
    whole = quick(clips[:2], tmp_path)
    for step in range(100):
        cache = tmp_path / f"killed{step}"
        process = os.fork()
        if not process:
            prepare_until(step, clips, cache)
            os._exit(0)
        status = os.waitpid(process, 0)[1]
        prepared = prepare.prepare(clips[:2], 64, cache=cache, workers=1, progress=False)
        np.testing.assert_array_equal(prepared.images, whole.images)
        np.testing.assert_array_equal(prepared.landmarks, whole.landmarks)
        files = {path.name for path in prepared.folder.iterdir()}
        assert files == {"lock", "made.json", "table.parquet", "faces.npy", "images.npy"}
        if not status:
            break
    assert not status
    assert step > 20


# Damage


@pytest.mark.parametrize("file", ["images.npy", "faces.npy", "table.parquet", "made.json"])
@pytest.mark.parametrize("damage", ["flipped", "cut", "empty", "gone"])
def test_damaged_files_are_made_again(clips, tmp_path, instant, file, damage):
    whole = quick(clips[:2], tmp_path)
    landmarks = whole.landmarks.copy()
    images = np.array(whole.images)
    path = whole.folder / file
    content = path.read_bytes()
    changed = {
        "flipped": content[:-9] + bytes([content[-9] ^ 16]) + content[-8:],
        "cut": content[: len(content) // 2],
        "empty": b"",
    }
    path.unlink()
    if damage != "gone":
        path.write_bytes(changed[damage])
    with warnings.catch_warnings(record=True, action="always") as said:
        prepared = quick(clips[:2], tmp_path)
    if file != "made.json":
        assert f"{file} is damaged or missing; it is made again" in str(said[0].message)
    np.testing.assert_array_equal(prepared.images, images)
    np.testing.assert_array_equal(prepared.landmarks, landmarks)
    assert prepared.table["found"].all()
    with warnings.catch_warnings(action="error"):
        quick(clips[:2], tmp_path)


@pytest.mark.parametrize("file", ["images.npy", "faces.npy"])
def test_an_unfinished_set_with_a_cut_file_begins_anew(clips, tmp_path, instant, file):
    whole = quick(clips[:2], tmp_path)
    images = np.array(whole.images)
    (whole.folder / "made.json").unlink()
    with open(whole.folder / file, "r+b") as cut:
        cut.truncate(200)
    with pytest.warns(UserWarning, match=f"{file} is damaged"):
        np.testing.assert_array_equal(quick(clips[:2], tmp_path).images, images)


def test_a_set_of_a_version_without_hashes_is_kept(clips, tmp_path, calls):
    folder = quick(clips[:2], tmp_path).folder
    made = json.loads((folder / "made.json").read_text())
    (folder / "made.json").write_text(json.dumps(made | {"files": None}))
    calls.clear()
    assert quick(clips[:2], tmp_path).table["found"].all()
    assert not calls
    assert json.loads((folder / "made.json").read_text()) == made


def test_two_processes_at_once_share_the_work_of_one(clips, tmp_path):
    processes = [slow_process(tmp_path) for _ in range(2)]
    assert [process.wait(timeout=120) for process in processes] == [0, 0]
    assert sorted((tmp_path / "log").read_text().split()) == [one.frames[0].name for one in clips]
    assert len(list((tmp_path / "cache").iterdir())) == 1


def test_processes_give_what_threads_give(clips, tmp_path, monkeypatch):
    threads = quick(clips, tmp_path, workers=2)
    monkeypatch.setattr(prepare, "_THREADS", 0)
    monkeypatch.setattr(prepare, "_FEW_PICTURES", 0)
    processes = prepare.prepare(clips, 64, cache=tmp_path / "other", progress=False, workers=2)
    assert processes.folder.name == threads.folder.name
    np.testing.assert_array_equal(processes.images, threads.images)
    np.testing.assert_array_equal(processes.landmarks, threads.landmarks)


def die(*_: object) -> None:
    os._exit(1)


def test_a_worker_that_dies_is_explained(clips, tmp_path, monkeypatch):
    monkeypatch.setattr(prepare, "_THREADS", 0)
    monkeypatch.setattr(prepare, "_FEW_PICTURES", 0)
    monkeypatch.setattr(prepare, "_prepare_chunk", die)
    with pytest.raises(ChildProcessError, match="Finished work is kept"):
        quick(clips, tmp_path, workers=2)


# Real photographs


def test_cmu_faces_are_prepared_at_64_pixels(real_data, tmp_path):
    clips = select_frontal(read_cmu(real_data / "cmu-faces", verify="off"))
    prepared = quick(clips, tmp_path)
    assert prepared.table["found"].all()
    eyes = five_points(prepared.landmarks)[:, :2].mean(axis=1) / 64
    assert np.abs(eyes - align.TEMPLATE["eyes"]).mean() < 0.01
