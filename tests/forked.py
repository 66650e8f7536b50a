"""Run a function in a fork with limits, watch what it writes, and say how it ended."""

import contextlib
import faulthandler
import mmap
import os
import pickle
import re
import resource
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ferkit

_PACKAGE = Path(ferkit.__file__).resolve().parent
_TIME_LIMIT = 30  # seconds
_MEMORY_LIMIT = 2 << 30  # bytes beyond those that the parent has
# At the beginning of a line, or after a progress bar.
_MESSAGE = re.compile(
    r"(^|\])\W*(warning|ferkit:|error|usage|interrupted)|\w+Warning: ", re.I | re.M
)
_WORK = mmap.mmap(-1, 8)  # shared with forks: a killed one's count is left
FACES: dict[bytes, list] = {}  # what forks found, kept for the next


def count_work() -> int:
    """Count one more unit of work in this try; return how many there are."""
    units = int.from_bytes(_WORK[:8], "little") + 1
    _WORK[:8] = units.to_bytes(8, "little")
    return units


def reset_work() -> None:
    """Begin counting anew."""
    _WORK[:8] = bytes(8)


@dataclass
class Outcome:
    """How a try ended: "done", "refused" with a message, or how it fell short."""

    end: str
    result: Any = None
    text: str = ""  # what it printed
    outside: list[str] = field(default_factory=list)
    events: int = 0  # writes below its folder
    work: int = 0  # units of work done
    faces: dict[bytes, list] = field(default_factory=dict)

    @property
    def has_message(self) -> bool:
        return self.end == "refused" or bool(_MESSAGE.search(self.text))


class Watch:
    """An audit hook: count writes below a folder, kill before one of them, note others."""

    def __init__(self, folder: Path, kill_before: int) -> None:
        self.folder = f"{folder.resolve()}/"
        self.kill_before = kill_before
        self.events = 0
        self.outside: list[str] = []

    def __call__(self, event: str, arguments: tuple) -> None:
        if event == "open":
            path, _, flags = arguments
            if isinstance(path, int) or not flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
                return
            self._note(event, os.path.realpath(os.fsdecode(path)))
        elif event in ("os.remove", "os.rmdir", "os.mkdir", "os.truncate"):
            self._note(event, _entry(arguments[0], arguments[-1]))
        elif event in ("os.rename", "os.link", "os.symlink"):
            self._note(event, _entry(arguments[1], arguments[-1]))
        elif event == "socket.connect" and not isinstance(arguments[1], str):
            self.outside.append(f"network {arguments[1]}")

    def _note(self, event: str, path: str) -> None:
        if not f"{path}/".startswith(self.folder):
            if not path.startswith(("/dev/", "/proc/")):
                self.outside.append(f"{event} {path}")
            return
        self.events += 1
        if self.events == self.kill_before:
            os.kill(os.getpid(), signal.SIGKILL)


def _entry(path: Any, folder: Any) -> str:
    """An entry of a folder, the folder's links followed, the entry's own not."""
    if isinstance(path, int):
        return os.readlink(f"/proc/self/fd/{path}")
    parent, name = os.path.split(os.fsdecode(path))
    if isinstance(folder, int) and folder >= 0:
        parent = os.path.join(os.readlink(f"/proc/self/fd/{folder}"), parent)
    return os.path.join(os.path.realpath(parent), name)


def attempt(act: Callable[[], Any], folder: Path, kill_before: int = 0) -> Outcome:
    """Run `act` in a fork whose current folder is `folder`, within the limits."""
    report = folder.parent / "report"
    log = folder.parent / "log"
    report.unlink(missing_ok=True)
    reset_work()
    pid = os.fork()
    if not pid:
        with contextlib.suppress(BaseException):
            _in_child(act, folder, kill_before, report, log)
        os._exit(3)
    deadline = time.monotonic() + _TIME_LIMIT
    ended, status = os.waitpid(pid, os.WNOHANG)
    while not ended and time.monotonic() < deadline:
        time.sleep(0.003)
        ended, status = os.waitpid(pid, os.WNOHANG)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)  # also what it started
    if not ended:
        os.waitpid(pid, 0)
    outcome = Outcome("crash" if ended else "hang", f"status {status}")
    if report.is_file():
        outcome = pickle.loads(report.read_bytes())  # noqa: S301
    outcome.text = log.read_text(errors="replace") + outcome.text
    outcome.work = int.from_bytes(_WORK[:8], "little")
    FACES.update(outcome.faces)
    return outcome


def _in_child(
    act: Callable[[], Any], folder: Path, kill_before: int, report: Path, log: Path
) -> None:
    os.setsid()
    os.chdir(folder)
    target = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(target, 1)
    os.dup2(target, 2)
    faulthandler.disable()
    scratch = folder / "cache"
    scratch.mkdir(exist_ok=True)
    os.environ |= {name: str(scratch) for name in ("HOME", "TMPDIR", "FERKIT_CACHE", "FERKIT_RUN")}
    tempfile.tempdir = None
    # Without sys.stderr of a test runner, and with every warning, whatever came before.
    sys.stdout = os.fdopen(1, "w", buffering=1, errors="backslashreplace")
    sys.stderr = os.fdopen(2, "w", buffering=1, errors="backslashreplace")
    warnings.resetwarnings()
    warnings.simplefilter("ignore", DeprecationWarning)
    with contextlib.suppress(OSError):
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        most = pages * resource.getpagesize() + _MEMORY_LIMIT
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
    known = set(FACES)
    watch = Watch(folder, kill_before)
    sys.addaudithook(watch)
    outcome = Outcome("done")
    try:
        outcome.result = act()
    except SystemExit as error:
        outcome.end = "refused" if error.code else "done"
        if error.code and not _MESSAGE.search(log.read_text(errors="replace")):
            outcome.end = "traceback"
    except BaseException as error:
        last = Path(traceback.extract_tb(error.__traceback__)[-1].filename).resolve()
        is_ours = isinstance(error, ValueError) and _PACKAGE in last.parents
        outcome.end = "refused" if is_ours or isinstance(error, OSError) else "traceback"
        outcome.text = traceback.format_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    outcome.outside = list(watch.outside)
    outcome.events = watch.events
    outcome.faces = {key: faces for key, faces in FACES.items() if key not in known}
    part = report.with_suffix(".part")
    part.write_bytes(pickle.dumps(outcome))
    os.replace(part, report)
    os._exit(0)
