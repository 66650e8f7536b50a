"""What a report shows: every face, people, courses over time, and nothing from the network."""

import base64
import io
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from ferkit.faces.detect import Face
from ferkit.predict.analysis import Analysis, analyse
from ferkit.predict.frames import InputFrame, Sampling, read_frames
from ferkit.predict.inputs import InputFile, list_inputs
from ferkit.predict.predictors import load_predictor
from ferkit.predict.report import render_report, save_report
from ferkit.predict.thumbnails import SIDE, face_pictures, face_thumbnail


@pytest.fixture(scope="module")
def found(drawn_face, tmp_path_factory) -> Analysis:
    """The analysis of a picture <b>.png, an empty one, and one that cannot be read."""
    folder = tmp_path_factory.mktemp("pictures")
    Image.fromarray(drawn_face[0]).save(folder / "<b>.png")
    Image.new("RGB", (200, 200)).save(folder / "empty.png")
    (folder / "text.png").write_text("no picture")
    frames = read_frames(list_inputs(folder), Sampling())
    with pytest.warns(UserWarning, match="left out"):
        return analyse(frames, load_predictor(None, False, []))


def test_the_analysis_has_a_row_and_a_picture_for_every_face(found):
    table = found.table()
    assert table.columns[:3].tolist() == ["path", "person", "face"]
    assert (table["emotion"] == "neutral").tolist() == [True, False, False]
    assert [len(pictures) for pictures in found.pictures] == [1, 0, 0]
    assert len(found.summary()) == 1
    assert (found + found).table()["emotion"].tolist() == 2 * table["emotion"].tolist()


def test_the_page_shows_faces_and_numbers_and_needs_no_network(found, tmp_path):
    page = save_report(tmp_path / "a.html", found, "My <faces>").read_text(encoding="utf-8")
    assert "My &lt;faces&gt;" in page
    assert "&lt;b&gt;.png" in page
    assert "<b>.png" not in page
    assert not re.findall(r"(?:src|href)=\"(?!data:)", page)
    assert page.count("data:image/jpeg") == 1
    (csv,) = re.findall(r"data:text/csv;base64,([^\"]+)", page)
    rows = pd.read_csv(io.BytesIO(base64.b64decode(csv)))
    assert rows["neutral"][0] == pytest.approx(found.table()["neutral"][0])
    assert "AI Act" in page
    assert "Every face was compared" not in page


def test_a_calibrated_analysis_says_so(found):
    compared = found.calibrated(found.faces[0])
    assert compared.table()["neutral"][0] == 1
    assert "Every face was compared" in render_report(compared, "")
    assert found.table()["neutral"][0] < 1  # the other is as it was


def test_a_video_has_courses_over_time(drawn_face):
    file = InputFile(Path("clip.mp4"), "clip")
    frames = [InputFrame(file, n, n / 5, drawn_face[0]) for n in range(4)]
    found = analyse(frames, load_predictor(None, False, []))
    page = render_report(found, "")
    assert page.count("<polygon") == 7
    assert "Over time: clip: person 1" in page
    assert set(found.timeline()["person"]) == {"clip: person 1"}


def test_a_thumbnail_shows_the_face_in_its_middle():
    image = np.zeros((400, 400, 3), np.uint8)
    image[110:190, 210:290] = 255
    landmarks = np.tile([250.0, 150.0], (68, 1))
    thumbnail = face_thumbnail(image, Face(np.array([200.0, 100, 300, 200]), landmarks, 1.0))
    assert thumbnail.shape == (SIDE, SIDE, 3)
    rows, columns = np.nonzero(thumbnail.min(2) > 250)
    assert [rows.min() + rows.max(), columns.min() + columns.max()] == pytest.approx(
        [SIDE - 1, SIDE - 1], abs=2
    )


def test_of_many_faces_some_are_shown(found):
    frames = [InputFrame(found.predictions[0].frame.file)] * 9
    pictures = face_pictures([found.predictions[0]] * 9, frames, most=3)
    assert [bool(own[0]) for own in pictures] == [n in (0, 4, 8) for n in range(9)]
