"""Drawn people whom no network was trained on, and maps compared with what truly moved."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch

from ferkit.core.labels import BASIC7, COMPOUND, SEVEN
from ferkit.core.landmarks import normalise
from ferkit.data.sets.drawn import read_drawn
from ferkit.drawn.draw_sets import draw_clip, draw_set
from ferkit.drawn.sets import SETS, DrawnSet, Size, plan_clips
from ferkit.explain import drawn_faces, face_maps
from ferkit.explain import motion as motion_scores
from ferkit.explain.drawn_faces import redraw_peak_frames
from ferkit.explain.grad_cam import grad_cam
from ferkit.faces import align
from ferkit.faces.prepare import prepare
from ferkit.faces.views import View
from ferkit.papers.dtagn.network import build, centre_inputs
from ferkit.papers.dtagn.specs import DTAN
from ferkit.papers.emotionaldan.rivals import cnn2
from ferkit.papers.emotionaldan.specs import RIVALS
from ferkit.training.spec import Network


@pytest.fixture(scope="module")
def faces() -> list[drawn_faces.DrawnFace]:
    return drawn_faces.draw_new_faces("smoke", progress=False)


def network(names=SEVEN, size=48) -> Network:
    torch.manual_seed(0)
    return Network(
        RIVALS["cnn2"],
        {},
        tuple(names),
        (View(size, grey=True),),
        cnn2(len(names), size, 0.25).eval(),
    )


def test_the_people_are_new(faces):
    shown = {face.person for face in faces}
    lessons = [name for name, drawn in SETS.items() if "lesson" in drawn.levels]
    drawn = {
        f"p{shot.person}"
        for name in lessons
        for seed in (0, 1)
        for shot in plan_clips(name, "lesson", seed)
    }
    assert len(shown) == drawn_faces._NEW_PEOPLE["smoke"]
    assert not shown & drawn
    assert {face.emotion for face in faces} == set(SEVEN) - {"neutral"}


def test_motion_is_where_the_face_is(faces):
    for face in faces:
        assert face.motion.max() > 1
        assert face.motion[~face.within].mean() < face.motion[face.within].mean()


def test_motion_follows_the_face_into_the_map(faces):
    """The place that moves most lies in the map where the matrix brings it."""
    face = faces[0]
    spot = np.zeros_like(face.motion)
    row, column = np.unravel_index(face.motion.argmax(), face.motion.shape)
    spot[row - 6 : row + 7, column - 6 : column + 7] = 5
    _, matrices = face_maps.map_faces(network(), [face])
    there = face_maps.bring_to_map(spot, matrices[0], (48, 48))
    x, y = matrices[0] @ (column + 0.5, row + 0.5, 1)
    assert there.max() > 4
    assert (
        np.hypot(*(np.array(np.unravel_index(there.argmax(), there.shape))[::-1] + 0.5 - (x, y)))
        < 2
    )


def test_a_map_that_is_the_motion_scores_one(faces, monkeypatch):
    plain = network()
    control = motion_scores.compare_with_motion(face_maps.shuffle_weights(plain), faces)
    _, matrices = face_maps.map_faces(plain, faces)
    perfect = [
        face_maps.bring_to_map(face.motion, matrix, (48, 48))
        for face, matrix in zip(faces, matrices, strict=True)
    ]
    monkeypatch.setattr(
        face_maps, "network_maps", lambda *_: list(zip(perfect, matrices, strict=True))
    )
    table = motion_scores.compare_with_motion(plain, faces)
    assert np.allclose(table["auc"].dropna(), 1)
    assert np.allclose(table["pointing"].dropna(), 1)
    found = motion_scores.summarise_scores({"knowing": table}, {"knowing": control})
    assert found.at["knowing", "gain"].value == pytest.approx(
        1 - found.at["knowing", "control"].value
    )
    assert 0 < found.at["knowing", "moved"] < 1


def test_classes_of_pairs_have_the_single_emotions_too():
    pairs = network(COMPOUND.names)
    for emotion in set(SEVEN) - {"neutral"}:
        assert face_maps.find_class(pairs, emotion) is not None
    assert face_maps.find_class(network(("neutral", "happiness")), "fear") is None


def test_faces_without_a_class_are_left_out_and_none_is_an_error(faces):
    table = motion_scores.compare_with_motion(network(("neutral", "happiness")), faces)
    assert set(table["emotion"]) == {"happiness"}
    with pytest.raises(ValueError, match="no class anger"):
        face_maps.map_faces(network(("neutral", "happiness")), faces)
    with pytest.raises(ValueError, match="none of the emotions shown"):
        motion_scores.compare_with_motion(network(("yes", "no")), faces)


def test_the_control_has_other_maps(faces):
    learnt = network()
    before = {name: value.clone() for name, value in learnt.module.state_dict().items()}
    assert not np.allclose(
        face_maps.map_faces(learnt, faces)[0],
        face_maps.map_faces(face_maps.shuffle_weights(learnt), faces)[0],
    )
    assert all(
        torch.equal(value, before[name]) for name, value in learnt.module.state_dict().items()
    )


# Sequences


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    """Six short sequences of one person, of a set that is known while these tests run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(
            SETS, "short", DrawnSet("short", "CK+", "sequences", {"smoke": Size(1, 1, 3)}, 96)
        )
        folder = draw_set(
            "short",
            "smoke",
            0,
            tmp_path_factory.mktemp("drawn") / "short",
            workers=1,
            progress=False,
        )
        every = read_drawn(folder, dataset="short")
        yield drawn_faces.choose_clips(every, [name for name in SEVEN if name != "neutral"], 1)


