"""Measure how far drawn neutral faces are from photographs, by landmarks.

Only neutral faces take part, and no label of an expression. See `neutral_faces` for alignment,
spread and distances.

Convention
- Columns ending in `_same` say what two groups of as many people from *one* population would give:
  no gap can be smaller.
"""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from ferkit.evaluation.intervals import TAILS
from ferkit.training.linear import one_thread
from ferkit.workbook.studies.neutral_faces import (
    FACE_PARTS,
    Statistics,
    align_eyes,
    covariance_root,
    face_statistics,
    frechet_distance,
    real_neutral,
    shrink_correlations,
)

_GOALS = {"mean_difference": (0.0, 0.5), "ratio": (0.85, 1.15)}


@one_thread
def landmark_gap(
    landmarks: ArrayLike,
    people: ArrayLike,
    real: Statistics | None = None,
    *,
    seed: int = 0,
    repeats: int = 200,
) -> pd.DataFrame:
    """Measure how far drawn faces `(N, 68, 2)` are from photographs.

    A row for each of `FACE_PARTS`. Columns: mean_difference, spread_drawn, spread_real and their
    `ratio`, `covariance` (norm of the difference over the norm of the real one), `frechet` (of
    shrunken covariances, divided by the root of the number of points, so in pixels too). `_low` and
    `_high` are 95 % intervals over people: drawn people are resampled with replacement, real ones
    from their Gaussian. Resampling adds to every distance, so this is subtracted again, in squares.
    """
    points = align_eyes(landmarks)
    people = np.asarray(people)
    real = real_neutral() if real is None else real
    gap = _part_distances(face_statistics(points, people), real)
    rng = np.random.default_rng(seed)
    codes, names = pd.factorize(people, sort=True)
    count = len(names)
    flat = points.reshape(len(points), -1)
    root = covariance_root(real.covariance)

    def resample_drawn() -> Statistics:
        weights = rng.multinomial(count, np.full(count, 1 / count))[codes]
        mean = np.average(flat, axis=0, weights=weights)
        return Statistics(mean.reshape(68, 2), np.cov(flat.T, fweights=weights), count)

    def sample_real(number: int) -> Statistics:
        deviations = rng.normal(size=(number, 136)) @ root
        return face_statistics(real.mean + deviations.reshape(-1, 68, 2))

    resampled = [
        _part_distances(resample_drawn(), sample_real(real.people)) for _ in range(repeats)
    ]
    same = [
        _part_distances(sample_real(max(3, count)), sample_real(real.people))
        for _ in range(repeats // 4)
    ]
    columns = {}
    for name in gap:
        columns[name] = gap[name]
        if name in ("mean_difference", "ratio", "frechet"):
            values = np.stack([distances[name] for distances in resampled])
            if name != "ratio":
                squared = values**2 - (values**2).mean(0) + gap[name].to_numpy() ** 2
                values = np.sqrt(squared.clip(min=0))
            low, high = np.quantile(values, TAILS, axis=0)
            columns |= {f"{name}_low": low, f"{name}_high": high}
        if name in ("mean_difference", "covariance", "frechet"):
            values = np.stack([distances[name] for distances in same])
            columns[f"{name}_same"] = np.sqrt((values**2).mean(0))
    return pd.DataFrame(columns, index=gap.index)


def gap_panels(drawn: Statistics, real: Statistics, gap: pd.DataFrame) -> pd.DataFrame:
    """Tabulate what `plots.plot_gap` draws in three panels.

    Both mean faces with their variances, the mean difference, and the ratio of spreads.
    """
    faces = pd.concat([_mean_face(drawn, "drawn"), _mean_face(real, "real")], axis=1)
    faces.insert(0, "panel", "mean faces")
    differences = _bar_rows(gap, "mean_difference", 0, "mean difference, pixels of 96")
    ratios = _bar_rows(gap, "ratio", 1, "spread over people, drawn / real")
    return pd.concat([faces, differences, ratios], ignore_index=True)


def _mean_face(side: Statistics, name: str) -> pd.DataFrame:
    """Tabulate each point's mean place and covariance over people."""
    x_variance, y_variance = np.diag(side.covariance).reshape(68, 2).T
    xy_covariance = np.diag(side.covariance, k=1)[::2]
    return pd.DataFrame(
        {
            f"x_{name}": side.mean[:, 0],
            f"y_{name}": side.mean[:, 1],
            f"xx_{name}": x_variance,
            f"xy_{name}": xy_covariance,
            f"yy_{name}": y_variance,
        }
    )


def _bar_rows(gap: pd.DataFrame, name: str, base: float, panel: str) -> pd.DataFrame:
    """Tabulate one measure for each part, with interval and goal."""
    goal_low, goal_high = _GOALS[name]
    return pd.DataFrame(
        {
            "panel": panel,
            "part": gap.index,
            "value": gap[name],
            "low": gap[f"{name}_low"],
            "high": gap[f"{name}_high"],
            "same": gap.get(f"{name}_same"),
            "base": base,
            "goal_low": goal_low,
            "goal_high": goal_high,
        }
    )


def _part_distances(drawn: Statistics, real: Statistics) -> pd.DataFrame:
    rows = []
    for points in FACE_PARTS.values():
        a = drawn.part(points)
        b = real.part(points)
        covariance = np.linalg.norm(a.covariance - b.covariance) / np.linalg.norm(b.covariance)
        frechet = frechet_distance(shrink_correlations(a), shrink_correlations(b))
        rows.append(
            {
                "mean_difference": np.sqrt(((a.mean - b.mean) ** 2).sum() / len(points)),
                "spread_drawn": a.spread,
                "spread_real": b.spread,
                "ratio": a.spread / b.spread,
                "covariance": covariance,
                "frechet": frechet / np.sqrt(len(points)),
            }
        )
    return pd.DataFrame(rows, index=pd.Index(FACE_PARTS, name="part"))
