"""Tasks for the workers of a cluster, who import them from here."""

import hashlib
import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil


def chain(start: int) -> str:
    """Hash a number over and over, for a tenth of a second or so; 13 is refused."""
    if start == 13:
        raise ValueError("13 is refused")
    value = str(start).encode()
    for _ in range(20):
        time.sleep(0.005)
        value = hashlib.sha256(value).digest()
    return value.hex()


def kill_own_worker(once: Path | None) -> str:
    """Kill the process that runs this; only the first time where a file can remember it."""
    time.sleep(0.2)
    if once is None or not once.exists():
        if once:
            once.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return "survived"


def workers() -> list[psutil.Process]:
    """The worker processes of clusters that this process has started."""
    found = []
    for child in psutil.Process().children():
        with suppress(psutil.Error):  # it has ended meanwhile
            if "spawn_main" in " ".join(child.cmdline()):
                found.append(child)
    return found


@contextmanager
def random_kills(seed: int, count: int, progress: Callable[[], int]) -> Iterator[list[int]]:
    """Kill a worker of this process each time that `progress` has grown; yield those killed.

    A task fails after four deaths, so with `count` up to 3 none does.
    """
    killed: list[int] = []
    ended = threading.Event()
    rng = random.Random(seed)

    def kill() -> None:
        before = 0
        while len(killed) < count and not ended.wait(0.05):
            now = progress()
            alive = [child for child in workers() if child.pid not in killed]
            if now > before and alive:
                victim = rng.choice(alive)
                killed.append(victim.pid)
                with suppress(psutil.Error):
                    victim.kill()
                before = now

    thread = threading.Thread(target=kill, daemon=True)
    thread.start()
    try:
        yield killed
    finally:
        ended.set()
        thread.join()
