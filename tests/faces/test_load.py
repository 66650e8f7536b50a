"""Labels without pictures; pictures as tensors for networks."""

import numpy as np
import pytest
from data_trees import make_ckplus, make_cmu
from photo_trees import make_casia

from ferkit.faces.load import load_clips, load_labels, resize_pictures


def test_pictures_keep_their_colours_and_become_small_by_averaging():
    images = np.zeros((2, 8, 8, 3), np.uint8)
    images[0, :4, :, 0] = 200  # red above
    images[1, ::2, ::2] = 100  # every fourth pixel
    small = resize_pictures(images, 4)
    assert small.shape == (2, 3, 4, 4)
    assert small[0, 0, :2].unique().tolist() == [200]
    assert not small[0, 0, 2:].any()
    assert not small[0, 1:].any()
    assert small[1].unique().tolist() == [25]


@pytest.mark.parametrize("size", [4, 8, 12])
def test_grey_pictures_have_one_channel(size):
    assert resize_pictures(np.full((3, 8, 8), 7, np.uint8), size).equal(
        resize_pictures(np.full((3, 8, 8, 3), 7, np.uint8), size)[:, :1]
    )


@pytest.mark.filterwarnings("ignore:.*not the complete set")
def test_labels_alone_are_those_of_the_clips(tmp_path):
    make_ckplus(tmp_path)
    labels = load_labels("ckplus", root=tmp_path)
    assert labels.value_counts(["person", "emotion"]).to_dict() == {
        ("S005", "disgust"): 1, ("S010", "surprise"): 1, ("S010", "anger"): 1,
        ("S138", "contempt"): 1, ("S999", "anger"): 1,
    }  # fmt: skip
    assert labels["complementary"].isna().all()


@pytest.mark.filterwarnings("ignore:.*not the complete set")
def test_labels_of_a_set_without_expressions_are_none(tmp_path):
    make_casia(tmp_path)
    labels = load_labels("casia", root=tmp_path)
    assert (len(labels), labels["person"].nunique(), labels["emotion"].notna().sum()) == (3, 2, 0)


@pytest.mark.filterwarnings("ignore:.*not the complete set")
def test_labels_need_no_readable_picture(tmp_path):
    count = make_cmu(tmp_path)
    for path in tmp_path.rglob("*.pgm"):
        path.write_bytes(b"no picture")
    assert len(load_labels("cmu", root=tmp_path)) == count


def test_labels_of_a_drawn_set_know_its_pairs():
    labels = load_labels("stills", "smoke")
    assert labels["complementary"].nunique() == 7
    assert (labels["emotion"] == "neutral").any()


def test_the_first_people_of_a_drawn_set_are_those_of_the_whole_set():
    whole = load_clips("posed", "smoke")
    few = load_clips("posed", "smoke", people=2)
    assert len({clip.person for clip in few}) == 2 < len({clip.person for clip in whole})
    pictures = [clip.frames[0].read_bytes() for clip in few]
    assert pictures == [clip.frames[0].read_bytes() for clip in whole[: len(few)]]
    assert load_clips("posed", "smoke", people=1000) == whole
    with pytest.raises(ValueError, match="unknown level 'huge'"):
        load_clips("posed", "huge", people=2)


def test_a_folder_of_data_sets_changes_nothing_of_a_drawn_one(tmp_path):
    assert load_clips("posed", "smoke", root=tmp_path) == load_clips("posed", "smoke")
    drawn = load_labels("posed", "smoke")
    assert load_labels("posed", "smoke", root=tmp_path).equals(drawn)
