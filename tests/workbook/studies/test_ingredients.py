"""What is switched off is that and nothing else; a stopped measurement goes on."""

from dataclasses import fields

import numpy as np
import pandas as pd
import pytest
from scipy.special import softmax

from ferkit.core.labels import SEVEN
from ferkit.drawn.draw_sets import set_fingerprint
from ferkit.drawn.scene import FIXED
from ferkit.faces.prepared import Prepared
from ferkit.predict import train
from ferkit.workbook.studies import ingredients
from ferkit.workbook.studies.ingredients import (
    ALL_SEVERE,
    ANSWER_COLUMNS,
    INGREDIENTS,
    LIGHT_RANGES,
)

PORTRAITS = ingredients.EVERYTHING
CHANGED = {  # of the set, of its scenes, of its expressions
    "nothing": (set(), set(), set()),
    "matched geometry": ({"matched"}, set(), set()),
    "varied intensity": ({"variation"}, set(), {"intensity"}),
    "wrinkles": ({"ranges"}, {"wrinkles"}, set()),
    "texture": ({"ranges"}, {"texture"}, set()),
    "varied light": ({"ranges"}, set(LIGHT_RANGES), set()),
}


def differing(one, other) -> set[str]:
    """The fields in which two records of one kind differ."""
    return {
        field.name
        for field in fields(one)
        if getattr(one, field.name) != getattr(other, field.name)
    }


# --- ingredients ---


@pytest.mark.parametrize("name", INGREDIENTS)
def test_an_ingredient_is_switched_off_and_nothing_else(name):
    drawn = INGREDIENTS[name](PORTRAITS)
    parts = (
        differing(PORTRAITS, drawn),
        differing(PORTRAITS.ranges, drawn.ranges),
        differing(PORTRAITS.variation, drawn.variation),
    )
    assert parts == CHANGED[name]


def test_each_ingredient_draws_other_pictures():
    marks = {set_fingerprint(change(PORTRAITS), "smoke", 0) for change in INGREDIENTS.values()}
    assert len(marks) == len(INGREDIENTS)


def test_what_is_switched_off_is_off():
    off = {name: change(PORTRAITS) for name, change in INGREDIENTS.items()}
    assert not off["matched geometry"].matched
    assert off["varied intensity"].variation.intensity == ALL_SEVERE
    assert off["wrinkles"].ranges.wrinkles == off["texture"].ranges.texture == (0, 0)
    for name in LIGHT_RANGES:
        value = getattr(off["varied light"].ranges, name)
        assert value == getattr(FIXED, name)
        assert value == 0 if name == "side_lit" else value[0] == value[1]


def test_faces_are_drawn_for_so_many_people_without_the_ingredient(tmp_path, monkeypatch):
    asked, whole = [], made(2)
    monkeypatch.setattr(ingredients, "draw_set", lambda *given: asked.append(given) or tmp_path)
    monkeypatch.setattr(ingredients, "read_drawn", lambda folder: [])
    lost = whole.table.assign(found=np.arange(len(whole)) != 3)
    with_loss = Prepared(
        whole.folder, whole.size, lost, whole.images, whole.landmarks, whole.original, whole.boxes
    )
    monkeypatch.setattr(ingredients, "prepare", lambda clips, size, cache: with_loss)
    found = ingredients.draw_without("texture", 7, 4, tmp_path)
    ((drawn, level, seed, _),) = asked
    assert (drawn.levels[level].people, seed) == (7, 4)
    assert differing(INGREDIENTS["texture"](PORTRAITS), drawn) == {"levels"}
    assert len(found) == len(whole) - 1
    assert found.table["found"].all()


# --- measuring ---


def made(people: int, seed: int = 0, who: str = "p") -> Prepared:
    """Prepared faces of a few people, whose mouths tell the emotion; the pictures are noise."""
    rng = np.random.default_rng(seed)
    shown = np.tile(np.arange(len(SEVEN)), people)
    points = rng.normal(32, 1, (len(shown), 68, 2))
    points[:, 48:, 1] += 5 * shown[:, None]
    images = rng.integers(0, 256, (len(shown), 32, 32, 3), dtype=np.uint8)
    names = [f"{who}{i:02d}" for i in np.arange(people).repeat(len(SEVEN))]
    table = pd.DataFrame({"person": names, "emotion": np.array(SEVEN)[shown], "found": True})
    return Prepared(None, 32, table, images, points, points, np.zeros((len(shown), 4)))


