"""Paper 5's emotion networks alone and joined: training people, frozen layers, FER+'s path."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from photo_trees import HEADER, pixels
from torch import nn

from ferkit.data.clip import Clip
from ferkit.data.folds import folds_ascending
from ferkit.data.sets.drawn import read_drawn
from ferkit.data.sets.fer2013 import read_fer2013
from ferkit.drawn.draw_sets import draw_set
from ferkit.drawn.sets import SETS, Size
from ferkit.papers.reported import paper
from ferkit.papers.tfe import experiment
from ferkit.papers.tfe.data import TandemFaces, cut_faces, expression_folds
from ferkit.papers.tfe.experiment import train_emotion
from ferkit.papers.tfe.identity import ALIGNED_SIDE, align_clips, describe_faces
from ferkit.papers.tfe.network import ConvNet
from ferkit.papers.tfe.plans import Plan, plan_for
from ferkit.training import linear
from ferkit.training.augment import mirror_turn_and_shift
from ferkit.training.by_folds import CrossTrained, part_rows
from ferkit.training.learning import one_cycle
from ferkit.training.recipe import Trained
from ferkit.training.seeds import seeded

QUICK = {"progress": False, "device": "cpu", "precision": "32"}
SHORT = Plan(2, 24, one_cycle(1, 0.001, 8), one_cycle(2, 0.005, 8), one_cycle(1, 0.001, 8))


def made_up(people: int = 6, seed: int = 0) -> tuple[TandemFaces, list]:
    """Noise in three classes, three faces of each person, and two folds of the people."""
    generator, count = torch.Generator().manual_seed(seed), 3 * people
    who = np.repeat([f"p{i}" for i in range(people)], 3)
    shows = np.tile(["neutral", "anger", "fear"], people)
    picture = torch.randint(0, 256, (count, 3, 24, 24), generator=generator, dtype=torch.uint8)
    face = torch.randint(0, 256, (count, 3, 55, 47), generator=generator, dtype=torch.uint8)
    clips = [
        Clip("made up", w, f"{w}/{i}", s, (Path("x.png"),))
        for i, (w, s) in enumerate(zip(who, shows, strict=True))
    ]
    faces = TandemFaces(face, picture, who, shows, np.array([clip.name for clip in clips]))
    return faces, folds_ascending(clips, 2, val_people=1)


@pytest.fixture(scope="module")
def identity() -> ConvNet:
    return seeded(lambda: ConvNet(4), 7)


def test_settings_are_the_papers():
    this, ckplus, ferplus = paper("tfe"), plan_for("paper", "ckplus"), plan_for("paper", "fer2013")
    assert ckplus.identity.epochs == this.setting("identity_epochs")
    assert ckplus.identity.rate == this.setting("learning_rate/ckplus/deepid")
    assert ckplus.emotion.rate == this.setting("learning_rate/ckplus/resnet")
    assert ckplus.emotion.epochs == this.setting("epochs/ckplus")
    assert ckplus.joint.epochs == this.setting("epochs/joint")
    assert ckplus.folds == this.setting("folds/ckplus")
    assert ferplus.emotion.rate == this.setting("learning_rate/ferplus/resnet")
    assert ferplus.joint.rate == this.setting("learning_rate/ferplus/joint")
    assert (ckplus.kind, ferplus.kind) == ("resnet12", "resnet18")
    for each in (ckplus.identity, ckplus.emotion, ckplus.joint, ferplus.emotion):
        assert (each.batch, each.optimiser) == (
            this.setting("batch"),
            this.setting("optimiser").lower(),
        )
        assert each.recipe(1000).momentum == this.setting("momentum")
    assert (
        plan_for("lesson", "fer2013").emotion.epochs
        < plan_for("lesson", "sequences").emotion.epochs
    )
    # What the paper leaves open is marked as ours.
    assert ckplus.joint.rate == this.setting("learning_rate/ckplus/joint", "our_reading")
    assert ckplus.joint.weight_decay == this.setting("weight_decay", "our_reading")


def test_large_sets_have_an_eighth_of_the_epochs_of_a_cycle():
    usual = plan_for("study", "sequences").emotion
    large = plan_for("study", "fer2013").emotion
    assert (usual.cycle, usual.patience, usual.epochs) == (60, 15, 120)
    assert (large.cycle, large.patience, large.epochs) == (8, 2, 15)
    assert plan_for("lesson", "fer2013").joint.patience is None


def test_only_ferplus_is_augmented_at_paper():
    assert plan_for("paper", "ckplus").augment is None
    assert plan_for("paper", "fer2013").augment is mirror_turn_and_shift
    for level in ("smoke", "lesson"):
        assert plan_for(level, "sequences").augment is mirror_turn_and_shift


def test_every_fold_joins_its_own_networks(identity):
    faces, folds = made_up()
    found = train_emotion(SHORT, identity, faces, folds, **QUICK)
    assert list(found) == ["resnet", "joint", "frozen", "untrained", "longer"]
    for network in (identity, *(done.network for each in found.values() for done in each.trained)):
        network.requires_grad_(False)
    for number, fold in enumerate(folds):
        alone, joint, frozen, untrained, longer = (
            found[way].trained[number].network for way in found
        )
        train = torch.from_numpy(part_rows(faces.people, fold)["train"])
        torch.testing.assert_close(
            alone.standardise.mean, faces.picture[train].float().mean(0) / 255
        )
        for name, value in frozen.emotion.state_dict().items():
            assert torch.equal(value, alone.state_dict()[name]), name
        assert torch.equal(frozen.identity.conv1.weight, identity.conv1.weight)
        assert not torch.equal(joint.emotion.stem[0].weight, alone.stem[0].weight)
        assert not torch.equal(joint.identity.conv1.weight, identity.conv1.weight)
        near, far = (
            (n.identity.conv1.weight - identity.conv1.weight).abs().max().item()
            for n in (joint, untrained)
        )
        assert near < 0.05 < far
        assert not torch.equal(longer.stem[0].weight, alone.stem[0].weight)
    assert np.isfinite(found["joint"].scores).all()


def test_each_way_is_a_training_of_its_own_and_found_again(identity, tmp_path):
    faces, folds = made_up()
    one = train_emotion(SHORT, identity, faces, folds, folder=tmp_path, **QUICK)
    files = {file: file.stat().st_mtime_ns for file in tmp_path.rglob("*.safetensors")}
    assert len(files) == 5 * len(folds)
    two = train_emotion(SHORT, identity, faces, folds, ("joint",), folder=tmp_path, **QUICK)
    assert files == {file: file.stat().st_mtime_ns for file in tmp_path.rglob("*.safetensors")}
    np.testing.assert_array_equal(one["joint"].scores, two["joint"].scores)
    assert not np.array_equal(one["joint"].scores, one["frozen"].scores)
    three = train_emotion(
        SHORT, identity, faces, folds, ("joint",), start=1, folder=tmp_path, **QUICK
    )
    np.testing.assert_array_equal(
        one["resnet"].scores, three["resnet"].scores
    )  # another second phase of the same first
    assert not np.array_equal(one["joint"].scores, three["joint"].scores)
    assert len(list(tmp_path.rglob("*.safetensors"))) == len(files) + len(folds)


def test_the_svm_on_the_identity_feature_sees_no_test_face(identity):
    faces, folds = made_up()
    answers = experiment.fit_identity_svm(identity, faces, folds)
    rows = describe_faces(identity, faces.face)
    for fold in folds:
        test = part_rows(faces.people, fold)["test"]
        parts = [
            (rows[part], faces.emotion[part].tolist(), faces.people[part]) for part in (~test, test)
        ]
        alone = linear.train_test(*parts, names=faces.classes, C=experiment.SVM_PENALTY)
        np.testing.assert_allclose(answers.scores[test], alone.scores)
        assert set(answers.fold[test]) == {fold.name}


class Reads(nn.Module):
    """Answers with the number that is the first pixel of the identity picture."""

    def forward(self, face: torch.Tensor, picture: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.one_hot((face[:, 0, 0, 0] * 255).round().long(), 256).float()


def test_other_faces_are_of_whom_they_say():
    faces, folds = made_up()
    rows = torch.arange(len(faces), dtype=torch.uint8)
    marked = replace(faces, face=rows[:, None, None, None].expand(-1, 3, 55, 47).contiguous())
    joint = CrossTrained(*[np.zeros(0)] * 4, None, tuple(Trained(Reads(), None, 1) for _ in folds))
    table = experiment.predict_with_other_faces(joint, marked, folds, seed=3)
    assert len(table) == len(faces)
    test_of = {clip.person: fold.name for fold in folds for clip in fold.test}
    for row in table.to_dict("records"):
        own, other = row["own neutral face"], row["somebody else's neutral face"]
        assert (
            faces.people[row["own picture"]]
            == faces.people[own]
            == row["person"]
            != faces.people[other]
        )
        assert faces.emotion[own] == faces.emotion[other] == "neutral"
        assert (
            test_of[faces.people[other]] == test_of[row["person"]]
        )  # nobody the network was trained on


def test_a_person_tested_alone_has_no_other_face():
    faces, folds = made_up(5)
    # The other fold tests p1 and p3, of whom p1 alone has a neutral face.
    shows = np.where((faces.people == "p3") & (faces.emotion == "neutral"), "fear", faces.emotion)
    faces = replace(faces, emotion=shows)
    joint = CrossTrained(*[np.zeros(0)] * 4, None, tuple(Trained(Reads(), None, 1) for _ in folds))
    table = experiment.predict_with_other_faces(joint, faces, folds)
    assert set(table["person"]) == {"p0", "p2", "p4"}
    alone = replace(joint, trained=joint.trained[1:])
    assert experiment.predict_with_other_faces(alone, faces, folds[1:]).empty


def test_sequences_give_a_neutral_and_three_emotional_pictures_aligned_as_drawn(tmp_path):
    few = replace(SETS["sequences"], name="few", levels={"smoke": Size(4, 1, 5)})
    clips = read_drawn(
        draw_set(few, "smoke", 0, tmp_path / "few", workers=1, progress=False), dataset="sequences"
    )
    folds = expression_folds(clips, 10)
    assert len(folds) == 4  # no more than people
    shown = [clip for fold in folds for clip in fold.test]
    faces = cut_faces(shown, 48)
    assert len(faces) == 4 * len(clips)
    assert (faces.emotion == "neutral").sum() == len(clips)
    assert faces.face.shape[1:] == (3, 55, 47)
    assert faces.picture.shape[1:] == (3, 48, 48)
    assert all(len(fold.val) for fold in folds)
    images, same = align_clips(shown)
    assert same == shown
    torch.testing.assert_close(
        faces.face[0], torch.from_numpy(images[0, 6:61, 8:55].transpose(2, 0, 1).copy())
    )
    assert images.shape[1:] == (ALIGNED_SIDE, ALIGNED_SIDE, 3)
    assert faces.labels.tolist() == [faces.classes.index(name) for name in faces.emotion]


def test_compound_emotions_are_left_out():
    clips = [
        Clip(
            "d",
            f"p{i}",
            f"c{i}",
            "fear",
            (Path("x.png"),),
            complementary="anger" if i % 2 else None,
        )
        for i in range(8)
    ]
    shown = [clip for fold in expression_folds(clips, 2) for clip in fold.test]
    assert {clip.complementary for clip in shown} == {None}
    assert len(shown) == 4


@pytest.fixture
def ferplus(tmp_path):
    """A table like fer2013.csv of 24 pictures, and its votes."""
    usage = ["Training"] * 16 + ["PublicTest"] * 4 + ["PrivateTest"] * 4
    rows = [f"{3 if i % 2 else 6},{pixels(9 * i)},{usage[i]}" for i in range(24)]
    votes = [
        f"{usage[i]},fer{i:07d}.png,{'0,10' if i % 2 else '10,0'},0,0,0,0,0,0,0,0"
        for i in range(24)
    ]
    (tmp_path / "fer2013.csv").write_text(
        "\n".join(["emotion,pixels,Usage", *rows]) + "\n", encoding="utf-8"
    )
    (tmp_path / "fer2013new.csv").write_text("\n".join([HEADER, *votes]) + "\n", encoding="utf-8")
    return read_fer2013(tmp_path, "off")


def test_ferplus_goes_all_the_way(ferplus, identity):
    """The provider's split, whole pictures of 48 x 48 pixels, ResNet18, turns and shifts."""
    setup = replace(plan_for("smoke", "fer2013"), size=48)
    (fold,) = folds = expression_folds(ferplus, setup.folds)
    faces = cut_faces([*fold.train, *fold.val, *fold.test], setup.size)
    assert [len(part) for part in (fold.train, fold.val, fold.test)] == [16, 4, 4]
    assert faces.classes == ("neutral", "happiness")
    assert faces.face.shape == (24, 3, 55, 47)
    first = np.array([(9 * 0 + i) % 256 for i in range(48 * 48)], np.uint8).reshape(48, 48)
    assert (faces.picture[0].numpy() == first).all()
    assert (faces.face == faces.face[:, :1]).all()
    found = train_emotion(setup, identity, faces, folds, ("joint",), **QUICK)
    assert len(found["resnet"].trained[0].network.blocks) == 8
    assert (
        len(found["joint"].predictions(faces.classes).truth) == 4
    )  # the private test set alone is answered
    assert len(experiment.fit_identity_svm(identity, faces, folds).truth) == 4
