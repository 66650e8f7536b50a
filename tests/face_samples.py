"""Made-up landmarks of people who show three emotions."""

import numpy as np

NAMES = ("fear", "anger", "sadness")


def face(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(112, 30, (68, 2))


def samples(
    people: int = 12, each: int = 6, seed: int = 0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Faces of people whose own shape hides what three emotions do to it; labels; people."""
    rng = np.random.default_rng(seed)
    who, what = np.arange(people).repeat(each), np.tile(np.arange(each) % 3, people)
    own, moves = rng.normal(0, 12, (people, 68, 2)), rng.normal(0, 1.5, (3, 68, 2))
    points = face(seed) + own[who] + moves[what] + rng.normal(0, 3, (len(who), 68, 2))
    return points, np.array(NAMES)[what], np.array([f"p{i:02d}" for i in who])
