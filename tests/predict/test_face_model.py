import json
from dataclasses import replace

import numpy as np
import pytest
from face_samples import NAMES, samples
from safetensors import safe_open
from safetensors.numpy import save_file
from scipy.special import softmax

from ferkit.core.landmarks import flatten, residuals
from ferkit.predict.face_model import FaceModel, Training, with_residuals
from ferkit.predict.fit import fit_face_model, fit_temperature, linear_arrays
from ferkit.training.linear import (
    cross_validate,
    linear_discriminant,
    linear_softmax,
    linear_svm,
    scores_of,
)
from ferkit.workbook.parameters import HIGHEST_SEED

HOW = {
    "names": NAMES,
    "shrinkage": 0.5,
    "training": Training(12, 72, 3, "lesson", "abc"),
    "folds": 3,
}


def given(seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    points, labels, people = samples(seed=seed)
    return flatten(points), labels, people


@pytest.fixture(scope="module")
def trained() -> FaceModel:
    return fit_face_model(*given(), **HOW)[0]


@pytest.fixture(scope="module")
def comparing() -> FaceModel:
    """A residual model."""
    rows, labels, people = given()
    seen = with_residuals(rows, people)
    return fit_face_model(seen, labels, people, origin=rows.mean(0), **HOW)[0]


@pytest.mark.parametrize("classifier", [linear_svm, linear_softmax, linear_discriminant])
@pytest.mark.parametrize("k", [2, 3])
def test_the_arrays_say_what_the_pipeline_says(k, classifier):
    rows, labels, _ = given()
    kept = np.isin(labels, NAMES[:k])
    pipeline = classifier().fit(rows[kept], labels[kept])
    weights, bias = linear_arrays(pipeline, NAMES[:k])
    expected = scores_of(pipeline, rows[kept], NAMES[:k])
    assert np.allclose(rows[kept] @ weights.T + bias, expected)


def test_rare_classes_are_as_probable_as_frequent_ones():
    rng = np.random.default_rng(0)
    rows = np.concatenate([rng.normal(0, 1, (900, 2)), rng.normal((2, 0), 1, (100, 2))])
    model = linear_discriminant(0.1).fit(rows, np.repeat(["a", "b"], [900, 100]))
    assert abs(model.decision_function([[1.0, 0.0]])[0]) < 0.2


def test_training_gives_a_model_of_everybody_and_answers_of_strangers(trained):
    rows, labels, people = given()
    _, answers = fit_face_model(rows, labels, people, **HOW)
    strangers = cross_validate(
        rows,
        labels,
        people,
        3,
        names=NAMES,
        classifier=linear_discriminant,
        C=0.5,
        seed=HOW["training"].seed,
    )
    assert np.allclose(answers.scores, strangers.scores)
    assert np.array_equal(answers.people, people)
    assert trained.temperature == fit_temperature(answers.scores, answers.truth)
    pipeline = linear_discriminant(0.5).fit(rows, labels)
    assert np.allclose(trained.scores(rows), scores_of(pipeline, rows, NAMES))
    assert np.allclose(trained.origin, rows.mean(0))


def test_probabilities_keep_the_order_and_sum_to_one(trained):
    rows, *_ = given(seed=5)
    found = trained.probabilities(rows)
    assert np.allclose(found.sum(1), 1)
    assert np.allclose(found, softmax(trained.scores(rows) / trained.temperature, axis=1))


def test_temperature_is_found_again():
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (4000, 5))
    truth = (softmax(logits, 1).cumsum(1) < rng.random((4000, 1))).sum(1)
    assert fit_temperature(3 * logits, truth) == pytest.approx(3, rel=0.1)
    assert fit_temperature(logits / 4, truth) == pytest.approx(0.25, rel=0.1)


def test_a_class_without_a_score_does_not_spoil_the_temperature():
    scores = np.array([[2.0, 1.0, -np.inf], [0.5, 1.0, -np.inf], [1.0, 0.0, -np.inf]])
    assert np.isfinite(fit_temperature(scores, [0, 1, 1]))


def test_a_saved_model_comes_back(trained, comparing, tmp_path):
    rows, _, people = given(seed=5)
    for model in (trained, comparing):
        path = model.save(tmp_path / "models" / "m.safetensors")
        back = FaceModel.load(path)
        expected = model.probabilities(rows, people)
        assert np.allclose(back.probabilities(rows, people), expected, atol=1e-3)  # 32 bits
        for name in ("names", "residual", "temperature", "training"):
            assert getattr(back, name) == getattr(model, name)
        again = FaceModel.load(back.save(path))
        assert np.array_equal(again.scores(rows, people), back.scores(rows, people))
        assert [file.name for file in path.parent.iterdir()] == ["m.safetensors"]


def test_a_failed_save_leaves_the_old_model(trained, tmp_path, monkeypatch):
    path = trained.save(tmp_path / "m.safetensors")
    before = path.read_bytes()

    def full(*_):
        raise OSError("no space left on device")

    monkeypatch.setattr("ferkit.core.files.os.replace", full)
    with pytest.raises(OSError, match="no space left"):
        trained.save(path)
    assert path.read_bytes() == before


