"""Films to frames: counted by decoding, upright, the half that shows the face, made once."""

import os
from dataclasses import replace

import numpy as np
import pytest
from film_files import KINDS, write_film

from ferkit.data.clip import Clip
from ferkit.data.stills import stills
from ferkit.faces import load, videos
from ferkit.faces.pictures import read_image
from ferkit.faces.videos import decode_frames, rotate, spread_evenly, videos_to_frames
from ferkit.papers.dtagn.data import dtagn_folds


def counting(count, height=48, width=64):
    """Make frames whose red is 5 times their number, blue at the top, green at the left."""
    frames = np.zeros((count, height, width, 3), np.uint8)
    frames[..., 0] = (5 * np.arange(count))[:, None, None]
    frames[:, : height // 4, :, 2] = 250
    frames[:, :, : width // 4, 1] = 250
    return frames


def place_in_film(picture):
    """Which frame of `counting` a picture is, by its red."""
    height, width = picture.shape[:2]
    return picture[height // 2 :, width // 2 :, 0].mean() / 5


def film_clip(path, **extra):
    return Clip("mmi", "S001", path.stem, "fear", (path,), sequence="7", extra=extra)


@pytest.mark.parametrize("suffix", KINDS)
@pytest.mark.parametrize("count", [1, 5, 50])
def test_frames_are_those_of_the_film(tmp_path, suffix, count):
    film = write_film(tmp_path / f"S001-001{suffix}", counting(count))
    assert len(list(decode_frames(film))) == count
    (clip,) = videos_to_frames([film_clip(film)], cache=tmp_path / "cache")
    numbers = clip.extra["frame_numbers"]
    assert numbers.tolist() == spread_evenly(count).tolist()
    assert [place_in_film(read_image(path)) for path in clip.frames] == pytest.approx(
        numbers, abs=1.5
    )
    top, left = read_image(clip.frames[0])[2, 40], read_image(clip.frames[0])[40, 2]
    assert top[2] > 200 > top[1]  # colours are not exchanged
    assert left[1] > 200 > left[2]
    assert (clip.name, clip.person, clip.emotion, clip.sequence) == (
        "S001-001",
        "S001",
        "fear",
        "7",
    )
    assert clip.extra["peak_by"] == "middle"
    assert abs(numbers[clip.peak] - (count - 1) / 2) <= count / videos.MOST_FRAMES


def test_few_frames_are_all_taken_and_many_evenly():
    assert spread_evenly(32).tolist() == list(range(32))
    for count in (33, 100, 999):
        numbers = spread_evenly(count)
        assert (len(numbers), numbers[0], numbers[-1]) == (32, 0, count - 1)
        assert np.ptp(np.diff(numbers)) <= 1


def test_turning():
    frame = counting(1)[0]
    once = rotate(frame, 90)
    assert once.shape == (64, 48, 3)
    assert once[40, 46, 2] == 250  # the top is on the right
    assert once[2, 10, 1] == 250  # the left side is at the top
    assert np.array_equal(rotate(rotate(frame, 90), 270), frame)
    assert np.array_equal(rotate(rotate(frame, 180), 180), frame)
    upright = counting(1, height=480)[0]
    assert rotate(upright, 90) is upright
    with pytest.raises(ValueError, match="by 0, 90, 180 or 270 degrees, got 45"):
        rotate(frame, 45)


def test_a_turned_film_is_upright(tmp_path):
    lying = [
        np.rot90(frame) for frame in counting(4)
    ]  # counter-clockwise; clockwise makes it upright
    (clip,) = videos_to_frames(
        [film_clip(write_film(tmp_path / "a.avi", lying), view=0, turn=90, half=None)],
        cache=tmp_path,
    )
    assert np.abs(read_image(clip.frames[0]).astype(int) - counting(4)[0]).mean() < 6
    assert "half" not in {name for name, value in clip.extra.items() if value is not None}


@pytest.fixture
def dual(tmp_path, drawn_face):
    """Makes a film of two halves, with a face in those named."""

    def make(*faces, prior=None):
        empty = np.full_like(drawn_face[0], 128)
        frame = np.hstack([drawn_face[0] if half in faces else empty for half in videos.HALVES])
        film = write_film(tmp_path / f"{'-'.join(faces) or 'none'}.avi", [frame] * 3)
        return film_clip(film, view=2, turn=0, half=prior)

    return make


@pytest.mark.parametrize(("faces", "prior", "half", "by"), [
    (("left",), None, "left", "face"),
    (("right",), "left", "right", "face"),  # the table is only believed where nothing is seen
    ((), "right", "right", "table"),
])  # fmt: skip
def test_the_half_with_the_face_is_taken(dual, tmp_path, drawn_face, faces, prior, half, by):
    (clip,) = videos_to_frames([dual(*faces, prior=prior)], cache=tmp_path / "cache")
    assert (clip.extra["half"], clip.extra["half_by"]) == (half, by)
    picture = read_image(clip.frames[0])
    assert picture.shape == drawn_face[0].shape
    expected = drawn_face[0] if faces else np.full_like(picture, 128)
    assert np.abs(picture.astype(int) - expected).mean() < 6


def test_films_that_cannot_be_used_are_reported(dual, tmp_path):
    (tmp_path / "broken.avi").write_bytes(b"RIFF")
    good = film_clip(write_film(tmp_path / "good.avi", counting(3)))
    late = replace(film_clip(write_film(tmp_path / "late.avi", counting(3))), peak=3)
    clips = [
        dual(),
        film_clip(tmp_path / "broken.avi"),
        good,
        late,
        film_clip(tmp_path / "gone.avi"),
    ]
    with pytest.warns(
        UserWarning,
        match=r"skipped 4 videos: .*neither half.*no frame.*its peak is frame 3.*gone",
    ):
        (left,) = videos_to_frames(clips, cache=tmp_path / "cache")
    assert left.name == "good"


def test_a_film_is_decoded_once_and_again_when_it_changes(tmp_path, monkeypatch):
    film = film_clip(write_film(tmp_path / "a.avi", counting(3)))
    first = videos_to_frames([film], cache=tmp_path / "cache")
    monkeypatch.setattr(videos, "_save_frames", lambda *_: pytest.fail("decoded again"))
    assert videos_to_frames([film], cache=tmp_path / "cache") == first
    monkeypatch.undo()
    write_film(film.frames[0], counting(7))
    (again,) = videos_to_frames([film], cache=tmp_path / "cache")
    assert len(again.frames) == 7


def test_a_name_with_which_opencv_crashes_is_refused(tmp_path):
    film = tmp_path / os.fsdecode(b"latin-\xe9.mp4")
    film.write_bytes(b"film")
    with pytest.raises(ValueError, match="cannot open a video of this name; rename it"):
        next(decode_frames(film))


@pytest.mark.parametrize("damage", ["cut", "gone", "no record"])
def test_damaged_frames_are_saved_again(tmp_path, damage):
    film = film_clip(write_film(tmp_path / "a.avi", counting(3)))
    (clip,) = videos_to_frames([film], cache=tmp_path / "cache")
    frames = [frame.read_bytes() for frame in clip.frames]
    if damage == "cut":
        clip.frames[1].write_bytes(frames[1][:-9])
    elif damage == "gone":
        clip.frames[1].unlink()
    else:
        (clip.frames[0].parent / "made.json").write_text("{")
    with pytest.warns(UserWarning, match="is damaged or missing; it is made again"):
        assert videos_to_frames([film], cache=tmp_path / "cache") == [clip]
    assert [frame.read_bytes() for frame in clip.frames] == frames


def test_the_peak_of_the_provider_is_among_the_frames(tmp_path):
    film = replace(film_clip(write_film(tmp_path / "a.avi", counting(50))), peak=12)
    (clip,) = videos_to_frames([film], cache=tmp_path / "cache")
    assert clip.extra["frame_numbers"][clip.peak] == 12
    assert 12 not in spread_evenly(50)
    assert clip.extra["peak_by"] == "provider"


def test_other_clips_are_as_they_were(tmp_path):
    clip = Clip("jaffe", "KA", "a", "fear", (tmp_path / "a.tiff",))
    assert videos_to_frames([clip])[0] is clip


def test_a_film_set_is_loaded_as_sequences(tmp_path, monkeypatch):
    monkeypatch.setenv("FERKIT_CACHE", str(tmp_path / "cache"))
    for person in range(1, 11):
        write_film(
            tmp_path / f"Actor_{person:02d}" / f"02-01-06-01-02-01-{person:02d}.mp4", counting(6)
        )
    with pytest.warns(UserWarning, match="not the complete set"):
        clips = load.load_clips("ravdess", root=tmp_path)
    assert len(dtagn_folds(clips)) == 10
    assert {len(clip.frames) for clip in clips} == {6}
    shown = stills(
        clips
    )  # the last frames may be no expression any more, the first need not be neutral
    assert [(still.emotion, still.name[-2:]) for still in shown[:3]] == [
        ("fear", "/1"),
        ("fear", "/2"),
        ("fear", "/3"),
    ]