@pytest.fixture(scope="module")
def prepared(clips, tmp_path_factory):
    return prepare(clips, 64, cache=tmp_path_factory.mktemp("cache"), grey=True, progress=False)


@pytest.fixture(scope="module")
def sequences(clips, prepared):
    return drawn_faces.redraw_sequences(clips, prepared, "smoke", 0)


@pytest.fixture(scope="module")
def dtan(sequences) -> Network:
    torch.manual_seed(0)
    notation = "I64-C(5,6)-L5-P2-C(5,6)-L3-P2-FC20-S7"
    seen = torch.from_numpy(np.stack([each.pictures for each in sequences]))
    module = centre_inputs(build(notation, 12), seen).eval()
    return Network(DTAN, {}, BASIC7, (View(64, grey=True, face=64),), module, 12)


def test_a_peak_frame_drawn_alone_is_the_one_drawn_among_the_others(clips):
    shots = {shot.name: shot for shot in plan_clips("short", "smoke", 0)}
    for clip, alone in zip(clips, redraw_peak_frames(clips, "smoke", 0), strict=True):
        among = [frame for frame, _ in draw_clip(shots[clip.name], SETS["short"])][clip.peak]
        for name in ("image", "landmarks", "parts", "motion"):
            assert np.array_equal(getattr(alone, name), getattr(among, name)), name


def test_people_differ_more_with_a_larger_spread_and_as_drawn_with_the_usual_one():
    clips = [c for c in read_drawn(draw_set("posed", "smoke", 0)) if c.emotion == "neutral"]
    clips = [replace(clip, dataset="posed") for clip in clips]
    differences = {}
    for spread in (0.0, 1.0, 2.0):
        frames = list(redraw_peak_frames(clips, "smoke", 0, spread=spread))
        shapes = np.stack([normalise(frame.landmarks) for frame in frames])
        differences[spread] = shapes.std(0).mean()
        if spread == 1:
            usual = redraw_peak_frames(clips, "smoke", 0)
            for frame, other in zip(frames, usual, strict=True):
                np.testing.assert_array_equal(frame.image, other.image)
    assert 1.2 * differences[0] < differences[1]
    assert 1.2 * differences[1] < differences[2]


def test_sequences_are_seen_as_prepared_and_told_in_pixels_of_the_large_drawing(clips, sequences):
    frames = list(redraw_peak_frames(clips, "smoke", 0))
    assert [each.emotion for each in sequences] == [clip.emotion for clip in clips]
    for clip, each, frame in zip(clips, sequences, frames, strict=True):
        assert each.pictures.shape == (12, 64, 64)
        assert each.peak == round(clip.peak * 11 / 2)
        assert each.motion.max() == pytest.approx(frame.motion.max() * 256 / 96)
        grey = align.align(cv2.cvtColor(each.image, cv2.COLOR_RGB2GRAY), each.matrix, 64).astype(
            float
        )
        off = [np.abs(picture - grey).mean() for picture in each.pictures]
        assert int(np.argmin(off)) == each.peak
        assert off[each.peak] < 4  # grey levels: the file is a JPEG


