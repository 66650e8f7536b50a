"""What the campaign tries: inputs and state that are made, mutated, and used.

Stand-ins save time: a picture is searched for faces once, a notebook needs no kernel, and the head
is copied. Each counts its units of work.
"""

import contextlib
import hashlib
import json
import os
import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import film_files
import mutations
import nbformat
import numpy as np
import pandas as pd
import papermill
import tiny_notebooks
import torch
from forked import FACES, count_work, reset_work
from PIL import Image

from ferkit import cli
from ferkit.core.labels import EMOTIONS, SEVEN
from ferkit.data.clip import Clip
from ferkit.data.download import unpack
from ferkit.data.sets.drawn import read_drawn
from ferkit.drawn import draw_sets, head
from ferkit.drawn.expressions import sample_expression
from ferkit.drawn.model import make_person_model
from ferkit.drawn.people import make_person
from ferkit.drawn.scene import FIXED, sample_scene
from ferkit.drawn.sets import DrawnSet, Size
from ferkit.faces import detect
from ferkit.faces.prepare import prepare
from ferkit.faces.views import View
from ferkit.papers.tfe.network import ResNet
from ferkit.papers.tfe.specs import RESNET
from ferkit.predict import command, output  # noqa: F401  imported once, before all forks
from ferkit.predict.face_model import FaceModel, Training
from ferkit.predict.geometry import FEATURES
from ferkit.predict.network_file import save_network
from ferkit.training import checkpoints
from ferkit.training.layers import cross_entropy
from ferkit.training.loop import train
from ferkit.training.recipe import Examples, Recipe
from ferkit.training.seeds import seeded
from ferkit.training.spec import Network
from ferkit.workbook import records, run, tasks

TINY = DrawnSet("tiny", "nothing", "seven", {"smoke": Size(2, 1)}, pixels=32, first_person=500)

_search = detect.find_faces
_draw_clip = draw_sets.draw_clip
_halt_after = [99]  # calls of the loss


def find_faces(image: np.ndarray, *rest: Any, **options: Any) -> list:
    count_work()
    key = hashlib.sha256(f"{image.shape}{rest}{options}".encode() + image.tobytes()).digest()
    if key not in FACES:
        FACES[key] = _search(image, *rest, **options)
    return FACES[key]


def draw_clip(*arguments: Any) -> Iterator:
    count_work()
    return _draw_clip(*arguments)


def loss(outputs: Any, labels: torch.Tensor) -> torch.Tensor:
    if count_work() > _halt_after[0]:
        raise KeyboardInterrupt
    return cross_entropy(outputs, labels)


def execute_notebook(source: str, target: str, parameters: dict, **_: Any) -> None:
    """Do what papermill does with a notebook that saves one metric."""
    count_work()
    node = nbformat.read(source, as_version=4)
    nbformat.write(node, target)
    name = Path(source).stem
    records.save_metrics(parameters["out"], name, {"accuracy": len(name) / 64})


