"""Worker processes end with their parent; where none can start, one process works."""

import errno
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ferkit.core import processes

PARENT = """
import os, sys, time
from pathlib import Path
from ferkit.core.processes import start_pool
if __name__ == "__main__":
    with start_pool(2, sys.argv[1]) as pool:
        print(*{pool.submit(os.getpid).result() for _ in range(20)}, flush=True)
        time.sleep(60)
"""


def is_running(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks at processes as Linux shows them")
@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_workers_end_with_their_parent(method, tmp_path):
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    command = [sys.executable, str(script), method]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as parent:
        workers = [int(process) for process in parent.stdout.readline().split()]
        parent.kill()
    assert workers
    deadline = time.monotonic() + 5
    while any(is_running(worker) for worker in workers):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_without_processes_a_warning_says_why(monkeypatch):
    def refuse(*_: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(processes, "ProcessPoolExecutor", refuse)
    with pytest.warns(UserWarning, match="Read-only file system; they need a writable /dev/shm"):
        assert processes.start_pool(2, "spawn") is None
