"""Expressions: their actions and action units, how they vary, and their course in time."""

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ferkit.labels import ACTION_UNITS, AU_NAMES, BASIC7, EMOTIONS
from ferkit.synthetic.expressions import (
    ACTION_UNIT_OF,
    IDLE,
    PROTOTYPES,
    Variation,
    action_units,
    blinks,
    course,
    expression,
    idle,
    sided,
)
from ferkit.synthetic.head import load_head

NAMES = load_head().action_names
WITHOUT_SIDE = {name.removesuffix("Left").removesuffix("Right") for name in NAMES}
FIXED = Variation(intensity=(1, 1), style=0, wobble=0, asymmetry=0, idle=0)  # nothing varies but the prototype
emotions, seeds = st.sampled_from(EMOTIONS), st.integers(0, 2**31)


def drawn(emotion: str, seed: int = 0, **options) -> np.ndarray:
    return expression(emotion, NAMES, np.random.default_rng(seed), **options)[0]


def amount(amounts: np.ndarray, action: str) -> float:
    return float(amounts[NAMES.index(action)])


# Prototypes


def test_every_emotion_has_prototypes_of_actions_the_head_has():
    assert set(PROTOTYPES) == set(EMOTIONS)
    for mixture in [IDLE, *(mixture for mixtures in PROTOTYPES.values() for mixture in mixtures)]:
        assert (sided(mixture, NAMES) >= 0).all()
        assert max(mixture.values(), default=0) <= 1
    assert set(ACTION_UNIT_OF) <= WITHOUT_SIDE
    assert set(ACTION_UNIT_OF.values()) <= set(AU_NAMES)


def test_unknown_actions_and_emotions_are_refused():
    with pytest.raises(ValueError, match="unknown facial action 'mouthSmlie'; known.*mouthSmileLeft"):
        sided({"mouthSmlie": 1}, NAMES)
    for wrong in ({"emotion": "joy"}, {"emotion": "anger", "complementary": "joy"}):
        with pytest.raises(ValueError, match="unknown emotion 'joy'; known: neutral, anger"):
            expression(names=NAMES, rng=np.random.default_rng(0), **wrong)
    for pair in (("neutral", "anger"), ("anger", "neutral")):
        with pytest.raises(ValueError, match="neutral is no part of a compound emotion"):
            drawn(pair[0], complementary=pair[1])


def test_an_action_without_side_is_done_by_both_and_one_with_a_side_alone():
    both, left = sided({"mouthSmile": 0.5, "jawOpen": 0.2}, NAMES), sided({"mouthSmileLeft": 0.5}, NAMES)
    assert amount(both, "mouthSmileLeft") == amount(both, "mouthSmileRight") == 0.5
    assert amount(both, "jawOpen") == 0.2
    assert left.sum() == amount(left, "mouthSmileLeft") == 0.5


@pytest.mark.parametrize(
    ("emotion", "units"),
    [
        ("happiness", {6, 12}),
        ("surprise", {1, 2, 5, 26}),
        ("anger", {4}),
        ("disgust", {9}),
        ("fear", {1, 4, 5, 20}),
        ("sadness", {1, 15}),
        ("contempt", {12, 14}),
    ],
)
def test_emotions_at_full_strength_show_their_action_units(emotion, units):
    shown = [set(action_units(sided(mixture, NAMES), NAMES)) for mixture in PROTOTYPES[emotion]]
    assert all(units <= one for one in shown)
    # The head has no lip tightener: anger presses its lips (24). Fear's tightened lids would undo its wide eyes.
    left_out = {"anger": {23}, "fear": {7}}.get(emotion, set())
    assert set(ACTION_UNITS[emotion]) - left_out <= set.union(*shown)


def test_neutral_shows_no_action_unit_and_lips_part_with_the_jaw():
    assert action_units(drawn("neutral", variation=FIXED), NAMES) == ()
    assert action_units(sided({"jawOpen": 0.5}, NAMES), NAMES) == (25, 26)
    assert action_units(sided({"mouthSmileLeft": 0.5, "browInnerUp": 0.14}, NAMES), NAMES) == (12,)


# Variation


@settings(max_examples=100)
@given(emotions, seeds, seeds)
def test_amounts_stay_in_their_range(emotion, seed, who):
    amounts, intensity = expression(emotion, NAMES, np.random.default_rng(seed), person_seed=who)
    assert amounts.shape == (52,)
    assert (amounts >= 0).all()
    assert (amounts <= 1.1).all()
    low, high = (0, 0) if emotion == "neutral" else Variation().intensity
    assert low <= intensity <= high
    assert (amounts == drawn(emotion, seed, person_seed=who)).all()


@settings(max_examples=60)
@given(emotions, seeds, st.floats(0.1, 1))
def test_with_everything_off_a_prototype_is_shown_at_the_intensity_asked_for(emotion, seed, strength):
    amounts = drawn(emotion, seed, intensity=strength, variation=FIXED)
    shown = [sided(mixture, NAMES) for mixture in PROTOTYPES[emotion]]
    shown += [mirrored(one) for one in shown]
    assert any(np.allclose(amounts, strength * one) for one in shown)


def mirrored(amounts: np.ndarray) -> np.ndarray:
    swap = {"Left": "Right", "Right": "Left"}
    twin = [next((n[: -len(s)] + swap[s] for s in swap if n.endswith(s)), n) for n in NAMES]
    return amounts[[NAMES.index(name) for name in twin]]


