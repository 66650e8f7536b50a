"""Files of arrays that notice damage: safetensors whose header holds a hash of all the rest."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from ferkit.core.files import explain_errors, write_whole


class DamagedFileError(ValueError):
    """A file that is cut, altered, of another format, or of a version without a hash."""


def write_sealed(path: Path, arrays: Mapping[str, np.ndarray], header: Mapping[str, str]) -> None:
    """Write arrays and a header of texts, whole or not at all."""
    contiguous = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    content = save(contiguous, {**header, "hash": _hash_content(contiguous, header)})
    write_whole(path, lambda part: part.write_bytes(content))


def read_sealed(path: Path, key: str) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Read the JSON object under `key` of the header, and the arrays.

    DamagedFileError when they are not as `write_sealed` wrote them.
    """
    header = read_header(path)
    written = header.pop("hash", None)
    if written is None:
        raise DamagedFileError(f"{path} is damaged, or of an older version of ferkit (no hash)")
    try:
        with safe_open(path, "numpy") as file:
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        words = json.loads(header[key])
    except (SafetensorError, LookupError, TypeError, ValueError, RecursionError) as error:
        raise DamagedFileError(f"{path} is damaged ({error})") from error
    if written != _hash_content(arrays, header) or not isinstance(words, dict):
        raise DamagedFileError(f"{path} is damaged (its content does not match its hash)")
    return words, arrays


def read_header(path: Path) -> dict[str, str]:
    """The header of a safetensors file as texts, empty where it has none."""
    with explain_errors(path), open(path, "rb"):
        pass  # safetensors calls a file missing that it may not read
    try:
        with safe_open(path, "numpy") as file:
            return file.metadata() or {}
    except (SafetensorError, ValueError) as error:
        raise DamagedFileError(f"{path} is damaged or no safetensors file ({error})") from error


def _hash_content(arrays: Mapping[str, np.ndarray], header: Mapping[str, str]) -> str:
    content = hashlib.sha256(json.dumps(dict(header), sort_keys=True).encode())
    for name in sorted(arrays):
        array = arrays[name]
        content.update(f"{name} {array.dtype} {array.shape}".encode())
        content.update(array.tobytes())
    return content.hexdigest()
