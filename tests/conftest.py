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


@pytest.fixture(scope="session")
def picture_network(tmp_path_factory) -> Path:
    """A file with a small convolutional network of seven classes, as its builder leaves it."""
    from ferkit.labels import SEVEN
    from ferkit.models.layers import seeded
    from ferkit.models.tfe import ResNet
    from ferkit.portable import save_network
    from ferkit.views import View

    module = seeded(lambda: ResNet(7, "resnet12", 48, 0.5), 5)
    arguments = {"classes": 7, "kind": "resnet12", "width": 0.5}
    path = tmp_path_factory.mktemp("networks") / "resnet.safetensors"
    return save_network(path, "resnet", arguments, module, SEVEN, [View(48)])


@pytest.fixture(scope="session")
def sequence_network(tmp_path_factory) -> Path:
    """A file with a network that looks at four frames."""
    from ferkit.labels import SEVEN
    from ferkit.models.dtagn import build
    from ferkit.portable import save_network
    from ferkit.views import View

    notation = "I16-C(5,4)-P2-FC8-S7"
    arguments = {"notation": notation, "frames": 4, "centred": False}
    path, views = tmp_path_factory.mktemp("networks") / "dtan.safetensors", [View(16, grey=True, face=16)]
    return save_network(path, "dtan", arguments, build(notation, 4), SEVEN, views, frames=4)


@pytest.fixture
def film(tmp_path, drawn_face) -> Path:
    """Ten frames at 25 a second: a face that moves to the right, and no face in the last two."""
    from film_files import WALL, at, write_film

    frames = [at(drawn_face[0], 4 * i) for i in range(8)] + [WALL, WALL]
    return write_film(tmp_path / "film.avi", frames)


@pytest.fixture(scope="session")
def _faces_found() -> dict[tuple, list]:
    """The faces of every picture that was searched."""
    return {}


@pytest.fixture
def searched_once(_faces_found, monkeypatch) -> None:
    """No picture is searched twice: tests ask about few different frames, and a search takes a quarter of a second."""
    from ferkit.faces import detect

    search = detect.find_faces

    def remembered(image: np.ndarray) -> list:
        key = image.shape, image.tobytes()
        if key not in _faces_found:
            _faces_found[key] = search(image)
        return _faces_found[key]

    monkeypatch.setattr(detect, "find_faces", remembered)


@pytest.fixture
def ax():
    """Empty axes of a figure of their own."""
    from matplotlib.figure import Figure

    return Figure().subplots()


@pytest.fixture(autouse=True)
def _no_figure_stays_open() -> Iterator[None]:
    yield
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        pyplot.close("all")
