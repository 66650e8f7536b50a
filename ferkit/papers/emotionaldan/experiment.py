"""Paper 4's experiment: train on one set of faces, test on others.

I. Tautkute and T. Trzcinski, Fundamenta Informaticae 2019, section 4. The drawn set `wild` stands
for AffectNet: some of its people train, some choose the epoch, and the "test" people are held out.

    parts = crop_parts("lesson", seed=0)
    trained = train_dan(parts, "lesson", folder="build/run/networks/08")
    scores, landmarks = predict_faces(trained.both, parts["test"])
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from scipy.special import softmax
from torch import nn

from ferkit.data.sets.drawn import DRAWN_SETS
from ferkit.evaluation.predictions import sample_rows
from ferkit.evaluation.scores import right_among
from ferkit.papers.emotionaldan.crops import (
    CLASSES,
    FaceCrops,
    fit_landmark_classifier,
    landmark_errors,
)
from ferkit.papers.emotionaldan.data import crop_parts, load_tested_faces
from ferkit.papers.emotionaldan.network import DAN_VARIANTS, split_outputs
from ferkit.papers.emotionaldan.plans import EMOTION_ALONE, LANDMARKS_ALONE, PLANS
from ferkit.papers.emotionaldan.train import TrainedDan, train_dan, train_rival
from ferkit.training.linear import hog_features, linear_ridge, scores_of
from ferkit.training.loop import scores
from ferkit.training.recipe import Trained
from ferkit.training.spec import Restart, training_rows

SHOWN_VARIANT = "as_authors_code"  # as_paper learns less at `lesson`
STAND_INS = ("posed", "sequences")  # drawn sets in place of JAFFE and CK+
# The range of the intensity of an expression; 0 is neutral.
STRENGTHS = {"weak": (0.0, 0.5), "strong": (0.8, 2.0)}
BY_STRENGTH = "wild, strength"  # data of the study's rows: the shown variant, by person
MEAN_RECALL = "{}, mean recall"  # data of three classes
# Methods that recognise three classes without training for them.
TOGETHER = "seven_together"  # EmotionalDAN for seven classes, `three_of_seven` of its answers
ALWAYS_NEGATIVE = "always_negative"  # on drawn faces


def predict_faces(
    network: nn.Module, faces: FaceCrops, **options: Any
) -> tuple[np.ndarray, np.ndarray]:
    """Predict scores `(N, K)` and landmarks `(N, 68, 2)`, in pixels of the crops.

    K is 0 without an emotion head. `options` go to `training.loop.scores`.
    """
    outputs = torch.from_numpy(scores(network, (faces.pictures,), **options))
    emotions, landmarks = split_outputs(outputs)
    return emotions.numpy(), landmarks.numpy()


def emotion_scores(network: nn.Module, faces: FaceCrops, **options: Any) -> np.ndarray:
    """Predict the scores `(N, K)` of EmotionalDAN or of a rival."""
    if hasattr(network, "stage2"):
        return predict_faces(network, faces, **options)[0]
    return scores(network, (faces.pictures,), **options)


def three_of_seven(probabilities: np.ndarray) -> np.ndarray:
    """Make probabilities-like values of negative, neutral, positive `(N, 3)` of those of seven.

    Negative is the mean of anger, disgust, fear and sadness, so that four classes have no advantage
    over one; surprise is left out.
    """
    names = CLASSES[7].names
    negative = [names.index(name) for name in ("anger", "disgust", "fear", "sadness")]
    columns = [
        probabilities[:, negative].mean(1),
        probabilities[:, names.index("neutral")],
        probabilities[:, names.index("happiness")],
    ]
    return np.stack(columns, 1)


# The study: every method from several first weights


def compare_methods(level: str, seed: int, start: int, **options: Any) -> Restart:
    """Train every method from restart number `start`; tabulate which faces are read correctly.

    Methods are the rivals, EmotionalDAN, its second stage without the landmarks ("emotion_alone"),
    and for comparison "hog" (HOG with a ridge classifier) and "read ..." (a linear classifier of a
    stage's landmarks; "alone": trained on the landmarks alone). Drawn faces are read among all
    classes, photographs among those that they show. Data "wild, strength" hold EmotionalDAN's
    answers by person, for weak and for strong expressions.
    """
    parts = crop_parts(level, seed)
    tested = load_tested_faces(STAND_INS, level, seed)
    options |= {"seed": seed, "start": start}
    methods = _train_rivals(PLANS[level].rivals, parts, level, 7, **options)
    shown = train_dan(parts, level, 7, SHOWN_VARIANT, **options)
    methods[SHOWN_VARIANT] = shown
    methods["emotion_alone"] = train_dan(
        parts, level, 7, SHOWN_VARIANT, loss=EMOTION_ALONE, **options
    )
    alone = train_dan(parts, level, 7, SHOWN_VARIANT, loss=LANDMARKS_ALONE, **options)
    computed = _computed(options)
    compared = _compare(methods, parts, tested, 7, start, **computed)
    read = _read_landmarks({"": shown, " alone": alone}, parts, tested, start, **computed)
    by_strength = _split_by_strength(shown, tested["wild"], start, **computed)
    trainings = [_training_table(BY_STRENGTH, name, start, shown) for name in STRENGTHS]
    return Restart(
        pd.concat([compared.predictions, *read, *by_strength], ignore_index=True),
        pd.concat([compared.trainings, *trainings]),
    )


def compare_three_classes(level: str, seed: int, start: int, **options: Any) -> Restart:
    """Train the rivals and EmotionalDAN for three classes, as `compare_methods` does for seven.

    Beside them stand TOGETHER and ALWAYS_NEGATIVE, which need no training for three classes. Of
    drawn faces, data "wild, mean recall" hold what `spread_mean_recall` makes of the same answers.
    """
    parts = crop_parts(level, seed)
    tested = load_tested_faces(STAND_INS, level, seed)
    options |= {"seed": seed, "start": start}
    methods = train_three_classes(parts, level, **options)
    methods[TOGETHER] = train_dan(parts, level, 7, SHOWN_VARIANT, **options)
    return _compare(methods, parts, tested, 3, start, **_computed(options))


def train_three_classes(
    parts: Mapping[str, FaceCrops], level: str, **options: Any
) -> dict[str, Trained | TrainedDan]:
    """Train the rivals and EmotionalDAN for three classes."""
    methods = _train_rivals(PLANS[level].rivals, parts, level, 3, **options)
    methods[SHOWN_VARIANT] = train_dan(parts, level, 3, SHOWN_VARIANT, **options)
    return methods


def compare_variants(level: str, seed: int, start: int, **options: Any) -> Restart:
    """Train EmotionalDAN as in the paper's text and as in the authors' code, seven classes."""
    parts = crop_parts(level, seed)
    tested = load_tested_faces(STAND_INS, level, seed)
    options |= {"seed": seed, "start": start}
    methods = {variant: train_dan(parts, level, 7, variant, **options) for variant in DAN_VARIANTS}
    return _compare(methods, parts, tested, 7, start, **_computed(options))


def compare_stages(level: str, seed: int, start: int, **options: Any) -> Restart:
    """Tabulate the landmark error of each stage on drawn faces, from restart number `start`.

    In distances between the eyes; the truth of photographs is unknown. The second stage is trained
    with the emotion, as in the paper, and on the landmarks alone. The stages of the paper's text
    ("as_paper, stage 1"), whose first learns the emotion too, stand beside those of the code.
    """
    parts = crop_parts(level, seed)
    options |= {"seed": seed, "start": start}
    trained = train_dan(parts, level, 7, SHOWN_VARIANT, **options)
    alone = train_dan(parts, level, 7, SHOWN_VARIANT, loss=LANDMARKS_ALONE, **options)
    as_paper = train_dan(parts, level, 7, "as_paper", **options)
    stages = {
        "stage 1": trained.stages[0],
        "stage 2": trained.stages[1],
        "stage 2 alone": alone.stages[1],
        "as_paper, stage 1": as_paper.stages[0],
        "as_paper, stage 2": as_paper.stages[1],
    }
    computed = _computed(options)
    predictions = []
    trainings = []
    for dataset, faces in load_tested_faces(STAND_INS, level, seed).items():
        if dataset not in DRAWN_SETS:
            continue
        for name, stage in stages.items():
            _, found = predict_faces(stage.network, faces, **computed)
            error = landmark_errors(found, faces.points)
            predictions.append(sample_rows(dataset, name, start, error, faces.people))
            trainings.append(training_rows(dataset, name, start, [stage]))
    return Restart(pd.concat(predictions, ignore_index=True), pd.concat(trainings))


def _train_rivals(
    names: Iterable[str], parts: Mapping[str, FaceCrops], level: str, classes: int, **options: Any
) -> dict[str, Trained | TrainedDan]:
    return {name: train_rival(name, parts, level, classes, **options) for name in names}


def _computed(options: Mapping[str, Any]) -> dict[str, Any]:
    """Select where and how precisely is computed from the options of a training."""
    return {name: options[name] for name in ("device", "precision") if name in options}


def answering_network(trained: Trained | TrainedDan) -> nn.Module:
    """Return the network that answers; of two stages, both as one."""
    return trained.both if isinstance(trained, TrainedDan) else trained.network


def _compare(
    methods: Mapping[str, Trained | TrainedDan],
    parts: Mapping[str, FaceCrops],
    tested: Mapping[str, FaceCrops],
    classes: int,
    start: int,
    **computed: Any,
) -> Restart:
    """Tabulate the correct answers and the trainings of methods, on each data set.

    `computed` says on which device and in which precision.
    """
    predictions = []
    trainings = []
    for dataset, right, people in _right_answers(methods, parts, tested, classes, **computed):
        for name, values in right.items():
            predictions.append(sample_rows(dataset, name, start, values, people))
        # The same networks answer for every data set.
        for name, trained in methods.items():
            trainings.append(_training_table(dataset, name, start, trained))
    return Restart(pd.concat(predictions, ignore_index=True), pd.concat(trainings))


def _training_table(
    data: str, name: str, start: int, trained: Trained | TrainedDan
) -> pd.DataFrame:
    """Tabulate how the network that answers was trained; of two stages, the second."""
    last = trained.stages[-1] if isinstance(trained, TrainedDan) else trained
    return training_rows(data, name, start, [last])


def _right_answers(
    methods: Mapping[str, Trained | TrainedDan],
    parts: Mapping[str, FaceCrops],
    tested: Mapping[str, FaceCrops],
    classes: int,
    **computed: Any,
) -> Iterator[tuple[str, dict[str, np.ndarray], np.ndarray]]:
    """Yield each data set with the correct answers of every method, and the people.

    Three classes are yielded a second time for MEAN_RECALL, since two thirds of them are negative.
    """
    training_faces, training_names = parts["train"].named(classes)
    by_hog = linear_ridge(C=0.001).fit(_hog(training_faces), training_names)
    for dataset, all_faces in tested.items():
        is_drawn = dataset in DRAWN_SETS
        faces, truth = all_faces.named(classes)
        names = CLASSES[classes].names
        outputs = {"hog": scores_of(by_hog, _hog(faces), names)}
        for name, trained in methods.items():
            outputs[name] = emotion_scores(answering_network(trained), faces, **computed)
        if TOGETHER in outputs:
            outputs[TOGETHER] = three_of_seven(softmax(outputs[TOGETHER], axis=1))
        if classes == 3 and is_drawn:
            outputs[ALWAYS_NEGATIVE] = np.tile(np.eye(3)[names.index("negative")], (len(truth), 1))
        choice = "open" if is_drawn else "present"
        right = {name: right_among(one, names, truth)[choice] for name, one in outputs.items()}
        yield dataset, right, faces.people
        if classes == 3 and is_drawn:
            recall = {name: spread_mean_recall(one, truth) for name, one in right.items()}
            yield MEAN_RECALL.format(dataset), recall, faces.people


def spread_mean_recall(correct: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """Return values `(N,)` of all samples whose mean is the mean recall of the classes `names`.

    A class's recall is a ratio: when people are drawn again, the class's samples change with its
    right answers. So each value is the mean recall plus the sample's own part in it, by which the
    mean of drawn values follows the mean recall of those drawn (linearised).
    """
    answers = pd.DataFrame({"name": names, "correct": correct})
    of_class = answers.groupby("name")["correct"]
    recall = of_class.transform("mean")
    mean_recall = of_class.mean().mean()
    weight = len(answers) / of_class.ngroups / of_class.transform("size")
    return (mean_recall + weight * (answers["correct"] - recall)).to_numpy()


def _split_by_strength(
    trained: TrainedDan, faces: FaceCrops, start: int, **computed: Any
) -> list[pd.DataFrame]:
    """Tabulate each person's share of correct answers for weak and for strong expressions."""
    faces, truth = faces.named(7)
    answers = emotion_scores(trained.both, faces, **computed)
    correct = right_among(answers, CLASSES[7].names, truth)["open"]
    rows = []
    for name, (low, high) in STRENGTHS.items():
        is_shown = faces.table["intensity"].between(low, high, inclusive="right").to_numpy()
        shares = pd.Series(np.where(is_shown, correct, np.nan)).groupby(faces.people).mean()
        table = sample_rows(BY_STRENGTH, name, start, shares, shares.index)
        rows.append(table.dropna(subset="value"))  # people who show none
    return rows


def _hog(faces: FaceCrops) -> np.ndarray:
    return hog_features(faces.pictures[:, 0].numpy())


def _read_landmarks(
    trained: Mapping[str, TrainedDan],
    parts: Mapping[str, FaceCrops],
    tested: Mapping[str, FaceCrops],
    start: int,
    **computed: Any,
) -> list[pd.DataFrame]:
    """Tabulate which emotions of drawn faces a linear classifier of landmarks reads correctly.

    The truth's, those of stage 1, and those of each second stage by the end of its name.
    """
    sources: dict[str, nn.Module | None] = {"read truth": None, "read stage 1": trained[""].first}
    for ending, one in trained.items():
        sources[f"read stage 2{ending}"] = one.both
    rows = []
    for name, network in sources.items():
        training_faces, training_names = parts["train"].named(7)
        found = find_landmarks(network, training_faces, **computed)
        classify = fit_landmark_classifier(found, training_names)
        for dataset, all_faces in tested.items():
            if dataset in DRAWN_SETS:
                faces, truth = all_faces.named(7)
                found = find_landmarks(network, faces, **computed)
                correct = classify(found) == np.array(truth)
                rows.append(sample_rows(dataset, name, start, correct, faces.people))
    return rows


def find_landmarks(network: nn.Module | None, faces: FaceCrops, **options: Any) -> np.ndarray:
    """Return a network's landmarks `(N, 68, 2)`, without one the true ones."""
    return faces.points if network is None else predict_faces(network, faces, **options)[1]