class Sets:
    """Stands in for `ingredients.draw_without`: notes the calls, and stops at one of them."""

    def __init__(self):
        self.asked: list[tuple[str, int, int]] = []
        self.stop_at: tuple[str, int] | None = None

    def __call__(self, without, people, seed, folder):
        if (without, seed) == self.stop_at:
            raise KeyboardInterrupt
        self.asked.append((without, people, seed))
        return made(people, seed)


@pytest.fixture
def sets(monkeypatch) -> Sets:
    found = Sets()
    monkeypatch.setattr(ingredients, "draw_without", found)
    return found


@pytest.fixture(scope="module")
def photographs() -> dict[str, Prepared]:
    """Two data sets: everybody shows all seven emotions in one, three of them in the other."""
    some = made(3, seed=6, who="b")
    return {"a": made(4, seed=5, who="a"), "b": some.select(some.table["emotion"].isin(SEVEN[:3]))}


TINY = {"people": (5, 7), "off": 5, "seeds": (0,)}  # five folds need five people
ALL = [("nothing", 7, 0), *((name, 5, 0) for name in INGREDIENTS if name != "nothing")]


@pytest.fixture(scope="module")
def trained() -> dict[str, train.TrainedFaceModel]:
    return train.train_face_models(made(6))


@pytest.fixture
def quick(trained, monkeypatch) -> None:
    """Every training gives the same models at once."""
    monkeypatch.setattr(train, "train_face_models", lambda faces, seed, kinds: trained)


def test_right_has_a_row_for_each_photograph_and_choice(trained, photographs):
    found = ingredients.score_photographs(trained, photographs, without="texture", people=6, seed=2)
    assert found.columns.tolist() == ANSWER_COLUMNS
    assert len(found) == (28 + 9) * 2
    assert found[["without", "people", "seed"]].drop_duplicates().to_numpy().tolist() == [
        ["texture", 6, 2]
    ]
    model, b = trained["single"].model, photographs["b"]
    seen, truth = (
        train.face_features(b),
        np.array([SEVEN.index(name) for name in b.table["emotion"]]),
    )
    chances = softmax(model.scores(seen), axis=1)
    mine = found[found["data"] == "b"].set_index("choice")
    assert np.array_equal(mine.loc["open", "right"], chances.argmax(1) == truth)
    assert np.array_equal(mine.loc["present", "right"], chances[:, :3].argmax(1) == truth)
    assert mine.loc["open", "person"].tolist() == b.table["person"].tolist()


def test_measure_writes_the_table_after_every_set(sets, photographs, tmp_path, monkeypatch):
    file, written = tmp_path / "new" / "answers.parquet", []
    plain = sets.__call__
    monkeypatch.setattr(
        ingredients,
        "draw_without",
        lambda *given: (
            written.append(file.exists() and len(pd.read_parquet(file))) or plain(*given)
        ),
    )
    table = ingredients.measure_ingredients(photographs, file, **TINY)
    rows = (28 + 9) * 2  # of one training
    assert written == [
        False,
        *(rows * n for n in range(2, 7)),
    ]  # "nothing" is trained twice, with 5 and with 7 people
    assert sets.asked == ALL
    pd.testing.assert_frame_equal(pd.read_parquet(file), table, check_dtype=False)
    assert [path.name for path in file.parent.iterdir()] == [file.name]
    counts = table.groupby(["without", "people"], sort=False).size()
    assert counts.to_dict() == {("nothing", 5): rows, ("nothing", 7): rows} | {
        (name, 5): rows for name, *_ in ALL[1:]
    }


def test_a_stopped_measurement_goes_on(sets, quick, photographs, tmp_path):
    file = tmp_path / "answers.parquet"
    sets.stop_at = ("wrinkles", 0)
    with pytest.raises(KeyboardInterrupt):
        ingredients.measure_ingredients(photographs, file, **TINY)
    before = pd.read_parquet(file)
    assert list(before["without"].unique()) == list(INGREDIENTS)[:3]
    sets.stop_at = None
    table = ingredients.measure_ingredients(photographs, file, **TINY)
    assert sets.asked == ALL  # each set once in both calls
    pd.testing.assert_frame_equal(table[: len(before)], before, check_dtype=False)
    again = ingredients.measure_ingredients(photographs, file, **TINY)
    assert sets.asked == ALL
    pd.testing.assert_frame_equal(again, table, check_dtype=False)


