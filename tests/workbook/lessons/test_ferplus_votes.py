"""Votes of six invented pictures, and what the majority rule keeps."""

import pytest

from ferkit.data.sets.ferplus import EXPECTED
from ferkit.workbook.lessons import ferplus_votes


def test_only_the_clear_smile_has_one_label():
    votes = ferplus_votes.vote_table(ferplus_votes.INVENTED)
    assert (votes.sum(axis=1) == 10).all()
    labels = ferplus_votes.labels_of(votes)
    agreed = labels.index[labels.nunique(axis=1) == 1]
    assert "a clear smile" in agreed
    assert labels.at["scattered", "ms_majority"] == "neutral"
    assert labels.at["a tie", "ms_majority"] == "(no majority)"


def test_shares_are_those_of_the_published_counts():
    counts = ferplus_votes.majority_share()
    kept = sum(EXPECTED["ms_majority", "fer2013new.csv"]["disgust"])
    assert counts.at["disgust", "share"] == pytest.approx(kept / (191 + 34 + 23))
    text = ferplus_votes.describe_majority(counts)
    assert "of *disgust*" in text
    assert "of *happiness*" in text


def test_without_the_votes_published_counts_stand_in(tmp_path):
    counts, found = ferplus_votes.count_kept(str(tmp_path))
    assert not found
    assert counts.loc[("fer2013new.csv", "argmax"), "test"] == 3546
