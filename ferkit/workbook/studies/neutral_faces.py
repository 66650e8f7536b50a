"""Gaussians of aligned neutral faces, drawn or photographed.

The photographed landmarks are kept as an aggregate over people (`real_neutral`: mean and
covariance), so drawn faces are compared with them on computers without photographs too.

Convention
- Faces are aligned by both eye centres (`EYE_CENTRES`, 38.4 pixels apart in a picture of 96), so
  distances are pixels of 96. A distance between faces is the root mean square over points of how
  far apart each point is, x and y together.
- A spread is the root mean square over points of the standard deviation over people, x and y
  together.
- Frechet distance of two Gaussians: d^2 = |m_a - m_b|^2 + tr(C_a + C_b - 2 (C_a C_b)^(1/2)).
  Example: in one dimension N(0, 1) and N(3, 5^2) are sqrt(3^2 + (5 - 1)^2) = 5 apart. With fewer
  people than coordinates a covariance needs shrinkage: correlations are drawn towards 0 by the
  amount of "oracle approximating shrinkage" (Chen et al., IEEE TSP 58, 2010).
"""

import json
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from ferkit.core.landmarks import REGIONS, five_points
from ferkit.data.clip import Clip
from ferkit.data.sets.drawn import read_drawn
from ferkit.drawn.draw_sets import draw_set
from ferkit.faces import align, detect
from ferkit.faces.load import load_photographs
from ferkit.faces.prepare import prepare
from ferkit.faces.prepared import Prepared

GAP_SIZE = 96
# Where the centres of the right and the left eye lie, in shares of the size.
EYE_CENTRES = ((0.3, 0.35), (0.7, 0.35))
# Pixels of the aligned faces on which dlib searches again, as for `ferkit predict`.
PREPARED_SIZE = 224
# Components of the covariance that are kept, all that 26 people have; the rest of the variance is
# kept for each coordinate alone.
_COMPONENTS = 25


def _region_points(*names: str) -> np.ndarray:
    return np.concatenate([np.arange(68)[REGIONS[name]] for name in names])


FACE_PARTS = {
    "jaw": _region_points("jaw"),
    "brows": _region_points("right_brow", "left_brow"),
    "nose": _region_points("nose"),
    "eyes": _region_points("right_eye", "left_eye"),
    "mouth": _region_points("mouth"),
    "inner": np.arange(17, 68),  # all but the jaw
    "all": np.arange(68),
}


@dataclass(frozen=True, eq=False)
class Statistics:
    """The Gaussian of some people's faces.

    `mean` (68, 2), `covariance` (136, 136) in the order x0, y0, x1, ..., number of `people`.
    """

    mean: np.ndarray
    covariance: np.ndarray
    people: int

    def part(self, points: np.ndarray) -> "Statistics":
        """The statistics of some of the points."""
        coordinates = (2 * points[:, None] + (0, 1)).ravel()
        covariance = self.covariance[np.ix_(coordinates, coordinates)]
        return Statistics(self.mean[points], covariance, self.people)

    @property
    def spread(self) -> float:
        """The root mean square over points of the standard deviation over people."""
        return float(np.sqrt(np.trace(self.covariance) / len(self.mean)))


def eye_similarity(landmarks: ArrayLike, size: int = GAP_SIZE) -> np.ndarray:
    """The similarity `(..., 2, 3)` that moves both eye centres to `EYE_CENTRES`.

    ValueError where the eyes of landmarks `(..., 68, 2)` coincide.
    """
    eyes = five_points(landmarks)[..., :2, :]
    matrix = align.similarity_from_points(eyes, np.array(EYE_CENTRES) * size)
    if not np.isfinite(matrix).all():
        raise ValueError("landmarks cannot be aligned: the eyes coincide or are not finite")
    return matrix


def align_eyes(landmarks: ArrayLike) -> np.ndarray:
    """Align landmarks `(..., 68, 2)` by both eyes, in pixels of 96."""
    points = np.asarray(landmarks, dtype=np.float64)
    return align.apply(eye_similarity(points), points)


def face_statistics(points: ArrayLike, people: ArrayLike | None = None) -> Statistics:
    """Compute mean and covariance of aligned faces `(N, 68, 2)`.

    At least 3 people; without `people` `(N,)` every face is another person's.
    """
    faces = np.asarray(points, dtype=np.float64)
    if faces.ndim != 3 or faces.shape[1:] != (68, 2) or not np.isfinite(faces).all():
        raise ValueError(
            f"expected finite landmarks (N, 68, 2), got {faces.shape}; "
            "leave faces without landmarks out"
        )
    people = np.arange(len(faces)) if people is None else np.asarray(people)
    if people.shape != faces.shape[:1]:
        raise ValueError(f"expected a person for each of {len(faces)} faces, got {people.shape}")
    count = len(np.unique(people))
    if count < 3:
        raise ValueError(f"a spread over people needs at least 3 of them, got {count}")
    return Statistics(faces.mean(0), np.cov(faces.reshape(len(faces), -1).T), count)


