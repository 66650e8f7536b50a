"""Grad-CAM against twelve lines, the landmarks a map lights up, scores against true motion."""

import copy

import cv2
import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models import Inception3

from ferkit.explain import grad_cam as grad_cam_module
from ferkit.explain.face_maps import find_frontal, find_nearest_map, mean_maps, shuffle_weights
from ferkit.explain.grad_cam import grad_cam, layer_evidence, map_placement, sum_weighted_maps
from ferkit.explain.motion import motion_auc, pointing_score, score_maps
from ferkit.papers.emotionaldan.network import EmotionalDAN, EmotionScores, FirstStage
from ferkit.papers.emotionaldan.related_landmarks import (
    RELATED,
    activated,
    related_share,
    related_table,
)
from ferkit.papers.emotionaldan.rivals import cnn5
from ferkit.papers.emotionaldan.specs import RIVALS
from ferkit.papers.multimodal.network import TwoBranches
from ferkit.papers.tfe.network import ConvNet, ResNet, Tandem
from ferkit.training.seeds import seeded
from ferkit.training.spec import Network


def reference(
    model: nn.Module, layer: nn.Module, x: tuple[Tensor, ...], target: Tensor | None
) -> np.ndarray:
    """Equations 1 and 2; each map is stretched to its own range, enlarged, stretched again."""
    outputs = []
    handle = layer.register_forward_hook(lambda _m, _i, out: outputs.append(out))
    scores = model(x[0].clone().requires_grad_(), *x[1:])
    handle.remove()
    explained = scores if target is None else scores.gather(1, target[:, None])
    (grads,) = torch.autograd.grad(explained.sum(), outputs[0])
    weights = grads.mean(dim=(2, 3), keepdim=True)
    maps = F.relu((weights * outputs[0]).sum(dim=1)).detach().numpy()
    height, width = x[0].shape[-2:]
    return np.stack([stretched(cv2.resize(stretched(one), (width, height))) for one in maps])


def stretched(one: np.ndarray) -> np.ndarray:
    return (one - one.min()) / (1e-7 + (one - one.min()).max())


def rand(*shape: int) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(sum(shape)))


def dan() -> EmotionScores:
    mean = 32 * rand(68, 2)
    return EmotionScores(EmotionalDAN(FirstStage(0, mean, 32, 0.125, "as_authors_code"), 4))


NETWORKS = {
    "plain": (lambda: cnn5(4, 64, 0.25), "convolutions.3.0", lambda: (rand(5, 1, 64, 64),)),
    "residual": (lambda: ResNet(4, "resnet12", 32, 0.5), "blocks.2", lambda: (rand(5, 3, 32, 32),)),
    "two inputs": (
        lambda: TwoBranches(4, size=64, width=0.125, start="he"),
        "visual.trunk.8",
        lambda: (rand(5, 3, 64, 64), rand(5, 136)),
    ),
    "two pictures": (
        lambda: Tandem(ConvNet(3, (31, 31), 0.25), ResNet(3, "resnet12", 16, 0.25), 4),
        "identity.conv3",
        lambda: (rand(5, 3, 31, 31), rand(5, 3, 16, 16)),
    ),
    "stage 2": (dan, "network.stage2.conv4a", lambda: (rand(5, 1, 32, 32),)),
    "frozen stage 1": (dan, "network.first.stage1.conv4b", lambda: (rand(5, 1, 32, 32),)),
}


@pytest.fixture(params=NETWORKS)
def network(request) -> tuple[nn.Module, nn.Module, tuple[Tensor, ...]]:
    build, layer, inputs = NETWORKS[request.param]
    made = seeded(build, 0).eval()
    return made, made.get_submodule(layer), inputs()


