"""Expressions: their actions and action units, how they vary, and their course in time."""

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ferkit.core.labels import BASIC7, EMOTIONS
from ferkit.drawn.expressions import (
    DAILY,
    POSED,
    Variation,
    action_amounts,
    action_units,
    sample_blinks,
    sample_course,
    sample_expression,
    sample_idle,
)
from ferkit.drawn.head import load_head
from ferkit.drawn.prototypes import (
    ACTION_UNIT_OF,
    AU_NAMES,
    EXPRESSIONS,
    IDLE_ACTIVITY,
    UNITS,
)
from ferkit.papers.emotionaldan.related_landmarks import ACTION_UNITS

NAMES = load_head().action_names
WITHOUT_SIDE = {name.removesuffix("Left").removesuffix("Right") for name in NAMES}
MAXIMUM = (0.0, 0.0, 0.0, 0.0, 1.0)
# Nothing varies but the prototype, its action units and, a little, the intensity.
FIXED = Variation(intensity=MAXIMUM, style=0, wobble=0, asymmetry=0, idle=0)
emotions, seeds = st.sampled_from(EMOTIONS), st.integers(0, 2**31)


def drawn(emotion: str, seed: int = 0, **options) -> np.ndarray:
    return sample_expression(emotion, NAMES, np.random.default_rng(seed), **options)[0]


def amount(amounts: np.ndarray, action: str) -> float:
    return float(amounts[NAMES.index(action)])


# Prototypes


def test_every_emotion_has_prototypes_of_units_the_head_can_show():
    assert set(EXPRESSIONS) == set(EMOTIONS)
    for mixture in [IDLE_ACTIVITY, *UNITS.values()]:
        assert (action_amounts(mixture, NAMES) >= 0).all()
        assert max(mixture.values(), default=0) <= 1
    for prototypes in EXPRESSIONS.values():
        assert sum(prototype.share for prototype in prototypes) == pytest.approx(1)
        for prototype in prototypes:
            assert set(prototype.strength) <= set(prototype.units) <= set(UNITS)
            assert all(0 < share <= 1 for share in prototype.units.values())
    assert set(ACTION_UNIT_OF) <= WITHOUT_SIDE
    assert set(ACTION_UNIT_OF.values()) | set(UNITS) <= set(AU_NAMES)


@pytest.mark.parametrize(
    ("emotion", "always", "shares"),
    [
        ("happiness", {12}, {}),
        ("sadness", {15}, {6: 0.5, 11: 0.26}),
        ("fear", {1, 4, 20, 25}, {2: 0.57, 26: 0.33}),
        ("anger", {4, 7}, {10: 0.26, 17: 0.52, 23: 0.29}),
        ("surprise", {1, 2, 25, 26}, {5: 0.66}),
        ("disgust", {9, 10, 17}, {4: 0.31, 24: 0.26}),
    ],
)
def test_units_are_shown_by_about_the_published_share_of_posers(emotion, always, shares):
    """Du, Tao and Martinez 2014, table 1: some by more than 70 %, others by the share given."""
    first = EXPRESSIONS[emotion][0].units
    assert all(first[unit] >= 0.7 for unit in always)
    assert all(first[unit] == pytest.approx(share, abs=0.3) for unit, share in shares.items())


def test_unknown_actions_and_emotions_are_refused():
    with pytest.raises(
        ValueError, match="unknown facial action 'mouthSmlie'; known.*mouthSmileLeft"
    ):
        action_amounts({"mouthSmlie": 1}, NAMES)
    for wrong in ({"emotion": "joy"}, {"emotion": "anger", "complementary": "joy"}):
        with pytest.raises(ValueError, match="unknown emotion 'joy'; known: neutral, anger"):
            sample_expression(names=NAMES, rng=np.random.default_rng(0), **wrong)
    for pair in (("neutral", "anger"), ("anger", "neutral")):
        with pytest.raises(ValueError, match="neutral cannot be part of a compound emotion"):
            drawn(pair[0], complementary=pair[1])


def test_an_action_without_side_is_done_by_both_and_one_with_a_side_alone():
    both, left = (
        action_amounts({"mouthSmile": 0.5, "jawOpen": 0.2}, NAMES),
        action_amounts({"mouthSmileLeft": 0.5}, NAMES),
    )
    assert amount(both, "mouthSmileLeft") == amount(both, "mouthSmileRight") == 0.5
    assert amount(both, "jawOpen") == 0.2
    assert left.sum() == amount(left, "mouthSmileLeft") == 0.5


