"""How far drawn neutral faces are from photographed ones: the formulas, and the limits that are held."""

import json
from importlib.resources import files

import numpy as np
import pytest
from PIL import Image

from ferkit import gap
from ferkit.data.clips import Clip
from ferkit.evaluate import Score
from ferkit.faces.detect import find_face
from ferkit.faces.store import prepare
from ferkit.gap import PARTS, Statistics, eye_aligned, frechet, landmark_gap, real_neutral, shrunk, statistics_of
from ferkit.gap_pictures import auc, crops, picture_gap
from ferkit.landmarks import five_points
from ferkit.plots import draw as draw_figure
from ferkit.synthetic.sets import SETS, frames_of, plan
from ferkit.tables import flatten
from ferkit.views import aligned_face

# Held for PEOPLE drawn people: mean difference in pixels of 96 (the goal is 0.5), and drawn spread over photographed (the goal is 0.85
# to 1.15). The seeds are fixed, so the same drawing code gives the same numbers. Other 40 people move the mean difference by up to 0.35
# (brows, mouth, nose) and the ratio by up to 0.17 (mouth, jaw), which is what the limits leave; with 200 people the goals are met but for
# the spread of the jaw (0.82).
PEOPLE = 40
MEAN_LIMIT = {"jaw": 0.9, "brows": 0.85, "nose": 0.5, "eyes": 0.35, "mouth": 0.6, "inner": 0.5}
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


def turned(points, angle, scale, shift):
    turn = scale * np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return points @ turn + shift


# --- alignment and statistics ---


def test_alignment_fixes_both_eyes_and_forgets_place_size_and_turn():
    points = people_like(real_neutral().mean, 1.0, 5)
    aligned = eye_aligned(points)
    assert five_points(aligned)[:, :2] == pytest.approx(np.tile(96 * np.array(gap.EYES), (5, 1, 1)))
    assert eye_aligned(turned(points, 0.4, 2.5, (30, -8))) == pytest.approx(aligned)
    assert eye_aligned(points[0]) == pytest.approx(aligned[0])


def test_eyes_in_one_place_cannot_be_aligned():
    with pytest.raises(ValueError, match="eyes coincide"):
        eye_aligned(np.zeros((2, 68, 2)))


def test_spread_and_mean_of_known_points():
    points = np.zeros((3, 68, 2))
    points[:, :, 0] = [[-2], [0], [2]]  # standard deviation 2 along x, 0 along y
    points[:, PARTS["mouth"], 1] = [[-3], [0], [3]]
    known = statistics_of(points)
    assert known.people == 3
    assert known.part(PARTS["nose"]).spread == pytest.approx(2)
    assert known.part(PARTS["mouth"]).spread == pytest.approx(np.hypot(2, 3))
    assert known.covariance == pytest.approx(np.cov(points.reshape(3, -1).T))


def test_parts_cover_the_face_once():
    regions = [PARTS[name] for name in ("jaw", "brows", "nose", "eyes", "mouth")]
    assert sorted(np.concatenate(regions)) == list(PARTS["all"]) == list(range(68))


@pytest.mark.parametrize(
    ("points", "people", "message"),
    [
        (np.zeros((5, 49, 2)), None, r"expected finite landmarks \(N, 68, 2\)"),
        (np.full((5, 68, 2), np.nan), None, "expected finite landmarks"),
        (np.zeros((5, 68, 2)), ["a", "b"], "a person for each of 5 faces"),
        (np.zeros((2, 68, 2)), None, "at least 3 of them, got 2"),
        (np.zeros((5, 68, 2)), list("aabbb"), "at least 3 of them, got 2"),
    ],
)
def test_too_few_people_and_other_shapes_are_refused(points, people, message):
    with pytest.raises(ValueError, match=message):
        statistics_of(points, people)


# --- Frechet distance ---


def test_frechet_distance_of_known_gaussians():
    def line(mean, deviation):
        return Statistics(np.array([mean]), np.array([[deviation**2]]), 9)

    assert frechet(line(0.0, 1.0), line(3.0, 5.0)) == pytest.approx(5)  # sqrt(3^2 + (5 - 1)^2)
    a, b = np.array([[2.0, 1], [1, 2]]), np.array([[1.0, 0], [0, 4]])
    one, two = Statistics(np.zeros(2), a, 9), Statistics(np.ones(2), b, 9)
    crossed = np.sqrt(
        10 + 2 * np.sqrt(12)
    )  # the trace of the root of a 2 x 2 matrix, from the trace and determinant of a b
    assert frechet(one, two) == pytest.approx(np.sqrt(2 + 4 + 5 - 2 * crossed))
    assert frechet(one, two) == pytest.approx(frechet(two, one))
    assert frechet(one, one) == pytest.approx(0, abs=1e-6)


def test_shrinking_keeps_variances_and_goes_with_the_number_of_people():
    few, many = (statistics_of(people_like(real_neutral().mean, 1.0, n)) for n in (10, 1000))
    for s in (few, many):
        assert np.diag(shrunk(s).covariance) == pytest.approx(np.diag(s.covariance))
        assert np.linalg.eigvalsh(shrunk(s).covariance).min() > 0
    off = [shrunk(s).covariance[0, 1:] / s.covariance[0, 1:] for s in (few, real_neutral())]
    assert off[0].mean() < 0.3  # nothing correlates here, and ten people cannot show that anything does
    assert off[1].mean() > 0.7


# --- the gap ---


