"""How far drawn neutral faces are from photographed ones: the formulas, and the limits."""

import numpy as np
import pytest
from PIL import Image

from ferkit.data.clip import Clip
from ferkit.drawn.draw_sets import draw_clip
from ferkit.drawn.sets import SETS, plan_clips
from ferkit.evaluation.intervals import Score
from ferkit.faces import align
from ferkit.faces.detect import find_face, landmarks_in
from ferkit.faces.prepare import prepare
from ferkit.papers.tables import flatten_metrics
from ferkit.plots import draw_table
from ferkit.workbook.studies import drawn_vs_real, neutral_faces
from ferkit.workbook.studies.drawn_vs_real import landmark_gap
from ferkit.workbook.studies.drawn_vs_real_pictures import crop_pictures, picture_gap
from ferkit.workbook.studies.neutral_faces import (
    FACE_PARTS,
    align_eyes,
    face_statistics,
    real_neutral,
)

# Limits for PEOPLE drawn people: mean difference in pixels of 96 (the goal is 0.5), drawn spread
# over photographed (the goal is 0.85 to 1.15). Seeds are fixed, so the same code gives the same
# numbers. With other people, 40 of them, the mean difference changes by up to 0.35 (brows, mouth,
# nose) and the ratio by up to 0.17 (mouth, jaw), which the limits allow; with 200 people all goals
# are met but that of the jaw's spread (0.82).
PEOPLE = 40
# Deeper shade under jaw and nose, as photographs have it, moved dlib's points there since the mean
# face was matched: by 1.4 and 0.8 pixels.
MEAN_LIMIT = {"jaw": 1.6, "brows": 0.85, "nose": 0.9, "eyes": 0.35, "mouth": 0.6, "inner": 0.5}
SPREAD_LIMITS = {
    "jaw": (0.6, 1.15),
    "brows": (0.82, 1.15),
    "nose": (0.78, 1.15),
    "eyes": (0.82, 1.15),
    "mouth": (0.78, 1.2),
    "inner": (0.8, 1.15),
}


def people_like(mean, spread, count, seed=0):
    """Aligned faces of `count` people, every coordinate normal with standard deviation `spread`."""
    return mean + np.random.default_rng(seed).normal(0, spread, (count, 68, 2))


def test_a_known_shift_and_a_known_spread_are_found():
    real = face_statistics(align_eyes(people_like(real_neutral().mean, 1.0, 400, seed=1)))
    points = people_like(real_neutral().mean, 1.0, 400, seed=2)
    points[:, FACE_PARTS["mouth"], 1] += 3
    mouths = points[:, FACE_PARTS["mouth"]]
    points[:, FACE_PARTS["mouth"]] = mouths.mean(0) + 2 * (mouths - mouths.mean(0))
    table = landmark_gap(points, np.arange(400), real, repeats=40)
    assert list(table.index) == list(FACE_PARTS)
    assert table.loc["mouth", "mean_difference"] == pytest.approx(3, abs=0.3)
    assert table.loc["nose", "mean_difference"] < 0.3
    assert 1.7 < table.loc["mouth", "ratio"] < 2.1
    assert table.loc["nose", "ratio"] == pytest.approx(1, abs=0.1)
    assert table.loc["mouth", "frechet"] > table.loc["mouth", "mean_difference"]
    for name in ("mean_difference", "ratio", "frechet"):
        assert (table[f"{name}_low"] <= table[name] + 0.05).all()
        assert (table[f"{name}_high"] >= table[name] - 0.05).all()
    assert table.loc["mouth", "mean_difference_low"] > 2.5
    assert table.loc["nose", "mean_difference"] < 3 * table.loc["nose", "mean_difference_same"]


def test_the_same_seed_gives_the_same_table_and_people_count_not_pictures():
    points = people_like(real_neutral().mean, 2.0, 12)
    table = landmark_gap(points, np.arange(12), repeats=8)
    assert table.equals(landmark_gap(points, np.arange(12), repeats=8))
    twice = landmark_gap(np.concatenate([points, points]), np.tile(np.arange(12), 2), repeats=8)
    assert twice["mean_difference"].to_numpy() == pytest.approx(table["mean_difference"].to_numpy())
    assert twice["mean_difference_same"].to_numpy() == pytest.approx(
        table["mean_difference_same"].to_numpy()
    )


def test_the_figure_shows_both_faces_and_both_goals():
    points = people_like(real_neutral().mean, 2.0, 12)
    table = landmark_gap(points, np.arange(12), repeats=8)
    rows = drawn_vs_real.gap_panels(face_statistics(align_eyes(points)), real_neutral(), table)
    axes = draw_table("plot_gap", rows).axes
    assert len(axes) == 3
    assert [text.get_text() for text in axes[0].get_legend().get_texts()] == [
        "photographed",
        "drawn",
    ]
    assert [label.get_text() for label in axes[1].get_yticklabels()] == list(FACE_PARTS)
    assert [patch.get_width() for patch in axes[1].containers[0]] == pytest.approx(
        table["mean_difference"].tolist()
    )
    assert [text.get_text() for text in axes[2].texts] == [
        f"{value:.2f}" for value in table["ratio"]
    ]


