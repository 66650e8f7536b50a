import numpy as np
import pytest
from safetensors.numpy import save_file
from scipy.special import softmax
from test_baselines import NAMES, face, samples

from ferkit.baselines import centred, cross_validate, linear_softmax, linear_svm, raw, residual, scores_of
from ferkit.landmark_model import FEATURES, LandmarkModel, fit_temperature, from_pipeline, train

MAKE = {
    "raw": lambda points, people, mean: raw(points),
    "residual": lambda points, people, mean: residual(points, people),
    "centred": lambda points, people, mean: centred(points, mean),
}


@pytest.fixture(scope="module")
def trained() -> LandmarkModel:
    return train(*samples(), feature="raw", size=224, names=NAMES, folds=3, about="made up")[0]


@pytest.mark.parametrize("classifier", [linear_svm, linear_softmax])
@pytest.mark.parametrize("k", [2, 3])
@pytest.mark.parametrize("feature", FEATURES)
def test_the_arrays_say_what_the_pipeline_says(feature, k, classifier):
    points, labels, people = samples()
    kept = np.isin(labels, NAMES[:k])
    points, labels, people = points[kept], labels[kept], people[kept]
    mean = points.mean(0)
    features = MAKE[feature](points, people, mean)
    pipeline = classifier().fit(features, labels)
    model = from_pipeline(pipeline, mean, NAMES[:k], feature, 224)
    assert np.allclose(model.scores(points, people), scores_of(pipeline, features, NAMES[:k]))
    assert np.array_equal(model.scores(points, people).argmax(1), scores_of(pipeline, features, NAMES[:k]).argmax(1))


def test_training_gives_a_model_of_everybody_and_answers_of_strangers(trained):
    points, labels, people = samples()
    _, answers = train(points, labels, people, feature="raw", size=224, names=NAMES, folds=3)
    assert np.array_equal(answers.scores, cross_validate(raw(points), labels, people, 3, names=NAMES).scores)
    assert np.allclose(trained.scores(points), scores_of(linear_svm().fit(raw(points), labels), raw(points), NAMES))
    assert trained.temperature == fit_temperature(answers.scores, answers.truth)


def test_probabilities_keep_the_order_and_sum_to_one(trained):
    points, _, _ = samples(seed=5)
    found = trained.probabilities(points)
    assert np.allclose(found.sum(1), 1)
    assert np.array_equal(found.argsort(1), trained.scores(points).argsort(1))


def test_temperature_is_found_again():
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (4000, 5))
    truth = (softmax(logits, 1).cumsum(1) < rng.random((4000, 1))).sum(1)
    assert fit_temperature(3 * logits, truth) == pytest.approx(3, rel=0.1)
    assert fit_temperature(logits / 4, truth) == pytest.approx(0.25, rel=0.1)


def test_a_class_without_a_score_does_not_spoil_the_temperature():
    scores = np.array([[2.0, 1.0, -np.inf], [0.5, 1.0, -np.inf], [1.0, 0.0, -np.inf]])
    assert np.isfinite(fit_temperature(scores, [0, 1, 1]))


def test_a_saved_model_comes_back(trained, tmp_path):
    path = trained.save(tmp_path / "models" / "m.safetensors")
    back = LandmarkModel.load(path)
    points, _, _ = samples(seed=5)
    assert np.array_equal(back.probabilities(points), trained.probabilities(points))
    for name in ("names", "feature", "size", "temperature", "about", "uses_person"):
        assert getattr(back, name) == getattr(trained, name)
    assert [file.name for file in path.parent.iterdir()] == ["m.safetensors"]


def test_a_failed_save_leaves_the_old_model(trained, tmp_path, monkeypatch):
    path = trained.save(tmp_path / "m.safetensors")
    before = path.read_bytes()

    def full(*_):
        raise OSError("no space left on device")

    monkeypatch.setattr("ferkit.landmark_model.os.replace", full)
    with pytest.raises(OSError, match="no space left"):
        trained.save(path)
    assert path.read_bytes() == before


def test_what_is_no_model_is_refused(trained, tmp_path):
    with pytest.raises(FileNotFoundError, match="no landmark model .*absent"):
        LandmarkModel.load(tmp_path / "absent.safetensors")
    (tmp_path / "text").write_text("not a model at all")
    with pytest.raises(ValueError, match="text is damaged or no safetensors file"):
        LandmarkModel.load(tmp_path / "text")
    save_file({"weights": np.zeros(3)}, tmp_path / "other.safetensors")
    with pytest.raises(ValueError, match="other.safetensors is not a landmark model"):
        LandmarkModel.load(tmp_path / "other.safetensors")
    whole = trained.save(tmp_path / "m.safetensors").read_bytes()
    (tmp_path / "half.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match="half.safetensors is damaged"):
        LandmarkModel.load(tmp_path / "half.safetensors")


def test_the_residual_model_asks_who_it_is():
    points, labels, people = samples()
    model, _ = train(points, labels, people, feature="residual", size=224, names=NAMES, folds=3)
    assert model.uses_person
    with pytest.raises(ValueError, match="say who is on each picture"):
        model.scores(points)
    with pytest.warns(UserWarning, match="1 people have one picture only"):
        alone = model.scores(points[:1], ["p00"])
    features = (points[:1] - model.mean_face).reshape(1, -1)
    assert np.allclose(alone, (features - model.mean) / model.scale @ model.weights.T + model.bias)


def test_impossible_models_are_refused(trained):
    parts = vars(trained)
    with pytest.raises(ValueError, match="unknown feature 'patches'; known: raw, residual, centred"):
        LandmarkModel(**parts | {"feature": "patches"})
    with pytest.raises(ValueError, match=r"3 classes needs bias \(3,\), got \(2,\)"):
        LandmarkModel(**parts | {"bias": np.zeros(2)})
    with pytest.raises(ValueError, match="unknown feature 'patches'"):
        train(*samples(), feature="patches", size=224)
    pipeline = linear_svm().fit(np.random.default_rng(0).normal(size=(6, 136)), ["a", "b", "c"] * 2)
    with pytest.raises(ValueError, match="the model knows a, b, c"):
        from_pipeline(pipeline, face(), ("a", "b"), "raw", 224)
