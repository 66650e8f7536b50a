"""The records of paper 4's networks and studies: EmotionalDAN and what it is compared with."""

from collections.abc import Callable, Mapping
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd

from ferkit.faces.views import View
from ferkit.papers.emotionaldan import experiment, maps, rivals, train
from ferkit.papers.emotionaldan.crops import SQUARE_RISE, SQUARE_SIDES
from ferkit.papers.emotionaldan.data import crop_parts
from ferkit.papers.emotionaldan.experiment import SHOWN_VARIANT
from ferkit.papers.emotionaldan.network import (
    EmotionScores,
    build_both_stages,
    build_first_stage,
    place_map,
)
from ferkit.papers.emotionaldan.plans import PLANS, SMALL_RIVALS
from ferkit.papers.emotionaldan.train import TrainedDan
from ferkit.training.recipe import Trained
from ferkit.training.spec import Network, NetworkSpec, Restart, Study, training_rows

# Networks whose builders take no width.
_FIXED_WIDTH = ("emotionnet2", "inception")


def detector_square(size: int) -> tuple[View, ...]:
    """Return the view of a face as a square around the detector's box, in grey."""
    return (View(size, "box", grey=True, margin=(SQUARE_SIDES - 1) / 2, up=SQUARE_RISE),)


def as_networks(
    level: str, trained: TrainedDan, others: Mapping[str, Trained], about: str = ""
) -> list[Network]:
    """Describe both stages and their trained rivals as records.

    A first stage without an emotion head, the authors', is left out: it has no classes.
    """
    plan = PLANS[level]
    first = trained.first
    names = trained.names
    count = len(names)
    heads = count if first.variant == "as_paper" else 0
    shape = {
        "size": plan.size,
        "width": plan.width,
        "variant": first.variant,
        "dropout": plan.dropout,
    }
    views = detector_square(plan.size)
    both = {"classes": count, "first_classes": heads, **shape}
    networks = [Network(EMOTIONALDAN, both, names, views, trained.both, about=about)]
    if heads:
        arguments = {"classes": heads, **shape}
        networks.append(Network(FIRST_STAGE, arguments, names, views, first, about=about))
    for name, trained_rival in others.items():
        arguments = {"classes": count, "size": plan.size}
        if name not in _FIXED_WIDTH:
            arguments["width"] = plan.plain_width
        networks.append(
            Network(RIVALS[name], arguments, names, views, trained_rival.network, about=about)
        )
    return networks


def train_networks(
    level: str,
    seed: int,
    out: Path,
    about: str = "",
    *,
    start: int = 0,
    **options: Any,
) -> list[Network]:
    """Train on the drawn set `wild` as notebook 08 does, or load what it left in `out`.

    EmotionalDAN is trained as in the authors' code, which learns more at `lesson`.
    """
    trained, others = _train_shown(level, seed, start, Path(out), **options)
    return as_networks(level, trained, others, about)


def _train_shown(
    level: str, seed: int, start: int, out: Path, **options: Any
) -> tuple[TrainedDan, dict[str, Trained]]:
    options.setdefault("folder", out / "networks" / "08")
    options |= {"seed": seed, "start": start}
    parts = crop_parts(level, seed)
    trained = train.train_dan(parts, level, variant=SHOWN_VARIANT, **options)
    others = {name: train.train_rival(name, parts, level, **options) for name in SMALL_RIVALS}
    return trained, others


def _rival_spec(name: str, title: str, build: Any, cam_layer: str) -> NetworkSpec:
    """Return the record of a network that sees what EmotionalDAN sees."""
    dataset = "wild" if name in SMALL_RIVALS else ""
    trained_with = train_networks if name in SMALL_RIVALS else None
    return NetworkSpec(
        name, title, build, detector_square, cam_layer, dataset=dataset, train=trained_with
    )


RIVALS = {
    "cnn2": _rival_spec("cnn2", "CNN (2)", rivals.cnn2, "convolutions.1.1"),
    "cnn5": _rival_spec("cnn5", "CNN (5)", rivals.cnn5, "convolutions.4.1"),
    "emotionnet2": _rival_spec("emotionnet2", "EmotionNet 2", rivals.emotionnet2, "network.layer3"),
    "inception": _rival_spec(
        "inception_v3", "Inception-V3", rivals.inception_v3, "network.Mixed_7c"
    ),
}
FIRST_STAGE = NetworkSpec(
    name="emotionaldan_stage1",
    title="EmotionalDAN, stage 1",
    build=build_first_stage,
    views=detector_square,
    cam_layer="stage1.conv4b",
    emotion_scores=EmotionScores,
    place_map=None,
)
EMOTIONALDAN = NetworkSpec(
    name="emotionaldan",
    title="EmotionalDAN",
    build=build_both_stages,
    views=detector_square,
    cam_layer="stage2.conv4b",
    emotion_scores=EmotionScores,
    place_map=place_map,
    dataset="wild",
    train=train_networks,
)
NETWORKS = (*RIVALS.values(), FIRST_STAGE, EMOTIONALDAN)

