"""What the papers report: numbers, settings, claims and figures, one data file per paper.

Each entry says where it stands in the paper. A number keeps the form the paper prints, percent or
fraction. Entries of `tables` share what their table says once; an entry may overrule it. Settings
come in three variants: `as_paper` is the paper's text, `as_authors_code` what only the published
code says, and `our_reading` what we choose where the paper is silent or refers to other work.
"""

import tomllib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from ferkit.papers import PAPERS

RESULT_UNITS = ("fraction", "percent", "points", "count", "loss", "threshold")
SETTING_VARIANTS = ("as_paper", "as_authors_code", "our_reading")

STATUSES = (
    # One of our notebooks will have it, on drawn faces or on the reader's licensed copy.
    "planned",
    "done",
    "cited",  # a number the paper cites; we do not run that method
    "not reproducible without licensed data",
    "dropped",  # will not be done; the note says why
)

# of a claim
VERDICTS = ("holds", "partly", "not shown", "not tested")


@dataclass(frozen=True)
class Result:
    """One number the paper prints."""

    key: str  # stable, unique within the paper
    method: str
    data: str
    measure: str
    value: float
    unit: str  # one of RESULT_UNITS
    where: str  # section, table or figure of the paper
    status: str  # one of STATUSES
    # The name of our value in run records; "" until it is measured. "{data}" in it stands for a
    # data set, the first of `data_sets` that a run has: the paper's own before a drawn one.
    ours: str = ""
    data_sets: tuple[str, ...] = ()
    approximate: bool = False  # the paper says "about"
    note: str = ""

    def __post_init__(self) -> None:
        if bool(self.data_sets) != ("{data}" in self.ours):
            raise ValueError(
                f'result {self.key}: `data_sets` lists the data sets that "{{data}}" in `ours` '
                f"stands for, got {self.ours!r} and {self.data_sets}; give both or neither"
            )

    @property
    def our_names(self) -> dict[str, str]:
        """The names that our value may have in run records, each with its data set or ""."""
        if not self.data_sets:
            return {self.ours: ""} if self.ours else {}
        return {self.ours.replace("{data}", data): data for data in self.data_sets}


@dataclass(frozen=True)
class Matrix:
    """One confusion matrix: rows are the true classes, columns the predictions."""

    key: str
    data: str
    classes: tuple[str, ...]
    values: tuple[tuple[float, ...], ...]
    unit: str
    where: str
    status: str
    ours: str = ""
    note: str = ""


@dataclass(frozen=True)
class Setting:
    """One choice an experiment needs."""

    key: str  # unique within its variant
    value: Any  # number, text, or a tuple of them
    where: str
    variant: str = "as_paper"  # one of SETTING_VARIANTS
    note: str = ""


@dataclass(frozen=True)
class Claim:
    """One sentence of the paper that our experiments can support or contradict."""

    key: str
    text: str
    where: str
    status: str
    ours: str = ""
    # Where the kept results of a study decide: the pair is "first minus second", claimed to be
    # above zero on each of the data sets; within the margin where the paper claims equality; above
    # minus `at_most_behind` where it claims that the first is about as good as the second.
    study: str = ""
    pair: str = ""
    data: tuple[str, ...] = ()
    margin: float = 0.0
    at_most_behind: float = 0.0
    # The trainings that must have converged, DATA/METHOD; (): those of the pair on the data sets.
    rests_on: tuple[str, ...] = ()
    # Elsewhere what a notebook's numbers say, one of VERDICTS. Beside a pair: the verdict where the
    # difference is shown, because the pair tests only a part of the claim.
    verdict: str = ""
    note: str = ""

    def __post_init__(self) -> None:
        if len({bool(self.study), bool(self.pair), bool(self.data)}) > 1:
            raise ValueError(
                f"the claim {self.key!r} needs study, pair and data together, or none of them"
            )


@dataclass(frozen=True)
class Figure:
    """One picture to redraw, with our own data."""

    key: str
    text: str
    where: str
    status: str
    note: str = ""


@dataclass(frozen=True)
class Contradiction:
    """Where the paper contradicts itself, its code, or known facts about the data."""

    key: str
    text: str
    where: str


