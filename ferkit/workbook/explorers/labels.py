"""Explorers of labels: compound emotions, and the votes of FER+."""

from collections.abc import Mapping

import pandas as pd

from ferkit.core.labels import EMOTIONS, compound_code, compound_name
from ferkit.data.votes import RULES, VOTE_COLUMNS, vote
from ferkit.drawn.examples import draw_compound
from ferkit.workbook.explorers.base import (
    Explorer,
    assemble,
    encode_image,
    load_ipywidgets,
    make_text,
    make_view,
    slider_layout,
)


def compound_explorer(seed: int = 0, *, size: int = 224) -> Explorer:
    """Explore two emotions: their compound code, its equation, and a drawn face.

    Controls: `complementary`, `dominant`, `person`, and `take`, another expression of the same
    emotions. A pair that is no class shows the error of `compound_code` and no face.
    """
    w = load_ipywidgets()
    controls = {
        "complementary": w.Dropdown(options=EMOTIONS, value="disgust", description="complementary"),
        "dominant": w.Dropdown(options=EMOTIONS, value="sadness", description="dominant"),
        "person": w.IntSlider(seed, min=0, max=max(99, seed), description="person"),
        "take": w.IntSlider(0, min=0, max=9, description="take"),
    }
    for control in controls.values():
        control.style.description_width = "110px"
        control.layout = slider_layout()
    view = make_view(280, "jpeg")
    text = make_text(lines=3)

    def redraw(_: object = None) -> None:
        c, d, person, take = (control.value for control in controls.values())
        try:
            text.value = describe_compound(c, d)
        except ValueError as error:
            text.value = f"<b>no class:</b> {error}"
            view.layout.visibility = "hidden"  # which keeps its place
            return
        view.layout.visibility = "visible"
        view.value = encode_image(draw_compound(person, c, d, take, size=size).image)

    return assemble(controls, view, text, redraw)


def votes_explorer(votes: Mapping[str, int] | None = None) -> Explorer:
    """Explore ten FER+ votes, and the label that each rule derives.

    Controls: a slider for each column of FER+. `votes` are the first values, 0 where not named.
    """
    w = load_ipywidgets()
    start = {"neutral": 4, "sadness": 3, "anger": 2, "fear": 1} if votes is None else votes
    if unknown := set(start) - set(VOTE_COLUMNS):
        raise ValueError(
            f"unknown answer {', '.join(sorted(unknown))}; FER+ has {', '.join(VOTE_COLUMNS)}"
        )
    controls = {
        name: w.IntSlider(
            int(start.get(name, 0)), min=0, max=10, description=name, layout=slider_layout()
        )
        for name in VOTE_COLUMNS
    }
    text = make_text(lines=10)

    def redraw(_: object = None) -> None:
        counts = {name: slider.value for name, slider in controls.items()}
        table = under_each_rule(pd.DataFrame([counts])).droplevel(0)
        text.value = f"<p>{sum(counts.values())} votes (FER+ has 10)</p>{table.to_html(border=0)}"

    return assemble(controls, None, text, redraw)


def under_each_rule(votes: pd.DataFrame) -> pd.DataFrame:
    """Tabulate the label of each row of votes under each rule.

    Indexed by (row, rule). Columns label ("" where dropped), dropped, and target: the emotions that
    training would see, those with a share of at least 1 %.
    """
    by_rule = {rule: vote(votes, rule) for rule in RULES}
    table = pd.concat(by_rule, names=["rule"]).swaplevel()
    table["label"] = table["emotion"].fillna("")
    table["target"] = table[list(EMOTIONS)].apply(_describe_shares, axis=1)
    order = pd.MultiIndex.from_product([votes.index, RULES])
    return table.loc[order, ["label", "dropped", "target"]]


def _describe_shares(shares: pd.Series) -> str:
    return ", ".join(f"{name} {share:.2f}" for name, share in shares.items() if share >= 0.01)


def describe_compound(complementary: str, dominant: str) -> str:
    """Describe a compound emotion as HTML: code, name and equation.

    ValueError when the pair is no class.
    """
    c = EMOTIONS.index(complementary)
    d = EMOTIONS.index(dominant)
    n = compound_code(c, d)
    equation = "neutral is 0" if n == 0 else f"7 &middot; ({c} &minus; 1) + {d} = {n}"
    return f"<b>class {n}</b>: {compound_name(complementary, dominant)}<br>{equation}"
