"""Which notebook can use which data set, and the reason when it cannot."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Offer:
    """What a data set has."""

    classes: int  # expressions, neutral among them; 0 when none are marked
    identities: bool = True  # whether it is known who is who
    sequences: bool = False
    pictures: bool = True


@dataclass(frozen=True)
class Need:
    """What a notebook asks for."""

    classes: int = 2
    identities: bool = False
    sequences: bool = False
    drawn: bool = False  # it is about the drawing itself
    labels_only: bool = False


_STILLS, _COMPOUND = Offer(8), Offer(50)
OFFERS: dict[str, Offer] = {
    "stills": _COMPOUND,
    "posed": Offer(7),
    "portraits": _STILLS,
    "neutral": Offer(1),
    "large": _STILLS,
    "sequences": Offer(8, sequences=True),
    "sequences-mmi": Offer(7, sequences=True),
    "identities": _STILLS,
    "wild": _STILLS,
    "cmu": Offer(4),
    "london": Offer(2),
    "ckplus": Offer(8, sequences=True),
    "jaffe": Offer(7),
    "oulu": Offer(7, sequences=True),
    "mmi": Offer(7, sequences=True),
    "mefed": _COMPOUND,
    "ised": Offer(4),
    "affectnet": Offer(8, identities=False),
    "fer2013": Offer(8, identities=False),
    "casia": Offer(0),
    "lfw": Offer(0),
    "yale": Offer(4),
    "cremad": Offer(6, sequences=True),
    "ravdess": Offer(7, sequences=True),
    "ferplus": Offer(8, identities=False, pictures=False),
    "folder": Offer(8),  # what is in it is seen when it is read
}
DRAWN = tuple(OFFERS)[:9]
NEEDS: dict[str, Need] = {
    "00": Need(classes=1, drawn=True),
    "01": Need(labels_only=True),
    "02": Need(identities=True),
    "03": Need(classes=50, identities=True),
    "04": Need(classes=6, identities=True),
    "05": Need(classes=6, identities=True, sequences=True),
    "06": Need(classes=6, identities=True, sequences=True),
    "07": Need(classes=6),
    "08": Need(classes=3),
    "09": Need(classes=6, identities=True, sequences=True),
}


def usable(notebook: str, dataset: str) -> str | None:
    """Why a notebook ("05", or its whole name) cannot use a data set; None when it can. ValueError for unknown names."""
    number = notebook[:2]
    if number not in NEEDS:
        raise ValueError(f"unknown notebook {notebook!r}; known: {', '.join(NEEDS)}")
    if dataset not in OFFERS:
        raise ValueError(f"unknown data set {dataset!r}; known: {', '.join(OFFERS)}")
    need, offer = NEEDS[number], OFFERS[dataset]
    if need.labels_only:
        return None
    reasons = (
        (need.drawn and dataset not in DRAWN, "it shows how faces are drawn, these are photographs"),
        (not offer.pictures, "it has labels and no pictures"),
        (not offer.classes, "it says who is in a picture, not what the face shows"),
        (need.sequences and not offer.sequences, "it has no sequences"),
        (need.identities and not offer.identities, "it does not say who is in a picture"),
        (offer.classes < need.classes, f"it has {offer.classes} classes, {need.classes} are needed"),
    )
    return next((f"{dataset} cannot be used in notebook {number}: {why}" for wrong, why in reasons if wrong), None)


def markdown() -> str:
    """The whole matrix as the table of the README: a row for each data set, a column for each notebook."""
    head = ["", *NEEDS]
    rows = [[f"`{name}`", *("" if usable(notebook, name) else "●" for notebook in NEEDS)] for name in OFFERS]
    lines = [head, ["---", *(":-:" for _ in NEEDS)], *rows]
    return "\n".join("|" + "|".join(f" {cell} " if cell else " " for cell in line) + "|" for line in lines)
