"""The streamed matrix of inner products, and the SVM on it against one on the features."""

import numpy as np
import pytest
from sklearn.svm import SVC

from ferkit.papers.i2cnn import gram_svm
from ferkit.papers.i2cnn.gram_svm import centre_kernel, fit_on_kernel, gram_matrix

FACES, PATCHES, NUMBERS = 60, 7, 11


def made(seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features (PATCHES, FACES, NUMBERS) that show classes weakly, people strongly; and both."""
    rng = np.random.default_rng(seed)
    labels, people = np.arange(FACES) % 3, np.arange(FACES) // 6
    shown = rng.normal(size=(3, PATCHES, 1, NUMBERS))[labels, :, 0].transpose(1, 0, 2)
    who = rng.normal(size=(10, PATCHES, NUMBERS))[people].transpose(1, 0, 2)
    features = 0.5 * shown + who + rng.normal(size=(PATCHES, FACES, NUMBERS)) + 3
    return (
        features,
        np.array(["anger", "fear", "sadness"])[labels],
        np.array([f"p{i}" for i in people]),
    )


def split(people: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    test = np.isin(people, ["p0", "p4", "p9"])
    return np.flatnonzero(~test), np.flatnonzero(test)


def test_the_streamed_matrix_is_that_of_all_features_at_once():
    features, _, _ = made()
    asked = []

    def features_of(patch):
        asked.append(patch)
        return features[patch]

    flat = features.transpose(1, 0, 2).reshape(FACES, -1)
    np.testing.assert_allclose(gram_matrix(features_of, range(PATCHES)), flat @ flat.T)
    assert asked == list(range(PATCHES))  # one after the other, each once


def test_the_svm_equals_the_usual_one_on_centred_and_scaled_features():
    features, labels, people = made()
    train, test = split(people)
    flat = features.transpose(1, 0, 2).reshape(FACES, -1)
    flat = flat - flat[train].mean(0)
    flat /= np.sqrt((flat[train] ** 2).sum(1).mean())
    usual = SVC(C=10.0, kernel="linear", decision_function_shape="ovr").fit(
        flat[train], labels[train]
    )
    ours = fit_on_kernel(
        gram_matrix(lambda p: features[p], range(PATCHES)), labels, people, train, test, grid=[10.0]
    )
    np.testing.assert_allclose(ours.scores, usual.decision_function(flat[test]), atol=1e-3)
    guessed = np.unique(labels)[ours.scores.argmax(1)]
    assert guessed.tolist() == usual.predict(flat[test]).tolist()


def test_small_differences_between_faces_are_not_drowned_by_their_mean():
    """As of a network that has hardly learnt: in float32 the matrix is 6 % off."""
    rng = np.random.default_rng(0)
    small = rng.normal(size=(3, FACES, 400)) * 2e-4
    features = (small + rng.uniform(size=(3, 1, 400))).astype(np.float32)
    exact = features.astype(np.float64).transpose(1, 0, 2).reshape(FACES, -1)
    exact = exact - exact.mean(0)
    ours = centre_kernel(gram_matrix(lambda p: features[p], range(3)), np.arange(FACES))
    truth = exact @ exact.T
    np.testing.assert_allclose(ours, truth / np.diag(truth).mean(), atol=1e-6)


def test_test_faces_never_touch_the_training_part():
    features, _, people = made()
    train, test = split(people)
    other = features.copy()
    other[:, test] *= -5
    a, b = (
        centre_kernel(gram_matrix(lambda p, f=f: f[p], range(PATCHES)), train)[np.ix_(train, train)]
        for f in (features, other)
    )
    np.testing.assert_allclose(a, b)
    assert np.diag(a).mean() == pytest.approx(1)
    np.testing.assert_allclose(a.mean(0), 0, atol=1e-6)


def test_the_penalty_is_chosen_on_training_people_alone(monkeypatch):
    features, labels, people = made()
    train, test = split(people)
    kernel = gram_matrix(lambda p: features[p], range(PATCHES))
    seen = []
    real = gram_svm._inner_accuracy

    def watched(k, truth, rows, inner, C):
        seen.append((C, real(k, truth, rows, inner, C)))
        for fold in np.unique(inner):
            assert not set(people[rows[inner == fold]]) & set(people[rows[inner != fold]])
        assert rows.tolist() == train.tolist()
        return seen[-1][1]

    monkeypatch.setattr(gram_svm, "_inner_accuracy", watched)
    found = fit_on_kernel(kernel, labels, people, train, test)
    assert [c for c, _ in seen] == list(gram_svm._PENALTIES)
    assert found.C == max(seen, key=lambda pair: pair[1])[0]
    shuffled = labels.copy()
    shuffled[test] = labels[test][::-1]
    assert fit_on_kernel(kernel, shuffled, people, train, test).C == found.C


def test_it_learns_what_is_there_and_nothing_where_nothing_is():
    features, labels, people = made()
    train, test = split(people)
    kernel = gram_matrix(lambda p: features[p], range(PATCHES))

    def accuracy(shown: np.ndarray) -> float:
        scores = fit_on_kernel(kernel, shown, people, train, test).scores
        return (np.unique(shown)[scores.argmax(1)] == shown[test]).mean()

    assert accuracy(labels) > 0.8
    assert accuracy(np.random.default_rng(1).permutation(labels)) < 0.7


def test_two_classes_and_the_order_of_names():
    features, labels, people = made()
    few = np.flatnonzero(labels != "fear")
    kernel = gram_matrix(lambda p: features[p][few], range(PATCHES))
    train, test = split(people[few])
    one = fit_on_kernel(kernel, labels[few], people[few], train, test, names=["anger", "sadness"])
    other = fit_on_kernel(kernel, labels[few], people[few], train, test, names=["sadness", "anger"])
    np.testing.assert_allclose(one.scores, other.scores[:, ::-1])


def test_one_person_alone_may_show_the_other_class():
    """Without that person an inner fold's others show one class, which is then the answer."""
    features, _, people = made()
    train, test = split(people)
    first = people[train][0]
    labels = np.where(people == first, "fear", "anger")
    kernel = gram_matrix(lambda p: features[p], range(PATCHES))
    fit = fit_on_kernel(kernel, labels, people, train, test)
    assert fit.scores.argmax(1).tolist() == [0] * len(test)  # anger
    everybody = np.full(len(people), "anger")
    with pytest.raises(ValueError, match=r"all \d+ training faces show anger; an SVM needs two"):
        fit_on_kernel(kernel, everybody, people, train, test)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"train": np.arange(60), "test": np.arange(6)}, "p0 would be in training and test"),
        (
            {"names": ["anger", "fear", "sadness", "surprise"]},
            "people shows surprise; leave the class out",
        ),
        ({"kernel": np.zeros((60, 59))}, r"square matrix of inner products, got \(60, 59\)"),
        ({"kernel": np.ones((60, 60))}, "the same features"),
    ],
)
def test_what_does_not_fit_is_refused(change, words):
    features, labels, people = made()
    train, test = split(people)
    given = {
        "kernel": gram_matrix(lambda p: features[p], range(PATCHES)),
        "labels": labels,
        "people": people,
    }
    with pytest.raises(ValueError, match=words):
        fit_on_kernel(**{**given, "train": train, "test": test, **change})


def test_patches_must_be_there_and_agree():
    with pytest.raises(ValueError, match="no patches"):
        gram_matrix(lambda p: np.zeros((2, 2)), [])
    with pytest.raises(ValueError, match="patch 1 has 3 faces, those before it 2"):
        gram_matrix(lambda p: np.zeros((2 + p, 4)), [0, 1])
