"""Files of arrays that notice every change of their content."""

import json

import numpy as np
import pytest
from safetensors.numpy import save_file

from ferkit.core.sealed import DamagedFileError, read_sealed, write_sealed

ARRAYS = {"a": np.arange(6.0).reshape(2, 3), "b": np.array(5), "c": np.zeros((0, 2), np.float32)}
WORDS = {"names": ["fear", "joy"], "size": 3}


@pytest.fixture
def path(tmp_path):
    write_sealed(tmp_path / "x", ARRAYS, {"words": json.dumps(WORDS)})
    return tmp_path / "x"


def test_what_was_written_is_read_again(path):
    words, arrays = read_sealed(path, "words")
    assert words == WORDS
    assert all(np.array_equal(arrays[name], ARRAYS[name]) for name in ARRAYS)
    assert {name: array.shape for name, array in arrays.items()} == {
        name: array.shape for name, array in ARRAYS.items()
    }


def test_every_flipped_bit_is_noticed(path):
    content = path.read_bytes()
    for place in range(len(content)):
        path.write_bytes(
            content[:place] + bytes([content[place] ^ 1 << place % 8]) + content[place + 1 :]
        )
        with pytest.raises(DamagedFileError, match="x is damaged"):
            read_sealed(path, "words")


@pytest.mark.parametrize("text", ["[" * 50_000, "3", "{", "null"])
def test_words_that_are_no_object_are_damage(path, text):
    write_sealed(path, ARRAYS, {"words": text})
    with pytest.raises(DamagedFileError, match="x is damaged"):
        read_sealed(path, "words")
    write_sealed(path, ARRAYS, {})
    with pytest.raises(DamagedFileError, match="x is damaged"):
        read_sealed(path, "words")


def test_a_file_without_a_hash_is_of_an_older_version(path):
    save_file(ARRAYS, path, {"words": json.dumps(WORDS)})
    with pytest.raises(DamagedFileError, match="older version of ferkit"):
        read_sealed(path, "words")
