"""What level `paper` costs: operations, memory and time of the trainings of each notebook.

    python -c "from ferkit.workbook.studies.paper_cost import write_cost_page; write_cost_page()"

Operations are counted on one batch of each network, forward and backward. The time on an NVIDIA
H100 is expected from them, not measured: see `expected_seconds`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from ferkit.core.files import PROJECT, write_text
from ferkit.drawn.sets import SETS, plan_clips
from ferkit.papers.dtagn.network import DTGN_NOTATION, build_centred, build_joint
from ferkit.papers.dtagn.plans import PLANS as DTAGN_PLANS
from ferkit.papers.emotionaldan import rivals
from ferkit.papers.emotionaldan.network import build_both_stages, build_first_stage
from ferkit.papers.emotionaldan.plans import PLANS
from ferkit.papers.i2cnn.compare import LEAK_ITERATIONS
from ferkit.papers.i2cnn.plans import PLANS as I2CNN_PLANS
from ferkit.papers.multimodal.network import SingleBranch, TwoBranches, TwoHeads, TwoNetworks
from ferkit.papers.multimodal.plans import PLANS as MULTIMODAL_PLANS
from ferkit.papers.tfe.identity import IDENTITIES
from ferkit.papers.tfe.network import IDENTITY_INPUT, ConvNet, ResNet, build_tandem
from ferkit.papers.tfe.plans import plan_for
from ferkit.training.recipe import Recipe

COST_PAGE = PROJECT / "docs" / "paper_level.md"
PEAK = 989e12  # operations a second of an H100 (SXM) in bf16, from its data sheet
USED = 0.3  # of the peak; large convolutions usually reach a quarter to a half
STEP = 0.005  # seconds that a step of a small network takes at least, to launch its kernels
_BYTES = 4  # of a number in float32
_FRAMES = 12  # that DTAN and DTGN see of a sequence (section 5.1)
_Shapes = tuple[tuple[int, ...], ...]  # of each input of one example
_MARK = "<!-- written by ferkit.workbook.studies.paper_cost -->"


@dataclass(frozen=True)
class PlannedTraining:
    """Trainings of one network in a notebook: how many, and how long each lasts at most."""

    notebook: str
    network: str
    build: Callable[[], nn.Module]
    shapes: _Shapes
    batch: int
    iterations: int
    trainings: int = 1


def planned_trainings() -> list[PlannedTraining]:
    """List the trainings of all notebooks at level `paper` on drawn faces."""
    return [
        *_multimodal(),
        *_i2cnn(),
        *_dtagn(),
        *_tfe(),
        *_emotionaldan(),
    ]


def _multimodal() -> list[PlannedTraining]:
    """Notebook 03: three designs, and four that the paper rejected or varied."""
    plan = MULTIMODAL_PLANS["paper"]
    recipe = plan.recipes(1)["both, hinge"]
    picture = (3, plan.size, plan.size)
    designs: dict[str, tuple[Callable[[], nn.Module], _Shapes, int]] = {
        "AlexNet": (partial(SingleBranch, **plan.shape), (picture,), 1),
        "two branches": (partial(TwoBranches, **plan.shape), (picture, (136,)), 4),
        "two heads": (partial(TwoHeads, **plan.shape), (picture,), 1),
        "two networks": (partial(TwoNetworks, **plan.shape), (picture,), 1),
    }
    length = recipe.iterations or 0
    return [
        PlannedTraining("03", name, build, shapes, recipe.batch, length, count * plan.folds)
        for name, (build, shapes, count) in designs.items()
    ]


def _i2cnn() -> list[PlannedTraining]:
    """Notebook 04: three numbers of patches, for seven and for six classes, and leaky folds.

    Two tasks are predicted by folds of people and of images, from whole faces.
    """
    plan = I2CNN_PLANS["paper"]
    picture = (3, plan.crop, plan.crop)
    build = partial(plan.network, 7, 0)
    trainings = []
    for k, length in plan.iterations.items():
        name = f"AlexNet, k = {k}"
        trainings.append(
            PlannedTraining("04", name, build, (picture,), plan.batch, length, 2 * plan.folds)
        )
    short = min(plan.iterations[1], LEAK_ITERATIONS)
    leaks = 2 * 2 * plan.folds
    trainings.append(
        PlannedTraining("04", "AlexNet, leaky folds", build, (picture,), plan.batch, short, leaks)
    )
    return trainings


def _dtagn() -> list[PlannedTraining]:
    """Notebooks 05 and 06: both networks with their controls, then fine-tuning in four ways.

    Of DTAN each fold trains a centred and a plain one, and one fold those of one and three frames.
    """
    plan = DTAGN_PLANS["paper"]
    frames = _FRAMES
    count = round(len(plan_clips("sequences", "paper")) * (1 - 1 / plan.folds))
    dtan, dtgn = plan.dtan_notation("ckplus"), DTGN_NOTATION["ckplus"]
    pictures, points = (frames, 64, 64), (frames, 49, 2)
    appearance = partial(build_centred, dtan, frames)
    geometry = partial(build_centred, dtgn, frames)
    joint = partial(build_joint, dtan, dtgn, frames)
    folds = plan.folds
    return [
        _training("05", "DTAN", appearance, (pictures,), plan.dtan, count, 2 * folds + 2),
        _training("05", "DTGN", geometry, (points,), plan.dtgn, count, 4 * folds),
        _training("06", "DTAGN", joint, (pictures, points), plan.joint, count, 4 * folds),
    ]


def _tfe() -> list[PlannedTraining]:
    """Notebook 07: the identity network, the emotion network, and joint learning with controls."""
    plan = plan_for("paper", "sequences")
    identities = IDENTITIES.size("paper")
    known = round(0.8 * identities.people)
    pictures = known * (identities.takes - 1)
    # The first and the last three pictures of each sequence.
    faces = round(4 * len(plan_clips("sequences", "paper")) * (1 - 1 / plan.folds))
    identity, emotion, joint = (
        learning.recipe(count)
        for learning, count in (
            (plan.identity, pictures),
            (plan.emotion, faces),
            (plan.joint, faces),
        )
    )
    face, picture = (3, *IDENTITY_INPUT), (3, plan.size, plan.size)
    resnet: dict[str, Any] = {"classes": 8, "kind": plan.kind, "size": plan.size}
    tandem = partial(build_tandem, 8, {"identities": known}, resnet)
    second = (4 + 2 * (plan.starts - 1)) * plan.folds  # all start from the same ResNets
    return [
        _training("07", "identity", partial(ConvNet, known), (face,), identity, pictures, 1),
        _training(
            "07", "ResNet", partial(ResNet, **resnet), (picture,), emotion, faces, plan.folds
        ),
        _training("07", "both, joined", tandem, (face, picture), joint, faces, second),
    ]


def _emotionaldan() -> list[PlannedTraining]:
    """Notebook 08: EmotionalDAN and its rivals in seven and in three classes, with a control.

    The authors' stage 1 knows no classes, so all of their second stages share it.
    """
    plan = PLANS["paper"]
    count = round(0.7 * len(plan_clips("wild", "paper")))
    shape: dict[str, Any] = {"size": plan.size, "width": plan.width, "dropout": plan.dropout}
    plain: dict[str, Any] = {"classes": 7, "size": plan.size, "width": plan.plain_width}
    whole: dict[str, Any] = {"classes": 7, "size": plan.size}
    stages: dict[str, tuple[Callable[[], nn.Module], Recipe, int]] = {}
    for variant, name, head, seconds in (
        ("as_authors_code", "EmotionalDAN", 0, 3),
        ("as_paper", "EmotionalDAN of the text", 7, 1),
    ):
        first, second = plan.recipes(variant)
        built = {**shape, "variant": variant}
        stages[f"{name}, stage 1"] = (partial(build_first_stage, head, **built), first, 1)
        stages[f"{name}, stage 2"] = (partial(build_both_stages, 7, head, **built), second, seconds)
    stages |= {
        "CNN (2)": (partial(rivals.cnn2, **plain), plan.plain, 2),
        "CNN (5)": (partial(rivals.cnn5, **plain), plan.plain, 2),
        "EmotionNet 2": (partial(rivals.emotionnet2, **whole), plan.residual, 2),
        "Inception-V3": (partial(rivals.inception_v3, **whole), plan.residual, 2),
    }
    picture = (1, plan.size, plan.size)
    return [
        _training("08", name, build, (picture,), recipe, count, trainings)
        for name, (build, recipe, trainings) in stages.items()
    ]


def _training(
    notebook: str,
    network: str,
    build: Callable[[], nn.Module],
    shapes: _Shapes,
    recipe: Recipe,
    count: int,
    trainings: int,
) -> PlannedTraining:
    """Describe trainings on `count` examples by a recipe."""
    length = recipe.iterations or recipe.epochs * recipe.batch_count(count)
    return PlannedTraining(notebook, network, build, shapes, recipe.batch, length, trainings)


# --- counting ---


def count_operations(network: nn.Module, shapes: _Shapes) -> tuple[int, int]:
    """Count a training step of one example: operations, and bytes kept for the backward pass.

    A multiplication with its addition counts as two operations. Only matrix products and
    convolutions are counted.
    """
    inputs = [torch.rand(2, *shape) for shape in shapes]
    kept: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    counter = FlopCounterMode(display=False)
    hooks = torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor)
    with counter, hooks:
        outputs = network.train()(*inputs)
        first = outputs[0] if isinstance(outputs, tuple) else outputs
        first.sum().backward()
    weights = {parameter.untyped_storage().data_ptr() for parameter in network.parameters()}
    activations = sum(size for place, size in kept.items() if place not in weights)
    return counter.get_total_flops() // 2, activations // 2


def expected_seconds(operations: float, iterations: int) -> float:
    """Return the time on an H100: that of the operations, or STEP an iteration if this is longer.

    `operations` are those of one iteration.
    """
    return iterations * max(operations / (PEAK * USED), STEP)


def cost_table() -> pd.DataFrame:
    """Tabulate all trainings of level `paper`, a row each."""
    rows = []
    for training in planned_trainings():
        network = training.build()
        operations, activations = count_operations(network, training.shapes)
        weights = sum(parameter.numel() for parameter in network.parameters())
        iterations = training.iterations * training.trainings
        # Weights, gradients and two moments; activations in bf16 take half of what was counted.
        memory = 4 * _BYTES * weights + training.batch * activations / 2
        step = operations * training.batch
        rows.append(
            {
                "notebook": training.notebook,
                "network": training.network,
                "trainings": training.trainings,
                "iterations each": training.iterations,
                "batch": training.batch,
                "GFLOP a step": step / 1e9,
                "PFLOP in all": step * iterations / 1e15,
                "memory, GB": memory / 1e9,
                "minutes on an H100": expected_seconds(step, iterations) / 60,
            }
        )
    return pd.DataFrame(rows)


# --- the page ---


def write_cost_page(path: Path = COST_PAGE) -> Path:
    """Write the tables into docs/paper_level.md, behind what the page says by hand."""
    text = path.read_text(encoding="utf-8")
    before, mark, _ = text.partition(_MARK)
    if not mark:
        raise ValueError(f"{path} has no line {_MARK!r}; its tables are written behind that line")
    write_text(path, before + mark + "\n\n" + page_tables(cost_table()))
    return path


def page_tables(table: pd.DataFrame) -> str:
    """Return the two tables of the page: by notebook, and by network."""
    pictures = {name: _count_frames(name) for name in SETS}
    totals = table.groupby("notebook")[["PFLOP in all", "minutes on an H100"]].sum()
    totals["memory, GB"] = table.groupby("notebook")["memory, GB"].max()
    hours = totals["minutes on an H100"] / 60
    others = hours.drop("04").sum()
    parts = [
        "## By notebook",
        _markdown(totals.reset_index()),
        f"Together {hours.sum():.1f} hours, of which notebook 04 takes {hours['04']:.1f} and all "
        f"others {others:.1f}.",
        "## By network",
        _markdown(table),
        "## Pictures that are drawn",
        _markdown(pd.Series(pictures, name="pictures").rename_axis("set").reset_index()),
    ]
    return "\n\n".join(parts) + "\n"


def _count_frames(name: str) -> int:
    return sum(clip.frames for clip in plan_clips(name, "paper"))


def _markdown(table: pd.DataFrame) -> str:
    """Return a table in Markdown, with three digits of each number."""
    lines = ["| " + " | ".join(table.columns) + " |", "|" + "---|" * len(table.columns)]
    for row in table.to_dict("records"):
        lines.append("| " + " | ".join(_write_number(value) for value in row.values()) + " |")
    return "\n".join(lines)


def _write_number(value: object) -> str:
    if not isinstance(value, float):
        return str(value)
    return f"{value:.0f}" if value >= 100 else f"{value:.2g}"
