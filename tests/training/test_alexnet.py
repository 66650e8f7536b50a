"""Caffe's AlexNet at full size: whether its first weights let faces differ and gradients pass."""

import numpy as np
import pytest
import torch
from drawn_pictures import HEAD, acting, picture
from torch import nn

from ferkit.drawn.model import make_person_model
from ferkit.drawn.people import make_person
from ferkit.papers.i2cnn.network import AlexNet
from ferkit.papers.multimodal.network import SingleBranch
from ferkit.training.alexnet import PixelScale, alexnet_trunk
from ferkit.training.layers import FeatureReader, cross_entropy
from ferkit.training.seeds import seeded


@pytest.fixture(scope="module")
def smiling_and_neutral() -> torch.Tensor:
    """Pictures `(4, 3, 227, 227)` in 0..1 of two drawn people."""
    frames = []
    for person in (3, 8):
        model = make_person_model(make_person(person, HEAD), HEAD)
        frames += [picture(model, acting(mouthSmile=smile), 227).image for smile in (0.0, 1.0)]
    return torch.from_numpy(np.stack(frames)).permute(0, 3, 1, 2) / 255


def unit_spread(network: nn.Module) -> nn.Module:
    """Give a network pixels of unit spread, as it has not."""
    for part in network.modules():
        if isinstance(part, PixelScale):
            part.spread = 0.25
    return network


def difference_between_faces(network: nn.Module, pictures: torch.Tensor) -> float:
    """The spread of the features over faces, relative to their size."""
    with torch.no_grad():
        features = FeatureReader(network)(pictures)
    return float((features - features.mean(0)).norm() / features.norm())


def gradients(network: nn.Module, pictures: torch.Tensor) -> list[float]:
    """The gradient of each convolution after the first, relative to its weights."""
    cross_entropy(network(pictures), torch.tensor([0, 1, 0, 1])).backward()
    convolutions = [part for part in network.modules() if isinstance(part, nn.Conv2d)][1:]
    return [float(part.weight.grad.norm() / part.weight.detach().norm()) for part in convolutions]


def test_caffes_first_weights_see_grey_levels(smiling_and_neutral):
    """With pixels of unit spread all faces have nearly the same features, and nothing is learnt."""
    right, wrong = (seeded(lambda: AlexNet(7), 0).eval() for _ in range(2))
    wrong = unit_spread(wrong)
    far = difference_between_faces(right, smiling_and_neutral)
    near = difference_between_faces(wrong, smiling_and_neutral)
    assert far > 0.001
    assert near < far / 10
    for strong, weak in zip(
        gradients(right, smiling_and_neutral), gradients(wrong, smiling_and_neutral), strict=True
    ):
        assert strong > 2 * weak


def test_the_picture_branch_of_paper_1_differs_between_faces(smiling_and_neutral):
    pictures = smiling_and_neutral[..., :224, :224]
    network = seeded(SingleBranch, 0).eval()
    with torch.no_grad():
        right = network.visual(pictures).std(0).mean()
        wrong = unit_spread(network).visual(pictures).std(0).mean()
    assert right > 0.005
    assert right > 10 * wrong


def test_batch_normalisation_replaces_response_normalisation():
    trunk = alexnet_trunk(0.1, batch_norm=True)
    kinds = [type(layer).__name__ for layer in trunk.modules()]
    assert kinds.count("BatchNorm2d") == kinds.count("Conv2d") == 5
    assert "LocalResponseNorm" not in kinds
    assert isinstance(trunk[13], nn.ReLU)  # where Grad-CAM looks, with either normalisation
    assert isinstance(alexnet_trunk(0.1)[13], nn.ReLU)


def test_an_unknown_start_is_refused():
    with pytest.raises(ValueError, match="unknown start of the weights 'zero'; known: caffe, he"):
        PixelScale("zero")