@pytest.mark.parametrize("name", ["style", "wobble", "asymmetry", "idle", "intensity"])
def test_each_field_of_variation_does_something_alone(name):
    """With one field on, what it varies differs; with all off, one prototype is always the same."""
    usual = getattr(Variation(), name)
    some = replace(FIXED, **{name: usual})
    varied, fixed = (
        {drawn("happiness", seed, person_seed=seed, variation=variation).round(6).tobytes() for seed in range(12)}
        for variation in (some, FIXED)
    )
    assert len(varied) == 12
    assert len(fixed) <= len(PROTOTYPES["happiness"])
    assert {f.name for f in fields(Variation)} == {"intensity", "style", "wobble", "asymmetry", "idle"}


def test_style_belongs_to_the_person():
    styled = replace(FIXED, style=0.5)
    first, again, other = (drawn("surprise", 5, person_seed=who, variation=styled) for who in (1, 1, 2))
    assert (first == again).all()
    assert np.abs(first - other).max() > 0.05


def test_left_and_right_differ_but_not_on_average():
    amounts = [drawn("happiness", seed, variation=replace(FIXED, asymmetry=0.12)) for seed in range(600)]
    ratio = np.log([amount(a, "mouthSmileLeft") / amount(a, "mouthSmileRight") for a in amounts])
    error = ratio.std() / np.sqrt(len(ratio))
    assert abs(ratio.mean()) < 4 * error
    assert ratio.std() == pytest.approx(0.12 * np.sqrt(2), rel=0.15)


def test_contempt_is_on_one_side_and_either_side_is_as_likely():
    amounts = [drawn("contempt", seed, variation=FIXED) for seed in range(200)]
    left, right = (np.array([amount(a, "mouthDimple" + side) for a in amounts]) for side in ("Left", "Right"))
    assert ((left == 0) != (right == 0)).all()
    assert 70 < (left > 0).sum() < 130


def test_the_first_prototype_is_the_most_frequent():
    for emotion in BASIC7:
        first = sided(PROTOTYPES[emotion][0], NAMES)
        shown = [drawn(emotion, seed, variation=FIXED) for seed in range(200)]
        share = np.mean([np.allclose(a, first) or np.allclose(a, mirrored(first)) for a in shown])
        assert 0.4 < share < 0.6


def test_idle_activity_is_small_and_partly_a_habit():
    def of(who: int, seed: int) -> np.ndarray:
        return idle(NAMES, np.random.default_rng(seed), 1.0, who)

    activity = np.array([[of(who, 100 * who + k) for k in range(10)] for who in range(30)])
    assert (activity >= 0).all()
    assert activity.max() < 0.5
    between, within = activity.mean(1).var(0).sum(), activity.var(1).mean(0).sum()
    assert between > 0.3 * within, "people differ at rest by more than chance"
    assert (idle(NAMES, np.random.default_rng(0), 0.0, 1) == 0).all()


# Compound emotions


@settings(max_examples=30)
@given(st.sampled_from(BASIC7), seeds)
def test_an_emotion_compounded_with_itself_is_itself(emotion, seed):
    assert (drawn(emotion, seed, complementary=emotion) == drawn(emotion, seed)).all()


@pytest.mark.parametrize("dominant", BASIC7)
def test_a_compound_shows_both_parts_and_the_dominant_one_more(dominant):
    for other in BASIC7:
        if other != dominant:
            amounts = np.mean([drawn(dominant, s, complementary=other, variation=FIXED) for s in range(40)], axis=0)
            parts = [np.mean([drawn(e, s, variation=FIXED) for s in range(40)], axis=0) for e in (dominant, other)]
            more = [parts[0] > parts[1] + 0.1, parts[1] > parts[0] + 0.1]
            assert (amounts[more[1]] > parts[0][more[1]]).all(), "the complementary emotion is seen"
            shares = [(amounts[m] / part[m]).mean() for m, part in zip(more, parts, strict=True)]
            assert shares[0] > shares[1], "and the dominant one is nearer to its full strength"
            assert amounts.max() <= 1.0, "actions saturate"


# Time


@settings(max_examples=60)
@given(st.integers(6, 60), seeds)
def test_an_onset_rises_from_nothing_to_the_apex(frames, seed):
    strength = course(frames, np.random.default_rng(seed))
    assert strength.shape == (frames,)
    assert strength[0] == 0
    assert strength[-1] == 1
    assert (np.diff(strength) >= 0).all()


@settings(max_examples=60)
@given(st.integers(12, 60), seeds)
def test_a_course_with_a_way_back_rises_once_and_falls_once(frames, seed):
    strength = course(frames, np.random.default_rng(seed), back=True)
    assert strength[0] == 0
    assert strength[-1] < 0.01
    peak = int(strength.argmax())
    assert strength[peak] > 0.9
    assert 0.25 * frames < peak < 0.75 * frames
    assert (np.diff(strength[: peak + 1]) >= 0).all()
    assert (np.diff(strength[peak:]) <= 0).all()


def test_courses_differ_and_change_smoothly():
    courses = np.array([course(40, np.random.default_rng(seed)) for seed in range(20)])
    assert len({c.tobytes() for c in courses}) == 20
    assert np.diff(courses).max() < 0.12
    assert course(1, np.random.default_rng(0)).shape == (1,)


@settings(max_examples=60)
@given(st.integers(1, 60), seeds)
def test_blinks_are_short_and_can_be_switched_off(frames, seed):
    assert (blinks(frames, np.random.default_rng(seed), rate=0) == 0).all()
    shut = blinks(frames, np.random.default_rng(seed), rate=1)
    assert shut.shape == (frames,)
    if frames > 4:
        assert shut.max() == 1
        assert (shut > 0.3).sum() <= 3
    else:
        assert (shut == 0).all()


def test_about_a_third_of_sequences_have_a_blink():
    share = np.mean([blinks(20, np.random.default_rng(seed)).any() for seed in range(400)])
    assert share == pytest.approx(0.35, abs=0.08)
