"""The named sets: their plans, and how they are drawn once, resumed, shared and read."""

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from filelock import FileLock
from PIL import Image

from ferkit.core import processes
from ferkit.core.labels import COMPOUND, SEVEN, compound_name
from ferkit.data.sets.drawn import read_drawn
from ferkit.drawn import draw_sets
from ferkit.drawn.draw_sets import draw_clip, draw_set, set_fingerprint
from ferkit.drawn.head import load_head
from ferkit.drawn.scene import STUDIO
from ferkit.drawn.sets import SET_LEVELS, SETS, DrawnSet, Size, plan_clips

CKPLUS = {
    "anger": 45,
    "contempt": 18,
    "disgust": 59,
    "fear": 25,
    "happiness": 69,
    "sadness": 28,
    "surprise": 83,
}
MMI = {"anger": 32, "disgust": 31, "fear": 28, "happiness": 42, "sadness": 32, "surprise": 40}
PEOPLE = 6
TINY = DrawnSet("tiny", "nothing", "seven", {"smoke": Size(PEOPLE, 1)}, pixels=32, first_person=500)
SHORT = DrawnSet(
    "short", "MMI", "sequences", {"smoke": Size(2, 1, 5)}, pixels=32, back=True, first_person=600
)

# A process of its own that draws TINY into the folder it is given.
SCRIPT = f"""
import sys
from pathlib import Path
from ferkit.drawn.expressions import Variation
from ferkit.drawn.scene import Ranges
from ferkit.drawn.draw_sets import draw_set
from ferkit.drawn.sets import SETS, DrawnSet, Size
if __name__ == "__main__":
    SETS["tiny"] = {TINY!r}
    workers = int(sys.argv[2])
    print(draw_set("tiny", "smoke", folder=Path(sys.argv[1]), workers=workers, progress=False))
"""


@pytest.fixture(autouse=True)
def _small_sets(monkeypatch):
    monkeypatch.setitem(SETS, "tiny", TINY)
    monkeypatch.setitem(SETS, "short", SHORT)


