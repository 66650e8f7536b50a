"""Files that are no whole, ordinary pictures: cut off, huge, animated, of other kinds."""

import io
import os
import threading
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from PIL import Image

from ferkit.data import packed
from ferkit.data.clip import Clip
from ferkit.faces import detect, pictures
from ferkit.faces.pictures import read_image, read_picture, regular_file
from ferkit.faces.prepare import prepare

CASES = Path(os.environ.get("FERKIT_DATA", "data")).parent / "cases"  # difficult files
ASTRONAUT = skimage.data.astronaut()


def as_jpeg(pixels: np.ndarray, **options) -> bytes:
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "JPEG", quality=90, **options)
    return content.getvalue()


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("orientation", [1, 6])
@pytest.mark.parametrize("share", [0.0001, 0.01, 0.15, 0.6])
def test_a_cut_jpeg_is_whole_outside_its_missing_part(tmp_path, progressive, orientation, share):
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = as_jpeg(ASTRONAUT, progressive=progressive, exif=exif)
    (tmp_path / "whole.jpg").write_bytes(content)
    (tmp_path / "cut.jpg").write_bytes(content[: -max(2, int(share * len(content)))])
    whole = read_picture(tmp_path / "whole.jpg")
    with pytest.warns(UserWarning, match=r"cut\.jpg: the file is cut off"):
        cut = read_picture(tmp_path / "cut.jpg")
    assert whole.missing is None
    x0, y0, x1, y1 = cut.missing.astype(int)
    different = (whole.pixels != cut.pixels).any(2)
    different[y0:y1, x0:x1] = False
    assert not different.any()
    edge = cut.missing[1] if orientation == 1 else 512 - cut.missing[2]
    assert edge == 0 or edge > 512 * (1 - 4 * share) - 64


def test_the_missing_part_is_given_in_reduced_pixels(tmp_path):
    (tmp_path / "cut.jpg").write_bytes(as_jpeg(ASTRONAUT)[:-5000])
    with pytest.warns(UserWarning, match="cut off"):
        cut = read_picture(tmp_path / "cut.jpg", longest=200)
    assert cut.pixels.shape == (200, 200, 3)
    assert cut.missing[[0, 2, 3]].tolist() == [0, 200, 200]
    assert 100 < cut.missing[1] < 190
    assert cut.lacks(np.array([80, 110, 140, 170]))
    assert not cut.lacks(np.array([80, 10, 140, 70]))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"<!DOCTYPE html>\n<html><body>404</body></html>", "a web page.*download"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n", "Git LFS.*git lfs pull"),
        (b"\0\0\0\x18ftypisom\0\0\0\0isom", "video.*suffix"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n", "PostScript"),
        (b"%PDF-1.4\n", "PostScript"),
        (b"PK\x03\x04", "archive: unpack"),
        (b"what?", "of no known kind"),
    ],
)
def test_other_kinds_of_files_are_named_and_never_decoded(tmp_path, content, message):
    (tmp_path / "a.jpg").write_bytes(content)
    with pytest.raises(ValueError, match=rf"a\.jpg: cannot be decoded as a picture \(.*{message}"):
        read_image(tmp_path / "a.jpg")