def test_maps_are_those_of_twelve_lines(network, monkeypatch):
    model, layer, x = network
    target = torch.tensor([0, 1, 2, 3, 1])
    monkeypatch.setattr(grad_cam_module, "_BATCH", 2)
    maps = grad_cam(model, layer, x, target.numpy())
    wanted = reference(model, layer, x, target)
    assert maps.shape == (5, *x[0].shape[-2:])
    assert wanted.max() > 0.9
    assert np.allclose(maps, wanted, atol=2e-3)


def test_nothing_of_it_stays_on_the_network(network):
    model, layer, x = network
    model.train()
    before, learns = (
        copy.deepcopy(model.state_dict()),
        [p.requires_grad for p in model.parameters()],
    )
    modes = [module.training for module in model.modules()]
    grad_cam(model, layer, x, 1)
    assert not any(
        m._forward_hooks or m._backward_hooks or m._forward_pre_hooks for m in model.modules()
    )
    assert [p.requires_grad for p in model.parameters()] == learns
    assert all(p.grad is None for p in model.parameters())
    assert [module.training for module in model.modules()] == modes
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_a_network_that_looks_at_one_corner_has_its_map_there():
    network = nn.Sequential(
        nn.Conv2d(1, 2, 1, bias=False), nn.Flatten(), nn.Linear(2 * 16 * 16, 2, bias=False)
    )
    with torch.no_grad():
        network[0].weight.copy_(torch.tensor([1.0, 0.5]).view(2, 1, 1, 1))
        network[2].weight.zero_()
        network[2].weight[0].view(2, 16, 16)[0, :4, 12:] = 1
    pictures = torch.zeros(1, 1, 16, 16)
    pictures[..., :4, 12:] = 255
    (heat,) = grad_cam(network, network[0], pictures.to(torch.uint8), 0)
    assert (heat[:4, 12:] == heat.max()).all()
    assert heat[4:].max() == heat[:, :12].max() == 0
    assert not grad_cam(
        network, network[0], torch.ones(1, 1, 16, 16), 0
    ).any()  # the same everywhere


