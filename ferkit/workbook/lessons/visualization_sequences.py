"""Steps of notebook 09 about DTAN, the network that sees a whole sequence at once."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from ferkit.data.folds import Fold
from ferkit.evaluation.intervals import Score, bootstrap
from ferkit.explain import drawn_faces, face_maps, motion
from ferkit.explain.drawn_faces import DrawnSequence
from ferkit.faces.load import load_clips
from ferkit.faces.prepare import prepare
from ferkit.papers.dtagn import specs
from ferkit.papers.dtagn.experiment import train_dtan
from ferkit.papers.dtagn.plans import PLANS
from ferkit.papers.dtagn.sequences import Sequences
from ferkit.training.spec import Network
from ferkit.workbook.lessons.visualization import add_colour_bar, draw_map, draw_moved, name_row
from ferkit.workbook.networks import training_of
from ferkit.workbook.words import compare_in_words

DTAN = "DTAN (dtagn)"  # in tables and figures
FIRST, STILL, CHANGE = "DTAN, first convolution", "DTAN, standing still", "change of the pictures"
_KEYS = {DTAN: "dtan", FIRST: "dtan_first", STILL: "dtan_still", CHANGE: "difference"}
_SEEN = 64  # pixels of DTAN's pictures
_DRAWN = ("sequences", "sequences-mmi")


def is_drawn(dataset: str) -> bool:
    """Whether the true motion of a data set's sequences is known."""
    return dataset in _DRAWN


def load_dtan(
    kind: str,
    data: Sequences,
    classes: tuple[str, ...],
    folds: Sequence[Fold],
    *,
    dataset: str,
    level: str,
    seed: int,
    folder: Path,
    device: str = "auto",
    precision: str = "auto",
) -> Network:
    """Train DTAN's first fold, or load it, as a record that can be explained."""
    options = {"seed": seed, "device": device, "precision": precision}
    trained = train_dtan(kind, data, folds[:1], level, folder=folder, **options)
    return Network(
        specs.DTAN,
        {"notation": PLANS[level].dtan_notation(kind), "frames": 12},
        classes,
        specs.DTAN.views(),
        trained.trained[0].network,
        frames=12,
        about=training_of(dataset, level, seed),
    )


def draw_test_sequences(
    fold: Fold, emotions: Sequence[str], dataset: str, level: str, seed: int
) -> list[DrawnSequence]:
    """Choose sequences of a fold's test people and draw their strongest frames again."""
    prepared = prepare(load_clips(dataset, level, seed), _SEEN, grey=True)
    count = drawn_faces.SEQUENCES_PER_EMOTION[level]
    clips = drawn_faces.choose_clips(fold.test, emotions, count)
    return drawn_faces.redraw_sequences(clips, prepared, level, seed)


def draw_dtan(network: Network, sequences: Sequence[DrawnSequence], seed: int) -> Figure:
    """Draw DTAN's maps of one sequence of each emotion over the true motion."""
    first_of = {sequence.emotion: sequence for sequence in reversed(sequences)}
    shown = [first_of[emotion] for emotion in dict.fromkeys(one.emotion for one in sequences)]
    _, last = face_maps.list_convolutions(network)
    shuffled = face_maps.shuffle_weights(network, seed)
    figure, axes = plt.subplots(
        3, len(shown), figsize=(8.2, 4.6), layout="constrained", squeeze=False
    )
    rows = {"DTAN": network, "weights\nshuffled": shuffled}
    for row, (name, one) in zip(axes[:2], rows.items(), strict=True):
        maps, matrices = face_maps.map_faces(one, shown, last)
        for ax, face, heat, matrix in zip(row, shown, maps, matrices, strict=True):
            draw_map(heat, matrix, face, ax)
        name_row(row[0], name)
    for above, below, face, matrix in zip(axes[0], axes[2], shown, matrices, strict=True):
        above.set_title(face.emotion)
        moves = draw_moved(motion.bring_motion_to_map(face, matrix, (_SEEN, _SEEN)), below)
    name_row(axes[2, 0], "true\nmotion")
    add_colour_bar(figure, axes[:2])
    figure.colorbar(moves, ax=axes[2], label="moved, pixels", shrink=0.9)
    return figure


