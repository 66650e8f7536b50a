"""The data sets that ferkit reads: find them, read them, compare them with complete copies.

Each module in `data/sets` exports its record as `DATA_SET`, or several as `DATA_SETS`. To add a
data set, add a module there.
"""

import pkgutil
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import pandas as pd

from ferkit.core.checks import suggestion
from ferkit.core.files import data_options, data_root, shown_sets
from ferkit.data import sets
from ferkit.data.card import Card, DataSet
from ferkit.data.clip import Clip
from ferkit.data.counts import check_level, emotion_table, person_table
from ferkit.data.listing import not_found, sample_tree
from ferkit.data.options import get_options

__all__ = [
    "DATASETS",
    "Card",
    "Check",
    "Clip",
    "DataSet",
    "available",
    "check_dataset",
    "dataset",
    "find_root",
    "look_alike",
    "may_show",
    "read_clips",
]


def _discover() -> dict[str, DataSet]:
    """The records of all modules in `data/sets` by name: drawn sets first, then alphabetically."""
    records: list[DataSet] = []
    for module in pkgutil.iter_modules(sets.__path__):
        content = vars(import_module(f"{sets.__name__}.{module.name}"))
        records += content.get("DATA_SETS") or [content["DATA_SET"]]
    drawn = [record for record in records if record.drawn]
    others = [record for record in records if not record.drawn]
    return {record.name: record for record in drawn + others}


DATASETS = _discover()


def dataset(name: str) -> DataSet:
    """Return the record of a data set; ValueError lists the known names."""
    if name not in DATASETS:
        known = ", ".join(DATASETS)
        raise ValueError(f"unknown data set {name!r}{suggestion(name, DATASETS)}; known: {known}")
    return DATASETS[name]


def may_show(name: str) -> bool:
    """Tell whether pictures of a data set may be shown.

    Its card allows it, or the user does by naming the data set in FERKIT_SHOW.
    """
    card = dataset(name).card
    allowed = [dataset(shown).name for shown in shown_sets()]
    return card.may_show or name in allowed


def find_root(name: str, root: str | Path | None = None) -> Path:
    """Return the folder of a data set.

    This is a folder with one of its usual names under `root` (else FERKIT_DATA), or `root` itself
    when given, and of these the first with files like the data set's. Raises FileNotFoundError when
    there is none.
    """
    record = dataset(name)
    base = data_root(root)
    candidates = record.find_folders(base)
    if root is not None and base is not None:
        candidates.append(base)
    alike = (folder for folder in candidates if _resembles(record, folder))
    if folder := next(alike, None) or next(iter(candidates), None):
        return folder
    expected = " or ".join(f"{folder_name}/" for folder_name in record.folders)
    expected = expected or "a folder or a table of them"
    raise not_found(record.card.title, base or Path.cwd(), expected, record.card.ask)


def _resembles(record: DataSet, folder: Path) -> bool:
    """Whether a folder has files like those of a data set; any files where it has no pattern."""
    return not record.path or any(map(record.matches, sample_tree(folder)))


def look_alike(root: str | Path) -> list[str]:
    """Name the data sets that files in and below `root` look like, those with most files first."""
    paths = list(sample_tree(Path(root)))
    matching = {}
    for name, record in DATASETS.items():
        matching[name] = sum(map(record.matches, paths))
    alike = [name for name, count in matching.items() if count]
    return sorted(alike, key=lambda name: -matching[name])


def read_clips(name: str, root: str | Path | None = None, verify: str = "warn") -> list[Clip]:
    """Read the clips of a data set, found as in `find_root`, with the options set (`data.options`).

    `verify` says what happens when the counts are not the provider's: nothing (`off`), a warning
    (`warn`) or ValueError (`strict`).
    """
    check_level(verify)
    record = dataset(name)
    if not record.offer.pictures:
        reader = f"{record.read.__module__}.{record.read.__name__}"
        raise ValueError(f"{name} has labels and no pictures; use `{reader}`")
    return record.read(find_root(name, root), verify=verify, **_chosen_options(record))


def _chosen_options(record: DataSet) -> dict[str, Any]:
    """Return the options set for a reader; ValueError when any is set for an unknown data set."""
    chosen = get_options(record)
    for word in data_options():
        owner = word.partition(".")[0]
        if owner not in DATASETS:
            hint = suggestion(owner, DATASETS)
            raise ValueError(f"FERKIT_DATA_OPTIONS: unknown data set {owner!r}{hint}")
    return chosen


def available(root: str | Path | None = None) -> pd.DataFrame:
    """List all data sets, a row each, without reading them.

    Columns are name, title, the folder that `find_root` finds ("" when there is none with files
    like the data set's), whether it has pictures, whether they may be shown, the licence and how to
    obtain it. FileNotFoundError when `root` is no folder.
    """
    base = data_root(root)
    if root is not None and base is not None and not base.is_dir():
        raise FileNotFoundError(f"{root} is not a folder; give the folder of your data sets")
    alike = look_alike(base) if root is not None and base is not None else []
    rows = []
    for record in DATASETS.values():
        folders = record.find_folders(base) + ([base] if base and record.name in alike else [])
        found = next((folder for folder in folders if _resembles(record, folder)), "")
        row = {
            "name": record.name,
            "title": record.card.title,
            "found": str(found),
            "pictures": record.offer.pictures,
            "may_show": record.card.may_show,
            "licence": record.card.licence,
            "ask": record.card.ask,
        }
        rows.append(row)
    return pd.DataFrame(rows)


@dataclass(frozen=True, eq=False)
class Check:
    """A copy of a data set beside the published numbers."""

    counts: pd.DataFrame  # as of `counts.compare`
    emotions: pd.DataFrame  # as of `counts.emotion_table`; empty of labels without pictures
    people: pd.DataFrame  # as of `counts.person_table`; empty where nobody is named


def check_dataset(name: str, root: str | Path | None = None) -> Check:
    """Compare what is on disk with a complete copy.

    Files that had to be skipped are reported as warnings.
    """
    record = dataset(name)
    content = record.read(find_root(name, root), verify="off", **_chosen_options(record))
    counts = record.compare(content)
    if not record.offer.pictures:  # their own comparison has everything
        return Check(counts, pd.DataFrame(), pd.DataFrame())
    expected = record.expected_of(content)
    return Check(counts, emotion_table(content, expected), person_table(content, expected))