def draw_tiny(folder: Path, workers: int = 1) -> Path:
    return draw_set("tiny", "smoke", folder=folder, workers=workers, progress=False)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> Path:
    """TINY, drawn without interruption by one process."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setitem(SETS, "tiny", TINY)
        return draw_tiny(tmp_path_factory.mktemp("tiny") / "set")


def contents(folder: Path) -> dict[str, bytes]:
    """Every picture and the table of truths, by name."""
    files = [*folder.rglob("*.jpg"), folder / "truth.parquet"]
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in files}


def own_process(folder: Path, workers: int = 1) -> subprocess.Popen:
    command = [sys.executable, "-c", SCRIPT, str(folder), str(workers)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


def is_running(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


# Plans


@pytest.mark.parametrize(
    "name", ["stills", "posed", "sequences", "sequences-mmi", "identities", "wild"]
)
@pytest.mark.parametrize("level", ["smoke", "lesson"])
def test_plans_are_whole(name, level):
    shots, drawn = plan_clips(name, level), SETS[name]
    assert len({shot.name for shot in shots}) == len({shot.seed for shot in shots}) == len(shots)
    people = [shot.person for shot in shots]
    assert people == sorted(people), "person by person"
    assert set(people) == set(
        range(drawn.first_person, drawn.first_person + drawn.size(level).people)
    )
    assert {shot.frames for shot in shots} == {drawn.size(level).frames}
    assert plan_clips(name, level) == shots
    assert {shot.person for shot in plan_clips(name, level, seed=1)}.isdisjoint(people)
    assert {shot.seed for shot in plan_clips(name, level, seed=1)}.isdisjoint(
        {shot.seed for shot in shots}
    )


def test_stills_are_every_compound_class_of_every_person():
    shots = plan_clips("stills", "lesson")
    assert len(shots) == 40 * 50
    shown = Counter(
        (shot.person, compound_name(shot.complementary, shot.emotion)) for shot in shots
    )
    assert set(shown.values()) == {1}
    assert {name for _, name in shown} == set(COMPOUND.names)


def test_posed_is_ten_people_by_seven_emotions_by_three():
    shots = plan_clips("posed", "lesson")
    assert len(shots) == 10 * 7 * 3
    assert set(Counter((shot.person, shot.emotion) for shot in shots).values()) == {3}
    assert {shot.emotion for shot in shots} == set(SEVEN)


@pytest.mark.parametrize(
    ("name", "people", "counts"),
    [("sequences", 118, CKPLUS), ("sequences-mmi", 30, MMI)],
    ids=["CK+", "MMI"],
)
@pytest.mark.parametrize("level", ["lesson", "paper"])
def test_sequences_are_as_many_as_in_the_photographed_set(name, people, counts, level):
    shots = plan_clips(name, level)
    assert Counter(shot.emotion for shot in shots) == counts
    each = Counter(shot.person for shot in shots)
    assert len(each) == people
    assert max(each.values()) <= min(each.values()) + 3
    assert sum(counts.values()) == {"CK+": 327, "MMI": 205}[SETS[name].like]


def test_other_sets_show_many_emotions_each_by_many():
    for name in ("identities", "wild"):
        shown = Counter(shot.emotion for shot in plan_clips(name, "lesson"))
        assert set(shown) == set(SEVEN)
        assert min(shown.values()) > 0.8 * max(shown.values())


def test_sets_share_people_only_where_they_are_meant_to():
    named = [drawn for drawn in SETS.values() if drawn not in (TINY, SHORT)]
    people = {
        d.name: set(range(d.first_person, d.first_person + d.levels["paper"].people)) for d in named
    }
    shared = {(a, b) for a in people for b in people if a < b and people[a] & people[b]}
    assert shared <= {("large", "stills")}


def test_unknown_names_and_levels_are_refused(tmp_path):
    for ask in (plan_clips, set_fingerprint, draw_set):
        with pytest.raises(ValueError, match=r"did you mean 'stills'\?; known: stills, posed"):
            ask("still", "smoke", 0)
        with pytest.raises(
            ValueError, match=r"unknown level 'smok'; known: smoke, lesson, study, paper"
        ):
            ask("stills", "smok", 0)
    assert not list(tmp_path.iterdir())


def test_the_fingerprint_tells_sets_apart_and_says_nothing_else():
    marks = {
        set_fingerprint(name, level, seed)
        for name in ("stills", "wild")
        for level in SET_LEVELS
        for seed in (0, 1)
    }
    assert len(marks) == 2 * len(SET_LEVELS) * 2
    assert set_fingerprint("stills", "smoke", 0) == set_fingerprint("stills", "smoke", 0)


# On disk


def test_pictures_and_truths_agree(tiny):
    truth = pd.read_parquet(tiny / "truth.parquet")
    assert len(truth) == PEOPLE * 7
    assert {path.relative_to(tiny).as_posix() for path in tiny.rglob("*.jpg")} == set(truth["path"])
    shots = {shot.name: shot for shot in plan_clips("tiny", "smoke")}
    assert list(truth["name"]) == list(shots)
    for row in truth.iloc[::15].itertuples():
        ((frame, told),) = draw_clip(shots[row.name], TINY)
        stored = np.asarray(Image.open(tiny / row.path)).astype(float)
        assert np.abs(stored - frame.image).mean() < 4, "as JPEG keeps it"
        points = [getattr(row, f"{axis}{i}") for i in range(68) for axis in "xy"]
        np.testing.assert_array_equal(np.reshape(points, (68, 2)), frame.landmarks)
        assert (row.emotion, row.person, row.intensity) == (
            told["emotion"],
            told["person"],
            told["intensity"],
        )


def test_a_drawn_set_is_read_like_any_other(tiny):
    clips = read_drawn(tiny, verify="strict")
    assert len(clips) == PEOPLE * 7
    assert Counter(clip.emotion for clip in clips) == dict.fromkeys(SEVEN, PEOPLE)
    assert {clip.person for clip in clips} == {f"p{n:05d}" for n in range(500, 500 + PEOPLE)}
    for clip in clips:
        assert clip.complementary is None
        assert clip.extra["landmarks"].shape == (1, 68, 2)
        assert (
            0
            < clip.extra["landmarks"][..., 27:, :].min()
            < clip.extra["landmarks"][..., 27:, :].max()
            < 32
        )
        assert STUDIO.yaw[0] <= clip.extra["yaw"][0] <= STUDIO.yaw[1]
        assert 0 <= clip.extra["melanin"][0] <= 1


def test_what_is_known_of_the_set_lies_beside_it(tiny):
    about = json.loads((tiny / "about.json").read_text())
    assert (about["name"], about["level"], about["seed"], about["licence"]) == (
        "tiny",
        "smoke",
        0,
        "CC0-1.0",
    )
    assert not (tiny / ".parts").exists()


def test_sequences_come_back_to_rest_and_drift(tmp_path):
    folder = draw_set("short", "smoke", folder=tmp_path / "set", workers=1, progress=False)
    clips = read_drawn(folder, verify="strict")
    assert len(clips) == len(plan_clips("short", "smoke")) == 14
    for clip in clips:
        strength = clip.extra["strength"]
        assert len(clip.frames) == 5
        assert clip.peak == int(strength.argmax())
        assert strength[0] == strength[-1] == 0
        assert strength[clip.peak] > 0.7
        assert np.ptp(clip.extra["yaw"]) > 0
    happy = next(clip for clip in clips if clip.emotion == "happiness")
    smile = happy.extra["action_mouthSmileLeft"]
    assert smile[happy.peak] > 2 * max(smile[0], smile[-1])


def test_finished_sets_are_left_alone(tiny, monkeypatch):
    before = {path: path.stat().st_mtime_ns for path in tiny.rglob("*")}
    monkeypatch.setattr(draw_sets, "_draw_people", None)
    assert draw_tiny(tiny) == tiny
    assert {path: path.stat().st_mtime_ns for path in tiny.rglob("*")} == before


def test_without_a_folder_the_cache_is_used(tmp_path, monkeypatch):
    load_head()
    monkeypatch.setenv("FERKIT_CACHE", str(tmp_path))
    monkeypatch.setattr(draw_sets, "_draw_people", lambda *_: None)
    monkeypatch.setattr(draw_sets, "_hash_set", lambda _: {})
    monkeypatch.setattr(draw_sets.shutil, "rmtree", lambda *_, **__: None)
    folder = draw_set("tiny", "smoke", seed=3, progress=False)
    assert folder == tmp_path / "drawn" / f"tiny-smoke-3-{set_fingerprint('tiny', 'smoke', 3)}"


def test_a_folder_with_something_else_is_refused(tiny, tmp_path):
    with pytest.raises(
        ValueError, match="holds another drawn set.*name another folder, or delete this one"
    ):
        draw_set("tiny", "smoke", seed=1, folder=tiny)
    with pytest.raises(ValueError, match="holds another drawn set"):
        draw_set("stills", "smoke", folder=tiny)
    (tmp_path / "truth.parquet").write_bytes(b"a table of someone else's")
    with pytest.raises(ValueError, match="holds another drawn set"):
        draw_tiny(tmp_path)
    assert (tmp_path / "truth.parquet").read_bytes() == b"a table of someone else's"


# Stopped, and several at once


def test_drawing_goes_on_from_where_it_stopped(tiny, tmp_path, monkeypatch):
    draw_person, folder = draw_sets._draw_person, tmp_path / "set"

    def fails_in_the_third(drawn, shots, folder):
        if shots[0].person == 502:
            next(draw_clip(shots[0], drawn))
            raise OSError(28, "No space left on device")
        draw_person(drawn, shots, folder)

    monkeypatch.setattr(draw_sets, "_draw_person", fails_in_the_third)
    with pytest.raises(OSError, match="No space"):
        draw_tiny(folder)
    assert not (folder / "truth.parquet").exists()
    finished = {path: path.stat().st_mtime_ns for path in folder.rglob("p0050[01]/*.jpg")}
    assert len(finished) == 2 * 7
    monkeypatch.setattr(draw_sets, "_draw_person", draw_person)
    draw_tiny(folder)
    assert {path: path.stat().st_mtime_ns for path in finished} == finished
    assert contents(folder) == contents(tiny)


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks at processes as Linux shows them")
def test_after_a_kill_no_worker_is_left_and_what_they_drew_stays(tiny, tmp_path):
    folder = tmp_path / "set"
    process = own_process(folder, workers=2)
    deadline = time.monotonic() + 600
    while not list(folder.glob(".parts/[0-9]*.parquet")):
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.01)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    assert children
    process.kill()
    process.wait()
    deadline = time.monotonic() + 5
    while left := [child for child in children if is_running(int(child))]:
        if time.monotonic() > deadline:
            for child in left:
                os.kill(int(child), signal.SIGKILL)
            pytest.fail("a worker outlives its parent")
        time.sleep(0.05)
    process.stdout.close()
    kept = {path: path.stat().st_mtime_ns for path in folder.glob(".parts/[0-9]*.parquet")}
    drawn = [
        picture for path in kept for picture in (folder / f"p{int(path.stem):05d}").glob("*.jpg")
    ]
    pictures = {path: path.stat().st_mtime_ns for path in drawn}
    assert len(pictures) >= 7
    draw_tiny(folder)
    assert {path: path.stat().st_mtime_ns for path in pictures} == pictures
    assert contents(folder) == contents(tiny), "several workers draw what one process draws"


def test_two_processes_draw_one_set_together(tiny, tmp_path):
    folder = tmp_path / "set"
    both = [own_process(folder), own_process(folder)]
    assert [process.communicate(timeout=120)[0].strip() for process in both] == [str(folder)] * 2
    assert [process.returncode for process in both] == [0, 0]
    assert contents(folder) == contents(tiny)
    assert not list(folder.glob(".*.parquet*"))


def test_the_second_waits_and_says_so(tiny, tmp_path, capsys):
    folder = tmp_path / "set"
    folder.mkdir()
    with FileLock(folder / ".lock"):
        waiting = threading.Thread(
            target=draw_set, args=("tiny", "smoke", 0, folder), kwargs={"workers": 1}
        )
        waiting.start()
        time.sleep(0.3)
        assert not (folder / "about.json").exists()
    waiting.join(60)
    assert "another process is drawing set; waiting for it" in "".join(capsys.readouterr())
    assert contents(folder) == contents(tiny)


# Damage


@pytest.fixture
def copied(tiny, tmp_path) -> Path:
    return Path(shutil.copytree(tiny, tmp_path / "set"))


def damage_picture(folder: Path) -> None:
    picture = sorted(folder.glob("p*/*.jpg"))[9]
    content = picture.read_bytes()
    picture.write_bytes(content[:-9] + bytes([content[-9] ^ 1]) + content[-8:])


def cut_table(folder: Path) -> None:
    os.truncate(folder / "truth.parquet", 999)


def alter_table(folder: Path) -> None:
    table = pd.read_parquet(folder / "truth.parquet")
    table.assign(emotion="fear").to_parquet(folder / "truth.parquet")


def delete_table(folder: Path) -> None:
    (folder / "truth.parquet").unlink()


def delete_picture(folder: Path) -> None:
    min(folder.glob("p*/*.jpg")).unlink()


@pytest.mark.parametrize(
    ("damage", "name"),
    [
        (damage_picture, ".jpg"),
        (delete_picture, "set"),
        (cut_table, "truth.parquet"),
        (alter_table, "truth.parquet"),
        (delete_table, "truth.parquet"),
    ],
)
def test_a_damaged_set_is_drawn_again(tiny, copied, damage, name):
    damage(copied)
    with pytest.warns(UserWarning, match=f"{name} is damaged or missing; it is made again"):
        draw_tiny(copied)
    assert contents(copied) == contents(tiny)
    with warnings.catch_warnings(action="error"):
        draw_tiny(copied)


def test_a_set_killed_at_its_end_is_completed(tiny, copied):
    """Killed before its hashes were written, or before the tables of single people were deleted."""
    (copied / ".parts").mkdir()
    draw_tiny(copied)
    assert contents(copied) == contents(tiny)
    assert not (copied / ".parts").exists()


def test_nothing_is_drawn_again_after_a_kill_while_the_tables_were_deleted(copied, monkeypatch):
    (copied / ".parts").mkdir()
    monkeypatch.setattr(draw_sets, "_draw_person", None)
    draw_tiny(copied)
    assert not (copied / ".parts").exists()


def test_a_damaged_table_of_one_person_is_drawn_again(tiny, tmp_path, monkeypatch):
    folder = tmp_path / "set"
    with monkeypatch.context() as interrupted:
        interrupted.setattr(draw_sets, "_hash_set", None)
        with pytest.raises(TypeError):
            draw_tiny(folder)
    os.truncate(folder / ".parts" / "501.parquet", 500)
    with pytest.warns(UserWarning, match=r"501.parquet is damaged"):
        draw_tiny(folder)
    assert contents(folder) == contents(tiny)


def test_a_full_disk_names_the_picture(tmp_path, monkeypatch):
    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", fail)
    with pytest.raises(OSError, match=r"the disk is full: .*\.jpg was not written"):
        draw_tiny(tmp_path / "set")


def test_without_worker_processes_one_process_draws(tiny, tmp_path, monkeypatch):
    def refuse(*_: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(processes, "ProcessPoolExecutor", refuse)
    with pytest.warns(UserWarning, match="no worker processes"):
        folder = draw_tiny(tmp_path / "set", workers=2)
    assert contents(folder) == contents(tiny)
