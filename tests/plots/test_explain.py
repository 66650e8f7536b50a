"""What networks look at: embeddings, scores and maps."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from plot_tables import TABLES, face

from ferkit import plots


def test_an_embedding_has_the_colours_of_emotions_and_small_training_points(ax):
    table = TABLES["plot_embedding"]
    assert plots.plot_embedding(table, ax=ax) is ax
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["anger", "fear"]
    drawn = [
        (d.get_offsets().tolist(), d.get_sizes()[0], to_hex(d.get_facecolor()[0]))
        for d in ax.collections
    ]
    anger, fear = (plots.EMOTION_COLOURS[name] for name in ("anger", "fear"))
    (small_anger, few, _), (_, many, shade), (small_fear, _, _), (large_fear, _, other) = drawn
    assert (shade, other) == (anger, fear)
    assert few < many
    assert (small_anger, small_fear, large_fear) == ([[2, 1]], [[0, 0], [4, 2]], [[1, 3], [3, 4]])
    assert ax.get_xticks().tolist() == []


def test_emotions_differ_in_shape_as_well_as_in_colour(ax):
    names = list(plots.EMOTION_COLOURS)
    table = pd.DataFrame({"x": range(8), "y": range(8), "emotion": names})
    plots.plot_embedding(table, ax=ax)
    shapes = {d.get_paths()[0].vertices.tobytes() for d in ax.collections if len(d.get_offsets())}
    assert len(shapes) == 8


def test_people_are_told_apart_by_colour_and_mark(ax):
    table = pd.DataFrame(
        {"x": range(14), "y": range(14), "person": [f"p{i:02d}" for i in range(14)]}
    )
    plots.plot_embedding(table, ax=ax, colour="person")
    looks = {
        (to_hex(d.get_facecolor()[0]), d.get_paths()[0].vertices.tobytes())
        for d in ax.collections[1::2]
    }
    assert len(looks) == 14
    plots.plot_embedding(
        pd.concat([table, table.assign(person="q" + table["person"])]),
        ax=(many := Figure().subplots()),
        colour="person",
    )
    assert many.get_legend() is None
    with pytest.raises(ValueError, match="columns x, y and emotion, emotion is missing"):
        plots.plot_embedding(table, ax=ax)


def test_scores_of_a_face_stand_beside_each_other_and_the_truth_is_shaded(ax):
    scores = {"one": [0.7, 0.2, 0.1], "two": [0.1, 0.8, 0.1]}
    assert plots.plot_scores(scores, ("fear", "anger", "disgust"), ax=ax, truth="anger") is ax
    assert [[bar.get_width() for bar in bars] for bars in ax.containers] == list(scores.values())
    assert ax.yaxis_inverted()  # the first class on top
    (shade,) = (patch for patch in ax.patches if patch.get_height() == 1)
    assert shade.get_y() == 0.5  # of the second row
    one, two = (bars[0] for bars in ax.containers)
    assert one.get_y() + one.get_height() == pytest.approx(two.get_y())
    with pytest.raises(ValueError, match=r"each of 2 classes, got \(3,\)"):
        plots.plot_scores(scores, ("fear", "anger"), ax=ax)


def test_a_map_lies_on_the_grey_picture(ax):
    heat = np.linspace(0, 1, 12).reshape(3, 4)
    colours = np.random.default_rng(0).integers(0, 256, (3, 4, 3)).astype(np.uint8)
    points = face(size=4)
    assert plots.plot_cam(heat, colours, ax=ax, points=points, activated=[3, 60]) is ax
    grey, over = ax.images
    assert np.allclose(grey.get_array(), 0.4 + 0.6 * colours.mean(2) / 255)
    assert np.array_equal(over.get_array(), heat)
    assert (over.get_clim(), over.get_extent()) == ((0, 1), [0, 4, 3, 0])
    assert (np.asarray(over.get_alpha())[0, 0], np.asarray(over.get_alpha()).max()) == (0, 0.75)
    plain, large = (line.get_xydata() for line in ax.lines)
    assert np.allclose(large, points[[3, 60]])
    assert len(plain) == 66
    with pytest.raises(ValueError, match=r"map of the picture's size \(3, 4\), got \(4, 3\)"):
        plots.plot_cam(heat.T, colours, ax=ax)


def test_similarities_are_two_histograms_and_a_threshold(ax):
    table = TABLES["plot_similarities"]
    assert plots.plot_similarities(table, ax=ax, threshold=0.45) is ax
    _, legend = ax.get_legend_handles_labels()
    assert sorted(legend) == ["one person", "threshold 0.45", "two people"]
    (line,) = ax.lines
    assert line.get_xdata()[0] == 0.45
