"""Paper 5's identity network: the faces it learns, its training, and the pairs it is tested on."""

import math
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.metrics import auc

from ferkit.data.sets.drawn import read_drawn
from ferkit.drawn.draw_sets import draw_set
from ferkit.drawn.sets import Size
from ferkit.faces import align
from ferkit.papers.reported import paper
from ferkit.papers.tfe import identity
from ferkit.papers.tfe.identity import ALIGNED_SIDE, CROP_COLUMNS, CROP_ROWS, IDENTITIES
from ferkit.papers.tfe.verification import cosine_similarity, verify
from ferkit.training.learning import one_cycle

QUICK = {"progress": False, "device": "cpu"}
SHORT = one_cycle(15, 0.003, 8)


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    """Portraits of six people, three of each."""
    few = replace(IDENTITIES, name="few", pixels=128, levels={"smoke": Size(6, 3)})
    folder = draw_set(
        few, "smoke", 0, tmp_path_factory.mktemp("drawn") / "few", workers=1, progress=False
    )
    return read_drawn(folder, dataset="identities")


@pytest.fixture(scope="module")
def faces(clips):
    return identity.identity_faces(clips, seed=0, unseen=1 / 3)


def test_people_kept_for_verification_are_in_no_other_part(clips, faces):
    parts = {part: set(faces.of(part)[1]) for part in ("train", "val", "unseen")}
    assert parts["train"] == parts["val"] == set(faces.known)
    assert len(parts["unseen"]) == 2
    assert not parts["unseen"] & parts["train"]
    assert sorted(faces.of("val")[1]) == sorted(parts["train"])  # one picture each
    assert [len(faces.of(part)[0]) for part in ("train", "val", "unseen")] == [8, 4, 6]
    assert faces.face.shape == (len(clips), 3, 55, 47)


def test_the_crop_keeps_brows_and_jaw(clips):
    """Section 4.3. Brows and mouth are inside of nearly every picture, the chin of most."""
    inside = []
    for clip in clips:
        points = clip.extra["landmarks"][0]
        x, y = align.apply(align.alignment(points, ALIGNED_SIDE), points).T
        within = (
            (CROP_COLUMNS.start <= x)
            & (x <= CROP_COLUMNS.stop)
            & (CROP_ROWS.start <= y)
            & (y <= CROP_ROWS.stop)
        )
        inside.append([within[17:27].all(), within[48:].all(), within[8]])
    assert np.mean(inside, 0)[:2].min() > 0.9
    assert np.mean(inside, 0)[2] > 0.6


def test_the_network_learns_who_is_who_and_is_found_again(faces, tmp_path):
    learnt = identity.train_identity(SHORT, faces, seed=1, folder=tmp_path, **QUICK)
    assert learnt.history["train_loss"].iloc[-1] < 0.5 * math.log(len(faces.known))
    assert learnt.network.top.out_features == 4
    again = identity.train_identity(SHORT, faces, seed=1, folder=tmp_path, **QUICK)
    assert torch.equal(again.network.feature.weight, learnt.network.feature.weight)
    assert len(list(tmp_path.iterdir())) == 1
    identity.train_identity(replace(SHORT, epochs=1), faces, seed=1, folder=tmp_path, **QUICK)
    assert len(list(tmp_path.iterdir())) == 2  # other settings are a training of their own
    mean = faces.of("train")[0].float().mean(0) / 255
    torch.testing.assert_close(learnt.network.standardise.mean, mean)


def test_drawn_pairs_are_of_people_never_seen(faces, tmp_path, monkeypatch):
    monkeypatch.delenv("FERKIT_DATA", raising=False)
    three = replace(
        faces, part=np.where(np.isin(faces.people, faces.known[:2]), "unseen", faces.part)
    )
    (name,) = asked = identity.verification_sets(three)
    face, who, pairs = asked[name]
    assert name == "identities"
    assert set(who) == set(three.of("unseen")[1])
    assert set(pairs.fold) == {0, 1}
    assert np.array_equal(pairs.same, who[pairs.first] == who[pairs.second])
    network = identity.build_identity(three)
    similar = cosine_similarity(identity.describe_faces(network, face), pairs)
    metrics, told, curve = identity.verify_network(network, face, who, pairs, seed=1)
    assert metrics["accuracy"] == verify(similar, pairs, who, seed=1).score.metric()
    assert metrics["at_0.15"]["value"] == np.mean((similar >= 0.15) == pairs.same)
    assert metrics["threshold"]["value"] == told.thresholds.mean()
    assert metrics["area"]["value"] == pytest.approx(
        auc(curve["false_accepts"], curve["true_accepts"])
    )
    assert identity.PAPER_THRESHOLD == paper("tfe").setting("verification_threshold")


@pytest.mark.filterwarnings("ignore:lfw. not the complete set")
def test_photographs_are_verified_in_their_own_pairs(clips, faces, tmp_path):
    """Drawn faces stand in for London's and LFW's: two pictures of each person, listed pairs."""
    three = replace(
        faces, part=np.where(np.isin(faces.people, faces.known[:2]), "unseen", faces.part)
    )
    by_person = {
        who: [c.frames[0] for c in clips if c.person == who]
        for who in dict.fromkeys(c.person for c in clips)
    }
    for number, (neutral, smiling, other) in enumerate(by_person.values(), start=1):
        for path, place in (
            (neutral, f"london/neutral_front/00{number}_03.jpg"),
            (smiling, f"london/smiling_front/00{number}_08.jpg"),
            (neutral, f"lfw/lfw/P_{number}/P_{number}_0001.jpg"),
            (other, f"lfw/lfw/P_{number}/P_{number}_0002.jpg"),
        ):
            (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, tmp_path / place)
    same, different = "P_{}\t1\t2\n", "P_{}\t1\tP_{}\t1\n"
    lines = [
        "2\t1\n",
        same.format(1),
        different.format(1, 2),
        same.format(3),
        different.format(3, 4),
    ]
    (tmp_path / "lfw" / "pairs.txt").write_text("".join(lines), encoding="utf-8")
    asked = identity.verification_sets(three, tmp_path)
    assert list(asked) == ["identities", "london", "lfw"]
    face, who, pairs = asked["london"]
    assert face.shape[1:] == (3, 55, 47)
    assert np.array_equal(pairs.same, who[pairs.first] == who[pairs.second])
    _, who, pairs = asked["lfw"]
    assert [(who[a], who[b]) for a, b in zip(pairs.first, pairs.second, strict=True)] == [
        ("P_1", "P_1"),
        ("P_1", "P_2"),
        ("P_3", "P_3"),
        ("P_3", "P_4"),
    ]
    assert pairs.fold.tolist() == [0, 0, 1, 1]
