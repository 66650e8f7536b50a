"""Memory that a training frees is kept for its next step."""

import subprocess
import sys

import pytest

from ferkit.training.devices import keep_freed_memory

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
