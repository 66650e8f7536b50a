import io
import json
import math

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from PIL import Image
from skimage.color import deltaE_ciede2000, rgb2lab

from ferkit import plots
from ferkit.evaluate import confusion
from ferkit.labels import BASIC7, EMOTIONS, compound_code
from ferkit.landmarks import REGIONS
from ferkit.plots import faces, saved
from ferkit.plots.labels import NAMES
from ferkit.tables import interval_table, top_k_table

MADE_BY = {"notebook": "02_landmark_residuals", "level": "smoke", "seed": 0}
VOTES = {"neutral": 2, "happiness": 5, "unknown": 1, "NF": 2}

# Machado, Oliveira and Fernandes (2009): what a viewer without one kind of cone sees, in linear light.
BLINDNESS = {
    "none": np.eye(3),
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


@pytest.fixture
def ax() -> Axes:
    return Figure().subplots()


def face(seed: int = 0, size: float = 224) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0.2, 0.8, (68, 2)) * size


def texts(ax: Axes) -> dict[tuple[float, float], str]:
    return {tuple(text.get_position()): text.get_text() for text in ax.texts}


def labels(axis) -> list[str]:
    return [label.get_text() for label in axis.get_ticklabels()]


def intervals() -> pd.DataFrame:
    ours = {
        "stills/50/raw/top1": {"value": 0.26, "low": 0.24, "high": 0.28, "n": 100},
        "london": 0.8,
        "cmu": {"value": None},
    }
    return interval_table(ours, chance={"london": 0.5}, short_name="multimodal")


def curves() -> pd.DataFrame:
    ours = {f"top{k}": {"value": 0.1 * k, "low": 0.08 * k, "high": 0.12 * k} for k in (1, 2, 3)}
    return top_k_table(
        {"raw": ours, "residuals": {"top1": {"value": 0.5}, "top2": {"value": 0.6}}}, {"theirs": [0.2, 0.3, 0.4]}
    )


def trainings() -> pd.DataFrame:
    columns = {"value": [0.02, -0.01], "low": [0.01, -0.04], "high": [0.03, 0.02], "n": [9, 9]}
    each = {"training_0": [0.01, -0.05], "training_1": [0.03, 0.03]}
    return pd.DataFrame({"name": ["a minus b", "a minus c"], **columns, **each})


def histories() -> pd.DataFrame:
    """Two folds of one training, the second stopped earlier."""
    rows = [(1, 4.0, "1"), (2, 2.0, "1"), (3, 1.0, "1"), (1, 3.0, "2"), (2, 2.5, "2")]
    table = pd.DataFrame(rows, columns=["x", "value", "fold"])
    return pd.concat(table.assign(curve="hinge", part=part) for part in ("training", "validation"))


TABLES = {
    "plot_landmarks": plots.points_table([face(0), face(1)], label=["neutral", "mine"]),
    "plot_residuals": plots.points_table(
        [face(i) for i in range(6)], panel=["before"] * 3 + ["after"] * 3, person="007"
    ),
    "plot_displacement": plots.points_table([face(0), face(1)]),
    "plot_votes": pd.DataFrame({"name": list(VOTES), "votes": list(VOTES.values())}),
    "plot_compound_grid": pd.DataFrame({"value": np.linspace(0, 1, 50)}),
    "plot_confusion": confusion([0, 1, 1], [0, 1, 0], ("anger", "fear", "sadness")),
    "plot_top_k": curves(),
    "plot_intervals": intervals(),
    "plot_trainings": trainings(),
    "plot_history": histories(),
    "plot_courses": pd.DataFrame({"emotion": ["fear", "fear"], "time": [0, 1], "value": [0, 0.4]}),
    "plot_embedding": pd.DataFrame({"panel": ["a"] * 3 + ["b"] * 3, "x": range(6), "y": [0, 3, 1, 4, 2, 5],
                                    "part": ["training", "test"] * 3, "emotion": ["fear", "fear", "anger"] * 2}),
    "plot_roc": pd.DataFrame({"name": ["one"] * 3 + ["other"] * 2, "threshold": [9, 1, 0, 9, 0],
                              "false_accepts": [0, 0.25, 1, 0, 1], "true_accepts": [0, 0.75, 1, 0, 1]}),
    "plot_gap": pd.DataFrame({"part": ["nose", "mouth"], "value": [0.4, 0.9], "low": [0.1, 0.5], "high": [0.8, 1.4], "same": [0.3, np.nan],
                              "base": 0, "goal_low": 0, "goal_high": 0.5}),
    "plot_alpha": pd.DataFrame({"alpha": [0.0, 0.5, 1.0], "value": [0.4, 0.6, 0.5], "low": 0.3, "high": 0.7}),
}  # fmt: skip
OPTIONS = {"plot_displacement": {"times": 2}, "plot_top_k": {"chance": 50}, "plot_votes": {"line": 5}}


