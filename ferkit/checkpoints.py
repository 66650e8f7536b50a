"""The file of a training: what it was made from, how it went, and its tensors; written whole, in the safetensors format."""

import hashlib
import json
from pathlib import Path
from typing import Any

from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from ferkit.paths import write_whole

SAMPLED = 1000  # rows of the data that a checkpoint remembers by their hash


def fingerprint(*tensors: Tensor) -> str:
    """A hash of shapes, types and up to SAMPLED rows spread evenly over each tensor."""
    digest = hashlib.sha256()
    for tensor in tensors:
        digest.update(f"{tuple(tensor.shape)} {tensor.dtype}".encode())
        rows = tensor[:: max(1, len(tensor) // SAMPLED)] if tensor.ndim else tensor
        digest.update(rows.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]


def write(file: Path, told: dict[str, Any], tensors: dict[str, Tensor]) -> None:
    """Writes the tensors, and what can be told in JSON as metadata; a reader sees the old file or the new one."""
    kept = {name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()}
    write_whole(file, lambda part: save_file(kept, part, metadata={"training": json.dumps(told)}))


def read(file: Path, asked: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """What was told and the tensors; ValueError when the training was made from something else than `asked`."""
    with safe_open(file, "pt") as opened:
        told = json.loads(opened.metadata()["training"])
        tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
    before = told["asked"]
    if differ := [name for name in {**before, **asked} if before.get(name) != asked.get(name)]:
        words = "; ".join(
            f"{name}: {str(before.get(name))[:80]} there, {str(asked.get(name))[:80]} now" for name in differ
        )
        raise ValueError(f"{file} is another training ({words}); use another folder, or delete it to train anew")
    return told, tensors


def part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors whose names begin with the prefix, under the rest of their names."""
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
