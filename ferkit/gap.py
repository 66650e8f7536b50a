"""How far drawn neutral faces are from photographed ones, by the landmarks that dlib finds on both.

The photographed side of the landmarks is kept as an aggregate (`real_neutral`: mean and covariance, of nobody alone), so the gap
is measured on computers without photographs too. Only neutral faces take part, and no label of an expression.

Convention
- Faces are aligned by both eye centres (`EYES`, 38.4 pixels apart in a picture of 96), so distances are pixels of 96. A
  distance between faces is the root mean square over points of how far apart each point is, x and y together.
- A spread is the root mean square over points of the standard deviation over people, x and y together.
- Columns ending in `_same` say what two groups of so many people from *one* population would give: no gap is smaller.
- Frechet distance of two Gaussians: d^2 = |m_a - m_b|^2 + tr(C_a + C_b - 2 (C_a C_b)^(1/2)). Example: in one dimension
  N(0, 1) and N(3, 5^2) are sqrt(3^2 + (5 - 1)^2) = 5 apart. With fewer people than coordinates a covariance needs shrinkage:
  correlations are drawn towards 0 by the amount of "oracle approximating shrinkage" (Chen et al., IEEE TSP 58, 2010).
"""

import json
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from ferkit.baselines import one_thread
from ferkit.data.drawn import read_drawn
from ferkit.faces import align, detect
from ferkit.faces.store import Prepared, prepare
from ferkit.landmarks import REGIONS, five_points
from ferkit.loaders import load_photographs
from ferkit.synthetic.sets import draw_set

SIZE = 96
EYES = ((0.3, 0.35), (0.7, 0.35))  # where the right and the left eye's centre land, parts of the size
PREPARED = 224  # pixels of the aligned faces on which dlib looks again, as for `ferkit predict`
COMPONENTS = 25  # of the covariance that are kept: all of 26 people; beyond them one variance per coordinate
GOAL = {"mean_difference": (0.0, 0.5), "ratio": (0.85, 1.15)}
TAILS = (0.025, 0.975)


def _points(*names: str) -> np.ndarray:
    return np.concatenate([np.arange(68)[REGIONS[name]] for name in names])


PARTS = {
    "jaw": _points("jaw"),
    "brows": _points("right_brow", "left_brow"),
    "nose": _points("nose"),
    "eyes": _points("right_eye", "left_eye"),
    "mouth": _points("mouth"),
    "inner": np.arange(17, 68),  # all but the jaw
    "all": np.arange(68),
}


@dataclass(frozen=True, eq=False)
class Statistics:
    """The Gaussian of some people's faces: `mean` (68, 2), `covariance` (136, 136) in the order x0, y0, x1 ..., how many `people`."""

    mean: np.ndarray
    covariance: np.ndarray
    people: int

    def part(self, points: np.ndarray) -> "Statistics":
        """Of some of the points only."""
        places = (2 * points[:, None] + (0, 1)).ravel()
        return Statistics(self.mean[points], self.covariance[np.ix_(places, places)], self.people)

    @property
    def spread(self) -> float:
        """The root mean square over points of the standard deviation over people."""
        return float(np.sqrt(np.trace(self.covariance) / len(self.mean)))


# --- landmarks ---


