"""The network of paper 2 that is kept in files: AlexNet of 60 patches, shown the whole face."""

from pathlib import Path

from ferkit.core.labels import LabelSet
from ferkit.faces.load import load_clips
from ferkit.faces.views import View
from ferkit.papers.i2cnn.experiment import training_folder
from ferkit.papers.i2cnn.network import AlexNet
from ferkit.papers.i2cnn.patches import GLOBAL_REGIONS
from ferkit.papers.i2cnn.plans import PLANS, Plan
from ferkit.papers.i2cnn.study import restart_patches
from ferkit.papers.i2cnn.task import PatchTask, make_task
from ferkit.papers.i2cnn.train import train_patches
from ferkit.training.seeds import mixed
from ferkit.training.spec import Network, NetworkSpec, Study


def whole_face_patch(crop: int, face: int, side: int) -> tuple[View, ...]:
    """The middle `crop` pixels of the whole-face patch.

    The patch is cut at `side` pixels from an aligned face of `face` pixels.
    """
    return (View(crop, "region", face=face, region=GLOBAL_REGIONS["face"], side=side),)


def first_fold_network(
    plan: Plan,
    task: PatchTask,
    *,
    seed: int = 0,
    folder: str | Path | None = None,
    about: str = "",
    device: str = "auto",
    precision: str = "auto",
) -> Network:
    """The network of 60 patches of the first fold, as a record that looks at the whole-face patch.

    It is trained unless `train_by_folds` kept its trainings in `folder`.
    """
    names = tuple(task.names)
    first = task.rows[0]
    fold_seed = mixed(seed, 0)
    trained = train_patches(
        plan.network(len(names), fold_seed),
        plan,
        task.faces,
        LabelSet(names).encode(task.labels),
        first,
        60,
        seed=fold_seed,
        device=device,
        precision=precision,
        folder=Path(folder) / "k60" / first.name if folder else None,
    )
    views = PATCH_ALEXNET.views(plan.crop, plan.face, plan.side)
    arguments = plan.shape(len(names))
    return Network(PATCH_ALEXNET, arguments, names, views, trained.network, about=about)


def train_networks(
    level: str,
    seed: int,
    out: Path,
    about: str,
    *,
    device: str = "auto",
    precision: str = "auto",
) -> list[Network]:
    """Train on the drawn set `posed` as notebook 04 does, or load what it left in `out`."""
    plan = PLANS[level]
    task = make_task(plan, load_clips("posed", level, seed), plan.folds, seed=seed)
    network = first_fold_network(
        plan,
        task,
        seed=seed,
        folder=training_folder(out, "posed", level, seed) / str(len(task.names)),
        about=about,
        device=device,
        precision=precision,
    )
    return [network]


PATCH_ALEXNET = NetworkSpec(
    name="patch_alexnet",
    title="AlexNet on patches (i2cnn)",
    build=AlexNet,
    views=whole_face_patch,
    cam_layer="trunk.13",
    dataset="posed",
    train=train_networks,
)
NETWORKS = (PATCH_ALEXNET,)
STUDIES = (
    Study(
        name="i2cnn",
        folder="i2cnn",
        title="Paper 2",
        measure="accuracy",
        other_measures={"identity spread": "accuracy gained"},
        pairs=(
            ("k60", "k1"),
            ("k60", "k5"),
            ("k5", "k1"),
            ("k60", "lbp"),
            ("k60", "gabor"),
            ("k60", "hog"),
            ("gain, wide", "gain, posed"),
        ),
        train_restart=restart_patches,
        plans=PLANS,
        titles={
            "k60": "60 patches",
            "k5": "5 patches",
            "k1": "whole face",
            "cnn": "whole face, softmax",
            "lbp": "LBP",
            "gabor": "Gabor",
            "hog": "HOG, ridge",
            "gain": "gain of patches",
        },
        baseline="hog",
    ),
)