_TITLES = {
    **{name: spec.title for name, spec in RIVALS.items()},
    "hog": "HOG and ridge",
    "as_paper": "DAN as in the paper",
    "as_authors_code": "EmotionalDAN",
    "emotion_alone": "DAN without landmarks",
    experiment.TOGETHER: "EmotionalDAN for seven, taken together",
    experiment.ALWAYS_NEGATIVE: "always “negative”",
    "read truth": "linear, true landmarks",
    "read stage 1": "linear, stage 1's landmarks",
    "read stage 2": "linear, stage 2's landmarks",
    "read stage 2 alone": "linear, landmarks learnt alone",
}


def _kept(compare: Callable[..., Restart]) -> Callable[..., Restart]:
    """Keep the trainings of a comparison where notebook 08 keeps its own."""

    def train_restart(level: str, seed: int, start: int, out: Path, **options: Any) -> Restart:
        options.setdefault("folder", out / "networks" / "08")
        return compare(level, seed, start, **options)

    return train_restart


def _compare_maps(level: str, seed: int, start: int, out: Path, **options: Any) -> Restart:
    trained, others = _train_shown(level, seed, start, out, **options)
    dan = trained.stages[1]
    trainings = [training_rows(maps.MOVED, EMOTIONALDAN.name, start, [dan])]
    for name, one in others.items():
        trainings.append(training_rows(maps.MOVED, name, start, [one]))
    for data, layer in product(maps.OF_LAYERS, maps.LAYERS):
        trainings.append(training_rows(data, layer, start, [dan]))
    networks = as_networks(level, trained, others)
    return Restart(maps.compare_maps(networks, level, seed, start), pd.concat(trainings))


STUDIES = (
    Study(
        name="emotionaldan",
        folder="emotionaldan",
        title="Paper 4",
        measure="accuracy",
        pairs=(
            *((SHOWN_VARIANT, name) for name in (*SMALL_RIVALS, "emotion_alone")),
            ("read stage 2", "read stage 2 alone"),
            ("read stage 2", "read stage 1"),
        ),
        train_restart=_kept(experiment.compare_methods),
        plans=PLANS,
        titles=_TITLES,
        baseline="hog",
    ),
    Study(
        name="three_classes",
        folder="emotionaldan",
        title="Paper 4, three classes",
        measure="accuracy, or mean recall",
        other_measures={
            **dict.fromkeys(("wild", "london", "cmu", "posed", "sequences"), "accuracy"),
            **{f"{place}, mean recall": "mean recall" for place in ("wild", "posed", "sequences")},
        },
        pairs=tuple(
            (SHOWN_VARIANT, name)
            for name in (*SMALL_RIVALS, experiment.TOGETHER, experiment.ALWAYS_NEGATIVE)
        ),
        train_restart=_kept(experiment.compare_three_classes),
        plans=PLANS,
        titles=_TITLES,
        baseline="hog",
    ),
    Study(
        name="variants",
        folder="emotionaldan",
        title="Paper 4, text and code",
        measure="accuracy",
        pairs=((SHOWN_VARIANT, "as_paper"),),
        train_restart=_kept(experiment.compare_variants),
        plans=PLANS,
        titles=_TITLES,
        baseline="hog",
    ),
    Study(
        name="landmarks",
        folder="emotionaldan",
        title="Paper 4, landmarks",
        measure="error, distances between the eyes",
        pairs=(
            ("stage 1", "stage 2"),
            ("stage 2 alone", "stage 2"),
            ("as_paper, stage 1", "as_paper, stage 2"),
        ),
        train_restart=_kept(experiment.compare_stages),
        plans=PLANS,
        titles=_TITLES,
    ),
    Study(
        name="visualization",
        folder="visualization",
        title="Grad-CAM",
        measure="AUC (moved) or share",
        other_measures={
            "moved": "area under the ROC curve",
            "related": "share of related landmarks among the most active",
            "related, as the authors' code": "share of related landmarks among the most active",
            "focus": "share of the map in its highest tenth",
        },
        pairs=(
            *((name, maps.SHUFFLED.format(name)) for name in (*SMALL_RIVALS, EMOTIONALDAN.name)),
            maps.LAYERS,
        ),
        train_restart=_compare_maps,
        plans=PLANS,
        titles={EMOTIONALDAN.name: EMOTIONALDAN.title, **_TITLES},
    ),
)