def test_a_map_of_a_sequence_that_is_the_motion_scores_one_and_its_opposite_nothing(sequences):
    matrices = [each.matrix for each in sequences]
    motion = np.stack(
        [motion_scores.bring_motion_to_map(each, each.matrix, (64, 64)) for each in sequences]
    )
    heat = np.nan_to_num(motion)
    table = motion_scores.score_faces(sequences, heat, matrices)
    assert np.allclose(table["auc"].dropna(), 1)
    assert np.allclose(table["pointing"].dropna(), 1)
    assert np.allclose(table["inside"], 1)
    assert np.allclose(motion_scores.score_faces(sequences, -heat, matrices)["auc"].dropna(), 0)
    assert table["auc"].notna().sum() >= 5
    assert motion_scores.compare_aucs(
        table, motion_scores.score_faces(sequences, -heat, matrices)
    ).value == pytest.approx(1)


def test_maps_of_sequences_lie_where_the_layers_cells_look(sequences, dtan):
    pictures = torch.from_numpy(np.stack([each.pictures for each in sequences]))
    classes = [BASIC7.index(each.emotion) for each in sequences]
    first, second = face_maps.list_convolutions(dtan)
    for layer, edge in (
        (first, 2),
        (second, 6),
    ):  # what the first cell does not see of its side, in pixels
        heat, matrices = face_maps.map_faces(dtan, sequences, layer)
        assert np.array_equal(
            heat, grad_cam(dtan.module, dtan.module.get_submodule(layer), pictures, classes)
        )
        for each, matrix in zip(sequences, matrices, strict=True):
            inner = align.apply(
                align.invert(each.matrix),
                np.array([[edge, edge], [64 - edge, 64 - edge], [32, 32]]),
            )
            assert np.allclose(align.apply(matrix, inner), [[0, 0], [64, 64], [32, 32]])
    assert np.array_equal(
        face_maps.map_faces(dtan, sequences)[0], heat
    )  # the last one where none is named


def test_sequences_are_scored_by_networks_of_either_kind_and_faces_by_one(sequences, dtan, faces):
    table = motion_scores.compare_with_motion(dtan, sequences)
    assert table["auc"].between(0, 1).all()
    assert set(table["right"]) <= {True, False}
    assert motion_scores.score_network(network(), sequences)["auc"].notna().all()
    control = motion_scores.score_network(face_maps.shuffle_weights(dtan), sequences)
    assert not np.allclose(control["auc"], table["auc"])
    found = motion_scores.summarise_scores({"dtan": table}, {"dtan": control})
    assert found.at["dtan", "gain"].value == pytest.approx(
        motion_scores.compare_aucs(table, control).value
    )
    with pytest.raises(ValueError, match="12 pictures at once"):
        motion_scores.compare_with_motion(dtan, faces)
    with pytest.raises(ValueError, match="different faces"):
        motion_scores.compare_aucs(table, table[::-1])


def test_sequences_that_stand_still_show_the_peak_and_no_difference(sequences, dtan):
    still = drawn_faces.freeze_at_peak(sequences)
    for each, before in zip(still, sequences, strict=True):
        assert (each.pictures == before.pictures[before.peak]).all()
    assert not face_maps.map_changes(still)[0].any()
    assert all(heat.any() for heat in face_maps.map_changes(sequences)[0])
    assert not np.allclose(
        face_maps.map_faces(dtan, still)[0], face_maps.map_faces(dtan, sequences)[0]
    )


def test_clips_that_are_not_drawn_are_refused_and_faces_not_found_left_out(clips, prepared):
    shorter = replace(clips[0], frames=clips[0].frames[:2])
    nobody = [replace(clips[0], **{what: None}) for what in ("name", "dataset", "person", "peak")]
    for other in (shorter, *nobody):
        with pytest.raises(ValueError, match="the motion of .* is unknown"):
            drawn_faces.redraw_sequences([other], prepared, "smoke", 0)
    with pytest.raises(
        ValueError, match="is unknown: it is not drawn at level 'smoke', seed 1"
    ):  # other people, whose clips have the same names
        drawn_faces.redraw_sequences(clips, prepared, "smoke", 1)
    table = prepared.table.assign(
        found=prepared.table["path"] != str(clips[0].frames[clips[0].peak])
    )
    assert (
        len(drawn_faces.redraw_sequences(clips, replace(prepared, table=table), "smoke", 0))
        == len(clips) - 1
    )


def test_some_of_the_clips_are_spread_over_people(clips):
    many = [replace(clips[0], person=f"p{i}", name=f"c{i}") for i in range(9)]
    assert [clip.person for clip in drawn_faces.choose_clips(many, [clips[0].emotion], 3)] == [
        "p0",
        "p4",
        "p8",
    ]
    assert len(drawn_faces.choose_clips(many, [clips[0].emotion], 20)) == 9
    assert drawn_faces.choose_clips(many, ["contempt"], 3) == []
