"""Exercises of notebook 06: bounds, an honest alpha, what learns, and paired tests."""

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
from scipy.stats import binomtest
from torch import nn

from ferkit.training.layers import count_parameters
from ferkit.workbook.exercises.checks import Exercise, choice, number

_ALPHAS = np.arange(101) / 100


def _oracle(dtan: np.ndarray, dtgn: np.ndarray) -> float:
    return float((np.asarray(dtan) | np.asarray(dtgn)).mean())


def _honest_alpha(p: np.ndarray, q: np.ndarray, truth: np.ndarray, people: np.ndarray) -> float:
    """Choose alpha on every second person, in the order of names; return the others' accuracy."""
    choosing = np.isin(people, np.unique(people)[::2])
    correct = [((alpha * p + (1 - alpha) * q).argmax(1) == truth) for alpha in _ALPHAS]
    best = int(np.argmax([one[choosing].mean() for one in correct]))
    return float(correct[best][~choosing].mean())


def _count_learning(network: nn.Module) -> float:
    return count_parameters(network, trainable=True)


def _whole_number(compute: Callable[..., float]) -> Callable[..., str]:
    judge_number = number(compute, 0.5)

    def judge(answer: Any, **facts: Any) -> str:
        text = answer.replace(",", "").replace(" ", "") if isinstance(answer, str) else answer
        return judge_number(text, **facts)

    return judge


EXERCISES = {
    "06.1": Exercise(
        "How accurate would a combination be that always picked the network that is right, if one "
        "is?",
        number(_oracle, 0.001),
        (
            "It is wrong only where both networks are wrong.",
            "The table has one cell for that; divide by the number of sequences, and subtract.",
            "`dtan_right | dtgn_right` says where at least one of them is right.",
        ),
        "One minus the share of sequences that both get wrong. It bounds every method that chooses "
        "between the two networks' answers. A common mistake is to add both accuracies, or to take "
        "the larger.",
    ),
    "06.2": Exercise(
        "Choose alpha on half of the people and test it on the other half.",
        number(_honest_alpha, 0.002),
        (
            "`np.unique(people)[::2]` names the people who choose; `np.isin` finds their rows.",
            "Compute the accuracy of `alpha * p + (1 - alpha) * q` on the choosing rows for each "
            "of 101 alphas; `argmax` takes the first of equal ones.",
            "Use that alpha on the rows `~choosing`, and return the share that is right there.",
        ),
        "The accuracy of the other half at the alpha that the first half chose. It is usually "
        "below the highest point of the curve, which was found on the people it is tested on.",
    ),
    "06.3": Exercise(
        "How many numbers does joint fine-tuning still change?",
        _whole_number(_count_learning),
        (
            "Only the two top linear layers learn: the S of each notation.",
            "A linear layer from n units to k classes has n k weights and k biases.",
            "FC500 before S7 gives 500 x 7 + 7; add the other network's.",
        ),
        "The weights and biases of both top layers; with FC500, FC600 and seven classes 7 714. A "
        "common mistake is to forget the biases, or to count all layers.",
    ),
    "06.4": Exercise(
        "What does the loss with lambda = (1, 1, 0) train?",
        choice("abc", "6856d5dd3d7e"),
        (
            "Without L3 no term contains both networks' logits.",
            "If two parts share no term, the gradient of one does not depend on the other.",
            "The prediction is still the sum of the logits; only the training is separate.",
        ),
        "Each network's top layer by itself, as if the other were not there; only the prediction "
        "adds their logits. So L3 is the only place where the two networks meet in training, and "
        "in the paper it has a tenth of the others' weight.",
    ),
    "06.5": Exercise(
        "Which class does the weighted sum choose, and which the sum of logits?",
        choice(
            ["".join(letters) for letters in product("abc", repeat=2)],
            "d18fc1d4dcbd",
        ),
        (
            "Compute the softmax of each row first; exp(5) is 148, exp(4) is 55, exp(4.8) is 122.",
            "The probabilities are about (0.73, 0.27, 0.00) and (0.01, 0.31, 0.69).",
            "The mean probabilities are about (0.37, 0.29, 0.35), the logits' sums (5, 8, 4.8).",
        ),
        "The weighted sum chooses the class that one network is most convinced of; the sum of "
        "logits, which multiplies probabilities, the class that neither rules out.",
    ),
    "06.6": Exercise(
        "What is McNemar's exact p for one sequence against four?",
        number(lambda: binomtest(1, 5).pvalue, 0.005),
        (
            "Under the hypothesis of no difference each of the five sequences falls to either "
            "method like a coin.",
            "Count the outcomes of five coins with at most one head: 1 + 5 of 32.",
            "Two-sided: twice 6/32.",
        ),
        "0.375: five coins show one head or fewer, or one tail or fewer, in 12 of 32 cases. A "
        "common mistake is to test 1 and 4 of 327: sequences that both methods have right or "
        "wrong say nothing about the difference.",
    ),
}
