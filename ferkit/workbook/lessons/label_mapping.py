"""Steps of notebook 01: providers' codes, compound classes, three classes from seven."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from IPython.display import Markdown
from matplotlib.axes import Axes

from ferkit import plots
from ferkit.core.labels import BASIC7, EMOTIONS, SEVEN, compound_code, to_three
from ferkit.data.votes import EMOTION_COLUMNS
from ferkit.drawn.examples import draw_compound
from ferkit.faces.load import load_labels
from ferkit.papers import reported
from ferkit.workbook.lessons.start_here import crop_face
from ferkit.workbook.words import show_checked_claims

UNUSED = "-"  # stands where a provider does not use a code
_ALPHABETICAL = (UNUSED, *BASIC7)
PROVIDER_CODES: dict[str, tuple[str, ...]] = {
    "CK+": _ALPHABETICAL,
    "iCV-MEFED": _ALPHABETICAL,
    "MMI": (UNUSED, *SEVEN[1:]),
    "ISED": (UNUSED, "happiness", "surprise", "sadness", "disgust"),
    "AffectNet": (
        "neutral", "happiness", "sadness", "surprise", "fear", "disgust", "anger", "contempt",
    ),
    "FER2013": (*SEVEN[1:], "neutral"),
    "FER+": EMOTION_COLUMNS,
    "RAVDESS": (
        UNUSED, "neutral", "calm", "happiness", "sadness", "anger", "fear", "disgust", "surprise",
    ),
}  # fmt: skip
NOT_MARKED = "not marked"
LEFT_OUT = "left out"
CLASS_OF_THREE = "class of three"
_MIXED = ("anger", "disgust", "happiness", "sadness", "surprise")  # of the grid of pictures


# --- providers' codes ---


def code_table() -> pd.DataFrame:
    """Tabulate what each code means, a column for each provider."""
    columns = {name: pd.Series(words) for name, words in PROVIDER_CODES.items()}
    return pd.DataFrame(columns).fillna(UNUSED).rename_axis("code")


def code_agreement() -> pd.DataFrame:
    """Compute, for two providers, the share of codes both use that mean the same in both."""
    table = pd.DataFrame(index=list(PROVIDER_CODES), columns=list(PROVIDER_CODES), dtype=float)
    for first, words in PROVIDER_CODES.items():
        for second, other_words in PROVIDER_CODES.items():
            pairs = [pair for pair in zip(words, other_words, strict=False) if UNUSED not in pair]
            table.loc[first, second] = np.mean([a == b for a, b in pairs])
    return table


def read_with(learnt: str, scored: str) -> pd.Series:
    """Say what each emotion of one provider is taken for with another provider's table."""
    other = PROVIDER_CODES[scored]
    taken = {
        word: other[code] if code < len(other) else UNUSED
        for code, word in enumerate(PROVIDER_CODES[learnt])
        if word != UNUSED
    }
    return pd.Series(taken, name=f"taken for, in {scored}").rename_axis(f"shown, {learnt}")


def plot_codes() -> Axes:
    """Draw the table of codes with a colour for each emotion."""
    table = code_table()
    colours = {**plots.EMOTION_COLOURS, "calm": "#c9c9c9", UNUSED: "#ffffff"}
    words = sorted(colours)
    _, ax = plt.subplots(figsize=(7.4, 3.6), layout="constrained")
    sns.heatmap(
        table.map(words.index),
        cmap=[colours[word] for word in words],
        vmin=0,
        vmax=len(words) - 1,
        annot=table.replace(UNUSED, ""),
        fmt="",
        alpha=0.5,
        annot_kws={"color": "black", "size": 8.5},
        cbar=False,
        lw=2,
        ax=ax,
    )
    ax.tick_params(axis="y", rotation=0)
    ax.xaxis.tick_top()
    ax.tick_params(length=0)
    return ax


def plot_agreement() -> Axes:
    """Draw the share of equal codes for each pair of providers."""
    _, ax = plt.subplots(figsize=(5.6, 3.8), layout="constrained")
    style = {"cmap": "Blues", "vmin": 0, "vmax": 1, "lw": 2}
    sns.heatmap(code_agreement(), annot=True, fmt=".0%", annot_kws={"size": 8.5}, ax=ax, **style)
    ax.figure.axes[-1].set_ylabel("share of equal codes")
    ax.set(xlabel="scored with", ylabel="learnt from")
    ax.tick_params(length=0)
    return ax


# --- compound classes ---


def plot_compound_faces(person: int, emotions: Sequence[str] = _MIXED) -> Axes:
    """Draw compound expressions with their codes: complementary down, dominant across."""
    pictures = [
        [crop_face(draw_compound(person, c, d, size=160).image) for d in emotions] for c in emotions
    ]
    ax = plots.plot_wall(pictures, emotions, emotions, width=6.0, text_size=10)
    height, width = pictures[0][0].shape[:2]
    for row, c in enumerate(emotions):
        for column, d in enumerate(emotions):
            code = str(compound_code(EMOTIONS.index(c), EMOTIONS.index(d)))
            place = ((column + 0.04) * width, (row + 0.04) * height)
            box = {"fc": "white", "ec": "none", "alpha": 0.8, "pad": 1.5}
            ax.text(*place, code, va="top", size=9, weight="bold", bbox=box)
    ax.set_xlabel("down: complementary emotion; across: dominant emotion")
    return ax


