"""Download openly licensed data sets, file by file, into the data root.

Files are gathered in a hidden folder beside the final one, which gets its name only when all files
are complete and correct: an interrupted download continues where it stopped, and a visible folder
is complete. The London Set's publisher gives no checksum per file, so all its pictures are checked
together. UCI publishes none for the CMU archive, so the unpacked pictures are counted instead.
"""

import hashlib
import os
import shutil
import time
from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path

import requests
from requests.exceptions import RequestException
from tqdm.auto import tqdm
from urllib3.exceptions import HTTPError

from ferkit.core.files import data_root, locked, write_whole
from ferkit.data import DATASETS, dataset
from ferkit.data.archives import unpack
from ferkit.data.card import DataSet, Download, RemoteFile
from ferkit.data.listing import is_junk

_TIMEOUT = 30  # seconds without an answer
_PATIENCE = 15  # seconds, after which answers may not be too slow
_SLOWEST = 1000  # bytes per second
_MOST_BYTES = 100_000_000  # of a file
_UNPACKABLE = (".zip", ".tar.gz", ".tgz", ".tar")


def get(name: str, root: str | Path | None = None, progress: bool = True) -> Path:
    """Download an openly licensed data set into its folder under `root` (else FERKIT_DATA).

    Returns that folder; one that is already complete is left alone. Raises ValueError for a data
    set that must be requested, and when files are not what was published (good ones are kept);
    FileExistsError for a folder that holds something else, and for a link in the way;
    ConnectionError when the server does not answer, or too slowly or without end (finished files
    are kept, so that a second call continues).
    """
    record = dataset(name)
    if record.download is None:
        open_sets = [other.name for other in DATASETS.values() if other.download]
        raise ValueError(
            f"{name} cannot be downloaded: {record.card.ask}. "
            f"Data sets that can be downloaded: {', '.join(open_sets)}"
        )
    base = data_root(root)
    if base is None:
        raise FileNotFoundError("no folder to download to: give a root or set FERKIT_DATA")
    if folder := _find_complete(record, record.download, base):
        return folder
    base.mkdir(parents=True, exist_ok=True)
    lock = base / f".{record.folders[0]}.lock"
    with locked(lock, f"waiting for another download of {name}"):
        folder = _find_complete(record, record.download, base)
        if folder is None:
            folder = base / record.folders[0]
            _download_set(record, record.download, folder, progress)
        with suppress(OSError):  # Windows deletes no file that is open
            lock.unlink()  # whoever waits for it finds a complete folder
    return folder


def _find_complete(record: DataSet, download: Download, base: Path) -> Path | None:
    """The folder of the data set, None without one; FileExistsError when it is not complete."""
    for folder_name in record.folders:
        folder = base / folder_name
        if folder.exists():
            if fault := _find_fault(record, download, folder):
                raise FileExistsError(
                    f"{folder} exists, but {fault}; use it as it is, or move it away and try again"
                )
            return folder
    return None


def _download_set(record: DataSet, download: Download, folder: Path, progress: bool) -> None:
    """Download, unpack and check everything in a hidden folder, then give it its name."""
    part = folder.with_name(f".{folder.name}.part")
    for path in (folder, part, *part.rglob("*")):
        if path.is_symlink():
            raise FileExistsError(f"{path} is a link; delete it and try again")
    try:
        _fetch(download, part, progress)
        if download.unpack:
            _unpack_all(download, part)
        if fault := _find_fault(record, download, part):
            raise ValueError(fault)
    except ValueError as error:
        fault = str(error).rstrip(".")
        kept = _delete_wrong(download, part)
        raise ValueError(
            f"{record.name} was downloaded from {download.base}, but {fault}. {kept}"
        ) from error
    os.replace(part, folder)