def covariance_root(covariance: np.ndarray) -> np.ndarray:
    """The components `(D, D)`, largest last, whose R^T R is the covariance."""
    values, vectors = np.linalg.eigh(covariance)
    return (vectors * np.sqrt(values.clip(min=0))).T


def frechet_distance(a: Statistics, b: Statistics) -> float:
    """The Frechet distance of two Gaussians, in the units of their means.

    Covariances are not shrunk here, see `shrink_correlations`.
    """
    root = covariance_root(a.covariance)
    cross = np.sqrt(np.linalg.eigvalsh(root @ b.covariance @ root.T).clip(min=0)).sum()
    means = ((a.mean - b.mean) ** 2).sum()
    squared = means + np.trace(a.covariance) + np.trace(b.covariance) - 2 * cross
    return float(np.sqrt(max(squared, 0)))


def shrink_correlations(statistics: Statistics) -> Statistics:
    """Shrink correlations towards 0, more for fewer people; keep variances."""
    covariance = statistics.covariance
    deviation = np.sqrt(np.diag(covariance))
    deviation = np.where(deviation > 0, deviation, 1)
    size = len(deviation)
    squares = ((covariance / np.outer(deviation, deviation)) ** 2).sum()
    numerator = (1 - 2 / size) * squares + size**2
    denominator = (statistics.people + 1 - 2 / size) * max(squares - size, 1e-9)
    kept = 1 - min(1.0, numerator / denominator)
    shrunken = kept * covariance + (1 - kept) * np.diag(np.diag(covariance))
    return Statistics(statistics.mean, shrunken, statistics.people)


@lru_cache(maxsize=1)
def real_neutral() -> Statistics:
    """The photographed neutral faces that come with ferkit, made by `measure_photographs`."""
    file = files("ferkit.workbook.studies") / "real_neutral.json"
    kept = json.loads(file.read_text(encoding="utf-8"))
    components = np.array(kept["components"])
    covariance = components.T @ components + np.diag(kept["residual"])
    return Statistics(np.array(kept["mean"]), covariance, kept["people"])


def measure_photographs(root: str | Path | None = None) -> Statistics:
    """Compute the statistics of London's neutral photographs under `root` or FERKIT_DATA.

    FileNotFoundError when there are none.
    """
    faces = photographed_neutral(root)
    if faces is None:
        raise FileNotFoundError(
            "no photographs to measure: FERKIT_DATA names no folder with the London set"
        )
    return face_statistics(align_eyes(faces.landmarks), faces.table["person"])


def save_statistics(statistics: Statistics, path: str | Path, about: str) -> None:
    """Write statistics as JSON: mean, leading components, remaining variance."""
    components = covariance_root(statistics.covariance)[::-1][:_COMPONENTS].round(4)
    residual = (np.diag(statistics.covariance) - (components**2).sum(0)).clip(min=0)
    kept = {
        "about": about,
        "people": statistics.people,
        "size": GAP_SIZE,
        "eyes": EYE_CENTRES,
        "landmarks": detect.PREDICTOR,
        "mean": statistics.mean.round(4).tolist(),
        "components": components.tolist(),
        "residual": residual.round(5).tolist(),
    }
    Path(path).write_text(json.dumps(kept) + "\n", encoding="utf-8")


def drawn_neutral(level: str = "lesson", seed: int = 0) -> Prepared:
    """Prepare the drawn set `neutral`, without faces that dlib misses."""
    clips = read_drawn(draw_set("neutral", level, seed, progress=False), dataset="neutral")
    return _prepare_found(clips)


def photographed_neutral(root: str | Path | None = None) -> Prepared | None:
    """Prepare London's neutral photographs likewise; None where there are none."""
    clips = [clip for clip in load_photographs(root).get("london", ()) if clip.emotion == "neutral"]
    return _prepare_found(clips) if clips else None


def _prepare_found(clips: list[Clip]) -> Prepared:
    faces = prepare(clips, PREPARED_SIZE, keep_images=False, progress=False)
    return faces.select(faces.table["found"].to_numpy())
