"""The network that predicts neutral faces, and faces of people of another spread."""

import numpy as np
import pytest
import torch

from ferkit.core.landmarks import SUBSET_49, mirror
from ferkit.data import folds as person_folds
from ferkit.data.clip import Clip
from ferkit.faces.load import load_clips
from ferkit.papers.tfe import identity, neutral
from ferkit.papers.tfe.data import cut_faces, expression_folds, spread_faces
from ferkit.training.learning import one_cycle
from ferkit.training.loop import scores

QUICK = {"progress": False, "device": "cpu", "precision": "32"}


def one_of_each_person(name: str) -> list[Clip]:
    """The first clip of each person of a drawn set."""
    first = {}
    for clip in load_clips(name, "smoke"):
        first.setdefault(clip.person, clip)
    return list(first.values())


@pytest.fixture(scope="module")
def people():
    return identity.identity_faces(identity.load_identities(level="smoke"), seed=0)


@pytest.fixture(scope="module")
def shapes():
    return neutral.load_neutral_shapes("smoke")


def test_everybody_has_one_symmetric_neutral_face(people, shapes):
    assert set(shapes) == set(people.people)
    points = np.stack([shape.reshape(49, 2) for shape in shapes.values()])
    np.testing.assert_allclose(mirror(points, 0), points, atol=1e-9)
    nearest = np.abs(points[:, None] - points).mean((2, 3)) + 9 * np.eye(len(points))
    assert nearest.min() > 0.002  # people differ


def test_it_learns_the_neutral_faces_of_its_people(people, shapes):
    learning = one_cycle(60, 0.003, 16)
    trained = neutral.train_neutral(learning, people, shapes, **QUICK)
    assert trained.network.top.out_features == 2 * len(SUBSET_49)
    losses = trained.history["train_loss"]
    assert losses.iloc[-1] < 0.1 * losses.iloc[0]
    face, persons = people.of("train")
    predicted = scores(trained.network, (face,), precision="32", device="cpu")
    known = np.stack([shapes[person] for person in people.known])
    spread = np.where(known.std(0) > 1e-6, known.std(0), 1)
    truth = (np.stack([shapes[person] for person in persons]) - known.mean(0)) / spread
    # The people kept for verification choose an early epoch: it beats the mean face, not by much.
    assert np.square(predicted - truth).mean() < np.square(truth).mean()


def test_a_person_without_a_neutral_face_is_an_error(people, shapes):
    fewer = dict(shapes)
    missing = fewer.popitem()[0]
    with pytest.raises(KeyError, match=missing):
        neutral.train_neutral(one_cycle(1, 0.001, 16), people, fewer, **QUICK)


def test_faces_of_another_spread_keep_expression_and_scene():
    clips = one_of_each_person("sequences")
    shown = person_folds.tested_clips(expression_folds(clips, 2))
    usual = cut_faces(shown, 32)
    drawn = {
        spread: spread_faces(shown, clips, 32, "smoke", 0, spread) for spread in (0.0, 1.0, 2.0)
    }
    same = drawn[1.0]
    assert same.people.tolist() == usual.people.tolist()
    assert same.emotion.tolist() == usual.emotion.tolist()
    difference = (same.picture.int() - usual.picture.int()).abs().float().mean()
    assert difference < 2  # grey levels: the same pictures, drawn again
    # The shapes of different people lie further apart in the pictures of a wider spread.
    neutral_rows = torch.from_numpy(np.flatnonzero(usual.emotion == "neutral"))
    apart = {
        spread: faces.picture[neutral_rows].float().std(0).mean() for spread, faces in drawn.items()
    }
    assert apart[2.0] > apart[0.0]


def test_the_first_frame_of_a_sequence_is_its_neutral_picture():
    clips = one_of_each_person("sequences")[:4]
    shown = person_folds.tested_clips(expression_folds(clips, 2))
    first = [clip for clip in shown if clip.name.endswith("/0")]
    faces = spread_faces(first, clips, 32, "smoke", 0, 1.0)
    assert set(faces.emotion) == {"neutral"}
