"""Copies from other places than the provider's, on made-up trees with their exact names."""

import shutil
from collections import Counter

import pytest
from data_trees import picture, text

from ferkit import data
from ferkit.data import DATASETS, look_alike, read_clips
from ferkit.data.counts import person_table
from ferkit.data.sets import ckplus, fer2013, ferplus_pictures, kdef, rafd, rafdb

# Data set: paths, and what the first clip is: person, emotion, split.
COPIES = {
    "ckplus48": (
        ["CK+48/anger/S010_004_00000017.png", "CK+48/happy/S011_006_00000011.png"],
        ("S010", "anger", None),
    ),
    "fer2013-folders": (
        ["train/angry/Training_10118481.jpg", "test/sad/PrivateTest_10247676.jpg"],
        (None, "anger", "train"),
    ),
    "ferplus-pictures": (
        ["archive/train/happy/fer0000001.png", "archive/validation/sad/fer0028640.png"],
        (None, "happiness", "train"),
    ),
    "rafdb": (
        ["DATASET/train/1/train_00001_aligned.jpg", "DATASET/test/7/test_0001_aligned.jpg"],
        (None, "surprise", "train"),
    ),
    "affectnet-folders": (
        ["Train/happy/image0000006.jpg", "Test/Anger/image0000060.jpg"],
        (None, "happiness", "train"),
    ),
    "kdef": (["KDEF/AF01/AF01ANS.JPG", "KDEF/BM35/BM35SUS.JPG"], ("F01", "anger", None)),
    "rafd": (
        [
            "Rafd090_01_Caucasian_female_angry_frontal.jpg",
            "Rafd090_72_Moroccan_male_contemptuous_left.jpg",
        ],
        ("01", "anger", None),
    ),
    "ravdess-frames": (
        ["Actor_01/01-01-05-01-01-01-01/frame_00.jpg", "Actor_01/01-01-05-01-01-01-01/frame_1.jpg"],
        ("01", "anger", None),
    ),
    "cremad-frames": (
        ["1001_DFA_ANG_XX/frame_00012.jpg", "1001_DFA_ANG_XX/frame_00034.jpg"],
        ("1001", "anger", None),
    ),
}


@pytest.mark.parametrize("name", COPIES)
def test_a_copy_is_known_by_its_files_and_read(name, tmp_path):
    paths, (person, emotion, split) = COPIES[name]
    for path in paths:
        picture(tmp_path / path)
    assert look_alike(tmp_path)[0] == name
    clips = read_clips(name, tmp_path, verify="off")
    (first,) = [clip for clip in clips if clip.frames[0] == tmp_path / paths[0]]
    assert (first.emotion, first.split) == (emotion, split)
    assert first.person == person if person else not first.person_known
    assert sum(len(clip.frames) for clip in clips) == len(paths)


@pytest.mark.parametrize("name", [*COPIES, "affectnet-yolo"])
def test_a_card_says_what_is_missing_and_how_sure_it_is(name):
    card = DATASETS[name].card
    assert "nothing" not in (card.missing, card.forbids) or name in ("kdef", "rafd")
    assert card.certainty
    assert not card.may_show


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("images/train/angry/0.jpg", "fer2013-folders"),
        ("train/angry/im0.png", "fer2013-folders"),
        ("AffectNet/train/0/12.jpg", "affectnet-folders"),
        ("anger/image0000006.jpg", "affectnet-folders"),
        ("YOLO_format/valid/images/ffhq_12.png", "affectnet-yolo"),
        ("data/FER2013Valid/fer0028638.png", "ferplus-pictures"),
        ("basic/EmoLabel/list_patition_label.txt", "rafdb"),
        ("jaffedbase/happiness/KA.HA2.30.jpg", "jaffe"),
        ("01-01-03-01-01-02-05_72.png", "ravdess-frames"),
        ("1001_DFA_ANG_XX_12.jpg", "cremad-frames"),
        ("data/icml_face_data.csv", "fer2013"),
    ],
)
def test_other_forms_are_known_too(path, name, tmp_path):
    text(tmp_path / path, "x")
    assert look_alike(tmp_path)[0] == name


def test_no_path_of_one_copy_looks_like_another():
    for name, (paths, _) in COPIES.items():
        for path in paths:
            alike = [other for other, record in DATASETS.items() if record.matches(path)]
            assert alike == [name]


def test_ckplus48_counts_three_pictures_of_each_sequence():
    assert sum(ckplus.EXPECTED48.emotions.values()) == ckplus.EXPECTED48.counts["clips"] == 981
    assert sum(ckplus.EXPECTED48.per_person.values()) == 981
    assert ckplus.EXPECTED48.emotions["happiness"] == 207


