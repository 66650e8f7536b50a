"""What all tests share."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real photographs. Skips when there is none; where FERKIT_DATA is set, absence is a failure."""
    root = os.environ.get("FERKIT_DATA")
    if not root:
        pytest.skip("no real photographs: FERKIT_DATA is not set")
    assert Path(root).is_dir(), f"FERKIT_DATA={root} is not a folder"
    return Path(root).resolve()
