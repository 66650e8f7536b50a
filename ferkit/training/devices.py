"""Devices, precision and reproducibility; no other module chooses a device."""

import copy
import ctypes
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Literal

import torch
from lightning_fabric import Fabric
from threadpoolctl import threadpool_limits
from torch import Tensor, nn

# Options of glibc's `mallopt`, from malloc.h, and their values here: memory of any size comes from
# one heap, which is not given back.
_MALLOC_OPTIONS = {
    -3: 2**31 - 1,  # M_MMAP_THRESHOLD: larger blocks are mapped one by one
    -1: 2**31 - 1,  # M_TRIM_THRESHOLD: so much unused memory is given back
    -8: 1,  # M_ARENA_MAX: the number of heaps; those of threads have small limits
}
_PRECISIONS: dict[str, Literal["32-true", "bf16-mixed"]] = {"32": "32-true", "bf16": "bf16-mixed"}


def choose_device(device: str = "auto") -> str:
    """Return `cuda` or `cpu`; "auto" takes CUDA where PyTorch finds it."""
    if device not in ("auto", "cpu", "cuda"):
        raise ValueError(f"unknown device {device!r}; known: auto, cpu, cuda")
    if device == "cuda" and not torch.cuda.is_available():
        raise ValueError("PyTorch finds no CUDA device here, got device 'cuda'; use auto or cpu")
    return "cuda" if device != "cpu" and torch.cuda.is_available() else "cpu"


def fabric_for(
    network: nn.Module, inputs: tuple[Tensor, ...], device: str, precision: str, devices: int = 1
) -> Fabric:
    """Set up Lightning Fabric for a device and a precision.

    The precision is as of `choose_precision`.
    """
    chosen = choose_precision(network, inputs, device, precision)
    # Fabric logs the precision at each call.
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
    return Fabric(
        accelerator=choose_device(device),
        devices=devices,
        precision=_PRECISIONS[chosen],
        strategy="ddp_spawn" if devices > 1 else "auto",
    )


def choose_precision(
    network: nn.Module, inputs: tuple[Tensor, ...], device: str, precision: str
) -> str:
    """Return `bf16` or `32`.

    "auto" takes bf16 for convolutions on a device that computes it fast.
    """
    if precision == "auto":
        use_bf16 = _convolves(network, inputs) and _is_bf16_fast(choose_device(device))
        return "bf16" if use_bf16 else "32"
    if precision not in _PRECISIONS:
        raise ValueError(f"unknown precision {precision!r}; known: auto, {', '.join(_PRECISIONS)}")
    return precision


def precision_of(fabric: Fabric) -> str:
    """Return Fabric's name of the precision it computes in."""
    return fabric._precision.precision


def copy_to_device(network: nn.Module, fabric: Fabric) -> nn.Module:
    """Copy a network to the device.

    The weights of convolutions lie channels last where that is safe: it is up to 30 % faster.
    """
    is_safe = precision_of(fabric) == _PRECISIONS["bf16"] or not _skips_pixels(network)
    memory_format = torch.channels_last if is_safe else torch.contiguous_format
    return copy.deepcopy(network).to(fabric.device).to(memory_format=memory_format)


def move_to_device(
    inputs: tuple[Tensor, ...], labels: Tensor, fabric: Fabric
) -> tuple[tuple[Tensor, ...], Tensor]:
    """Move inputs and labels to the device if half its memory holds them."""
    size = sum(x.nbytes for x in (*inputs, labels))
    if fabric.device.type == "cuda" and size > torch.cuda.mem_get_info(fabric.device)[0] / 2:
        return inputs, labels
    return tuple(x.to(fabric.device) for x in inputs), labels.to(fabric.device)


@contextmanager
def reproducible(fabric: Fabric) -> Iterator[None]:
    """Use deterministic algorithms, and one thread on a CPU.

    torch's settings and generators are restored at the end. See `single_threaded` for the one
    thread.
    """
    cuda_devices = [fabric.device] if fabric.device.type == "cuda" else []
    with (
        torch.random.fork_rng(devices=cuda_devices),
        torch.backends.cudnn.flags(deterministic=True, benchmark=False),
        single_threaded(fabric),
    ):
        yield


@contextmanager
def single_threaded(fabric: Fabric) -> Iterator[None]:
    """Compute in one thread on a CPU, whatever OMP_NUM_THREADS says.

    With two threads, sums are split and rounded differently, and over many steps a small network
    converges to different weights. In one thread, a seed gives the same weights and the same scores
    whatever the number of cores.
    """
    if fabric.device.type != "cpu":
        yield
        return
    keep_freed_memory()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1):  # the linear algebra library has threads of its own
            yield
    finally:
        torch.set_num_threads(threads)


@cache
def keep_freed_memory() -> bool:
    """Let this process keep the memory that tensors free, for the next ones; tell whether it can.

    Every training step frees large tensors and needs others of the same sizes. By default the C
    library gives such memory back to the system, which clears it page by page when it is asked for
    again: 15 to 30 % of the time of a step of paper 5's ResNet. Only Linux's C library, glibc, has
    this setting.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is None:
        return False
    return all([mallopt(option, value) == 1 for option, value in _MALLOC_OPTIONS.items()])


def _convolves(network: nn.Module, inputs: tuple[Tensor, ...]) -> bool:
    """Tell whether the network has convolutions and its inputs have pictures."""
    has_pictures = any(x.ndim == 4 for x in inputs)
    return has_pictures and any(isinstance(layer, nn.Conv2d) for layer in network.modules())


def _skips_pixels(network: nn.Module) -> bool:
    """Tell whether the network has 1 x 1 convolutions with a stride.

    With channels last and in 32 bits, oneDNN 3.12 writes past its memory there where maps are few
    (oneDNN issue 6035).
    """
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d) and layer.kernel_size == (1, 1) and layer.stride != (1, 1):
            return True
    return False


def _is_bf16_fast(accelerator: str) -> bool:
    if accelerator == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