class Other(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.unused, self.relu = (
            nn.Conv2d(1, 2, 3),
            nn.Conv2d(1, 2, 3),
            nn.ReLU(inplace=True),
        )
        self.twice, self.top = nn.Conv2d(2, 2, 1), nn.Linear(2, 3)

    def forward(self, x: Tensor) -> Tensor:
        self.unused(x)
        return self.top(self.twice(self.twice(self.relu(self.conv(x)))).mean((2, 3)))


@pytest.mark.parametrize(
    ("layer", "target", "words"),
    [
        ("conv", 0, "in place; explain the module around both"),
        ("unused", 0, "do not depend on this layer"),
        ("twice", 0, r"once in a pass, this one gives \[\(1, 2, 6, 6\), \(1, 2, 6, 6\)\]"),
        ("top", 0, r"gives \[\(1, 3\)\]"),
        ("relu", 3, r"the network has the classes 0\.\.2, asked for 3\.\.3"),
        ("relu", [0, -1], r"asked for -1\.\.0"),
        ("relu", "fear", "by its index, got 'fear'"),
    ],
)
def test_what_cannot_be_explained_is_refused(layer, target, words):
    network = seeded(Other, 0)  # so that the rectifier has something to change
    with pytest.raises(ValueError, match=words):
        grad_cam(network, getattr(network, layer), rand(2, 1, 8, 8), target)
    with pytest.raises(ValueError, match="no part of the network"):
        grad_cam(network, nn.Conv2d(1, 1, 1), rand(2, 1, 8, 8), 0)


def test_inceptions_blocks_can_be_explained():
    network = seeded(lambda: Inception3(4, aux_logits=False, init_weights=False), 0)
    assert grad_cam(network, network.Mixed_7c, rand(1, 3, 75, 75), 2).shape == (1, 75, 75)
    with pytest.raises(ValueError, match="in place"):
        grad_cam(network, network.Conv2d_4a_3x3.bn, rand(1, 3, 75, 75), 2)


def test_a_randomised_network_has_the_same_numbers_in_another_order():
    network = seeded(lambda: cnn5(4, 64, 0.25), 0)
    record = Network(RIVALS["cnn5"], {}, (), (), network)
    first, again, other = (shuffle_weights(record, seed).module for seed in (0, 0, 1))
    for own, one, two, three in zip(
        *(n.parameters() for n in (network, first, again, other)), strict=True
    ):
        assert torch.equal(own.flatten().sort()[0], one.flatten().sort()[0])
        assert torch.equal(one, two)
        assert len(own.unique()) < 10 or not (torch.equal(own, one) or torch.equal(one, three))
    x = rand(1, 1, 64, 64)
    maps = [grad_cam(n, n.convolutions[2], x, 0) for n in (network, first)]
    assert all(each.any() for each in maps)
    assert not np.allclose(*maps)


class Shown:
    """What `layer_evidence` needs of a `Network`: a module, a layer and a view."""

    def __init__(self) -> None:
        self.module = seeded(lambda: cnn5(4, 64, 0.25), 0)
        self.scorer = self.module
        self.spec = self
        self.cam_layer = "convolutions.2"

    def look(self, image: np.ndarray, _face: object) -> tuple[np.ndarray]:
        return (image,)


def test_what_lies_above_zero_of_the_weighted_sum_is_the_map():
    image = rand(1, 64, 64)
    network = Shown()
    layer = network.module.get_submodule(network.cam_layer)
    for target in range(4):
        total = sum_weighted_maps(*layer_evidence(network, image.numpy(), None, target))
        heat = stretched(cv2.resize(stretched(np.maximum(total, 0)), (64, 64)))
        (expected,) = grad_cam(network.module, layer, image[None], target)
        assert np.allclose(heat, expected, atol=1e-4)


def test_a_map_is_blank_where_every_map_speaks_against_the_class():
    convolution, dense = nn.Conv2d(1, 3, 3), nn.Linear(3, 2)
    layers = (convolution, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), dense)
    network = nn.Sequential(*layers)
    with torch.no_grad():
        dense.weight[0], dense.weight[1] = 1, -1
    (supported, against) = (
        grad_cam(network, network[1], rand(1, 1, 8, 8), target) for target in (0, 1)
    )
    assert supported.any()
    assert not against.any()


# Landmarks


def test_faces_that_look_aside_are_left_out():
    points = np.random.default_rng(0).uniform(0, 100, (1, 68, 2)).repeat(5, 0)
    points[0, 36] += (10, 0)
    points[1, 45] += (0, -10)
    points[2, 30] += 50  # the nose is not asked
    assert find_frontal(points, 5).tolist() == [False, False, True, True, True]
    assert find_frontal(points, 50).all()


def test_mean_maps_and_the_face_nearest_to_one():
    maps = np.random.default_rng(0).random((4, 3, 3))
    means = mean_maps(maps, ["fear", "anger", "fear", "fear"], ["anger", "fear", "sadness"])
    assert list(means) == ["anger", "fear"]
    assert np.allclose(means["fear"], (maps[0] + maps[2] + maps[3]) / 3)
    assert find_nearest_map(maps, means["anger"]) == 1
    with pytest.raises(ValueError, match="a label for each map, got 4 maps and 1 labels"):
        mean_maps(maps, ["fear"], ["fear"])


def test_without_a_class_the_sum_of_all_scores_is_explained():
    model = seeded(lambda: cnn5(4, 64, 0.25), 0).eval()
    layer, x = model.get_submodule("convolutions.3.0"), (rand(5, 1, 64, 64),)
    found = grad_cam(model, layer, x, None)
    assert np.allclose(found, reference(model, layer, x, None), atol=1e-5)
    assert not np.allclose(found, grad_cam(model, layer, x, 2), atol=0.1)


