"""EmotionalDAN: table 1's counts, geometry, loss, and that stage 2 is better than stage 1."""

import math
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from ferkit.core.landmarks import inter_ocular
from ferkit.papers.emotionaldan import geometry, loss
from ferkit.papers.emotionaldan import network as dan
from ferkit.papers.emotionaldan.plans import PLANS
from ferkit.training.layers import count_parameters
from ferkit.training.loop import scores, train
from ferkit.training.recipe import Examples, Recipe
from ferkit.training.seeds import seeded

SIZE = 32
TINY = {"size": SIZE, "width": 0.125}


def shapes(count: int, seed: int = 0) -> torch.Tensor:
    """One shape turned, scaled, moved and shaken N times, `(N, 68, 2)`, in pictures of SIZE."""
    generator = torch.Generator().manual_seed(seed)
    base = 14 * torch.rand(68, 2, generator=torch.Generator().manual_seed(99)) - 7
    base[36:42] += torch.tensor([-6.0, -4.0])
    base[42:48] += torch.tensor([6.0, -4.0])
    angle, size = (torch.rand(2, count, generator=generator) - 0.5) * torch.tensor([[1.4], [0.4]])
    turn = torch.stack(
        [torch.stack([angle.cos(), -angle.sin()], 1), torch.stack([angle.sin(), angle.cos()], 1)], 1
    )
    place = SIZE / 2 + 6 * (torch.rand(count, 1, 2, generator=generator) - 0.5)
    shaken = base + 0.3 * torch.randn(count, 68, 2, generator=generator)
    return (1 + size)[:, None, None] * shaken @ turn.transpose(1, 2) + place


def first_stage(classes: int = 3, variant: str = "as_paper") -> dan.FirstStage:
    return seeded(lambda: dan.FirstStage(classes, shapes(50).mean(0), variant=variant, **TINY), 0)


def both_stages(variant: str = "as_paper") -> dan.EmotionalDAN:
    return seeded(lambda: dan.EmotionalDAN(first_stage(variant=variant), 3), 1)


@pytest.fixture
def pictures() -> torch.Tensor:
    return torch.rand(4, 1, SIZE, SIZE, generator=torch.Generator().manual_seed(0))


# Table 1


def convolutions(planes: int) -> int:
    return sum(
        9 * before * after + after for before, after in zip([planes, *MAPS], MAPS, strict=False)
    )


MAPS = [64, 64, 128, 128, 256, 256, 512, 512]
DENSE = 14 * 14 * 512 * 256 + 256
HEADS = 256 * (136 + 7) + 136 + 7


def test_the_stages_have_the_parameters_of_table_1():
    mean = 112 + shapes(2)[0]
    first = dan.FirstStage(7, mean)
    assert count_parameters(first) == convolutions(1) + DENSE + HEADS
    both = dan.EmotionalDAN(first, 7)
    feature = 256 * 112 * 112 + 112 * 112
    assert (
        count_parameters(both) == convolutions(1) + convolutions(3) + 2 * (DENSE + HEADS) + feature
    )
    code = dan.FirstStage(0, mean, variant="as_authors_code")
    norms = 2 * (sum(MAPS) + 256)
    assert count_parameters(code) == convolutions(1) + DENSE + 256 * 136 + 136 + norms


