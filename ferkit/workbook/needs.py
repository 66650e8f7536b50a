"""What a notebook needs: a data set of some kind, and results of other notebooks."""

from collections.abc import Iterable
from dataclasses import dataclass

from ferkit.data import DATASETS, dataset
from ferkit.data.card import Offer


@dataclass(frozen=True)
class Need:
    """What a notebook needs of a data set."""

    classes: int = 2
    identities: bool = False
    people: int = 2  # at least, with identities: some train, some test, others may validate
    split: bool = False  # people are not needed where the provider splits in train, val and test
    sequences: bool = False
    drawn: bool = False  # the notebook shows how faces are drawn
    labels_only: bool = False


# Notebooks 12 and 13 are not listed: they read no data set. 12 draws a clip and takes what its
# reader gives it, 13 draws the faces of its experiments.
NEEDS: dict[str, Need] = {
    "00": Need(classes=1, drawn=True),
    "01": Need(labels_only=True),
    "02": Need(identities=True),
    "03": Need(classes=50, identities=True),
    "04": Need(classes=6, identities=True, people=3),
    "05": Need(classes=6, identities=True, people=3, sequences=True),
    "06": Need(classes=6, identities=True, people=3, sequences=True),
    "07": Need(classes=6, identities=True, people=3, split=True),
    "08": Need(classes=3),
    "09": Need(classes=6, identities=True, people=3, sequences=True),
    "10": Need(classes=2, identities=True),
    "11": Need(classes=3, identities=True, people=10),
}

# Notebooks that use what others leave in the run's folder; alone, they train it themselves.
AFTER: dict[str, tuple[str, ...]] = {"06": ("05",), "09": ("03", "04", "05", "06", "07", "08")}


def order_notebooks(names: Iterable[str]) -> dict[str, list[str]]:
    """Return for each notebook those of `names` whose results it uses, which must run before it."""
    chosen = list(names)
    return {
        name: [other for other in chosen if other[:2] in AFTER.get(name[:2], ())] for name in chosen
    }


def find_obstacle(notebook: str, name: str, offer: Offer | None = None) -> str | None:
    """Say why a notebook ("05", or its whole name) cannot use a data set; None when it can.

    `offer` is what this copy of it contains, where somebody looked. Raises ValueError for unknown
    names.
    """
    number = notebook[:2]
    if number not in NEEDS:
        raise ValueError(f"unknown notebook {notebook!r}; known: {', '.join(NEEDS)}")
    need = NEEDS[number]
    record = dataset(name)
    offer = offer or record.offer
    if need.labels_only:
        return None
    known_people = offer.identities or (need.split and offer.split)
    people = offer.people if need.identities and offer.identities else None
    obstacles = {
        "it shows how faces are drawn, and these are photographs": need.drawn and not record.drawn,
        "it has labels and no pictures": not offer.pictures,
        "it says who is in a picture, not what the face shows": not offer.classes,
        "not every clip is a sequence from neutral to the expression": need.sequences
        and not offer.sequences,
        "it does not say who is in a picture": need.identities and not known_people,
        f"it has {offer.classes} classes, {need.classes} are needed": offer.classes < need.classes,
        f"it shows {people} people, {need.people} are needed": people is not None
        and people < need.people,
    }
    for reason, applies in obstacles.items():
        if applies:
            return f"{name} cannot be used in notebook {number}: {reason}"
    return None


def markdown() -> str:
    """Return the table of docs/data.md: a row for each data set, a column for each notebook."""
    lines = [_table_line(["", *NEEDS]), _table_line(["---"] + [":-:"] * len(NEEDS))]
    for name, record in DATASETS.items():
        title = f"`{name}`" if record.drawn else f"[`{name}`](data/{name}.md)"
        marks = ["" if find_obstacle(notebook, name) else "●" for notebook in NEEDS]
        lines.append(_table_line([title, *marks]))
    return "\n".join(lines)


def _table_line(cells: list[str]) -> str:
    padded = [f" {cell} " if cell else " " for cell in cells]
    return f"|{'|'.join(padded)}|"