def test_the_photographed_side_is_an_aggregate_that_makes_sense():
    text = (files("ferkit") / "real_neutral.json").read_text(encoding="utf-8")
    assert len(text) < 100_000
    assert json.loads(text)["people"] == real_neutral().people == 26
    assert five_points(real_neutral().mean)[:2] == pytest.approx(96 * np.array(gap.EYES), abs=0.01)
    assert np.linalg.eigvalsh(real_neutral().covariance).min() > -1e-6
    assert 1 < real_neutral().spread < 5


def test_writing_and_reading_keeps_the_statistics(tmp_path, monkeypatch):
    known = statistics_of(people_like(real_neutral().mean, 1.5, 20))
    gap.write(known, tmp_path / "real_neutral.json", "made up")
    monkeypatch.setattr(gap, "files", lambda package: tmp_path)
    kept = gap.real_neutral.__wrapped__()
    assert kept.people == 20
    assert kept.mean == pytest.approx(known.mean, abs=1e-4)
    assert kept.covariance == pytest.approx(known.covariance, abs=2e-3)


def test_photographs_measured_again_give_what_is_kept(real_data):
    measured = gap.measure_photographs(real_data)
    assert measured.people == real_neutral().people
    assert measured.mean == pytest.approx(real_neutral().mean, abs=0.05)
    assert measured.spread == pytest.approx(real_neutral().spread, rel=0.02)


def test_without_photographs_there_is_nothing_to_measure(tmp_path):
    assert gap.photographed_neutral(tmp_path) is None
    with pytest.raises(FileNotFoundError, match="no photographs to measure"):
        gap.measure_photographs(tmp_path)


def test_a_known_shift_and_a_known_spread_are_found():
    real = statistics_of(eye_aligned(people_like(real_neutral().mean, 1.0, 400, seed=1)))
    points = people_like(real_neutral().mean, 1.0, 400, seed=2)
    points[:, PARTS["mouth"], 1] += 3
    mouths = points[:, PARTS["mouth"]]
    points[:, PARTS["mouth"]] = mouths.mean(0) + 2 * (mouths - mouths.mean(0))
    table = landmark_gap(points, np.arange(400), real, repeats=40)
    assert list(table.index) == list(PARTS)
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
    assert twice["mean_difference_same"].to_numpy() == pytest.approx(table["mean_difference_same"].to_numpy())


def test_the_figure_shows_both_faces_and_both_goals():
    points = people_like(real_neutral().mean, 2.0, 12)
    table = landmark_gap(points, np.arange(12), repeats=8)
    rows = gap.figure_table(statistics_of(eye_aligned(points)), real_neutral(), table)
    axes = draw_figure("plot_gap", rows).axes
    assert len(axes) == 3
    assert [text.get_text() for text in axes[0].get_legend().get_texts()] == ["photographed", "drawn"]
    assert [label.get_text() for label in axes[1].get_yticklabels()] == list(PARTS)
    assert [patch.get_width() for patch in axes[1].containers[0]] == pytest.approx(table["mean_difference"].tolist())
    assert [text.get_text() for text in axes[2].texts] == [f"{value:.2f}" for value in table["ratio"]]


# --- pictures ---


def test_area_under_the_curve():
    assert auc([0, 0, 1, 1], [1, 2, 3, 4]) == 1
    assert auc([0, 0, 1, 1], [1, 3, 2, 4]) == 0.75
    assert auc([0, 1, 1], [5, 5, 5]) == 0.5
    assert np.isnan(auc([1, 1], [1, 2]))


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
    assert {type(score) for score in (found["hog_distance"], found["told_apart"]["whole picture"])} == {Score}
    assert {"told_apart/face", "hog_distance", "grey/drawn"} <= flatten(found).keys()


def test_other_sizes_and_too_few_people_are_refused(noise):
    with pytest.raises(ValueError, match=r"expected pictures \(N, 96, 96\) and N people"):
        picture_gap(noise[:9, :64], noise[:9], range(9), range(9))
    with pytest.raises(ValueError, match=r"expected pictures \(N, 96, 96\) and N people"):
        picture_gap(noise[:9], noise[:9], range(9), range(8))
    with pytest.raises(ValueError, match="6 people of each, got 5"):
        picture_gap(noise[:9], noise[:9], range(9), [0, 1, 2, 3, 4, 0, 0, 0, 0])


# --- what is held ---


@pytest.fixture(scope="module")
def neutral():
    """dlib's landmarks `(N, 68, 2)` on drawn neutral people, and who they are."""
    found = []
    for shot in plan("neutral", "lesson")[:PEOPLE]:
        image = next(frames_of(shot, SETS["neutral"]))[0].image
        if face := find_face(image):
            found.append((aligned_face(image, face, gap.PREPARED)[1], shot.person))
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
        p: round(value, 2) for p, value in ratios.items() if not SPREAD_LIMITS[p][0] <= value <= SPREAD_LIMITS[p][1]
    }
    assert not wrong


def test_crops_bring_the_eyes_where_they_belong(tmp_path, drawn_face):
    Image.fromarray(drawn_face[0]).save(tmp_path / "a.png")
    clip = Clip("drawn", "a", "a", "neutral", (tmp_path / "a.png",))
    faces = prepare([clip], 64, cache=tmp_path, keep_images=False, progress=False)
    (picture,) = crops(faces)
    assert picture.shape == (96, 96)
    seen = eye_aligned(faces.original[0])
    for eye in (PARTS["eyes"][:6], PARTS["eyes"][6:]):
        x, y = seen[eye].mean(0).round().astype(int)
        around = picture[y - 4 : y + 4, x - 4 : x + 4]
        assert around.min() < picture[30:60, 30:66].mean() * 0.7  # the pupil