# --- colours ---


@pytest.mark.parametrize("kind", BLINDNESS)
def test_emotions_have_colours_that_everybody_can_tell_apart(kind):
    assert tuple(plots.EMOTION_COLOURS) == EMOTIONS
    rgb = np.array([to_rgb(colour) for colour in plots.EMOTION_COLOURS.values()])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4) @ np.transpose(BLINDNESS[kind])
    seen = np.clip(linear, 0, 1)
    lab = rgb2lab(np.where(seen <= 0.0031308, 12.92 * seen, 1.055 * seen ** (1 / 2.4) - 0.055)[None])[0]
    apart = deltaE_ciede2000(lab[:, None], lab[None])[np.triu_indices(8, 1)]
    assert apart.min() > 15
    assert np.ptp(to_rgb(plots.EMOTION_COLOURS["neutral"])) == 0


# --- faces ---


def test_contours_join_neighbours_of_one_region_and_touch_every_point():
    assert set(np.concatenate(faces.CONTOURS)) == set(range(68))
    for line in faces.CONTOURS:
        assert len({name for name, region in REGIONS.items() for point in line if point in range(68)[region]}) == 1
        closed = line[0] == line[-1]
        assert line == (*range(line[0], line[0] + len(line) - closed), *line[:closed])


def test_a_face_stands_upright_with_its_points_in_place(ax):
    points = face()
    assert plots.plot_landmarks(points, ax=ax, label="me") is ax
    x, y = ax.lines[0].get_data()
    drawn = {tuple(point) for point in np.stack([x, y], 1).tolist() if not np.isnan(point).any()}
    assert drawn == {tuple(point) for point in points.tolist()}
    plots.plot_landmarks(points, ax=ax, connect=False)
    assert ax.yaxis_inverted()
    assert ax.get_aspect() == 1
    assert ax.lines[1].get_linestyle() == "None"


def test_residuals_show_every_face_and_the_mean(ax):
    points = np.stack([face(i) for i in range(5)])
    plots.plot_residuals(points, ax=ax)
    assert len(ax.lines) == 6
    first = ax.lines[-1].get_xydata()[0]
    assert np.allclose(first, points.mean(0)[0])


def test_arrows_go_from_one_face_to_the_other(ax):
    plots.plot_displacement(face(0), face(1), ax=ax, times=3)
    (arrows,) = ax.collections
    assert np.allclose(arrows.get_offsets(), face(0))
    assert np.allclose(np.stack([arrows.U, arrows.V], 1), 3 * (face(1) - face(0)))
    assert "arrows 3 times as long" in texts(ax).values()


def test_pictures_keep_their_shape_and_brightness(ax):
    pictures = [np.full((40, 20, 3), 200, np.uint8), np.full((30, 30), 100, np.uint8), np.full((30, 30), 0.4)]
    plots.plot_contact_sheet(pictures, ["a", "b", "c"], 2, ax=ax, points=[None, face(size=30), None])
    tall, grey, fraction = ax.images
    left, right, bottom, top = tall.get_extent()
    assert (right - left) / (bottom - top) == pytest.approx(0.5)
    assert (grey.get_clim(), fraction.get_clim()) == ((0, 255), (0, 1))
    assert fraction.get_extent()[2] > grey.get_extent()[2]  # the second row
    left, right, bottom, top = grey.get_extent()
    dots = ax.lines[-1].get_xydata()
    assert np.allclose((dots - (left, top)) / (right - left), face(size=1))
    assert set(texts(ax).values()) == {"a", "b", "c"}


