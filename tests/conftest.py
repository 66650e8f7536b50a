"""What all tests share."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import numpy as np
import pytest

# Tests share the cores by running side by side: torch, imported later, takes one thread, and so do the kernels of notebooks.
for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

# Times on a busy machine say nothing, so there is no deadline; CI draws the same examples every time.
hypothesis.settings.register_profile("ferkit", deadline=None, derandomize=bool(os.environ.get("CI")))
hypothesis.settings.load_profile("ferkit")


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real photographs. Skips when there is none; where FERKIT_DATA is set, absence is a failure."""
    root = os.environ.get("FERKIT_DATA")
    if not root:
        pytest.skip("no real photographs: FERKIT_DATA is not set")
    assert Path(root).is_dir(), f"FERKIT_DATA={root} is not a folder"
    return Path(root).resolve()


@pytest.fixture(scope="session")
def drawn_face() -> tuple[np.ndarray, np.ndarray]:
    """Picture `(224, 224, 3)` uint8 and landmarks `(68, 2)` of person 3, neutral, in the scene where nothing varies; not to be changed."""
    from ferkit.synthetic.draw import draw, model
    from ferkit.synthetic.expressions import expression
    from ferkit.synthetic.head import load_head
    from ferkit.synthetic.people import person
    from ferkit.synthetic.scene import FIXED, scene

    head, rng = load_head(), np.random.default_rng(0)
    amounts, _ = expression("neutral", head.action_names, rng, person_seed=3)
    frame = draw(model(person(3, head), head), head, amounts, scene(rng, FIXED))
    return frame.image, frame.landmarks


@pytest.fixture(autouse=True)
def _no_figure_stays_open() -> Iterator[None]:
    yield
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        pyplot.close("all")
