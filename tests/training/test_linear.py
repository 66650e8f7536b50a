from pathlib import Path

import numpy as np
import pytest
from face_samples import NAMES, face, samples
from hypothesis import given
from hypothesis import strategies as st
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from ferkit.core import landmarks as scheme
from ferkit.core.landmarks import flatten, mean_face_residuals, person_residuals
from ferkit.data.clip import Clip
from ferkit.data.folds import fold_held_out, folds_random
from ferkit.training.linear import (
    cross_validate,
    fit_classifier,
    hog_features,
    hog_ridge,
    linear_ridge,
    linear_softmax,
    linear_svm,
    listed_folds,
    random_folds,
    scores_of,
    train_test,
)


def test_answers_on_some_samples_keep_their_people():
    points, labels, people = samples()
    whole = cross_validate(flatten(points), labels, people, 3)
    part = whole.select(people == "p03")
    assert set(part.people) == {"p03"}
    assert np.array_equal(part.correct(), whole.correct()[people == "p03"])
    assert part.names == whole.names


# --- features ---


def test_raw_is_x_and_y_of_each_point_in_turn():
    points = np.stack([face(0), face(1)])
    assert flatten(points).shape == (2, 136)
    assert np.array_equal(
        flatten(points)[1, [0, 1, 134, 135]], points[1, [0, 0, 67, 67], [0, 1, 0, 1]]
    )


def test_residuals_forget_who_it_is():
    points, _, people = samples()
    own = {
        name: np.random.default_rng(i).normal(0, 50, (68, 2))
        for i, name in enumerate(np.unique(people))
    }
    others = points + np.stack([own[name] for name in people])
    assert np.allclose(person_residuals(others, people), person_residuals(points, people))
    assert np.array_equal(
        person_residuals(points, people), scheme.residuals(points, people).reshape(-1, 136)
    )


@given(st.floats(0.3, 3), st.floats(-3, 3), st.floats(-200, 200), st.floats(-200, 200))
def test_centred_forgets_place_size_and_angle(size, angle, x, y):
    cos, sin = size * np.cos(angle), size * np.sin(angle)
    moved = face(1) @ np.array([[cos, sin], [-sin, cos]]) + (x, y)
    assert np.allclose(
        mean_face_residuals(moved[None], face(0)),
        mean_face_residuals(face(1)[None], face(0)),
        atol=1e-6,
    )
    assert np.allclose(mean_face_residuals(moved[None], face(1)), 0, atol=1e-6)


def test_centred_is_what_least_squares_leaves():
    mean, points = face(0), face(1)
    x, y, one, none = points[:, 0], points[:, 1], np.ones(68), np.zeros(68)
    equations = np.concatenate([np.stack([x, -y, one, none], 1), np.stack([y, x, none, one], 1)])
    solution = np.linalg.lstsq(equations, mean.T.ravel(), rcond=None)[0]
    left = (equations @ solution - mean.T.ravel()).reshape(2, 68).T
    assert np.allclose(mean_face_residuals(points[None], mean)[0], left.ravel())


@pytest.mark.parametrize(
    ("points", "message"),
    [
        (np.zeros((68, 2)), r"expected landmarks \(N, 68, 2\), got \(68, 2\)"),
        (np.zeros((3, 49, 2)), "expected landmarks"),
        (
            np.stack([face(), np.full((68, 2), np.nan)]),
            "1 of 2 faces have no landmarks .NaN., first 1",
        ),
    ],
)
def test_what_is_no_face_is_refused(points, message):
    for feature in (
        flatten,
        lambda p: mean_face_residuals(p, face()),
        lambda p: person_residuals(p, ["a"] * len(p)),
    ):
        with pytest.raises(ValueError, match=message):
            feature(points)


# --- classifiers ---


@pytest.mark.parametrize("classifier", [linear_svm, linear_softmax])
@pytest.mark.parametrize("k", [2, 3])
def test_one_score_for_each_class_in_the_order_asked(classifier, k):
    points, labels, _ = samples()
    kept = np.isin(labels, NAMES[:k])
    features, labels = flatten(points)[kept], labels[kept]
    model = fit_classifier(classifier, None, features, labels)
    scores = scores_of(model, features, NAMES[:k])
    assert scores.shape == (len(labels), k)
    assert np.array_equal(np.array(NAMES)[scores.argmax(1)], model.predict(features))
    assert np.array_equal(scores[:, ::-1], scores_of(model, features, NAMES[:k][::-1]))


def test_the_svm_is_one_against_the_rest_with_squared_hinge():
    svm = linear_svm(0.5)[-1]
    settings = (svm.loss, svm.multi_class, svm.penalty, svm.C)
    assert settings == ("squared_hinge", "ovr", "l2", 0.5)


