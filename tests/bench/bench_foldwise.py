"""Training ten folds together or one after another.

Steps of one fold a second. On a CPU, batching folds pays for small dense layers, because calls and
threads cost more than the arithmetic. It does not pay for convolutions, because one convolution
with many groups is slower than many convolutions with one. `training.batched_folds` decides by
these measurements.
"""

from collections.abc import Callable

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from ferkit.papers.dtagn import network
from ferkit.training.batched_folds import pays, train_folds
from ferkit.training.devices import choose_device
from ferkit.training.recipe import Examples, Recipe
from ferkit.training.seeds import seeded

FOLDS = 10


class Block(nn.Module):
    """Two convolutions beside a shortcut, which is projected when the maps change."""

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.first, self.norm = (
            nn.Conv2d(before, after, 3, stride, 1, bias=False),
            nn.BatchNorm2d(after),
        )
        self.second, self.last = nn.Conv2d(after, after, 3, 1, 1, bias=False), nn.BatchNorm2d(after)
        self.short = nn.Identity() if stride == 1 else nn.Conv2d(before, after, 1, stride)

    def forward(self, x):
        return F.relu(self.last(self.second(F.relu(self.norm(self.first(x))))) + self.short(x))


class Residual(nn.Module):
    """Of the size of paper 5's ResNet12: 48 x 48 x 3, maps 16-16-16-32-64, 8 classes."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Sequential(
            nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU()
        )
        shapes = ((16, 16, 1), (16, 16, 2), (16, 16, 2), (16, 32, 2), (32, 64, 2))
        self.blocks = nn.Sequential(*(Block(*shape) for shape in shapes))
        self.top = nn.Linear(64, 8)

    def forward(self, x):
        return self.top(self.blocks(self.first(x)).mean((2, 3)))


SIZES: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...], int, int, int]] = {
    # network, shape of an example, batch, batches an epoch, epochs
    "DTGN": (lambda: network.build(network.DTGN_NOTATION["ckplus"]), (12, 49, 2), 64, 50, 2),
    "DTAN": (
        lambda: network.build(network.DTAN_NOTATION["ckplus"], frames=12),
        (12, 64, 64),
        64,
        1,
        1,
    ),
    "ResNet12": (Residual, (3, 48, 48), 128, 1, 1),
}


def folds(name: str, count: int) -> tuple[list[nn.Module], Recipe, list[Examples], list[Examples]]:
    """Networks, recipe, training and validation examples: noise, since only the time counts."""
    build, shape, batch, batches, epochs = SIZES[name]
    generator = torch.Generator().manual_seed(0)

    def noise(n: int) -> Examples:
        return Examples(
            (torch.randn(n, *shape, generator=generator),),
            torch.randint(7, (n,), generator=generator),
        )

    networks = [seeded(build, seed) for seed in range(count)]
    recipe = Recipe(epochs=epochs, batch=batch, rate=0.001)
    return (
        networks,
        recipe,
        [noise(batch * batches) for _ in networks],
        [noise(32) for _ in networks],
    )


@pytest.mark.parametrize("device", sorted({"cpu", choose_device("auto")}))
@pytest.mark.parametrize("name", SIZES)
@pytest.mark.parametrize("together", [False, True], ids=["apart", "together"])
def bench_folds(name, device, together, speed, remark):
    given = folds(name, FOLDS)
    steps = FOLDS * SIZES[name][3] * SIZES[name][4]
    how = {"seeds": range(FOLDS), "device": device, "progress": False, "together": together}
    what = f"{name} on {device}, ten folds"
    speed(
        f"{what} {'together' if together else 'apart'}",
        lambda: train_folds(*given, **how),
        steps,
        f"{what} apart" if together else None,
    )
    if together:
        remark(f"{what}, together by default", "yes" if pays(given[0][0]) else "no")
