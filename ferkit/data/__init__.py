"""The data sets ferkit reads. To add one: a reader in its own module, a line in `DATASETS`, a row in the tests."""

from functools import partial
from pathlib import Path

import pandas as pd

from ferkit.data import (
    affectnet,
    casia,
    ckplus,
    cmu,
    cremad,
    drawn,
    fer2013,
    ferplus,
    folder,
    ised,
    jaffe,
    lfw,
    london,
    mefed,
    mmi,
    oulu,
    ravdess,
    yale,
)
from ferkit.data.cards import FERPLUS, Card, DataSet
from ferkit.data.clips import Clip
from ferkit.data.files import not_found
from ferkit.data.verify import TABLE, check_level, compare
from ferkit.paths import data_root, shown_sets

__all__ = ["DATASETS", "Card", "Clip", "DataSet", "available", "check", "dataset", "find_root", "may_show", "read"]

DATASETS: tuple[DataSet, ...] = (
    *(
        DataSet(name, partial(drawn.read_drawn, dataset=name), (f"drawn/{name}", name), drawn.CARD)
        for name in drawn.SETS
    ),
    DataSet("cmu", cmu.read_cmu, ("cmu-faces", "cmu_faces", "faces"), cmu.CARD, cmu.EXPECTED),
    DataSet("london", london.read_london, ("london-faces", "london_faces", "london"), london.CARD, london.EXPECTED),
    DataSet("ckplus", ckplus.read_ckplus, ("ckplus", "CK+", "ck+"), ckplus.CARD, ckplus.EXPECTED),
    DataSet("jaffe", jaffe.read_jaffe, ("jaffe", "JAFFE"), jaffe.CARD, jaffe.EXPECTED),
    DataSet("oulu", oulu.read_oulu, ("oulu", *oulu.ROOTS), oulu.CARD, oulu.expected_of),
    DataSet("mmi", mmi.read_mmi, ("mmi", "MMI"), mmi.CARD, mmi.EXPECTED),
    DataSet("mefed", mefed.read_mefed, ("mefed", "iCV-MEFED", "iCV_MEFED"), mefed.CARD, mefed.expected_of),
    DataSet("ised", ised.read_ised, ("ised", "ISED"), ised.CARD, ised.EXPECTED),
    DataSet("affectnet", affectnet.read_affectnet, ("affectnet", "AffectNet"), affectnet.CARD, affectnet.expected_of),
    DataSet("fer2013", fer2013.read_fer2013, ("fer2013", "FER2013"), fer2013.CARD, fer2013.expected_of),
    DataSet("casia", casia.read_casia, ("casia", *casia.ROOTS), casia.CARD, casia.expected_of),
    DataSet("lfw", lfw.read_lfw, ("lfw", "LFW", "lfw_home"), lfw.CARD, lfw.EXPECTED),
    DataSet("yale", yale.read_yale, ("yale", "yalefaces"), yale.CARD, yale.EXPECTED),
    DataSet("cremad", cremad.read_cremad, ("cremad", "CREMA-D"), cremad.CARD, cremad.expected_of),
    DataSet("ravdess", ravdess.read_ravdess, ("ravdess", "RAVDESS"), ravdess.CARD, ravdess.EXPECTED),
    DataSet("ferplus", ferplus.read_ferplus_labels, ("ferplus", "FERPlus"), FERPLUS, has_images=False),
    DataSet("folder", folder.read_folder, (), folder.CARD),
)


def dataset(name: str) -> DataSet:
    """The record of a data set; ValueError lists the known names."""
    for known in DATASETS:
        if known.name == name:
            return known
    raise ValueError(f"unknown data set {name!r}; known: {', '.join(known.name for known in DATASETS)}")


def may_show(name: str) -> bool:
    """Whether pictures of a data set may be shown: its card allows it, or the user does by naming it in FERKIT_SHOW."""
    return dataset(name).card.may_show or name in [dataset(allowed).name for allowed in shown_sets()]


def find_root(name: str, root: str | Path | None = None) -> Path:
    """The folder of a data set: one of its usual names under `root` (else FERKIT_DATA), or `root` itself when given.

    Raises FileNotFoundError when there is none.
    """
    known = dataset(name)
    base = data_root(root)
    if base is not None:
        for folder_name in known.folders:
            if (base / folder_name).is_dir():
                return base / folder_name
        if root is not None:
            return base
    names = " or ".join(f"{folder_name}/" for folder_name in known.folders) or "a folder or a table of them"
    raise not_found(known.card.title, base or Path.cwd(), names, known.card.ask)


def read(name: str, root: str | Path | None = None, verify: str = "warn") -> list[Clip]:
    """The clips of a data set, found as in `find_root`.

    `verify`: `off`, `warn` when the counts are not the provider's, or `strict`, which raises ValueError.
    """
    check_level(verify)
    known = dataset(name)
    if not known.has_images:
        raise ValueError(f"{name} has labels and no pictures; use `{known.read.__module__}.{known.read.__name__}`")
    return known.read(find_root(name, root), verify=verify)


def available(root: str | Path | None = None) -> pd.DataFrame:
    """One row per data set: name, title, the folder found under `root` or FERKIT_DATA ("" when none), licence, how it is had.

    Nothing is read.
    """
    base = data_root(root)
    rows = []
    for known in DATASETS:
        found = [base / name for name in known.folders if (base / name).is_dir()] if base else []
        rows.append(
            {
                "name": known.name,
                "title": known.card.title,
                "found": str(found[0]) if found else "",
                "pictures": known.has_images,
                "may_show": known.card.may_show,
                "licence": known.card.licence,
                "ask": known.card.ask,
            }
        )
    return pd.DataFrame(rows)


def check(name: str, root: str | Path | None = None) -> pd.DataFrame:
    """What is on disk against a complete copy: columns what, expected, observed, missing, unexpected (all ids), note.

    Files that had to be skipped are reported as warnings.
    """
    known = dataset(name)
    content = known.read(find_root(name, root), verify="off")
    return compare(content, known.expected_of(content)) if known.has_images else _compare_votes(content)


def _compare_votes(labels: pd.DataFrame) -> pd.DataFrame:
    """FER+ by majority: its own counts by split in the columns of `check`."""
    counts = ferplus.count(labels)
    rows = [
        (
            f"{split} {what}",
            number,
            counts.at[what, split],
            "",
            "",
            "differs" if number != counts.at[what, split] else "",
        )
        for what, numbers in ferplus.EXPECTED["ms_majority", ferplus.SOURCES[0]].items()
        for split, number in zip(ferplus.SPLITS, numbers, strict=True)
    ]
    return pd.DataFrame(rows, columns=list(TABLE))
