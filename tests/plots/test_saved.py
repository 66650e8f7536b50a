"""Figures saved with their numbers, and drawn again from them."""

import io
import json
import math

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from PIL import Image
from plot_tables import MADE_BY, OPTIONS, TABLES, face, trainings

from ferkit import plots
from ferkit.plots import from_table, saved


@pytest.mark.parametrize("plot", plots.PLOTS)
def test_a_figure_is_drawn_again_from_its_numbers_alone(plot, tmp_path):
    figure = plots.save_figure(
        plot, TABLES[plot], tmp_path, "it", made_by=MADE_BY, title="t", **OPTIONS.get(plot, {})
    )
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
        "plot_confusion",
        TABLES["plot_confusion"],
        tmp_path / "a" / "b",
        "c",
        made_by=MADE_BY,
        size=(5, 4),
    )
    about = json.loads((tmp_path / "a" / "b" / "c.json").read_text())
    assert about["made_by"] == MADE_BY
    assert (about["plot"], about["size"], about["options"]) == ("plot_confusion", [5, 4], {})
    assert about["versions"]["matplotlib"] == mpl.__version__
    assert (
        tmp_path / "a" / "b" / "c.csv"
    ).read_text() == "true,anger,fear,sadness\nanger,1,0,0\nfear,1,1,0\nsadness,0,0,0\n"


def test_panels_stand_side_by_side_on_one_scale():
    figure = plots.draw_table("plot_residuals", TABLES["plot_residuals"], size=(3, 4))
    before, after = figure.axes
    assert [before.get_title(), after.get_title()] == ["before", "after"]
    assert before.get_xlim() == after.get_xlim()
    assert before.get_ylim() == after.get_ylim()
    assert before.yaxis_inverted()
    assert figure.get_size_inches().tolist() == [6, 4]


def test_panels_of_intervals_share_scale_and_legend():
    table = pd.DataFrame(
        {
            "panel": ["a", "b"],
            "name": "x",
            "value": [0.9, 0.2],
            "low": [0.8, 0.1],
            "high": [1.0, 0.3],
        }
    )
    figure = plots.draw_table("plot_intervals", table.assign(group=["one", "two"]))
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
    figure.savefig(plain, format="png", dpi=from_table.DPI)
    assert len(saved.encode_png(figure)) < 0.6 * plain.tell()


def test_figures_with_photographs_are_kept(tmp_path):
    figure = Figure()
    ax = plots.plot_contact_sheet([np.zeros((8, 8, 3), np.uint8)], ["a"], ax=figure.subplots())
    plots.save_picture(ax, tmp_path, "sheet", made_by=MADE_BY, table=pd.DataFrame({"title": ["a"]}))
    first = (tmp_path / "sheet.png").read_bytes()
    assert plots.redraw_all(tmp_path).values.tolist() == [["sheet", "kept: a picture"]]
    assert (tmp_path / "sheet.png").read_bytes() == first


def test_what_cannot_be_drawn_is_refused(tmp_path):
    with pytest.raises(ValueError, match="unknown plot 'pie'; known: plot_landmarks"):
        plots.draw_table("pie", TABLES["plot_votes"])
    plots.save_figure("plot_votes", TABLES["plot_votes"], tmp_path, "votes", made_by=MADE_BY)
    (tmp_path / "votes.csv").unlink()
    with pytest.raises(
        FileNotFoundError, match="no votes.csv beside it; run 02_landmark_residuals again"
    ):
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


def test_a_kept_figure_can_be_shown_and_a_picture_cannot(tmp_path):
    plots.save_figure("plot_trainings", trainings(), tmp_path, "it", made_by=MADE_BY, title="t")
    assert plots.redraw_figure(tmp_path / "it.json").get_suptitle() == "t"
    plots.save_picture(
        plots.redraw_figure(tmp_path / "it.json"), tmp_path, "picture", made_by=MADE_BY
    )
    with pytest.raises(ValueError, match="describes a figure with pictures"):
        plots.redraw_figure(tmp_path / "picture.json")
    (tmp_path / "it.csv").unlink()
    with pytest.raises(FileNotFoundError, match=r"has no it\.csv beside it"):
        plots.redraw_figure(tmp_path / "it.json")
