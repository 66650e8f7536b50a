"""Normalisation layers against slow formulas and against torch."""

import numpy as np
import pytest
import torch
from torch import nn

from ferkit.training.alexnet import alexnet_trunk
from ferkit.training.normalisation import LocalContrastNorm, LocalResponseNorm


def slow_contrast_norm(x: np.ndarray, size: int) -> np.ndarray:
    """Jarrett et al. 2009, section 2.1, one point at a time."""
    half, (maps, height, width) = size // 2, x.shape

    def weighted(values: np.ndarray) -> np.ndarray:
        out = np.zeros((height, width))
        for j, k in np.ndindex(height, width):
            total = weights = 0.0
            for p, q in np.ndindex(size, size):
                row, column = j + p - half, k + q - half
                if 0 <= row < height and 0 <= column < width:
                    w = np.exp(-((p - half) ** 2 + (q - half) ** 2) / (2 * (size / 4) ** 2))
                    weights += maps * w
                    total += w * values[:, row, column].sum()
            out[j, k] = total / weights
        return out

    v = x - weighted(x)
    s = np.sqrt(weighted(v**2))
    return v / np.maximum(s, s.mean())


@pytest.mark.parametrize("size", [3, 5])
def test_contrast_norm_is_the_papers(size):
    x = torch.rand(2, 3, 7, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    expected = np.stack([slow_contrast_norm(picture, size) for picture in x.numpy()])
    np.testing.assert_allclose(LocalContrastNorm(size).double()(x), expected, atol=1e-6)


def test_contrast_norm_has_the_gradient_of_its_formula():
    layer = LocalContrastNorm(3).double()
    x = torch.rand(
        2,
        3,
        6,
        5,
        dtype=torch.float64,
        generator=torch.Generator().manual_seed(1),
        requires_grad=True,
    )
    assert torch.autograd.gradcheck(layer, x)
    flat = torch.ones(1, 2, 5, 5, requires_grad=True)  # no contrast at all
    layer(flat).sum().backward()
    assert flat.grad.isfinite().all()


def test_contrast_norm_forgets_brightness_and_contrast():
    x = torch.rand(1, 1, 12, 12, generator=torch.Generator().manual_seed(0))
    layer = LocalContrastNorm(5)
    torch.testing.assert_close(layer(3 * x + 2), layer(x), rtol=0, atol=1e-4)
    assert layer(torch.ones(1, 1, 12, 12)).abs().max() < 0.01  # nothing to normalise, and no nan
    with pytest.raises(ValueError, match="odd, got 4"):
        LocalContrastNorm(4)


@pytest.mark.parametrize(
    ("shape", "size", "beta"),
    [((2, 7, 3, 4), 5, 0.75), ((3, 2, 2, 2), 5, 0.75), ((2, 6, 3, 3), 4, 0.5)],
)
def test_response_normalisation_is_torchs(shape, size, beta):
    x = torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 3
    ours, theirs = (
        kind(size, 0.3, beta, 1.5) for kind in (LocalResponseNorm, nn.LocalResponseNorm)
    )
    first, second = x.clone().requires_grad_(), x.clone().requires_grad_()
    torch.testing.assert_close(ours(first), theirs(second))
    ours(first).pow(3).sum().backward()
    theirs(second).pow(3).sum().backward()
    torch.testing.assert_close(first.grad, second.grad)
    assert torch.autograd.gradcheck(ours, x.requires_grad_())


def test_alexnet_uses_it_and_half_precision_passes_through():
    norm = next(layer for layer in alexnet_trunk(0.1) if isinstance(layer, nn.LocalResponseNorm))
    assert isinstance(norm, LocalResponseNorm)
    x = torch.randn(1, 6, 3, 3).bfloat16().requires_grad_()
    norm(x).sum().backward()
    assert x.grad.dtype == torch.bfloat16


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("size", [1, 4, 5])
def test_the_layout_of_the_memory_changes_no_bit(size, dtype):
    x, gradient = torch.randn(2, 3, 24, 6, 7, generator=torch.Generator().manual_seed(1)).to(dtype)
    norm = LocalResponseNorm(size)
    results = []
    for layout in (torch.contiguous_format, torch.channels_last):
        given = x.clone(memory_format=layout).requires_grad_()
        output = norm(given)
        output.backward(gradient.contiguous(memory_format=layout))
        results.append((output.detach(), given.grad))
    for one, other in zip(*results, strict=True):
        assert torch.equal(one, other)
    assert results[1][0].is_contiguous(memory_format=torch.channels_last)
