"""Normalisation of pictures and maps, several times as fast as plain PyTorch.

Local contrast, local responses, and each pixel over the training pictures.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ferkit.training.layers import as_floats

_SMALLEST_CONTRAST = 1e-4  # smaller ones count as none


class LocalContrastNorm(nn.Module):
    """Subtractive and divisive local contrast normalisation of `(N, C, H, W)`.

    Jarrett et al. 2009, section 2.1: with weights `w` of a Gaussian window that sum to 1 over the
    window and all maps,

        v = x - sum_ipq w_pq x_i,j+p,k+q
        s_jk = sqrt(sum_ipq w_pq v_i,j+p,k+q ^ 2)
        y = v / max(mean(s), s_jk)

    with the mean over the picture. The window has `size` x `size` points and a standard deviation
    of a quarter of that (Torch's default; the paper does not say). At borders its weights inside
    the picture are scaled to sum to 1.
    """

    window: Tensor

    def __init__(self, size: int) -> None:
        super().__init__()
        if size < 1 or size % 2 == 0:
            raise ValueError(
                f"the window of a local contrast normalisation must be odd, got {size}"
            )
        self.size = size
        points = torch.arange(size) - size // 2
        window = torch.exp(-(points**2) / (2 * (size / 4) ** 2))
        self.register_buffer("window", window / window.sum(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        return _Contrast.apply(x, self.window)

    def extra_repr(self) -> str:
        return f"{self.size}"


class _Contrast(torch.autograd.Function):
    """`LocalContrastNorm` with its gradient written out.

    What all maps share is computed on one map, so few passes over all maps are left. Let
    d = max(mean(s), s), g the gradient of y, B the weighted mean around a point (weights that leave
    the picture are scaled up inside) and B' its transpose. Then v has the gradient
    g / d + 2 y d q / C, where q is B' of the gradient of the mean square. The gradient of x is that
    of v, minus B' of its sum over the C maps, divided by C.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, window: Tensor) -> Tensor:  # type: ignore[override]
        with torch.autocast(x.device.type, enabled=False):
            exact = torch.promote_types(x.dtype, torch.float32)
            inside = _blur(torch.ones_like(x[:1, :1], dtype=exact), window)
            v = x - (_blur(x.mean(1, keepdim=True).to(exact), window) / inside).to(x.dtype)
            power = _blur(v.square().mean(1, keepdim=True).to(exact), window) / inside
            s = power.clamp_min(_SMALLEST_CONTRAST**2).sqrt()
            d = torch.maximum(s, s.mean((2, 3), keepdim=True))
            y = v.div_(d.to(x.dtype))
        ctx.save_for_backward(y, d, s, inside, window)
        return y

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:  # type: ignore[override]
        y, d, s, inside, window = ctx.saved_tensors
        with torch.autocast(y.device.type, enabled=False):
            exact = d.dtype
            maps = y.shape[1]
            of_d = -(gradient * y).sum(1, keepdim=True).to(exact) / d
            # Where the mean of s is larger, every point of the picture takes part in d.
            is_mean = d > s
            of_mean = torch.where(is_mean, of_d, 0.0).mean((2, 3), keepdim=True)
            of_s = torch.where(is_mean, 0.0, of_d) + of_mean
            of_power = torch.where(s > _SMALLEST_CONTRAST, of_s / (2 * s), 0.0)
            of_square = _blur(of_power / inside, window) * (2 / maps)
            of_v = (gradient / d.to(y.dtype)).addcmul_(y, (of_square * d).to(y.dtype))
            around = _blur(of_v.sum(1, keepdim=True).to(exact) / inside, window) / maps
            return of_v.sub_(around.to(y.dtype)), None


def _blur(x: Tensor, window: Tensor) -> Tensor:
    """Blur `(N, 1, H, W)` by the window, zeros outside."""
    weights = window.to(x.dtype)
    half = len(window) // 2
    x = F.conv2d(x, weights.view(1, 1, -1, 1), padding=(half, 0))
    return F.conv2d(x, weights.view(1, 1, 1, -1), padding=(0, half))


class Standardise(nn.Module):
    """Standardise each pixel of pictures by a mean and a spread.

    Pictures are `(N, C, H, W)` in 0..1. `learn` measures both on training pictures, and they are
    saved with the weights; before that they are 0.5 and 0.25.
    """

    mean: Tensor
    spread: Tensor

    def __init__(self, channels: int, height: int, width: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.full((channels, height, width), 0.5))
        self.register_buffer("spread", torch.full((channels, height, width), 0.25))

    def learn(self, pictures: Tensor) -> None:
        """Measure mean and standard deviation of each pixel of training pictures.

        They are `(N, C, H, W)`, uint8 or in 0..1. The spread is at least 0.02.
        """
        if pictures.shape[1:] != self.mean.shape or len(pictures) < 2:
            wanted = ", ".join(map(str, self.mean.shape))
            raise ValueError(
                f"expected two or more pictures (N, {wanted}), got {tuple(pictures.shape)}"
            )
        total = torch.zeros(self.mean.shape, dtype=torch.float64)
        square = torch.zeros_like(total)
        for part in pictures.split(256):
            (part,) = as_floats((part,))
            total += part.double().sum(0).cpu()
            square += part.double().square().sum(0).cpu()
        mean = total / len(pictures)
        self.mean.copy_(mean)
        self.spread.copy_((square / len(pictures) - mean**2).clamp_min(0.02**2).sqrt())

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[1:] != self.mean.shape:
            wanted = ", ".join(map(str, self.mean.shape))
            raise ValueError(f"expected pictures (N, {wanted}), got {tuple(x.shape)}")
        return (x - self.mean) / self.spread


class LocalResponseNorm(nn.LocalResponseNorm):
    """Response normalisation over neighbouring maps of `(N, C, H, W)`.

    The results are torch's, several times as fast. Krizhevsky et al. 2012, section 3.3, as Caffe
    and torch read it: y = x / (k + alpha / size * s)^beta, where s is the sum of squares over the
    `size` maps around. torch averages in three dimensions; here shifted maps are added. The
    gradient is g p - 2 alpha beta / size x S(g y / d) with d the bracket, p = d^-beta and S the sum
    over the maps around.
    """

    def forward(self, x: Tensor) -> Tensor:
        return _Normed.apply(x, self.size, self.alpha, self.beta, self.k)


class _Normed(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, size: int, alpha: float, beta: float, k: float) -> Tensor:  # type: ignore[override]
        bracket = _around(x.square(), size).mul_(alpha / size).add_(k)
        power = bracket.rsqrt() * bracket.rsqrt().sqrt() if beta == 0.75 else bracket.pow(-beta)
        ctx.save_for_backward(x, power, bracket)
        ctx.size = size
        ctx.times = 2 * alpha * beta / size
        return x * power

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None, None, None]:  # type: ignore[override]
        x, power, bracket = ctx.saved_tensors
        back = _around((gradient * x * power).div_(bracket), ctx.size, mirrored=True)
        return gradient * power - back.mul_(x).mul_(ctx.times), None, None, None, None


def _around(x: Tensor, size: int, *, mirrored: bool = False) -> Tensor:
    """Sum the `size` maps around each one.

    `size // 2` of them lie before it or, mirrored, after it.
    """
    before = size // 2
    after = size - 1 - before
    edges = (after, before) if mirrored else (before, after)
    count = x.shape[1]
    if x.ndim == 4 and x.is_contiguous(memory_format=torch.channels_last):
        return _around_last(x.permute(0, 2, 3, 1), edges).permute(0, 3, 1, 2)
    wide = F.pad(x, (0,) * 2 * (x.ndim - 2) + edges)
    total = wide[:, :count].clone()
    for start in range(1, size):
        total += wide[:, start : start + count]
    return total


def _around_last(x: Tensor, edges: tuple[int, int]) -> Tensor:
    """Sum the maps around each one where they come last, `(N, H, W, C)`.

    Shifts of the whole memory are added, which few maps do not slow down; the sums that reach into
    the next point are cut off.
    """
    wide = F.pad(x, edges)
    flat = wide.view(-1)
    total = flat.clone()
    for start in range(1, sum(edges) + 1):
        total[:-start] += flat[start:]
    return total.view(wide.shape)[..., : x.shape[-1]].contiguous()
