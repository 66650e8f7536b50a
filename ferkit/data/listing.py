"""How readers list files: what they skip, how they sort, where they look."""

import os
import re
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import chain, islice
from pathlib import Path

from ferkit.data.reports import count_noun, report, shorten

_HEIC = (".heic", ".heif")
_PICTURES = (
    ".apng .avif .bmp .dib .gif .j2k .jfif .jp2 .jpe .jpeg .jpg .jpx .pbm .pgm .png .pnm .ppm .tga "
    ".tif .tiff .webp"
)
IMAGES = tuple(_PICTURES.split()) + (_HEIC if find_spec("pillow_heif") else ())
VIDEOS = tuple(
    ".3g2 .3gp .asf .avi .divx .f4v .flv .m1v .m2ts .m2v .m4v .mkv .mov .mp4 .mpe .mpeg .mpg .mts "
    ".mxf .ogv .ts .vob .webm .wmv".split()
)
TABLES = (".csv", ".tab", ".tsv")
ARCHIVES = (".7z", ".gz", ".rar", ".tar", ".tgz", ".zip")
_REMEDIES = (
    dict.fromkeys(_HEIC, " (convert them, or pip install ferkit[heic])")
    | dict.fromkeys(ARCHIVES, " (unpack them)")
    | dict.fromkeys((".arw", ".cr2", ".cr3", ".dng", ".nef"), " (export them as JPEG)")
    | dict.fromkeys((".eps", ".jxl", ".pdf", ".psd", ".svg"), " (save them as PNG)")
)
_JUNK = (".ds_store", "thumbs.db", "desktop.ini", "__macosx")


def is_junk(name: str) -> bool:
    """Tell whether an operating system left this entry.

    Such are AppleDouble twins (`._001_03.jpg`), `.DS_Store` and `__MACOSX`.
    """
    return name.startswith("._") or name.lower() in _JUNK


def is_video(path: Path) -> bool:
    """Tell whether a file is a video, by its suffix.

    A video is listed as one frame; its frames are counted when it is decoded.
    """
    return path.suffix.lower() in VIDEOS


def natural(text: str) -> tuple[tuple[str | int, ...], str]:
    """Return a key that sorts by the numbers in a name: `a2` before `a10`."""
    parts = re.split(r"([0-9]+)", text)
    key = tuple(int(part) if index % 2 else part for index, part in enumerate(parts))
    return key, text


def image_files(folder: Path, suffixes: Collection[str] = IMAGES) -> list[Path]:
    """List the pictures directly in `folder`, by number.

    Junk is skipped, and the case of suffixes is ignored.
    """
    names = [name for name in _scan(folder)[0] if _has_suffix(name, suffixes)]
    return [folder / name for name in names]


def folders(folder: Path) -> list[Path]:
    """List the folders directly in `folder`, by number; hidden ones are skipped."""
    return [folder / name for name in _scan(folder)[1]]


@dataclass
class Listing:
    """What lies in a folder: files with the suffixes wanted, other files, and folders."""

    files: list[Path]
    others: list[Path]
    folders: list[Path]


def list_folder(folder: Path, verify: str = "warn") -> Listing:
    """List the pictures, videos, other files and folders directly in `folder`, by number.

    A folder that cannot be read is reported, and its lists are empty.
    """
    try:
        names, subfolders = _scan(folder)
    except OSError as error:
        denied = isinstance(error, PermissionError)
        fault = "may not be read" if denied else f"cannot be read ({error.strerror})"
        report(f"left out: {folder} {fault}", verify)
        return Listing([], [], [])
    files = [name for name in names if _has_suffix(name, IMAGES + VIDEOS)]
    wanted = set(files)
    others = [name for name in names if name not in wanted and not name.startswith(".")]
    lists = ([folder / name for name in part] for part in (files, others, subfolders))
    return Listing(*lists)


def list_tree(root: Path, verify: str = "warn") -> Listing:
    """List what lies in `root` and in all folders below; `folders` are those that were read.

    Links back to a folder above are not followed.
    """
    tree = Listing([], [], [])
    waiting: list[tuple[Path, frozenset[Path]]] = [(root, frozenset())]
    while waiting:
        folder, above = waiting.pop()
        resolved = folder.resolve()
        if resolved in above:
            continue
        content = list_folder(folder, verify)
        tree.files += content.files
        tree.others += content.others
        tree.folders.append(folder)
        waiting += [(inner, above | {resolved}) for inner in reversed(content.folders)]
    return tree


def walk_images(root: Path, verify: str = "warn") -> Iterator[str]:
    """Yield the path of each picture in `root` and below, relative to it, by number.

    Paths are texts with slashes, since half a million `Path` take much memory. Links to folders are
    followed unless they lead to a folder above; folders that cannot be read are reported.
    """
    waiting: list[tuple[Path, str, frozenset[Path]]] = []
    if root.is_dir():
        waiting.append((root, "", frozenset()))
    while waiting:
        folder, place, above = waiting.pop()
        resolved = folder.resolve()
        if resolved in above:
            continue
        content = list_folder(folder, verify)
        yield from (f"{place}{path.name}" for path in content.files if not is_video(path))
        for inner in reversed(content.folders):
            waiting.append((inner, f"{place}{inner.name}/", above | {resolved}))


