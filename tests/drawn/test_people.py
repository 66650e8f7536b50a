"""People: reproducible, all different, evenly distributed; emotions in landmarks."""

from dataclasses import fields, replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import GroupKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from ferkit.core.labels import BASIC7, SEVEN
from ferkit.core.landmarks import five_points, inter_ocular, residuals
from ferkit.drawn import shape as module
from ferkit.drawn.expressions import DAILY, Variation, sample_expression
from ferkit.drawn.hair import HAIR_STYLES
from ferkit.drawn.head import HEAD_PARTS, load_head
from ferkit.drawn.landmarks import landmark_points
from ferkit.drawn.people import (
    GREY_HAIR,
    HAIR_COLOURS,
    IRIS_COLOURS,
    SKIN_COLOURS,
    Person,
    make_person,
)
from ferkit.drawn.shape import INSIDE_SHIFT, LIP_OVERLAP, close_lips, neutral_shape

HEAD = load_head()
MANY = 300

# Where each field lies, as `Person` says; "mostly" within is five standard deviations here.
RANGES = {
    "sex": (0, 1), "age": (18, 80), "weight": (0, 1), "melanin": (0, 1), "redness": (0, 1),
    "hairline": (-5, 2.5), "hair_volume": (0, 1.8), "beard": (0, 1), "lip_colour": (0.1, 1),
    "brow_thickness": (0.15, 0.65), "brow_density": (0.3, 1), "brow_height": (-0.6, 0.6),
    "brow_arch": (0, 0.7),
    "freckles": (0, 1), "roughness": (0.05, 1), "shine": (0, 1),
    "hair_length": (2, 18), "fringe": (0, 3.6), "parting": (-3.5, 3.5), "bald": (0, 1),
    "glasses": (0, 0.34), "glasses_shape": (0, 1), "glasses_height": (1.6, 2.2),
    "neckline": (-3, 4.5), "neck_v": (0, 1.3), "eye_shadow": (0, 1),
}  # fmt: skip


WITHOUT_RANGE = {
    "seed",
    "ancestry",
    "local",
    "iris",
    "hair",
    "hair_style",
    "glasses_colour",
    "shirt",
    "matched",
}


def flat(points: torch.Tensor) -> np.ndarray:
    """Landmarks `(68, 2)` of a face `(V, 3)`, seen straight from the front."""
    return landmark_points(points)[:, :2].numpy().astype(float)


def centred(points: np.ndarray) -> np.ndarray:
    """Landmarks `(N, 68, 2)` from the middle of the eyes, in inter-ocular distances."""
    eyes = five_points(points)[:, :2].mean(1, keepdims=True)
    return (points - eyes) / inter_ocular(points)[:, None, None]


@pytest.fixture(scope="session")
def crowd() -> np.ndarray:
    """The neutral landmarks `(MANY, 68, 2)` of the first people, in centimetres."""
    return np.stack([flat(neutral_shape(make_person(seed, HEAD), HEAD)) for seed in range(MANY)])


def same(a: Person, b: Person) -> bool:
    return a == b and bool((a.local == b.local).all())


@settings(max_examples=40)
@given(st.integers(0, 2**31))
def test_every_seed_is_one_person_within_the_ranges(seed):
    who = make_person(seed, HEAD)
    assert same(who, make_person(seed, HEAD))
    assert not same(who, replace(make_person(seed + 1, HEAD), seed=seed))
    for name, (low, high) in RANGES.items():
        assert low <= getattr(who, name) <= high, name
    assert sum(who.ancestry) == pytest.approx(1)
    assert min(who.ancestry) >= 0
    assert who.local.shape == (len(HEAD.local_names),)
    assert np.abs(who.local).max() <= 1
    assert (who.beard == 0) or who.sex > 0.5
    for colour, ends in ((who.iris, IRIS_COLOURS), (who.hair, (*HAIR_COLOURS, GREY_HAIR))):
        assert (np.min(ends, 0) - 1e-9 <= colour).all()
        assert (colour <= np.max(ends, 0) + 1e-9).all()
    shape = neutral_shape(who, HEAD)
    assert shape.isfinite().all()
    ears, chin_to_nose = np.ptp(flat(shape)[[0, 16], 0]), np.ptp(flat(shape)[[8, 27], 1])
    assert 10 < ears < 20
    assert 7 < chin_to_nose < 18


def test_the_table_of_ranges_is_whole():
    assert set(RANGES) == {f.name for f in fields(Person)} - WITHOUT_RANGE
    assert {make_person(seed, HEAD).hair_style for seed in range(MANY)} == set(HAIR_STYLES)


def test_nobody_has_a_double(crowd):
    """The most similar two of 300 people differ by over 1 % of the eyes' distance."""
    points = centred(crowd)
    apart = np.stack([np.linalg.norm(points - one, axis=2).mean(1) for one in points])
    np.fill_diagonal(apart, np.inf)
    assert apart.min() > 0.01
    nearest = np.median(apart.min(1))
    assert nearest > 0.02
    assert np.median(apart[np.isfinite(apart)]) > 1.5 * nearest, "a population, not a few types"


def test_a_thousand_people_cover_every_skin_tone_evenly():
    for first in (0, 20_000):
        people = [make_person(seed, HEAD) for seed in range(first, first + 1000)]
        tones = np.histogram([who.melanin for who in people], 10, (0, 1))[0]
        assert 80 <= tones.min() <= tones.max() <= 120
        assert len({who.melanin for who in people}) == 1000
        assert 0.45 < np.mean([who.sex > 0.5 for who in people]) < 0.55
        assert np.histogram([who.age for who in people], 4, (18, 80))[0].min() > 10


