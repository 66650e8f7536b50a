"""Landmarks of drawn people without their pictures: projected from the head, with noise.

A picture takes a tenth of a second, its 68 points a millisecond. So an experiment on landmarks
alone can have many people. What a detector would get wrong is imitated by noise.

Convention
- Points of the head are in centimetres, aligned landmarks in pixels of a picture of 224.
- A face `(68, 3)` at rest plus the sum of its actions `(52, 68, 3)` is the face that is seen:
  landmarks are linear in the vertices, so the vertices are needed once.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache, partial

import numpy as np
import torch

from ferkit.core.labels import SEVEN
from ferkit.drawn.actions import limit_actions
from ferkit.drawn.expressions import DAILY, Variation, sample_course, sample_expression
from ferkit.drawn.head import load_head
from ferkit.drawn.landmarks import landmark_points
from ferkit.drawn.people import make_person
from ferkit.drawn.projection import make_projection
from ferkit.drawn.scene import STUDIO, Ranges, Scene, sample_scene
from ferkit.drawn.shape import neutral_shape
from ferkit.faces import align

ALIGNED_SIZE = 224
# Pixels of an aligned face by which each coordinate is off; half of dlib's error on the drawn
# portraits, without what its errors on all pictures of a person share.
NOISE = 2.0
_USUAL = Variation(DAILY)


@dataclass(frozen=True, eq=False)
class LandmarkSet:
    """Aligned landmarks `(N, 68, 2)`, and for each the emotion, the person and the recording."""

    landmarks: np.ndarray
    emotions: np.ndarray
    people: np.ndarray
    clips: np.ndarray

    @property
    def features(self) -> np.ndarray:
        """The coordinates side by side, `(N, 136)`."""
        return self.landmarks.reshape(len(self.landmarks), -1)


def rest_shapes(seeds: Iterable[int]) -> np.ndarray:
    """Return the landmarks `(P, 68, 3)` of people at rest."""
    head = load_head()
    shapes = [landmark_points(neutral_shape(make_person(seed, head), head)) for seed in seeds]
    return torch.stack(shapes).numpy().astype(np.float64)


def spread_shapes(shapes: np.ndarray, spread: float, mean: np.ndarray | None = None) -> np.ndarray:
    """Move faces at rest `(P, 68, 3)` to `spread` times their distance from the mean face.

    `mean` `(68, 3)` is another mean than that of these faces, such as that of another group.
    """
    mean = shapes.mean(0) if mean is None else mean
    return mean + spread * (shapes - mean)


def make_landmarks(
    seeds: Iterable[int],
    shapes: np.ndarray,
    *,
    emotions: Iterable[str] = SEVEN,
    frames: int = 1,
    takes: int = 1,
    noise: float = NOISE,
    variation: Variation = _USUAL,
    ranges: Ranges = STUDIO,
    seed: int = 0,
) -> LandmarkSet:
    """Let each person show each emotion `takes` times; return the aligned landmarks.

    `shapes` `(P, 68, 3)` belong to the people `seeds`. With several `frames` each take is a
    sequence from neutral to the emotion. Expression, scene and noise depend on `seed`, the person,
    the emotion and the take, never on the shape: another spread changes nothing else.
    """
    names = load_head().action_names
    rows = []
    for person, shape in zip(seeds, shapes, strict=True):
        for number, emotion in enumerate(emotions):
            for take in range(takes):
                rng = np.random.default_rng([seed, person, number, take])
                scene = sample_scene(rng, ranges)
                sample = partial(
                    sample_expression, names=names, rng=rng, person_seed=person, variation=variation
                )
                apex, _ = sample(emotion)
                rest, _ = sample("neutral")
                course = sample_course(frames, rng) if frames > 1 else np.ones(1)
                for strength in course:
                    seen = project_face(shape, rest + strength * (apex - rest), scene)
                    seen += rng.normal(0, noise, seen.shape)
                    rows.append((seen, emotion, person, f"{person} {emotion} {take}"))
    points, shown, who, clips = zip(*rows, strict=True)
    return LandmarkSet(np.array(points), np.array(shown), np.array(who), np.array(clips))


def project_face(shape: np.ndarray, amounts: np.ndarray, scene: Scene) -> np.ndarray:
    """Return the aligned landmarks `(68, 2)` of a face at rest `(68, 3)` with some actions."""
    limited = limit_actions(amounts, load_head().action_names)
    expressive = shape + np.tensordot(limited, _action_landmarks(), 1)
    # The size of the face in the picture does not matter: it is aligned afterwards.
    projection = make_projection(replace(scene, aspect=1.0), 6.2, ALIGNED_SIZE, "cpu")
    pixels, _ = projection.project(torch.as_tensor(expressive, dtype=torch.float32))
    points = pixels.numpy().astype(np.float64)
    return align.apply(align.alignment(points, ALIGNED_SIZE), points)


def neutral_landmarks(shapes: np.ndarray) -> np.ndarray:
    """Return the aligned landmarks `(P, 68, 2)` of faces at rest `(P, 68, 3)`, without noise.

    They look straight into the camera, and no action moves them.
    """
    rest = np.zeros(len(load_head().action_names))
    return np.array([project_face(shape, rest, Scene()) for shape in shapes])


@lru_cache(maxsize=1)
def _action_landmarks() -> np.ndarray:
    """How far each facial action moves each landmark, `(52, 68, 3)`."""
    moved = [landmark_points(action) for action in load_head().actions]
    return torch.stack(moved).numpy().astype(np.float64)
