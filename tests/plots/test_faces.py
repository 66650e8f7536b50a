"""Faces, landmarks and pictures: what is drawn is where it belongs."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from plot_tables import face, texts

from ferkit import plots
from ferkit.core.landmarks import REGIONS
from ferkit.plots import faces


def test_contours_join_neighbours_of_one_region_and_touch_every_point():
    assert set(np.concatenate(faces.CONTOURS)) == set(range(68))
    for line in faces.CONTOURS:
        assert (
            len(
                {
                    name
                    for name, region in REGIONS.items()
                    for point in line
                    if point in range(68)[region]
                }
            )
            == 1
        )
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
    pictures = [
        np.full((40, 20, 3), 200, np.uint8),
        np.full((30, 30), 100, np.uint8),
        np.full((30, 30), 0.4),
    ]
    plots.plot_contact_sheet(
        pictures, ["a", "b", "c"], 2, ax=ax, points=[None, face(size=30), None]
    )
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
    plots.plot_alignment_steps(
        [picture] * 2, [face(size=10), None], ["before", "after"], anchors=anchors, ax=ax
    )
    assert np.allclose(ax.lines[-1].get_xydata(), [[0.5, 0.2], [0.5, 0.8]])


@pytest.mark.parametrize("points", [np.zeros((49, 2)), np.zeros((2, 68, 2))])
def test_one_face_has_68_points(ax, points):
    with pytest.raises(ValueError, match=r"points of one face \(68, 2\)"):
        plots.plot_landmarks(points, ax=ax)


def test_a_wall_has_no_gaps_and_names_rows_and_columns():
    pictures = [
        [np.full((4, 6, 3), 10 * row + column, np.uint8) for column in range(3)] for row in range(2)
    ]
    ax = plots.plot_wall(pictures, ["a", "b", "c"], ["one", "two\nlines"])
    shown = ax.images[0].get_array()
    assert shown.shape == (8, 18, 3)
    assert np.array_equal(shown[5, 13], [12, 12, 12])
    assert [label.get_text() for label in ax.get_xticklabels()] == ["a", "b", "c"]
    assert np.allclose(ax.get_xticks(), [3, 9, 15])
    assert np.allclose(ax.get_yticks(), [2, 6])
    plt.close("all")