def test_alignment_steps_mark_what_is_held(ax):
    picture = np.zeros((10, 10, 3), np.uint8)
    anchors = [np.array([[5, 2], [5, 8]]), None]
    plots.plot_alignment_steps([picture] * 2, [face(size=10), None], ["before", "after"], anchors=anchors, ax=ax)
    assert np.allclose(ax.lines[-1].get_xydata(), [[0.5, 0.2], [0.5, 0.8]])


# --- labels ---


def test_votes_are_bars_in_the_colours_of_emotions(ax):
    plots.plot_votes(pd.Series(VOTES), ax=ax, line=5)
    assert [bar.get_width() for bar in ax.patches] == list(VOTES.values())
    assert to_hex(ax.patches[1].get_facecolor()) == plots.EMOTION_COLOURS["happiness"]
    assert labels(ax.yaxis) == ["neutral", "happiness", "unknown", "not a face"]
    assert ax.yaxis_inverted()


@pytest.mark.parametrize("values", [None, np.arange(50)])
def test_the_grid_shows_each_code_at_its_parts(ax, values):
    plots.plot_compound_grid(values, ax=ax, highlight=20)
    found = {text: (round(x), round(y)) for (x, y), text in texts(ax).items() if "20" in text or text == "0"}
    assert found["20"] == (NAMES.index("sadness"), NAMES.index("disgust"))  # the paper's example: 3 and 6 give 20
    bold = {text.get_text(): text.get_position() for text in ax.texts if text.get_weight() == "bold"}
    assert set(bold) == {str(code) for code in range(50)}
    for code in range(1, 50):
        x, y = bold[str(code)]
        assert compound_code(round(y), round(x)) == code
    assert np.allclose(ax.lines[0].get_xydata().mean(0), (6, 3), atol=0.2)
    assert labels(ax.yaxis)[1:] == [f"{code} {name}" for code, name in enumerate(BASIC7, 1)]


def test_the_grid_needs_all_classes(ax):
    with pytest.raises(ValueError, match=r"one value for each of 50 classes, got shape \(49,\)"):
        plots.plot_compound_grid(np.zeros(49), ax=ax)
    plots.plot_compound_grid(np.full(50, np.nan), ax=ax)


# --- results ---


