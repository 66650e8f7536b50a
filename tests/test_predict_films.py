"""Films, networks and annotated copies: what `ferkit predict` does beyond pictures and the face model."""

import errno
import itertools
import json
import os
import sys
import warnings
from unittest.mock import Mock

import cv2
import numpy as np
import pandas as pd
import pytest
import torch
from film_files import write_film
from PIL import Image
from safetensors.torch import save_file
from typer.testing import CliRunner

from ferkit import cli, predict, reading, sources
from ferkit.faces import detect
from ferkit.faces.detect import read_image
from ferkit.faces.films import decoded
from ferkit.labels import SEVEN
from ferkit.marks import Mark, annotated, film_writer, label_place, line_width
from ferkit.models.dtagn import build
from ferkit.models.layers import seeded
from ferkit.models.tfe import ResNet
from ferkit.portable import save_network
from ferkit.predict import predict_path
from ferkit.views import View

BOX = ["x0", "y0", "x1", "y1"]
STILL = ["path", "face", *BOX, "emotion", *SEVEN]
FILM = ["path", "frame", "time", *STILL[1:]]
FOUND: dict[tuple, list[detect.Face]] = {}
WALL = np.full((240, 320, 3), 127, np.uint8)


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """A small convolutional network of seven classes, as its builder leaves it."""
    module = seeded(lambda: ResNet(7, "resnet12", 48, 0.5), 5)
    folder = tmp_path_factory.mktemp("networks")
    arguments = {"classes": 7, "kind": "resnet12", "width": 0.5}
    return save_network(folder / "resnet.safetensors", "resnet", arguments, module, SEVEN, [View(48)])


@pytest.fixture(scope="module")
def sequences(tmp_path_factory):
    """A network that looks at four frames."""
    notation, folder = "I16-C(5,4)-P2-FC8-S7", tmp_path_factory.mktemp("networks")
    arguments = {"notation": notation, "frames": 4, "centred": False}
    views = [View(16, grey=True, face=16)]
    return save_network(folder / "dtan.safetensors", "dtan", arguments, build(notation, 4), SEVEN, views, frames=4)


@pytest.fixture(autouse=True)
def _every_picture_is_searched_once(monkeypatch):
    """The tests ask about few different frames, and a search takes a quarter of a second."""
    search = detect.find_faces

    def remembered(image):
        key = image.shape, image.tobytes()
        if key not in FOUND:
            FOUND[key] = search(image)
        return FOUND[key]

    monkeypatch.setattr(detect, "find_faces", remembered)


def at(face: np.ndarray, x: int) -> np.ndarray:
    """A frame of 320 x 240 with the drawn face `x` pixels from the left."""
    frame = WALL.copy()
    frame[8:232, x : x + 224] = face
    return frame


@pytest.fixture
def film(tmp_path, drawn_face):
    """Ten frames at 25 a second: a face that moves to the right, and no face in the last two."""
    frames = [at(drawn_face[0], 4 * i) for i in range(8)] + [WALL, WALL]
    return write_film(tmp_path / "film.avi", frames)


def ask(*arguments, **options) -> pd.DataFrame:
    return predict_path(*arguments, progress=False, **options)


def chances(table: pd.DataFrame) -> np.ndarray:
    return table[list(SEVEN)].to_numpy(float)


# Films


def test_a_film_has_a_row_for_every_face_of_every_sampled_frame(film, network):
    table = ask(film, network, every=3)
    assert table.columns.tolist() == FILM
    assert table["frame"].tolist() == [0, 3, 6, 9]
    assert table["time"].tolist() == [0, 0.12, 0.24, 0.36]
    assert (table["emotion"] == "").tolist() == [False, False, False, True]
    assert table["face"].tolist() == [0, 0, 0, 0]
    assert np.allclose(chances(table)[:3].sum(1), 1, atol=1e-4)
    assert np.isnan(chances(table)[3]).all()
    moved = table["x0"].diff()[1:3]
    assert np.allclose(moved, 12, atol=6)  # the detector goes in steps of some pixels


