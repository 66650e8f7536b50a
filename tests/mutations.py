"""Mutations of pictures, videos, tables, archives, weights and state, for `campaign.py`.

Each function changes a file below `folder` and returns what it did, and whether this is quiet:
whether the format has no checksum or length in which the change could be seen.
"""

import io
import json
import os
import random
import shutil
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

Mutated = tuple[str, bool]
_TEXTS = (
    b"<html><title>404 Not Found</title></html>",
    b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 123456\n",
    b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage\n",
    b"ffconcat version 1.0\nfile ../outside/thesis.txt\n",
    b"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/x.ts\n",
    b"[" * 50_000,
    b"null",
    b"{}",
)
_NAMES = (
    "=1+1", "a,b", 'a"b', "-out", "%s{0}", "two\nlines", " blank ", "caf\u00e9", "cafe\u0301",
    "\U0001f600", "x" * 200, "a:b", "a;b", "$(touch pwned)", "con", os.fsdecode(b"latin-\xe9"),
)  # fmt: skip
_PLAIN = ("cut", "emptied", "text")  # damages that show in any format
_NUMBERS = (b"\0\0\0\0", b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f", b"\x7f\xff\xff\xff")
# Values that make no sense in any field of a model's header.
_NONSENSE = (None, -5, 0, 1e400, float("nan"), "text", [], {}, 10**9, [[[]]], "")


def damage(path: Path, rng: random.Random) -> str:
    """Damage a file in one of eight ways."""
    content = path.read_bytes()
    start = rng.randrange(len(content))
    length = rng.randint(1, max(1, len(content) // 4))
    ways: dict[str, Callable[[], bytes]] = {
        "cut": lambda: content[:start],
        "emptied": lambda: b"",
        "text": lambda: rng.choice(_TEXTS),
        "flipped": lambda: _flip(content, start, rng),
        "zeroed": lambda: content[:start] + bytes(length) + content[start + length :],
        "random": lambda: content[:start] + rng.randbytes(length) + content[start + length :],
        "doubled": lambda: content[: start + length] + content[start:],
        "removed": lambda: content[:start] + content[start + length :],
    }
    way = rng.choice(list(ways))
    path.unlink()  # never through a hard link
    path.write_bytes(ways[way]())
    return way


def _flip(content: bytes, start: int, rng: random.Random) -> bytes:
    return (
        content[:start] + bytes([content[start] ^ (1 << rng.randrange(8))]) + content[start + 1 :]
    )


def mutate_picture(folder: Path, rng: random.Random) -> Mutated:
    """Damage, rename or replace the picture b."""
    path = next((folder / "pictures").glob("b.*"))
    way = rng.choice(["damage"] * 6 + ["name", "suffix", "bomb", "special", "appended", "header"])
    if way == "damage":
        done = damage(path, rng)
        return f"{path.name} {done}", done not in (
            "cut",
            "emptied",
            "text",
        ) and path.suffix != ".png"
    if way == "name":
        name = rng.choice(_NAMES) + path.suffix
        path.rename(path.with_name(name))
        return f"called {name!a}", False
    if way == "suffix":
        suffix = rng.choice([".jpg", ".png", ".bmp", ".webp", ".tif"])
        path.rename(path.with_suffix(suffix))
        return f"{path.name} called {suffix}", False
    if way == "appended":
        path.write_bytes(path.read_bytes() + rng.randbytes(500))
        return f"{path.name} with bytes appended", False
    if way == "header":
        content = path.read_bytes()
        place = rng.randrange(min(40, len(content)))
        path.write_bytes(content[:place] + rng.randbytes(2) + content[place + 2 :])
        return f"{path.name} header at {place}", path.suffix != ".png"
    if way == "bomb":
        side = rng.choice([13_300, 30_000, 2**31 - 1])
        path.unlink()
        path.with_suffix(".png").write_bytes(_png_bomb(side))
        return f"PNG of {side} x {side}", False
    return _replace_by_special(path, rng)


def _replace_by_special(path: Path, rng: random.Random) -> Mutated:
    """Replace a file by something that is none; an empty folder needs no word."""
    path.unlink()
    kind = rng.choice(["loop", "zero", "fifo", "folder", "broken link"])
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to({"loop": path.name, "zero": "/dev/zero"}.get(kind, "absent"))
    return f"{path.name} is a {kind}", kind == "folder"


def _png_bomb(side: int) -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + check

    packer = zlib.compressobj(9)
    rows = packer.compress(bytes(1 << 24)) + packer.flush()
    head = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def mutate_video(folder: Path, rng: random.Random) -> Mutated:
    """Damage, rename or replace the video b."""
    path = next((folder / "pictures").glob("b.*"))
    way = rng.choice(["damage"] * 6 + ["header", "header", "name", "suffix", "special"])
    if way == "damage":
        done = damage(path, rng)
        return f"{path.name} {done}", done not in _PLAIN
    if way == "header":
        content = path.read_bytes()
        place = 4 * rng.randrange(80)
        number = rng.choice(
            [b"\0\0\0\0", b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f", b"\x7f\xff\xff\xff"]
        )
        path.write_bytes(content[:place] + number + content[place + 4 :])
        return f"{path.name} {number.hex()} at {place}", True
    if way == "name":
        name = rng.choice(_NAMES) + path.suffix
        path.rename(path.with_name(name))
        return f"called {name!a}", False
    if way == "suffix":
        suffix = rng.choice([".mkv", ".mov", ".wmv", ".jpg"])
        path.rename(path.with_suffix(suffix))
        return f"{path.name} called {suffix}", False
    return _replace_by_special(path, rng)


def mutate_table(folder: Path, rng: random.Random) -> Mutated:
    """Write the table another way, with the same or with senseless rows, or damage it."""
    path = folder / "table.csv"
    text = path.read_text()
    lines = text.splitlines()
    if rng.random() < 0.4:
        done = damage(path, rng)
        # What ends with a whole row may be a shorter table.
        last_row = path.read_bytes().splitlines(keepends=True)[-1:]
        is_whole = any(b"\n" in row or b"," in row for row in last_row)
        return done, done in ("doubled", "removed") or is_whole
    same = {
        "semicolons": text.replace(",", ";").encode(),
        "tabs": text.replace(",", "\t").encode(),
        "CRLF": text.replace("\n", "\r\n").encode(),
        "CR": text.replace("\n", "\r").encode(),
        "BOM": text.encode("utf-8-sig"),
        "UTF-16": text.encode("utf-16"),
        "cp1252": text.replace("anna", "ann\u00e9").encode("cp1252"),
        "quotes": "\n".join('"' + line.replace(",", '","') + '"' for line in lines).encode(),
        "index column": "\n".join(f"{i or ''},{line}" for i, line in enumerate(lines)).encode(),
        "backslashes": text.replace("pictures/", "pictures\\").encode(),
        "absolute": text.replace("pictures/", f"{folder}/pictures/").encode(),
        "blanks": text.replace(",", " , ").encode(),
        "blank lines": text.replace("\n", "\n\n").encode(),
        "capitals": text.replace("path,person", "Path,PERSON").encode(),
        "line break in a cell": text.replace("anna", '"an\u2028na\nb"').encode(),
    }
    wrong = {
        "doubled column": text.replace("path,person", "path,path").encode(),
        "no column": text.replace("path,person", "file,person").encode(),
        "no person": text.replace("anna", "").encode(),
        "surplus cells": text.replace("anna", "anna,1,2").encode(),
        "long cell": text.replace("anna", "a" * 140_000).encode(),
        "NUL": text.replace("b.png", "b\0.png").encode(),
        "address": text.replace("pictures/b.png", "http://127.0.0.1:9/me.mp4").encode(),
        "device": text.replace("pictures/b.png", "/dev/zero").encode(),
        "random device": text.replace("pictures/b.png", "/dev/random").encode(),
        "folder": text.replace("pictures/b.png", "pictures").encode(),
        "open quote": text.replace("pictures/b", '"pictures/b').encode(),
        "long path": text.replace("b.png", "b" * 5000 + ".png").encode(),
        "surrogate": text.replace("b.png", "b\ud800.png").encode("utf-8", "surrogatepass"),
        "table itself": text.replace("pictures/b.png", "table.csv").encode(),
        "home": text.replace("pictures/b.png", "~nobody/b.png").encode(),
        "header alone": lines[0].encode(),
    }
    way = rng.choice([*same, *wrong])
    path.write_bytes((same | wrong)[way])
    return way, False


def mutate_weights(folder: Path, rng: random.Random) -> Mutated:
    """Damage a model file, or put senseless values in its header or its weights."""
    path = folder / "model.safetensors"
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    way = rng.choice(["damage", "length", "field", "field", "names", "value", "value", "tensor"])
    if way == "damage":
        done = damage(path, rng)
        # What lies in the numbers alone cannot be seen, if nothing became NaN or infinite.
        return done, path.read_bytes()[: 8 + length] == content[: 8 + length] and done != "cut"
    if way == "length":
        number = rng.choice([0, 1, 2**31, 2**63, 2**64 - 1, len(content)])
        path.write_bytes(number.to_bytes(8, "little") + content[8:])
        return f"header of {number} bytes", False
    if way == "value":
        return _spoil_value(path, header["__metadata__"], rng), False
    key = "model" if "model" in header["__metadata__"] else "network"
    words = json.loads(header["__metadata__"][key])
    if way == "tensor":
        name = rng.choice([name for name in header if name != "__metadata__"])
        field = rng.choice(["dtype", "shape", "data_offsets"])
        header[name][field] = rng.choice(
            ["F64", "U8", [1], [2**40, 2**40], [-1], [0, 10**15], None]
        )
        what = f"{name}.{field} = {header[name][field]}"
    elif way == "names":
        words["names"] = rng.choice([["fear"] * 7, [1] * 7, [], "abcdefg", [None] * 7, [""] * 7])
        what = f"names = {words['names']}"
    else:
        field = rng.choice([name for name in words if name not in ("about", "names", "people")])
        words[field] = rng.choice([value for value in _NONSENSE if value != words[field]])
        what = f"{field} = {words[field]}"
    header["__metadata__"][key] = json.dumps(words)
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + content[8 + length :])
    return what, False


def _spoil_value(path: Path, metadata: dict[str, str], rng: random.Random) -> str:
    tensors = load_file(path)
    name = rng.choice([name for name, array in tensors.items() if array.dtype.kind == "f"])
    value = rng.choice([np.nan, np.inf, -np.inf, 3e38])
    array = tensors[name].copy()
    whole = rng.random() < 0.3
    array.flat[slice(None) if whole else rng.randrange(array.size)] = value
    save_file(tensors | {name: array}, path, metadata)
    return f"{value} in {name}{' everywhere' if whole else ''}"


def mutate_archive(folder: Path, rng: random.Random) -> Mutated:
    """Damage an archive, or add a member that no archive of pictures has."""
    path = next(folder.glob("archive.*"))
    if rng.random() < 0.5:
        done = damage(path, rng)
        return f"{path.name} {done}", path.suffix == ".tar" and done not in ("emptied", "text")
    names = [
        "../outside/thesis.txt", "/ferkit-campaign", "C:/x", "..\\x", "", ".", "a/../../x",
        "deep/" * 1500 + "x", "x" * 300, "nul\0x", "photos", "photos/a.txt/b", "PHOTOS/A.TXT",
    ]  # fmt: skip
    name = rng.choice(names)
    if path.suffix == ".zip":
        content = rng.choice([b"x", bytes(300_000_000)])
        with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as zipped:
            zipped.writestr(zipfile.ZipInfo(name or "z"), content, zipfile.ZIP_DEFLATED)
        bits = path.read_bytes()
        if rng.random() < 0.3:  # as if encrypted, or packed by an unknown method
            at = bits.rfind(b"PK\1\2") + rng.choice([8, 10])
            path.write_bytes(bits[:at] + b"\x63" + bits[at + 1 :])
        return f"zip member {name[:40]!r} of {len(content)} bytes", False
    with tarfile.open(path) as tar:
        files = [member for member in tar.getmembers() if member.isreg()]
        members = [(member, tar.extractfile(member).read()) for member in files]
    kinds = [tarfile.REGTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE]
    kind = rng.choice(kinds)
    with tarfile.open(path, "w" if path.suffix == ".tar" else f"w:{path.suffix[1:]}") as tar:
        for member, content in members:
            tar.addfile(member, io.BytesIO(content))
        extra = tarfile.TarInfo(name)
        extra.type, extra.linkname = kind, rng.choice(["../outside/thesis.txt", "photos/a.txt"])
        tar.addfile(extra)
    return f"tar member {name[:40]!r} of type {kind!r}", False


def mutate_state(folder: Path, rng: random.Random) -> Mutated:
    """Damage, delete, exchange or link away one of the files in `state`."""
    files = [file for file in (folder / "state").rglob("*") if _counts(file)]
    path = rng.choice(sorted(files))
    name = path.relative_to(folder).as_posix()
    way = rng.choice(["damage"] * 7 + ["deleted", "exchanged", "folder"])
    if way == "damage":
        done = damage(path, rng)
        return f"{name} {done}", path.suffix in (".json", ".ipynb", ".html") and _is_json(path)
    if way == "exchanged":
        other = rng.choice(sorted(files))
        shutil.copy(other, path) if other != path else path.write_bytes(b"x")
        return f"{name} is a copy of {other.name}", False
    path.unlink()
    if way == "folder":
        path.mkdir()
    return f"{name} {way}", False


def _counts(file: Path) -> bool:
    """Whether a file is state that ferkit reads again: no lock, page or drawn picture."""
    return (
        file.is_file() and "lock" not in file.name and file.suffix not in (".html", ".jpg", ".css")
    )


def _is_json(path: Path) -> bool:
    """Whether a damaged file is still an object in JSON, so that only values differ."""
    try:
        return isinstance(json.loads(path.read_bytes()), dict)
    except (ValueError, RecursionError):
        return False