def eye_alignment(landmarks: ArrayLike, size: int = SIZE) -> np.ndarray:
    """The similarity `(..., 2, 3)` that brings both eye centres of landmarks `(..., 68, 2)` to `EYES`; ValueError where they coincide."""
    right, left = np.moveaxis(five_points(landmarks)[..., :2, :], -2, 0) @ (1, 1j)
    wanted = [complex(*eye) * size for eye in EYES]
    with np.errstate(divide="ignore", invalid="ignore"):
        turn = (wanted[1] - wanted[0]) / (left - right)  # size and angle as one complex number
    if not np.isfinite(turn).all():
        raise ValueError("landmarks cannot be aligned: the eyes coincide or are not finite")
    shift = wanted[0] - turn * right
    rows = [[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def eye_aligned(landmarks: ArrayLike) -> np.ndarray:
    """Landmarks `(..., 68, 2)` in pixels of the picture of 96 in which the eyes are fixed."""
    points = np.asarray(landmarks, dtype=np.float64)
    return align.apply(eye_alignment(points), points)


def statistics_of(points: ArrayLike, people: ArrayLike | None = None) -> Statistics:
    """Mean and covariance of aligned faces `(N, 68, 2)`, one of each person unless `people` `(N,)` says otherwise; 3 people at least."""
    faces = np.asarray(points, dtype=np.float64)
    if faces.ndim != 3 or faces.shape[1:] != (68, 2) or not np.isfinite(faces).all():
        raise ValueError(f"expected finite landmarks (N, 68, 2), got {faces.shape}; leave faces without landmarks out")
    who = np.arange(len(faces)) if people is None else np.asarray(people)
    if who.shape != faces.shape[:1]:
        raise ValueError(f"expected a person for each of {len(faces)} faces, got {who.shape}")
    if (count := len(np.unique(who))) < 3:
        raise ValueError(f"a spread over people needs at least 3 of them, got {count}")
    return Statistics(faces.mean(0), np.cov(faces.reshape(len(faces), -1).T), count)


def frechet(a: Statistics, b: Statistics) -> float:
    """The Frechet distance between two Gaussians, in the units of their means; covariances are taken as they are (see `shrunk`)."""
    values, vectors = np.linalg.eigh(a.covariance)
    root = vectors * np.sqrt(values.clip(min=0))
    cross = np.sqrt(np.linalg.eigvalsh(root.T @ b.covariance @ root).clip(min=0)).sum()
    squared = ((a.mean - b.mean) ** 2).sum() + np.trace(a.covariance) + np.trace(b.covariance) - 2 * cross
    return float(np.sqrt(max(squared, 0)))


def shrunk(s: Statistics) -> Statistics:
    """With correlations drawn towards 0, the more the fewer people there are; variances stay."""
    scale = np.sqrt(np.diag(s.covariance))
    scale = np.where(scale > 0, scale, 1)
    correlation, size = s.covariance / np.outer(scale, scale), len(scale)
    squares = (correlation**2).sum()
    amount = ((1 - 2 / size) * squares + size**2) / ((s.people + 1 - 2 / size) * max(squares - size, 1e-9))
    kept = 1 - min(1.0, amount)
    shrunken = kept * s.covariance + (1 - kept) * np.diag(np.diag(s.covariance))
    return Statistics(s.mean, shrunken, s.people)


@lru_cache(maxsize=1)
def real_neutral() -> Statistics:
    """The photographed neutral faces that come with ferkit: an aggregate over people, made by `measure_photographs`."""
    kept = json.loads((files("ferkit") / "real_neutral.json").read_text(encoding="utf-8"))
    components = np.array(kept["components"])
    covariance = components.T @ components + np.diag(kept["residual"])
    return Statistics(np.array(kept["mean"]), covariance, kept["people"])


def measure_photographs(root: str | Path | None = None) -> Statistics:
    """The statistics of London's neutral photographs found under `root` or FERKIT_DATA; FileNotFoundError without any."""
    faces = photographed_neutral(root)
    if faces is None:
        raise FileNotFoundError("no photographs to measure: FERKIT_DATA names no folder with the London set")
    return statistics_of(eye_aligned(faces.landmarks), faces.table["person"])


def write(statistics: Statistics, path: str | Path, about: str) -> None:
    """Keeps statistics as JSON: the mean, the covariance's leading components, and what variance each coordinate has beyond them."""
    values, vectors = np.linalg.eigh(statistics.covariance)
    components = (vectors * np.sqrt(values.clip(min=0))).T[::-1][:COMPONENTS].round(4)
    residual = (np.diag(statistics.covariance) - (components**2).sum(0)).clip(min=0)
    kept = {
        "about": about,
        "people": statistics.people,
        "size": SIZE,
        "eyes": EYES,
        "landmarks": detect.PREDICTOR,
        "mean": statistics.mean.round(4).tolist(),
        "components": components.tolist(),
        "residual": residual.round(5).tolist(),
    }
    Path(path).write_text(json.dumps(kept) + "\n", encoding="utf-8")


def drawn_neutral(level: str = "lesson", seed: int = 0) -> Prepared:
    """The drawn set `neutral` through dlib, faces that were found."""
    clips = read_drawn(draw_set("neutral", level, seed, progress=False), dataset="neutral")
    faces = prepare(clips, PREPARED, keep_images=False, progress=False)
    return faces.select(faces.table["found"].to_numpy())


def photographed_neutral(root: str | Path | None = None) -> Prepared | None:
    """London's neutral photographs through dlib in the same way; None where they are not at hand."""
    clips = [clip for clip in load_photographs(root).get("london", ()) if clip.emotion == "neutral"]
    if not clips:
        return None
    faces = prepare(clips, PREPARED, keep_images=False, progress=False)
    return faces.select(faces.table["found"].to_numpy())


@one_thread
def landmark_gap(
    landmarks: ArrayLike, people: ArrayLike, real: Statistics | None = None, *, seed: int = 0, repeats: int = 200
) -> pd.DataFrame:
    """A row for each of `PARTS`: how far drawn faces `(N, 68, 2)`, aligned in whatever way, are from the photographed ones.

    Columns: mean_difference, spread_drawn, spread_real and their `ratio`, `covariance` (norm of the difference over the norm of
    the real one), `frechet` (shrunken covariances, divided by the root of the number of points, so in pixels as well). `_low`
    and `_high` are 95 % intervals over people: the drawn ones are drawn again with replacement, the real ones from their
    Gaussian. Resampling adds to every distance, which is taken off again in squares.
    """
    points, who = eye_aligned(landmarks), np.asarray(people)
    real = real_neutral() if real is None else real
    found = _distances(statistics_of(points, who), real)
    rng, codes = np.random.default_rng(seed), pd.factorize(who, sort=True)[0]
    count, flat = codes.max() + 1, points.reshape(len(points), -1)
    values, vectors = np.linalg.eigh(real.covariance)
    root = (vectors * np.sqrt(values.clip(min=0))).T

    def drawn_again() -> Statistics:
        times = rng.multinomial(count, np.full(count, 1 / count))[codes]
        mean = np.average(flat, axis=0, weights=times)
        return Statistics(mean.reshape(68, 2), np.cov(flat.T, fweights=times), count)

    def others(number: int) -> Statistics:
        return statistics_of(real.mean + (rng.normal(size=(number, 136)) @ root).reshape(-1, 68, 2))

    again = np.stack([_distances(drawn_again(), others(real.people)).to_numpy() for _ in range(repeats)])
    same = np.stack([_distances(others(max(3, count)), others(real.people)).to_numpy() for _ in range(repeats // 4)])
    columns = {}
    for place, name in enumerate(found):
        columns[name] = found[name]
        if name in ("mean_difference", "ratio", "frechet"):
            rows = again[:, :, place]
            if name != "ratio":
                squared = rows**2 - (rows**2).mean(0) + found[name].to_numpy() ** 2
                rows = np.sqrt(squared.clip(min=0))
            columns[f"{name}_low"], columns[f"{name}_high"] = np.quantile(rows, TAILS, axis=0)
        if name in ("mean_difference", "covariance", "frechet"):
            columns[f"{name}_same"] = np.sqrt((same[:, :, place] ** 2).mean(0))
    return pd.DataFrame(columns, index=found.index)


def figure_table(drawn: Statistics, real: Statistics, gap: pd.DataFrame) -> pd.DataFrame:
    """What `plots.plot_gap` draws, in three panels: both mean faces with variances, mean difference, and ratio of spreads."""
    sides: dict[str, ArrayLike] = {}
    for name, side in (("drawn", drawn), ("real", real)):
        own = [side.covariance[2 * i : 2 * i + 2, 2 * i : 2 * i + 2] for i in range(68)]
        sides |= {f"x_{name}": side.mean[:, 0], f"y_{name}": side.mean[:, 1]}
        sides |= {
            f"{entry}_{name}": [c[i, j] for c in own] for entry, i, j in (("xx", 0, 0), ("xy", 0, 1), ("yy", 1, 1))
        }
    bars = [
        pd.DataFrame({
            "panel": title, "part": gap.index, "value": gap[name], "low": gap[f"{name}_low"], "high": gap[f"{name}_high"],
            "same": gap.get(f"{name}_same"), "base": base, "goal_low": GOAL[name][0], "goal_high": GOAL[name][1],
        })
        for name, base, title in (("mean_difference", 0, "mean difference, pixels of 96"), ("ratio", 1, "spread over people, drawn / real"))
    ]  # fmt: skip
    return pd.concat([pd.DataFrame({"panel": "mean faces", **sides}), *bars], ignore_index=True)


def _distances(drawn: Statistics, real: Statistics) -> pd.DataFrame:
    rows = []
    for points in PARTS.values():
        a, b = drawn.part(points), real.part(points)
        rows.append({
            "mean_difference": np.sqrt(((a.mean - b.mean) ** 2).sum() / len(points)),
            "spread_drawn": a.spread,
            "spread_real": b.spread,
            "ratio": a.spread / b.spread,
            "covariance": np.linalg.norm(a.covariance - b.covariance) / np.linalg.norm(b.covariance),
            "frechet": frechet(shrunk(a), shrunk(b)) / np.sqrt(len(points)),
        })  # fmt: skip
    return pd.DataFrame(rows, index=pd.Index(PARTS, name="part"))