# --- folds ---


@given(
    st.lists(st.sampled_from("abcdefghij"), min_size=10, max_size=60),
    st.integers(2, 4),
    st.integers(0, 100),
)
def test_random_folds_keep_people_whole_and_parts_even(people, k, seed):
    people = np.array(people + list("abcd"))
    fold = random_folds(people, k, seed)
    assert all(len(set(fold[people == who])) == 1 for who in people)
    sizes = [len(set(people[fold == i])) for i in range(k)]
    assert max(sizes) - min(sizes) <= 1
    assert np.array_equal(fold, random_folds(people, k, seed))


def test_random_folds_need_people():
    with pytest.raises(ValueError, match="3 folds cannot be made of 2 people; choose 2 to 2"):
        random_folds(["a", "b", "b"], 3)
    with pytest.raises(ValueError, match="2 folds cannot be made of 1 person; give pictures of mo"):
        random_folds(["a", "a"], 2)
    with pytest.raises(ValueError, match="1 of 3 samples lack a person"):
        random_folds(["a", "b", None], 2)


def test_listed_folds_are_those_of_the_clips():
    clips = [Clip("drawn", f"p{i % 7}", f"n{i}", "fear", (Path(f"{i}.png"),)) for i in range(20)]
    folds = folds_random(clips, 3, seed=1)
    fold = listed_folds([clip.person for clip in clips], folds)
    for each in folds:
        assert {clip.name for clip in each.test} == {
            clips[i].name for i in np.flatnonzero(fold == each.name)
        }
    with pytest.raises(ValueError, match=r"1 people are tested in no fold \(first: stranger\)"):
        listed_folds(["p0", "stranger"], folds)


def test_each_sample_is_tested_once_by_a_model_that_saw_nobody_of_its_fold():
    points, labels, people = samples()
    features = flatten(points)
    fold = random_folds(people, 4, seed=1)
    expected = np.full((len(labels), 3), np.nan)
    for i in range(4):
        test = fold == i
        assert not set(people[test]) & set(people[~test])
        scaler = StandardScaler().fit(features[~test])
        svm = LinearSVC(
            C=0.01, dual=False, tol=1e-3, intercept_scaling=10, max_iter=5000, random_state=1
        )
        svm.fit(scaler.transform(features[~test]), labels[~test])
        order = [svm.classes_.tolist().index(name) for name in NAMES]
        expected[test] = svm.decision_function(scaler.transform(features[test]))[:, order]
    for folds in (4, fold):
        answers = cross_validate(features, labels, people, folds, names=NAMES, C=0.01, seed=1)
        assert np.allclose(answers.scores, expected)
    assert np.array_equal(answers.truth, [NAMES.index(label) for label in labels])
    assert np.array_equal(answers.predicted, expected.argmax(1))
    assert np.array_equal(answers.correct(), answers.predicted == answers.truth)


def test_knowing_a_person_does_not_help():
    """Features name the person, who has one label: folds that split people would be right."""
    people = np.arange(30).repeat(5)
    labels = np.array(["anger", "fear"])[np.random.default_rng(0).permutation(30) % 2][people]
    features = np.eye(30)[people]
    assert linear_svm(10).fit(features, labels).score(features, labels) == 1
    assert cross_validate(features, labels, people, 5, C=10).correct().mean() < 0.6


def test_residuals_beat_raw_landmarks_where_people_differ():
    points, labels, people = samples()
    by_raw = cross_validate(flatten(points), labels, people, 4).correct().mean()
    by_residual = (
        cross_validate(person_residuals(points, people), labels, people, 4).correct().mean()
    )
    assert by_residual > by_raw + 0.1


def test_a_class_that_a_fold_cannot_train_is_never_its_answer():
    points, labels, people = samples()
    labels[labels == "sadness"] = "fear"
    labels[people == "p00"] = "sadness"
    answers = cross_validate(flatten(points), labels, people, 4, names=NAMES)
    mine = answers.fold == answers.fold[0]
    assert np.isneginf(answers.scores[mine, NAMES.index("sadness")]).all()
    assert not answers.correct()[people == "p00"].any()
    assert np.isfinite(answers.scores[~mine]).all()


def test_the_same_seed_gives_the_same_answers():
    points, labels, people = samples()
    first, again, other = (
        cross_validate(flatten(points), labels, people, 3, seed=seed) for seed in (0, 0, 1)
    )
    assert np.array_equal(first.scores, again.scores)
    assert not np.array_equal(first.fold, other.fold)


