import json

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file
from scipy.special import softmax
from test_baselines import NAMES, samples

from ferkit.baselines import cross_validate, linear_softmax, linear_svm, raw, residual, scores_of
from ferkit.face_model import Expert, FaceModel, fit_temperature, from_pipeline, train
from ferkit.landmarks import residuals

WEIGH, C = {"landmarks": 1.0, "gradients": 0.5}, {"landmarks": 0.1, "gradients": 0.003}
TRAINING = {"weigh": WEIGH, "C": C, "size": 224, "names": NAMES, "folds": 3}


def both(seed: int = 0) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    """What two experts see of the same faces, one of them in 20 numbers; labels; people."""
    points, labels, people = samples(seed=seed)
    mixed = raw(points)[:, ::7] @ np.random.default_rng(7).normal(0, 1, (20, 20))
    return {"landmarks": raw(points), "gradients": mixed}, labels, people


@pytest.fixture(scope="module")
def trained() -> FaceModel:
    return train(*both(), **TRAINING, about="made up")[0]


@pytest.mark.parametrize("classifier", [linear_svm, linear_softmax])
@pytest.mark.parametrize("k", [2, 3])
def test_the_arrays_say_what_the_pipeline_says(k, classifier):
    points, labels, _ = samples()
    kept = np.isin(labels, NAMES[:k])
    rows, labels = raw(points[kept]), labels[kept]
    pipeline = classifier().fit(rows, labels)
    expert = from_pipeline(pipeline, NAMES[:k], rows.mean(0))
    assert np.allclose(expert.scores(rows), scores_of(pipeline, rows, NAMES[:k]))
    assert np.array_equal(expert.scores(rows).argmax(1), scores_of(pipeline, rows, NAMES[:k]).argmax(1))


@pytest.mark.parametrize("classifier", [linear_svm, linear_softmax])
def test_training_gives_a_model_of_everybody_and_answers_of_strangers(classifier):
    features, labels, people = both()
    model, answers = train(features, labels, people, **TRAINING, classifier=classifier)
    of_each = {
        name: cross_validate(features[name], labels, people, 3, names=NAMES, classifier=classifier, C=C[name])
        for name in WEIGH
    }
    assert np.allclose(answers.scores, of_each["landmarks"].scores + 0.5 * of_each["gradients"].scores)
    assert np.array_equal(answers.truth, of_each["gradients"].truth)
    assert np.array_equal(answers.people, people)
    assert model.temperature == fit_temperature(answers.scores, answers.truth)
    for name in WEIGH:
        pipeline = classifier(C[name]).fit(features[name], labels)
        assert np.allclose(model.experts[name].scores(features[name]), scores_of(pipeline, features[name], NAMES))


def test_an_expert_scales_what_it_sees():
    expert = Expert(
        np.array([[1.0, 0.0], [2.0, -1.0]]), np.array([0.5, 0]), np.array([1.0, 2]), np.array([2.0, 4]), np.zeros(2)
    )
    assert expert.scores([[5, 10]]).tolist() == [[2.5, 2.0]]  # ((5 - 1) / 2, (10 - 2) / 4) is (2, 2)
    assert expert.scores(np.empty((0, 2))).shape == (0, 2)


def test_scores_are_the_weighted_sum_of_the_experts(trained):
    features, *_ = both(seed=5)
    of_each = {name: expert.scores(features[name]) for name, expert in trained.experts.items()}
    assert np.allclose(trained.scores(features), of_each["landmarks"] + 0.5 * of_each["gradients"])
    more = {**features, "sound": None}  # what no expert looks at does not matter
    assert np.array_equal(trained.scores(more), trained.scores(features))


def test_an_expert_alone_is_asked_with_its_own_weight(trained):
    features, *_ = both(seed=5)
    alone = trained.only("gradients")
    assert list(alone.experts) == list(alone.weigh) == ["gradients"]
    scores = alone.scores({"gradients": features["gradients"]})
    assert np.allclose(scores, 0.5 * trained.experts["gradients"].scores(features["gradients"]))
    assert np.allclose(scores + trained.only("landmarks").scores(features), trained.scores(features))
    assert alone.temperature == trained.temperature
    assert np.array_equal(trained.only(*WEIGH).scores(features), trained.scores(features))
    with pytest.raises(ValueError, match="no expert sound; known: landmarks, gradients"):
        trained.only("landmarks", "sound")
    with pytest.raises(ValueError, match="at least one expert"):
        trained.only()


def test_probabilities_keep_the_order_and_sum_to_one(trained):
    features, *_ = both(seed=5)
    found = trained.probabilities(features)
    assert np.allclose(found.sum(1), 1)
    assert np.array_equal(found.argsort(1), trained.scores(features).argsort(1))
    assert np.allclose(found, softmax(trained.scores(features) / trained.temperature, axis=1))


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
    back = FaceModel.load(path)
    features, *_ = both(seed=5)
    assert np.allclose(back.probabilities(features), trained.probabilities(features), atol=1e-4)  # kept in 32 bits
    for name in ("names", "weigh", "residual", "size", "temperature", "about"):
        assert getattr(back, name) == getattr(trained, name)
    assert list(back.experts) == list(trained.experts)
    again = FaceModel.load(back.save(path))
    assert np.array_equal(again.scores(features), back.scores(features))
    assert [file.name for file in path.parent.iterdir()] == ["m.safetensors"]


