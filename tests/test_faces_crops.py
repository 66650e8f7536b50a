"""Upright squares around faces: where they lie, that points follow pictures, and what happens without a face."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from ferkit.faces import align, crops
from ferkit.faces.store import Prepared

SIZE = 32
BOX = np.array([40.0, 30, 90, 80])


def prepared(tmp_path, pictures, boxes) -> Prepared:
    paths = [tmp_path / f"{i}.png" for i in range(len(pictures))]
    for path, picture in zip(paths, pictures, strict=True):
        Image.fromarray(picture).save(path)
    points = np.zeros((len(paths), 68, 2))
    return Prepared(tmp_path, SIZE, pd.DataFrame({"path": map(str, paths)}), None, points, points, np.asarray(boxes))


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
    cut = crops.squares(BOX[None], [[120, 160]])[0]
    assert cut == pytest.approx([65, 55 - crops.UP * 50, crops.SIDE * 50])


def test_without_a_face_it_is_the_whole_picture():
    cut = crops.squares(np.full((2, 4), np.nan), [[120, 160], [200, 100]])
    assert cut == pytest.approx(np.array([[80, 60, 160], [50, 100, 200]]))


def test_the_square_fills_the_crop():
    matrix = crops.matrices(np.array([[65.0, 50, 80]]), SIZE)
    corners = np.array([[25.0, 10], [105, 90], [65, 50]])
    assert align.apply(matrix[0], corners) == pytest.approx(np.array([[0, 0], [SIZE, SIZE], [SIZE / 2, SIZE / 2]]))


@pytest.mark.parametrize("shaken_by", [None, (1, 2)])
def test_points_go_where_the_picture_goes(tmp_path, shaken_by):
    places = np.array([[60, 50], [75, 62], [80, 60]])
    large = spot(500, 500, (1000, 1000))  # read at a fraction of its size
    faces = prepared(
        tmp_path, [spot(*place) for place in places] + [large], [BOX, BOX, [np.nan] * 4, [400, 400, 700, 700]]
    )
    pictures, matrices = crops.grey_crops(faces, SIZE, shaken_by=shaken_by)
    assert pictures.shape == (4, SIZE, SIZE)
    assert pictures.dtype == np.uint8
    for picture, matrix, place in zip(pictures, matrices, [*places, (500, 500)], strict=True):
        assert brightest(picture) == pytest.approx(align.apply(matrix, np.array([place]))[0], abs=0.6)


def test_shaking_keeps_its_bounds_and_repeats():
    plain = crops.matrices(crops.squares(np.tile(BOX, (500, 1)), [[120, 160]] * 500), SIZE)
    moved = crops.shaken(plain, SIZE, np.random.default_rng(0))
    turn = (moved[:, 0, 0] + 1j * moved[:, 1, 0]) / (plain[:, 0, 0] + 1j * plain[:, 1, 0])
    assert np.rad2deg(np.abs(np.angle(turn))).max() <= crops.TURN
    assert np.rad2deg(np.angle(turn)).std() > crops.TURN / 3
    assert np.abs(np.log(np.abs(turn))).max() <= crops.ZOOM
    middle = align.apply(moved, align.apply(align.invert(plain), np.full((500, 1, 2), SIZE / 2)))[:, 0]
    assert np.abs(middle - SIZE / 2).max() <= crops.SHIFT * SIZE
    assert np.array_equal(moved, crops.shaken(plain, SIZE, np.random.default_rng(0)))
    assert not np.array_equal(moved, crops.shaken(plain, SIZE, np.random.default_rng(1)))
