from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferkit.core.labels import EMOTIONS
from ferkit.data.sets.ferplus import (
    EXPECTED,
    NO_NAME,
    SOURCES,
    SPLITS,
    compare_labels,
    count_labels,
    read_ferplus_labels,
    read_votes,
)
from ferkit.data.votes import EMOTION_COLUMNS, NO_MAJORITY, RULES, VOTE_COLUMNS, VOTED_NO_FACE, vote

HEADER = (
    "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF"
)
LINES = [
    "Training,fer0000000.png,4,0,0,1,3,2,0,0,0,0",
    "Training,fer0000001.png,6,0,1,1,0,0,0,0,2,0",
    "Training,,0,0,0,0,0,0,0,0,0,10",
    "Training,fer0000001.png,0,9,0,0,0,0,0,1,0,0",
    "PublicTest,fer0000002.png,0,0,0,0,0,0,5,0,5,0",
    "PrivateTest,fer0000003.png,0,0,0,0,0,0,0,8,1,0",
]
LABELS = {
    "FER2013Train": [
        'fer0000000.png,"(0, 0, 48, 48)",4,0,0,1,3,2,0,0,0,0',
        'fer0000001.png,"(0, 0, 48, 48)",6,0,1,1,0,0,0,0,2,0',
    ],
    "FER2013Valid": ['fer0000002.png,"(0, 0, 48, 48)",0,0,0,0,0,0,6,0,4,0'],
    "FER2013Test": ['fer0000003.png,"(0, 0, 48, 48)",0,0,0,0,0,0,0,8,1,0'],
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "fer2013new.csv").write_bytes(
        b"\xef\xbb\xbf" + "\r\n".join([HEADER, *LINES, ""]).encode()
    )
    for folder, lines in LABELS.items():
        (tmp_path / "data" / folder).mkdir(parents=True)
        (tmp_path / "data" / folder / "label.csv").write_text("\n".join(lines))
    return tmp_path


def ballots(*rows: list[int]) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=list(VOTE_COLUMNS))


# --- the rules ---


def slow_vote(counts: list[int], rule: str) -> dict[str, float] | None:
    """The rules as they are written down, one row at a time: the targets, or None when dropped."""
    counts = [0 if rule != "argmax" and n <= 1 else n for n in counts]
    total = sum(counts)
    if not total:
        return None
    first = counts.index(max(counts))
    if rule in ("argmax", "ms_majority"):
        weak = rule == "ms_majority" and not max(counts) > total / 2
        return None if weak or first >= 8 else {EMOTION_COLUMNS[first]: 1.0}
    if rule == "ms_multi":
        chosen = {i: n for i, n in enumerate(counts) if n >= 3 * total / 10}
        if sum(chosen.values()) <= total / 2 or max(chosen, key=chosen.__getitem__) >= 8:
            return None
        return {name: 1.0 if i in chosen else 0.001 for i, name in enumerate(EMOTION_COLUMNS)}
    chosen, left, stop = {}, dict(enumerate(counts)), False
    while sum(chosen.values()) < 0.75 * total and len(chosen) < 3 and not stop:
        largest = max(left.values())
        for i in [i for i, n in left.items() if n == largest]:
            del left[i]
            if i >= 8:
                stop = True
            else:
                chosen[i] = largest
    if not chosen or sum(chosen.values()) <= total / 2 or len(chosen) > 3:
        return None
    return {EMOTION_COLUMNS[i]: n / sum(chosen.values()) for i, n in chosen.items()}


few = st.lists(st.integers(0, 9), min_size=10, max_size=10).map(
    lambda votes: sorted(votes[:-1]) + votes[-1:]
)
cast = st.lists(st.integers(0, 9), min_size=10, max_size=10).map(
    lambda marks: [marks.count(i) for i in range(10)]
)


