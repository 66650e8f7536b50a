from dataclasses import FrozenInstanceError, fields
from itertools import product
from math import isclose

import numpy as np
import pytest

from ferkit.core.labels import EMOTIONS
from ferkit.data import DATASETS
from ferkit.papers.reported import (
    PAPERS,
    RESULT_UNITS,
    SETTING_VARIANTS,
    STATUSES,
    paper,
    parse_paper,
)


def keys(*parts: str) -> set[str]:
    """Every path through the words of the parts.

    keys("ckplus oulu", "dtan") gives ckplus/dtan and oulu/dtan.
    """
    return {"/".join(words) for words in product(*(part.split() for part in parts))}


SIX = "anger disgust fear happiness sadness surprise"

# The numbers each paper's tables and text must give us, cell by cell.
DEMANDED = {
    "multimodal": keys("svm", "raw residual")
    | {"alexnet", "two_branches", "two_branches/loss", "two_branches/best_iteration"}
    | keys("top_k", "224 1200", "1 2 3 4 5")
    | {"challenge/svm/validation", "challenge/final/validation", "challenge/final/test"},
    "i2cnn": keys("jaffe ckplus6 ckplus7", "i2cnn k5 k1 boosted_lbp_rbf")
    | keys("ckplus6 ckplus7", "lbp gabor")
    | {"jaffe/boosted_lbp_linear", "jaffe/boosted_lbp_polynomial", "ckplus6/bdbn"}
    | keys("ckplus7", "fp_sae cspl ldp itbn geometric"),
    "dtagn": keys(
        "ckplus oulu mmi", "dtan dtgn weighted_sum joint_l3 joint concatenation hog3d stm_explet"
    )
    | keys("ckplus mmi", "3dcnn 3dcnn_dap")
    | keys("oulu mmi", "3dsift")
    | keys("ckplus", "msr tms cov3d")
    | keys("oulu", "lbp_top adalbp atlases")
    | keys("mmi", "itbn cspl")
    | keys("sequences", "ckplus oulu mmi", SIX + " all")
    | keys("people", "ckplus oulu mmi")
    | {"sequences/ckplus/contempt"},
    "emotionaldan": keys(
        "seven three", "ckplus jaffe ised", "cnn2 cnn5 inception emotionnet2 emotionaldan"
    )
    | keys("related", "conv4a conv4b", SIX + " mean"),
    "tfe": {
        "ckplus/resnet",
        "ckplus/joint",
        "ckplus/ppdn",
        "ckplus/fold/resnet",
        "ckplus/fold/joint",
    }
    | {"ferplus/resnet", "ferplus/joint", "ferplus/vgg13", "gain/ckplus", "lfw/verification"}
    | {
        "data/casia/identities",
        "data/casia/kept",
        "data/ckplus/images",
        "data/ferplus/train",
        "data/ferplus/test",
    },
}

SETTINGS = {
    "multimodal": "batch learning_rate momentum weight_decay iterations dropout "
    "dropout_top_k optimiser loss split",
    "i2cnn": "patches regions scales patch_size crop learning_rate rate_step rate_factor "
    "weight_decay dropout folds",
    "dtagn": "dtan/ckplus dtan/oulu dtan/mmi dtgn/ckplus dtgn/oulu dtgn/mmi noise_sigma "
    "image_rotations alpha lambdas",
    "emotionaldan": "channels alpha beta learning_rate_low learning_rate_high dropout "
    "input_size three_classes",
    "tfe": "batch momentum identity_feature emotion_feature tandem_feature "
    "identity_dropout learning_rate/ckplus/resnet "
    "learning_rate/ckplus/deepid learning_rate/ferplus/resnet learning_rate/ferplus/joint "
    "epochs/joint",
}

AUTHORS_CODE = {
    "multimodal": "activation normalisation dense after_concatenation rate_factor rate_step",
    "emotionaldan": "order dropout initialisation augmentation emotion_heads d "
    "stage_1_loss stage_1_optimiser "
    "stage_1_learning_rate stage_2_optimiser half_cycle stage_2_trained alpha beta classes "
    "batch epochs initial_shape",
}

