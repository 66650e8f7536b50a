"""Copies of pictures and films with boxes, labels and maps."""

import cv2
import numpy as np
import pytest
from film_files import WALL, at
from PIL import Image
from predicted import ask, chances, edge

from ferkit.core.labels import SEVEN
from ferkit.faces import detect
from ferkit.faces.pictures import read_image
from ferkit.faces.videos import decode_frames
from ferkit.predict import copies
from ferkit.predict.copies import video_writer
from ferkit.predict.frames import InputFrame
from ferkit.predict.inputs import InputFile
from ferkit.predict.marks import DARK, LIGHT, Mark, draw_marks, label_place, line_width
from ferkit.predict.read_faces import FrameFaces

pytestmark = pytest.mark.usefixtures("searched_once")


def test_only_boxes_and_labels_change(tmp_path, drawn_face, picture_network):
    picture = np.concatenate([drawn_face[0]] * 2, axis=1)
    Image.fromarray(picture).save(tmp_path / "two.png")
    table = ask(tmp_path / "two.png", picture_network, annotated=tmp_path / "out")
    out = read_image(tmp_path / "out" / "two.png")
    changed, allowed = (out != picture).any(2), np.zeros(picture.shape[:2], bool)
    assert len(table) == 2
    for row in table.itertuples():
        box = np.array([row.x0, row.y0, row.x1, row.y1])
        mark = Mark(box, f"{row.emotion} {getattr(row, row.emotion):.2f}")
        x0, y0, x1, y1 = label_place(mark, picture.shape)
        assert changed[edge(box, picture.shape, 1)].mean() > 0.99
        assert changed[y0:y1, x0:x1].all()
        allowed |= edge(box, picture.shape, line_width(box) + 1)
        allowed[y0:y1, x0:x1] = True
    assert not changed[~allowed].any()
    assert not allowed[150:160, 100:120].any()


def test_labels_differ_by_what_they_say(drawn_face):
    box = np.array([60, 60, 160, 160.0])
    one, other = (
        draw_marks(drawn_face[0], [Mark(box, text)]) for text in ("fear 0.51", "anger 0.51")
    )
    x0, y0, x1, y1 = label_place(Mark(box, "fear 0.51"), one.shape)
    assert not np.array_equal(one[y0:y1, x0:x1], other[y0:y1, x0:x1])
    assert np.array_equal(one[y1:], other[y1:])