def test_train_and_test_on_two_sets():
    (points, labels, people), (others, their, them) = samples(), samples(people=6, seed=0)
    them = np.char.add("other ", them)
    found = train_test(
        (flatten(points), labels, people), (flatten(others), their, them), names=NAMES
    )
    model = linear_svm().fit(flatten(points), labels)
    assert np.array_equal(np.array(NAMES)[found.predicted], model.predict(flatten(others)))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda f, y, p: cross_validate(f, y, p, np.arange(len(y))),
            r"12 people are in several folds \(first: p00\)",
        ),
        (
            lambda f, y, p: cross_validate(f, y, p, np.full(72, "")),
            "no fold tests any of these 72 samples",
        ),
        (
            lambda f, y, p: cross_validate(f, y, p, np.full(72, "1")),
            r"two classes or more, got 0 samples of \[\]",
        ),
        (
            lambda f, y, p: cross_validate(f[:12], ["fear"] * 6 + ["anger"] * 6, p[:12], 2),
            r"two classes or more, got 6 samples of \['\w+'\]; give pictures of more people",
        ),
        (lambda f, y, p: cross_validate(f, y, p, np.zeros(3)), "one fold for each of 72 samples"),
        (lambda f, y, p: cross_validate(f[:5], y, p), r"got \(5, 136\), \(72,\), \(72,\)"),
        (
            lambda f, y, p: cross_validate(f, y, p, names=("anger", "fear")),
            "'sadness' is not a class",
        ),
        (
            lambda f, y, p: train_test((f, y, p), (f, y, p)),
            r"12 people are in training and test \(first: p00\)",
        ),
        (
            lambda f, y, p: train_test((f[y != "fear"], y[y != "fear"], p), (f, y, p + "x")),
            "'fear' is not a class",
        ),
    ],
)
def test_bad_input_is_refused(call, message):
    points, labels, people = samples()
    with pytest.raises(ValueError, match=message):
        call(flatten(points), labels, people)


def bars(count: int, side: int = 32) -> tuple[np.ndarray, list[str]]:
    """Noisy grey pictures of stripes that lie (fear) or stand (anger), with these labels."""
    rng = np.random.default_rng(0)
    labels = ["fear" if number % 2 else "anger" for number in range(count)]
    wave = 100 + 60 * np.sin(np.arange(side) * 0.8)
    standing = np.broadcast_to(wave, (side, side))
    pictures = np.stack([standing.T if label == "fear" else standing for label in labels])
    return (pictures + rng.normal(0, 20, pictures.shape)).clip(0, 255).astype(np.uint8), labels


def test_hog_and_a_ridge_classifier_see_directions_in_people_held_out():
    pictures, labels = bars(24)
    people = np.repeat([f"p{n}" for n in range(6)], 4)
    clips = [
        Clip("drawn", person, str(row), label, (Path("a.jpg"),))
        for row, (person, label) in enumerate(zip(people, labels, strict=True))
    ]
    held_out = fold_held_out(clips, [("drawn", "p4"), ("drawn", "p5")], "last two")
    found = hog_ridge(pictures, labels, people, [held_out])
    assert found.people.tolist() == ["p4"] * 4 + ["p5"] * 4  # nobody else is tested
    assert found.correct().all()
    shuffled = np.random.default_rng(1).permutation(labels).tolist()
    assert hog_ridge(pictures, shuffled, people, [held_out]).correct().mean() < 0.8


def test_frames_have_their_histograms_side_by_side():
    pictures, _ = bars(4)
    sequence = np.stack([pictures[:2], pictures[2:]], axis=1)  # (2, 2, 32, 32)
    alone = hog_features(pictures)
    expected = [np.concatenate([alone[0], alone[2]]), np.concatenate([alone[1], alone[3]])]
    np.testing.assert_array_equal(hog_features(sequence), expected)
    with pytest.raises(ValueError, match="average the colours"):
        hog_features(np.zeros((2, 3, 4, 32, 32)))


def test_samples_of_no_fold_are_trained_on_but_not_tested():
    features = np.array([[0.0], [1.0], [0.1], [0.9], [0.2], [0.8]])
    labels = ["low", "high"] * 3
    people = np.repeat(["a", "b", "c"], 2)
    found = cross_validate(features, labels, people, ["", "", "", "", "c", "c"], C=1.0)
    assert found.people.tolist() == ["c", "c"]
    assert found.correct().all()


def test_ridge_minimises_the_penalised_squares():
    rng = np.random.default_rng(1)
    features = rng.normal(size=(40, 5))
    labels = np.where(features[:, 0] + features[:, 1] > 0, "b", "a")
    model = linear_ridge(C=0.5).fit(features, labels)
    rows = StandardScaler().fit_transform(features)
    signs = np.where(labels == "b", 1.0, -1.0)
    weights = np.linalg.solve(rows.T @ rows + 2 * np.eye(5), rows.T @ (signs - signs.mean()))
    assert np.allclose(model.decision_function(features), rows @ weights + signs.mean())
