"""Which notebook can use which data set: every pair."""

import pytest

from ferkit.data import DATASETS
from ferkit.data.drawn import SETS
from ferkit.data.matrix import DRAWN, NEEDS, OFFERS, markdown, usable
from ferkit.paths import PROJECT

DRAWN_EMOTIONS = "stills posed portraits large sequences sequences-mmi identities wild"
SIX = f"{DRAWN_EMOTIONS} ckplus jaffe oulu mmi mefed"  # six classes and more, and who is who

# For each notebook the data sets it can use.
TABLE = {
    "00": "stills posed portraits neutral large sequences sequences-mmi identities wild",
    "01": " ".join(OFFERS),
    "02": f"{DRAWN_EMOTIONS} cmu london ckplus jaffe oulu mmi mefed ised yale cremad ravdess folder",
    "03": "stills mefed",
    "04": f"{SIX} cremad ravdess folder",
    "05": "sequences sequences-mmi ckplus oulu mmi cremad ravdess",
    "06": "sequences sequences-mmi ckplus oulu mmi cremad ravdess",
    "07": f"{SIX} affectnet fer2013 cremad ravdess folder",  # paper 5 learns expressions from FER+, where nobody is named
    "08": f"{DRAWN_EMOTIONS} cmu ckplus jaffe oulu mmi mefed ised affectnet fer2013 yale cremad ravdess folder",
    "09": "sequences sequences-mmi ckplus oulu mmi cremad ravdess",  # for DTGN; the faces it explains are drawn
}


@pytest.mark.parametrize("notebook", NEEDS)
def test_each_pair(notebook):
    can = [name for name in OFFERS if usable(notebook, name) is None]
    assert can == TABLE[notebook].split()


def test_every_data_set_has_a_row():
    assert list(OFFERS) == [known.name for known in DATASETS]
    assert DRAWN == SETS


@pytest.mark.parametrize(
    ("notebook", "name", "why"),
    [
        ("05_temporal_networks", "jaffe", "notebook 05: it has no sequences"),
        ("03", "ckplus", "it has 8 classes, 50 are needed"),
        ("02", "ferplus", "labels and no pictures"),
        ("08", "lfw", "who is in a picture, not what the face shows"),
        ("04", "fer2013", "does not say who is in a picture"),
        ("00", "london", "these are photographs"),
    ],
)
def test_reasons(notebook, name, why):
    assert why in usable(notebook, name)


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match="unknown notebook '77'; known: 00, 01"):
        usable("77", "jaffe")
    with pytest.raises(ValueError, match="unknown data set 'jaffa'; known: stills, posed"):
        usable("02", "jaffa")


def test_the_readme_has_the_matrix():
    """When the matrix changes: print(markdown()) is the new table."""
    assert f"\n\n{markdown()}\n\n" in (PROJECT / "README.md").read_text(encoding="utf-8")