@pytest.mark.parametrize(
    ("emotion", "units"),
    [
        ("happiness", {6, 12}),
        ("surprise", {1, 2, 5, 26}),
        ("anger", {4, 7}),
        ("disgust", {7, 9, 10}),
        ("fear", {1, 4, 5, 20}),
        ("sadness", {1, 15, 17}),
        ("contempt", {14}),
    ],
)
def test_most_people_show_an_emotions_action_units(emotion, units):
    shown = [set(action_units(drawn(emotion, seed), NAMES)) for seed in range(200)]
    for unit in units:
        assert np.mean([unit in one for one in shown]) > 0.5
    # The head has no lip tightener, so anger presses its lips (24).
    # Tightened lids would undo the wide eyes of fear.
    left_out = {"anger": {23}, "fear": {7}}.get(emotion, set())
    assert set(ACTION_UNITS[emotion]) - left_out <= set.union(*shown)


def test_neutral_shows_no_action_unit_and_lips_part_with_the_jaw():
    assert action_units(drawn("neutral", variation=FIXED), NAMES) == ()
    assert action_units(action_amounts({"jawOpen": 0.5}, NAMES), NAMES) == (25, 26)
    assert action_units(
        action_amounts({"mouthSmileLeft": 0.5, "browInnerUp": 0.14}, NAMES), NAMES
    ) == (12,)


# Variation


@settings(max_examples=100)
@given(emotions, seeds, seeds)
def test_amounts_stay_in_their_range(emotion, seed, who):
    amounts, intensity = sample_expression(
        emotion, NAMES, np.random.default_rng(seed), person_seed=who
    )
    assert amounts.shape == (52,)
    assert (amounts >= 0).all()
    assert (amounts <= 1.1).all()
    low, high = (0, 0) if emotion == "neutral" else (0.4, 1)
    assert low <= intensity <= high
    assert (amounts == drawn(emotion, seed, person_seed=who)).all()


@settings(max_examples=60)
@given(emotions, seeds, st.floats(0.1, 1))
def test_with_everything_off_actions_are_as_strong_as_the_intensity_asked_for(
    emotion, seed, strength
):
    full = drawn(emotion, seed, intensity=1.0, variation=FIXED)
    amounts = drawn(emotion, seed, intensity=strength, variation=FIXED)
    np.testing.assert_allclose(amounts, strength * full, rtol=1e-9)
    assert full.max() <= 1


@pytest.mark.parametrize("levels", [POSED, DAILY, MAXIMUM])
def test_intensities_are_drawn_by_the_shares_of_their_levels(levels):
    only = replace(FIXED, intensity=levels)
    rng = np.random.default_rng(0)
    drawn_ones = [sample_expression("fear", NAMES, rng, variation=only)[1] for _ in range(3000)]
    counts, _ = np.histogram(drawn_ones, [0.05, 0.2, 0.4, 0.6, 0.8, 1.0])
    assert counts.sum() == 3000
    np.testing.assert_allclose(counts / 3000, levels, atol=0.04)


@pytest.mark.parametrize("name", ["style", "wobble", "asymmetry", "idle", "intensity"])
def test_each_field_of_variation_does_something_alone(name):
    """With one field on, the same draw differs; with all off, it is the same for all people."""
    usual = getattr(Variation(), name)
    some = replace(FIXED, **{name: usual})
    varied, fixed = (
        [
            drawn("happiness", 3, intensity=level, person_seed=who, variation=variation).sum()
            for who, level in [(0, None), (1, None), (0, 0.5)]
        ]
        for variation in (some, FIXED)
    )
    assert fixed[0] == fixed[1] > fixed[2]
    if name in ("style", "idle"):
        assert varied[0] != varied[1], "of the person"
    assert varied[0] != fixed[0]
    assert {f.name for f in fields(Variation)} == {
        "intensity",
        "style",
        "wobble",
        "asymmetry",
        "idle",
    }


def test_style_belongs_to_the_person():
    styled = replace(FIXED, style=0.5)
    first, again, other = (
        drawn("surprise", 5, person_seed=who, variation=styled) for who in (1, 1, 2)
    )
    assert (first == again).all()
    assert np.abs(first - other).max() > 0.05


def test_left_and_right_differ_but_not_on_average():
    amounts = [
        drawn("happiness", seed, variation=replace(FIXED, asymmetry=0.12)) for seed in range(600)
    ]
    ratio = np.log([amount(a, "mouthSmileLeft") / amount(a, "mouthSmileRight") for a in amounts])
    error = ratio.std() / np.sqrt(len(ratio))
    assert abs(ratio.mean()) < 4 * error
    assert ratio.std() == pytest.approx(0.12 * np.sqrt(2), rel=0.15)