@pytest.mark.parametrize("width", [30, 100, 250, 420])
def test_a_line_is_as_wide_as_it_says_and_dark_on_either_side(width):
    box = np.array([20, 20, 20 + width, 20 + width])
    row = draw_marks(np.full((460, 460, 3), 127, np.uint8), [Mark(box, "")])[20 + width // 2]
    dark, light = ((row == colour).all(1) for colour in (DARK, LIGHT))
    assert light.sum() == 2 * line_width(box)
    assert dark.sum() == 4
    assert light[[20, 20 + width - 1]].all()
    assert np.array_equal(light[20 : 20 + width], light[20 : 20 + width][::-1])


@pytest.mark.parametrize(
    ("shape", "times"), [((60, 64), 3), ((160, 90), 1), ((20, 159), 2), ((224, 224), 1)]
)
def test_a_small_picture_is_enlarged_and_its_marks_with_it(shape, times):
    image = np.random.default_rng(0).integers(0, 100, (*shape, 3)).astype(np.uint8)
    heat, matrix = np.zeros((50, 50), np.float32), np.array([[5.0, 0, -50], [0, 5.0, -25]])
    heat[10:40, 10:40] = 1  # the picture's pixels (12, 7) to (18, 13)
    box = np.array([10, 5, 20, 15.0])
    out = draw_marks(image, [Mark(box, "", heat, matrix)])
    large = image.repeat(times, 0).repeat(times, 1)
    changed = (out != large).any(2)
    warm = changed.copy()
    warm[edge(box * times, out.shape, 3)] = False
    warm[label_place(Mark(box * times, ""), out.shape)[1] : 5 * times] = False
    rows, columns = np.nonzero(warm)
    assert np.allclose((rows.mean() + 0.5, columns.mean() + 0.5), (10 * times, 15 * times), atol=1)
    assert np.abs(np.array([np.ptp(rows), np.ptp(columns)]) + 1 - 6 * times).max() <= 2


@pytest.mark.parametrize(
    "box", [(0, 0, 100, 100), (150, 2, 230, 82), (-20, -30, 90, 80), (200, 150, 300, 250)]
)
def test_a_label_stays_in_the_picture(drawn_face, box):
    x0, y0, x1, _ = label_place(Mark(np.array(box, float), "happiness 0.99"), (224, 224, 3))
    assert x0 >= 0
    assert y0 >= 0
    assert x1 <= 224
    assert draw_marks(drawn_face[0], [Mark(np.array(box, float), "happiness 0.99")]).shape == (
        224,
        224,
        3,
    )


def test_a_map_lies_where_it_is_of(drawn_face):
    """A map that is hot in one quarter only warms that quarter's place."""
    heat = np.zeros((50, 50), np.float32)
    heat[:25, 25:] = 1
    matrix = np.array(
        [[0.5, 0, -20], [0, 0.5, -30]]
    )  # its pixels are two of the picture; it begins at (40, 60)
    out = draw_marks(drawn_face[0], [Mark(np.array([40, 60, 140, 160.0]), "x", heat, matrix)])
    plain = draw_marks(drawn_face[0], [Mark(np.array([40, 60, 140, 160.0]), "x")])
    changed = (out != plain).any(2)
    assert changed[66:106, 95:134].all()
    changed[58:112, 88:142] = False
    assert not changed.any()


def test_grad_cam_is_laid_over_the_face(tmp_path, drawn_face, picture_network):
    Image.fromarray(at(drawn_face[0], 40)).save(tmp_path / "one.png")
    plain, warm, other = (tmp_path / name for name in ("plain", "warm", "other"))
    table = ask(tmp_path / "one.png", picture_network, annotated=plain)
    ask(tmp_path / "one.png", picture_network, annotated=warm, cam=True)
    least = SEVEN[int(chances(table)[0].argmin())]
    ask(tmp_path / "one.png", picture_network, annotated=other, cam=True, target=least)
    pictures = [read_image(folder / "one.png").astype(int) for folder in (plain, warm, other)]
    changed = (pictures[1] != pictures[0]).any(2)
    assert changed.mean() > 0.02
    face = detect.find_face(read_image(tmp_path / "one.png"))
    middle, half = (face.box[:2] + face.box[2:]) / 2, 1.6 * (face.box[2] - face.box[0])
    rows, columns = np.nonzero(changed)
    assert (np.abs(columns - middle[0]) < half).all()
    assert (np.abs(rows - middle[1]) < half).all()
    x0, y0, x1, y1 = face.box.astype(int)
    assert not np.array_equal(
        *(picture[y0 + 9 : y1, x0:x1] for picture in pictures[1:])
    )  # the map, not its name alone


def test_a_class_that_was_asked_for_is_named(tmp_path, drawn_face, picture_network, monkeypatch):
    said = []
    monkeypatch.setattr(
        copies, "draw_marks", lambda image, marks: said.extend(m.text for m in marks) or image
    )
    Image.fromarray(drawn_face[0]).save(tmp_path / "one.png")
    for target in (None, "fear"):
        table = ask(
            tmp_path / "one.png",
            picture_network,
            annotated=tmp_path / "out",
            cam=True,
            target=target,
            overwrite=True,
        )
    answered = f"{table['emotion'][0]} {chances(table).max():.2f}"
    assert said == [answered, f"{answered}, map: fear"]


def test_an_annotated_film_has_the_sampled_frames_at_their_pace(tmp_path, film, picture_network):
    table = ask(film, picture_network, every=2, annotated=tmp_path / "out")
    place = tmp_path / "out" / "film.avi.webm"
    assert sorted(path.name for path in place.parent.iterdir()) == [place.name]
    written, original = list(decode_frames(place)), list(decode_frames(film))[::2]
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


def test_an_annotated_film_with_maps(tmp_path, film, picture_network):
    ask(film, picture_network, every=5, annotated=tmp_path / "out", cam=True)
    ask(film, picture_network, every=5, annotated=tmp_path / "plain")
    warm, plain = (
        next(decode_frames(tmp_path / name / "film.avi.webm")).astype(int)
        for name in ("out", "plain")
    )
    assert np.abs(warm - plain).mean() > 1


def test_copies_lie_as_the_pictures_do(tmp_path, film, drawn_face, picture_network):
    folder = tmp_path / "mine"
    (folder / "a").mkdir(parents=True)
    for name in ("one.png", "a/one.png", "a/two.bmp", "three.jpg"):
        Image.fromarray(drawn_face[0]).save(folder / name)
    (folder / "broken.png").write_bytes(b"no picture")
    film.rename(folder / "film.avi")
    with pytest.warns(UserWarning, match=r"broken\.png") as said:
        ask(folder, picture_network, annotated=tmp_path / "out", every=5)
    assert len(said) == 1
    found = sorted(
        path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.*")
    )
    assert found == ["a/one.png", "a/two.bmp.png", "film.avi.webm", "one.png", "three.jpg"]


def test_pictures_named_outside_their_table_keep_to_the_folder(
    tmp_path, drawn_face, picture_network
):
    Image.fromarray(drawn_face[0]).save(tmp_path / "one.png")
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "list.csv").write_text("path\n../one.png\n")
    ask(tmp_path / "lists" / "list.csv", picture_network, annotated=tmp_path / "lists" / "out")
    assert [path.name for path in (tmp_path / "lists" / "out").rglob("*.png")] == ["one.png"]
    assert np.array_equal(read_image(tmp_path / "one.png"), drawn_face[0])


def test_a_copy_of_a_long_name_has_a_shorter_one(tmp_path, drawn_face):
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("m" * 240 + ".bmp", "m" * 239 + "n.bmp", "ü" * 120 + ".jpg", "z.png"):
        Image.fromarray(drawn_face[0]).save(folder / name)
    ask(folder, annotated=tmp_path / "out")
    written = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert len(written) == 4
    assert max(len(name.encode()) for name in written) < 230
    assert "z.png" in written