def test_skin_darkens_evenly_with_melanin():
    who = replace(make_person(0, HEAD), redness=0.0)
    tones = np.array([replace(who, melanin=m).skin for m in np.linspace(0, 1, 9)])
    np.testing.assert_allclose(tones[[0, -1]], SKIN_COLOURS)
    steps = tones[1:] / tones[:-1]
    assert (steps < 1).all()
    np.testing.assert_allclose(steps, np.broadcast_to(steps[0], steps.shape))


def test_faces_are_nearly_but_not_quite_symmetric():
    names = list(HEAD.local_names)
    left = [i for i, name in enumerate(names) if name.startswith("l-")]
    right = [names.index("r" + names[i][1:]) for i in left]
    pairs = np.array([make_person(seed, HEAD).local[[left, right]] for seed in range(50)])
    gap = np.abs(pairs[:, 0] - pairs[:, 1])
    assert 0.02 < gap.mean() < 0.1
    assert np.corrcoef(pairs[:, 0].ravel(), pairs[:, 1].ravel())[0, 1] > 0.9


def test_age_sex_and_weight_change_the_shape():
    who = replace(make_person(1, HEAD), age=30.0, sex=0.1, weight=0.4, ancestry=(0.2, 0.3, 0.5))
    shape = neutral_shape(who, HEAD)
    for knob, value in (
        ("age", 80.0),
        ("sex", 0.9),
        ("weight", 0.9),
        ("ancestry", (0.9, 0.1, 0.0)),
    ):
        moved = (neutral_shape(replace(who, **{knob: value}), HEAD) - shape).norm(dim=1)
        assert moved.max() > 0.1, knob


# Emotions in landmarks


@pytest.mark.parametrize("classes", [SEVEN, BASIC7], ids=["with neutral", "with contempt"])
def test_classes_overlap_as_in_photographs_and_less_without_the_person(crowd, classes):
    """A linear SVM tested on 60 new people does better on residuals than on landmarks."""
    vertices_moved = torch.stack([landmark_points(action) for action in HEAD.actions])[
        ..., :2
    ].numpy()
    points, labels, people = [], [], []
    for who in range(60):
        rng = np.random.default_rng([who, 9])
        for emotion in classes:
            amounts, _ = sample_expression(
                emotion, HEAD.action_names, rng, person_seed=who, variation=Variation(DAILY)
            )
            points.append(crowd[who] + np.tensordot(amounts, vertices_moved, 1))
            labels.append(emotion)
            people.append(who)
    raw, groups = centred(np.array(points)), np.array(people)
    accuracy = []
    for kind in (raw, residuals(raw, groups)):
        classifier = make_pipeline(StandardScaler(), LinearSVC(C=0.01))
        features = kind.reshape(len(kind), -1)
        accuracy.append(
            cross_val_score(classifier, features, labels, groups=groups, cv=GroupKFold(5)).mean()
        )
    assert 0.6 < accuracy[0] < 0.92
    assert accuracy[1] > accuracy[0] + 0.05


# The mouth


UPPER, LOWER = [61, 62, 63], [67, 66, 65]  # the lips' inner edges, from the right


def test_everybodys_lips_are_closed_at_rest():
    """Closed lips overlap a little, so no bright line shows between them."""
    points = np.stack([flat(neutral_shape(make_person(seed, HEAD), HEAD)) for seed in range(30)])
    gap = points[:, LOWER, 1] - points[:, UPPER, 1]
    assert np.abs(gap + LIP_OVERLAP).max() < 0.03
    assert np.abs(gap).max() < 0.2
    assert (
        np.abs(points[:, UPPER, 1] - points[:, [60, 64], 1].mean(1, keepdims=True)).max() < 0.2
    ), "level with the corners"


def test_closing_lips_moves_what_the_action_moves_and_only_up_or_down():
    close = HEAD.actions[HEAD.action_names.index("mouthClose")][:, 1]
    up = [
        HEAD.actions[HEAD.action_names.index(f"mouthUpperUp{side}")] for side in ("Left", "Right")
    ]
    apart = HEAD.rest + 0.5 * (up[0] + up[1])
    for points in (HEAD.rest, apart):
        moved = close_lips(points, HEAD) - points
        assert (moved[:, [0, 2]] == 0).all()
        assert (moved[close == 0] == 0).all()
        assert moved[:, 1].abs().max() > 0.1
    gap = landmark_points(close_lips(apart, HEAD))[:, 1]
    assert float((gap[LOWER] - gap[UPPER] + LIP_OVERLAP).abs().max()) < 0.03


def test_closed_lips_stay_closed():
    once = close_lips(HEAD.rest, HEAD)
    torch.testing.assert_close(close_lips(once, HEAD), once, atol=0.05, rtol=0)  # centimetres


def test_the_mouths_inside_is_moved_and_nothing_else(monkeypatch):
    shifted = neutral_shape(make_person(3, HEAD), HEAD)
    monkeypatch.setattr(module, "INSIDE_SHIFT", {})
    moved = shifted - neutral_shape(make_person(3, HEAD), HEAD)
    expected = torch.zeros_like(moved)
    for part, shift in INSIDE_SHIFT.items():
        assert any(shift)
        expected[HEAD.faces[HEAD.part == HEAD_PARTS.index(part)].unique()] = torch.tensor(shift)
    torch.testing.assert_close(moved, expected, atol=1e-4, rtol=0)
