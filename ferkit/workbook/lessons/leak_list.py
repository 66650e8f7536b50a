"""The leaks of notebook 11: what each is called, its kind, and the line that does it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ferkit.workbook.studies import leaks

NO_LEAK = "no leak"
LABELS = "test labels are used"
COPIES = "copies of test faces are trained on"
CHOSEN = "something is chosen on test people"
OTHERS = "other test pictures are used, without labels"
KINDS = (NO_LEAK, LABELS, COPIES, CHOSEN, OTHERS)


@dataclass(frozen=True)
class Leak:
    """A leak of `studies.leaks`: what it is called, how it leaks, and the line that does it."""

    title: str
    kind: str
    function: Callable[..., tuple[np.ndarray, np.ndarray]]
    line: str


LEAKS = {
    leak.function.__name__: leak
    for leak in (
        Leak(
            "folds by picture, separate pictures",
            COPIES,
            leaks.folds_by_picture,
            "test(svm(), features, emotions, folds=by_picture)",
        ),
        Leak(
            "folds by picture, last three frames",
            COPIES,
            leaks.folds_by_frame,
            "test(nearest(), last_three_frames, emotions, folds=by_picture)",
        ),
        Leak(
            "augmented before the split, nearest face",
            COPIES,
            leaks.augment_then_split,
            "test(nearest(), with_noisy_copies, emotions, folds=by_picture)",
        ),
        Leak(
            "augmented before the split, SVM",
            COPIES,
            leaks.augment_then_split_linear,
            "test(svm(), with_noisy_copies, emotions, folds=by_picture)",
        ),
        Leak(
            "two data sets share people",
            COPIES,
            leaks.data_sets_share_people,
            "svm().fit(other_pictures_of_the_same_people, emotions).predict(features)",
        ),
        Leak(
            "one network for all folds",
            LABELS,
            leaks.one_network_for_all_folds,
            "test(svm(), HiddenLayer().fit_transform(features, emotions), emotions, by_person)",
        ),
        Leak(
            "supervised projection on all",
            LABELS,
            leaks.projection_on_all,
            "test(nearest(5), LDA().fit_transform(features, emotions), emotions, by_person)",
        ),
        Leak(
            "known set of emotions",
            LABELS,
            leaks.known_set_of_emotions,
            "assign(scores, names, emotions, people) == emotions",
        ),
        Leak(
            "best epoch on test people",
            CHOSEN,
            leaks.best_epoch_on_test,
            "pick_by_fold(right, on_test, by_person)",
        ),
        Leak(
            "best of 14 settings on test people",
            CHOSEN,
            leaks.best_settings_on_test,
            "max(right_of_each_setting, key=np.mean)",
        ),
        Leak(
            "normalised on all",
            OTHERS,
            leaks.normalise_on_all,
            "test(bare_svm(), StandardScaler().fit_transform(features), emotions, by_person)",
        ),
        Leak(
            "principal components of all",
            OTHERS,
            leaks.components_on_all,
            "test(svm(), PCA(20).fit_transform(features), emotions, by_person)",
        ),
        Leak(
            "person's mean with the test picture",
            OTHERS,
            leaks.mean_with_the_test_picture,
            "test(svm(), residuals(features, people), emotions, by_person)",
        ),
        Leak(
            "t-SNE of all, then nearest faces",
            OTHERS,
            leaks.map_of_all,
            "test(nearest(5), embed(features), emotions, by_person)",
        ),
    )
}
# Lines of the quiz in which nothing leaks.
HONEST_LINES = (
    "test(pipeline(PCA(20), svm()), features, emotions, by_person)",
    "test(pipeline(HiddenLayer(), svm()), features, emotions, by_person)",
)
