"""Networks asked about pictures of any kind, and models that do not suit."""

import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from predicted import BOX, ask, chances
from safetensors.torch import save_file

from ferkit.faces import detect
from ferkit.faces.pictures import read_image

pytestmark = pytest.mark.usefixtures("searched_once")


def variants(face: np.ndarray) -> dict[str, Image.Image]:
    """One grey face in the ways a file may hold it."""
    grey = cv2.cvtColor(face, cv2.COLOR_RGB2GRAY)
    alpha = np.dstack([grey, grey, grey, np.full_like(grey, 255)])
    return {
        "rgb.png": Image.fromarray(np.dstack([grey] * 3)),
        "grey.png": Image.fromarray(grey),
        "rgba.png": Image.fromarray(alpha),
        "deep.png": Image.fromarray(grey.astype(np.uint16) * 257),
    }


def test_grey_transparent_deep_and_turned_pictures_are_the_same_face(
    tmp_path, drawn_face, picture_network
):
    pictures = variants(drawn_face[0])
    for name, picture in pictures.items():
        picture.save(tmp_path / name)
    turned = pictures["rgb.png"].transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6  # shown turned clockwise
    turned.save(tmp_path / "turned.png", exif=exif)
    table = ask(tmp_path, picture_network)
    assert len(table) == 5
    assert table["emotion"].nunique() == 1
    assert np.allclose(chances(table), chances(table)[:1], atol=1e-4)
    assert np.allclose(table[BOX], table[BOX].iloc[:1])


def test_a_face_at_the_border_is_answered_and_marked(tmp_path, drawn_face, picture_network):
    box = detect.find_face(drawn_face[0]).box
    left, top = int(box[0]) + 8, int(box[1]) + 8
    Image.fromarray(np.ascontiguousarray(drawn_face[0][top:, left:])).save(tmp_path / "edge.png")
    table = ask(tmp_path / "edge.png", picture_network, annotated=tmp_path / "out", cam=True)
    assert table["emotion"].tolist() != [""]
    assert min(table["x0"][0], table["y0"][0]) < 0  # the box reaches beyond
    assert not np.array_equal(
        read_image(tmp_path / "out" / "edge.png"), read_image(tmp_path / "edge.png")
    )


def test_wrong_models_are_said(tmp_path, film, picture_network, sequence_network):
    (tmp_path / "list.csv").write_text("path,person\nfilm.avi,a\n")
    with pytest.raises(ValueError, match="subtracts no person's mean: leave --residual out"):
        ask(tmp_path / "list.csv", picture_network, residual=True)
    with pytest.raises(FileNotFoundError, match="no trained model"):
        ask(film, tmp_path / "gone.safetensors")
    save_file({"x": torch.zeros(1)}, tmp_path / "training.safetensors", {"training": "{}"})
    with pytest.raises(ValueError, match="is the state of a training; keep its network with"):
        ask(film, tmp_path / "training.safetensors")
    save_file({"x": torch.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(ValueError, match="is not a face model"):
        ask(film, tmp_path / "other.safetensors")
