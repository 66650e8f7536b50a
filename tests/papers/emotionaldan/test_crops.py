"""Squares around faces: where they lie, points that follow pictures, pictures without a face."""

import numpy as np
import pytest
from PIL import Image

from ferkit.faces import align
from ferkit.papers.emotionaldan import crops

SIZE = 32
BOX = np.array([40.0, 30, 90, 80])


def saved(tmp_path, pictures) -> list[str]:
    paths = [tmp_path / f"{i}.png" for i in range(len(pictures))]
    for path, picture in zip(paths, pictures, strict=True):
        Image.fromarray(picture).save(path)
    return list(map(str, paths))


def spot(x: int, y: int, shape=(120, 160)) -> np.ndarray:
    """A dark picture with a bright spot about the point (x, y)."""
    rows, columns = np.mgrid[: shape[0], : shape[1]] + 0.5
    bright = 255 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * (shape[0] / 24) ** 2))
    return bright.astype(np.uint8)


def brightest(picture: np.ndarray) -> np.ndarray:
    """The middle of the spot (x, y), weighted by brightness."""
    weight = np.where(picture > picture.max() / 2, picture, 0).astype(float)
    rows, columns = np.mgrid[: picture.shape[0], : picture.shape[1]] + 0.5
    return np.array([(weight * columns).sum(), (weight * rows).sum()]) / weight.sum()


def test_the_square_lies_around_the_box_and_a_little_above():
    centre, side = crops.face_square(BOX, (120, 160))
    assert centre == pytest.approx([65, 55 - crops.SQUARE_RISE * 50])
    assert side == crops.SQUARE_SIDES * 50


def test_without_a_face_it_is_the_whole_picture():
    centre, side = crops.face_square(np.full(4, np.nan), (200, 100))
    assert (centre.tolist(), side) == ([50, 100], 200)


def test_a_box_around_landmarks_moves_and_grows_with_them():
    points = np.random.default_rng(0).uniform(0, 100, (1, 68, 2))
    boxes = crops.landmark_boxes(np.concatenate([points, 2 * points + (10, -5)]))
    assert boxes[1] == pytest.approx(2 * boxes[0] + (10, -5, 10, -5))
    assert boxes[0, 2] - boxes[0, 0] == pytest.approx(boxes[0, 3] - boxes[0, 1])
    assert np.isnan(crops.landmark_boxes(np.full((1, 68, 2), np.nan))).all()


def test_points_go_where_the_picture_goes(tmp_path):
    places = np.array([[60, 50], [75, 62], [80, 60]])
    large = spot(500, 500, (1000, 1000))  # read at a fraction of its size
    paths = saved(tmp_path, [spot(*place) for place in places] + [large])
    boxes = np.array([BOX, BOX, [np.nan] * 4, [400, 400, 700, 700]])
    pictures, matrices = crops.cut_grey(paths, boxes, SIZE)
    assert pictures.shape == (4, SIZE, SIZE)
    assert pictures.dtype == np.uint8
    for picture, matrix, place in zip(pictures, matrices, [*places, (500, 500)], strict=True):
        assert brightest(picture) == pytest.approx(
            align.apply(matrix, np.array([place]))[0], abs=0.6
        )


def test_the_square_fills_the_crop(tmp_path):
    paths = saved(tmp_path, [spot(60, 50)])
    _, matrices = crops.cut_grey(paths, BOX[None], SIZE)
    centre, side = crops.face_square(BOX, (120, 160))
    corners = np.array([centre - side / 2, centre + side / 2, centre])
    assert align.apply(matrices[0], corners) == pytest.approx(
        np.array([[0, 0], [SIZE, SIZE], [SIZE / 2, SIZE / 2]])
    )