def test_the_most_activated_landmarks():
    points, heat = np.stack([np.arange(68) + 0.9, np.full(68, 2.2)], 1), np.zeros((5, 60))
    heat[2, [7, 50, 20]] = 3, 2, 1
    assert activated(heat, points, 4).tolist() == [
        7,
        50,
        20,
        0,
    ]  # pixel 7 holds the point at 7.9; then the first of equal ones
    assert activated(heat, points, 68)[-8:].tolist() == list(range(60, 68))  # outside


def test_a_landmark_may_have_the_sum_of_the_pixels_around_it():
    points = np.stack([np.arange(68) + 0.5, np.full(68, 2.5)], 1)
    heat = np.zeros((5, 68))
    heat[2, 10] = 3
    heat[1:4, 29:32] = 1
    assert activated(heat, points, 1).tolist() == [10]
    # 9 pixels around landmark 30, 6 around its neighbours, 3 around landmark 10
    assert activated(heat, points, 3, reach=1).tolist() == [30, 29, 31]
    slow = [heat[1:4, max(0, x - 1) : x + 2].sum() for x in range(68)]
    order = np.argsort(-np.array(slow), kind="stable")
    assert activated(heat, points, 68, reach=1).tolist() == order.tolist()


@pytest.mark.parametrize("version", RELATED)
@pytest.mark.parametrize("emotion", RELATED["as_paper"])
def test_a_map_on_the_related_landmarks_finds_them_all(version, emotion):
    related = RELATED[version][emotion]
    points, heat = np.stack([np.arange(68) + 0.5, np.zeros(68)], 1), np.zeros((1, 68))
    heat[0, list(related)] = 1
    assert related_share(heat, points, emotion, version) == 1
    heat[0, related[0]] = 0
    assert related_share(heat, points, emotion, version) in (
        1,
        1 - 1 / len(related),
    )  # the first of the others may be it
    assert related_share(1 - heat, points, emotion, version) < 0.6


def test_table_5_in_both_versions():
    heat, points = np.zeros((1, 68)), np.stack([np.arange(68) + 0.5, np.zeros(68)], 1)
    heat[0, 48:60] = 1
    table = related_table({"happiness": heat, "neutral": heat}, points)
    assert table.index.tolist() == ["happiness"]
    assert (
        table.loc["happiness", "as_authors_code"] == (12 + 2) / 16
    )  # then 0 to 3, the first of the others: 1 and 2 are related
    assert table.loc["happiness", "as_paper"] == 6 / 12  # 48 49 53 54 55 59
    assert table.loc["happiness", "chance"] == 12 / 68
    with pytest.raises(
        ValueError, match="unknown version 'mine'; known: as_paper, as_authors_code"
    ):
        related_share(heat, points, "happiness", "mine")


# What moved


@pytest.fixture
def moved() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return (
        rng.integers(0, 5, (20, 20)) / 5,
        rng.exponential(1, (20, 20)),
        rng.random((20, 20)) < 0.7,
    )


def test_the_area_is_that_of_scikit_learn(moved):
    heat, motion, within = moved
    assert motion_auc(heat, motion) == pytest.approx(
        roc_auc_score(motion.ravel() >= 1, heat.ravel())
    )
    assert motion_auc(heat, motion, within) == pytest.approx(
        roc_auc_score(motion[within] >= 1, heat[within])
    )
    assert motion_auc(motion, motion) == 1
    assert motion_auc(np.ones_like(motion), motion) == 0.5


def test_pointing_asks_the_highest_pixel():
    heat, motion = np.zeros((4, 4)), np.zeros((4, 4))
    heat[1, 1], motion[1, :2] = 1, 3
    assert pointing_score(heat, motion) == 1
    heat[2, 2] = 2
    assert pointing_score(heat, motion) == 0
    heat[1, 1] = 2
    assert pointing_score(heat, motion) == 0.5
    within = np.ones((4, 4), bool)
    within[2, 2] = False
    assert pointing_score(heat, motion, within) == 1
    assert pointing_score(np.zeros((4, 4)), motion) == 2 / 16  # a map that knows nothing has chance