def test_a_video_that_was_sampled_rarely_has_a_copy(tmp_path):
    frames = []
    file = InputFile(tmp_path / "a.avi", "a.avi")
    for number in range(3):
        frame = InputFrame(file, number, 2400.0 * number)
        frames.append(FrameFaces(frame, 1.0, [], [], 80.0, None))
    rate = copies._frame_rate(file, frames)
    with video_writer(tmp_path / "a.webm", rate) as add:
        for _ in frames:
            add(WALL)
    assert len(list(decode_frames(tmp_path / "a.webm"))) == 3


def test_wrong_use_of_copies_is_said(tmp_path, film, drawn_face, picture_network, sequence_network):
    Image.fromarray(drawn_face[0]).save(tmp_path / "one.png")
    before = (tmp_path / "one.png").read_bytes()
    with pytest.raises(ValueError, match=r"lies in the folder that is read.*--annotated"):
        ask(tmp_path, picture_network, annotated=tmp_path / "out")
    with pytest.raises(ValueError, match=r"one\.png would be replaced"):
        ask(tmp_path / "one.png", picture_network, annotated=tmp_path)
    with pytest.raises(ValueError, match="--cam with --annotated"):
        ask(film, picture_network, cam=True)
    with pytest.raises(ValueError, match="--class goes with --cam"):
        ask(film, picture_network, annotated=tmp_path / "out", target="fear")
    with pytest.raises(ValueError, match="no class 'contempt'; it has neutral"):
        ask(film, picture_network, annotated=tmp_path / "out", cam=True, target="contempt")
    with pytest.raises(ValueError, match="network of single pictures"):
        ask(film, sequence_network, annotated=tmp_path / "out", cam=True)
    with pytest.raises(ValueError, match=r"one\.png is a file: name a folder for --annotated"):
        ask(film, picture_network, annotated=tmp_path / "one.png")
    (tmp_path / "list.csv").write_text("path\na/one.png\n../a/one.png\n")
    with pytest.raises(
        ValueError, match=r"would both be written as .*one\.png: rename one of them"
    ):
        ask(tmp_path / "list.csv", picture_network, annotated=tmp_path / "out")
    assert (tmp_path / "one.png").read_bytes() == before
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("width", "height"), [(321, 241), (320, 241), (321, 240), (320, 240)])
def test_a_film_of_odd_size_keeps_its_last_column_and_row(tmp_path, width, height):
    frame = np.full((height, width, 3), 60, np.uint8)
    frame[:, -1] = frame[-1] = 250
    with video_writer(tmp_path / "film.webm", 5) as add:
        for _ in range(3):
            add(frame)
    written = list(decode_frames(tmp_path / "film.webm"))
    assert [one.shape for one in written] == [(height + height % 2, width + width % 2, 3)] * 3
    shown = written[0][:height, :width].astype(int)
    assert np.abs(shown - frame).mean() < 5  # what is left is the codec's
    assert min(shown[:, -1].mean(), shown[-1].mean()) > 230


def test_a_film_is_one_that_browsers_play_and_nothing_is_said(tmp_path, capfd):
    with video_writer(tmp_path / "film.webm", 12.5) as add:
        add(WALL)
    capture = cv2.VideoCapture(str(tmp_path / "film.webm"))
    assert int(capture.get(cv2.CAP_PROP_FOURCC)) == cv2.VideoWriter.fourcc(*"VP80")
    assert (tmp_path / "film.webm").read_bytes()[:4] == b"\x1a\x45\xdf\xa3"  # Matroska, WebM
    capture.release()
    assert capfd.readouterr() == ("", "")


def test_a_film_that_cannot_be_finished_leaves_nothing(tmp_path):
    def fail():
        with video_writer(tmp_path / "film.webm", 5) as add:
            add(WALL)
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert not list(tmp_path.iterdir())


def test_a_video_that_lacks_frames_is_not_kept(tmp_path, monkeypatch):
    """On a full disk OpenCV writes less, and says nothing."""
    real_writer = cv2.VideoWriter

    class FullDisk:
        """A writer that drops frames; a subclass of OpenCV's own would corrupt memory."""

        fourcc = staticmethod(real_writer.fourcc)

        def __init__(self):
            self.writer = real_writer()
            self.written = 0

        def write(self, frame):
            self.written += 1
            if self.written < 3:
                self.writer.write(frame)

        def open(self, *options):
            return self.writer.open(*options)

        def isOpened(self):
            return self.writer.isOpened()

        def release(self):
            self.writer.release()

    def write_four():
        with video_writer(tmp_path / "film.webm", 5) as add:
            for _ in range(4):
                add(WALL)

    monkeypatch.setattr(cv2, "VideoWriter", FullDisk)
    with pytest.raises(OSError, match=r"film\.webm was not written whole: the disk may be full"):
        write_four()
    assert not list(tmp_path.iterdir())
