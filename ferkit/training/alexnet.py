"""The convolutions of Caffe's AlexNet, which `multimodal` and `i2cnn` share.

A. Krizhevsky et al., "ImageNet Classification with Deep Convolutional Neural Networks", 2012, as in
Caffe's `bvlc_alexnet`: two groups in the second, fourth and fifth convolution, pooling that rounds
up, response normalisation before pooling, and first weights as in its prototxt.
"""

from torch import Tensor, nn

from ferkit.training.layers import start_gaussian
from ferkit.training.normalisation import LocalResponseNorm

# filters, size, stride, padding, groups, first bias
_CONVOLUTIONS = (
    (96, 11, 4, 0, 1, 0.0),
    (256, 5, 1, 2, 2, 0.1),
    (384, 3, 1, 1, 1, 0.0),
    (384, 3, 1, 1, 2, 0.1),
    (256, 3, 1, 1, 2, 0.1),
)
_STARTS = ("caffe", "he")  # of the weights
_NORMALISED = (0, 1)  # convolutions that normalisation and pooling follow
_SMALLEST_PICTURE = 43  # pixels
# Mean and standard deviation of the pictures' values in 0..1.
_MEAN = 0.45
_SPREAD = 0.25


def alexnet_trunk(
    width: float = 1.0,
    *,
    prelu: bool = False,
    norm_first: bool = True,
    batch_norm: bool = False,
) -> nn.Sequential:
    """Build the five convolutions.

    `(N, 3, S, S)` becomes `(N, C, s, s)`; see `alexnet_side` for s.
    `width` scales the numbers of filters (96, 256, 384, 384, 256), kept even for the groups. With
    `norm_first=False` pooling precedes normalisation. `batch_norm` replaces response normalisation
    by batch normalisation after each convolution: ours, which learns in fewer iterations.
    """
    layers: list[nn.Module] = []
    channels = 3
    for number, (filters, size, stride, padding, groups, bias) in enumerate(_CONVOLUTIONS):
        filters = max(2, 2 * round(width * filters / 2))
        convolution = nn.Conv2d(channels, filters, size, stride, padding, groups=groups)
        start_gaussian(convolution, bias=bias)
        batch_normed = nn.Sequential(convolution, nn.BatchNorm2d(filters))
        layers.append(batch_normed if batch_norm else convolution)
        layers.append(nn.PReLU() if prelu else nn.ReLU())
        pool = nn.MaxPool2d(3, 2, ceil_mode=True)
        if number in _NORMALISED:
            norm = nn.Identity() if batch_norm else LocalResponseNorm(5)
            layers += [norm, pool] if norm_first else [pool, norm]
        channels = filters
    return nn.Sequential(*layers, pool)


def alexnet_side(size: int) -> int:
    """Return how many points along a side `alexnet_trunk` leaves of `size` pixels.

    ValueError below 43 pixels.
    """
    if size < _SMALLEST_PICTURE:
        raise ValueError(
            f"AlexNet needs pictures of at least {_SMALLEST_PICTURE} pixels, got {size}"
        )
    side = (size - 11) // 4 + 1
    for _ in range(3):
        side = -(-(side - 3) // 2) + 1
    return side


class PixelScale(nn.Module):
    """Bring pictures in 0..1 to the scale that the first weights were made for.

    Caffe's weights start small, for grey levels less their mean: with pixels of unit spread its
    features hardly differ between faces. Weights as of He et al. start for unit spread. (Caffe
    subtracts the training set's mean picture, this one number.)
    """

    def __init__(self, start: str) -> None:
        super().__init__()
        if start not in _STARTS:
            raise ValueError(f"unknown start of the weights {start!r}; known: {', '.join(_STARTS)}")
        self.spread = 1 / 255 if start == "caffe" else _SPREAD

    def forward(self, pictures: Tensor) -> Tensor:
        return (pictures - _MEAN) / self.spread