@pytest.mark.parametrize("rule", RULES)
@given(rows=st.lists(few | cast, min_size=1, max_size=6))
def test_every_rule_equals_its_slow_form(rule, rows):
    labels = vote(ballots(*rows), rule)
    for row, (_, fast) in zip(rows, labels.iterrows(), strict=True):
        slow = slow_vote(row, rule)
        if slow is None:
            assert fast["emotion"] is None
            assert fast["dropped"] in (NO_MAJORITY, VOTED_NO_FACE)
            assert not fast[list(EMOTIONS)].any()
        else:
            assert fast["dropped"] == ""
            assert slow[fast["emotion"]] == max(slow.values())
            assert row[VOTE_COLUMNS.index(fast["emotion"])] == max(row[:8])
            assert np.allclose(
                fast[list(EMOTIONS)].astype(float), [slow.get(name, 0.0) for name in EMOTIONS]
            )


#        ne ha su sa an di fe co un nf
CASES = [
    ("ms_majority", [5, 0, 0, 5, 0, 0, 0, 0, 0, 0], NO_MAJORITY),  # exactly half
    ("ms_majority", [4, 1, 1, 1, 1, 1, 0, 0, 0, 0], "neutral"),  # single votes do not count
    ("ms_majority", [0, 0, 0, 0, 0, 0, 0, 2, 8, 0], VOTED_NO_FACE),
    ("ms_majority", [1, 1, 1, 1, 1, 1, 1, 1, 1, 1], NO_MAJORITY),  # nothing left
    ("argmax", [4, 4, 0, 0, 0, 0, 0, 0, 2, 0], "neutral"),  # the first column of a tie
    ("argmax", [0, 0, 0, 0, 0, 0, 0, 0, 0, 10], VOTED_NO_FACE),
    ("argmax", [0] * 10, NO_MAJORITY),
    ("ms_distribution", [0, 4, 0, 0, 0, 0, 0, 0, 6, 0], VOTED_NO_FACE),  # unknown leads
    ("ms_distribution", [0, 5, 0, 0, 0, 0, 0, 0, 5, 0], NO_MAJORITY),  # half is too little
    ("ms_distribution", [0, 6, 0, 0, 0, 0, 0, 0, 4, 0], "happiness"),
    (
        "ms_distribution",
        [3, 3, 2, 2, 0, 0, 0, 0, 0, 0],
        NO_MAJORITY,
    ),  # the third turn brings four emotions
    ("ms_multi", [0, 0, 0, 0, 0, 0, 3, 3, 2, 2], "fear"),
    ("ms_multi", [2, 2, 2, 2, 2, 0, 0, 0, 0, 0], NO_MAJORITY),
]


@pytest.mark.parametrize(("rule", "votes", "result"), CASES)
def test_edges_of_the_rules(rule, votes, result):
    row = vote(ballots(votes), rule).iloc[0]
    assert (row["dropped"] or row["emotion"]) == result


def test_distribution_and_multi_targets():
    row = ballots([4, 0, 0, 1, 3, 2, 0, 0, 0, 0])
    shares = vote(row, "ms_distribution").iloc[0]
    assert shares[["neutral", "anger", "disgust"]].tolist() == pytest.approx(
        [4 / 7, 3 / 7, 0]
    )  # 7 of 9 is enough
    multi = vote(row, "ms_multi").iloc[0]
    assert multi[["neutral", "anger", "disgust", "fear"]].tolist() == [1, 1, 0.001, 0.001]


def test_vote_keeps_the_index_and_its_input(root):
    votes = read_votes(root / "fer2013new.csv").iloc[3:]
    before = votes.copy()
    assert vote(votes).index.tolist() == [3, 4, 5]
    pd.testing.assert_frame_equal(votes, before)


def test_unknown_rules_and_missing_columns_are_refused():
    with pytest.raises(ValueError, match="unknown rule 'majority'; known: ms_majority"):
        vote(ballots([10, 0, 0, 0, 0, 0, 0, 0, 0, 0]), "majority")
    with pytest.raises(ValueError, match="lack the columns NF"):
        vote(ballots([10, 0, 0, 0, 0, 0, 0, 0, 0, 0]).drop(columns="NF"))


# --- reading ---


