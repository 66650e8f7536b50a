"""Train EmotionalDAN stage by stage, its rivals, and stage 2 in several ways.

I. Tautkute and T. Trzcinski, Fundamenta Informaticae 2019, section 4. `parts` are the training and
validation faces as of `data.crop_parts`. The `options` of functions that train go to
`training.loop.train`: device, precision, progress. In `folder` each training is kept, and the same
call loads it. Another `start` is another training on the same faces, with other first weights and
another order.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import nn

from ferkit.papers.emotionaldan import rivals
from ferkit.papers.emotionaldan.crops import CLASSES, FaceCrops
from ferkit.papers.emotionaldan.data import make_examples
from ferkit.papers.emotionaldan.loss import DanLoss, Triangular, split_labels
from ferkit.papers.emotionaldan.network import EmotionalDAN, FirstStage
from ferkit.papers.emotionaldan.plans import PLANS, with_loss
from ferkit.training.loop import train_kept
from ferkit.training.recipe import Examples, Trained
from ferkit.training.seeds import restart_seed, seeded

# Settings of stage 2 that are tried in place of the plan's own.
STAGE_TWO_TRIALS: dict[str, dict[str, Any]] = {
    "SGD, the authors' rate": {"optimiser": "sgd", "momentum": 0.0, "schedule": Triangular()},
    "SGD, 0.001": {"optimiser": "sgd", "momentum": 0.0, "schedule": None, "rate": 0.001},
    "Adam, 0.05": {"optimiser": "adam", "schedule": None, "rate": 0.05},
    "Adam, 0.001": {"optimiser": "adam", "schedule": None, "rate": 0.001},
}


@dataclass(frozen=True, eq=False)
class TrainedDan:
    """Both stages of one variant, as trained."""

    stages: tuple[Trained, Trained]
    names: tuple[str, ...]

    @property
    def first(self) -> FirstStage:
        """Stage 1."""
        return self.stages[0].network  # type: ignore[return-value]

    @property
    def both(self) -> EmotionalDAN:
        """Both stages, as one network."""
        return self.stages[1].network  # type: ignore[return-value]


def train_dan(
    parts: Mapping[str, FaceCrops],
    level: str,
    classes: int = 7,
    variant: str = "as_paper",
    *,
    seed: int = 0,
    start: int = 0,
    loss: DanLoss | None = None,
    folder: str | Path | None = None,
    **options: Any,
) -> TrainedDan:
    """Train EmotionalDAN stage by stage; `loss` replaces the variant's in stage 2."""
    plan = PLANS[level]
    first_recipe, second_recipe = plan.recipes(variant)
    if loss:
        second_recipe = with_loss(second_recipe, loss)
    # The authors' stage 1 knows no classes, so it learns from all faces.
    first_classes = classes if variant == "as_paper" else 7
    training_seed = restart_seed(seed, start)
    options |= {
        "seed": training_seed,
        "augment_both": plan.augmentation(variant),
        "folder": folder,
    }
    first_examples = make_examples(parts, first_classes, seed)
    first = train_kept(
        build_first(first_examples["train"], level, first_classes, variant, training_seed),
        first_recipe,
        first_examples["train"],
        first_examples["val"],
        f"{variant}-{first_classes}-stage1",
        **options,
    )
    stage1: FirstStage = first.network  # type: ignore[assignment]
    examples = make_examples(parts, classes, seed)
    second = train_kept(
        seeded(lambda: EmotionalDAN(stage1, classes), training_seed),
        second_recipe,
        examples["train"],
        examples["val"],
        f"{variant}-{classes}-stage2",
        **options,
    )
    return TrainedDan((first, second), CLASSES[classes].names)


def build_first(
    examples: Examples, level: str, classes: int = 7, variant: str = "as_paper", seed: int = 0
) -> FirstStage:
    """Build stage 1 with the mean shape, mean and spread of the faces it will be trained on."""
    plan = PLANS[level]
    points, _ = split_labels(examples.labels)
    head = classes if variant == "as_paper" else 0

    def build() -> FirstStage:
        return FirstStage(head, points.mean(0), plan.size, plan.width, variant, plan.dropout)

    network = seeded(build, seed)
    network.standardise.learn(examples.inputs[0])
    return network


def train_rival(
    name: str,
    parts: Mapping[str, FaceCrops],
    level: str,
    classes: int = 7,
    *,
    seed: int = 0,
    start: int = 0,
    folder: str | Path | None = None,
    **options: Any,
) -> Trained:
    """Train one of `Plan.rivals` on the same faces, for the emotion alone."""
    plan = PLANS[level]
    builders: Mapping[str, Callable[[], nn.Module]] = {
        "cnn2": lambda: rivals.cnn2(classes, plan.size, plan.plain_width),
        "cnn5": lambda: rivals.cnn5(classes, plan.size, plan.plain_width),
        "emotionnet2": lambda: rivals.emotionnet2(classes, plan.size),
        "inception": lambda: rivals.inception_v3(classes, plan.size, rivals.imagenet_weights()),
    }
    if name not in builders:
        raise ValueError(f"unknown network {name!r}; known: {', '.join(builders)}")
    examples = {}
    for part, part_examples in make_examples(parts, classes, seed).items():
        _, emotions = split_labels(part_examples.labels)
        examples[part] = Examples(part_examples.inputs, emotions)
    training_seed = restart_seed(seed, start)
    network = seeded(builders[name], training_seed)
    network.standardise.learn(examples["train"].inputs[0])  # type: ignore[operator, union-attr]
    return train_kept(
        network,
        plan.plain if name in ("cnn2", "cnn5") else plan.residual,
        examples["train"],
        examples["val"],
        f"{name}-{classes}",
        seed=training_seed,
        augment_both=plan.augment,
        folder=folder,
        **options,
    )


def try_stage_two(
    first: FirstStage,
    parts: Mapping[str, FaceCrops],
    level: str,
    variant: str,
    epochs: int,
    *,
    seed: int,
    folder: str | Path | None,
    **options: Any,
) -> dict[str, Trained | None]:
    """Train stage 2 on a trained stage 1 in each of STAGE_TWO_TRIALS.

    None where the loss became NaN or infinite.
    """
    plan = PLANS[level]
    _, recipe = plan.recipes(variant)
    examples = make_examples(parts, 7, seed)
    trained: dict[str, Trained | None] = {}
    for name, settings in STAGE_TWO_TRIALS.items():
        both = seeded(lambda: EmotionalDAN(first, 7), seed)
        trial = replace(recipe, epochs=epochs, patience_iterations=None, **settings)
        try:
            trained[name] = train_kept(
                both,
                trial,
                examples["train"],
                examples["val"],
                f"trial-{variant}",
                seed=seed,
                augment_both=plan.augmentation(variant),
                folder=folder,
                **options,
            )
        except FloatingPointError:
            trained[name] = None
    return trained