# --- pictures ---


@pytest.fixture(scope="module")
def noise():
    """Eighty pictures of one population."""
    rng = np.random.default_rng(5)
    blocks = 60 + 90 * rng.random((80, 12, 12)).repeat(8, 1).repeat(8, 2)
    return (blocks + rng.normal(0, 20, (80, 96, 96))).clip(0, 255).astype(np.uint8)


def test_two_halves_of_one_population_cannot_be_told_apart(noise):
    found = picture_gap(noise[:40], noise[40:], range(40), range(40))
    assert found["told_apart"]["face"].value == pytest.approx(0.5, abs=0.2)
    assert found["hog_distance"].value == pytest.approx(1, abs=0.15)
    assert found["grey"]["drawn"].value == pytest.approx(found["grey"]["photographed"].value, abs=4)


def test_other_pictures_can_be_told_apart(noise):
    smooth = noise[:40] // 16 + 100 + np.arange(96, dtype=np.uint8)[:, None] // 2
    found = picture_gap(smooth, noise[40:60], range(40), range(20))
    assert found["told_apart"]["face"].value > 0.95
    assert found["hog_distance"].value > 1.3
    assert found["contrast"]["drawn"].high < found["contrast"]["photographed"].low
    assert found["detail"]["drawn"].n == found["detail"]["photographed"].n == 20
    assert {
        type(score) for score in (found["hog_distance"], found["told_apart"]["whole picture"])
    } == {Score}
    assert {"told_apart/face", "hog_distance", "grey/drawn"} <= flatten_metrics(found).keys()


def test_other_sizes_and_too_few_people_are_refused(noise):
    with pytest.raises(ValueError, match=r"expected pictures \(N, 96, 96\) and N people"):
        picture_gap(noise[:9, :64], noise[:9], range(9), range(9))
    with pytest.raises(ValueError, match=r"expected pictures \(N, 96, 96\) and N people"):
        picture_gap(noise[:9], noise[:9], range(9), range(8))
    with pytest.raises(ValueError, match="6 people of each, got 5"):
        picture_gap(noise[:9], noise[:9], range(9), [0, 1, 2, 3, 4, 0, 0, 0, 0])


# --- what is held ---


def find_again(image, face):
    """Align a face and find its landmarks `(68, 2)` there once more, as `prepare` does."""
    size = neutral_faces.PREPARED_SIZE
    matrix = align.alignment(face.landmarks, size)
    return landmarks_in(align.align(image, matrix, size), align.apply_box(matrix, face.box))


@pytest.fixture(scope="module")
def neutral():
    """dlib's landmarks `(N, 68, 2)` on drawn neutral people, and who they are."""
    found = []
    for shot in plan_clips("neutral", "lesson")[:PEOPLE]:
        image = next(draw_clip(shot, SETS["neutral"]))[0].image
        if face := find_face(image):
            found.append((find_again(image, face), shot.person))
    points, people = zip(*found, strict=True)
    return np.stack(points), np.array(people)


def test_drawn_neutral_faces_stay_near_photographed_ones(neutral):
    points, people = neutral
    assert len(points) >= 0.99 * PEOPLE
    table = landmark_gap(points, people, repeats=4)
    far = {part: table.loc[part, "mean_difference"] for part in MEAN_LIMIT}
    assert not {part: round(value, 2) for part, value in far.items() if value > MEAN_LIMIT[part]}
    ratios = {part: table.loc[part, "ratio"] for part in SPREAD_LIMITS}
    wrong = {
        p: round(value, 2)
        for p, value in ratios.items()
        if not SPREAD_LIMITS[p][0] <= value <= SPREAD_LIMITS[p][1]
    }
    assert not wrong


def test_crops_bring_the_eyes_where_they_belong(tmp_path, drawn_face):
    Image.fromarray(drawn_face[0]).save(tmp_path / "a.png")
    clip = Clip("drawn", "a", "a", "neutral", (tmp_path / "a.png",))
    faces = prepare([clip], 64, cache=tmp_path, keep_images=False, progress=False)
    (picture,) = crop_pictures(faces)
    assert picture.shape == (96, 96)
    seen = align_eyes(faces.original[0])
    for eye in (FACE_PARTS["eyes"][:6], FACE_PARTS["eyes"][6:]):
        x, y = seen[eye].mean(0).round().astype(int)
        around = picture[y - 4 : y + 4, x - 4 : x + 4]
        assert around.min() < picture[30:60, 30:66].mean() * 0.7  # the pupil
