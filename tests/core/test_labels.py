import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferkit.core.labels import (
    BASIC7,
    COMPOUND,
    EMOTIONS,
    NEUTRAL,
    SEVEN,
    THREE,
    LabelSet,
    compound_code,
    compound_name,
    compound_names,
    compound_parts,
    to_three,
)
from ferkit.drawn.prototypes import AU_NAMES
from ferkit.papers.emotionaldan.related_landmarks import ACTION_UNITS, AU_LANDMARKS, RELATED

codes = st.integers(1, 7)
label_sets = st.lists(st.text(min_size=1), min_size=1, max_size=9, unique=True).map(
    lambda names: LabelSet(tuple(names))
)


def test_the_names_are_the_vocabulary():
    assert BASIC7 == ("anger", "contempt", "disgust", "fear", "happiness", "sadness", "surprise")
    assert set(SEVEN) == set(EMOTIONS) - {"contempt"}
    assert SEVEN[0] == EMOTIONS[0] == "neutral"


@given(label_sets, st.data())
def test_a_label_set_round_trips(labels, data):
    names = data.draw(st.lists(st.sampled_from(labels.names)))
    encoded = labels.encode(names)
    assert encoded.dtype == np.int64
    assert labels.decode(encoded) == names
    assert [labels.index(name) for name in labels] == list(range(len(labels)))


def test_a_label_set_refuses_what_is_not_its_class():
    labels = LabelSet(SEVEN)
    with pytest.raises(ValueError, match="'contempt' is not a class of this experiment"):
        labels.encode(["anger", "contempt"])
    with pytest.raises(ValueError, match="'Anger' is not a class"):
        labels.index("Anger")
    with pytest.raises(ValueError, match="list of names"):
        labels.encode("anger")
    for outside in (-1, 7):
        with pytest.raises(ValueError, match=r"0\.\.6"):
            labels.decode([0, outside])


@pytest.mark.parametrize("names", [(), ("anger", "anger"), "anger"])
def test_a_label_set_needs_different_names(names):
    with pytest.raises(ValueError, match="label set"):
        LabelSet(names)


def test_a_label_set_takes_any_sequence_and_is_hashable():
    assert LabelSet(list(SEVEN)) == LabelSet(SEVEN)
    assert {LabelSet(SEVEN): 1}[LabelSet(SEVEN)] == 1


def test_the_papers_worked_example():
    disgust, sadness = BASIC7.index("disgust") + 1, BASIC7.index("sadness") + 1
    assert (disgust, sadness) == (3, 6)
    assert compound_code(3, 6) == 20
    assert compound_parts(20) == (3, 6)
    assert COMPOUND.decode([20]) == ["disgust+sadness"]


@given(st.lists(st.tuples(codes, codes), min_size=1))
def test_arrays_and_scalars_agree(pairs):
    c, d = np.array(pairs, dtype=np.uint8).T
    n = compound_code(c, d)
    assert (
        n.tolist()
        == [compound_code(*pair) for pair in pairs]
        == [7 * (a - 1) + b for a, b in pairs]
    )
    assert [tuple(parts) for parts in np.transpose(compound_parts(n)).tolist()] == pairs


def test_the_fifty_classes_are_one_to_one():
    everything = np.arange(50)
    assert np.array_equal(compound_code(*compound_parts(everything)), everything)
    table = compound_code(np.arange(1, 8)[:, None], np.arange(1, 8))
    assert sorted(table.ravel().tolist()) == list(range(1, 50))
    assert compound_code(0, 0) == NEUTRAL
    assert isinstance(compound_code(1, 1), int)


@pytest.mark.parametrize(
    ("c", "d"),
    [
        (0, 7),
        (1, 0),
        (8, 1),
        (1, 8),
        (-1, 3),
        ([1, 2], [3, 9]),
        (1.0, 2),
        ("3", 6),
        (True, 2),
        (None, 2),
        ([0, 1], 1),
    ],
)
def test_codes_out_of_range_are_refused(c, d):
    with pytest.raises(ValueError, match=r"1\.\.7|0\.\.7"):
        compound_code(c, d)


@pytest.mark.parametrize("n", [-1, 50, [3, 50], 2.5, "20", np.nan])
def test_classes_out_of_range_are_refused(n):
    with pytest.raises(ValueError, match=r"0\.\.49"):
        compound_parts(n)


def test_compound_names_stand_in_the_order_of_their_codes():
    names = compound_names()
    assert len(set(names)) == len(COMPOUND) == 50
    assert names[0] == "neutral"
    assert names[compound_code(1, 1)] == "anger"
    assert names[compound_code(1, 2)] == "anger+contempt"
    for n in range(1, 50):
        c, d = compound_parts(n)
        assert COMPOUND.index(compound_name(BASIC7[c - 1], BASIC7[d - 1])) == n


def test_a_compound_name_from_a_clip():
    assert compound_name(None, "neutral") == "neutral"
    assert compound_name(None, "fear") == compound_name("fear", "fear") == "fear"
    with pytest.raises(ValueError, match="neutral cannot be part"):
        compound_name("neutral", "fear")
    with pytest.raises(ValueError, match="unknown emotion 'joy'"):
        compound_name("joy", "fear")


def test_seven_to_three():
    groups = {three: {e for e in EMOTIONS if to_three(e) == three} for three in (*THREE, None)}
    assert groups["negative"] == {"anger", "disgust", "fear", "sadness"}
    assert groups["positive"] == {"happiness", "contempt"}
    assert groups["neutral"] == {"neutral"}
    assert groups[None] == {"surprise"}
    with pytest.raises(ValueError, match="unknown emotion 'joy'"):
        to_three("joy")


def test_action_units_are_named():
    assert set(ACTION_UNITS) == set(EMOTIONS)
    assert {unit for units in ACTION_UNITS.values() for unit in units} <= set(AU_NAMES)
    assert set(AU_LANDMARKS) == {unit for e in RELATED["as_paper"] for unit in ACTION_UNITS[e]}


def test_related_landmarks_as_the_paper_lists_them():
    related = RELATED["as_paper"]
    assert related["happiness"] == (1, 2, 14, 15, 48, 49, 53, 54, 55, 59, 60, 64)
    assert related["surprise"] == (*range(17, 27), 37, 38, 39, 42, 43, 44, *range(55, 68))
    assert {emotion: len(points) for emotion, points in related.items()} == {
        "happiness": 12,
        "sadness": 18,
        "surprise": 29,
        "fear": 33,
        "disgust": 20,
        "anger": 36,
    }


SHARES = {  # table 5: conv4a, conv4b
    "happiness": (0.375, 0.312),
    "sadness": (0.455, 0.409),
    "surprise": (0.522, 0.478),
    "fear": (0.633, 0.6),
    "disgust": (0.214, 0.429),
    "anger": (0.647, 0.559),
}


def is_share(share, size):
    return any(abs(hits / size - share) < 0.00051 for hits in range(size + 1))


def test_only_the_authors_code_gives_the_shares_of_table_5():
    for emotion, shares in SHARES.items():
        assert all(is_share(share, len(RELATED["as_authors_code"][emotion])) for share in shares), (
            emotion
        )
    fits = [
        all(is_share(share, len(RELATED["as_paper"][e])) for share in shares)
        for e, shares in SHARES.items()
    ]
    assert not any(fits)


@pytest.mark.parametrize("version", ["as_paper", "as_authors_code"])
def test_related_landmarks_are_landmarks(version):
    assert list(RELATED[version]) == list(SHARES)
    for points in RELATED[version].values():
        assert list(points) == sorted(set(points))
        assert 0 <= points[0] <= points[-1] <= 67
