"""Notebook 07's identity network: the people it learns, and the pairs it verifies.

Functions that take a `run` add what they measure to its metrics.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import torch
from matplotlib.axes import Axes
from torch import nn

from ferkit import plots
from ferkit.papers.tables import interval_text
from ferkit.papers.tfe import identity, verification
from ferkit.training.by_folds import CrossTrained
from ferkit.workbook.lessons.identity_and_emotion_inside import lighten
from ferkit.workbook.notebook_run import NotebookRun


def people_table(everybody: identity.Identities) -> pd.DataFrame:
    """Tabulate people and pictures of each part."""
    words = {"train": "training", "val": "validation", "unseen": "held-out people"}
    rows = {}
    for part, word in words.items():
        _, people = everybody.of(part)
        rows[word] = {"people": len(set(people)), "pictures": len(people)}
    return pd.DataFrame(rows).T


def draw_identities(
    everybody: identity.Identities, dataset: str, people: int = 3, pictures: int = 6
) -> Axes:
    """Draw several pictures of each of some people."""
    face, persons = everybody.of("train")
    rows = []
    for person in list(dict.fromkeys(persons))[:people]:
        own = face[torch.from_numpy(persons == person)][:pictures]
        rows.append([lighten(image) for image in own.permute(0, 2, 3, 1).numpy()])
    columns = min(map(len, rows))
    rows = [plots.cover_restricted(row[:columns], dataset) for row in rows]
    names = [f"person {number}" for number in range(1, len(rows) + 1)]
    return plots.plot_wall(rows, names=names, width=columns)


def identity_curves(history: pd.DataFrame, people: int) -> pd.DataFrame:
    """Tabulate the identity network's training for `plot_history`."""
    panels = {
        "train_loss": ("cross-entropy", "training"),
        "val_loss": ("cross-entropy", "held-out pictures of the same"),
        "val_accuracy": (f"accuracy, naming {people} people", "validation"),
    }
    rows = []
    for column, (panel, part) in panels.items():
        values = {"x": history["epoch"], "value": history[column]}
        rows.append(pd.DataFrame(values).assign(panel=panel, part=part, curve="identity"))
    return pd.concat(rows, ignore_index=True)


def verify_networks(
    run: NotebookRun,
    sets: Mapping[str, identity.VerificationSet],
    networks: Mapping[str, nn.Module],
    seed: int,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Verify pairs of each set with each network; return a table and the ROC curves.

    `networks` are named by the end of their metrics: "" for the trained one, "/untrained".
    """
    words = {"": "trained", "/untrained": "before training"}
    rows, curves = {}, []
    for place, (faces, people, pairs) in sets.items():
        for ending, network in networks.items():
            measured, _, curve = identity.verify_network(network, faces, people, pairs, seed=seed)
            name = f"verification/{place}{ending}"
            run.metrics[name] = measured.pop("accuracy")
            run.metrics.update({f"{name}/{what}": value for what, value in measured.items()})
            curves.append(curve.assign(panel=place, name=words[ending]))
            rows[place, words[ending]] = {
                "people": len(set(people)),
                "pairs": len(pairs),
                "accuracy": interval_text(run.metrics[name]),
                "accuracy at θ = 0.15": interval_text(measured["at_0.15"]),
                "area under the ROC curve": f"{measured['area']['value']:.3f}",
            }
    columns = ["panel", "name", "false_accepts", "true_accepts"]
    return pd.DataFrame(rows).T, pd.concat(curves, ignore_index=True)[columns]


def describe_verification(run: NotebookRun) -> str:
    """Say how good the identity network is on people it never saw."""
    trained, untrained = (
        100 * run.metrics[f"verification/identities{ending}"]["value"]
        for ending in ("", "/untrained")
    )
    area = run.metrics["verification/identities/area"]["value"]
    return (
        f"The trained network judges {trained:.1f} % of these pairs correctly, the same network "
        f"before training {untrained:.1f} %; chance is 50 %, and the paper's network reaches 91 % "
        f"on LFW. The trained network's area under the curve is {area:.2f}."
    )


def verify_after_joint(
    run: NotebookRun,
    sets: Mapping[str, identity.VerificationSet],
    joint: CrossTrained,
    seed: int,
) -> pd.DataFrame:
    """Verify the same pairs with the identity branches after joint learning."""
    endings = {
        "never trained": "/untrained",
        "before joint learning": "",
        "after joint learning": "/after_joint",
    }
    rows = {}
    for place, (faces, people, pairs) in sets.items():
        correct = [
            identity.verify_network(one.network.get_submodule("identity"), faces, people, pairs)[
                1
            ].correct
            for one in joint.trained
        ]
        mean = verification.pair_score(np.mean(correct, 0), pairs, people, seed=seed)
        run.metrics[f"verification/{place}/after_joint"] = mean.metric()
        rows[place] = {
            state: interval_text(run.metrics[f"verification/{place}{ending}"])
            for state, ending in endings.items()
        }
    return pd.DataFrame(rows).T