def test_rows_stay_in_file_order_with_empty_and_repeated_names(root):
    votes = read_votes(root / "fer2013new.csv")
    assert list(votes.columns) == ["source", "split", "name", *VOTE_COLUMNS]
    assert votes["split"].tolist() == ["train"] * 4 + ["val", "test"]
    assert votes["name"].tolist() == [line.split(",")[1] for line in LINES]
    assert votes[list(VOTE_COLUMNS)].to_numpy().tolist() == [
        [int(n) for n in line.split(",")[2:]] for line in LINES
    ]


def test_columns_are_found_by_name(root):
    turned = "\n".join(
        ",".join(reversed(line.split(","))) for line in [HEADER.replace(",", ", "), *LINES]
    )
    (root / "turned.csv").write_text(turned)
    pd.testing.assert_frame_equal(
        read_votes(root / "turned.csv"), read_votes(root / "fer2013new.csv")
    )


def test_label_csv_has_no_header_and_commas_in_its_box(root):
    votes = read_votes(root / "data" / "FER2013Valid" / "label.csv")
    assert votes[["source", "split", "name"]].values.tolist() == [
        ["label.csv", "val", "fer0000002.png"]
    ]
    assert votes[list(VOTE_COLUMNS)].to_numpy().tolist() == [[0, 0, 0, 0, 0, 0, 6, 0, 4, 0]]


def test_the_sources_are_told_apart(root):
    new, old = (read_ferplus_labels(root, source, verify="off") for source in SOURCES)
    assert (len(new), len(old)) == (6, 4)
    assert new["dropped"].tolist() == [NO_MAJORITY, "", NO_NAME, "", NO_MAJORITY, ""]
    assert new["emotion"].tolist() == [None, "neutral", None, "happiness", None, "contempt"]
    assert old["emotion"].tolist() == [None, "neutral", "fear", "contempt"]
    assert set(new["source"]) == {"fer2013new.csv"}
    assert old["split"].tolist() == ["train", "train", "val", "test"]


def test_a_copy_that_is_not_the_published_one_is_told(root):
    with pytest.warns(UserWarning, match="train neutral: 1, expected 8740"):
        read_ferplus_labels(root)
    with pytest.raises(ValueError, match="test kept: 1, expected 3153"):
        read_ferplus_labels(root, verify="strict")


def test_counts_and_differences(root):
    counts = count_labels(read_ferplus_labels(root, verify="off"))
    assert counts.loc["kept"].tolist() == [2, 0, 1]
    assert counts.loc[[NO_MAJORITY, NO_NAME], "train"].tolist() == [1, 1]
    assert compare_labels(counts, {"kept": (2, 0, 1)}) == []
    assert compare_labels(counts, {"contempt": (0, 1, 1)}) == ["val contempt: 0, expected 1"]


def test_missing_files_say_what_was_looked_for(root):
    with pytest.raises(FileNotFoundError, match=r"no FER\+ votes at .*nothing.csv"):
        read_votes(root / "nothing.csv")
    (root / "data" / "FER2013Test" / "label.csv").unlink()
    with pytest.raises(FileNotFoundError, match=r"no FER\+ in .*FER2013Test"):
        read_ferplus_labels(root, "label.csv")
    with pytest.raises(FileNotFoundError, match="fer2013new.csv not found"):
        read_ferplus_labels(root / "data")
    with pytest.raises(ValueError, match="source must be"):
        read_ferplus_labels(root, "fer2013.csv")
    with pytest.raises(ValueError, match="choose off, warn, strict"):
        read_ferplus_labels(root, verify="maybe")


BROKEN = [
    ("", "is empty"),
    (
        "emotion,pixels,Usage\n0,70 80,Training\n",
        "lacks the columns Image name, neutral, .*; has emotion",
    ),
    (f"{HEADER}\nTesting,a.png,10,0,0,0,0,0,0,0,0,0\n", "line 2: unknown usage 'Testing'"),
    (f"{HEADER}\nTraining,a.png,10,0,0,0,0,0,0,0,0\n", "line 2: 11 fields, expected 12"),
    (f"{HEADER}\n\nTraining,a.png,x,0,0,0,0,0,0,0,0,0\n", "line 3: votes must be whole numbers"),
    (f"{HEADER}\nTraining,a.png,-1,0,0,0,0,0,0,0,0,0\n", "line 2: votes must not be negative"),
]


