"""Unpack downloaded archives: never outside their folder, and never without a limit."""

import bz2
import gzip
import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path, PureWindowsPath
from typing import Any

_MOST_BYTES = 100_000_000  # that every archive may unpack to
_MOST_GROWTH = 20  # larger archives: times their own size
_MOST_FOLDERS = 50  # one in another
_LONGEST_NAME = 255  # bytes
_OPENERS: dict[bytes, Callable[[Path], Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ": lzma.open,
}
_DAMAGE = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    gzip.BadGzipFile,
    lzma.LZMAError,
    EOFError,
    RuntimeError,  # encrypted, or compressed in an unknown way
    UnicodeError,
    FileExistsError,  # a file and a folder of one name
    IsADirectoryError,
    NotADirectoryError,
)


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a zip or tar archive into `folder`.

    Raises ValueError when it is damaged or encrypted, and, before anything is written, when it
    would become too large or a member has an odd name, leaves the folder (`..`, an absolute path)
    or is a link or a device: none of our data sets has one.
    """
    try:
        if zipfile.is_zipfile(archive):
            _unpack_zip(archive, folder)
        else:
            _unpack_tar(archive, folder)
    except _DAMAGE as error:
        raise ValueError(f"{archive.name} is damaged or encrypted ({error})") from error


def _unpack_zip(archive: Path, folder: Path) -> None:
    with zipfile.ZipFile(archive) as zipped:
        members = zipped.infolist()
        for member in members:
            is_link = stat.S_ISLNK(member.external_attr >> 16)
            member.filename = _safe_name(archive, member.filename, is_link)
        # No member becomes larger than is listed.
        _check_size(archive, sum(member.file_size for member in members))
        zipped.extractall(folder)


def _unpack_tar(archive: Path, folder: Path) -> None:
    _check_size(archive, _uncompressed_size(archive))
    with tarfile.open(archive) as tar:
        members = tar.getmembers()
        for member in members:
            is_special = not (member.isreg() or member.isdir())
            member.name = _safe_name(archive, member.name, is_special)
        _check_size(archive, sum(member.size for member in members))
        tar.extractall(folder, filter="data")


def _size_limit(archive: Path) -> int:
    return max(_MOST_BYTES, _MOST_GROWTH * archive.stat().st_size)


def _check_size(archive: Path, size: int) -> None:
    if size > _size_limit(archive):
        raise ValueError(
            f"{archive.name} would unpack to more than {_size_limit(archive) / 1e6:.0f} MB; "
            "nothing was written"
        )


def _uncompressed_size(archive: Path) -> int:
    """The bytes of a tar archive without its compression; counting stops above the limit."""
    with archive.open("rb") as file:
        start = file.read(5)
    for signature, open_compressed in _OPENERS.items():
        if start.startswith(signature):
            size = 0
            with open_compressed(archive) as content:
                while size <= _size_limit(archive) and (chunk := content.read(1 << 20)):
                    size += len(chunk)
            return size
    return archive.stat().st_size


def _safe_name(archive: Path, name: str, is_special: bool) -> str:
    """A member's name with `/` alone; ValueError for no plain file, or one outside the folder.

    The filter of `tarfile` refuses these too, but only when it reaches them, and it allows links
    within the folder and names such as `C:/x`, which leave the folder on Windows alone.
    """
    path = PureWindowsPath(name)  # understands both kinds of slashes, and drives
    fault = ""
    if is_special or path.anchor or ".." in path.parts:
        fault = "is a link or leaves the folder"
    elif not path.parts and name not in (".", "./"):
        fault = "is no name"
    elif len(path.parts) > _MOST_FOLDERS:
        fault = f"lies more than {_MOST_FOLDERS} folders deep"
    elif any(len(part.encode(errors="replace")) > _LONGEST_NAME for part in path.parts):
        fault = "is too long"
    if fault:
        shown = name if len(name) <= 80 else f"{name[:80]}..."
        raise ValueError(
            f"{archive.name} is not safe to unpack: {shown!r} {fault}; nothing was written"
        )
    return name.replace("\\", "/")