def test_ckplus48_keeps_people_and_sequences(tmp_path):
    for frame in (15, 16, 17):
        picture(tmp_path / "anger" / f"S010_004_{frame:08d}.png")
    picture(tmp_path / "contempt" / "S138_008_00000008.png")
    clips = read_clips("ckplus48", tmp_path, verify="off")
    assert [clip.sequence for clip in clips] == ["004"] * 3 + ["008"]
    assert Counter(clip.person for clip in clips) == {"S010": 3, "S138": 1}
    assert person_table(clips, ckplus.EXPECTED48).loc["S010", ["clips", "published"]].tolist() == [
        3,
        9,
    ]


def test_fer2013_folders_are_split_by_their_names_or_by_their_folders(tmp_path):
    for path in ("test/sad/PublicTest_1.jpg", "test/sad/PrivateTest_2.jpg"):
        picture(tmp_path / path)
    clips = read_clips("fer2013-folders", tmp_path, verify="off")
    assert {clip.name: clip.split for clip in clips} == {
        "sad/PublicTest_1": "val",
        "sad/PrivateTest_2": "test",
    }
    assert fer2013.expected_of_folders(clips) is fer2013.EXPECTED["own"]
    picture(tmp_path / "anew" / "validation" / "happy" / "35.jpg")
    (clip,) = read_clips("fer2013-folders", tmp_path / "anew", verify="off")
    assert clip.split == "val"
    expected = fer2013.expected_of_folders([clip])
    assert sum(expected.emotions.values()) == expected.counts["clips"] == 35_887
    assert "val clips" not in expected.counts


def fer_rows(count, usage=None):
    """Rows of FER2013's table: own code 3, happy."""
    pixels = " ".join(["7"] * 48**2)
    return "".join(f"3,{pixels}{f',{usage}' if usage else ''}\n" for _ in range(count))


@pytest.fixture
def own_labels(monkeypatch):
    monkeypatch.setenv("FERKIT_DATA_OPTIONS", "fer2013.labels=own")


@pytest.mark.usefixtures("own_labels")
def test_fer2013_without_usage_is_split_only_where_the_rows_are_all_there(tmp_path, monkeypatch):
    text(tmp_path / "fer2013.csv", "emotion,pixels\n" + fer_rows(6))
    assert {clip.split for clip in read_clips("fer2013", tmp_path, verify="off")} == {None}
    monkeypatch.setattr(fer2013, "_ROWS", {"train": 3, "val": 2, "test": 1})
    clips = read_clips("fer2013", tmp_path / "fer2013.csv", verify="off")
    assert [clip.split for clip in clips] == ["train"] * 3 + ["val"] * 2 + ["test"]


@pytest.mark.usefixtures("own_labels")
def test_fer2013_with_blanks_in_its_header(tmp_path):
    pixels = " ".join(["7"] * 48**2)
    text(tmp_path / "icml_face_data.csv", f"emotion, Usage, pixels\n0,PrivateTest,{pixels}\n")
    (clip,) = read_clips("fer2013", tmp_path, verify="off")
    assert (clip.emotion, clip.split) == ("anger", "test")


def test_ferplus_pictures_take_the_majority(tmp_path):
    folder = tmp_path / "FER2013Train"
    for number in range(3):
        picture(folder / f"fer{number:07d}.png")
    text(
        folder / "label.csv",
        'fer0000000.png,"(0, 0, 48, 48)",0,9,1,0,0,0,0,0,0,0\n'
        'fer0000001.png,"(0, 0, 48, 48)",3,3,4,0,0,0,0,0,0,0\n',  # no majority
    )
    with pytest.warns(UserWarning, match=r"fer0000002\.png \(no label\)"):
        (clip,) = read_clips("ferplus-pictures", tmp_path, verify="off")
    assert (clip.emotion, clip.split) == ("happiness", "train")
    assert ferplus_pictures.EXPECTED.counts["train clips"] == 25_045