def test_a_failed_save_leaves_the_old_model(trained, tmp_path, monkeypatch):
    path = trained.save(tmp_path / "m.safetensors")
    before = path.read_bytes()

    def full(*_):
        raise OSError("no space left on device")

    monkeypatch.setattr("ferkit.paths.os.replace", full)
    with pytest.raises(OSError, match="no space left"):
        trained.save(path)
    assert path.read_bytes() == before


def test_what_is_no_model_is_refused(trained, tmp_path):
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
    fewer = {name: array for name, array in arrays.items() if name != "gradients.bias"}
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


def test_the_residual_model_asks_who_it_is():
    features, labels, people = both()
    model, answers = train(features, labels, people, **TRAINING, residual=True)
    assert model.residual
    with pytest.raises(ValueError, match="say who is on each picture"):
        model.scores(features)
    apart = {name: residuals(features[name], people) for name in WEIGH}
    of_each = {name: model.experts[name].scores(apart[name]) for name in WEIGH}
    assert np.allclose(model.scores(features, people), of_each["landmarks"] + 0.5 * of_each["gradients"])
    assert np.allclose(apart["landmarks"], residual(features["landmarks"].reshape(-1, 68, 2), people))
    strangers = cross_validate(apart["landmarks"], labels, people, 3, names=NAMES, classifier=linear_softmax, C=0.1)
    assert np.allclose(answers.scores, train(features, labels, people, **TRAINING, residual=True)[1].scores)
    alone = TRAINING | {"weigh": {"landmarks": 1.0}, "residual": True}
    assert np.allclose(train(features, labels, people, **alone)[1].scores, strangers.scores)


def test_a_person_with_one_picture_is_compared_with_the_mean_of_training():
    features, labels, people = both()
    model, _ = train(features, labels, people, **TRAINING, residual=True)
    one = {name: rows[:1] for name, rows in features.items()}
    with pytest.warns(UserWarning, match="1 people have one picture only"):
        found = model.scores(one, ["p00"])
    expected = sum(WEIGH[name] * model.experts[name].scores(one[name] - features[name].mean(0)) for name in WEIGH)
    assert np.allclose(found, expected)


def test_features_that_do_not_fit_are_refused(trained):
    features, *_ = both(seed=5)
    with pytest.raises(ValueError, match="features of gradients are missing, got landmarks"):
        trained.scores({"landmarks": features["landmarks"]})
    with pytest.raises(ValueError, match=r"expected features \(N, 20\), got \(72, 19\)"):
        trained.scores({**features, "gradients": features["gradients"][:, 1:]})
    with pytest.raises(ValueError, match="features of the same faces, got {'landmarks': 72, 'gradients': 1}"):
        trained.scores({**features, "gradients": features["gradients"][:1]})
    unknown = features["gradients"].copy()
    unknown[[3, 9], 4] = np.nan
    with pytest.raises(ValueError, match="2 of 72 faces have features that are nan or infinite, first 3"):
        trained.scores({**features, "gradients": unknown})


def test_impossible_models_are_refused(trained):
    expert = vars(trained.experts["gradients"])
    with pytest.raises(ValueError, match=r"weights \(3, 20\) needs bias \(3,\), got \(2,\)"):
        Expert(**expert | {"bias": np.zeros(2)})
    with pytest.raises(ValueError, match=r"needs scale \(20,\), got \(136,\)"):
        Expert(**expert | {"scale": np.ones(136)})
    for weights in (np.zeros(20), np.zeros((0, 20))):
        with pytest.raises(ValueError, match="an expert with weights"):
            Expert(**expert | {"weights": weights, "bias": np.zeros(len(weights))})
    parts = vars(trained)
    with pytest.raises(ValueError, match="experts landmarks, gradients need a weight each, got landmarks"):
        FaceModel(**parts | {"weigh": {"landmarks": 1.0}})
    with pytest.raises(ValueError, match="the expert landmarks knows 3 classes, the model 2"):
        FaceModel(**parts | {"names": NAMES[:2]})
    with pytest.raises(ValueError, match="needs features and a C; missing for sound"):
        train(*both(), **TRAINING | {"weigh": {"landmarks": 1.0, "sound": 1.0}})
    with pytest.raises(ValueError, match="at least one expert"):
        train(*both(), **TRAINING | {"weigh": {}})
    pipeline = linear_svm().fit(np.random.default_rng(0).normal(size=(6, 136)), ["a", "b", "c"] * 2)
    with pytest.raises(ValueError, match="the model knows a, b, c"):
        from_pipeline(pipeline, ("a", "b"), np.zeros(136))