CLAIMS = {
    "multimodal": "residual_beats_raw alexnet_below_residual two_branches_over_residuals "
    "two_branches_over_pictures two_networks_bad multi_task_bad "
    "cross_entropy_same resolution_helps",
    "i2cnn": "patches_beat_whole_face more_patches_better state_of_the_art per_class",
    "dtagn": "joint_best three_losses concatenation_worse_than_either complementary "
    "responds_to_change alpha_half",
    "emotionaldan": "beats_others loses_on_jaffe right_regions conv4a_closer",
    "tfe": "joint_beats_resnet ferplus/deepid_svm beats_state_of_the_art",
}

FIGURES = {
    "multimodal": "residuals alignment loss top_1 top_5",
    "i2cnn": "patches confusion",
    "dtagn": "filters_single filters_dtan important_landmarks tsne per_emotion confusion "
    "alpha failures",
    "emotionaldan": "grad_cam mean_maps predictions application",
    "tfe": "training tsne corrected",
}

CONTRADICTIONS = {
    "multimodal": "",
    "i2cnn": "jaffe_is_lost epochs",
    "dtagn": "mmi_counts concatenation",
    "emotionaldan": "related_landmarks loss_weights which_seven",
    "tfe": "",
}


@pytest.mark.parametrize("name", PAPERS)
def test_no_gaps(name):
    this = paper(name)
    assert this.short_name == name
    assert this.title
    assert this.venue
    assert this.authors
    assert DEMANDED[name] <= {row.key for row in this.results}
    assert set(SETTINGS[name].split()) <= {
        row.key for row in this.settings if row.variant == "as_paper"
    }
    code = {row.key for row in this.settings if row.variant == "as_authors_code"}
    assert code == set(AUTHORS_CODE.get(name, "").split())
    for entries, demanded in (
        (this.claims, CLAIMS),
        (this.figures, FIGURES),
        (this.contradictions, CONTRADICTIONS),
    ):
        assert set(demanded[name].split()) <= {row.key for row in entries}


@pytest.mark.parametrize("name", PAPERS)
def test_every_entry_says_where_it_stands(name):
    this = paper(name)
    for entry in (
        *this.results,
        *this.matrices,
        *this.settings,
        *this.claims,
        *this.figures,
        *this.contradictions,
    ):
        assert entry.where.strip(), entry
        assert getattr(entry, "status", STATUSES[0]) in STATUSES
        assert getattr(entry, "text", "text").strip()
    for row in this.results:
        assert isinstance(row.value, int | float)
        assert np.isfinite(row.value)
        assert row.method
        assert row.data
        assert row.measure
        assert row.unit in RESULT_UNITS
        assert 0 <= row.value <= {"fraction": 1, "percent": 100}.get(row.unit, np.inf)
        # What we have a name for we have measured, or would on the paper's own data.
        assert row.status not in ("cited", "dropped") or not row.ours
        assert set(row.data_sets) <= set(DATASETS)
    assert all(
        row.variant in SETTING_VARIANTS and row.value not in ("", ()) for row in this.settings
    )


def test_papers_are_found_in_the_order_of_their_numbers():
    assert PAPERS == ("multimodal", "i2cnn", "dtagn", "emotionaldan", "tfe")


NUMBERS = [
    ("multimodal", "svm/raw", 0.09, "fraction", "section III-A"),
    ("multimodal", "svm/residual", 0.15, "fraction", "section III-A"),
    ("multimodal", "two_branches", 0.2289, "fraction", "figure 7"),
    ("multimodal", "two_branches/loss", 3.5736, "loss", "figure 6"),
    ("multimodal", "top_k/224/5", 0.6129, "fraction", "table II; figure 8"),
    ("multimodal", "top_k/1200/1", 0.2227, "fraction", "table II; section V-C"),
    ("multimodal", "challenge/final/test", 80.212137, "percent", "table I; abstract"),
    ("i2cnn", "jaffe/i2cnn", 75.2806, "percent", "tables 1, 3 and 4"),
    ("i2cnn", "ckplus7/geometric", 73.2, "percent", "table 2"),
    ("dtagn", "ckplus/joint", 97.25, "percent", "tables 2, 8 and 9"),
    ("dtagn", "oulu/joint", 81.46, "percent", "tables 4, 8 and 9"),
    ("dtagn", "mmi/joint", 70.24, "percent", "tables 6, 8 and 9"),
    ("dtagn", "mmi/cspl", 73.53, "percent", "table 6"),
    ("emotionaldan", "seven/ckplus/emotionaldan", 0.736, "fraction", "table 2"),
    ("emotionaldan", "three/jaffe/cnn5", 0.765, "fraction", "table 3"),
    ("emotionaldan", "related/conv4b/disgust", 0.429, "fraction", "table 5"),
    ("tfe", "ckplus/joint", 99.31, "percent", "abstract; table 2"),
    ("tfe", "ferplus/joint", 84.29, "percent", "abstract; table 4"),
    ("tfe", "lfw/verification", 91, "percent", "section 4.4"),
]