def test_what_is_no_model_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="no face model .*absent"):
        FaceModel.load(tmp_path / "absent.safetensors")
    for content in ("not a model at all", ""):
        (tmp_path / "text").write_text(content)
        with pytest.raises(ValueError, match="text is damaged or no safetensors file"):
            FaceModel.load(tmp_path / "text")
    save_file({"weights": np.zeros(3)}, tmp_path / "other.safetensors")
    with pytest.raises(ValueError, match="other.safetensors is not a face model"):
        FaceModel.load(tmp_path / "other.safetensors")


def test_a_damaged_model_is_refused(trained, tmp_path):
    path = trained.save(tmp_path / "m.safetensors")
    whole = path.read_bytes()
    for part in (20, len(whole) // 2, len(whole) - 1):
        (tmp_path / "half.safetensors").write_bytes(whole[:part])
        with pytest.raises(ValueError, match="half.safetensors is damaged"):
            FaceModel.load(tmp_path / "half.safetensors")
    with safe_open(path, "numpy") as file:
        header, arrays = file.metadata(), {name: file.get_tensor(name) for name in file.keys()}
    words = json.loads(header["model"])
    fewer = {name: array for name, array in arrays.items() if name != "bias"}
    cases = [
        (arrays, header | {"model": header["model"][:30]}),
        (arrays, header | {"model": json.dumps({"names": words["names"]})}),
        (arrays, header | {"model": json.dumps(words | {"colour": 1})}),
        (fewer, header),
    ]
    for kept, said in cases:
        save_file(kept, path, said)
        with pytest.raises(ValueError, match="m.safetensors is damaged"):
            FaceModel.load(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"temperature": 0.0}, "temperature must be more than 0"),
        ({"temperature": float("nan")}, "temperature must be more than 0"),
        ({"temperature": "1"}, "temperature must be more than 0"),
        ({"names": ("fear", "fear", "anger")}, "'fear' twice"),
        ({"names": (None, "fear", "anger")}, "must be texts"),
        ({"names": NAMES[:2]}, r"needs weights \(2, 136\), got \(3, 136\)"),
        ({"bias": np.zeros(2)}, r"needs bias \(3,\), got \(2,\)"),
        ({"bias": np.array([0, np.nan, 0])}, "bias of a face model are NaN or infinite"),
        ({"origin": np.zeros(5)}, r"needs weights \(3, 5\)"),
        ({"residual": "no"}, "`residual` must be true or false"),
        ({"residual": True}, r"needs weights \(3, 272\)"),
    ],
)
def test_impossible_models_are_refused(trained, change, message):
    with pytest.raises(ValueError, match=message):
        replace(trained, **change)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"people": 0}, "number of people"),
        ({"faces": 2.5}, "number of faces"),
        ({"seed": -1}, "`seed`"),
        ({"seed": 2**32}, r"`seed` must be a whole number from 0 to 2\*\*32 - 1"),
        ({"drawing": 3}, "`drawing` must be texts"),
        ({"level": 3}, "`level` and"),
    ],
)
def test_impossible_trainings_are_refused(values, message):
    with pytest.raises(ValueError, match=message):
        Training(**{"people": 3, "faces": 9} | values)


def test_every_seed_of_the_command_line_can_be_trained_with():
    assert Training(3, 9, seed=HIGHEST_SEED).seed == HIGHEST_SEED


def test_classes_that_the_pipeline_lacks_are_refused():
    rows = np.random.default_rng(0).normal(size=(6, 136))
    pipeline = linear_svm().fit(rows, ["a", "b", "c"] * 2)
    with pytest.raises(ValueError, match="the model's classes a, b, c are not the same as a, b"):
        linear_arrays(pipeline, ("a", "b"))


def test_the_residual_model_asks_who_it_is(comparing):
    rows, _, people = given(seed=5)
    with pytest.raises(ValueError, match="say who is on each picture"):
        comparing.scores(rows)
    seen = np.concatenate([residuals(rows, people), rows], axis=1)
    expected = seen @ comparing.weights.T + comparing.bias
    assert np.allclose(comparing.scores(rows, people), expected)


def test_a_person_with_one_picture_is_compared_with_the_mean_of_training(comparing):
    rows, *_ = given()
    with pytest.warns(UserWarning, match=r"people with a single picture, too few for a mean: 1 \("):
        found = comparing.scores(rows[:1], ["p00"])
    seen = np.concatenate([rows[:1] - rows.mean(0), rows[:1]], axis=1)
    assert np.allclose(found, seen @ comparing.weights.T + comparing.bias)


def test_features_that_do_not_fit_are_refused(trained):
    rows, *_ = given(seed=5)
    with pytest.raises(ValueError, match=r"expected features \(N, 136\), got \(72, 135\)"):
        trained.scores(rows[:, 1:])
    rows[[3, 9], 4] = np.nan
    with pytest.raises(
        ValueError, match="2 of 72 faces have features that are NaN or infinite, first 3"
    ):
        trained.scores(rows)
