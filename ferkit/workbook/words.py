"""Say numbers of a run in words, so that text stays true for other data, seeds and levels."""

from IPython.display import Markdown

from ferkit.evaluation.intervals import Score
from ferkit.papers.verdicts import claim_table


def say(*sentences: str) -> Markdown:
    """Return sentences with numbers of this run for display, as one paragraph of Markdown."""
    return Markdown(" ".join(sentences))


def compare_in_words(first: str, second: str, difference: Score) -> str:
    """Say whether `first` is better than `second`, in points with the interval over people.

    `difference` is first minus second, as of `compare_paired`.
    """
    low, high = 100 * difference.low, 100 * difference.high
    interval = f"95 % interval over {difference.people} people: {low:.1f} to {high:.1f}"
    points = 100 * difference.value
    if difference.low > 0:
        return f"{first} beats {second} by {points:.1f} points ({interval})."
    if difference.high < 0:
        return f"{first} falls behind {second} by {-points:.1f} points ({interval})."
    return (
        f"No difference between {first} and {second} is shown: {points:+.1f} points ({interval})."
    )


def show_claims(short_name: str, *keys: str) -> Markdown:
    """Return a paper's claims for display, each with its verdict and how sure it is.

    Verdicts come from the kept trainings at level `study`, never from this run. `keys` chooses and
    orders claims; none means all.
    """
    claims = claim_table(short_name)
    if keys:
        claims = claims.loc[list(keys)]
    lines = ["| the claim | verdict | difference in points | how sure |", "|---|---|---|---|"]
    for claim in claims.itertuples():
        cells = (claim.claim, f"**{claim.verdict}**", claim.difference, claim.why)
        lines.append("| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |")
    return Markdown("\n".join(lines))
