"""Files are written whole, shared, never through links; damage and full disks are noticed."""

import errno
import json
import os
import stat
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from ferkit.core import files
from ferkit.core.files import (
    create_partial,
    find_damaged,
    hash_files,
    locked,
    read_hashes,
    write_whole,
)


def write(path: Path, text: str = "new") -> None:
    write_whole(path, lambda part: part.write_text(text))


@pytest.fixture
def umask():
    before = os.umask(0)
    yield os.umask
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no file modes")
@pytest.mark.parametrize(("mask", "expected"), [(0o022, 0o644), (0o002, 0o664), (0o077, 0o600)])
def test_files_follow_the_umask_and_locks_are_for_everybody(tmp_path, umask, mask, expected):
    umask(mask)
    write(tmp_path / "table.csv")
    with locked(tmp_path / "lock"):
        assert mode(tmp_path / "lock") == 0o666
    assert mode(tmp_path / "table.csv") == expected


def test_a_file_stays_when_writing_fails(tmp_path):
    file = tmp_path / "table.csv"
    write(file, "old")

    def fail(part: Path) -> None:
        part.write_text("half")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write_whole(file, fail)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]


def test_temporary_names_differ_are_short_and_keep_the_suffix(tmp_path):
    file = tmp_path / f"{'n' * 250}.mp4"
    parts = [create_partial(file) for _ in range(3)]
    assert len(set(parts)) == 3
    assert {part.suffix for part in parts} == {".mp4"}


def test_a_link_with_the_temporary_name_is_not_followed(tmp_path, monkeypatch):
    monkeypatch.setattr(files.secrets, "token_hex", lambda _: "0" * 8)
    part = create_partial(tmp_path / "a")
    part.unlink()
    precious = tmp_path / "precious"
    precious.write_text("mine")
    part.symlink_to(precious)
    with pytest.raises(FileExistsError):
        write(tmp_path / "a")
    assert precious.read_text() == "mine"


def test_temporary_files_of_dead_processes_are_deleted(tmp_path):
    script = (
        "import sys; from pathlib import Path; from ferkit.core.files import create_partial;"
        "create_partial(Path(sys.argv[1]))"
    )
    subprocess.run([sys.executable, "-c", script, tmp_path / "a.txt"], check=True)
    assert len(list(tmp_path.iterdir())) == 1
    foreign = tmp_path / ".a.012345-1-01234567.partial"  # of another machine
    old = tmp_path / ".b.012345-1-01234567.partial.csv"
    own = tmp_path / ".notes.partial"  # the user's
    for path in (foreign, old, own):
        path.touch()
    os.utime(old, (0, 0))
    os.utime(own, (0, 0))
    write(tmp_path / "b.txt")
    assert {path.name for path in tmp_path.iterdir()} == {foreign.name, own.name, "b.txt"}


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_one_clear_line(tmp_path, number):
    def fail(part: Path) -> None:
        raise OSError(number, os.strerror(number))

    with pytest.raises(OSError, match=r"the disk is full: .*table.csv was not written") as caught:
        write_whole(tmp_path / "table.csv", fail)
    assert caught.value.errno == number
    assert not list(tmp_path.iterdir())


def test_an_inaccessible_cache_names_ferkit_cache(tmp_path, monkeypatch):
    def refuse(*_: object) -> bytes:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(PermissionError, match="^.Errno 13. Permission denied$"):
        files.read_cached(tmp_path / "made.json")
    monkeypatch.setenv("FERKIT_CACHE", str(tmp_path))
    with pytest.raises(PermissionError, match=r"no access to .*made.json .*FERKIT_CACHE"):
        files.read_cached(tmp_path / "made.json")
    with pytest.raises(PermissionError, match="FERKIT_CACHE"):
        write_whole(tmp_path / "made.json", refuse)


@pytest.mark.parametrize("limit", [files._HASHED_WHOLE, 2**17], ids=["whole", "samples"])
def test_changed_cut_and_missing_files_are_found(tmp_path, monkeypatch, limit):
    monkeypatch.setattr(files, "_HASHED_WHOLE", limit)
    content = bytes(range(256)) * 2**10
    names = ["same", "changed", "cut", "missing"]
    for name in names:
        (tmp_path / name).write_bytes(content)
    hashes = hash_files(tmp_path, names)
    (tmp_path / "changed").write_bytes(content[:-1] + b"\0")
    (tmp_path / "cut").write_bytes(content[:-1])
    (tmp_path / "missing").unlink()
    (tmp_path / "made.json").write_text(json.dumps({"files": hashes}))
    assert find_damaged(tmp_path, names, read_hashes(tmp_path / "made.json")) == names[1:]


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"files": 3}', "[" * 50_000, "\xff"])
def test_hashes_of_a_damaged_record_are_none(tmp_path, text):
    (tmp_path / "made.json").write_text(text, encoding="latin-1")
    with warnings.catch_warnings(action="ignore"):
        assert read_hashes(tmp_path / "made.json") == {}


def test_a_script_without_a_guard_stops_instead_of_waiting_for_ever(tmp_path):
    script = tmp_path / "unguarded.py"
    script.write_text(
        "import sys\n"
        "from multiprocessing import get_context\n"
        "from pathlib import Path\n"
        "from ferkit.core.files import locked\n"
        "with locked(Path(sys.argv[1])):\n"
        "    worker = get_context('spawn').Process(target=print)\n"
        "    worker.start()\n"
        "    worker.join()\n"
        "    sys.exit(worker.exitcode)\n"
    )
    command = [sys.executable, str(script), str(tmp_path / "lock")]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 1
    assert 'put what it does under `if __name__ == "__main__":`' in result.stderr


def test_home_is_put_in_and_other_names_with_a_wave_stay(monkeypatch):
    monkeypatch.setenv("HOME", "/there")
    assert files.expand_home("~/faces") == Path("/there/faces")
    assert files.expand_home("~no such user/faces") == Path("~no such user/faces")


def test_names_that_are_no_utf_8_have_a_digest():
    assert files.digest("caf\udce9") != files.digest("caf\udce8")
