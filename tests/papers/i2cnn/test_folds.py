"""Paper 2's folds on the counted names of CK+ and JAFFE."""

from collections import Counter
from pathlib import Path

import pytest
from made_clips import ckplus_sequences

from ferkit.data.clip import Clip
from ferkit.data.folds import people
from ferkit.data.sets import jaffe
from ferkit.papers.i2cnn.data import i2cnn_folds


def test_i2cnn_counts():
    folds = i2cnn_folds(ckplus_sequences())
    tested = Counter(clip.emotion for fold in folds for clip in fold.test)
    assert tested == dict(
        neutral=309, anger=135, disgust=177, fear=75, happiness=207, sadness=84, surprise=249
    )
    assert sum(tested.values()) == 1236
    assert len(people(clip for fold in folds for clip in fold.test)) == 106
    assert sum(tested.values()) - tested["neutral"] == 927


def test_i2cnn_on_jaffe_tests_one_person_in_each_fold():
    clips = [
        Clip("jaffe", name[:2], name, jaffe.CODES[name[3:5]], (Path(f"{name}.tiff"),))
        for name in jaffe.EXPECTED.clips
    ]
    folds = i2cnn_folds(clips)
    assert [len(people(fold.test)) for fold in folds] == [1] * 10
    assert sum(len(fold.test) for fold in folds) == 213


def test_i2cnn_takes_another_number_of_folds():
    clips = [Clip("jaffe", f"p{i}", f"{i}", "fear", (Path("a.png"),)) for i in range(6)]
    assert len(i2cnn_folds(clips, folds=3)) == 3
    with pytest.raises(
        ValueError, match="10 folds need at least 10 people, but these 6 clips show 6"
    ):
        i2cnn_folds(clips)
