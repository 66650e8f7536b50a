"""Pictures mirrored, turned and shifted, and residuals with them."""

import numpy as np
import torch

from ferkit.core import landmarks
from ferkit.training import augment


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_residuals_are_mirrored_as_the_mirrored_faces_residuals():
    """The residual of mirrored landmarks is the mirrored residual, whatever the picture's width."""
    rng = np.random.default_rng(0)
    faces = rng.uniform(0, 100, (6, 68, 2))
    people = np.array(["a", "a", "a", "b", "b", "b"])
    expected = landmarks.residuals(
        np.stack([landmarks.mirror(face, 100) for face in faces]), people
    )
    found = augment.mirror_residuals(
        torch.from_numpy(landmarks.residuals(faces, people).reshape(6, 136))
    )
    np.testing.assert_allclose(found.numpy(), expected.reshape(6, 136), atol=1e-12)
    torch.testing.assert_close(augment.mirror_residuals(augment.mirror_residuals(found)), found)


def test_pictures_and_residuals_are_mirrored_together():
    """The residual changes its sign in mirrored pictures, and only there."""
    pictures = torch.zeros(64, 3, 48, 48)
    pictures[..., :24] = 1
    residuals = torch.zeros(64, 68, 2)
    residuals[:, 30] = torch.tensor([1.0, 2.0])  # the nose's tip, its own partner
    inputs = (pictures, residuals.view(64, 136))
    seen, moved = augment.mirror_turn_and_shift(inputs, generator())
    nose = moved.view(64, 68, 2)[:, 30]
    flipped = nose[:, 0] < 0
    assert 16 < flipped.sum() < 48
    assert flipped.equal(seen[:, 0, 24, 4] < 0.5)
    assert nose.abs().equal(torch.tensor([1.0, 2.0]).expand(64, 2))  # neither turned nor shifted


def test_the_same_generator_gives_the_same_batch_and_shifts_stay_small():
    pictures = torch.rand(32, 3, 48, 48, generator=generator(1))
    (one,), (two,), (other,) = (
        augment.mirror_turn_and_shift((pictures,), generator(seed)) for seed in (0, 0, 1)
    )
    assert one.equal(two)
    assert not one.equal(other)
    # Without a turn, the middle of a ramp moves as far as the picture is shifted.
    ramp = torch.arange(48.0).expand(256, 1, 48, 48)
    (moved,) = augment.mirror_turn_and_shift((ramp,), generator())
    middle = moved[:, 0, 23:25, 23:25].mean((1, 2)) - 23.5
    assert middle.abs().max() <= 48 * augment._SHIFT + 1e-3
    assert middle.std() > 0.5


def marks(height: int, width: int) -> torch.Tensor:
    """64 pictures with two soft spots: one above, one right of the middle."""
    y, x = torch.meshgrid(torch.arange(height) + 0.5, torch.arange(width) + 0.5, indexing="ij")
    spots = [((height / 2 - 12, width / 2), 0), ((height / 2, width / 2 + 10), 1)]
    picture = torch.zeros(3, height, width)
    for (top, left), channel in spots:
        picture[channel] = torch.exp(-((y - top) ** 2 + (x - left) ** 2) / 8)
    return picture.expand(64, -1, -1, -1)


def middles(pictures: torch.Tensor) -> torch.Tensor:
    """Where the two spots are, from the picture's middle: (64, 2, 2) as x, y."""
    height, width = pictures.shape[2:]
    weight = pictures[:, :2] / pictures[:, :2].sum((2, 3), keepdim=True)
    x = (weight.sum(2) * (torch.arange(width) + 0.5 - width / 2)).sum(-1)
    y = (weight.sum(3) * (torch.arange(height) + 0.5 - height / 2)).sum(-1)
    return torch.stack([x, y], -1)


def test_two_pictures_of_a_face_are_mirrored_together():
    one, two = augment.mirror_views((marks(55, 47), marks(48, 48)), generator())
    sides = [middles(x)[:, 1, 0] < 0 for x in (one, two)]
    assert sides[0].equal(sides[1])
    assert 16 < sides[0].sum() < 48


def test_two_pictures_of_a_face_are_turned_and_shifted_together_and_keep_their_shape():
    one, two = augment.mirror_turn_and_shift((marks(55, 47), marks(48, 48)), generator())
    before, (first, second) = middles(marks(55, 47))[0], (middles(one), middles(two))
    apart = (first[:, 0] - first[:, 1]).norm(dim=1)
    assert (
        apart.sub((before[0] - before[1]).norm()).abs().max() < 0.5
    )  # a turn and a shift change no distance
    angle = [torch.atan2(*(m[:, 0] - m[:, 1]).unbind(1)) for m in (first, second)]
    assert (angle[0] - angle[1]).abs().max() < 0.03
    assert angle[0].abs().std() > 0.05
    assert first.mean(1).std(0).min() > 0.5