def test_contempt_is_on_one_side_and_either_side_is_as_likely():
    amounts = [drawn("contempt", seed, variation=FIXED) for seed in range(200)]
    sides = [np.array([name.endswith(side) for name in NAMES]) for side in ("Left", "Right")]
    left, right = (np.array([a[side].sum() for a in amounts]) for side in sides)
    assert ((left == 0) != (right == 0)).all()
    assert 70 < (left > 0).sum() < 130


def test_prototypes_are_drawn_by_their_shares():
    """Shouting anger opens the jaw (27), the other one never does."""
    shouting = EXPRESSIONS["anger"][1]
    shown = [drawn("anger", seed, variation=FIXED) for seed in range(600)]
    share = np.mean([amount(a, "jawOpen") > 0.1 for a in shown])
    assert share == pytest.approx(shouting.share * shouting.units[27], abs=0.06)


def test_idle_activity_is_small_and_partly_a_habit():
    def of(who: int, seed: int) -> np.ndarray:
        return sample_idle(NAMES, np.random.default_rng(seed), 1.0, who)

    activity = np.array([[of(who, 100 * who + k) for k in range(10)] for who in range(30)])
    assert (activity >= 0).all()
    assert activity.max() < 0.5
    between, within = activity.mean(1).var(0).sum(), activity.var(1).mean(0).sum()
    assert between > 0.3 * within, "people differ at rest by more than chance"
    assert (sample_idle(NAMES, np.random.default_rng(0), 0.0, 1) == 0).all()


# Compound emotions


@settings(max_examples=30)
@given(st.sampled_from(BASIC7), seeds)
def test_an_emotion_compounded_with_itself_is_itself(emotion, seed):
    assert (drawn(emotion, seed, complementary=emotion) == drawn(emotion, seed)).all()


@pytest.mark.parametrize("dominant", BASIC7)
def test_a_compound_shows_both_parts_and_the_dominant_one_more(dominant):
    for other in BASIC7:
        if other != dominant:
            amounts = np.mean(
                [drawn(dominant, s, complementary=other, variation=FIXED) for s in range(40)],
                axis=0,
            )
            parts = [
                np.mean([drawn(e, s, variation=FIXED) for s in range(40)], axis=0)
                for e in (dominant, other)
            ]
            more = [parts[0] > parts[1] + 0.1, parts[1] > parts[0] + 0.1]
            assert (amounts[more[1]] > parts[0][more[1]]).all(), "the complementary emotion is seen"
            shares = [(amounts[m] / part[m]).mean() for m, part in zip(more, parts, strict=True)]
            assert shares[0] > shares[1], "and the dominant one is nearer to its full strength"
            assert amounts.max() <= 1.0, "actions saturate"


# Time


@settings(max_examples=60)
@given(st.integers(6, 60), seeds)
def test_an_onset_rises_from_nothing_to_the_apex(frames, seed):
    strength = sample_course(frames, np.random.default_rng(seed))
    assert strength.shape == (frames,)
    assert strength[0] == 0
    assert strength[-1] == 1
    assert (np.diff(strength) >= 0).all()


@settings(max_examples=60)
@given(st.integers(12, 60), seeds)
def test_a_course_with_a_way_back_rises_once_and_falls_once(frames, seed):
    strength = sample_course(frames, np.random.default_rng(seed), back=True)
    assert strength[0] == 0
    assert strength[-1] < 0.01
    peak = int(strength.argmax())
    assert strength[peak] > 0.9
    assert 0.25 * frames < peak < 0.75 * frames
    assert (np.diff(strength[: peak + 1]) >= 0).all()
    assert (np.diff(strength[peak:]) <= 0).all()


def test_courses_differ_and_change_smoothly():
    courses = np.array([sample_course(40, np.random.default_rng(seed)) for seed in range(20)])
    assert len({c.tobytes() for c in courses}) == 20
    assert np.diff(courses).max() < 0.12
    assert sample_course(1, np.random.default_rng(0)).shape == (1,)


@settings(max_examples=60)
@given(st.integers(1, 60), seeds)
def test_blinks_are_short_and_can_be_switched_off(frames, seed):
    assert (sample_blinks(frames, np.random.default_rng(seed), chance=0) == 0).all()
    shut = sample_blinks(frames, np.random.default_rng(seed), chance=1)
    assert shut.shape == (frames,)
    if frames > 4:
        assert shut.max() == 1
        assert (shut > 0.3).sum() <= 3
    else:
        assert (shut == 0).all()


def test_about_a_third_of_sequences_have_a_blink():
    share = np.mean([sample_blinks(20, np.random.default_rng(seed)).any() for seed in range(400)])
    assert share == pytest.approx(0.35, abs=0.08)
