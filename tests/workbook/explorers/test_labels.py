"""The explorers of labels say what the package says of the values of their controls."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferkit.core.labels import BASIC7, COMPOUND, EMOTIONS, compound_code
from ferkit.data.votes import RULES, VOTE_COLUMNS, vote
from ferkit.drawn import examples
from ferkit.workbook.explorers import base, labels

SIZE = 32  # pixels: small faces are drawn fast


def test_the_compound_explorer_says_code_name_and_equation():
    explorer = labels.compound_explorer(3, size=SIZE)
    assert "class 20</b>: disgust+sadness" in explorer.text.value  # the paper's example
    assert "7 &middot; (3 &minus; 1) + 6 = 20" in explorer.text.value
    for c, d in (("anger", "anger"), ("surprise", "fear"), ("neutral", "neutral")):
        explorer.controls["dominant"].value = d
        explorer.controls["complementary"].value = c
        n = compound_code(EMOTIONS.index(c), EMOTIONS.index(d))
        assert f"class {n}</b>: {COMPOUND.names[n]}<" in explorer.text.value
        assert explorer.view.value == base.encode_image(
            examples.draw_compound(3, c, d, size=SIZE).image
        )


def test_a_pair_that_is_no_class_shows_the_error_and_no_face():
    explorer = labels.compound_explorer(3, size=SIZE)
    explorer.controls["complementary"].value = "neutral"
    assert "no class:</b> neutral is (0, 0)" in explorer.text.value
    assert explorer.view.layout.visibility == "hidden"
    explorer.controls["complementary"].value = "anger"
    assert "class 6</b>: anger+sadness" in explorer.text.value
    assert explorer.view.layout.visibility == "visible"


@pytest.mark.parametrize("complementary", [None, *BASIC7])
def test_all_compound_codes_are_described(complementary):
    for dominant in BASIC7:
        text = labels.describe_compound(complementary or dominant, dominant)
        assert COMPOUND.names[int(text.split("class ")[1].split("<")[0])] in text


def test_the_votes_explorer_shows_what_each_rule_says():
    explorer = labels.votes_explorer()
    for name in VOTE_COLUMNS:
        explorer.controls[name].value = 0
    assert "0 votes" in explorer.text.value
    explorer.controls["happiness"].value = 7
    explorer.controls["NF"].value = 3
    assert "10 votes" in explorer.text.value
    votes = pd.DataFrame([dict.fromkeys(VOTE_COLUMNS, 0) | {"happiness": 7, "NF": 3}])
    for rule in RULES:
        label = vote(votes, rule)["emotion"].iloc[0]
        assert f"<th>{rule}</th>\n      <td>{label}</td>" in explorer.text.value


@given(st.lists(st.lists(st.integers(0, 10), min_size=10, max_size=10), min_size=1, max_size=4))
def test_the_table_of_rules_agrees_with_vote(rows):
    votes = pd.DataFrame(
        rows, columns=list(VOTE_COLUMNS), index=[f"row {i}" for i in range(len(rows))]
    )
    table = labels.under_each_rule(votes)
    assert list(table.index) == [(row, rule) for row in votes.index for rule in RULES]
    for rule in RULES:
        said = vote(votes, rule)
        part = table.xs(rule, level="rule")
        assert part["label"].replace("", None).tolist() == said["emotion"].tolist()
        assert part["dropped"].tolist() == said["dropped"].tolist()


def test_a_wrong_answer_in_votes_is_named():
    with pytest.raises(ValueError, match="unknown answer joy; FER\\+ has neutral"):
        labels.votes_explorer({"joy": 3})
