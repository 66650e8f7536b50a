"""Filters, important landmarks and alpha: what is drawn is what was given."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from ferkit import plots
from ferkit.core.landmarks import SUBSET_49


def test_filters_stand_in_strips_on_their_own_scale():
    weights = np.zeros((3, 2, 3, 3))
    weights[0, 0, 0, 0], weights[0, 1, 2, 2], weights[2, 1] = -4.0, 2.0, 0.5
    ax = plots.plot_filters(weights, columns=2, ax=plt.figure().add_subplot())
    sheet = ax.images[0].get_array()
    assert sheet.shape == (20, 10)
    assert sheet[0, 0] == -1
    assert sheet[6, 2] == 0.5
    assert (sheet[14:17, :3] == 1).all()
    masked = np.ma.getmaskarray(sheet)
    assert masked[:, 3].all()  # between filters
    assert masked[3].all()  # between kernels
    with pytest.raises(ValueError, match=r"expected filters \(n, T, k, k\)"):
        plots.plot_filters(weights[0])


def test_the_important_landmarks_are_filled_at_their_places(drawn_face):
    importance = np.zeros(49)
    importance[[31, 5, 40]] = 3, 2, 1
    ax = plots.plot_important(drawn_face[1], importance, 3, ax=plt.figure().add_subplot())
    others, filled = ax.collections
    places = [SUBSET_49[place] for place in (31, 5, 40)]
    assert np.allclose(filled.get_offsets(), drawn_face[1][places])
    assert len(others.get_offsets()) == 46
    assert np.all(np.diff(filled.get_sizes()) < 0)
    with pytest.raises(ValueError, match="each of 49 landmarks"):
        plots.plot_important(drawn_face[1], np.zeros(68))


def test_alpha_is_saved_with_its_numbers_and_drawn_again(tmp_path):
    alpha = np.arange(101) / 100
    table = pd.DataFrame(
        {"alpha": alpha, "value": 0.8 - (alpha - 0.4) ** 2, "low": 0.5, "high": 0.9}
    )
    figure = plots.save_figure("plot_alpha", table, tmp_path, "alpha", made_by={"notebook": "test"})
    ax = figure.axes[0]
    assert np.allclose(ax.lines[0].get_ydata(), table["value"], atol=1e-4)
    assert ax.texts[0].get_text() == "0.5: 0.790"
    before = (tmp_path / "alpha.png").read_bytes()
    assert plots.redraw_all(tmp_path)["done"].tolist() == ["redrawn"]
    assert (tmp_path / "alpha.png").read_bytes() == before


def test_courses_have_the_colours_of_their_emotions_and_one_legend():
    table = pd.DataFrame(
        {
            "time": [0, 1] * 4,
            "value": np.arange(8),
            "emotion": ["fear", "fear", "anger", "anger"] * 2,
        }
    )
    figure = plots.draw_table(
        "plot_courses", table.assign(panel=["a"] * 4 + ["b"] * 4), ylabel="change"
    )
    for ax in figure.axes:
        assert [line.get_color() for line in ax.lines[:2]] == [
            plots.EMOTION_COLOURS[e] for e in ("fear", "anger")
        ]
    assert figure.axes[0].get_legend() is None
    assert [text.get_text() for text in figure.axes[1].get_legend().get_texts()] == [
        "fear",
        "anger",
    ]


def test_the_ways_to_join_two_networks_are_named():
    texts = [text.get_text().replace("\n", " ") for text in plots.plot_ways().texts]
    assert {"concatenation", "joint fine-tuning", "weighted sum"} <= set(texts)
    assert texts.count("logits") == texts.count("probabilities") == 2
    plt.close("all")
