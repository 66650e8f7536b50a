"""Films: which frames are asked about, and what a network says of them."""

import numpy as np
import pandas as pd
import pytest
from film_files import WALL, at, write_film
from PIL import Image
from predicted import FILM, STILL, ask, chances

from ferkit.faces.videos import decode_frames

pytestmark = pytest.mark.usefixtures("searched_once")


def test_a_film_has_a_row_for_every_face_of_every_sampled_frame(film, picture_network):
    table = ask(film, picture_network, every=3)
    assert table.columns.tolist() == FILM
    assert table["frame"].tolist() == [0, 3, 6, 9]
    assert table["time"].tolist() == [0, 0.12, 0.24, 0.36]
    assert (table["emotion"] == "").tolist() == [False, False, False, True]
    assert table["face"].tolist() == [0, 0, 0, 0]
    assert np.allclose(chances(table)[:3].sum(1), 1, atol=1e-4)
    assert np.isnan(chances(table)[3]).all()
    moved = table["x0"][2] - table["x0"][0]
    assert moved == pytest.approx(24, abs=12)  # the detector goes in steps of some 16 pixels


def test_a_frame_answers_as_the_same_picture_does(film, picture_network, tmp_path):
    table = ask(film, picture_network, every=1)
    Image.fromarray(list(decode_frames(film))[5]).save(tmp_path / "five.png")
    alone = ask(tmp_path / "five.png", picture_network)
    pd.testing.assert_frame_equal(
        table.loc[[5], STILL[1:]].reset_index(drop=True),
        alone[STILL[1:]],
        check_dtype=False,
        atol=2e-5,
    )


@pytest.mark.parametrize(
    ("fps", "frames"),
    [(25, list(range(10))), (10, [0, 3, 5, 8]), (5, [0, 5]), (100, list(range(10)))],
)
def test_frames_a_second(film, picture_network, fps, frames):
    assert ask(film, picture_network, fps=fps)["frame"].tolist() == frames


def test_five_frames_a_second_unless_asked_otherwise(film, picture_network):
    assert (
        ask(film, picture_network)["frame"].tolist()
        == ask(film, picture_network, fps=5)["frame"].tolist()
    )


def test_two_faces_are_two_rows_of_a_frame(tmp_path, drawn_face, picture_network):
    both = write_film(tmp_path / "both.avi", [np.concatenate([drawn_face[0]] * 2, axis=1)] * 2)
    table = ask(both, picture_network, every=1)
    assert table["frame"].tolist() == [0, 0, 1, 1]
    assert table["face"].tolist() == [0, 1, 0, 1]


@pytest.mark.parametrize("suffix", [".avi", ".mp4"])
def test_a_film_that_stops_half_way_keeps_what_was_read(
    tmp_path, drawn_face, picture_network, suffix
):
    frames = [at(drawn_face[0], 4 * i) for i in range(12)]
    content = write_film(tmp_path / f"whole{suffix}", frames).read_bytes()
    half = tmp_path / f"half{suffix}"
    half.write_bytes(content[: len(content) // 2])
    if suffix == ".mp4":  # its table of contents stands at the end
        with pytest.raises(OSError, match=r"half\.mp4: no frame of this video can be decoded"):
            ask(half, picture_network, every=1)
        return
    with pytest.warns(
        UserWarning, match=r"half\.avi stops at frame \d of 12; what was read is kept"
    ):
        table = ask(half, picture_network, every=1)
    assert 3 <= len(table) < 12
    assert (table["emotion"] != "").all()
    whole = ask(tmp_path / "whole.avi", picture_network, every=11)
    assert np.allclose(chances(table)[0], chances(whole)[0])


def test_a_network_of_sequences_answers_windows_of_the_first_face(
    tmp_path, drawn_face, sequence_network
):
    pair = [
        np.concatenate([at(drawn_face[0], 4 * i), at(drawn_face[0], 50)], axis=1) for i in range(6)
    ]
    film = write_film(
        tmp_path / "pair.avi", [*pair[:3], np.concatenate([WALL, WALL], axis=1), *pair[3:]]
    )
    table = ask(film, sequence_network, every=1)
    assert table["frame"].tolist() == list(range(7))
    assert table["face"].tolist() == [0] * 7
    assert table["emotion"][3] == ""
    answers = chances(table.drop(index=3))
    assert len(np.unique(answers, axis=0)) == 2  # six faces, about four at a time
    Image.fromarray(pair[0]).save(tmp_path / "one.png")
    with pytest.raises(
        ValueError,
        match=r"dtan\.safetensors looks at sequences of 4 frames: give it a video, not .*one",
    ):
        ask(tmp_path / "one.png", sequence_network)
