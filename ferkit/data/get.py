"""Fetching the openly licensed data sets, file by file, into the data root.

Everything is gathered in a hidden folder beside the final one, which gets its name only when all is there and right: a
download that was stopped goes on where it was, and a folder that can be seen is complete. The London Set's publisher names no
checksum per file, so all its pictures are checked together. UCI publishes none for the CMU archive: its
sha256 is None, and the counts of what was unpacked are checked instead.
"""

import gzip
import hashlib
import logging
import os
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PureWindowsPath
from typing import IO, cast

import pooch
from requests.exceptions import RequestException
from tqdm.auto import tqdm

from ferkit.data import DataSet, dataset, london
from ferkit.data.files import is_junk
from ferkit.paths import data_root

TIMEOUT = 60  # seconds without an answer
ARCHIVES = (".zip", ".tar.gz", ".tgz", ".tar")


@dataclass(frozen=True)
class Remote:
    """One file to fetch: where it goes below the folder, its address below the base, its sha256 where known."""

    path: str
    url: str
    sha256: str | None = None


@dataclass(frozen=True)
class Source:
    """Where a data set is fetched from."""

    base: str
    files: tuple[Remote, ...]
    digests: Mapping[str, str] = field(default_factory=dict)  # folder/*.suffix -> `digest` of those files
    unpack: bool = False  # the files are archives; only what is in them is kept


_FERPLUS = "f1a8cb22f992996c67e7d00eb03580e5b5675097/data"  # the commits the checksums were taken at
SOURCES: dict[str, Source] = {
    "london": Source(
        base="https://raw.githubusercontent.com/debruine/webmorphR.stim/fa8b78fda2d659bb74ce62fcd99c4407551d2a77/",
        files=(
            Remote(
                london.INFO,
                f"data-raw/{london.INFO}",
                "3cde9e7471b4bb895a78b351eec868298008d61cfe545900b1f7e37a97ed935b",
            ),
            *(
                Remote(path, f"inst/{path}")
                for folder, suffix, kinds in (
                    ("neutral_front", "03", ("jpg", "tem")),
                    ("smiling_front", "08", ("jpg",)),
                )
                for person in london.PEOPLE
                for kind in kinds
                if (path := f"{folder}/{person}_{suffix}.{kind}")
            ),
        ),
        digests={
            "neutral_front/*.jpg": "4dd6a15e5f5a0662f428d4e555fe3dd74df65b7a5612be209eea9c15c1be8765",
            "neutral_front/*.tem": "f1e74bc8bb4b128d288e04820f35e91336d674d24e7c9bd918b7126f8c4bb3bc",
            "smiling_front/*.jpg": "7ebedb47ab5b69a1a50d5213469b161c1a09abb2f43daf1cb2e6f52822aa699d",
        },
    ),
    "cmu": Source(
        base="https://archive.ics.uci.edu/static/public/124/",
        files=(Remote("cmu-face-images.zip", "cmu+face+images.zip"),),
        unpack=True,
    ),
    "ferplus": Source(
        base="https://raw.githubusercontent.com/microsoft/FERPlus/",
        files=(
            Remote(
                "fer2013new.csv",
                "8ad5426c7b69e86e78afccb42c5f516850f52a28/fer2013new.csv",
                "9206e20d62f56475939f516847d61753e4860caeac9718b560129541b776fc2c",
            ),
            Remote(
                "data/FER2013Train/label.csv",
                f"{_FERPLUS}/FER2013Train/label.csv",
                "a82c40c825505cd30e139195c246bc38f8ac39de0e8968cbf15e1dab7837658c",
            ),
            Remote(
                "data/FER2013Valid/label.csv",
                f"{_FERPLUS}/FER2013Valid/label.csv",
                "aad6298bed23cad816550362c2c00ae49b99513c7cae7d49651f347afd9ab860",
            ),
            Remote(
                "data/FER2013Test/label.csv",
                f"{_FERPLUS}/FER2013Test/label.csv",
                "425142295cc23872651271be9f45a99dac11af426f948d1b60967c8845b7bdf2",
            ),
        ),
    ),
}


def get(name: str, root: str | Path | None = None, progress: bool = True) -> Path:
    """Fetch an openly licensed data set into its folder under `root` (else FERKIT_DATA); returns that folder.

    A folder that is there and right is left alone. Raises ValueError for a data set that must be asked for, and when
    what came is not what was published (nothing is kept then); FileExistsError for a folder that holds something else;
    ConnectionError when the server does not answer (what came is kept: call again to go on).
    """
    known = dataset(name)
    if name not in SOURCES:
        raise ValueError(f"{name} cannot be fetched: {known.card.ask}. To be fetched: {', '.join(SOURCES)}")
    base = data_root(root)
    if base is None:
        raise FileNotFoundError("no folder to put it in: give a root or set FERKIT_DATA")
    source = SOURCES[name]
    for folder in (base / folder_name for folder_name in known.folders):
        if folder.exists():
            if wrong := _wrong(known, source, folder):
                raise FileExistsError(f"{folder} is there, but {wrong}; use it as it is, or move it away and try again")
            return folder
    folder = base / known.folders[0]
    part = base / f".{folder.name}.part"
    try:
        _fetch(source, part, progress)
        if source.unpack:
            _unpack_all(source, part)
        if wrong := _wrong(known, source, part):
            raise ValueError(wrong)
    except ValueError as error:
        shutil.rmtree(part)
        message = str(error).rstrip(".")
        raise ValueError(f"{name} was fetched from {source.base}, but {message}. Nothing was kept") from error
    os.replace(part, folder)
    return folder


