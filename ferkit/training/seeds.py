"""Seeds: numbers derived from others, and networks built from a seed.

Randomness in a training is a function of given numbers (the seed, the epoch, the iteration), never
of what happened to be drawn before. So networks trained together equal networks trained apart, and
a training that was interrupted ends like one that was not.
"""

from collections.abc import Callable
from typing import TypeVar

import torch
from torch import nn

_Network = TypeVar("_Network", bound=nn.Module)


def seeded(build: Callable[[], _Network], seed: int) -> _Network:
    """Build a network from a seed; leave torch's generator unchanged."""
    with torch.random.fork_rng(devices=[]):
        torch.random.default_generator.manual_seed(mixed(seed))
        return build()


def mixed(*numbers: int) -> int:
    """Mix numbers, in their order, into one of 63 bits (SplitMix64)."""
    state = 0
    for number in numbers:
        state = (state ^ number) + 0x9E3779B97F4A7C15 & 0xFFFFFFFFFFFFFFFF
        state = (state ^ state >> 30) * 0xBF58476D1CE4E5B9 & 0xFFFFFFFFFFFFFFFF
        state = (state ^ state >> 27) * 0x94D049BB133111EB & 0xFFFFFFFFFFFFFFFF
        state ^= state >> 31
    return state >> 1


def restart_seed(seed: int, start: int) -> int:
    """Return the seed of a restart; number 0 keeps `seed`."""
    return mixed(seed, start) if start else seed