def plot_swapped(person: int, complementary: str, dominant: str, tries: int = 5) -> Axes:
    """Draw tries of a compound emotion, and of the same two emotions swapped."""
    rows, names = [], []
    for c, d in ((complementary, dominant), (dominant, complementary)):
        rows.append([crop_face(draw_compound(person, c, d, take).image) for take in range(tries)])
        names.append(f"{compound_code(EMOTIONS.index(c), EMOTIONS.index(d))}: {c}\n+ {d}")
    columns = [f"try {k + 1}" for k in range(tries)]
    return plots.plot_wall(rows, columns, names, width=6.0, text_size=10)


# --- three classes, and the labels of a data set ---


def load_marked(dataset: str, level: str, seed: int, root: str | None) -> pd.DataFrame:
    """Load the labels of a data set; emotions that are missing become "not marked"."""
    labels = load_labels(dataset, level, seed, root or None)
    return labels.assign(emotion=labels["emotion"].fillna(NOT_MARKED))


def count_by_emotion(labels: pd.DataFrame) -> pd.DataFrame:
    """Count clips and people of each emotion, with its share and its class of three."""
    groups = labels.groupby("emotion")["person"]
    table = pd.DataFrame(
        {
            "clips": groups.size(),
            "share": (groups.size() / len(labels)).round(3),
            "people": groups.nunique(),
        }
    )
    order = [word for word in (*EMOTIONS, NOT_MARKED) if word in table.index]
    table = table.loc[[*order, *table.index.difference(order)]]
    table[CLASS_OF_THREE] = [_three_of(word) for word in table.index]
    return table


def label_metrics(dataset: str, counted: pd.DataFrame) -> dict[str, int]:
    """Return the number of clips of each emotion as metrics `DATASET/labels/EMOTION`."""
    return {f"{dataset}/labels/{name}": int(count) for name, count in counted["clips"].items()}


def _three_of(word: str) -> str:
    if word not in EMOTIONS:
        return ""
    return to_three(word) or LEFT_OUT


def blind_scores(counted: pd.DataFrame) -> pd.DataFrame:
    """Compute what is scored without looking, with all emotions and with three classes.

    By guessing each class equally often, and by always naming the most frequent class.
    """
    known = counted[counted.index.isin(EMOTIONS)]
    all_classes = known["clips"]
    three = known[known[CLASS_OF_THREE] != LEFT_OUT].groupby(CLASS_OF_THREE)["clips"].sum()
    rows = []
    for name, clips in (("all emotions", all_classes), ("three classes", three)):
        if clips.empty:
            continue
        rows.append(
            {
                "classes": name,
                "number": len(clips),
                "guessing": 1 / len(clips),
                "most frequent": clips.idxmax(),
                "always naming it": clips.max() / clips.sum(),
            }
        )
    columns = ["classes", "number", "guessing", "most frequent", "always naming it"]
    return pd.DataFrame(rows, columns=columns).set_index("classes")


def describe_three(scores: pd.DataFrame) -> str:
    """Compare the paper's two accuracies with what needs no look at a face."""
    paper = reported.paper("emotionaldan")
    seven, three = (
        paper.result(f"{classes}/ckplus/emotionaldan").value for classes in ("seven", "three")
    )
    reported_values = (
        f"On CK+, the paper reports {seven:.3f} with seven classes and {three:.3f} with three. "
    )
    if len(scores) < 2:
        return f"{reported_values}The labels of this data set do not name emotions of both kinds."
    before, after = scores["guessing"]
    named = scores["always naming it"]
    return (
        f"{reported_values}But guessing scores {before:.2f} with all emotions here and "
        f"{after:.2f} with three classes, and always naming the most frequent class "
        f"{named.iloc[0]:.2f} and {named.iloc[1]:.2f}."
    )


def show_label_claims(*, example: int, classes: int, blind: pd.DataFrame, kept: float) -> Markdown:
    """Return the notebook's claims for display, each with what was found.

    `example` is the class of disgust and sadness, `classes` how many names there are, `blind` as of
    `blind_scores`, `kept` the share of disgust that the majority rule keeps.
    """
    guess, is_higher = "this data set names no emotions", False
    if len(blind) == 2:
        all_emotions, three = blind["guessing"]
        guess = f"{all_emotions:.2f} with all emotions of this data set, {three:.2f} with three"
        is_higher = three > all_emotions
    return show_checked_claims(
        (
            "Two emotions and 50 classes map one to one; disgust (3) and sadness (6) are class 20.",
            f"{classes} different names; class {example}",
            classes == 50 and example == 20,
        ),
        ("Three classes raise the score of guessing.", guess, is_higher),
        (
            "The majority rule drops a good part of disgust (FER+, published counts).",
            f"it keeps {100 * kept:.0f} % of what `argmax` calls disgust",
            kept < 0.75,
        ),
    )
