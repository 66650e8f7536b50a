"""Paper 1's split and plans."""

from pathlib import Path

import pytest

from ferkit.core.labels import BASIC7
from ferkit.data.clip import Clip
from ferkit.data.folds import fold_hash, people
from ferkit.data.sets import mefed
from ferkit.papers.multimodal.plans import PLANS, multimodal_folds
from ferkit.training.layers import hinge


def test_multimodal_keeps_the_last_nine_people():
    clips = [
        Clip("mefed", person, f"{person}_{i}", BASIC7[i % 7], (Path("a.jpg"),), split=split)
        for split in ("train", "val")
        for person in mefed.PEOPLE[split]
        for i in range(250)
    ]
    (fold,) = multimodal_folds(clips, val_people=4)
    assert [who for _, who in people(fold.test)] == [
        "094",
        "095",
        "096",
        "097",
        "098",
        "099",
        "100",
        "101",
        "102",
    ]
    assert len(fold.test) == 2250
    assert (len(people(fold.val)), len(people(fold.train))) == (4, 92 - 9 - 4)
    assert fold_hash([fold]) == fold_hash(multimodal_folds(clips[::-1], val_people=4))
    with pytest.raises(ValueError, match="the last 9 people, but the clips show only 1"):
        multimodal_folds(clips[:100])


def test_the_paper_trains_100_000_batches_on_one_split():
    paper = PLANS["paper"]
    recipes = paper.recipes(20_719)
    assert {recipe.iterations for recipe in recipes.values()} == {100_000}
    assert {(recipe.batch, recipe.rate) for recipe in recipes.values()} == {(32, 0.0005)}
    assert not paper.augment
    # Only the authors' code lets the rate fall.
    assert [recipes["both, hinge"].rate_at(i) for i in (0, 99_999)] == [0.0005, 0.0005]
    falling = [recipes["authors"].rate_at(i) for i in (19_999, 20_000, 40_000)]
    assert falling == pytest.approx([0.0005, 0.0005 * 0.75, 0.0005 * 0.75**2])
    assert recipes["authors"].loss is recipes["both, hinge"].loss is hinge
    clips = [Clip("mefed", f"{i:03d}", f"{i}", "fear", (Path("a.jpg"),)) for i in range(30)]
    assert fold_hash(paper.make_folds(clips)) == fold_hash(multimodal_folds(clips, val_people=9))
    assert [len(people(fold.val)) for fold in PLANS["lesson"].make_folds(clips)] == [4] * 3
