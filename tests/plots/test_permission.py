"""Pictures that may not be shown are covered, unless the user says otherwise."""

import numpy as np
import pytest

from ferkit.data import DATASETS, may_show
from ferkit.plots import permission

FACE = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)


@pytest.fixture(autouse=True)
def _nothing_allowed(monkeypatch):
    monkeypatch.delenv("FERKIT_SHOW", raising=False)


def test_the_card_decides():
    shown = {name for name, record in DATASETS.items() if record.card.may_show}
    assert {name for name in DATASETS if may_show(name)} == shown
    assert {name for name in shown if not DATASETS[name].drawn} == {"london"}


@pytest.mark.parametrize("picture", [FACE, FACE[..., 0], FACE / 255])
def test_a_covered_picture_tells_nothing_but_its_shape(picture):
    with pytest.warns(
        UserWarning,
        match=r"pictures of jaffe are covered.*FERKIT_SHOW='jaffe'.*ferkit data card jaffe",
    ):
        (grey,) = permission.cover_restricted([picture], "jaffe")
    assert grey.shape == picture.shape
    assert grey.dtype == picture.dtype
    assert (
        grey.min()
        == grey.max()
        == pytest.approx(0.8 * (255 if picture.dtype == np.uint8 else 1), abs=1)
    )
    assert len(np.unique(picture)) > 1  # the original is as it was


def test_pictures_that_may_be_shown_are_the_same():
    pictures = [FACE, FACE + 1]
    for name in ("stills", "london"):
        assert all(
            a is b
            for a, b in zip(permission.cover_restricted(pictures, name), pictures, strict=True)
        )


def test_each_picture_has_its_own_set():
    with pytest.warns(UserWarning, match=r"pictures of ckplus, mmi are covered"):
        first, second, third, fourth = permission.cover_restricted(
            [FACE] * 4, ["stills", "ckplus", "london", "mmi"]
        )
    assert np.ptp(second) == np.ptp(fourth) == 0
    assert np.ptp(first) > 0
    assert np.ptp(third) > 0


def test_the_user_may_allow_it(monkeypatch):
    monkeypatch.setenv("FERKIT_SHOW", "folder, jaffe")
    assert permission.cover_restricted([FACE], "jaffe")[0] is FACE
    with pytest.warns(UserWarning, match="pictures of oulu are covered"):
        permission.cover_restricted([FACE, FACE], ["folder", "oulu"])


def test_mistakes_are_named(monkeypatch):
    with pytest.raises(ValueError, match="3 pictures and 2 names"):
        permission.cover_restricted([FACE] * 3, ["jaffe", "stills"])
    with pytest.raises(ValueError, match="unknown data set 'jafe'"):
        permission.cover_restricted([FACE], "jafe")
    monkeypatch.setenv("FERKIT_SHOW", "all")
    with pytest.raises(ValueError, match="unknown data set 'all'"):
        permission.cover_restricted([FACE], "jaffe")
