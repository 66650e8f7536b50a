"""The named sets: their plans, and how they are drawn once, resumed, shared and read."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from filelock import FileLock
from PIL import Image

from ferkit.data.drawn import read_drawn
from ferkit.labels import COMPOUND, SEVEN, compound_name
from ferkit.synthetic import sets
from ferkit.synthetic.head import load_head
from ferkit.synthetic.scene import STUDIO
from ferkit.synthetic.sets import LEVELS, SETS, DrawnSet, Size, draw_set, fingerprint, frames_of, plan

CKPLUS = {"anger": 45, "contempt": 18, "disgust": 59, "fear": 25, "happiness": 69, "sadness": 28, "surprise": 83}
MMI = {"anger": 32, "disgust": 31, "fear": 28, "happiness": 42, "sadness": 32, "surprise": 40}
PEOPLE = 6
TINY = DrawnSet("tiny", "nothing", "seven", {"smoke": Size(PEOPLE, 1)}, pixels=32, first_person=500)
SHORT = DrawnSet("short", "MMI", "sequences", {"smoke": Size(2, 1, 5)}, pixels=32, back=True, first_person=600)

# A process of its own that draws TINY into the folder it is given.
SCRIPT = f"""
import sys
from pathlib import Path
from ferkit.synthetic.expressions import Variation
from ferkit.synthetic.scene import Ranges
from ferkit.synthetic.sets import SETS, DrawnSet, Size, draw_set
if __name__ == "__main__":
    SETS["tiny"] = {TINY!r}
    print(draw_set("tiny", "smoke", folder=Path(sys.argv[1]), workers=int(sys.argv[2]), progress=False))
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
    SETS["tiny"] = TINY
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


@pytest.mark.parametrize("name", ["stills", "posed", "sequences", "sequences-mmi", "identities", "wild"])
@pytest.mark.parametrize("level", ["smoke", "lesson"])
def test_plans_are_whole(name, level):
    shots, drawn = plan(name, level), SETS[name]
    assert len({shot.name for shot in shots}) == len({shot.seed for shot in shots}) == len(shots)
    people = [shot.person for shot in shots]
    assert people == sorted(people), "person by person"
    assert set(people) == set(range(drawn.first_person, drawn.first_person + drawn.levels[level].people))
    assert {shot.frames for shot in shots} == {drawn.levels[level].frames}
    assert plan(name, level) == shots
    assert {shot.person for shot in plan(name, level, seed=1)}.isdisjoint(people)
    assert {shot.seed for shot in plan(name, level, seed=1)}.isdisjoint({shot.seed for shot in shots})


def test_stills_are_every_compound_class_of_every_person():
    shots = plan("stills", "lesson")
    assert len(shots) == 40 * 50
    shown = Counter((shot.person, compound_name(shot.complementary, shot.emotion)) for shot in shots)
    assert set(shown.values()) == {1}
    assert {name for _, name in shown} == set(COMPOUND.names)


def test_posed_is_ten_people_by_seven_emotions_by_three():
    shots = plan("posed", "lesson")
    assert len(shots) == 10 * 7 * 3
    assert set(Counter((shot.person, shot.emotion) for shot in shots).values()) == {3}
    assert {shot.emotion for shot in shots} == set(SEVEN)


@pytest.mark.parametrize(
    ("name", "people", "counts"), [("sequences", 118, CKPLUS), ("sequences-mmi", 30, MMI)], ids=["CK+", "MMI"]
)
@pytest.mark.parametrize("level", ["lesson", "paper"])
def test_sequences_are_as_many_as_in_the_photographed_set(name, people, counts, level):
    shots = plan(name, level)
    assert Counter(shot.emotion for shot in shots) == counts
    each = Counter(shot.person for shot in shots)
    assert len(each) == people
    assert max(each.values()) <= min(each.values()) + 3
    assert sum(counts.values()) == {"CK+": 327, "MMI": 205}[SETS[name].like]


def test_other_sets_show_many_emotions_each_by_many():
    for name in ("identities", "wild"):
        shown = Counter(shot.emotion for shot in plan(name, "lesson"))
        assert set(shown) == set(SEVEN)
        assert min(shown.values()) > 0.8 * max(shown.values())


def test_sets_share_people_only_where_they_are_meant_to():
    named = [drawn for drawn in SETS.values() if drawn not in (TINY, SHORT)]
    people = {d.name: set(range(d.first_person, d.first_person + d.levels["paper"].people)) for d in named}
    shared = {(a, b) for a in people for b in people if a < b and people[a] & people[b]}
    assert shared <= {("large", "stills")}


def test_unknown_names_and_levels_are_refused(tmp_path):
    for ask in (plan, fingerprint, draw_set):
        with pytest.raises(ValueError, match=r"unknown drawn set 'still'; known: stills, posed"):
            ask("still", "smoke", 0)
        with pytest.raises(ValueError, match=r"unknown level 'smok'; known: smoke, lesson, paper"):
            ask("stills", "smok", 0)
    assert not list(tmp_path.iterdir())


def test_the_fingerprint_tells_sets_apart_and_says_nothing_else():
    marks = {fingerprint(name, level, seed) for name in ("stills", "wild") for level in LEVELS for seed in (0, 1)}
    assert len(marks) == 2 * 3 * 2
    assert fingerprint("stills", "smoke", 0) == fingerprint("stills", "smoke", 0)


# On disk