def test_maps_have_the_sizes_of_table_1():
    stage, seen = dan.Stage(1, 7, 224, 1 / 64, "as_paper", 0.5), []
    for name, _, _ in dan.STAGE_LAYERS:
        getattr(stage, name).register_forward_hook(
            lambda _m, _i, out: seen.append(tuple(out.shape[1:]))
        )
    stage(torch.zeros(1, 1, 224, 224))
    assert seen == [
        (n // 64, side, side)
        for n, side in zip(MAPS, [224, 224, 112, 112, 56, 56, 28, 28], strict=True)
    ]


@pytest.mark.parametrize(
    ("variant", "dropouts", "norms"), [("as_paper", 4, 0), ("as_authors_code", 1, 9)]
)
def test_the_variants_differ_in_dropout_and_normalisation(variant, dropouts, norms):
    kinds = [type(m).__name__ for m in first_stage(variant=variant).modules()]
    assert kinds.count("Dropout") == dropouts
    assert sum(kind.startswith("BatchNorm") for kind in kinds) == norms
    assert [type(m).__name__ for m in first_stage(variant=variant).stage1.conv1a][:2] == [
        "Conv2d",
        "ReLU",
    ]


def test_the_first_stage_starts_at_the_mean_shape(pictures):
    network = first_stage().eval()
    _, points = dan.split_outputs(network(pictures))
    assert (points - network.mean_shape).abs().max() < 1


# Labels and loss


def test_labels_hold_landmarks_and_class():
    points, classes = shapes(5), torch.tensor([6, 0, 2, 1, 3])
    labels = loss.join_labels(points, classes)
    assert labels.shape == (5, 137)
    assert torch.equal(labels[:, :-1].view(5, 68, 2), points)
    assert torch.equal(labels[:, -1].long(), classes)
    scores, back = dan.split_outputs(torch.cat([torch.ones(5, 3), points.flatten(1)], 1))
    assert torch.equal(back, points)
    assert scores.shape == (5, 3)


def test_the_error_is_in_distances_of_the_eye_centres():
    truth = shapes(6)
    moved = truth + torch.tensor([3.0, 4.0])
    assert np.allclose(
        loss.landmark_error(moved, truth), 5 / inter_ocular(truth.numpy()), rtol=1e-5
    )


def test_the_loss_is_that_of_equation_2():
    truth, classes = shapes(4), torch.tensor([0, 2, 1, 1])
    points, logits = (
        shapes(4, seed=1),
        torch.randn(4, 3, generator=torch.Generator().manual_seed(0)),
    )
    outputs, labels = torch.cat([logits, points.flatten(1)], 1), loss.join_labels(truth, classes)
    apart = [[math.dist(points[i, k], truth[i, k]) for k in range(68)] for i in range(4)]
    eyes = inter_ocular(truth.numpy()).tolist()
    mean = sum(sum(row) / 68 / d for row, d in zip(apart, eyes, strict=True)) / 4
    norm = sum(math.hypot(*row) / d for row, d in zip(apart, eyes, strict=True)) / 4
    entropy = -sum(float(logits[i].log_softmax(0)[k]) for i, k in enumerate(classes)) / 4
    assert float(loss.DanLoss()(outputs, labels)) == pytest.approx(
        0.4 * norm + 0.6 * entropy, rel=1e-5
    )
    assert float(loss.LOSSES["as_authors_code"](outputs, labels)) == pytest.approx(
        0.5 * mean + 0.5 * entropy, rel=1e-5
    )
    assert float(loss.DanLoss(1, 0, mean=True)(points.flatten(1), labels)) == pytest.approx(
        mean, rel=1e-5
    )


def test_the_rate_climbs_and_falls():
    rate = loss.Triangular(half=100)
    assert [rate(i) for i in (0, 50, 100, 150, 200, 300)] == pytest.approx(
        [0.0001, 0.02505, 0.05, 0.02505, 0.0001, 0.05]
    )
    once = loss.Triangular(half=100, cycles=1)
    assert [once(i) for i in (100, 150, 200, 300)] == pytest.approx([0.05, 0.02505, 0.0001, 0.0001])
    steps = np.diff([rate(i) for i in range(201)])
    assert np.allclose(np.abs(steps), (0.05 - 0.0001) / 100)
    assert (np.sign(steps) == [1] * 100 + [-1] * 100).all()


# Geometry


def least_squares(points: np.ndarray, shape: np.ndarray) -> np.ndarray:
    """The similarity (2, 3) as the solution of 2 L linear equations in a, b, tx, ty."""
    rows = np.concatenate([[[x, -y, 1, 0], [y, x, 0, 1]] for x, y in points])
    a, b, tx, ty = np.linalg.lstsq(rows, shape.reshape(-1), rcond=None)[0]
    return np.array([[a, -b, tx], [b, a, ty]])


def test_the_similarity_is_that_of_least_squares():
    points, shape = (
        shapes(8),
        shapes(1, seed=3)[0] + torch.randn(68, 2, generator=torch.Generator().manual_seed(0)),
    )
    found = geometry.fit_similarity(points, shape)
    for one, matrix in zip(points, found, strict=True):
        assert np.allclose(matrix, least_squares(one.numpy(), shape.numpy()), atol=1e-4)


def test_a_similarity_that_there_is_is_found_and_undone():
    points = shapes(8).double()
    matrix = geometry.fit_similarity(points, points[0])
    assert torch.allclose(matrix[0], torch.eye(3, dtype=torch.double)[:2], atol=1e-12)
    there = geometry.transform(points, matrix)
    assert torch.allclose(geometry.transform(there, geometry.invert_similarity(matrix)), points)
    turned = 1.7 * points[:1] @ torch.tensor([[0.6, 0.8], [-0.8, 0.6]], dtype=torch.double) + 5
    assert torch.allclose(
        geometry.transform(turned, geometry.fit_similarity(turned, points[0])), points[:1]
    )


def waves(xy: torch.Tensor) -> torch.Tensor:
    return torch.sin(0.1 * xy[..., 0]) + torch.cos(0.13 * xy[..., 1])


def test_the_warped_picture_shows_canonical_places():
    line = torch.arange(64) + 0.5
    pixels = torch.stack(torch.meshgrid(line, line, indexing="xy"), -1)
    matrix = torch.tensor([[[0.9, -0.4, 12.0], [0.4, 0.9, -9.0]]])
    warped = geometry.warp(waves(pixels)[None, None], matrix)[0, 0]
    source = geometry.transform(pixels.reshape(1, -1, 2), geometry.invert_similarity(matrix)).view(
        64, 64, 2
    )
    inside = ((source > 1) & (source < 63)).all(2)
    assert inside.float().mean() > 0.5
    assert (warped - waves(source))[inside].abs().max() < 0.01
    outside = ((source < -1) | (source > 65)).any(2)
    assert (warped[outside] == 0).all()


def test_a_landmarks_pixel_goes_where_the_landmark_goes():
    picture, place = torch.zeros(1, 1, 32, 32), torch.tensor([[[20.5, 9.5]]])
    picture[0, 0, 9, 20] = 1
    matrix = geometry.fit_similarity(shapes(1), shapes(1, seed=4)[0])
    x, y = geometry.transform(place, matrix)[0, 0].tolist()
    warped = geometry.warp(picture, matrix)[0, 0]
    at = np.unravel_index(int(warped.argmax()), warped.shape)
    assert abs(at[1] + 0.5 - x) <= 1
    assert abs(at[0] + 0.5 - y) <= 1


def test_the_heat_map_is_the_slow_one():
    points = shapes(3)
    found = geometry.heat_map(points, SIZE)
    slow = [
        [
            [1 / (1 + min(math.dist((x + 0.5, y + 0.5), p) for p in face)) for x in range(SIZE)]
            for y in range(SIZE)
        ]
        for face in points.tolist()
    ]
    assert torch.allclose(found[:, 0], torch.tensor(slow), atol=1e-5)


@pytest.mark.parametrize(
    "layer",
    [
        lambda points: geometry.fit_similarity(points, shapes(1, seed=2)[0].double()),
        lambda points: geometry.invert_similarity(
            geometry.fit_similarity(points, shapes(1, seed=2)[0].double())
        ),
        lambda points: geometry.heat_map(points, 8),
    ],
)
def test_gradients_of_the_geometry(layer):
    points = (shapes(2)[:, 30:50].double() + 0.123).requires_grad_()
    full = (
        (lambda p: layer(torch.cat([shapes(2)[:, :48].double(), p], 1)))
        if layer(shapes(2).double()).ndim == 3
        else layer
    )
    assert torch.autograd.gradcheck(full, (points,), eps=1e-6, atol=1e-5)


def test_gradients_through_the_warp():
    generator = torch.Generator().manual_seed(0)
    picture = torch.rand(2, 1, 5, 5, dtype=torch.double, generator=generator, requires_grad=True)
    matrix = torch.tensor(
        [[[0.93, -0.21, 0.7], [0.21, 0.93, -0.4]], [[1.1, 0.3, -0.3], [-0.3, 1.1, 0.6]]]
    ).double()
    assert torch.autograd.gradcheck(
        geometry.warp, (picture, matrix.requires_grad_()), eps=1e-7, atol=1e-5
    )


# Both stages


@pytest.mark.parametrize("variant", dan.DAN_VARIANTS)
def test_stage_two_trains_what_the_variant_says(variant, pictures):
    network = both_stages(variant).train()
    labels = loss.join_labels(shapes(4), torch.tensor([0, 1, 2, 1]))
    loss.LOSSES[variant](network(pictures), labels).backward()
    moved = {name for name, p in network.named_parameters() if p.grad is not None and p.grad.any()}
    second = {name for name, _ in network.named_parameters() if not name.startswith("first.")}
    first = {
        name
        for name, _ in network.first.named_parameters(prefix="first")
        if "fc2_emotion" not in name
    }
    assert moved == (second | first if variant == "as_paper" else second)
    assert network.first.training == (variant == "as_paper")


def test_a_second_stage_that_changes_nothing_gives_the_first_ones_landmarks(pictures):
    network = both_stages().eval()
    for part in (network.stage2.fc2_landmark.weight, network.stage2.fc2_landmark.bias):
        nn.init.zeros_(part)
    nn.init.normal_(
        network.first.stage1.fc2_landmark.bias, generator=torch.Generator().manual_seed(0)
    )
    (_, one), (_, two) = (dan.split_outputs(net(pictures)) for net in (network.first, network))
    assert torch.allclose(one, two, atol=1e-4)


def test_the_second_stage_sees_three_planes(pictures):
    network = both_stages().eval()
    planes, matrix, points = network.seen(pictures)
    assert planes.shape == (4, 3, SIZE, SIZE)
    assert torch.allclose(planes[:, :1], geometry.warp(network.first.standardise(pictures), matrix))
    assert torch.allclose(planes[:, 1:2], geometry.heat_map(points, SIZE))
    blocks = planes[:, 2].unfold(1, 2, 2).unfold(2, 2, 2).flatten(3)
    assert (blocks == blocks[..., :1]).all()  # each number of the dense layer fills 2 x 2 pixels


def test_geometry_keeps_its_precision_in_bfloat16(pictures):
    network = both_stages().eval()
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        _, points = dan.split_outputs(network(pictures))
    with torch.no_grad():
        _, wanted = dan.split_outputs(network(pictures))
    assert points.dtype == torch.float32
    assert (points - wanted).abs().max() < 0.05


def test_emotions_are_the_scores_alone(pictures):
    network = both_stages().eval()
    assert torch.equal(dan.EmotionScores(network)(pictures), network(pictures)[:, :3])


def blobs(points: torch.Tensor) -> torch.Tensor:
    """Pictures with a bright blob on each eye and a larger one at the last points."""
    line = torch.arange(SIZE) + 0.5
    pixels = torch.cartesian_prod(line, line).flip(1)
    centres = torch.stack(
        [points[:, part].mean(1) for part in (slice(36, 42), slice(42, 48), slice(48, 68))], 1
    )
    seen = torch.exp(
        -(torch.cdist(pixels.expand(len(points), -1, 2), centres) ** 2) / torch.tensor([4, 4, 9])
    )
    return seen.sum(2).clamp(0, 1).view(-1, 1, SIZE, SIZE)


def test_under_the_papers_recipe_landmarks_vary_over_faces():
    points = shapes(200)
    classes = (points[:, 0, 0] > points[:, 1, 0]).long()
    examples = Examples((blobs(points),), loss.join_labels(points, classes))
    network = seeded(lambda: dan.FirstStage(2, points.mean(0), dropout=0.0, **TINY), 0)
    network.standardise.learn(examples.inputs[0])
    first, _ = PLANS["paper"].recipes("as_paper")
    # Its optimiser, loss and range of rates, in a cycle of 200 iterations.
    schedule = loss.Triangular(half=100)
    recipe = replace(first, batch=20, iterations=400, patience_iterations=None, schedule=schedule)
    trained = train(network, recipe, examples, precision="32", progress=False)
    outputs = torch.from_numpy(scores(trained.network, examples.inputs, precision="32"))
    _, found = dan.split_outputs(outputs)
    assert (found - found.mean(0)).std() > 0.8 * (points - points.mean(0)).std()
    assert trained.history["train_loss"].iloc[-1] < 0.5 * trained.history["train_loss"].iloc[0]


def test_stage_two_lowers_the_landmark_error():
    points, others = shapes(400), shapes(100, seed=1)
    classes = [(p[:, 0, 0] > p[:, 1, 0]).long() for p in (points, others)]
    examples, validation = (
        Examples((blobs(p),), loss.join_labels(p, c))
        for p, c in zip((points, others), classes, strict=True)
    )
    first = seeded(lambda: dan.FirstStage(0, points.mean(0), variant="as_authors_code", **TINY), 0)
    first.standardise.learn(examples.inputs[0])
    recipe = partial(Recipe, batch=50, rate=0.003, optimiser="adam", weight_decay=0.0)
    fit = partial(train, precision="32", progress=False)
    one = fit(
        first, recipe(epochs=8, loss=loss.DanLoss(1, 0, mean=True)), examples, validation
    ).network
    both = seeded(lambda: dan.EmotionalDAN(one, 2), 1)
    two = fit(
        both, recipe(epochs=12, loss=loss.LOSSES["as_authors_code"]), examples, validation
    ).network

    def error(network: nn.Module) -> float:
        outputs = torch.from_numpy(scores(network, validation.inputs, precision="32"))
        return float(loss.landmark_error(dan.split_outputs(outputs)[1], others).mean())

    start = float(loss.landmark_error(points.mean(0).expand(100, 68, 2), others).mean())
    assert error(one) < 0.7 * start
    assert error(two) < 0.85 * error(one)
    assert all(
        torch.equal(a, b)
        for a, b in zip(one.state_dict().values(), two.first.state_dict().values(), strict=True)
    )


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: dan.FirstStage(7, torch.zeros(68, 2), variant="mine"), "unknown variant 'mine'"),
        (lambda: dan.FirstStage(7, torch.zeros(68, 2), size=100), "multiple of 16 pixels, got 100"),
        (lambda: dan.FirstStage(7, torch.zeros(5, 2)), r"mean shape \(68, 2\), got \(5, 2\)"),
        (
            lambda: first_stage()(torch.zeros(1, 3, SIZE, SIZE)),
            r"expected pictures \(N, 1, 32, 32\)",
        ),
        (
            lambda: loss.join_labels(torch.zeros(2, 136), torch.zeros(2)),
            r"expected points \(N, 68, 2\)",
        ),
        (
            lambda: loss.DanLoss()(torch.zeros(2, 136), torch.zeros(2, 137)),
            r"no emotion head; train it on landmarks alone, with DanLoss\(1, 0, mean=True\)",
        ),
        (
            lambda: loss.DanLoss()(torch.zeros(2, 143), torch.zeros(2)),
            r"expected labels \(N, 137\)",
        ),
        (lambda: loss.Triangular(0.1, 0.01), "0 < low <= high"),
    ],
)
def test_what_does_not_fit_is_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()
