"""A small part of the campaign: it runs, it judges, and it repeats from its seed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
SCRIPT = Path(__file__).with_name("campaign.py")
KINDS = ("archives", "records", "prepared", "checkpoints", "kill training", "kill run")


def test_a_few_tries_of_quick_kinds_hold():
    command = [sys.executable, str(SCRIPT), "--tries", "3", "--only", ",".join(KINDS)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    rows = [line.rsplit(maxsplit=3) for line in done.stdout.splitlines()]
    assert [name for name, *_ in rows[1:]] == [*KINDS, "all"], done.stdout + done.stderr
    assert rows[-1][1:] == ["18", "18", "0"], done.stdout
    assert done.returncode == 0


@pytest.mark.parametrize(
    ("act", "end"),
    [
        (lambda: 1 / 0, "traceback"),
        (lambda: os.kill(os.getpid(), 9), "crash"),
        (lambda: open("absent.txt"), "refused"),
        (lambda: bytearray(3 << 30), "traceback"),
        (lambda: "fine", "done"),
    ],
)
def test_a_try_is_told_by_its_end(tmp_path, act, end):
    from forked import attempt

    folder = tmp_path / "inside"
    folder.mkdir()
    assert attempt(act, folder).end == end


def test_a_try_is_killed_before_an_event_and_watched(tmp_path):
    from forked import attempt, count_work

    def act() -> None:
        for name in ("first", "second", "../third"):
            count_work()
            Path(name).write_text("x")

    folder = tmp_path / "inside"
    folder.mkdir()
    whole = attempt(act, folder)
    assert (whole.events, whole.work) == (2, 3)
    assert whole.outside == [f"open {tmp_path.resolve() / 'third'}"]
    (folder / "second").unlink()
    killed = attempt(act, folder, kill_before=2)
    assert (killed.end, killed.work) == ("crash", 2)
    assert not (folder / "second").exists()