def test_a_frame_answers_as_the_same_picture_does(film, network, tmp_path):
    table = ask(film, network, every=1)
    Image.fromarray(list(decoded(film))[5]).save(tmp_path / "five.png")
    alone = ask(tmp_path / "five.png", network)
    pd.testing.assert_frame_equal(
        table.loc[[5], STILL[1:]].reset_index(drop=True), alone[STILL[1:]], check_dtype=False, atol=2e-5
    )


@pytest.mark.parametrize(
    ("fps", "frames"), [(25, list(range(10))), (10, [0, 3, 5, 8]), (5, [0, 5]), (100, list(range(10)))]
)
def test_frames_a_second(film, network, fps, frames):
    assert ask(film, network, fps=fps)["frame"].tolist() == frames


def test_five_frames_a_second_unless_asked_otherwise(film, network):
    assert ask(film, network)["frame"].tolist() == ask(film, network, fps=5)["frame"].tolist()


def test_two_faces_are_two_rows_of_a_frame(tmp_path, drawn_face, network):
    both = write_film(tmp_path / "both.avi", [np.concatenate([drawn_face[0]] * 2, axis=1)] * 2)
    table = ask(both, network, every=1)
    assert table["frame"].tolist() == [0, 0, 1, 1]
    assert table["face"].tolist() == [0, 1, 0, 1]


@pytest.mark.parametrize("suffix", [".avi", ".mp4"])
def test_a_film_that_stops_half_way_keeps_what_was_read(tmp_path, drawn_face, network, suffix):
    frames = [at(drawn_face[0], 4 * i) for i in range(12)]
    content = write_film(tmp_path / f"whole{suffix}", frames).read_bytes()
    half = tmp_path / f"half{suffix}"
    half.write_bytes(content[: len(content) // 2])
    if suffix == ".mp4":  # its table of contents stands at the end
        with pytest.warns(UserWarning, match=r"left out: .*half\.mp4: no frame of this film can be decoded"):
            table = ask(half, network, every=1)
        assert table["emotion"].tolist() == [""]
        assert table["frame"].isna().all()
        return
    with pytest.warns(UserWarning, match=r"half\.avi stops at frame \d of 12; what was read is kept"):
        table = ask(half, network, every=1)
    assert 3 <= len(table) < 12
    assert (table["emotion"] != "").all()
    whole = ask(tmp_path / "whole.avi", network, every=11)
    assert np.allclose(chances(table)[0], chances(whole)[0])


def test_a_folder_of_pictures_and_films(tmp_path, film, drawn_face, network):
    (tmp_path / "inside").mkdir()
    Image.fromarray(drawn_face[0]).save(tmp_path / "inside" / "one.png")
    (tmp_path / "broken.mp4").write_bytes(b"no film")
    with pytest.warns(UserWarning, match=r"left out: .*broken\.mp4"):
        table = ask(tmp_path, network, every=5)
    assert table.columns.tolist() == FILM
    assert [name.rpartition("/")[2] for name in table["path"]] == ["broken.mp4", "film.avi", "film.avi", "one.png"]
    assert table["frame"].isna().tolist() == [True, False, False, True]
    assert (table["emotion"] == "").tolist() == [True, False, False, False]


def test_a_table_may_name_films(tmp_path, film, network):
    (tmp_path / "list.csv").write_text("path\nfilm.avi\ngone.mp4\nfilm.avi\n")
    with pytest.warns(UserWarning, match=r"left out: no film .*gone\.mp4"):
        table = ask(tmp_path / "list.csv", network, every=4)
    assert table["path"].tolist() == ["film.avi"] * 3 + ["gone.mp4"] + ["film.avi"] * 3


@pytest.mark.parametrize("between", [",", ";", "\t"])
def test_a_table_may_have_any_usual_form(tmp_path, film, network, between):
    text = f"\ufeffPath{between}person\r\n.\\film.avi{between}anna\r\n{between}\r\n"
    (tmp_path / "list.csv").write_bytes(text.encode())
    assert ask(tmp_path / "list.csv", network, every=9)["frame"].tolist() == [0, 9]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "expected a column `path` .*, got none"),
        (b"file,person\na,b\n", "expected a column `path` .*, got file, person"),
        (b"path\n", "the column `path` is empty"),
        (b"path,person\na.jpg,anna\nb.jpg,\n", "1 rows name no person"),
        (b"path\na.jpg\nb, c.jpg\n", "more cells than columns beside b; put what has a comma in quotes"),
        (b"\x89PNG", "is not a text file in UTF-8"),
    ],
)
def test_what_is_wrong_with_a_table_is_said(tmp_path, network, content, said):
    (tmp_path / "list.csv").write_bytes(content)
    with pytest.raises(ValueError, match=rf"list\.csv.*{said}"):
        ask(tmp_path / "list.csv", network)