def test_a_confusion_matrix_shows_rates_of_rows(ax):
    table = confusion([0] * 8 + [1] * 4, [0] * 6 + [1] * 2 + [1] * 4, ("anger", "fear", "sadness"))
    assert plots.plot_confusion(table, ax=ax) is ax
    assert texts(ax) == {(0, 0): "75", (1, 0): "25", (1, 1): "100"}
    assert labels(ax.xaxis) == labels(ax.yaxis) == ["anger", "fear", "sadness"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("predicted, % of each row", "true")
    assert ax.images[0].get_array().mask[2].all()  # nobody was sad


def test_many_classes_are_colours_alone(ax):
    plots.plot_confusion(pd.DataFrame(np.eye(13), columns=list("abcdefghijklm")), ax=ax)
    assert not ax.texts


def test_top_k_shows_ours_and_the_papers(ax):
    plots.plot_top_k(curves(), ax=ax, chance=50)
    raw, residual, theirs, chance = ax.lines
    assert np.allclose(raw.get_xydata(), [[1, 0.1], [2, 0.2], [3, 0.3]])
    assert np.allclose(chance.get_ydata(), [0.02, 0.04, 0.06])
    assert (theirs.get_label(), theirs.get_markerfacecolor()) == ("paper: theirs", "white")
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [
        "residuals", "paper: theirs", "raw", "chance, 50 classes",
    ]  # fmt: skip
    assert ax.get_xticks().tolist() == [1, 2, 3]
    assert ax.get_ylim()[0] == 0


def test_a_history_shows_each_fold_and_their_mean_as_far_as_all_go(ax):
    plots.plot_history(histories(), ax=ax, ylabel="loss")
    thick = [line for line in ax.lines if line.get_linewidth() > 2]
    assert [line.get_label() for line in thick] == ["training people", "validation people"]
    assert [line.get_linestyle() for line in thick] == ["--", "-"]
    assert thick[0].get_xydata().tolist() == [[1, 3.5], [2, 2.25]]
    assert len(ax.lines) == 6
    assert ax.get_ylim()[0] == 0


def test_intervals_stand_in_the_order_of_the_table(ax):
    plots.plot_intervals(intervals().assign(group=["one photograph", "all pictures", "one photograph"]), ax=ax)
    assert labels(ax.yaxis) == ["stills/50/raw/top1", "london", "cmu"]
    assert ax.yaxis_inverted()
    assert [text.get_text() for text in ax.texts] == ["0.26", "0.80", "undefined"]
    lines = {line.get_label(): line.get_xydata() for line in ax.lines}
    assert lines["the paper, its own data"][0].tolist() == [0.09, 0]
    assert lines["chance"][1].tolist() == [0.5, 1]
    low, high = ax.containers[0][2][0].get_segments()[0][:, 0]
    assert (low, high) == pytest.approx((0.24, 0.28))
    assert {text.get_text() for text in ax.get_legend().get_texts()} >= {"one photograph", "all pictures"}


# --- what networks look at ---


def test_an_embedding_has_the_colours_of_emotions_and_small_training_points(ax):
    table = TABLES["plot_embedding"]
    assert plots.plot_embedding(table, ax=ax) is ax
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["anger", "fear"]
    drawn = [(d.get_offsets().tolist(), d.get_sizes()[0], to_hex(d.get_facecolor()[0])) for d in ax.collections]
    anger, fear = (plots.EMOTION_COLOURS[name] for name in ("anger", "fear"))
    (small_anger, few, _), (_, many, shade), (small_fear, _, _), (large_fear, _, other) = drawn
    assert (shade, other) == (anger, fear)
    assert few < many
    assert (small_anger, small_fear, large_fear) == ([[2, 1]], [[0, 0], [4, 2]], [[1, 3], [3, 4]])
    assert ax.get_xticks().tolist() == []


def test_people_are_told_apart_by_colour_and_mark(ax):
    table = pd.DataFrame({"x": range(14), "y": range(14), "person": [f"p{i:02d}" for i in range(14)]})
    plots.plot_embedding(table, ax=ax, colour="person")
    looks = {(to_hex(d.get_facecolor()[0]), d.get_paths()[0].vertices.tobytes()) for d in ax.collections[1::2]}
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
    assert np.allclose(grey.get_array(), 0.25 + 0.75 * colours.mean(2) / 255)
    assert np.array_equal(over.get_array(), heat)
    assert (over.get_clim(), over.get_extent()) == ((0, 1), [0, 4, 3, 0])
    assert (np.asarray(over.get_alpha())[0, 0], np.asarray(over.get_alpha()).max()) == (0, 0.75)
    plain, large = (line.get_xydata() for line in ax.lines)
    assert np.allclose(large, points[[3, 60]])
    assert len(plain) == 66
    with pytest.raises(ValueError, match=r"map of the picture's size \(3, 4\), got \(4, 3\)"):
        plots.plot_cam(heat.T, colours, ax=ax)


def test_curves_of_verification_stand_over_chance(ax):
    plots.plot_roc(TABLES["plot_roc"], ax=ax)
    chance, one, other = ax.lines
    assert chance.get_xydata().tolist() == [[0, 0], [1, 1]]
    assert one.get_xydata().tolist() == [[0, 0], [0.25, 0.75], [1, 1]]
    assert (one.get_label(), other.get_label()) == ("one", "other")
    assert ax.get_aspect() == 1
    plots.plot_roc(TABLES["plot_roc"].drop(columns="name"), ax=(single := Figure().subplots()))
    assert single.get_legend() is None


# --- manners ---


@pytest.mark.parametrize("plot", plots.PLOTS)
def test_plots_draw_on_what_they_are_given_and_change_nothing_else(plot):
    ax, before = Figure().subplots(), dict(mpl.rcParams)
    table = TABLES[plot].drop(columns="panel", errors="ignore").reset_index()
    assert plots.PLOTS[plot](table, ax=ax, **OPTIONS.get(plot, {})) is ax
    assert plt.get_fignums() == []
    assert dict(mpl.rcParams) == before


def test_without_axes_the_current_ones_are_used():
    assert plots.plot_landmarks(face()) is plt.gca()


@pytest.mark.parametrize("points", [np.zeros((49, 2)), np.zeros((2, 68, 2))])
def test_one_face_has_68_points(ax, points):
    with pytest.raises(ValueError, match=r"points of one face \(68, 2\)"):
        plots.plot_landmarks(points, ax=ax)


# --- saving and drawing again ---


@pytest.mark.parametrize("plot", plots.PLOTS)
def test_a_figure_is_drawn_again_from_its_numbers_alone(plot, tmp_path):
    figure = plots.save_figure(plot, TABLES[plot], tmp_path, "it", made_by=MADE_BY, title="t", **OPTIONS.get(plot, {}))
    assert isinstance(figure, Figure)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["it.csv", "it.json", "it.png"]
    first = (tmp_path / "it.png").read_bytes()
    (tmp_path / "it.png").write_bytes(b"")
    assert plots.redraw_all(tmp_path).values.tolist() == [["it", "redrawn"]]
    assert (tmp_path / "it.png").read_bytes() == first


def test_the_picture_follows_the_numbers(tmp_path):
    plots.save_figure("plot_votes", TABLES["plot_votes"], tmp_path, "votes", made_by=MADE_BY)
    first = (tmp_path / "votes.png").read_bytes()
    numbers = tmp_path / "votes.csv"
    numbers.write_text(numbers.read_text().replace("happiness,5", "happiness,3"))
    plots.redraw_all(tmp_path)
    assert (tmp_path / "votes.png").read_bytes() != first


def test_beside_the_picture_stands_what_made_it(tmp_path):
    plots.save_figure(
        "plot_confusion", TABLES["plot_confusion"], tmp_path / "a" / "b", "c", made_by=MADE_BY, size=(5, 4)
    )
    about = json.loads((tmp_path / "a" / "b" / "c.json").read_text())
    assert about["made_by"] == MADE_BY
    assert (about["plot"], about["size"], about["options"]) == ("plot_confusion", [5, 4], {})
    assert about["versions"]["matplotlib"] == mpl.__version__
    assert (
        tmp_path / "a" / "b" / "c.csv"
    ).read_text() == "true,anger,fear,sadness\nanger,1,0,0\nfear,1,1,0\nsadness,0,0,0\n"


def test_panels_stand_side_by_side_on_one_scale():
    figure = plots.draw("plot_residuals", TABLES["plot_residuals"], size=(3, 4))
    before, after = figure.axes
    assert [before.get_title(), after.get_title()] == ["before", "after"]
    assert before.get_xlim() == after.get_xlim()
    assert before.get_ylim() == after.get_ylim()
    assert before.yaxis_inverted()
    assert figure.get_size_inches().tolist() == [6, 4]


def test_panels_of_intervals_share_scale_and_legend():
    table = pd.DataFrame({"panel": ["a", "b"], "name": "x", "value": [0.9, 0.2], "low": [0.8, 0.1], "high": [1.0, 0.3]})
    figure = plots.draw("plot_intervals", table.assign(group=["one", "two"]))
    left, right = figure.axes
    assert left.get_xlim() == right.get_xlim()
    assert not any(ax.get_legend() for ax in figure.axes)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["one", "two"]


def test_pictures_tell_no_time(tmp_path):
    plots.save_figure("plot_votes", TABLES["plot_votes"], tmp_path, "votes", made_by=MADE_BY)
    with Image.open(tmp_path / "votes.png") as picture:
        assert set(picture.info) <= {"dpi"}


def test_large_pictures_are_saved_in_few_colours():
    figure = Figure(figsize=(4, 4))
    figure.subplots().imshow(np.random.default_rng(0).random((300, 300, 3)))
    plain = io.BytesIO()
    figure.savefig(plain, format="png", dpi=saved.DPI)
    assert len(saved.png(figure)) < 0.6 * plain.tell()


def test_figures_with_photographs_are_kept(tmp_path):
    figure = Figure()
    ax = plots.plot_contact_sheet([np.zeros((8, 8, 3), np.uint8)], ["a"], ax=figure.subplots())
    plots.save_picture(ax, tmp_path, "sheet", made_by=MADE_BY, table=pd.DataFrame({"title": ["a"]}))
    first = (tmp_path / "sheet.png").read_bytes()
    assert plots.redraw_all(tmp_path).values.tolist() == [["sheet", "kept: a picture"]]
    assert (tmp_path / "sheet.png").read_bytes() == first


def test_what_cannot_be_drawn_is_refused(tmp_path):
    with pytest.raises(ValueError, match="unknown plot 'pie'; known: plot_landmarks"):
        plots.draw("pie", TABLES["plot_votes"])
    plots.save_figure("plot_votes", TABLES["plot_votes"], tmp_path, "votes", made_by=MADE_BY)
    (tmp_path / "votes.csv").unlink()
    with pytest.raises(FileNotFoundError, match="no votes.csv beside it; run 02_landmark_residuals again"):
        plots.redraw_all(tmp_path)


def test_other_files_in_the_folder_are_left_alone(tmp_path):
    (tmp_path / "metrics.json").write_text("{}")
    assert plots.redraw_all(tmp_path).empty


def test_points_survive_the_table():
    points = np.stack([face(0), face(1)])
    table = plots.points_table(points, panel="a", person=["p1", "p2"])
    assert table.columns[:4].tolist() == ["panel", "person", "x0", "y0"]
    assert np.array_equal(plots.table_points(table), points)
    assert math.isclose(table["y67"].iloc[1], points[1, 67, 1])


def test_a_wall_has_no_gaps_and_names_rows_and_columns():
    pictures = [[np.full((4, 6, 3), 10 * row + column, np.uint8) for column in range(3)] for row in range(2)]
    ax = plots.plot_wall(pictures, ["a", "b", "c"], ["one", "two\nlines"])
    shown = ax.images[0].get_array()
    assert shown.shape == (8, 18, 3)
    assert np.array_equal(shown[5, 13], [12, 12, 12])
    assert [label.get_text() for label in ax.get_xticklabels()] == ["a", "b", "c"]
    assert np.allclose(ax.get_xticks(), [3, 9, 15])
    assert np.allclose(ax.get_yticks(), [2, 6])
    plt.close("all")


def test_a_mean_whose_interval_has_zero_in_it_is_open(ax):
    plots.plot_trainings(trainings(), ax=ax)
    open_, filled = (
        next(line for line in ax.lines if line.get_label() == f"mean; zero is {where}")
        for where in ("within", "outside")
    )
    assert open_.get_xdata().tolist() == [-0.01]
    assert open_.get_markerfacecolor() == "white"
    assert filled.get_xdata().tolist() == [0.02]
    ticks = [line.get_xdata().tolist() for line in ax.lines if line.get_marker() == "|"]
    assert ticks == [[0.01, -0.05], [0.03, 0.03]]
    assert [text.get_text() for text in ax.get_yticklabels()] == ["a minus b", "a minus c"]


def test_a_kept_figure_can_be_shown_and_a_picture_cannot(tmp_path):
    plots.save_figure("plot_trainings", trainings(), tmp_path, "it", made_by=MADE_BY, title="t")
    assert plots.drawn_again(tmp_path / "it.json").get_suptitle() == "t"
    plots.save_picture(plots.drawn_again(tmp_path / "it.json"), tmp_path, "picture", made_by=MADE_BY)
    with pytest.raises(ValueError, match="tells of a picture"):
        plots.drawn_again(tmp_path / "picture.json")
    (tmp_path / "it.csv").unlink()
    with pytest.raises(FileNotFoundError, match=r"has no it\.csv beside it"):
        plots.drawn_again(tmp_path / "it.json")