def sample_tree(root: Path, most: int = 100, depth: int = 6) -> Iterator[str]:
    """Yield paths of some files in `root` and below, relative to it and with slashes.

    The first `most` entries of each folder are seen, and as many folders of each level, so that a
    large tree takes no longer than a small one.
    """
    level = [(root, "")] if root.is_dir() else []
    for _ in range(depth):
        below_it = []
        for folder, place in level:
            try:
                with os.scandir(folder) as entries:
                    some = [(entry.name, entry.is_dir()) for entry in islice(entries, most)]
            except OSError:
                continue
            for name, is_folder in some:
                if is_folder and not is_junk(name):
                    below_it.append((folder / name, f"{place}{name}/"))
                elif not is_junk(name):
                    yield f"{place}{name}"
        level = below_it[:most]


def describe_others(others: Collection[Path]) -> str:
    """Count files that are not read, by suffix: "passed over 3 files: 2 .heic (...), 1 .txt"."""
    counts = Counter(path.suffix.lower() or "without a suffix" for path in others)
    texts = [
        f"{count} {suffix}{_REMEDIES.get(suffix, '')}" for suffix, count in counts.most_common()
    ]
    return f"passed over {count_noun(others, 'file')}: {shorten(texts)}"


def _scan(folder: Path) -> tuple[list[str], list[str]]:
    """The names of the files and of the folders in `folder`, by number, without junk.

    An entry that is neither, such as a link to itself, is reported; hidden folders are skipped.
    """
    files = []
    subfolders = []
    faults = []
    # os.scandir knows the kind of each entry without a further call: some folders hold 300 000.
    with os.scandir(folder) as entries:
        for entry in entries:
            if is_junk(entry.name):
                continue
            try:
                if entry.is_dir():
                    if not entry.name.startswith("."):
                        subfolders.append(entry.name)
                elif entry.is_file():
                    files.append(entry.name)
                else:
                    faults.append(f"{entry.path} (no file, or a link to none)")
            except OSError as error:
                faults.append(f"{entry.path} ({error.strerror})")
    if faults:
        report(f"left out: {shorten(faults)}", "warn")
    return sorted(files, key=natural), sorted(subfolders, key=natural)


def _has_suffix(name: str, suffixes: Collection[str]) -> bool:
    return os.path.splitext(name)[1].lower() in suffixes


def nested(root: Path, name: str) -> Path | None:
    """Return the folder `name` under `root`, `root` itself when that is its name, or None.

    Archives are often unpacked one level too deep: of `name/name` the inner folder is taken, unless
    the outer one holds pictures.
    """
    outer = root if root.name == name and not (root / name).is_dir() else root / name
    if not outer.is_dir():
        return None
    inner = outer / name
    return inner if inner.is_dir() and not image_files(outer) else outer


def below(root: Path, *names: str, depth: int = 2) -> Path | None:
    """Return the nearest folder with the first of these names that is found, or None.

    `root` itself counts, case is ignored, and `depth` levels are searched. Of a doubled level the
    inner folder is taken, as in `nested`.
    """
    for name in names:
        for folder in _search(root, depth):
            if folder.name.lower() == name.lower():
                return nested(folder, folder.name)
    return None


def find_file(root: Path, *names: str, depth: int = 2) -> Path | None:
    """Return the nearest file with the first of these names that is found, or None.

    `root` and `depth` levels below it are searched.
    """
    for name in names:
        for folder in _search(root, depth):
            if (folder / name).is_file():
                return folder / name
    return None


def files_below(root: Path, suffixes: Collection[str] = IMAGES, depth: int = 2) -> list[Path]:
    """List the files with these suffixes in `root` and `depth` levels below, nearest first."""
    paths: list[Path] = []
    for folder in _search(root, depth):
        paths += image_files(folder, suffixes)
    return paths


def _search(root: Path, depth: int) -> Iterator[Path]:
    """Yield `root`, then the folders in it, then those in these, down to `depth` levels."""
    level = [root] if root.is_dir() else []
    yield from level
    for _ in range(depth):
        level = list(chain.from_iterable(map(folders, level)))
        yield from level


def text_lines(path: Path) -> list[str]:
    """Return the lines of a text file in UTF-8 without trailing blanks.

    Lines end with LF or CRLF; a byte-order mark is skipped. Raises ValueError for other encodings.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path} is not a text file in UTF-8 ({error.reason} at byte {error.start})"
        ) from None
    return [line.rstrip() for line in text.splitlines()]


def not_found(what: str, root: Path, expected: str, where: str) -> FileNotFoundError:
    """Return the error for a wrong root.

    It says what was expected, whether it is still packed, and where the data comes from.
    """
    state = "" if root.is_dir() else ", which is not a folder"
    variable = os.environ.get("FERKIT_DATA") or "not set"
    archives = [path.name for path in files_below(root, ARCHIVES, depth=1)]
    hint = f"; not unpacked yet: {shorten(archives, 3)}" if archives else ""
    return FileNotFoundError(
        f"no {what} in {root}{state} (FERKIT_DATA={variable}){hint}. Expected {expected}; {where}"
    )