def score_peaks(
    dtan: Network,
    networks: Mapping[str, Network],
    controls: Mapping[str, Network],
    sequences: Sequence[DrawnSequence],
) -> tuple[dict[str, pd.DataFrame], dict[str, pd.DataFrame]]:
    """Score all maps of the same sequences: tables of trained networks and of shuffled weights.

    DTAN is asked at both convolutions and once with sequences that stand still; the networks of
    single pictures see the strongest frame. CHANGE is the difference of the strongest frame and the
    first picture, without a network.
    """
    first, _ = face_maps.list_convolutions(dtan)
    still = drawn_faces.freeze_at_peak(sequences)
    peaks = {
        DTAN: motion.compare_with_motion(dtan, sequences),
        FIRST: motion.score_network(dtan, sequences, first),
        STILL: motion.compare_with_motion(dtan, still),
    }
    peaks |= {name: motion.score_network(one, sequences) for name, one in networks.items()}
    peaks[CHANGE] = motion.score_faces(sequences, *face_maps.map_changes(sequences))
    blind = {
        DTAN: motion.score_network(controls[DTAN], sequences),
        FIRST: motion.score_network(controls[DTAN], sequences, first),
    }
    blind |= {name: motion.score_network(controls[name], sequences) for name in networks}
    return peaks, blind


def peak_scores(
    peaks: Mapping[str, pd.DataFrame], blind: Mapping[str, pd.DataFrame], seed: int
) -> dict[str, dict[str, Score]]:
    """Average each table of `score_peaks` over people and compare it.

    Keys auc, "minus its weights shuffled", "minus DTAN", right, as far as they are known.
    """
    scores = {}
    for name, table in peaks.items():
        scored = table.dropna(subset="auc")
        row = {"auc": bootstrap(scored["auc"], scored["person"], seed=seed)}
        if name in blind:
            row["minus its weights shuffled"] = motion.compare_aucs(table, blind[name], seed)
        if name != DTAN:
            row["minus DTAN"] = motion.compare_aucs(table, peaks[DTAN], seed)
        if "right" in table:
            row["right"] = bootstrap(table["right"], table["person"], seed=seed)
        scores[name] = row
    return scores


def peak_metrics(
    scores: Mapping[str, Mapping[str, Score]], networks: Mapping[str, Network]
) -> dict[str, Any]:
    """Return the metrics peaks/KIND/..., with KIND the name of the network in files."""
    keys = _KEYS | {name: network.kind for name, network in networks.items()}
    return {
        f"peaks/{keys[name]}/{what.replace(' ', '_')}": value.metric()
        for name, row in scores.items()
        for what, value in row.items()
    }


def peak_table(scores: Mapping[str, Mapping[str, Score]]) -> pd.DataFrame:
    """Tabulate the areas under the ROC curve for `plot_intervals`."""
    rows = []
    for name, row in scores.items():
        interval = row["auc"].metric()
        interval.pop("n")
        group = "sees motion" if name.startswith("DTAN") else "one picture"
        rows.append({"name": name, "group": group, "chance": 0.5, **interval})
        if name == CHANGE:
            rows[-1]["group"] = "no network"
    return pd.DataFrame(rows)


def describe_dtan(scores: Mapping[str, Mapping[str, Score]]) -> list[str]:
    """Say whether DTAN's map is better than its control and whether it needs motion."""
    control = scores[DTAN]["minus its weights shuffled"]
    others = [name for name in scores if not name.startswith("DTAN")]
    better = [name for name in others if scores[name]["minus DTAN"].low > 0]
    right = scores[DTAN]["right"].value, scores[STILL]["right"].value
    against_control = compare_in_words("DTAN's map", "that of its shuffled weights", control)
    against_motion = compare_in_words(
        "DTAN's map of sequences that stand still",
        "that of moving ones",
        scores[STILL]["minus DTAN"],
    )
    return [
        f"**The maps** (100 points are an AUC of 1). {against_control} {against_motion}",
        f"Maps shown to be better than DTAN's: {', '.join(better) or 'none'}.",
        f"**The predictions.** DTAN recognises {right[0]:.0%} of the sequences in motion and "
        f"{right[1]:.0%} of them standing still.",
    ]