def test_scores_of_many_faces(moved):
    heat, motion, within = moved
    table = score_maps(
        np.stack([heat, heat]), np.stack([motion, 0 * motion]), np.stack([within, within])
    )
    assert table.loc[0].tolist() == pytest.approx(
        [
            motion_auc(heat, motion, within),
            pointing_score(heat, motion, within),
            (motion[within] >= 1).mean(),
        ]
    )
    assert table.loc[1, ["auc", "pointing"]].isna().all()
    assert table.loc[1, "moved"] == 0
    with pytest.raises(ValueError, match=r"one shape \(N, H, W\), got"):
        score_maps(heat, motion[None])
    with pytest.raises(ValueError, match="`within` is empty"):
        motion_auc(heat, motion, np.zeros_like(within))


def test_a_drawn_smile_moves_the_mouth_and_a_map_on_it_scores(drawn_smile):
    y, x = np.mgrid[:224, :224] + 0.5
    corners = drawn_smile.landmarks[[48, 54]]
    heat = sum(
        np.exp(-((x - corner[0]) ** 2 + (y - corner[1]) ** 2) / 2 / 20**2) for corner in corners
    )
    (on,) = score_maps(heat[None], drawn_smile.motion[None], drawn_smile.skin[None]).to_dict(
        "records"
    )
    (off,) = score_maps(heat[None, ::-1], drawn_smile.motion[None], drawn_smile.skin[None]).to_dict(
        "records"
    )
    assert on["pointing"] == 1
    assert on["auc"] > 0.8 > 0.5 > off["auc"]
    assert 0 < on["moved"] < 1


@pytest.fixture
def drawn_smile():
    from ferkit.drawn.draw import draw
    from ferkit.drawn.expressions import sample_expression
    from ferkit.drawn.head import load_head
    from ferkit.drawn.model import make_person_model
    from ferkit.drawn.people import make_person
    from ferkit.drawn.scene import FIXED, sample_scene

    head, rng = load_head(), np.random.default_rng(1)
    amounts, _ = sample_expression("happiness", head.action_names, rng, person_seed=11)
    return draw(
        make_person_model(make_person(11, head), head), head, amounts, sample_scene(rng, FIXED)
    )


@pytest.mark.parametrize(
    "layers",
    [
        [nn.Conv2d(1, 2, 5), nn.ReLU()],
        [nn.Conv2d(1, 2, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(2, 2, 5), nn.ReLU()],
        [nn.Conv2d(1, 2, 5), nn.MaxPool2d(3, stride=2), nn.Conv2d(2, 2, 3)],
        [nn.Conv2d(1, 2, 3, padding=1), nn.MaxPool2d(2), nn.Conv2d(2, 2, 3, stride=2, padding=1)],
    ],
)
def test_a_cell_is_placed_at_the_middle_of_what_it_sees(layers):
    """The pixels that change a cell lie around the place that the matrix gives the cell."""
    side, network = 32, nn.Sequential(*layers).double()
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(1, 1, side, side, dtype=torch.float64, generator=generator)
    with torch.no_grad():
        for (
            weights
        ) in network.parameters():  # positive ones, or a rectifier may hide what a cell sees
            weights.uniform_(0.1, 1, generator=generator)
        before = network(x).sum(1)[0]
        cells, cell = len(before), len(before) // 2
        seen = torch.zeros(side, side, dtype=torch.bool)
        for pixel in range(side**2):
            for amount in (-9.0, 9.0):  # a pooling sees what becomes the largest, or stops being it
                changed = x.clone()
                changed.view(-1)[pixel] += amount
                seen.view(-1)[pixel] |= network(changed).sum(1)[0, cell, cell] != before[cell, cell]
    rows = torch.nonzero(seen.any(1)).flatten()
    middle = (int(rows[0]) + int(rows[-1]) + 1) / 2
    assert map_placement(layers, side) @ (middle, middle, 1) == pytest.approx(
        [(cell + 0.5) * side / cells] * 2
    )