@pytest.mark.parametrize(("name", "key", "value", "unit", "where"), NUMBERS)
def test_numbers_are_the_papers(name, key, value, unit, where):
    row = paper(name).result(key)
    assert (row.value, row.unit, row.where) == (value, unit, where)


def test_settings_are_the_papers():
    multimodal, i2cnn, dtagn, dan, tfe = map(paper, PAPERS)
    assert [multimodal.setting(key) for key in ("learning_rate", "batch", "momentum")] == [
        0.0005,
        32,
        0.9,
    ]
    assert multimodal.setting("loss_at_zero", "our_reading") == 50
    assert multimodal.setting("dense") == (256, 256)
    assert multimodal.setting("dense", "as_authors_code") == (256,)
    assert (
        i2cnn.setting("feature_all")
        == i2cnn.setting("patches") * i2cnn.setting("feature")
        == 245760
    )
    assert i2cnn.setting("patches") == 2 * i2cnn.setting("regions") * i2cnn.setting("scales")
    assert dtagn.setting("lambdas") == (1, 1, 0.1)
    assert dtagn.setting("dtgn_inputs") == 2 * dtagn.setting("landmarks") * dtagn.setting(
        "frames", "our_reading"
    )
    assert (dan.setting("alpha"), dan.setting("alpha", "as_authors_code")) == (0.4, 0.5)
    assert tfe.setting("tandem_feature") == tfe.setting("identity_feature") + tfe.setting(
        "emotion_feature"
    )


PLAIN = ("cnn2", "cnn5", "inception", "emotionnet2")
METHODS = ("dtan", "dtgn", "weighted_sum", "joint_l3", "joint", "concatenation")
MEASURED = {
    "multimodal": {
        "svm/raw": "{data}/50/raw/top1",
        "svm/residual": "{data}/50/residual/top1",
        "alexnet": "{data}/50/alexnet/top1",
        "two_branches": "{data}/50/two_branches_hinge/top1",
        "two_branches/loss": "{data}/50/two_branches_hinge/lowest_val_loss",
        **{f"top_k/224/{k}": f"{{data}}/50/hinge_dropout_0.5/top{k}" for k in range(1, 6)},
    },
    "i2cnn": {
        **{
            f"{data}/{row}": f"{{data}}/{classes}/{ours}/top1"
            for data, classes in (("jaffe", 7), ("ckplus6", 6), ("ckplus7", 7))
            for row, ours in (("i2cnn", "k60"), ("k5", "k5"), ("k1", "k1"))
        },
        **{
            f"ckplus{classes}/{name}": f"{{data}}/{classes}/{name}/top1"
            for classes in (6, 7)
            for name in ("lbp", "gabor")
        },
        "gain/jaffe": "{data}/7/relative_gain",
    },
    "dtagn": {
        f"{data}/{method}": f"{{data}}/{method}"
        for data in ("ckplus", "oulu", "mmi")
        for method in METHODS
    },
    "tfe": {
        **{
            f"{data}/{way}": f"{{data}}/{way}"
            for data in ("ckplus", "ferplus")
            for way in ("resnet", "joint")
        },
        **{f"ckplus/fold/{way}": f"{{data}}/fold/{way}" for way in ("resnet", "joint")},
        **{f"gain/{data}": "{data}/joint_minus_resnet" for data in ("ckplus", "ferplus")},
        "lfw/verification": "verification/{data}",
    },
    "emotionaldan": {
        f"{word}/{data}/{key}": f"{{data}}/{classes}/{ours}/open"
        for word, classes in (("seven", 7), ("three", 3))
        for data in ("ckplus", "jaffe", "ised")
        for key, ours in ({key: key for key in PLAIN} | {"emotionaldan": "as_authors_code"}).items()
    }
    | {
        f"related/{layer}/{what}": f"related/{layer}/as_authors_code/{what}"
        for layer in ("conv4a", "conv4b")
        for what in ("happiness", "sadness", "surprise", "fear", "disgust", "anger", "mean")
    },
}


