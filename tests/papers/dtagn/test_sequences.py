"""Interpolation in time against its slow construction, gaps, and the fourteen versions."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from ferkit.core import landmarks
from ferkit.data.clip import Clip
from ferkit.faces import resample as seq
from ferkit.faces.prepared import Prepared
from ferkit.papers.dtagn import sequences
from ferkit.papers.dtagn.sequences import build_sequences


def zhou(frames, at):
    """Zhou et al.: eigenvectors of the path's Laplacian, an SVD, least squares, and back."""
    n = len(frames)
    path = np.diag(np.ones(n - 1), 1) + np.diag(np.ones(n - 1), -1)
    vectors = np.linalg.eigh(np.diag(path.sum(1)) - path)[1][:, 1:]
    k = np.arange(1, n)

    def curve(t):
        return np.sin(np.pi * k * t[:, None] + np.pi * (n - k) / (2 * n))

    known = curve(np.arange(1, n + 1) / n)
    assert np.allclose(np.abs((known / np.linalg.norm(known, axis=0) * vectors).sum(0)), 1)
    mean = frames.mean(0)
    u, s, vt = np.linalg.svd((frames - mean).T, full_matrices=False)
    matrix = np.linalg.lstsq(known, (s[:, None] * vt).T, rcond=None)[0]
    return curve((np.asarray(at) + 1) / n) @ matrix @ u.T + mean


def test_equals_the_slow_construction():
    frames = np.random.default_rng(0).normal(size=(9, 40))
    assert np.allclose(seq.resample(frames, 20), zhou(frames, np.linspace(0, 8, 20)), atol=1e-10)


@pytest.mark.parametrize("method", seq.INTERPOLATIONS)
@pytest.mark.parametrize("given", [1, 2, 12, 250])
def test_exact_at_the_given_frames(given, method):
    frames = np.random.default_rng(1).normal(size=(given, 3, 2))
    assert np.allclose(seq.resample(frames, given, method=method), frames, atol=1e-11)
    assert np.allclose(seq.resample(frames, 2 * given - 1, method=method)[::2], frames, atol=1e-11)


def test_few_frames_and_one_wanted():
    one = np.full((1, 4, 4), 7, np.uint8)
    assert (seq.resample(one, 5) == 7).all()
    assert np.allclose(seq.resample(np.array([[0.0], [1.0]]), 3).ravel(), [0, 0.5, 1])
    assert np.allclose(seq.resample(np.arange(5.0)[:, None], 1), 2)


def test_pictures_are_clipped_where_cosines_overshoot():
    step = np.repeat([0, 255], 20).astype(np.uint8)[:, None]
    assert 0.1 < seq.resample(step / 255, 400).max() - 1 < 0.15
    assert seq.resample(step, 400).dtype == np.uint8
    assert seq.resample(step / 255, 400, method="linear").max() == 1


def test_missing_frames_are_filled_in_time():
    points = np.arange(6.0)[:, None, None] * np.ones((49, 2))
    lost = points.copy()
    lost[2:4] = np.nan
    assert np.allclose(seq.resample(lost, 6), points)
    lost[:2] = np.nan
    assert np.allclose(seq.resample(lost, 6)[:, 0, 0], [4, 4, 4, 4, 4, 5])
    masked = seq.resample(points, 6, found=[False, True, True, True, True, True], method="linear")
    assert np.allclose(masked[:, 0, 0], [1, 1, 2, 3, 4, 5])


@pytest.mark.parametrize(
    ("frames", "words"),
    [
        (np.full((3, 49, 2), np.nan), "clip 7: none of its 3 frames has a face"),
        ([np.zeros((4, 4)), np.zeros((4, 5))], "clip 7: frame 1 is 4 x 5 but frame 0 is 4 x 4"),
        ([], "at least one frame"),
    ],
)
def test_bad_sequences_are_named(frames, words):
    with pytest.raises(ValueError, match=words):
        seq.resample(frames, 5, name="clip 7")


def test_versions_of_pictures():
    pictures = torch.rand(1, 2, 65, 65, dtype=torch.float64)
    many = sequences.vary_pictures(pictures.expand(14, -1, -1, -1), torch.arange(14))
    assert torch.allclose(many[0], pictures[0], atol=1e-5)
    assert torch.allclose(many[7:], many[:7].flip(-1), atol=1e-5)
    dot = torch.zeros(1, 1, 65, 65)
    dot[..., 8:11, 31:34] = 1
    for version, angle in enumerate(sequences._ANGLES, start=1):
        turned = sequences.vary_pictures(dot, torch.tensor([version]))[0, 0]
        y, x = (
            float((turned.sum(1 - axis) * torch.arange(65)).sum() / turned.sum()) - 32
            for axis in (0, 1)
        )
        assert np.degrees(np.arctan2(x, -y)) == pytest.approx(angle, abs=0.5)


