"""What several networks share and torch lacks: losses, reproducible dropout, local contrast
normalisation, building from a seed.

All randomness here is a function of given numbers, so that networks trained together equal networks trained apart.
"""

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

STEP = 1 << 24  # dropout compares 24 bits of a hash with the share to drop
SMALLEST = 1e-4  # a contrast below it counts as none


def seeded(build: Callable[[], nn.Module], seed: int) -> nn.Module:
    """The network `build` returns when torch's generator starts from `seed`; the generator is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.random.default_generator.manual_seed(mixed(seed))
        return build()


def count_parameters(network: nn.Module, *, trainable: bool = False) -> int:
    """How many numbers the network learns; with `trainable` those that are not frozen."""
    return sum(p.numel() for p in network.parameters() if p.requires_grad or not trainable)


def layer_table(network: nn.Sequential, x: Tensor) -> list[dict[str, Any]]:
    """A row for each layer of a chain, as a paper's table has them: layer, output (its shape without the batch), parameters."""
    rows: list[dict[str, Any]] = []
    with torch.no_grad():
        for layer in network:
            x = layer(x)
            rows.append({"layer": str(layer), "output": tuple(x.shape[1:]), "parameters": count_parameters(layer)})
    return rows


def start_gaussian(layer: nn.Conv2d | nn.Linear, spread: float = 0.01, bias: float = 0.0) -> None:
    """Weights from a normal distribution and one value for all biases, as Caffe's prototxt of AlexNet asks for.

    There: spread 0.01 for convolutions and the last layer, 0.005 for the two dense layers before it; bias 0.1 for dense
    layers and the second, fourth and fifth convolution (1 in the paper of 2012), 0 elsewhere.
    """
    nn.init.normal_(layer.weight, std=spread)
    if layer.bias is not None:
        nn.init.constant_(layer.bias, bias)


def mixed(*numbers: int) -> int:
    """One number of 63 bits that depends on all of these and on their order (SplitMix64)."""
    state = 0
    for number in numbers:
        state = (state ^ number) + 0x9E3779B97F4A7C15 & 0xFFFFFFFFFFFFFFFF
        state = (state ^ state >> 30) * 0xBF58476D1CE4E5B9 & 0xFFFFFFFFFFFFFFFF
        state = (state ^ state >> 27) * 0x94D049BB133111EB & 0xFFFFFFFFFFFFFFFF
        state ^= state >> 31
    return state >> 1


def restarted(seed: int, start: int) -> int:
    """The seed of a training that is started again: `seed` itself for start 0, another for each further one."""
    return mixed(seed, start) if start else seed


def cross_entropy(outputs: Tensor, labels: Tensor) -> Tensor:
    """The mean softmax cross-entropy of scores `(N, K)` and classes `(N,)`."""
    return F.cross_entropy(outputs, labels)


def hinge(outputs: Tensor, labels: Tensor) -> Tensor:
    """The L2 hinge loss, one against the rest: `sum_k max(0, 1 - t_k s_k)^2`, averaged over the batch (Guo et al. 2017).

    `t` is 1 for the true class and -1 otherwise: Caffe's HingeLoss with norm L2. K at zero scores of K classes.
    """
    t = 2 * (labels[:, None] == torch.arange(outputs.shape[1], device=labels.device)).to(outputs.dtype) - 1
    return (1 - t * outputs).clamp_min(0).square().sum(1).mean()