@pytest.mark.parametrize("name", MEASURED)
def test_what_is_measured_now(name):
    assert {row.key: row.ours for row in paper(name).results if row.ours} == MEASURED[name]


# --- the papers' numbers against each other ---


def result_values(name: str) -> dict[str, float]:
    return {result.key: result.value for result in paper(name).results}


def test_class_counts_add_up():
    values = result_values("dtagn")
    for data in ("ckplus", "oulu", "mmi"):
        classes = [
            f"sequences/{data}/{emotion}"
            for emotion in EMOTIONS
            if f"sequences/{data}/{emotion}" in values
        ]
        assert sum(map(values.get, classes)) == values[f"sequences/{data}/all"]


@pytest.mark.parametrize("name", ["ckplus", "oulu", "mmi"])
def test_confusion_matrices_give_the_accuracy(name):
    this = paper("dtagn")
    matrix = next(matrix for matrix in this.matrices if matrix.key == f"{name}/joint")
    shares = np.array(matrix.values) / 100
    assert np.allclose(shares.sum(axis=1), 1, atol=0.0011)
    counts = np.array(
        [this.result(f"sequences/{name}/{emotion}").value for emotion in matrix.classes]
    )
    if (
        name == "mmi"
    ):  # table 7's shares need 31 angry and 32 disgusted sequences, not table 1's 32 and 31
        assert not all(
            abs(n * s - round(n * s)) < 0.02 for n, s in zip(counts, shares.diagonal(), strict=True)
        )
        counts[:2] = (31, 32)
    right = counts * shares.diagonal()
    assert np.allclose(right, right.round(), atol=0.02)
    assert isclose(
        100 * right.round().sum() / counts.sum(), this.result(f"{name}/joint").value, abs_tol=0.006
    )


def test_concatenation_is_not_worse_than_either_network():
    value = result_values("dtagn")
    for data in ("ckplus", "oulu", "mmi"):
        assert value[f"{data}/concatenation"] > max(value[f"{data}/dtan"], value[f"{data}/dtgn"])


def test_derived_numbers_follow_from_the_printed_ones():
    i2cnn, dan, tfe = map(result_values, ("i2cnn", "emotionaldan", "tfe"))
    for data in ("jaffe", "ckplus6", "ckplus7"):
        assert isclose(
            100 * (i2cnn[f"{data}/i2cnn"] / i2cnn[f"{data}/k1"] - 1),
            i2cnn[f"gain/{data}"],
            abs_tol=0.006,
        )
    assert i2cnn["jaffe/i2cnn"] < i2cnn["jaffe/boosted_lbp_rbf"]
    for layer in ("conv4a", "conv4b"):
        shares = [dan[f"related/{layer}/{emotion}"] for emotion in SIX.split()]
        assert isclose(np.mean(shares), dan[f"related/{layer}/mean"], abs_tol=0.0006)
    assert isclose(tfe["ckplus/joint"] - tfe["gain/ckplus"], tfe["ckplus/resnet"])


def dense(*widths: int) -> int:
    return sum((a + 1) * b for a, b in zip(widths, widths[1:], strict=False))