def test_pictures_and_truths_agree(tiny):
    truth = pd.read_parquet(tiny / "truth.parquet")
    assert len(truth) == PEOPLE * 7
    assert {path.relative_to(tiny).as_posix() for path in tiny.rglob("*.jpg")} == set(truth["path"])
    shots = {shot.name: shot for shot in plan("tiny", "smoke")}
    assert list(truth["name"]) == list(shots)
    for row in truth.iloc[::15].itertuples():
        ((frame, told),) = frames_of(shots[row.name], TINY)
        stored = np.asarray(Image.open(tiny / row.path)).astype(float)
        assert np.abs(stored - frame.image).mean() < 4, "as JPEG keeps it"
        points = [getattr(row, f"{axis}{i}") for i in range(68) for axis in "xy"]
        np.testing.assert_array_equal(np.reshape(points, (68, 2)), frame.landmarks)
        assert (row.emotion, row.person, row.intensity) == (told["emotion"], told["person"], told["intensity"])


def test_a_drawn_set_is_read_like_any_other(tiny):
    clips = read_drawn(tiny, verify="strict")
    assert len(clips) == PEOPLE * 7
    assert Counter(clip.emotion for clip in clips) == dict.fromkeys(SEVEN, PEOPLE)
    assert {clip.person for clip in clips} == {f"p{n:05d}" for n in range(500, 500 + PEOPLE)}
    for clip in clips:
        assert clip.complementary is None
        assert clip.extra["landmarks"].shape == (1, 68, 2)
        assert 0 < clip.extra["landmarks"][..., 27:, :].min() < clip.extra["landmarks"][..., 27:, :].max() < 32
        assert STUDIO.yaw[0] <= clip.extra["yaw"][0] <= STUDIO.yaw[1]
        assert 0 <= clip.extra["melanin"][0] <= 1


def test_what_is_known_of_the_set_lies_beside_it(tiny):
    about = json.loads((tiny / "about.json").read_text())
    assert (about["name"], about["level"], about["seed"], about["licence"]) == ("tiny", "smoke", 0, "CC0-1.0")
    assert not (tiny / ".parts").exists()


def test_sequences_come_back_to_rest_and_drift(tmp_path):
    folder = draw_set("short", "smoke", folder=tmp_path / "set", workers=1, progress=False)
    clips = read_drawn(folder, verify="strict")
    assert len(clips) == len(plan("short", "smoke")) == 14
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
    monkeypatch.setattr(sets, "_draw_people", None)
    assert draw_tiny(tiny) == tiny
    assert {path: path.stat().st_mtime_ns for path in tiny.rglob("*")} == before


def test_without_a_folder_the_cache_is_used(tmp_path, monkeypatch):
    load_head()
    monkeypatch.setenv("FERKIT_CACHE", str(tmp_path))
    monkeypatch.setattr(sets, "_draw_people", lambda *_: None)
    folder = draw_set("tiny", "smoke", seed=3, progress=False)
    assert folder == tmp_path / "drawn" / f"tiny-smoke-3-{fingerprint('tiny', 'smoke', 3)}"


def test_a_folder_with_something_else_is_refused(tiny, tmp_path):
    with pytest.raises(ValueError, match="holds another drawn set.*name another folder, or delete this one"):
        draw_set("tiny", "smoke", seed=1, folder=tiny)
    with pytest.raises(ValueError, match="holds another drawn set"):
        draw_set("stills", "smoke", folder=tiny)
    (tmp_path / "truth.parquet").write_bytes(b"a table of someone else's")
    with pytest.raises(ValueError, match="holds another drawn set"):
        draw_tiny(tmp_path)
    assert (tmp_path / "truth.parquet").read_bytes() == b"a table of someone else's"


# Stopped, and several at once


def test_drawing_goes_on_from_where_it_stopped(tiny, tmp_path, monkeypatch):
    draw_person, folder = sets._draw_person, tmp_path / "set"

    def fails_in_the_third(drawn, shots, folder):
        if shots[0].person == 502:
            next(frames_of(shots[0], drawn))
            raise OSError(28, "No space left on device")
        draw_person(drawn, shots, folder)

    monkeypatch.setattr(sets, "_draw_person", fails_in_the_third)
    with pytest.raises(OSError, match="No space"):
        draw_tiny(folder)
    assert not (folder / "truth.parquet").exists()
    finished = {path: path.stat().st_mtime_ns for path in folder.rglob("p0050[01]/*.jpg")}
    assert len(finished) == 2 * 7
    monkeypatch.setattr(sets, "_draw_person", draw_person)
    draw_tiny(folder)
    assert {path: path.stat().st_mtime_ns for path in finished} == finished
    assert contents(folder) == contents(tiny)


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks at processes as Linux shows them")
def test_after_a_kill_no_worker_is_left_and_what_they_drew_stays(tiny, tmp_path):
    folder = tmp_path / "set"
    process = own_process(folder, workers=2)
    deadline = time.monotonic() + 60
    while not list(folder.glob(".parts/*.parquet")):
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.01)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    assert children
    process.kill()
    process.wait()
    deadline = time.monotonic() + 20
    while left := [child for child in children if is_running(int(child))]:
        if time.monotonic() > deadline:
            for child in left:
                os.kill(int(child), signal.SIGKILL)
            pytest.fail("a worker outlives its parent")
        time.sleep(0.05)
    process.stdout.close()
    kept = {path: path.stat().st_mtime_ns for path in folder.glob(".parts/*.parquet")}
    drawn = [picture for path in kept for picture in (folder / f"p{int(path.stem):05d}").glob("*.jpg")]
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
        waiting = threading.Thread(target=draw_set, args=("tiny", "smoke", 0, folder), kwargs={"workers": 1})
        waiting.start()
        time.sleep(0.3)
        assert not (folder / "about.json").exists()
    waiting.join(60)
    assert "another process is drawing set; waiting for it" in "".join(capsys.readouterr())
    assert contents(folder) == contents(tiny)