def digest(paths: Iterable[Path]) -> str:
    """One sha256 for many files: of the lines `<sha256><two blanks><name>`, by ascending name."""
    lines = (f"{_sha256(path)}  {path.name}\n" for path in sorted(paths, key=lambda path: path.name))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a zip or tar archive into `folder`.

    Raises ValueError when it is damaged, and, before anything is written, when a member climbs out of the folder (`..`,
    an absolute path) or is a link or a device: none of our data sets has one.
    """
    try:
        with _members(archive) as members:
            if climbing := [name for name, kind, _ in members if kind == "other" or _climbs(name)]:
                raise ValueError(
                    f"{archive.name} is not safe to unpack: {climbing[0]!r} is a link or leaves the folder; nothing was written"
                )
            for name, kind, content in members:
                if kind == "file":
                    target = folder / name.replace("\\", "/")
                    target.parent.mkdir(parents=True, exist_ok=True)
                    with content() as stream, open(target, "wb") as file:
                        shutil.copyfileobj(stream, file)
    except (zipfile.BadZipFile, tarfile.TarError, zlib.error, gzip.BadGzipFile, EOFError) as error:
        raise ValueError(f"{archive.name} is damaged ({error})") from error


@contextmanager
def _members(archive: Path) -> Iterator[list[tuple[str, str, Callable[[], IO[bytes]]]]]:
    """What is in an archive: names, kinds (file, folder, other) and what opens them."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as file:
            yield [
                (
                    info.filename,
                    "other" if stat.S_ISLNK(info.external_attr >> 16) else "folder" if info.is_dir() else "file",
                    partial(file.open, info),
                )
                for info in file.infolist()
            ]
    else:
        with tarfile.open(archive) as tar:
            yield [
                (
                    member.name,
                    "file" if member.isreg() else "folder" if member.isdir() else "other",
                    cast(Callable[[], IO[bytes]], partial(tar.extractfile, member)),
                )
                for member in tar.getmembers()
            ]


def _climbs(name: str) -> bool:
    """Whether a member's name leads out of the folder it is unpacked into, on any system."""
    path = PureWindowsPath(name)  # understands both kinds of slashes, and drives
    return bool(path.anchor) or ".." in path.parts


def _unpack_all(source: Source, part: Path) -> None:
    """Unpack the fetched archives and those inside them (UCI packs twice), then delete them."""
    outer = [part / remote.path for remote in source.files]
    for archive in outer:
        unpack(archive, part)
    inner = [path for path in part.rglob("*") if path.name.lower().endswith(ARCHIVES) and path not in outer]
    for archive in inner:
        unpack(archive, archive.parent)
    for archive in (*inner, *outer):
        archive.unlink()


def _fetch(source: Source, part: Path, progress: bool) -> None:
    """All files of `source` in `part`; those that are there are not fetched again, leftovers of a stopped run go."""
    part.mkdir(parents=True, exist_ok=True)
    wanted = {part / remote.path for remote in source.files}
    for path in part.rglob("*"):
        if path.is_file() and path not in wanted:
            path.unlink()
    one = len(source.files) == 1
    downloader = pooch.HTTPDownloader(progressbar=progress and one, chunk_size=1 << 16, timeout=TIMEOUT)
    logger = pooch.get_logger()
    level = logger.level
    logger.setLevel(logging.WARNING)  # it would print a line per file
    try:
        for remote in tqdm(source.files, unit="file", disable=one or not progress):
            target = part / remote.path
            pooch.retrieve(source.base + remote.url, remote.sha256, target.name, target.parent, downloader=downloader)
    except RequestException as error:
        raise ConnectionError(
            f"could not fetch {remote.path}: {error}. What came is kept; try again to go on"
        ) from error
    finally:
        logger.setLevel(level)


def _wrong(known: DataSet, source: Source, folder: Path) -> str:
    """What is not as published, in words; empty when all is right. Counts that differ are a warning."""
    if source.unpack:
        try:
            known.read(folder, verify="warn")
        except FileNotFoundError as error:
            return str(error)
        return ""
    for remote in source.files:
        path = folder / remote.path
        if not path.is_file():
            return f"{remote.path} is missing"
        if remote.sha256 not in (None, _sha256(path)):
            return f"{remote.path} has another sha256 than was published"
    for pattern, published in source.digests.items():
        if digest(path for path in folder.glob(pattern) if not is_junk(path.name)) != published:
            return f"the files {pattern} are not all as published (their common sha256 differs)"
    return ""


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