def as_floats(inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """uint8 pictures as float in 0..1, everything else as it is."""
    return tuple(x.float() / 255 if x.dtype == torch.uint8 else x for x in inputs)


def first(outputs: Any) -> Tensor:
    """The prediction among a network's outputs: the first of several, or the only one."""
    return outputs[0] if isinstance(outputs, tuple | list) else outputs


class Dropout(nn.Module):
    """Sets the share `p` of its inputs to zero while training and scales the others by 1 / (1 - p).

    What is dropped is a hash of a key and the place in the batch, so it is the same on every device and can be repeated.
    `set_keys` chooses the keys: one, or K of them for K networks whose batches `(B, ...)` lie one after another.
    """

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        if not 0 <= p < 1:
            raise ValueError(f"the share to drop must lie in [0, 1), got {p}")
        self.p, self.calls = p, 0
        self.keys: tuple[int, ...] = (0,)

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or not self.p:
            return x
        self.calls += 1
        keys = [mixed(key, self.calls) & 0x7FFFFFFF for key in self.keys]
        kept = _hash(keys, prod(x.shape) // len(keys), x.device) >= round(self.p * STEP)
        return x * (kept.view(x.shape).to(x.dtype) / (1 - self.p))

    def extra_repr(self) -> str:
        return f"p={self.p}"


def set_keys(network: nn.Module, keys: Sequence[int]) -> None:
    """Every `Dropout` in the network drops according to these keys and its own place among them from now on."""
    layers = (module for module in network.modules() if isinstance(module, Dropout))
    for place, layer in enumerate(layers):
        layer.keys, layer.calls = tuple(mixed(key, place) for key in keys), 0


def _hash(keys: Sequence[int], count: int, device: torch.device) -> Tensor:
    """24 well mixed bits for each key and place, `(len(keys), count)` int32."""
    places = _scramble(torch.arange(count, dtype=torch.int32, device=device))
    return _scramble(places ^ torch.tensor(keys, dtype=torch.int32, device=device)[:, None]) & STEP - 1


def _scramble(x: Tensor) -> Tensor:
    """A one-to-one hash of 32 bits in place (C. Wellons' lowbias32; the masks make shifts of signed numbers logical)."""
    x ^= (x >> 16) & 0xFFFF
    x *= 0x7FEB352D
    x ^= (x >> 15) & 0x1FFFF
    x *= 0x846CA68B - (1 << 32)
    x ^= (x >> 16) & 0xFFFF
    return x


class LocalContrastNorm(nn.Module):
    """Subtractive and divisive local contrast normalisation, `(N, C, H, W)` to the same shape.

    Jarrett et al. 2009, section 2.1: with weights `w` of a Gaussian window that sum to 1 over the window and all maps,
    `v = x - sum_ipq w_pq x_i,j+p,k+q`, `s_jk = sqrt(sum_ipq w_pq v_i,j+p,k+q ^ 2)` and `y = v / max(mean(s), s_jk)`, the mean
    over the picture. The window has `size` x `size` points and a standard deviation of a quarter of that (Torch's
    default; the paper leaves it open); at borders its weights inside the picture are scaled to sum to 1.
    """

    window: Tensor

    def __init__(self, size: int) -> None:
        super().__init__()
        if size < 1 or size % 2 == 0:
            raise ValueError(f"the window of a local contrast normalisation must be odd, got {size}")
        self.size = size
        points = torch.arange(size) - size // 2
        window = torch.exp(-(points**2) / (2 * (size / 4) ** 2))
        self.register_buffer("window", window / window.sum(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        return _Contrast.apply(x, self.window)

    def extra_repr(self) -> str:
        return f"{self.size}"


class _Contrast(torch.autograd.Function):
    """`LocalContrastNorm` with its gradient written out: what all maps share is one map, so few passes over all maps are left.

    With `d = max(mean(s), s)`, `g` the gradient of y and `B` the weighted mean around a point (weights that leave the picture count
    again inside): `g / d + 2 y d q / C` is that of v, where q is `B'` of what reaches the mean square, and of x it is that
    less `B'` of its sum over the C maps, over C. `B'` is `B` backwards.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, window: Tensor) -> Tensor:  # type: ignore[override]
        with torch.autocast(x.device.type, enabled=False):
            exact = torch.promote_types(x.dtype, torch.float32)
            inside = _blur(torch.ones_like(x[:1, :1], dtype=exact), window)
            v = x - (_blur(x.mean(1, keepdim=True).to(exact), window) / inside).to(x.dtype)
            power = _blur(v.square().mean(1, keepdim=True).to(exact), window) / inside
            s = power.clamp_min(SMALLEST**2).sqrt()
            d = torch.maximum(s, s.mean((2, 3), keepdim=True))
            y = v.div_(d.to(x.dtype))
        ctx.save_for_backward(y, d, s, inside, window)
        return y

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:  # type: ignore[override]
        y, d, s, inside, window = ctx.saved_tensors
        with torch.autocast(y.device.type, enabled=False):
            exact, maps = d.dtype, y.shape[1]
            of_d = -(gradient * y).sum(1, keepdim=True).to(exact) / d
            mean = d > s  # here the mean of s counts, and every point of the picture has a part in it
            of_s = torch.where(mean, 0.0, of_d) + torch.where(mean, of_d, 0.0).mean((2, 3), keepdim=True)
            of_power = torch.where(s > SMALLEST, of_s / (2 * s), 0.0)
            of_square = _blur(of_power / inside, window) * (2 / maps)
            of_v = (gradient / d.to(y.dtype)).addcmul_(y, (of_square * d).to(y.dtype))
            around = _blur(of_v.sum(1, keepdim=True).to(exact) / inside, window) / maps
            return of_v.sub_(around.to(y.dtype)), None


def _blur(x: Tensor, window: Tensor) -> Tensor:
    """One map `(N, 1, H, W)` under the window in both directions, nothing outside."""
    weights, half = window.to(x.dtype), len(window) // 2
    x = F.conv2d(x, weights.view(1, 1, -1, 1), padding=(half, 0))
    return F.conv2d(x, weights.view(1, 1, 1, -1), padding=(0, half))


class Standardise(nn.Module):
    """Pictures `(N, C, H, W)` in 0..1 less a mean picture, over a spread of every pixel.

    Both come from training pictures through `learn` and are kept with the weights; until then they are 0.5 and 0.25.
    """

    mean: Tensor
    spread: Tensor

    def __init__(self, channels: int, height: int, width: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.full((channels, height, width), 0.5))
        self.register_buffer("spread", torch.full((channels, height, width), 0.25))

    def learn(self, pictures: Tensor) -> None:
        """Takes mean and standard deviation of each pixel from training pictures `(N, C, H, W)`, uint8 or in 0..1.

        A pixel that hardly varies keeps a spread of 0.02.
        """
        if pictures.shape[1:] != self.mean.shape or len(pictures) < 2:
            wanted = ", ".join(map(str, self.mean.shape))
            raise ValueError(f"expected two or more pictures (N, {wanted}), got {tuple(pictures.shape)}")
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
    """Response normalisation over neighbouring maps, `(N, C, H, W)` to the same shape, with torch's numbers several times as fast.

    Krizhevsky et al. 2012, section 3.3, as Caffe and torch read it: `y = x / (k + alpha / size * s)^beta`, where `s` is the sum
    of squares over the `size` maps around. torch averages in three dimensions; here shifted maps are added, and the gradient is
    `g p - 2 alpha beta / size x S(g y / d)` with `d` the bracket, `p = d^-beta` and `S` the sum over maps around.
    """

    def forward(self, x: Tensor) -> Tensor:
        return _Normed.apply(x, self.size, self.alpha, self.beta, self.k)


class _Normed(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, size: int, alpha: float, beta: float, k: float) -> Tensor:  # type: ignore[override]
        bracket = _around(x.square(), size).mul_(alpha / size).add_(k)
        power = bracket.rsqrt() * bracket.rsqrt().sqrt() if beta == 0.75 else bracket.pow(-beta)
        ctx.save_for_backward(x, power, bracket)
        ctx.size, ctx.times = size, 2 * alpha * beta / size
        return x * power

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None, None, None]:  # type: ignore[override]
        x, power, bracket = ctx.saved_tensors
        back = _around((gradient * x * power).div_(bracket), ctx.size, mirrored=True)
        return gradient * power - back.mul_(x).mul_(ctx.times), None, None, None, None


def _around(x: Tensor, size: int, *, mirrored: bool = False) -> Tensor:
    """The sums over the `size` maps around each one, `size // 2` of them before it (or, mirrored, after it)."""
    before = size // 2
    edges = (size - 1 - before, before) if mirrored else (before, size - 1 - before)
    wide = F.pad(x, (0,) * 2 * (x.ndim - 2) + edges)
    count = x.shape[1]
    total = wide[:, :count].clone()
    for start in range(1, size):
        total += wide[:, start : start + count]
    return total


def alexnet_trunk(width: float = 1.0, *, prelu: bool = False, norm_first: bool = True) -> nn.Sequential:
    """The five convolutions of Caffe's AlexNet, `(N, 3, S, S)` to `(N, C, s, s)`; see `alexnet_side` for `s`.

    Two groups in the second, fourth and fifth convolution, pooling that rounds up, response normalisation before pooling (after it
    with `norm_first=False`), weights as in Caffe's prototxt. `width` scales the numbers of filters (96, 256, 384, 384, 256),
    kept even for the groups.
    """
    filters = [max(2, 2 * round(width * n / 2)) for n in (96, 256, 384, 384, 256)]
    shapes = ((11, 4, 0, 1), (5, 1, 2, 2), (3, 1, 1, 1), (3, 1, 1, 2), (3, 1, 1, 2))  # size, stride, padding, groups
    layers: list[nn.Module] = []
    for place, (before, after, (size, stride, padding, groups)) in enumerate(
        zip([3, *filters], filters, shapes, strict=False)
    ):
        convolution = nn.Conv2d(before, after, size, stride, padding, groups=groups)
        start_gaussian(convolution, bias=0.1 if place in (1, 3, 4) else 0.0)
        layers += [convolution, nn.PReLU() if prelu else nn.ReLU()]
        norm, pool = LocalResponseNorm(5), nn.MaxPool2d(3, 2, ceil_mode=True)
        if place in (0, 1):
            layers += [norm, pool] if norm_first else [pool, norm]
        if place == 4:
            layers.append(pool)
    return nn.Sequential(*layers)


def alexnet_side(size: int) -> int:
    """How many points `alexnet_trunk` leaves along each side of pictures of `size` pixels; ValueError below 43 pixels."""
    if size < 43:
        raise ValueError(f"AlexNet needs pictures of at least 43 pixels, got {size}")
    side = (size - 11) // 4 + 1
    for _ in range(3):
        side = -(-(side - 3) // 2) + 1
    return side
