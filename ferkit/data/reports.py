"""How readers report what they leave out: files that cannot be used, columns that are missing."""

import os
import stat
import warnings
from collections.abc import Collection, Iterable, Sized
from pathlib import Path
from typing import TypeVar

P = TypeVar("P", str, Path)


def report(message: str, verify: str) -> None:
    """Warn that something was left out; raise ValueError instead in `strict`.

    `off` switches off the comparison of counts, not these warnings.
    """
    if verify == "strict":
        raise ValueError(message)
    warnings.warn(message, stacklevel=3)


def report_skipped(
    dataset: str, skipped: Collection[object], noun: str, verify: str, reason: str = ""
) -> None:
    """Report what a reader skipped, if anything, such as "jaffe: skipped 2 files: ..."."""
    if skipped:
        count = f"{count_noun(skipped, noun)} {reason}".rstrip()
        report(f"{dataset}: skipped {count}: {shorten(skipped)}", verify)


def keep_usable(paths: Iterable[P], dataset: str, verify: str) -> list[P]:
    """Return the files that exist, may be accessed and are not empty; report the others.

    No picture is opened: damaged pictures are noticed when they are prepared.
    """
    good: list[P] = []
    faults: dict[str, list[P]] = {
        "not found": [],
        "in a folder that may not be read": [],
        "no file, or one that cannot be read": [],
        "empty, zero bytes": [],
    }
    for path in paths:
        try:
            state = os.stat(path)
        except (FileNotFoundError, NotADirectoryError):
            faults["not found"].append(path)
        except PermissionError:
            faults["in a folder that may not be read"].append(path)
        except OSError:
            faults["no file, or one that cannot be read"].append(path)
        else:
            if not stat.S_ISREG(state.st_mode):
                faults["no file, or one that cannot be read"].append(path)
            elif not state.st_size:
                faults["empty, zero bytes"].append(path)
            else:
                good.append(path)
    for fault, skipped in faults.items():
        report_skipped(dataset, skipped, "file", verify, f"({fault})")
    return good


def require_columns(path: Path, columns: Collection[str], present: Collection[str]) -> None:
    """Raise ValueError when a table lacks one of these columns."""
    if missing := [column for column in columns if column not in present]:
        raise ValueError(
            f"{path} has no column {', '.join(missing)}; expected {', '.join(columns)}, "
            f"found {', '.join(present) or 'none'}"
        )


def shorten(items: Iterable[object], most: int = 10) -> str:
    """Name the first items, and say how many more there are."""
    texts = [str(item) for item in items]
    more = f" and {len(texts) - most} more" if len(texts) > most else ""
    return ", ".join(texts[:most]) + more


def count_noun(items: Sized, singular: str, plural: str = "") -> str:
    """Say how many items there are: "1 file", "3 files"."""
    noun = singular if len(items) == 1 else plural or f"{singular}s"
    return f"{len(items)} {noun}"
