"""What all tests share."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import numpy as np
import pytest

# Tests run in parallel, so torch (imported later) and notebook kernels take one thread each.
for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

# Times on a busy computer mean nothing, so there is no deadline; CI uses the same examples always.
hypothesis.settings.register_profile(
    "ferkit", deadline=None, derandomize=bool(os.environ.get("CI"))
)
hypothesis.settings.load_profile("ferkit")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if "slow" not in config.option.markexpr:
        slow = [item for item in items if item.get_closest_marker("slow")]
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if not item.get_closest_marker("slow")]
    for item in items:
        if item.get_closest_marker("loopback"):
            item.add_marker(pytest.mark.allow_hosts(["127.0.0.1", "::1"]))
        else:
            item.add_marker(pytest.mark.disable_socket)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Return FERKIT_DATA, the folder of photographs; skip when it is not set."""
    root = os.environ.get("FERKIT_DATA")
    if not root:
        pytest.skip("no real photographs: FERKIT_DATA is not set")
    assert Path(root).is_dir(), f"FERKIT_DATA={root} is not a folder"
    return Path(root).resolve()


@pytest.fixture(scope="session")
def drawn_face() -> tuple[np.ndarray, np.ndarray]:
    """Draw person 3, neutral, in the plain scene; do not change the arrays.

    Picture `(224, 224, 3)` uint8 and landmarks `(68, 2)`.
    """
    from ferkit.drawn.draw import draw
    from ferkit.drawn.expressions import sample_expression
    from ferkit.drawn.head import load_head
    from ferkit.drawn.model import make_person_model
    from ferkit.drawn.people import make_person
    from ferkit.drawn.scene import FIXED, sample_scene

    head, rng = load_head(), np.random.default_rng(0)
    amounts, _ = sample_expression("neutral", head.action_names, rng, person_seed=3)
    frame = draw(
        make_person_model(make_person(3, head), head), head, amounts, sample_scene(rng, FIXED)
    )
    return frame.image, frame.landmarks


@pytest.fixture(scope="session")
def picture_network(tmp_path_factory) -> Path:
    """A file with a small convolutional network of seven classes, as its builder leaves it."""
    from ferkit.core.labels import SEVEN
    from ferkit.faces.views import View
    from ferkit.papers.tfe.network import ResNet
    from ferkit.papers.tfe.specs import RESNET
    from ferkit.predict.network_file import save_network
    from ferkit.training.seeds import seeded
    from ferkit.training.spec import Network

    module = seeded(lambda: ResNet(7, "resnet12", 48, 0.5), 5)
    arguments = {"classes": 7, "kind": "resnet12", "width": 0.5}
    path = tmp_path_factory.mktemp("networks") / "resnet.safetensors"
    return save_network(path, Network(RESNET, arguments, SEVEN, (View(48),), module))


@pytest.fixture(scope="session")
def sequence_network(tmp_path_factory) -> Path:
    """A file with a network that looks at four frames."""
    from ferkit.core.labels import SEVEN
    from ferkit.faces.views import View
    from ferkit.papers.dtagn.network import build
    from ferkit.papers.dtagn.specs import DTAN
    from ferkit.predict.network_file import save_network
    from ferkit.training.spec import Network

    notation = "I16-C(5,4)-P2-FC8-S7"
    arguments = {"notation": notation, "frames": 4, "centred": False}
    path, views = (
        tmp_path_factory.mktemp("networks") / "dtan.safetensors",
        [View(16, grey=True, face=16)],
    )
    network = Network(DTAN, arguments, SEVEN, tuple(views), build(notation, 4), frames=4)
    return save_network(path, network)


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
    """Search each picture for faces only once, since a search takes 0.25 s."""
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
