"""Memory that a training frees is kept for its next step; convolutions lie channels last."""

import subprocess
import sys

import pytest
import torch
from torch import nn

from ferkit.training.devices import copy_to_device, fabric_for, keep_freed_memory

STEPS = """
import resource
import torch
from ferkit.training.devices import keep_freed_memory

def faults(steps):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(steps):
        torch.ones(20_000_000)  # 80 MB: larger than what malloc keeps by itself
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

default = faults(5)
kept = keep_freed_memory()
faults(20)  # until the heap is large enough
print(kept, default, faults(5))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc can be told to keep memory")
def test_freed_memory_is_used_again_without_new_pages():
    command = [sys.executable, "-c", STEPS]
    words = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    kept, default, after = words[0], int(words[1]), int(words[2])
    if kept != "True":
        pytest.skip("this system's C library has no such setting")
    assert after < 0.05 * default


def test_systems_without_the_setting_go_on(monkeypatch):
    monkeypatch.setattr(sys, "platform", "win32")
    assert keep_freed_memory.__wrapped__() is False


@pytest.mark.parametrize(
    ("kernel", "stride", "precision", "is_last"),
    [
        (3, 2, "32", True),
        (1, 1, "32", True),
        (1, 2, "32", False),  # oneDNN writes past its memory there
        (1, 2, "bf16", True),
    ],
)
def test_convolutions_lie_channels_last_where_it_is_safe(kernel, stride, precision, is_last):
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Conv2d(4, 8, kernel, stride))
    inputs = (torch.rand(2, 3, 16, 16),)
    copied = copy_to_device(network, fabric_for(network, inputs, "cpu", precision))
    assert copied[0].weight.is_contiguous(memory_format=torch.channels_last) == is_last
    assert network[0].weight.is_contiguous()
    torch.testing.assert_close(copied(*inputs), network(*inputs))
