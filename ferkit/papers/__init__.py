"""What the five papers say: numbers, settings, claims and figures, one data file per paper.

Each entry says where it stands in the paper. A number keeps the paper's printed form, percent or fraction. Entries of
`tables` share what their table says once; an entry may overrule it. Settings come in three variants: `as_paper` is the
paper's text, `as_authors_code` what only the published code says, and `our_reading` what we take where the paper is
silent or refers elsewhere.
"""

import tomllib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from functools import cache
from importlib import resources
from typing import Any

import pandas as pd

PAPERS = ("multimodal", "i2cnn", "dtagn", "emotionaldan", "tfe")
UNITS = ("fraction", "percent", "points", "count", "loss", "threshold")
VARIANTS = ("as_paper", "as_authors_code", "our_reading")

PLANNED, DONE = "planned", "done"
STATUSES = (
    PLANNED,  # one of our notebooks will have it, on drawn faces or on the reader's licensed copy
    DONE,
    "cited",  # a number the paper takes from others; we do not run that method
    "not reproducible without licensed data",
    "dropped",  # will not be done; the note says why
)


@dataclass(frozen=True)
class Result:
    """One number the paper prints."""

    key: str  # stable, unique within the paper
    method: str
    data: str
    measure: str
    value: float
    unit: str  # one of UNITS
    where: str  # section, table or figure of the paper
    status: str  # one of STATUSES
    ours: str = ""  # the name of our value in run records; "" until it is measured
    approximate: bool = False  # the paper says "about"
    note: str = ""


@dataclass(frozen=True)
class Matrix:
    """One confusion matrix: rows are the truth, columns the answers."""

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
    variant: str = "as_paper"  # one of VARIANTS
    note: str = ""


@dataclass(frozen=True)
class Claim:
    """One sentence of the paper that an experiment of ours can support or contradict."""

    key: str
    text: str
    where: str
    status: str
    ours: str = ""
    note: str = ""


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
    """Where the paper disagrees with itself, with its code, or with what is known of the data."""

    key: str
    text: str
    where: str


@dataclass(frozen=True)
class Paper:
    """Everything we quote from one paper."""

    short_name: str
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
        return _only(self.results, key, f"result of {self.short_name}")

    def setting(self, key: str, variant: str = "as_paper") -> Any:
        """The value of a setting; ValueError when this variant does not have it."""
        if variant not in VARIANTS:
            raise ValueError(f"unknown variant {variant!r}; known: {', '.join(VARIANTS)}")
        chosen = [setting for setting in self.settings if setting.variant == variant]
        return _only(chosen, key, f"{variant} setting of {self.short_name}").value

    def results_table(self, measure: str | None = None) -> pd.DataFrame:
        """The results, one row each in the paper's order, indexed by key; of one measure, or all."""
        return _frame(Result, [row for row in self.results if measure in (None, row.measure)])

    def settings_table(self, variant: str | None = None) -> pd.DataFrame:
        """The settings, indexed by key; of one variant, or all."""
        return _frame(Setting, [row for row in self.settings if variant in (None, row.variant)])

    def claims_table(self) -> pd.DataFrame:
        """The claims, indexed by key."""
        return _frame(Claim, self.claims)


@cache
def paper(short_name: str) -> Paper:
    """The paper with this short name, one of PAPERS; ValueError for another name or a malformed entry."""
    if short_name not in PAPERS:
        raise ValueError(f"unknown paper {short_name!r}; known: {', '.join(PAPERS)}")
    return parse(resources.files(__name__).joinpath(f"{short_name}.toml").read_text(encoding="utf-8"))


def parse(text: str) -> Paper:
    """The paper that a data file's text describes; ValueError naming the entry that is wrong."""
    data: dict[str, Any] = tomllib.loads(text)
    tables = data.pop("tables", [])
    rows = [{**table, **row} for table in tables for row in table.pop("rows")]
    kinds = {
        "matrices": Matrix,
        "settings": Setting,
        "claims": Claim,
        "figures": Figure,
        "contradictions": Contradiction,
    }
    entries: dict[str, Any] = {name: _read(kind, data.pop(name, [])) for name, kind in kinds.items()}
    about: dict[str, Any] = {name: _frozen(value) for name, value in data.items()}
    try:
        return Paper(results=_read(Result, rows), **entries, **about)
    except TypeError as error:
        raise ValueError(f"{data.get('short_name', 'the paper')}: {error}") from None


def _read(kind: type, rows: Sequence[dict[str, Any]]) -> tuple:
    entries = []
    for row in rows:
        try:
            entry = kind(**{name: _frozen(value) for name, value in row.items()})
        except TypeError as error:
            raise ValueError(f"{kind.__name__} {row.get('key', row)}: {error}") from None
        for field, known in (("status", STATUSES), ("unit", UNITS), ("variant", VARIANTS)):
            if getattr(entry, field, known[0]) not in known:
                raise ValueError(f"{kind.__name__} {entry.key}: unknown {field} {getattr(entry, field)!r}")
        entries.append(entry)
    names = [(entry.key, getattr(entry, "variant", "")) for entry in entries]
    if twice := sorted({name[0] for name in names if names.count(name) > 1}):
        raise ValueError(f"{kind.__name__}: {', '.join(twice)} stand twice")
    return tuple(entries)


def _frozen(value: Any) -> Any:
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value


def _only(entries: Sequence, key: str, what: str) -> Any:
    for entry in entries:
        if entry.key == key:
            return entry
    raise ValueError(f"no {what} has the key {key!r}; known: {', '.join(entry.key for entry in entries)}")


def _frame(kind: type, entries: Sequence) -> pd.DataFrame:
    columns = [field.name for field in fields(kind)]
    return pd.DataFrame([asdict(entry) for entry in entries], columns=columns).set_index("key")