@dataclass(frozen=True)
class Paper:
    """Everything we quote from one paper."""

    short_name: str
    number: int  # the place of the paper in PAPERS
    title: str
    authors: tuple[str, ...]
    venue: str
    year: int
    source: str  # the text the entries were read from
    results: tuple[Result, ...]
    matrices: tuple[Matrix, ...]
    settings: tuple[Setting, ...]
    claims: tuple[Claim, ...]
    figures: tuple[Figure, ...]
    contradictions: tuple[Contradiction, ...]

    def result(self, key: str) -> Result:
        """The result with this key; ValueError when there is none."""
        return _find(self.results, key, f"result of {self.short_name}")

    def setting(self, key: str, variant: str = "as_paper") -> Any:
        """The value of a setting; ValueError when this variant does not have it."""
        if variant not in SETTING_VARIANTS:
            known = ", ".join(SETTING_VARIANTS)
            raise ValueError(f"unknown variant {variant!r}; known: {known}")
        chosen = [setting for setting in self.settings if setting.variant == variant]
        return _find(chosen, key, f"{variant} setting of {self.short_name}").value


@cache
def paper(short_name: str) -> Paper:
    """Read what a paper reports.

    ValueError for a name that is not in PAPERS, and for a malformed entry.
    """
    if short_name not in PAPERS:
        raise ValueError(f"unknown paper {short_name!r}; known: {', '.join(PAPERS)}")
    file = resources.files(__package__) / short_name / "reported.toml"
    return parse_paper(file.read_text(encoding="utf-8"))


def parse_paper(text: str) -> Paper:
    """Parse the text of a data file; ValueError naming the entry that is wrong."""
    content: dict[str, Any] = tomllib.loads(text)
    result_rows: list[dict[str, Any]] = []
    for table in content.pop("tables", []):
        rows = table.pop("rows")
        data_sets = table.pop("data_sets", [])
        for row in rows:
            own_sets = {"data_sets": data_sets} if "{data}" in row.get("ours", "") else {}
            result_rows.append({**table, **own_sets, **row})
    entries: dict[str, Any] = {"results": _read_entries(Result, result_rows)}
    for name, kind in _ENTRY_KINDS.items():
        entries[name] = _read_entries(kind, content.pop(name, []))
    about = {name: _as_tuple(value) for name, value in content.items()}
    try:
        return Paper(**entries, **about)
    except TypeError as error:
        raise ValueError(f"{content.get('short_name', 'the paper')}: {error}") from None


_ENTRY_KINDS = {
    "matrices": Matrix,
    "settings": Setting,
    "claims": Claim,
    "figures": Figure,
    "contradictions": Contradiction,
}
_VOCABULARIES = {
    "status": STATUSES,
    "unit": RESULT_UNITS,
    "variant": SETTING_VARIANTS,
    "verdict": (*VERDICTS, ""),
}


def _read_entries(kind: type, rows: Sequence[dict[str, Any]]) -> tuple:
    """Build one record a row; ValueError naming the row that cannot be one."""
    entries = [_read_entry(kind, row) for row in rows]
    counts = Counter((entry.key, getattr(entry, "variant", "")) for entry in entries)
    if repeated := sorted(key for (key, _), count in counts.items() if count > 1):
        raise ValueError(
            f"{kind.__name__}: keys must be unique, got {', '.join(repeated)} twice; rename one"
        )
    return tuple(entries)


def _read_entry(kind: type, row: dict[str, Any]) -> Any:
    values = {name: _as_tuple(value) for name, value in row.items()}
    try:
        entry = kind(**values)
    except TypeError as error:
        raise ValueError(f"{kind.__name__} {row.get('key', row)}: {error}") from None
    for field, vocabulary in _VOCABULARIES.items():
        word = getattr(entry, field, vocabulary[0])
        if word not in vocabulary:
            known = ", ".join(filter(None, vocabulary))
            raise ValueError(
                f"{kind.__name__} {entry.key}: unknown {field} {word!r}; known: {known}"
            )
    return entry


def _as_tuple(value: Any) -> Any:
    """Turn lists, also nested ones, into tuples; leave other values as they are."""
    if isinstance(value, list):
        return tuple(map(_as_tuple, value))
    return value


def _find(entries: Sequence, key: str, what: str) -> Any:
    for entry in entries:
        if entry.key == key:
            return entry
    known = ", ".join(entry.key for entry in entries)
    raise ValueError(f"no {what} has the key {key!r}; known: {known}")