def test_versions_of_points():
    points = torch.randn(1, 12, 49, 2, dtype=torch.float64).expand(14, -1, -1, -1)
    many = sequences.vary_points(points, torch.arange(14), torch.Generator().manual_seed(0))
    assert torch.equal(many[0], points[0])
    assert np.allclose(many[7], landmarks.mirror(points[0].numpy(), 0))
    noise = many[1:4] - points[1:4]
    assert float(noise.std()) == pytest.approx(sequences._NOISE, rel=0.05)
    flat, was = (torch.view_as_complex(x[4:7].contiguous()) for x in (many, points))
    theta = torch.angle(flat / was)
    assert torch.allclose(theta, theta[..., :1].expand_as(theta))  # one angle a frame
    assert theta.abs().max() <= sequences._MAX_ROTATION
    assert theta[..., 0].unique().numel() == 36
    assert np.allclose(flat.abs(), was.abs())


def test_one_seed_one_draw_and_both_kinds_are_mirrored_together():
    pictures, points = torch.rand(40, 2, 16, 16), torch.randn(40, 2, 49, 2)
    first, again = (
        sequences.vary_sequences((pictures, points), torch.Generator().manual_seed(3))
        for _ in range(2)
    )
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    versions = sequences.draw_versions(40, torch.Generator().manual_seed(3))
    assert torch.equal(first[0], sequences.vary_pictures(pictures, versions))
    plain = versions == 7
    assert torch.equal(first[1][plain], sequences.mirror_points(points[plain]))


# From prepared clips to tensors


def prepared_clip(found, emotions=("anger",), size=16):
    """Clips as `prepare` gives them, with pictures whose grey is the frame's number."""
    rng, count = np.random.default_rng(0), len(found)
    clips = [
        Clip("d", f"p{i}", f"c{i}", e, tuple(Path(f"{i}/{t}.jpg") for t in range(count)))
        for i, e in enumerate(emotions)
    ]
    table = pd.DataFrame(
        {"path": [str(path) for clip in clips for path in clip.frames], "found": found * len(clips)}
    )
    there = table["found"].to_numpy()
    images = (
        np.tile(np.arange(count, dtype=np.uint8), len(clips))[:, None, None] * there[:, None, None]
    )
    points = rng.normal(size=(68, 2)) + np.arange(len(table))[:, None, None]
    points[~there] = np.nan
    images = np.broadcast_to(images, (len(table), size, size)).astype(np.uint8)
    return clips, Prepared(Path(), size, table, images, points, points, np.zeros((len(table), 4)))


def test_clips_become_tensors():
    clips, prepared = prepared_clip([False, True, True, False, True, True], ("anger", "fear"))
    made = build_sequences(clips, prepared, ("fear", "anger"), 6)
    assert made.pictures.shape == (2, 6, 16, 16)
    assert made.pictures[0, :, 0, 0].tolist() == [
        1,
        1,
        2,
        3,
        4,
        5,
    ]  # the first is held, the fourth filled
    assert made.labels.tolist() == [1, 0]
    assert made.filled.tolist() == [2, 2]
    wanted = landmarks.normalise(prepared.landmarks[1][landmarks.SUBSET_49])
    assert np.allclose(
        made.points[0], wanted, atol=1e-5
    )  # shifted from frame to frame, so the same once normalised
    assert made.people.tolist() == ["p0", "p1"]


def test_bad_clips_are_named():
    clips, prepared = prepared_clip([False, False, False])
    with pytest.raises(ValueError, match="d c0: none of its 3 frames has a face"):
        build_sequences(clips, prepared, ("anger",))
    with pytest.raises(ValueError, match="d c0 shows anger, which is none of fear"):
        build_sequences(clips, prepared, ("fear",))
    with pytest.raises(ValueError, match="not those that were prepared"):
        build_sequences(clips[:0], prepared, ("anger",))
    with pytest.raises(ValueError, match="prepared in grey"):
        build_sequences(clips, replace(prepared, images=None), ("anger",))
