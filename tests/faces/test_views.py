"""Views of a face: the pixels of training, and their place in the picture."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from ferkit.data.clip import Clip
from ferkit.faces import align, detect
from ferkit.faces.load import resize_pictures
from ferkit.faces.prepare import prepare
from ferkit.faces.views import View, see
from ferkit.papers.i2cnn.network import centre_crop
from ferkit.papers.i2cnn.patches import GLOBAL_REGIONS, patch_boxes, patch_number

SQUARE = {"size": 96, "cut": "region", "side": 120}
VIEWS = {
    "aligned": View(96),
    "aligned, grey": View(64, grey=True, face=64),
    "window": View(64, face=64, window=(8, 6, 55, 61)),
    "box": View(96, "box", margin=0.3, up=0.08, grey=True),
    "whole face": View(**SQUARE, region=GLOBAL_REGIONS["face"]),
    "upper face": View(**SQUARE, region=GLOBAL_REGIONS["upper face"]),
}
each_view = pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)


@pytest.fixture(scope="module")
def found(drawn_face):
    return detect.find_face(drawn_face[0])


@pytest.fixture(scope="module")
def clips(drawn_face, tmp_path_factory):
    path = tmp_path_factory.mktemp("one") / "one.png"
    Image.fromarray(drawn_face[0]).save(path)
    return [Clip("mine", "a", "one", "neutral", (path,))]


def test_an_aligned_view_is_what_training_sees(clips, drawn_face, found, tmp_path):
    colour = prepare(clips, 224, cache=tmp_path, progress=False)
    seen, _ = see(drawn_face[0], found, VIEWS["aligned"])
    assert np.array_equal(seen, resize_pictures(colour.images, 96)[0])
    grey = prepare(clips, 64, cache=tmp_path, grey=True, progress=False)
    seen, _ = see(drawn_face[0], found, VIEWS["aligned, grey"])
    assert np.array_equal(seen, resize_pictures(grey.images, 64)[0])
    points, _ = see(drawn_face[0], found, View(64, "points", grey=True, face=64))
    assert np.allclose(points, grey.landmarks[0], atol=1e-4)


@pytest.mark.parametrize("name", ["face", "upper face", "left half"])
def test_a_region_is_what_training_sees(clips, drawn_face, found, tmp_path, name):
    faces = prepare(clips, 224, cache=tmp_path, progress=False)
    boxes = patch_boxes(faces.landmarks, 224)[:, [patch_number(name)]]
    patches = align.cut_boxes(faces.images, boxes, 120)[:, 0]
    wanted = centre_crop(torch.from_numpy(patches).permute(0, 3, 1, 2), 96)[0].numpy()
    seen, _ = see(drawn_face[0], found, View(**SQUARE, region=GLOBAL_REGIONS[name]))
    assert np.abs(seen.astype(int) - wanted).max() <= 1  # landmarks are kept in float32


def test_a_window_is_a_part_of_the_square(drawn_face, found):
    square, _ = see(drawn_face[0], found, View(64, face=64))
    part, _ = see(drawn_face[0], found, VIEWS["window"])
    assert part.shape == VIEWS["window"].shape == (3, 55, 47)
    assert np.array_equal(part, square[:, 6:61, 8:55])


def test_a_box_has_its_margin(drawn_face, found):
    _, matrix = see(drawn_face[0], found, View(100, "box", margin=0.25))
    x0, y0, x1, y1 = found.box
    corners = align.apply(matrix, np.array([[x0, y0], [x1, y1]]))
    assert np.allclose(corners, [[100 / 6] * 2, [500 / 6] * 2])
    _, higher = see(drawn_face[0], found, View(100, "box", margin=0.25, up=0.09))
    assert np.allclose(higher - matrix, [[0, 0, 0], [0, 0, 6]])


@each_view
def test_the_matrix_says_where_a_place_of_the_picture_is_seen(drawn_face, found, view):
    for x, y in found.landmarks[[29, 37, 44]].astype(int):
        dotted = drawn_face[0].copy()
        dotted[y - 2 : y + 3, x - 2 : x + 3] = 255 - dotted[y - 2 : y + 3, x - 2 : x + 3] // 2
        (with_dot, matrix), (without, _) = (
            see(picture, found, view) for picture in (dotted, drawn_face[0])
        )
        assert with_dot.shape == view.shape
        assert with_dot.dtype == np.uint8
        weight = np.abs(with_dot.astype(float) - without).sum(0)
        weight[weight < 0.2 * weight.max()] = 0
        rows, columns = np.indices(weight.shape) + 0.5
        centre = [(weight * columns).sum() / weight.sum(), (weight * rows).sum() / weight.sum()]
        assert np.allclose(
            centre, align.apply(matrix, np.array([[x + 0.5, y + 0.5]]))[0], atol=0.75
        )


@each_view
def test_a_face_at_the_border_is_seen_too(drawn_face, found, view):
    x0, y0, x1, _ = (int(v) for v in found.box)
    edge = detect.Face(found.box - [x0, y0, x0, y0], found.landmarks - [x0, y0], found.score)
    cropped = np.ascontiguousarray(drawn_face[0][y0:, x0 : (x0 + x1) // 2 + 20])
    seen, _ = see(cropped, edge, view)
    assert seen.shape == view.shape
    assert seen.std() > 10


def test_wrong_views_are_said():
    for wrong, message in (
        ({"cut": "round"}, "unknown cut 'round'"),
        ({"window": (0, 0, 97, 50)}, r"lies in the square of 96 pixels, got \(0, 0, 97, 50\)"),
        ({"cut": "region"}, r"a region .* goes with the cut 'region'"),
        ({"region": (0.5, 0.5, 1.0, 1.0)}, r"a region .* goes with the cut 'region'"),
        ({"margin": -1.0}, "margin"),
    ):
        with pytest.raises(ValueError, match=message):
            replace(View(96), **wrong)


def test_landmarks_that_coincide_cannot_be_aligned(drawn_face, found):
    with pytest.raises(ValueError, match="cannot be aligned"):
        see(drawn_face[0], detect.Face(found.box, np.zeros((68, 2)), 1.0), View(96))
