"""Which notebook can use which data set, every pair; and which results of others it uses."""

import re

import pytest

from ferkit.core.files import PROJECT
from ferkit.data import DATASETS
from ferkit.data.card import Offer
from ferkit.workbook.needs import AFTER, NEEDS, find_obstacle, order_notebooks

DRAWN_EMOTIONS = "stills posed portraits large sequences sequences-mmi identities wild"
SPEECH = "cremad cremad-frames ravdess ravdess-frames"
# Six classes and more, and who is who.
SIX = f"{DRAWN_EMOTIONS} ckplus ckplus48 jaffe oulu mmi mefed kdef rafd {SPEECH}"
SEQUENCES = "sequences sequences-mmi ckplus oulu mmi folder"
SPLIT = "fer2013 fer2013-folders ferplus-pictures"  # nobody is named, but it is split

# For each notebook the data sets it can use.
TABLE = {
    "00": "stills posed portraits neutral large sequences sequences-mmi identities wild",
    "01": " ".join(DATASETS),
    "02": f"{SIX} cmu london ised yale folder",
    "03": "stills mefed",
    "04": f"{SIX} folder",
    "05": SEQUENCES,
    "06": SEQUENCES,
    # Paper 5 learns expressions from FER+, where nobody is named but the provider splits.
    "07": f"{SIX} {SPLIT} folder",
    "08": f"{SIX} {SPLIT} cmu ised yale folder affectnet affectnet-folders affectnet-yolo rafdb",
    # For DTGN; the faces that it explains are drawn.
    "09": SEQUENCES,
    "10": f"{SIX} cmu london ised yale folder",
    "11": f"{SIX} cmu ised yale folder",
}


@pytest.mark.parametrize("notebook", NEEDS)
def test_each_pair(notebook):
    can = [name for name in DATASETS if find_obstacle(notebook, name) is None]
    assert set(can) == set(TABLE[notebook].split())


def test_drawn_sets_are_first():
    drawn = [name for name, record in DATASETS.items() if record.drawn]
    assert drawn == list(DATASETS)[:9] == TABLE["00"].split()


@pytest.mark.parametrize(
    ("notebook", "name", "why"),
    [
        ("05_temporal_networks", "jaffe", "notebook 05: not every clip is a sequence"),
        ("03", "ckplus", "it has 8 classes, 50 are needed"),
        ("02", "ferplus", "labels and no pictures"),
        ("08", "lfw", "who is in a picture, not what the face shows"),
        ("04", "fer2013", "does not say who is in a picture"),
        ("00", "london", "these are photographs"),
    ],
)
def test_reasons(notebook, name, why):
    assert why in find_obstacle(notebook, name)


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match="unknown notebook '77'; known: 00, 01"):
        find_obstacle("77", "jaffe")
    with pytest.raises(
        ValueError, match="unknown data set 'jaffa', did you mean 'jaffe'.; known: stills, posed"
    ):
        find_obstacle("02", "jaffa")


def test_what_a_copy_has_counts_more_than_what_the_data_set_may_have():
    two_classes = Offer(2, identities=True, sequences=False)
    assert find_obstacle("05", "folder") is None
    assert "a sequence from neutral" in find_obstacle("05", "folder", two_classes)
    assert "2 classes, 6 are needed" in find_obstacle("04", "folder", two_classes)
    assert find_obstacle("02", "folder", two_classes) is None
    named_or_split = {True: Offer(7), False: Offer(7, identities=False, split=True)}
    assert all(find_obstacle("07", "folder", offer) is None for offer in named_or_split.values())
    assert "who is in" in find_obstacle("07", "folder", Offer(7, identities=False))


def test_few_people_are_said_before_anything_runs():
    def obstacle(notebook: str, people: int) -> str | None:
        return find_obstacle(notebook, "folder", Offer(7, sequences=True, people=people))

    assert obstacle("02", 2) is None
    assert "it shows 1 people, 2 are needed" in obstacle("02", 1)
    for notebook in ("04", "05", "06", "07", "09"):
        assert "it shows 2 people, 3 are needed" in obstacle(notebook, 2)
        assert obstacle(notebook, 3) is None
    assert "10 are needed" in obstacle("11", 9)
    assert obstacle("08", 1) is None  # networks trained on others are tested
    split = Offer(7, identities=False, split=True, people=1)
    assert find_obstacle("07", "folder", split) is None


def test_the_last_notebook_follows_all_that_leave_networks():
    lessons = PROJECT / "ferkit" / "workbook" / "lessons"
    leaving = set()
    for path in PROJECT.glob("notebooks/*.ipynb"):
        source = path.read_text(encoding="utf-8")
        # A notebook's lesson may keep them for it.
        for name in re.findall(r"ferkit\.workbook\.lessons import (\w+)", source):
            source += (lessons / f"{name}.py").read_text(encoding="utf-8")
        if "keep_networks(" in source:
            leaving.add(path.name[:2])
    assert set(AFTER["09"]) == leaving


def test_only_chosen_notebooks_are_waited_for():
    assert order_notebooks(["06_joint", "09_maps", "08_dan"]) == {
        "06_joint": [],
        "09_maps": ["06_joint", "08_dan"],
        "08_dan": [],
    }
