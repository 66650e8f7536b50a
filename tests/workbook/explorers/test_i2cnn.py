"""The explorer of patches shows the patch that training sees."""

import io

import numpy as np
from PIL import Image

from ferkit.faces import align
from ferkit.papers.i2cnn import patches
from ferkit.workbook.explorers import i2cnn


def test_the_patch_explorer_shows_the_patch_that_training_sees(drawn_face):
    image, points = drawn_face
    explorer = i2cnn.patch_explorer(image, points)
    where = patches.patch_boxes(points[None], len(image))[0]
    for region, scale, flipped in (
        ("face", 1.0, False),
        ("left mouth corner", 1.3, False),
        ("nose tip", 0.75, True),
    ):
        explorer.controls["region"].value = region
        explorer.controls["scale"].value = scale
        explorer.controls["flipped"].value = flipped
        number = patches.patch_number(region, scale, flipped=flipped)
        assert explorer.view.value == i2cnn.patch_picture(image, where[number])
        assert f"patch <b>{number + 1}</b> of 60: {region} x {scale:g}" in explorer.text.value
        assert (", flipped" in explorer.text.value) == flipped
    x0, x1 = sorted(where[number][[0, 2]])
    assert f"from x = {x0:.1f} to {x1:.1f}" in explorer.text.value


def test_the_right_half_of_the_patch_picture_is_the_patch(drawn_face):
    image, points = drawn_face
    box = patches.patch_boxes(points[None], len(image))[0, patches.patch_number("right eye")]
    shown = np.asarray(Image.open(io.BytesIO(i2cnn.patch_picture(image, box))).convert("RGB"))
    patch = align.cut_boxes(image[None], box[None, None], 230)[0, 0]
    assert np.abs(shown[5:235, 245:475].astype(int) - patch).mean() < 4
    flipped = np.abs(shown[5:235, 245:475].astype(int) - patch[:, ::-1]).mean()
    assert flipped > 10  # the eye's two corners differ
