"""Numbers in words, and claims with their verdicts."""

import pytest

from ferkit.evaluation.intervals import Score
from ferkit.papers import PAPERS
from ferkit.papers.verdicts import claim_table
from ferkit.workbook.words import compare_in_words, say, show_checked_claims, show_claims


@pytest.mark.parametrize(
    ("value", "low", "high", "text"),
    [
        (0.06, 0.02, 0.1, "A beats b by 6.0 points (95 % interval over 20 people: 2.0 to 10.0)."),
        (-0.06, -0.1, -0.02, "A falls behind b by 6.0 points "),
        (0.01, -0.02, 0.04, "A is 1.0 points ahead of b, too little to tell which is better ("),
        (-0.01, -0.02, 0.0, "A is 1.0 points behind b, too little to tell which is better ("),
        (0.0004, -0.01, 0.02, "A and b are level ("),
    ],
)
def test_a_difference_is_said_only_where_the_interval_excludes_zero(value, low, high, text):
    assert compare_in_words("a", "b", Score(value, low, high, 100, 20)).startswith(text)


def test_sentences_become_one_paragraph():
    assert say("One.", "Two.").data == "One. Two."
    assert say(f"{0.5:.0%} of **{1:.1%}**; 95 %").data == "50 % of **100.0 %**; 95 %"


def test_a_claim_that_fails_is_said_to_fail():
    lines = show_checked_claims(("It is.", "a|b", True), ("It is not.", "c", False)).data
    assert lines.splitlines()[2:] == [r"| It is. | a\|b | **yes** |", "| It is not. | c | **no** |"]


@pytest.mark.parametrize("short_name", PAPERS)
def test_every_claim_is_shown_with_its_verdict(short_name):
    table, _, judged = show_claims(short_name).data.partition("\n\n")
    assert judged.startswith("A claim *holds* where")
    lines = table.splitlines()
    claims = claim_table(short_name)
    assert len(lines) == len(claims) + 2
    for line, claim in zip(lines[2:], claims.itertuples(), strict=True):
        assert f"**{claim.verdict}**" in line
        assert line.count("|") - line.count(r"\|") == 5


def test_chosen_claims_keep_their_order():
    claims = claim_table("dtagn")["claim"]
    chosen = list(claims.index[1::-1])
    table = show_claims("dtagn", *chosen).data.partition("\n\n")[0]
    lines = table.splitlines()[2:]
    assert all(claims[key] in line for key, line in zip(chosen, lines, strict=True))
