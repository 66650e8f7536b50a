"""The workbook's trained networks side by side: found in a run's folder, trained now when they are not there.

    networks = networks_of("build/run", "lesson", seed=0)
    networks["CNN (5)"].probabilities(...)

The notebooks leave them as OUT/models/KIND.safetensors (`portable`), with the data, level and seed they were trained on in their
`about`; those of another level or seed are trained again.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ferkit import cross_database, patch_folds, tandem
from ferkit.data import protocols
from ferkit.data.folds import people
from ferkit.faces.store import prepare
from ferkit.labels import EMOTIONS
from ferkit.loaders import load_clips
from ferkit.portable import Network, load_network

CALLED = {  # kind of network -> its name in tables and figures
    "patch_alexnet": "AlexNet, patches (i2cnn)",
    "cnn2": "CNN (2)",
    "cnn5": "CNN (5)",
    "emotionnet2": "EmotionNet 2",
    "emotionaldan": "EmotionalDAN",
    "resnet": "ResNet12 (tfe)",
    "tandem": "tandem (tfe)",
}
DAN = CALLED["emotionaldan"]
OPTIONAL = {"single_branch": "AlexNet-256 (multimodal)"}  # shown when notebook 03 has left it


def about(dataset: str, level: str, seed: int) -> str:
    """What a kept network was trained on, in words."""
    return f"{dataset}, {level}, seed {seed}"


def networks_of(out: str | Path, level: str, *, seed: int = 0, **how: Any) -> dict[str, Network]:
    """Every network of CALLED by its name, and those of OPTIONAL that are there. `how` is device and precision, for training."""
    models, found = Path(out) / "models", {}
    for kind, name in (OPTIONAL | CALLED).items():
        dataset, make = MAKERS.get(kind, ("stills", None))
        wanted, path = about(dataset, level, seed), models / f"{kind}.safetensors"
        network = _kept(path, wanted)
        if make and not network:
            make(Path(out), level, seed, wanted, how)
            network = _kept(path, wanted)
        if network:
            found[name] = network
    return found


def _kept(path: Path, wanted: str) -> Network | None:
    """The network kept there, if it was trained as wanted."""
    try:
        network = load_network(path)
    except (FileNotFoundError, ValueError):  # not there, damaged, or of another version
        return None
    return network if network.about == wanted else None


# --- what makes them: the same trainings as in the notebooks, found again in the folders where those keep them ---


def _patches(out: Path, level: str, seed: int, words: str, how: dict[str, Any]) -> None:
    setup, clips = patch_folds.SETUPS[level], load_clips("posed", level, seed)
    count = len(people(clips))
    folds = protocols.i2cnn(
        clips, folds=min(setup.folds, count), val_people=max(1, count // 10) if setup.patience else 0, seed=seed
    )
    faces = prepare([clip for fold in folds for clip in fold.test], setup.face)
    faces = faces.select(faces.table["found"].to_numpy())
    labels = faces.table["emotion"].tolist()
    names = [name for name in EMOTIONS if name in labels]
    folder = patch_folds.kept_in(out, "posed", level, seed) / str(len(names))
    rows = patch_folds.rows_of(faces.table["person"].to_numpy(dtype=str), folds)
    path = out / "models" / "patch_alexnet.safetensors"
    patch_folds.keep_network(
        path, setup, faces, labels, rows, names=names, seed=seed, folder=folder, about=words, **how
    )


def _dan(out: Path, level: str, seed: int, words: str, how: dict[str, Any]) -> None:
    folder = out / "networks" / "08"
    cross_database.train_and_keep(out / "models", level, seed, about=words, folder=folder, **how)


def _tandem(out: Path, level: str, seed: int, words: str, how: dict[str, Any]) -> None:
    faces, found = tandem.train_drawn(level, seed, ["joint"], folder=out / "networks" / "07", **how)
    tandem.keep_networks(out / "models", tandem.setup_of(level, "sequences"), found, faces.classes, words)


MAKERS: dict[str, tuple[str, Callable[[Path, str, int, str, dict[str, Any]], None]]] = {
    "patch_alexnet": ("posed", _patches),
    **dict.fromkeys((*cross_database.SMALL, "emotionaldan"), ("wild", _dan)),
    **dict.fromkeys(("resnet", "tandem"), ("sequences", _tandem)),
}
