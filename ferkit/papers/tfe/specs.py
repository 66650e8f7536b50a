"""The networks of paper 5 that are kept in files: the emotion network and the joint one."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ferkit.faces.views import View
from ferkit.papers.tfe.experiment import train_on_drawn
from ferkit.papers.tfe.identity import ALIGNED_SIDE, CROP_COLUMNS, CROP_ROWS
from ferkit.papers.tfe.network import ResNet, Tandem, build_tandem
from ferkit.papers.tfe.plans import PLANS, Plan, plan_for
from ferkit.papers.tfe.study import restart_on_drawn, restart_on_wider
from ferkit.training.by_folds import CrossTrained
from ferkit.training.spec import Network, NetworkSpec, Restart, Study

_IDENTITY_WINDOW = (CROP_COLUMNS.start, CROP_ROWS.start, CROP_COLUMNS.stop, CROP_ROWS.stop)


def emotion_view(size: int) -> tuple[View, ...]:
    """The emotion network's view: the aligned face at `size` pixels."""
    return (View(size, face=ALIGNED_SIDE),)


def tandem_views(size: int) -> tuple[View, ...]:
    """The joint network's views: the identity network's window, and the emotion network's face."""
    identity = View(ALIGNED_SIDE, face=ALIGNED_SIDE, window=_IDENTITY_WINDOW)
    return (identity, *emotion_view(size))


def as_networks(
    plan: Plan, results: Mapping[str, CrossTrained], classes: Iterable[str], about: str = ""
) -> list[Network]:
    """The first fold's emotion network and joint network, as records."""
    names = tuple(classes)
    resnet = results["resnet"].trained[0].network
    tandem = results["joint"].trained[0].network
    assert isinstance(tandem, Tandem)
    resnet_arguments = {"classes": len(names), "kind": plan.kind, "size": plan.size}
    tandem_arguments = {
        "classes": len(names),
        "identity": {"identities": tandem.identity.top.out_features},
        "emotion": resnet_arguments,
    }
    size = plan.size
    return [
        Network(RESNET, resnet_arguments, names, emotion_view(size), resnet, about=about),
        Network(TANDEM, tandem_arguments, names, tandem_views(size), tandem, about=about),
    ]


def train_networks(level: str, seed: int, out: Path, about: str, **options: Any) -> list[Network]:
    """Train on the drawn set `sequences` as notebook 07 does, or load what it left in `out`."""
    folder = Path(out) / "networks" / "07"
    faces, results = train_on_drawn(level, seed, ["joint"], folder=folder, **options)
    return as_networks(plan_for(level, "sequences"), results, faces.classes, about)


def _restart(level: str, seed: int, start: int, out: Path, **options: Any) -> Restart:
    return restart_on_drawn(level, seed, start, out / "networks" / "07", **options)


def _restart_wider(level: str, seed: int, start: int, out: Path, **options: Any) -> Restart:
    return restart_on_wider(level, seed, start, out / "networks" / "07", **options)


RESNET = NetworkSpec(
    name="resnet",
    title="ResNet12 (tfe)",
    build=ResNet,
    views=emotion_view,
    cam_layer="blocks",
    dataset="sequences",
    train=train_networks,
)
TANDEM = NetworkSpec(
    name="tandem",
    title="tandem (tfe)",
    build=build_tandem,
    views=tandem_views,
    cam_layer="emotion.blocks",
    dataset="sequences",
    train=train_networks,
)
NETWORKS = (RESNET, TANDEM)
_TITLES = {
    "resnet": "ResNet",
    "longer": "ResNet, longer",
    "untrained": "identity untrained",
    "neutral": "identity by neutral face",
    "svm": "DeepID and SVM",
    "hog": "HOG and ridge",
}
STUDIES = (
    Study(
        name="tfe",
        folder="tfe",
        title="Paper 5",
        measure="accuracy",
        pairs=(
            ("joint", "resnet"),
            ("longer", "resnet"),
            ("joint", "longer"),
            ("joint", "untrained"),
            ("neutral", "joint"),
            ("neutral", "untrained"),
            ("joint", "svm"),
            ("resnet", "hog"),
        ),
        train_restart=_restart,
        plans=PLANS,
        titles=_TITLES,
        baseline="hog",
    ),
    Study(
        name="tfe_wider",
        folder="tfe",
        title="Paper 5, people who differ more",
        measure="accuracy",
        pairs=(
            ("joint", "resnet"),
            ("joint", "untrained"),
            ("neutral", "joint"),
            ("neutral", "untrained"),
        ),
        train_restart=_restart_wider,
        plans=PLANS,
        titles=_TITLES,
        baseline="hog",
    ),
)