def copy_head(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(_HEAD, path)


_HEAD = head.head_file()
detect.find_faces = find_faces
draw_sets.draw_clip = draw_clip
papermill.execute_notebook = execute_notebook
head.write_head = copy_head
cv2.setNumThreads(0)


# --- inputs, and what is done with them ---


def draw_faces(count: int) -> list[np.ndarray]:
    """Pictures (224, 224, 3) of drawn people with different emotions."""
    mesh = head.load_head()
    pictures = []
    for seed, emotion in zip(range(count), ("happiness", "surprise", "neutral"), strict=True):
        rng = np.random.default_rng(seed)
        amounts, _ = sample_expression(emotion, mesh.action_names, rng, person_seed=seed)
        person = make_person_model(make_person(seed, mesh), mesh)
        frame = draw_sets.draw(person, mesh, amounts, sample_scene(rng, FIXED))
        pictures.append(frame.image)
    return pictures


PICTURES = draw_faces(3)


def save_faces(folder: Path, *names: str) -> None:
    (folder / "pictures").mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(names):
        image = Image.fromarray(PICTURES[number % len(PICTURES)])
        image.save(folder / "pictures" / name)


def save_model(folder: Path, variant: str = "face model") -> None:
    """Write a face model or a network with random weights."""
    path = folder / "model.safetensors"
    rng = np.random.default_rng(0)
    if variant == "network":
        module = seeded(lambda: ResNet(7, "resnet12", 48, 0.25), 5)
        arguments = {"classes": 7, "kind": "resnet12", "width": 0.25}
        save_network(path, Network(RESNET, arguments, SEVEN, (View(48),), module))
        return
    weights = rng.normal(0, 1e-3, (7, FEATURES))
    FaceModel(weights, np.zeros(7), np.zeros(FEATURES), SEVEN, Training(1, 1)).save(path)


def make_pictures(folder: Path, variant: str) -> None:
    save_model(folder)
    save_faces(folder, "a.png", f"b.{variant}", "c.png")


def make_video(folder: Path, variant: str) -> None:
    save_model(folder)
    save_faces(folder, "a.png")
    frames = [film_files.at(PICTURES[0], 4 * x) for x in range(6)]
    film_files.write_film(folder / "pictures" / f"b.{variant}", frames)


def make_table(folder: Path, variant: str) -> None:
    make_pictures(folder, "png")
    rows = "path,person\npictures/a.png,anna\npictures/b.png,bo\npictures/c.png,cy\n"
    (folder / "table.csv").write_text(rows)


def make_model(folder: Path, variant: str) -> None:
    save_model(folder, variant)
    save_faces(folder, "a.png")


def make_many(folder: Path, variant: str) -> None:
    save_model(folder)
    save_faces(folder, *(f"{number:02d}.png" for number in range(40)))


def predict(source: str) -> list[tuple]:
    """Predict with the model; return the rows without their paths, in order."""
    try:
        cli.app([*"predict --model model.safetensors --every 2 --out out.csv".split(), source])
    except SystemExit as error:
        if error.code and not Path("out.csv").is_file():
            raise
    table = pd.read_csv("out.csv", keep_default_na=False, dtype=str)
    columns = [name for name in table if name not in ("path", "frame", "time")]
    return sorted(row for row in table[columns].itertuples(index=False, name=None) if row[5])


def predict_pictures() -> list[tuple]:
    return predict("pictures")


def predict_table() -> list[tuple]:
    return predict("table.csv")


def make_archive(folder: Path, variant: str) -> None:
    for name in ("a.txt", "b.txt", "more/c.txt"):
        file = folder / "photos" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(random.Random(name).randbytes(300) * 4)
    kinds = {"gz": "gztar", "bz2": "bztar", "xz": "xztar"}
    made = shutil.make_archive(str(folder / "made"), kinds.get(variant, variant), folder, "photos")
    shutil.rmtree(folder / "photos")
    Path(made).rename(folder / f"archive.{variant}")


def unpack_archive() -> list[tuple]:
    unpack(next(Path().glob("archive.*")), Path("unpacked"))
    files = [path for path in Path("unpacked").rglob("*") if path.is_file()]
    if sum(path.stat().st_size for path in files) > 200_000_000:
        raise MemoryError("more than 200 MB unpacked")
    names = ("a.txt", "b.txt", "c.txt")
    return sorted((path.name, path.read_bytes()) for path in files if path.name in names)


def make_run(folder: Path, variant: str) -> None:
    for number in (1, 2):
        tiny_notebooks.write(folder / "notebooks" / f"0{number}_{'x' * number}.ipynb")
    if variant == "done":
        with contextlib.chdir(folder):
            run_notebooks()


def run_notebooks() -> dict:
    notebooks = sorted(map(str, Path("notebooks").glob("*")))
    run.run_tasks(tasks.plan_run(notebooks, {}, Path("state")), Path("state"))
    record = json.loads(Path("state/run.json").read_text())
    done = (records.PASSED, records.SKIPPED)
    entries = record["notebooks"].items()
    return {name: (entry["status"] in done, entry["metrics"]) for name, entry in entries}


def make_prepared(folder: Path, variant: str) -> None:
    save_faces(folder, *(f"{number}.png" for number in range(6)))
    Image.new("RGB", (64, 64)).save(folder / "pictures" / "black.png")
    if variant == "done":
        with contextlib.chdir(folder):
            prepare_faces()


def prepare_faces() -> tuple:
    paths = sorted(Path("pictures").iterdir())
    clips = [Clip("folder", "anna", path.name, EMOTIONS[0], (path,)) for path in paths]
    faces = prepare(clips, 48, cache="state", workers=1, progress=False)
    arrays = [faces.images, faces.landmarks, faces.original, faces.boxes]
    return faces.table.to_csv(), [array.tobytes() for array in arrays]


def make_training(folder: Path, variant: str) -> None:
    _halt_after[0] = 5 if variant == "halfway" else 99
    reset_work()
    if variant != "absent":
        with contextlib.chdir(folder), contextlib.suppress(KeyboardInterrupt):
            train_network()
    _halt_after[0] = 99


def train_network() -> list[tuple]:
    checkpoints.SAVED_EVERY = 0  # it takes less than a minute, and shall be kept all the same
    inputs = torch.randn(32, 6, generator=torch.Generator().manual_seed(0))
    network = seeded(lambda: torch.nn.Sequential(torch.nn.Linear(6, 8), torch.nn.Linear(8, 3)), 1)
    recipe = Recipe(epochs=4, batch=16, loss=loss)
    options: dict[str, Any] = {"device": "cpu", "precision": "32", "progress": False}
    examples = Examples((inputs,), inputs[:, :3].argmax(1))
    trained = train(network, recipe, examples, folder="state", **options)
    weights = trained.network.state_dict()
    return [(name, value.numpy().tobytes()) for name, value in weights.items()]


def make_head(folder: Path, variant: str) -> None:
    copy_head(folder / "state" / _HEAD.name)


def load_head() -> list[tuple]:
    os.environ["FERKIT_CACHE"] = str(Path("state").resolve())
    head.load_head.cache_clear()
    loaded = vars(head.load_head()).items()
    return [(k, v.numpy().tobytes() if isinstance(v, torch.Tensor) else v) for k, v in loaded]


def make_drawn(folder: Path, variant: str) -> None:
    if variant == "done":
        with contextlib.chdir(folder):
            draw_tiny()


def draw_tiny() -> list[tuple]:
    folder = draw_sets.draw_set(TINY, "smoke", folder=Path("state"), workers=1, progress=False)
    result = []
    for clip in read_drawn(folder, dataset="tiny", verify="off"):
        landmarks = clip.extra["landmarks"].tobytes()
        result.append(
            (clip.name, clip.person, clip.emotion, clip.frames[0].read_bytes(), landmarks)
        )
    return result


@dataclass(frozen=True)
class Kind:
    """What is made, mutated and done; whether its input must stay as it is."""

    variants: str
    make: Callable[[Path, str], None]
    act: Callable[[], Any]
    mutate: Callable[[Path, random.Random], tuple[str, bool]] = mutations.mutate_state
    is_input: bool = False
    repeats: int = 0  # units of work that may be done again after a kill


KINDS = {
    "pictures": Kind(
        "jpg png bmp tif webp gif ppm",
        make_pictures,
        predict_pictures,
        mutations.mutate_picture,
        is_input=True,
    ),
    "videos": Kind(
        "avi mp4 flv", make_video, predict_pictures, mutations.mutate_video, is_input=True
    ),
    "tables": Kind("csv", make_table, predict_table, mutations.mutate_table, is_input=True),
    "archives": Kind(
        "zip tar gz bz2 xz",
        make_archive,
        unpack_archive,
        mutations.mutate_archive,
        is_input=True,
    ),
    "weights": Kind(
        "face_model network",
        make_model,
        predict_pictures,
        mutations.mutate_weights,
        is_input=True,
    ),
    "records": Kind("done", make_run, run_notebooks),
    "prepared": Kind("done", make_prepared, prepare_faces),
    "checkpoints": Kind("done halfway", make_training, train_network),
    "head": Kind("done", make_head, load_head),
    "drawn": Kind("done", make_drawn, draw_tiny),
}
# Predictions are written after each batch of 16, a drawn person has 7 pictures, an epoch 2 batches.
KILLS = {
    "kill predict": Kind("png", make_many, predict_pictures, repeats=16),
    "kill prepare": Kind("absent", make_prepared, prepare_faces, repeats=1),
    "kill draw": Kind("absent", make_drawn, draw_tiny, repeats=7),
    "kill training": Kind("absent", make_training, train_network, repeats=2),
    "kill run": Kind("absent", make_run, run_notebooks, repeats=1),
}
