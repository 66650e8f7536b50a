"""t-SNE: groups stay together, the same seed gives the same places."""

import numpy as np
import pytest

from ferkit.explain.tsne import embed, embed_repeatedly, same_neighbours


@pytest.fixture(scope="module")
def groups() -> tuple[np.ndarray, np.ndarray]:
    rng, names = np.random.default_rng(0), np.repeat(["anger", "fear", "happiness"], 20)
    middles = {name: 10 * rng.normal(size=60) for name in np.unique(names)}
    return np.stack([middles[name] + rng.normal(size=60) for name in names]), names


def test_groups_stay_together(groups):
    features, names = groups
    places = embed(features, 8)
    apart = np.linalg.norm(places[:, None] - places[None], axis=2) + np.diag(np.full(60, np.inf))
    assert (names[apart.argmin(1)] == names).all()


def test_seeds_repeat_and_differ(groups):
    first, again, other = (embed(groups[0], 8, seed) for seed in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.allclose(first, other)


def test_the_table_has_a_panel_for_each_perplexity_and_seed(groups):
    features, names = groups
    table = embed_repeatedly(features, {"emotion": names}, perplexities=(5, 8), seeds=(0, 3))
    assert list(table.columns) == ["panel", "x", "y", "emotion"]
    assert table["panel"].drop_duplicates().tolist() == [
        f"perplexity {perplexity}, seed {seed}" for perplexity in (5, 8) for seed in (0, 3)
    ]
    assert (
        table.groupby("panel")["emotion"]
        .apply(list)
        .map(lambda column: column == names.tolist())
        .all()
    )
    last = table[table["panel"] == "perplexity 8, seed 3"]
    assert np.allclose(last[["x", "y"]], embed(features, 8, 3))


def test_same_neighbours_on_a_worked_example():
    features = np.array([[0.0], [1], [2], [10], [11], [13]])
    assert same_neighbours(features, list("aaabbb"), 2).tolist() == [1] * 6
    assert same_neighbours(features, list("ababbb"), 2).tolist() == [0.5, 0, 0.5, 1, 1, 1]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (
            lambda: embed(np.zeros((20, 3)), 10),
            "20 features are too few for a perplexity of 10; take 6 or less",
        ),
        (lambda: embed(np.full((40, 3), np.nan)), "40 of 40 features contain NaN"),
        (
            lambda: embed_repeatedly(np.zeros((90, 3)), {"emotion": ["fear"]}),
            "columns of 90 values, got 1",
        ),
        (lambda: same_neighbours(np.zeros((5, 2)), list("abcde"), 5), r"k must lie in 1\.\.4"),
    ],
)
def test_what_does_not_fit_is_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()
