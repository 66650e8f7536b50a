"""Random changes of training faces: pictures, landmarks and light."""

import pytest
import torch

from ferkit.core.landmarks import MIRROR
from ferkit.papers.emotionaldan import loss
from ferkit.papers.emotionaldan.augment import Augmentation

SIZE = 48
STILL = Augmentation(mirror=False, turn=0, shift=0, zoom=0, brightness=0, contrast=(1, 1))
MOVED = Augmentation(brightness=0, contrast=(1, 1))


def blobs(points: torch.Tensor) -> torch.Tensor:
    """Pictures `(N, 1, SIZE, SIZE)` with a bright blob at one point each, `(N, 2)`."""
    line = torch.arange(SIZE) + 0.5
    y, x = torch.meshgrid(line, line, indexing="ij")
    square = (x - points[:, 0, None, None]) ** 2 + (y - points[:, 1, None, None]) ** 2
    return torch.exp(-square / 8)[:, None]


def brightest(pictures: torch.Tensor) -> torch.Tensor:
    """Where the blobs lie, `(N, 2)`."""
    line = torch.arange(SIZE) + 0.5
    weights = pictures[:, 0] / pictures.sum((1, 2, 3))[:, None, None]
    return torch.stack([(weights.sum(1) * line).sum(1), (weights.sum(2) * line).sum(1)], 1)


def faces(count: int = 64) -> tuple[torch.Tensor, torch.Tensor]:
    """Landmarks `(N, 68, 2)` well inside the picture, and labels."""
    generator = torch.Generator().manual_seed(0)
    points = 18 + 12 * torch.rand(count, 68, 2, generator=generator)
    return points, loss.join_labels(points, torch.arange(count) % 7)


def change(augmentation, pictures, labels, seed=0):
    (changed,), labels = augmentation((pictures,), labels, torch.Generator().manual_seed(seed))
    return changed, labels


def test_a_landmark_stays_on_its_spot_of_the_picture():
    points, labels = faces()
    left_eye, right_eye = 36, 45  # each the other's mirror image
    pictures = blobs(points[:, left_eye])
    changed, moved_labels = change(MOVED, pictures, labels)
    moved, classes = loss.split_labels(moved_labels)
    seen = brightest(changed)
    at_left = (seen - moved[:, left_eye]).norm(dim=1)
    at_right = (seen - moved[:, right_eye]).norm(dim=1)
    nearest = torch.minimum(at_left, at_right)
    assert nearest.max() < 0.3  # pixels
    is_mirrored = at_right < at_left
    assert 0.3 < is_mirrored.float().mean() < 0.7
    assert torch.equal(classes, torch.arange(64) % 7)


def test_amounts_keep_their_bounds_and_differ_between_faces():
    points, labels = faces(400)
    unmirrored = Augmentation(mirror=False, brightness=0, contrast=(1, 1))
    moved, _ = loss.split_labels(change(unmirrored, blobs(points[:, 0]), labels)[1])
    vector, moved_vector = (p[:, 1] - p[:, 0] for p in (points, moved))
    turn = torch.atan2(moved_vector[:, 1], moved_vector[:, 0])
    turn = turn - torch.atan2(vector[:, 1], vector[:, 0])
    turn = torch.rad2deg((turn + torch.pi) % (2 * torch.pi) - torch.pi).abs()
    assert 13 < turn.max() <= 15.01
    zoom = (moved_vector.norm(dim=1) / vector.norm(dim=1)).log()
    assert 0.11 < zoom.abs().max() <= 0.1201
    centre = torch.full((400, 68, 2), SIZE / 2)
    centres = loss.join_labels(centre, torch.zeros(400, dtype=torch.long))
    shifted, _ = loss.split_labels(change(unmirrored, blobs(points[:, 0]), centres)[1])
    assert 0.05 < ((shifted - centre).abs().max() / SIZE) <= 0.0601


def test_each_epoch_sees_other_versions_and_a_generator_repeats_them():
    points, labels = faces()
    pictures = blobs(points[:, 30])
    first, again, other = (change(Augmentation(), pictures, labels, seed) for seed in (1, 1, 2))
    assert torch.equal(first[0], again[0])
    assert torch.equal(first[1], again[1])
    assert not torch.allclose(first[0], other[0])
    assert not torch.allclose(first[1], other[1])


def test_nothing_changes_where_all_amounts_are_0():
    points, labels = faces()
    pictures = blobs(points[:, 30])
    changed, same_labels = change(STILL, pictures, labels)
    assert torch.allclose(changed, pictures, atol=1e-5)
    assert torch.allclose(same_labels, labels, atol=1e-4)


def test_labels_that_are_classes_stay():
    points, _ = faces()
    classes = torch.arange(64) % 3
    changed, same = change(Augmentation(), blobs(points[:, 30]), classes)
    assert torch.equal(same, classes)
    assert changed.shape == (64, 1, SIZE, SIZE)


def test_a_mirrored_face_has_left_and_right_exchanged():
    points, labels = faces()
    mirrored = Augmentation(turn=0, shift=0, zoom=0, brightness=0, contrast=(1, 1))
    moved, _ = loss.split_labels(change(mirrored, blobs(points[:, 30]), labels)[1])
    is_mirrored = ~torch.isclose(moved, points).flatten(1).all(1)
    flipped = points[:, MIRROR.tolist()] * torch.tensor([-1.0, 1]) + torch.tensor([SIZE, 0.0])
    assert torch.allclose(moved[is_mirrored], flipped[is_mirrored], atol=1e-4)
    assert 0.3 < is_mirrored.float().mean() < 0.7


def test_light_changes_within_its_bounds():
    grey = torch.full((300, 1, 8, 8), 0.5)
    grey[:, :, :4] += 0.1
    labels = torch.zeros(300, dtype=torch.long)
    lit = Augmentation(mirror=False, turn=0, shift=0, zoom=0)
    changed, _ = change(lit, grey, labels)
    means = changed.mean((1, 2, 3)) - grey.mean((1, 2, 3))
    assert 0.25 < means.abs().max() <= 0.3001
    contrasts = (changed[:, 0, 0, 0] - changed[:, 0, 7, 0]) / 0.1
    assert float(contrasts.min()) == pytest.approx(0.2, abs=0.05)
    assert float(contrasts.max()) == pytest.approx(1.8, abs=0.05)
    assert 0 <= changed.min() <= changed.max() <= 1
