"""Codes of providers, labels of a data set, and what is scored without looking."""

import pandas as pd
import pytest

from ferkit.workbook.lessons import label_mapping


def labels_of(counts):
    names = [name for name, count in counts.items() for _ in range(count)]
    return pd.DataFrame({"emotion": names, "person": [str(i % 3) for i in range(len(names))]})


def test_codes_agree_with_themselves_and_with_equal_tables():
    table = label_mapping.code_agreement()
    assert all(table.at[name, name] == 1 for name in table)
    assert table.at["CK+", "iCV-MEFED"] == 1
    assert table.at["FER2013", "AffectNet"] == 0
    # CK+ and MMI share codes 1 to 6: only anger has the same.
    assert table.at["CK+", "MMI"] == pytest.approx(1 / 6)


def test_each_emotion_is_taken_for_what_its_code_means_elsewhere():
    taken = label_mapping.read_with("FER2013", "ISED")
    assert taken["anger"] == label_mapping.UNUSED
    assert taken["disgust"] == "happiness"
    assert taken["surprise"] == label_mapping.UNUSED  # ISED has no code 5


def test_labels_are_counted_with_people_and_unmarked_ones_last():
    table = label_mapping.count_by_emotion(
        labels_of({"not marked": 4, "surprise": 2, "neutral": 6})
    )
    assert table.index.tolist() == ["neutral", "surprise", "not marked"]
    assert table["clips"].tolist() == [6, 2, 4]
    assert table["class of three"].tolist() == ["neutral", "left out", ""]
    assert label_mapping.label_metrics("mine", table)["mine/labels/neutral"] == 6


def test_what_is_scored_without_looking():
    six = ("neutral", "anger", "disgust", "fear", "happiness", "sadness")
    counted = label_mapping.count_by_emotion(labels_of(dict.fromkeys(six, 5) | {"surprise": 5}))
    blind = label_mapping.blind_scores(counted)
    assert blind.loc["all emotions", "guessing"] == pytest.approx(1 / 7)
    assert blind.loc["three classes", "always naming it"] == pytest.approx(4 / 6)
    assert "0.736 with seven classes" in label_mapping.describe_three(blind)


def test_a_data_set_without_emotions_is_said_to_have_none():
    counted = label_mapping.count_by_emotion(labels_of({"not marked": 4}))
    blind = label_mapping.blind_scores(counted)
    assert blind.empty
    assert "do not name emotions" in label_mapping.describe_three(blind)
    shown = label_mapping.show_label_claims(example=20, classes=50, blind=blind, kept=0.6)
    assert "names no emotions | **no** |" in shown.data