def _delete_wrong(download: Download, part: Path) -> str:
    """Delete what may be wrong; say what is kept. Files with a checksum of their own are right."""
    if download.unpack:
        shutil.rmtree(part)
        return "Nothing was kept"
    for pattern, published in download.digests.items():
        files = list(part.glob(pattern))
        if digest_files(files) != published:
            for path in files:
                path.unlink()
    return "The good files were kept; try again later"


def digest_files(paths: Iterable[Path]) -> str:
    """Return one SHA-256 for many files.

    It is taken of the lines `<sha256><two blanks><name>`, by ascending name.
    """
    ordered = sorted(paths, key=lambda path: path.name)
    lines = [f"{_sha256(path)}  {path.name}\n" for path in ordered]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _unpack_all(download: Download, part: Path) -> None:
    """Unpack the archives and those inside them (UCI packs twice), then delete them."""
    outer = [part / remote.path for remote in download.files]
    for archive in outer:
        unpack(archive, part)
    packed = [path for path in part.rglob("*") if path.name.lower().endswith(_UNPACKABLE)]
    inner = [path for path in packed if path not in outer]
    for archive in inner:
        unpack(archive, archive.parent)
    for archive in inner + outer:
        archive.unlink()


def _fetch(download: Download, part: Path, progress: bool) -> None:
    """Download all files into `part`; keep finished ones, delete leftovers of a stopped run."""
    part.mkdir(parents=True, exist_ok=True)
    wanted = {part / remote.path for remote in download.files}
    for path in part.rglob("*"):
        if path.is_file() and path not in wanted:
            path.unlink()
    for remote in tqdm(download.files, unit="file", disable=not progress):
        target = part / remote.path
        if target.is_file() and remote.sha256 in (None, _sha256(target)):
            continue
        try:
            write_whole(target, partial(_fetch_file, download.base + remote.url, remote))
        except (RequestException, HTTPError) as error:
            raise ConnectionError(
                f"could not download {remote.path}: {error}. "
                "Finished files are kept; try again to continue"
            ) from error


def _fetch_file(url: str, remote: RemoteFile, file: Path) -> None:
    """Write a file from the net to `file`; ValueError when its checksum is not the published one.

    RequestException for answers that are too large or too slow.
    """
    begin = time.monotonic()
    size = 0
    headers = {"Accept-Encoding": "identity"}
    with (
        requests.get(url, stream=True, timeout=_TIMEOUT, headers=headers) as answer,
        file.open("wb") as opened,
    ):
        answer.raise_for_status()
        # `read1` returns what has arrived, so that slow answers are noticed.
        while chunk := answer.raw.read1(1 << 16):
            opened.write(chunk)
            size += len(chunk)
            seconds = time.monotonic() - begin
            if size > _MOST_BYTES:
                raise RequestException(f"the file has more than {_MOST_BYTES / 1e6:.0f} MB")
            if seconds > _PATIENCE and size < seconds * _SLOWEST:
                raise RequestException(f"only {size} bytes came in {seconds:.0f} seconds")
        expected = answer.headers.get("Content-Length", "")
    if expected.isdigit() and size != int(expected):
        raise RequestException(f"{size} of {expected} bytes came")
    if remote.sha256 not in (None, _sha256(file)):
        raise ValueError(f"{remote.path} does not have the published sha256")


def _find_fault(record: DataSet, download: Download, folder: Path) -> str:
    """What differs from the published files, or ""; counts that differ are a warning."""
    if download.unpack:
        try:
            record.read(folder, verify="warn")
        except FileNotFoundError as error:
            return str(error)
        return ""
    for remote in download.files:
        path = folder / remote.path
        if not path.is_file():
            return f"{remote.path} is missing"
        if remote.sha256 not in (None, _sha256(path)):
            return f"{remote.path} does not have the published sha256"
    for pattern, published in download.digests.items():
        files = [path for path in folder.glob(pattern) if not is_junk(path.name)]
        if digest_files(files) != published:
            return f"the files {pattern} are not all as published (their common sha256 differs)"
    return ""


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