def test_counted_parameters():
    multimodal, _, dtagn, _, tfe = map(paper, PAPERS)
    assert dtagn.setting("parameters/dtgn/ckplus", "our_reading") == dense(1176, 100, 600, 7)
    assert dtagn.setting("parameters/dtgn/mmi", "our_reading") == dense(1176, 100, 200, 6)
    for frames in (3, 12):
        convolutions = dense(25 * frames, 64) + dense(25 * 64, 64)
        counted = convolutions + dense(64 * 13 * 13, 500, 500, 7)
        assert dtagn.setting(f"parameters/dtan/ckplus/{frames}", "our_reading") == counted
    mmi = dense(25 * 12, 32) + dense(9 * 32, 32) + dense(32 * 27 * 27, 30, 6)
    assert dtagn.setting("parameters/dtan/mmi/12", "our_reading") == mmi
    alexnet = (
        dense(363, 96)
        + dense(25 * 48, 256)
        + dense(9 * 256, 384)
        + dense(9 * 192, 384)
        + dense(9 * 192, 256)
    )
    assert multimodal.setting("parameters", "our_reading") == alexnet + dense(9216, 256, 256, 50)
    deepid = (
        dense(16 * 3, 20)
        + dense(9 * 20, 40)
        + dense(9 * 40, 60)
        + dense(4 * 60, 80)
        + dense(2160, 160)
    )
    assert tfe.setting("identity_parameters", "our_reading") == deepid


# --- the loader ---


def test_papers_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        paper("dtagn").title = "another"
    assert paper("dtagn") is paper("dtagn")


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match="unknown paper 'paper3'; known: multimodal"):
        paper("paper3")
    with pytest.raises(ValueError, match="no result of dtagn has the key 'ckplus/svm'"):
        paper("dtagn").result("ckplus/svm")
    with pytest.raises(ValueError, match="no as_authors_code setting of dtagn"):
        paper("dtagn").setting("alpha", "as_authors_code")
    with pytest.raises(ValueError, match="unknown variant 'as_author'"):
        paper("dtagn").setting("alpha", "as_author")


ABOUT = """
short_name = "x"
number = 9
title = "t"
authors = ["a"]
venue = "v"
year = 2000
source = "s"
"""
TABLE = """
[[tables]]
method = "m"
data = "d"
measure = "accuracy"
unit = "percent"
status = "planned"
where = "w"
"""


def test_rows_take_what_their_table_says():
    this = parse_paper(
        ABOUT
        + TABLE
        + 'rows = [{ key = "a", value = 1 }, { key = "b", value = 2, where = "elsewhere" }]'
    )
    assert [(row.key, row.method, row.where) for row in this.results] == [
        ("a", "m", "w"),
        ("b", "m", "elsewhere"),
    ]
    assert all(getattr(this, field.name) == () for field in fields(this)[-5:])


def test_a_row_may_belong_to_several_data_sets():
    rows = """
data_sets = ["jaffe", "posed"]
rows = [
    { key = "a", value = 1, ours = "{data}/7/k1" },
    { key = "b", value = 2 },
    { key = "c", value = 3, ours = "posed/7/k1" },
]
"""
    names = [row.our_names for row in parse_paper(ABOUT + TABLE + rows).results]
    assert names == [{"jaffe/7/k1": "jaffe", "posed/7/k1": "posed"}, {}, {"posed/7/k1": ""}]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ('{ key = "a", value = 1, ours = "{data}/7" }', "result a: `data_sets` lists"),
        ('{ key = "a", value = 1, ours = "a/7", data_sets = ["a"] }', "give both or neither"),
        ('{ key = "a" }', "Result a: .*value"),
        ('{ key = "a", value = 1, vaule = 2 }', "Result a: .*vaule"),
        ('{ key = "a", value = 1, status = "perhaps" }', "Result a: unknown status 'perhaps'"),
        ('{ key = "a", value = 1, unit = "%" }', "Result a: unknown unit '%'"),
        (
            '{ key = "a", value = 1 }, { key = "a", value = 2 }',
            "Result: keys must be unique, got a twice",
        ),
    ],
)
def test_malformed_entries_are_named(rows, message):
    with pytest.raises(ValueError, match=message):
        parse_paper(f"{ABOUT}{TABLE}rows = [{rows}]")


def test_a_misspelt_heading_is_named():
    with pytest.raises(ValueError, match="x: .*setings"):
        parse_paper(ABOUT + "setings = []")
