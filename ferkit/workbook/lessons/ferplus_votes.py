"""Steps of notebook 01's appendix: how ten votes become a label, and what a rule drops."""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ferkit import data, plots
from ferkit.core.labels import EMOTIONS
from ferkit.data.sets import ferplus
from ferkit.data.sets.ferplus import EXPECTED, SOURCES, SPLITS
from ferkit.data.votes import RULES, VOTE_COLUMNS
from ferkit.workbook.explorers.labels import under_each_rule

_MINOR = ("happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt")
INVENTED = {
    "a clear smile": {"happiness": 9, "neutral": 1},
    "a tie": {"neutral": 4, "sadness": 4, "anger": 1, "fear": 1},
    "a frown": {"anger": 5, "disgust": 3, "contempt": 2},
    "two of three": {"surprise": 4, "fear": 4, "neutral": 2},
    "scattered": {"neutral": 3, **dict.fromkeys(_MINOR, 1)},
    "hardly a face": {"NF": 5, "neutral": 3, "unknown": 2},
}


def vote_table(cases: Mapping[str, Mapping[str, int]]) -> pd.DataFrame:
    """Tabulate named cases of votes, a column for each of FER+'s ten answers."""
    rows = [{name: votes.get(name, 0) for name in VOTE_COLUMNS} for votes in cases.values()]
    return pd.DataFrame(rows, index=list(cases))


def plot_cases(votes: pd.DataFrame) -> Figure:
    """Draw the votes of six cases."""
    figure, axes = plt.subplots(
        2, 3, figsize=(7.4, 5.0), layout="constrained", sharex=True, sharey=True
    )
    for ax, case in zip(axes.ravel(), votes.index, strict=True):
        plots.plot_votes(votes.loc[case], ax=ax)
        ax.set(title=case, xlim=(0, 10.5))
        ax.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    for ax in axes[0]:
        ax.set_xlabel("")
    return figure


def labels_of(votes: pd.DataFrame) -> pd.DataFrame:
    """Tabulate the label that each rule gives each case, or in brackets why it is dropped."""
    rules = under_each_rule(votes)
    said = rules["label"].where(rules["dropped"] == "", "(" + rules["dropped"] + ")")
    return said.unstack().loc[votes.index, list(RULES)]


def targets_of(votes: Mapping[str, int]) -> pd.DataFrame:
    """Tabulate label, reason for dropping and training target of one picture under each rule."""
    return under_each_rule(vote_table({"mine": votes})).droplevel(0)


def count_kept(root: str | None) -> tuple[pd.DataFrame, bool]:
    """Count what each rule keeps of each source and split, and whether the votes were found.

    Without the votes, the published counts stand in. `compared` says how many counts have a
    published one beside them, `differ` how many of these differ from it.
    """
    rows = {
        (source, rule): dict(zip(SPLITS, expected["kept"], strict=True))
        for (rule, source), expected in EXPECTED.items()
    }
    try:
        folder = data.find_root("ferplus", root or None)
        ferplus.read_ferplus_labels(folder, SOURCES[0], verify="off")
    except FileNotFoundError:
        return pd.DataFrame(rows).T.rename_axis(["source", "rule"]), False
    for source in SOURCES:
        for rule in RULES:
            try:
                table = ferplus.read_ferplus_labels(folder, source, rule, verify="off")
            except FileNotFoundError:
                continue
            counts, expected = ferplus.count_labels(table), EXPECTED.get((rule, source), {})
            rows[source, rule] = {
                **counts.loc["kept"],
                "compared": len(expected) * len(SPLITS),
                "differ": len(ferplus.compare_labels(counts, expected)),
            }
    return pd.DataFrame(rows).T.rename_axis(["source", "rule"]), True


def majority_share() -> pd.DataFrame:
    """Tabulate, by published counts, how many pictures of an emotion the majority rule keeps.

    Columns argmax, ms_majority and their ratio `share`, all splits together.
    """
    counts = pd.DataFrame(index=[*EMOTIONS, "kept"])
    for rule in ("argmax", "ms_majority"):
        counts[rule] = pd.DataFrame(EXPECTED[rule, SOURCES[0]]).sum()
    return counts.assign(share=counts["ms_majority"] / counts["argmax"])


def share_metrics(counts: pd.DataFrame) -> dict[str, float]:
    """Return the share of each emotion that the majority rule keeps as metrics."""
    return {f"majority_keeps/{name}": float(counts.at[name, "share"]) for name in EMOTIONS}


def plot_majority_share(counts: pd.DataFrame) -> Axes:
    """Draw the share of each emotion that the majority rule keeps."""
    order = counts.drop(index="kept").sort_values("share")
    _, ax = plt.subplots(figsize=(7.0, 3.2), layout="constrained")
    colours = [plots.EMOTION_COLOURS[name] for name in order.index]
    ax.barh(order.index, order["share"], color=colours)
    for row, emotion in enumerate(order.itertuples()):
        text = f" {emotion.share:.0%} ({emotion.argmax:.0f} → {emotion.ms_majority:.0f})"
        ax.text(emotion.share, row, text, va="center")
    ax.set(xlabel="share of the pictures labelled by argmax that ms_majority keeps", xlim=(0, 1.35))
    ax.set_xticks(np.linspace(0, 1, 6))
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def describe_majority(counts: pd.DataFrame) -> str:
    """Say what the majority rule drops, and how much shorter the test part becomes."""
    share = counts["share"].drop("kept")
    test = {rule: EXPECTED[rule, SOURCES[0]]["kept"][2] for rule in ("argmax", "ms_majority")}
    fewer = 1 - test["ms_majority"] / test["argmax"]
    return (
        f"The majority rule drops {1 - share.min():.0%} of *{share.idxmin()}* and "
        f"{1 - share.max():.0%} of *{share.idxmax()}*. The test part has {test['argmax']} pictures "
        f"by `argmax` and {test['ms_majority']} by `ms_majority`, {fewer:.0%} fewer."
    )