def test_more_people_or_seeds_are_added_to_what_there_is(
    sets, quick, photographs, tmp_path, monkeypatch
):
    monkeypatch.setattr(ingredients, "INGREDIENTS", {"nothing": INGREDIENTS["nothing"]})
    file = tmp_path / "answers.parquet"
    first = ingredients.measure_ingredients(photographs, file, people=(5,), off=5, seeds=(0,))
    table = ingredients.measure_ingredients(
        photographs, file, people=iter((6, 5)), off=5, seeds=iter((0, 1))
    )
    assert sets.asked == [("nothing", 5, 0), ("nothing", 6, 0), ("nothing", 6, 1)]
    pd.testing.assert_frame_equal(table[: len(first)], first, check_dtype=False)
    counts = table.groupby(["people", "seed"]).size()
    assert counts.to_dict() == dict.fromkeys([(5, 0), (6, 0), (5, 1), (6, 1)], len(first))


def test_fewer_people_are_the_first_of_them(sets, trained, photographs, tmp_path, monkeypatch):
    monkeypatch.setattr(ingredients, "INGREDIENTS", {"nothing": INGREDIENTS["nothing"]})
    seen = []
    monkeypatch.setattr(
        train,
        "train_face_models",
        lambda faces, seed, kinds: seen.append(set(faces.table["person"])) or trained,
    )
    ingredients.measure_ingredients(photographs, tmp_path / "answers.parquet", **TINY)
    assert seen == [{f"p{i:02d}" for i in range(5)}, {f"p{i:02d}" for i in range(7)}]


# --- summary ---


def answers(right: dict[int, list[list[int]]], **about: object) -> pd.DataFrame:
    """Rows as `right` makes them, from each seed's answers by person."""
    rows = [
        {
            "without": "nothing",
            "people": 50,
            "seed": seed,
            "data": "a",
            "choice": "open",
        }
        | {"person": f"q{who}", "right": bool(value), **about}
        for seed, by_person in right.items()
        for who, values in enumerate(by_person)
        for value in values
    ]
    return pd.DataFrame(rows)[ANSWER_COLUMNS]


def test_the_summary_of_a_worked_example():
    """Two people of two photographs: seed 0 gets 3 of 4 right, seed 1 gets 1."""
    table = answers({0: [[1, 1], [1, 0]], 1: [[1, 0], [0, 0]]})
    (row,) = ingredients.summarize(table).to_dict("records")
    assert row["value"] == pytest.approx((3 / 4 + 1 / 4) / 2)
    assert row["seeds"] == 2
    assert row["across_seeds"] == pytest.approx(np.std([3 / 4, 1 / 4], ddof=1))
    # One draw of two people in four is the first alone (3 of 4 right), one the second alone
    # (1 of 4): the interval ends there.
    assert (row["low"], row["high"]) == (1 / 4, 3 / 4)


def test_the_summary_has_a_row_for_each_condition():
    one = answers({0: [[1, 1], [1, 1]]}, choice="present")
    two = answers(
        {0: [[0, 0], [1, 0]], 1: [[0, 1], [1, 0]], 2: [[1, 1], [1, 0]]},
        without="texture",
        people=200,
    )
    found = ingredients.summarize(pd.concat([one, two], ignore_index=True))
    assert found[["without", "people", "choice"]].to_numpy().tolist() == [
        ["nothing", 50, "present"],
        ["texture", 200, "open"],
    ]
    assert found["value"].tolist() == pytest.approx([1, np.mean([1 / 4, 2 / 4, 3 / 4])])
    assert found["seeds"].tolist() == [1, 3]
    assert np.isnan(found["across_seeds"][0])
    assert found["low"][0] < 1 == found["high"][0]  # all right, of two people: others need not be
    assert (found["low"] <= found["value"]).all()
    assert (found["value"] <= found["high"]).all()


def test_the_figure_shows_everything_first_and_then_what_each_ingredient_is_worth():
    conditions = [
        ("texture", 200, "a"),
        ("nothing", 1000, "a"),
        ("nothing", 50, "b"),
        ("nothing", 50, "a"),
        ("wrinkles", 200, "a"),
    ]
    table = [
        answers({0: [[1, 0], [1, 1]]}, without=name, people=n, data=data)
        for name, n, data in conditions
    ]
    found = ingredients.ingredient_rows(ingredients.summarize(pd.concat(table, ignore_index=True)))
    assert found.columns.tolist() == ["name", "group", "value", "low", "high"]
    assert found[["name", "group"]].to_numpy().tolist() == [
        ["50 people", "b, open"],
        ["50 people", "a, open"],
        ["1000 people", "a, open"],
        ["without texture, 200", "a, open"],
        ["without wrinkles, 200", "a, open"],
    ]
    assert (found["value"] == 3 / 4).all()
