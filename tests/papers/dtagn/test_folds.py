"""Paper 3's folds on the counted names of CK+."""

from pathlib import Path

import pytest
from made_clips import ckplus_sequences
from made_sequences import make_sequence_set

from ferkit.data.clip import Clip
from ferkit.data.folds import people
from ferkit.papers.dtagn import data
from ferkit.papers.dtagn.data import dtagn_folds


def test_dtagn_is_the_published_list():
    """People and sequences of each fold are as in the public list, also those of contempt."""
    folds = dtagn_folds(ckplus_sequences())
    assert [len(people(fold.test)) for fold in folds] == [12] * 8 + [11] * 2
    assert [len(fold.test) for fold in folds] == [33, 39, 40, 35, 30, 37, 29, 29, 33, 22]
    contempt = [sum(clip.emotion == "contempt" for clip in fold.test) for fold in folds]
    assert contempt == [1, 2, 2, 2, 2, 2, 2, 1, 2, 2]
    first = [
        "S005",
        "S035",
        "S054",
        "S064",
        "S074",
        "S084",
        "S094",
        "S106",
        "S116",
        "S130",
        "S147",
        "S501",
    ]
    assert [who for _, who in people(folds[0].test)] == first
    assert not any(fold.val for fold in folds)
    validated = dtagn_folds(ckplus_sequences(), val_people=5)
    assert [len(people(fold.val)) for fold in validated] == [5] * 10


def test_dtagn_takes_videos_and_refuses_photographs():
    videos = [
        Clip("mmi", f"S{i:03d}", f"S{i:03d}-001", "fear", (Path(f"S{i:03d}-001.avi"),))
        for i in range(30)
    ]
    assert [len(people(fold.test)) for fold in dtagn_folds(videos)] == [3] * 10
    with pytest.raises(ValueError, match="dtagn needs sequences, got 2 single pictures: a, b"):
        dtagn_folds([Clip("jaffe", "KA", name, "fear", (Path(f"{name}.tiff"),)) for name in "ab"])


@pytest.fixture
def _made(monkeypatch):
    """Load made-up sequences of four people in place of any data set."""
    made = make_sequence_set()
    monkeypatch.setattr(data, "load_clips", lambda *args: made.clips)
    monkeypatch.setattr(data, "prepare", lambda *args, **options: made.faces)
    monkeypatch.setattr(data, "build_sequences", lambda *args, **options: made.data)


@pytest.mark.usefixtures("_made")
def test_few_people_make_fewer_folds():
    loaded = data.load_sequence_set("sequences", "paper")  # the paper has ten
    assert [len(people(fold.test)) for fold in loaded.folds] == [1] * 4


@pytest.mark.usefixtures("_made")
def test_the_seed_draws_the_people_who_choose_the_epoch():
    drawn = set()
    for seed in range(5):
        folds = data.load_sequence_set("sequences", "smoke", seed).folds
        drawn.add(tuple(clip.person for fold in folds for clip in fold.val))
    assert len(drawn) > 1