@pytest.mark.parametrize(("text", "message"), BROKEN)
def test_broken_files_name_the_line(tmp_path, text, message):
    (tmp_path / "fer2013new.csv").write_text(text)
    with pytest.raises(ValueError, match=message):
        read_votes(tmp_path / "fer2013new.csv")


def test_broken_label_files_name_the_line(root):
    good = LABELS["FER2013Valid"][0]
    (root / "label.csv").write_text(good)
    with pytest.raises(ValueError, match="folder of a label.csv tells its split"):
        read_votes(root / "label.csv")
    path = root / "data" / "FER2013Valid" / "label.csv"
    path.write_text(f"{good}\n{good.replace(chr(34), '')}\n")  # the box without its quotes
    with pytest.raises(ValueError, match="line 2: 15 fields"):
        read_votes(path)


# --- the published files ---


@pytest.mark.parametrize(("rule", "source"), EXPECTED)
def test_the_published_counts(real_data, rule, source):
    labels = read_ferplus_labels(real_data / "ferplus", source, rule, verify="strict")
    counts = count_labels(labels)
    assert compare_labels(counts, EXPECTED[rule, source]) == []
    assert (
        counts.drop("kept").sum().tolist() == labels["split"].value_counts()[list(SPLITS)].tolist()
    )


def test_the_expected_table_adds_up():
    for (_, source), rows in EXPECTED.items():
        if "neutral" in rows:
            assert np.array_equal(
                np.sum([rows[name] for name in EMOTION_COLUMNS], axis=0), rows["kept"]
            )
            dropped = [rows[reason] for reason in (NO_MAJORITY, VOTED_NO_FACE) if reason in rows]
            named = (28561, 3579, 3574) if source == "fer2013new.csv" else (28558, 3579, 3573)
            assert tuple(np.sum([rows["kept"], *dropped], axis=0)) == named


def test_the_published_quirks(real_data):
    votes = read_votes(real_data / "ferplus" / "fer2013new.csv")
    assert votes["split"].value_counts()[list(SPLITS)].tolist() == [28709, 3589, 3589]
    unnamed = votes[votes["name"] == ""]
    assert unnamed["split"].value_counts()[list(SPLITS)].tolist() == [148, 10, 15]
    assert (unnamed["NF"] == 10).all()
    named = votes[votes["name"] != ""]
    assert named.index[named["NF"] == 10].tolist() == [10657, 13839, 34334]
    twice = named[named["name"].duplicated(keep=False)].groupby("name").groups
    assert {name: list(rows) for name, rows in twice.items()} == {
        "fer0006953.png": [5274, 6968],
        "fer0008403.png": [8423, 15835],
        "fer0011785.png": [5348, 11817],
        "fer0033120.png": [33200, 34334],
    }
    assert votes.index[votes[list(VOTE_COLUMNS)].sum(axis=1) != 10].tolist() == [10435]
    numbers = named["name"].str[3:10].astype(int)
    assert named.index[numbers != named.index][0] == 60
    assert named.index[-1] - numbers.iloc[-1] == 85


def test_the_sources_disagree(real_data):
    new, old = (
        read_ferplus_labels(real_data / "ferplus", source, verify="off") for source in SOURCES
    )
    both = new.drop_duplicates("name").merge(old.drop_duplicates("name"), on=["split", "name"])
    differ = (
        both[[f"{c}_x" for c in VOTE_COLUMNS]].to_numpy()
        != both[[f"{c}_y" for c in VOTE_COLUMNS]].to_numpy()
    ).any(axis=1)
    assert both["split"][differ].value_counts()[list(SPLITS)].tolist() == [1073, 246, 282]
