"""Say numbers of a run in words, so that text stays true for other data, seeds and levels."""

import re
from collections.abc import Iterable, Sequence

from IPython.display import Markdown

from ferkit.evaluation.intervals import Score
from ferkit.papers.verdicts import claim_table

_HOW_JUDGED = (
    "A claim *holds* where the whole interval of its difference lies above zero on every data set "
    "named, *partly* where it does on some of them or where only a part of the claim is tested; "
    "otherwise it is *not shown*. An interval around zero decides nothing; one wholly below zero "
    "speaks *against* the claim. Where a claim says that two things are equal, or at most so far "
    "apart, the last column gives the margin within which the whole interval must lie."
)


def say(*sentences: str) -> Markdown:
    """Return sentences with numbers of this run for display, as one paragraph of Markdown.

    Percentages are written as in the text of the notebooks, "95 %".
    """
    return Markdown(re.sub(r"(?<=\d)%", " %", " ".join(sentences)))


def compare_in_words(first: str, second: str, difference: Score) -> str:
    """Say whether `first` is better than `second`, in points with the interval over people.

    Both are named as in the middle of a sentence, such as "the whole face" or "DTGN". `difference`
    is first minus second, as of `compare_paired`.
    """
    low, high = 100 * difference.low, 100 * difference.high
    interval = f"95 % interval over {difference.people} people: {low:.1f} to {high:.1f}"
    points = 100 * difference.value
    if difference.low > 0:
        found = f"{first} beats {second} by {points:.1f} points"
    elif difference.high < 0:
        found = f"{first} falls behind {second} by {-points:.1f} points"
    elif not round(points, 1):
        found = f"{first} and {second} are level"
    else:
        place = f"{abs(points):.1f} points {'ahead of' if points > 0 else 'behind'}"
        found = f"{first} is {place} {second}, too little to tell which is better"
    return f"{found[0].upper()}{found[1:]} ({interval})."


def show_claims(short_name: str, *keys: str) -> Markdown:
    """Return a paper's claims for display, each with its verdict and what was measured.

    Verdicts come from the kept trainings at level `study`, never from this run. `keys` chooses and
    orders claims; none means all.
    """
    claims = claim_table(short_name)
    if keys:
        claims = claims.loc[list(keys)]
    rows = [
        (claim.claim, f"**{claim.verdict}**", claim.difference, claim.why)
        for claim in claims.itertuples()
    ]
    heads = ("the claim", "verdict", "difference in points (x 100)", "what was measured")
    return Markdown(f"{_show_table(heads, rows).data}\n\n{_HOW_JUDGED}")


def show_checked_claims(*rows: tuple[str, str, bool]) -> Markdown:
    """Return claims that a run checks by itself: the claim, what was found, whether it holds."""
    cells = [(claim, found, f"**{'yes' if holds else 'no'}**") for claim, found, holds in rows]
    return _show_table(("the claim", "found in this run", "holds here"), cells)


def _show_table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Markdown:
    lines = [heads, ["---"] * len(heads), *rows]
    texts = (" | ".join(cell.replace("|", r"\|") for cell in line) for line in lines)
    return Markdown("\n".join(f"| {text} |" for text in texts))