def test_a_kind_that_needs_another_package_is_named(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")
    with pytest.raises(OSError, match=r"a\.jpg: cannot be decoded .*HEIC.*pillow-heif"):
        read_image(tmp_path / "a.jpg")


def test_ghostscript_is_never_run(tmp_path, monkeypatch):
    program = tmp_path / "bin" / "gs"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\ntouch {tmp_path}/was_run\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    Image.fromarray(ASTRONAUT[:9, :9]).save(tmp_path / "a.eps")
    (tmp_path / "a.eps").rename(tmp_path / "a.jpg")
    with pytest.raises(ValueError, match="PostScript"):
        read_image(tmp_path / "a.jpg")
    assert not (tmp_path / "was_run").exists()


def test_a_huge_picture_is_refused_before_it_is_decoded(tmp_path):
    Image.new("1", (13300, 13300)).save(tmp_path / "bomb.png")
    with pytest.raises(ValueError, match=r"13300 x 13300 pixels, more than 120 megapixels"):
        read_image(tmp_path / "bomb.png")


def test_more_than_64_megapixels_are_reduced(tmp_path):
    Image.new("1", (10000, 8000), 1).save(tmp_path / "large.png")
    picture = read_picture(tmp_path / "large.png")
    assert 63e6 < picture.pixels.shape[0] * picture.pixels.shape[1] <= 64e6
    assert picture.scale == picture.pixels.shape[1] / 10000


def test_of_an_animation_the_first_frame_is_read(tmp_path):
    frames = [Image.fromarray(np.full((20, 30, 3), grey, np.uint8)) for grey in (0, 255)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    with pytest.warns(UserWarning, match=r"a\.gif: only the first of its frames is read"):
        assert not read_image(tmp_path / "a.gif").any()


def test_all_listed_kinds_are_read(tmp_path):
    for suffix in ("jpg", "png", "bmp", "dib", "gif", "tif", "webp", "avif", "jp2", "ppm", "tga"):
        Image.fromarray(ASTRONAUT).save(tmp_path / f"a.{suffix}")
        assert np.abs(read_image(tmp_path / f"a.{suffix}") - ASTRONAUT.astype(int)).mean() < 20


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes on this system")
def test_only_ordinary_files_are_opened(tmp_path, monkeypatch):
    threads = threading.active_count()
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe.jpg")
    (tmp_path / "folder.jpg").mkdir()
    for path in ("pipe.jpg", "folder.jpg", "/dev/zero"):
        with pytest.raises(OSError, match=f"{path} is no ordinary file"):
            read_image(path)
    for path in ("http://127.0.0.1:9/a.jpg", "gone.jpg"):
        with pytest.raises(FileNotFoundError, match=f"no file {path}"):
            read_image(path)
    (tmp_path / "http:").mkdir()
    (tmp_path / "http:" / "a.jpg").touch()
    assert regular_file("http:/a.jpg") == tmp_path / "http:" / "a.jpg"
    assert threading.active_count() == threads


def test_small_faces_are_found_in_large_pictures(tmp_path):
    """A face of 100 pixels in 9 megapixels, in a file that stays as sharp as it is."""
    scene = np.full((2500, 3600, 3), 90, np.uint8)
    scene[2000:2256, 3000:3256] = ASTRONAUT[:256, 96:352]
    Image.fromarray(scene).save(tmp_path / "a.png")
    picture = read_picture(tmp_path / "a.png")
    face = detect.find_face(picture.pixels)
    alone = detect.find_face(ASTRONAUT[:256, 96:352].copy())
    np.testing.assert_allclose(
        face.landmarks - alone.landmarks, (3000, 2000) * np.ones((68, 2)), atol=4
    )
    assert picture.scale == 1
    assert detect.smallest_face(scene.shape) == 80


def test_the_smallest_face_of_ordinary_pictures():
    sizes = {(256, 256): 40, (512, 512): 80, (1024, 1024): 80, (1500, 2048): 80 * 1500 / 1024}
    for shape, expected in sizes.items():
        assert detect.smallest_face(shape) == expected


@pytest.mark.skipif(not CASES.is_dir(), reason="no folder of difficult files")
def test_a_group_in_24_megapixels_is_found():
    image = read_image(CASES / "group_24_300_6000x4000.jpg")
    assert len(detect.find_faces(image)) >= 23


def test_a_picture_that_could_not_be_opened_is_tried_again(tmp_path, monkeypatch):
    paths = [tmp_path / f"{name}.png" for name in ("whole", "large", "locked", "text")]
    for path in paths[:3]:
        Image.fromarray(ASTRONAUT[:256, 96:352]).save(path)
    paths[3].write_text("no picture")
    decode, read, tried = pictures._decode, packed.file_bytes, []

    def short_of_memory(content, formats, path, longest):
        tried.append(path)
        if path == paths[1]:
            raise MemoryError
        return decode(content, formats, path, longest)

    def refusing(path):
        if path == paths[2]:
            raise PermissionError(13, "Permission denied", str(path))
        return read(path)

    def found() -> list[bool]:
        clip = Clip("made up", "anna", "a", "neutral", tuple(paths))
        prepared = prepare([clip], 64, cache=tmp_path / "cache", progress=False)
        assert prepared.images.any((1, 2, 3)).tolist() == prepared.table["found"].tolist()
        return prepared.table["found"].tolist()

    monkeypatch.setattr(pictures, "_decode", short_of_memory)
    monkeypatch.setattr(packed, "file_bytes", refusing)
    with pytest.warns(UserWarning, match="3 unreadable"):
        assert found() == [True, False, False, False]
    monkeypatch.setattr(packed, "file_bytes", read)
    with pytest.warns(UserWarning, match="2 unreadable"):
        assert found() == [True, False, True, False]
    monkeypatch.setattr(pictures, "_decode", decode)
    for _ in range(2):
        with pytest.warns(UserWarning, match="1 unreadable"):
            assert found() == [True, True, True, False]
    assert tried.count(paths[0]) == tried.count(paths[3]) == 1


def test_small_faces_of_large_pictures_are_prepared(tmp_path):
    scene = np.full((4800, 7200, 3), 90, np.uint8)
    scene[2000:2256, 3000:3256] = ASTRONAUT[:256, 96:352]
    Image.fromarray(scene).save(tmp_path / "a.png", compress_level=1)
    clip = Clip("made up", "anna", "a", "neutral", (tmp_path / "a.png",))
    faces = prepare([clip], 96, cache=tmp_path / "cache", progress=False)
    assert faces.table["found"].all()
    np.testing.assert_allclose(faces.boxes[0], (3088, 2080, 3175, 2167), atol=12)
