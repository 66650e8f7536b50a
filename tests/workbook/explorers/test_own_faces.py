"""The widget for one's own faces: files, a camera's messages, calibration, forgetting."""

import io

import numpy as np
import pytest
from PIL import Image

from ferkit.workbook.explorers import camera as camera_module
from ferkit.workbook.explorers.own_faces import OwnFaces


def encode(image: np.ndarray, kind: str = "JPEG") -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, kind, quality=95)
    return buffer.getvalue()


@pytest.fixture
def faces(searched_once):
    return OwnFaces(camera=False)


def test_a_picture_is_named_and_forgotten(faces, drawn_face):
    faces.add_files([("me.PNG", encode(drawn_face[0], "PNG"))])
    assert faces.text.value == "1 faces in 1 pictures or frames"
    assert "me.PNG" in faces.view.value
    assert faces.analysis.table()["emotion"].tolist() == ["neutral"]
    faces.controls["forget"].click()
    assert faces.analysis is None
    assert faces.view.value == ""
    assert len(faces.controls["neutral"].options) == 1


def test_a_neutral_face_changes_all_predictions_and_back(faces, drawn_face):
    picture = encode(drawn_face[0], "PNG")
    faces.add_files([("a.png", picture), ("b.png", encode(drawn_face[0][:, ::-1], "PNG"))])
    alone = faces.analysis.table()["neutral"].tolist()
    faces.controls["neutral"].value = 0
    assert faces.text.value == "compared with face 1"
    assert faces.analysis.table()["neutral"][0] == 1
    faces.add_files([("c.png", picture)])
    assert faces.controls["neutral"].value == 0  # also of what comes later
    assert faces.analysis.table()["neutral"][2] == 1
    faces.controls["neutral"].value = -1
    assert faces.analysis.table()["neutral"][:2].tolist() == alone


def test_what_cannot_be_read_is_said(faces, tmp_path):
    faces.controls["path"].value = str(tmp_path / "<nothing>")
    faces.controls["read"].click()
    assert "that failed:</b> no picture" in faces.text.value
    assert "&lt;nothing&gt;" in faces.text.value
    assert not any(control.disabled for control in faces.controls.values())


def test_frames_of_the_camera_arrive_as_messages(drawn_face, monkeypatch):
    pytest.importorskip("anywidget")
    clips, answers = [], []
    camera = camera_module.make_camera(lambda frames: f"{clips.append(frames) or len(frames)} seen")
    monkeypatch.setattr(camera, "send", answers.append)
    receive = camera._msg_callbacks.callbacks[0]
    for time in (0.0, 0.2):
        receive(camera, {"kind": "frame", "time": time}, [memoryview(encode(drawn_face[0]))])
    receive(camera, {"kind": "end"}, [])
    assert answers == [{"kind": "received"}] * 2 + [{"kind": "done", "text": "2 seen"}]
    ((first, second),) = clips
    assert (first[0], second[0]) == (0.0, 0.2)
    assert np.abs(first[1].astype(int) - drawn_face[0]).mean() < 3
    assert not any("frame" in name for name in camera.get_state())  # which a notebook may keep


def test_a_failing_analysis_answers_the_camera(drawn_face, monkeypatch):
    pytest.importorskip("anywidget")
    answers = []
    camera = camera_module.make_camera(lambda frames: 1 / 0)
    monkeypatch.setattr(camera, "send", answers.append)
    camera._msg_callbacks.callbacks[0](camera, {"kind": "end"}, [])
    assert answers == [{"kind": "done", "text": "that failed: division by zero"}]


def test_a_clip_of_the_camera_is_a_video_and_one_frame_a_picture(faces, drawn_face):
    faces.add_clip([(0.0, drawn_face[0]), (0.2, drawn_face[0]), (0.4, drawn_face[0])])
    faces.add_clip([(0.0, drawn_face[0])])
    table = faces.analysis.table()
    assert table["path"].tolist() == ["camera 1"] * 3 + ["camera 2"]
    assert table["person"].tolist() == ["camera 1: person 1"] * 3 + ["camera 2"]
    assert "Over time" in faces.view.value