def test_rafdb_reads_the_list_with_either_pictures(tmp_path):
    text(
        tmp_path / "EmoLabel" / "list_patition_label.txt", "train_00001.jpg 5\ntest_0001.jpg 7\n?\n"
    )
    for name in ("train_00001", "test_0001"):
        picture(tmp_path / "Image" / "aligned" / f"{name}_aligned.jpg")
        picture(tmp_path / "Image" / "original" / f"{name}.jpg")
    for place in ("aligned", "original"):
        with pytest.warns(UserWarning, match=r"line 3 of list_patition_label\.txt"):
            clips = read_clips("rafdb", tmp_path, verify="off")
        assert {clip.frames[0].parent.name for clip in clips} == {place}
        assert {(clip.emotion, clip.split) for clip in clips} == {
            ("sadness", "train"),
            ("neutral", "test"),
        }
        shutil.rmtree(tmp_path / "Image" / place)
    with (
        pytest.warns(UserWarning, match="line 3"),
        pytest.raises(FileNotFoundError, match=r"aligned/train_00001_aligned\.jpg beside list_pat"),
    ):
        read_clips("rafdb", tmp_path)
    assert rafdb.EXPECTED.counts["train clips"] + rafdb.EXPECTED.counts["test clips"] == 15_339


def test_affectnet_for_yolo_takes_the_class_of_its_text(tmp_path):
    for number, line in enumerate(("4 0.5 0.5 1 1\n", "7 0.5 0.5 1 1\n", "")):
        picture(tmp_path / "train" / "images" / f"image{number:07d}.png")
        text(tmp_path / "train" / "labels" / f"image{number:07d}.txt", line)
    picture(tmp_path / "valid" / "images" / "ffhq_3.png")
    with pytest.warns(UserWarning, match=r"skipped 2 pictures: .*image0000002.*ffhq_3.*no label"):
        clips = read_clips("affectnet-yolo", tmp_path, verify="off")
    assert [clip.emotion for clip in clips] == ["happiness", "surprise"]


@pytest.mark.parametrize(
    ("name", "stems", "options", "count"),
    [
        ("kdef", ["AF01ANS", "BF01ANHL", "AF01ANFR"], {"straight": 1, "half": 2, "all": 3}, 980),
        (
            "rafd",
            [f"Rafd{a}_01_Kid_male_sad_right" for a in ("090", "135", "000")],
            {"90": 1, "45": 2, "all": 3},
            1608,
        ),
    ],
)
def test_angles_are_chosen(name, stems, options, count, tmp_path, monkeypatch):
    for stem in stems:
        picture(tmp_path / f"{stem}.jpg")
    module = {"kdef": kdef, "rafd": rafd}[name]
    for angle, number in options.items():
        monkeypatch.setenv("FERKIT_DATA_OPTIONS", f"{name}.angle={angle}")
        assert len(read_clips(name, tmp_path, verify="off")) == number
    monkeypatch.delenv("FERKIT_DATA_OPTIONS")
    clips = read_clips(name, tmp_path, verify="off")
    assert len({clip.person for clip in clips}) == 1
    assert module.expected_of(clips).counts["clips"] == count
    monkeypatch.setenv("FERKIT_DATA_OPTIONS", f"{name}.angle=above")
    with pytest.raises(ValueError, match="angle='above' is not known"):
        read_clips(name, tmp_path)


def test_ravdess_frames_of_one_recording_are_read_once(tmp_path, monkeypatch):
    for modality in ("01", "02"):
        for number in (9, 10):
            picture(tmp_path / f"{modality}-01-02-01-01-01-07" / f"frame{number}.jpg")
            picture(tmp_path / f"{modality}-01-03-01-01-01-07" / f"frame{number}.jpg")
    (clip,) = read_clips("ravdess-frames", tmp_path, verify="off")
    assert (clip.name, clip.person, clip.emotion) == ("02-01-03-01-01-01-07", "07", "happiness")
    assert [frame.stem for frame in clip.frames] == ["frame9", "frame10"]
    assert clip.extra["speaks"]
    monkeypatch.setenv("FERKIT_DATA_OPTIONS", "ravdess-frames.calm=neutral")
    assert {clip.emotion for clip in read_clips("ravdess-frames", tmp_path, verify="off")} == {
        "neutral",
        "happiness",
    }


def test_list_and_check_agree(tmp_path):
    picture(tmp_path / "oddly-named" / "KDEF" / "AF01ANS.JPG")
    listed = data.available(tmp_path / "oddly-named").set_index("name")["found"]
    assert listed["kdef"] == str(tmp_path / "oddly-named" / "KDEF")
    assert listed["jaffe"] == ""
    for name in ("kdef", "jaffe", "ckplus48", "rafdb"):
        if listed[name]:
            assert len(data.check_dataset(name, tmp_path / "oddly-named").counts)
        else:
            with pytest.raises(FileNotFoundError):
                data.check_dataset(name, tmp_path / "oddly-named")