@pytest.mark.skipif(sys.platform != "linux", reason="names of files are text elsewhere")
def test_a_name_that_is_no_text_is_escaped(tmp_path, drawn_face, network):
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    folder.mkdir()
    Image.fromarray(drawn_face[0]).save(folder / "one.png")
    result = ferkit("predict", folder, "--model", network, "--out", tmp_path / "a.csv", "--annotated", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert pd.read_csv(tmp_path / "a.csv")["path"][0].endswith("caf\\xe9/one.png")
    assert (tmp_path / "out" / "one.png").is_file()


def test_a_folder_is_walked_once_and_what_is_locked_is_said(tmp_path, monkeypatch):
    for name in ("10/a.png", "9/b.png", "__MACOSX/c.png", ".hidden/d.png", "locked/e.png"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()
    (tmp_path / "9" / "back").symlink_to(tmp_path)
    (tmp_path / "9" / "here").symlink_to(tmp_path / "9")
    listed = sources.image_files

    def refused(folder, suffixes):
        if folder.name == "locked":
            raise PermissionError
        return listed(folder, suffixes)

    monkeypatch.setattr(sources, "image_files", refused)
    with pytest.warns(UserWarning, match=r"left out: .*locked may not be read") as said:
        found = sources.sources(tmp_path)
    assert [source.path.relative_to(tmp_path).as_posix() for source in found] == ["9/b.png", "10/a.png"]
    assert len(said) == 1


def test_pictures_keep_their_columns(tmp_path, drawn_face, network):
    Image.fromarray(drawn_face[0]).save(tmp_path / "one.png")
    assert ask(tmp_path, network).columns.tolist() == STILL


def test_wrong_sampling_is_said(film, network):
    with pytest.raises(ValueError, match="by --every or by --fps, not by both"):
        ask(film, network, every=2, fps=5)
    for wrong in ({"every": 0}, {"every": -1}, {"fps": 0.0}, {"fps": float("nan")}, {"fps": float("inf")}):
        with pytest.raises(ValueError, match="every 1 or more frames"):
            ask(film, network, **wrong)


# Networks


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


def test_grey_transparent_deep_and_turned_pictures_are_the_same_face(tmp_path, drawn_face, network):
    pictures = variants(drawn_face[0])
    for name, picture in pictures.items():
        picture.save(tmp_path / name)
    turned = pictures["rgb.png"].transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6  # shown turned clockwise
    turned.save(tmp_path / "turned.png", exif=exif)
    table = ask(tmp_path, network)
    assert len(table) == 5
    assert table["emotion"].nunique() == 1
    assert np.allclose(chances(table), chances(table)[:1], atol=1e-4)
    assert np.allclose(table[BOX], table[BOX].iloc[:1])


def test_a_face_at_the_border_is_answered_and_marked(tmp_path, drawn_face, network):
    box = detect.find_face(drawn_face[0]).box
    left, top = int(box[0]) + 8, int(box[1]) + 8
    Image.fromarray(np.ascontiguousarray(drawn_face[0][top:, left:])).save(tmp_path / "edge.png")
    table = ask(tmp_path / "edge.png", network, annotated=tmp_path / "out", cam=True)
    assert table["emotion"].tolist() != [""]
    assert min(table["x0"][0], table["y0"][0]) < 0  # the box reaches beyond
    assert not np.array_equal(read_image(tmp_path / "out" / "edge.png"), read_image(tmp_path / "edge.png"))


def test_a_network_of_sequences_answers_windows_of_the_first_face(tmp_path, drawn_face, sequences):
    pair = [np.concatenate([at(drawn_face[0], 4 * i), at(drawn_face[0], 50)], axis=1) for i in range(6)]
    film = write_film(tmp_path / "pair.avi", [*pair[:3], np.concatenate([WALL, WALL], axis=1), *pair[3:]])
    table = ask(film, sequences, every=1)
    assert table["frame"].tolist() == list(range(7))
    assert table["face"].tolist() == [0] * 7
    assert table["emotion"][3] == ""
    answers = chances(table.drop(index=3))
    assert len(np.unique(answers, axis=0)) == 2  # six faces, about four at a time
    Image.fromarray(pair[0]).save(tmp_path / "one.png")
    with pytest.raises(
        ValueError, match=r"dtan\.safetensors looks at sequences of 4 frames: give it a film, not .*one"
    ):
        ask(tmp_path / "one.png", sequences)


def test_wrong_models_are_said(tmp_path, film, network, sequences):
    (tmp_path / "list.csv").write_text("path,person\nfilm.avi,a\n")
    with pytest.raises(ValueError, match="subtracts no person's mean: leave --residual out"):
        ask(tmp_path / "list.csv", network, residual=True)
    with pytest.raises(FileNotFoundError, match="no trained model"):
        ask(film, tmp_path / "gone.safetensors")
    save_file({"x": torch.zeros(1)}, tmp_path / "training.safetensors", {"training": "{}"})
    with pytest.raises(ValueError, match="is the state of a training; keep its network with"):
        ask(film, tmp_path / "training.safetensors")
    save_file({"x": torch.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(ValueError, match="is not a face model"):
        ask(film, tmp_path / "other.safetensors")


# Annotated copies


def edge(box: np.ndarray, shape: tuple[int, ...], wide: int) -> np.ndarray:
    """The pixels within `wide` of a box's edge."""
    rows, columns = np.indices(shape[:2])
    x0, y0, x1, y1 = np.rint(box).astype(int)
    outer = (columns >= x0 - wide) & (columns < x1 + wide) & (rows >= y0 - wide) & (rows < y1 + wide)
    inner = (columns >= x0 + wide) & (columns < x1 - wide) & (rows >= y0 + wide) & (rows < y1 - wide)
    return outer & ~inner


def test_only_boxes_and_labels_change(tmp_path, drawn_face, network):
    picture = np.concatenate([drawn_face[0]] * 2, axis=1)
    Image.fromarray(picture).save(tmp_path / "two.png")
    table = ask(tmp_path / "two.png", network, annotated=tmp_path / "out")
    out = read_image(tmp_path / "out" / "two.png")
    changed, allowed = (out != picture).any(2), np.zeros(picture.shape[:2], bool)
    assert len(table) == 2
    for row in table.itertuples():
        box = np.array([row.x0, row.y0, row.x1, row.y1])
        mark = Mark(box, f"{row.emotion} {getattr(row, row.emotion):.2f}")
        x0, y0, x1, y1 = label_place(mark, picture.shape)
        assert changed[edge(box, picture.shape, 1)].mean() > 0.99
        assert changed[y0:y1, x0:x1].all()
        allowed |= edge(box, picture.shape, line_width(box) + 3)
        allowed[y0:y1, x0:x1] = True
    assert not changed[~allowed].any()
    assert not allowed[150:160, 100:120].any()


def test_labels_differ_by_what_they_say(drawn_face):
    box = np.array([60, 60, 160, 160.0])
    one, other = (annotated(drawn_face[0], [Mark(box, text)]) for text in ("fear 0.51", "anger 0.51"))
    x0, y0, x1, y1 = label_place(Mark(box, "fear 0.51"), one.shape)
    assert not np.array_equal(one[y0:y1, x0:x1], other[y0:y1, x0:x1])
    assert np.array_equal(one[y1:], other[y1:])


@pytest.mark.parametrize("box", [(0, 0, 100, 100), (150, 2, 230, 82), (-20, -30, 90, 80), (200, 150, 300, 250)])
def test_a_label_stays_in_the_picture(drawn_face, box):
    x0, y0, x1, _ = label_place(Mark(np.array(box, float), "happiness 0.99"), (224, 224, 3))
    assert x0 >= 0
    assert y0 >= 0
    assert x1 <= 224
    assert annotated(drawn_face[0], [Mark(np.array(box, float), "happiness 0.99")]).shape == (224, 224, 3)


def test_a_map_lies_where_it_is_of(drawn_face):
    """A map that is hot in one quarter only warms that quarter's place."""
    heat = np.zeros((50, 50), np.float32)
    heat[:25, 25:] = 1
    matrix = np.array([[0.5, 0, -20], [0, 0.5, -30]])  # its pixels are two of the picture; it begins at (40, 60)
    out = annotated(drawn_face[0], [Mark(np.array([40, 60, 140, 160.0]), "x", heat, matrix)])
    plain = annotated(drawn_face[0], [Mark(np.array([40, 60, 140, 160.0]), "x")])
    changed = (out != plain).any(2)
    assert changed[66:106, 95:134].all()
    changed[58:112, 88:142] = False
    assert not changed.any()


def test_grad_cam_is_laid_over_the_face(tmp_path, drawn_face, network):
    Image.fromarray(at(drawn_face[0], 40)).save(tmp_path / "one.png")
    plain, warm, other = (tmp_path / name for name in ("plain", "warm", "other"))
    table = ask(tmp_path / "one.png", network, annotated=plain)
    ask(tmp_path / "one.png", network, annotated=warm, cam=True)
    least = SEVEN[int(chances(table)[0].argmin())]
    ask(tmp_path / "one.png", network, annotated=other, cam=True, target=least)
    pictures = [read_image(folder / "one.png").astype(int) for folder in (plain, warm, other)]
    changed = (pictures[1] != pictures[0]).any(2)
    assert changed.mean() > 0.02
    face = detect.find_face(read_image(tmp_path / "one.png"))
    middle, half = (face.box[:2] + face.box[2:]) / 2, 1.6 * (face.box[2] - face.box[0])
    rows, columns = np.nonzero(changed)
    assert (np.abs(columns - middle[0]) < half).all()
    assert (np.abs(rows - middle[1]) < half).all()
    assert not np.array_equal(pictures[1], pictures[2])


def test_an_annotated_film_has_the_sampled_frames_at_their_pace(tmp_path, film, network):
    table = ask(film, network, every=2, annotated=tmp_path / "out")
    place = tmp_path / "out" / "film.avi.mp4"
    assert sorted(path.name for path in place.parent.iterdir()) == [place.name]
    written, original = list(decoded(place)), list(decoded(film))[::2]
    assert len(written) == 5
    capture = cv2.VideoCapture(str(place))
    assert capture.get(cv2.CAP_PROP_FPS) == pytest.approx(12.5)
    capture.release()
    for frame, plain, row in zip(written, original, table.itertuples(), strict=True):
        difference = np.abs(frame.astype(int) - plain).mean(2)
        if row.emotion:
            on = edge(np.array([row.x0, row.y0, row.x1, row.y1]), frame.shape, 1)
            assert difference[on].mean() > 40
            assert difference[200:].mean() < 10  # what is left is the codec's
        else:
            assert difference.mean() < 10


def test_an_annotated_film_with_maps(tmp_path, film, network):
    ask(film, network, every=5, annotated=tmp_path / "out", cam=True)
    ask(film, network, every=5, annotated=tmp_path / "plain")
    warm, plain = (next(decoded(tmp_path / name / "film.avi.mp4")).astype(int) for name in ("out", "plain"))
    assert np.abs(warm - plain).mean() > 1


def test_copies_lie_as_the_pictures_do(tmp_path, film, drawn_face, network):
    folder = tmp_path / "mine"
    (folder / "a").mkdir(parents=True)
    for name in ("one.png", "a/one.png", "a/two.bmp", "three.jpg"):
        Image.fromarray(drawn_face[0]).save(folder / name)
    (folder / "broken.png").write_bytes(b"no picture")
    film.rename(folder / "film.avi")
    with pytest.warns(UserWarning, match=r"broken\.png") as said:
        ask(folder, network, annotated=tmp_path / "out", every=5)
    assert len(said) == 1
    found = sorted(path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.*"))
    assert found == ["a/one.png", "a/two.bmp.png", "film.avi.mp4", "one.png", "three.jpg"]


def test_pictures_named_outside_their_table_keep_to_the_folder(tmp_path, drawn_face, network):
    Image.fromarray(drawn_face[0]).save(tmp_path / "one.png")
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "list.csv").write_text("path\n../one.png\n")
    ask(tmp_path / "lists" / "list.csv", network, annotated=tmp_path / "lists" / "out")
    assert [path.name for path in (tmp_path / "lists" / "out").rglob("*.png")] == ["one.png"]
    assert np.array_equal(read_image(tmp_path / "one.png"), drawn_face[0])


def test_wrong_use_of_copies_is_said(tmp_path, film, drawn_face, network, sequences):
    Image.fromarray(drawn_face[0]).save(tmp_path / "one.png")
    before = (tmp_path / "one.png").read_bytes()
    with pytest.raises(ValueError, match=r"lies in the folder that is read.*--annotated"):
        ask(tmp_path, network, annotated=tmp_path / "out")
    with pytest.raises(ValueError, match=r"one\.png would be replaced"):
        ask(tmp_path / "one.png", network, annotated=tmp_path)
    with pytest.raises(ValueError, match="--cam with --annotated"):
        ask(film, network, cam=True)
    with pytest.raises(ValueError, match="--class goes with --cam"):
        ask(film, network, annotated=tmp_path / "out", target="fear")
    with pytest.raises(ValueError, match="no class 'contempt'; it has neutral"):
        ask(film, network, annotated=tmp_path / "out", cam=True, target="contempt")
    with pytest.raises(ValueError, match="network of single pictures"):
        ask(film, sequences, annotated=tmp_path / "out", cam=True)
    with pytest.raises(ValueError, match=r"one\.png is a file: name a folder for --annotated"):
        ask(film, network, annotated=tmp_path / "one.png")
    (tmp_path / "list.csv").write_text("path\na/one.png\n../a/one.png\n")
    with pytest.raises(ValueError, match=r"would both be written as .*one\.png: rename one of them"):
        ask(tmp_path / "list.csv", network, annotated=tmp_path / "out")
    assert (tmp_path / "one.png").read_bytes() == before
    assert not (tmp_path / "out").exists()


def test_a_film_that_cannot_be_finished_leaves_nothing(tmp_path):
    def fail():
        with film_writer(tmp_path / "film.mp4", 5) as add:
            add(WALL)
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert not list(tmp_path.iterdir())


# The command


def ferkit(*words: object):
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        return CliRunner().invoke(cli.app, [str(word) for word in words])


def test_the_command_writes_json_and_names_what_is_missing(tmp_path, film, network):
    out = tmp_path / "answers.json"
    result = ferkit("predict", film, "--model", network, "--every", 2, "--out", out, "--annotated", tmp_path / "copies")
    assert result.exit_code == 0, result.output
    rows = json.loads(out.read_text(encoding="utf-8"))
    assert [row["frame"] for row in rows] == [0, 2, 4, 6, 8]
    assert list(rows[0]) == FILM
    assert rows[4]["emotion"] == ""
    assert rows[4]["fear"] is None
    assert sum(rows[0][name] for name in SEVEN) == pytest.approx(1, abs=1e-4)
    assert "warning: no face found in 1 of 5 frames of" in result.stderr
    assert "5 frames, 4 faces, 1 without a face: " in result.stdout
    assert (tmp_path / "copies" / "film.avi.mp4").is_file()


def test_the_command_writes_the_same_as_csv(tmp_path, film, network):
    for ending in ("csv", "json"):
        assert ferkit("predict", film, "--model", network, "--out", tmp_path / f"a.{ending}").exit_code == 0
    table = pd.read_csv(tmp_path / "a.csv").fillna({"emotion": ""})
    other = pd.DataFrame(json.loads((tmp_path / "a.json").read_text(encoding="utf-8")))
    pd.testing.assert_frame_equal(table, other, check_dtype=False)


def test_wrong_words_are_said_before_anything_is_read(tmp_path, film, network):
    for words, message in (
        (["--out", "answers.xlsx"], "ends in .csv or .json"),
        (["--every", "2", "--fps", "3"], "not by both"),
        (["--cam", "--class", "fear"], "--cam with --annotated"),
        (["--cam", "--class", "joy", "--annotated", tmp_path / "copies"], "no class 'joy'; it has neutral, anger"),
    ):
        result = ferkit("predict", film, "--model", network, *words)
        assert result.exit_code == 2
        assert message in result.stderr
        assert "Traceback" not in result.output


@pytest.mark.parametrize("kind", ["network", "sequences"])
def test_what_was_read_before_an_interruption_is_kept(tmp_path, drawn_face, monkeypatch, request, kind):
    model, count = request.getfixturevalue(kind), itertools.count()
    long = write_film(tmp_path / "long.avi", [at(drawn_face[0], 0)] * 40)
    face = detect.find_face(at(drawn_face[0], 0))

    def interrupted(_):
        if next(count) == 2 * reading.CHUNK + 3:
            raise KeyboardInterrupt
        return [face]

    monkeypatch.setattr(detect, "find_faces", interrupted)
    out = tmp_path / "a.csv"
    result = ferkit("predict", long, "--model", model, "--every", 1, "--out", out, "--annotated", tmp_path / "copies")
    assert result.exit_code == 130
    assert "32 frames, 32 faces, 0 without a face: " in result.stdout
    assert "interrupted; the same command begins anew" in result.stderr
    table = pd.read_csv(out)
    assert table["frame"].tolist() == list(range(2 * reading.CHUNK))
    assert np.allclose(chances(table).sum(1), 1, atol=1e-4)
    assert not (tmp_path / "copies").exists()


def test_an_interruption_of_the_first_pictures_writes_nothing(tmp_path, film, network, monkeypatch):
    monkeypatch.setattr(detect, "find_faces", Mock(side_effect=KeyboardInterrupt))
    result = ferkit("predict", film, "--model", network, "--out", tmp_path / "a.csv")
    assert result.exit_code == 130
    assert not (tmp_path / "a.csv").exists()


def test_the_table_is_written_before_the_copies(tmp_path, film, network, monkeypatch):
    monkeypatch.setattr(predict, "annotate", Mock(side_effect=OSError(errno.ENOSPC, "No space left on device")))
    out = tmp_path / "a.csv"
    result = ferkit("predict", film, "--model", network, "--out", out, "--annotated", tmp_path / "copies")
    assert result.exit_code == 1
    assert "No space left" in result.stderr
    assert len(pd.read_csv(out)) == 2


def test_the_table_replaces_nothing_that_is_read(tmp_path, film, network, monkeypatch):
    monkeypatch.setattr(detect, "find_faces", Mock(side_effect=AssertionError))
    mine, taken = tmp_path / "list.csv", tmp_path / "taken.csv"
    mine.write_text("path\nfilm.avi\n")
    taken.mkdir()
    for out, message in ((mine, "would replace the table that is read"), (taken, "expected a file that ends in")):
        result = ferkit("predict", mine, "--model", network, "--out", out)
        assert result.exit_code == 2
        assert message in result.stderr
    assert mine.read_text() == "path\nfilm.avi\n"


def test_films_that_cannot_be_read_are_no_pictures_without_a_face(tmp_path, network):
    (tmp_path / "broken.mp4").write_bytes(b"no film")
    result = ferkit("predict", tmp_path, "--model", network, "--out", tmp_path / "a.csv")
    assert "left out: " in result.stderr
    assert "no face found" not in result.stderr
    assert f"1 film that cannot be read: {tmp_path / 'a.csv'}" in result.stdout
