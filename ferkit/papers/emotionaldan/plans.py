"""What each level trains: the size of the networks, how faces are varied, and all recipes.

Epochs and learning rates of `lesson` and `study` are ours, chosen by validation people.
"""

from dataclasses import dataclass, replace
from functools import partial

from ferkit.papers.emotionaldan.augment import Augmentation
from ferkit.papers.emotionaldan.loss import LOSSES, DanLoss, Triangular, is_right
from ferkit.papers.emotionaldan.network import DAN_VARIANTS
from ferkit.training.recipe import Recipe

LANDMARKS_ALONE = DanLoss(1, 0, mean=True)
EMOTION_ALONE = DanLoss(0, 1, mean=True)
SMALL_RIVALS = ("cnn2", "cnn5", "emotionnet2")  # compared with EmotionalDAN at every level


@dataclass(frozen=True)
class Plan:
    """What one level trains: networks for pictures of `size` pixels, and how each learns."""

    size: int
    width: float  # of the numbers of maps and of fc1
    dropout: float
    # The recipes of stage 1 and stage 2 in each variant; `recipes` adds the losses.
    as_paper: tuple[Recipe, Recipe]
    as_authors_code: tuple[Recipe, Recipe]
    plain: Recipe  # of the plain convolutional rivals
    residual: Recipe  # of the deeper rivals
    plain_width: float = 1.0  # of the plain rivals
    augment: Augmentation | None = Augmentation()
    augment_as_paper: Augmentation | None = Augmentation()  # of the variant as_paper
    rivals: tuple[str, ...] = SMALL_RIVALS

    def recipes(self, variant: str) -> tuple[Recipe, Recipe]:
        """Return the recipes of both stages with their losses."""
        if variant not in DAN_VARIANTS:
            raise ValueError(f"unknown variant {variant!r}; known: {', '.join(DAN_VARIANTS)}")
        first, second = getattr(self, variant)
        loss = LOSSES[variant]
        first_loss = loss if variant == "as_paper" else LANDMARKS_ALONE
        return with_loss(first, first_loss), with_loss(second, loss)

    def augmentation(self, variant: str) -> Augmentation | None:
        """Return how training faces are varied for EmotionalDAN in this variant."""
        return self.augment_as_paper if variant == "as_paper" else self.augment


def with_loss(recipe: Recipe, loss: DanLoss) -> Recipe:
    """Set the loss; the best epoch is that of the highest accuracy where emotions are learnt."""
    return replace(recipe, loss=loss, is_right=is_right if loss.beta else None)


def _adam(epochs: int, high: float, half: int, batch: int = 64) -> Recipe:
    """Return Adam under a triangular learning rate; the paper names no optimiser."""
    schedule = Triangular(high / 20, high, half)
    return Recipe(epochs, batch=batch, optimiser="adam", weight_decay=0.0, schedule=schedule)


def _settling(high: float) -> Recipe:
    """Return Adam under one triangular cycle, then a low rate until nothing improves.

    An epoch of `study` has 66 iterations: the cycle has 24 epochs, and training stops after ten
    without improvement, so a best epoch up to the fortieth lies in the first 80 % of those run.
    """
    return Recipe(
        epochs=60,
        batch=64,
        optimiser="adam",
        weight_decay=0.0,
        schedule=Triangular(high / 500, high, half=12 * 66, cycles=1),
        patience_iterations=10 * 66,
    )


# The paper's cyclical rate. It states no momentum, and with the usual 0.9 stage 1 gives every face
# the same landmarks. A training waits at least one cycle for an improvement.
_CYCLE = 20_000  # iterations, up and down
_sgd = partial(
    Recipe,
    momentum=0.0,
    weight_decay=0.0,
    schedule=Triangular(half=_CYCLE // 2),
    patience_iterations=_CYCLE,
)
_BATCH, _EPOCHS = 50, 40  # of the authors' code; the paper does not say

_MILD = Augmentation(turn=8.0, shift=0.04, zoom=0.08, brightness=0.1, contrast=(0.8, 1.2))

PLANS = {
    "smoke": Plan(
        size=32,
        width=0.125,
        dropout=0.0,
        as_paper=(_adam(4, 0.002, 4, 16), _adam(2, 0.002, 4, 16)),
        as_authors_code=(_adam(4, 0.002, 4, 16), _adam(2, 0.002, 4, 16)),
        plain=_adam(2, 0.002, 4, 16),
        residual=_adam(2, 0.002, 4, 16),
        plain_width=0.25,
    ),
    "lesson": Plan(
        size=48,
        width=0.125,
        dropout=0.0,
        # An epoch has 22 iterations: each learning rate rises and falls once.
        as_paper=(_adam(8, 0.001, 88), _adam(8, 0.001, 88)),
        as_authors_code=(_adam(20, 0.003, 220), _adam(20, 0.012, 220)),
        plain=_adam(24, 0.004, 264),
        residual=_adam(8, 0.002, 88),
        plain_width=0.25,
    ),
    "study": Plan(
        # With the authors' changes of light CNN (2) still improved after 24 epochs, at 0.43 of
        # the validation people's faces; with these it has 0.47 after ten. Half as wide, stage 2
        # came to 0.40 in as many.
        size=48,
        width=0.25,
        dropout=0.0,
        # Under cycles of 6 to 9 epochs, after which nothing improved either, EmotionalDAN came to
        # 0.62 of the validation people's faces, EmotionNet 2 to 0.45 and stage 1 of the text to
        # 0.40; under these they have 0.69, 0.56 and 0.56 (means of two trainings).
        as_paper=(_settling(0.001), _settling(0.001)),
        as_authors_code=(_settling(0.003), _settling(0.012)),
        plain=_settling(0.004),
        residual=_settling(0.002),
        plain_width=0.5,
        augment=_MILD,
        augment_as_paper=_MILD,
    ),
    "paper": Plan(
        size=224,
        width=1.0,
        dropout=0.5,
        as_paper=(_sgd(_EPOCHS, batch=_BATCH), _sgd(_EPOCHS, batch=_BATCH)),
        as_authors_code=(
            Recipe(
                _EPOCHS,
                batch=_BATCH,
                rate=0.001,
                optimiser="adam",
                weight_decay=0.0,
                patience_iterations=_CYCLE,
            ),
            _sgd(_EPOCHS, batch=_BATCH),
        ),
        plain=_adam(40, 0.001, 5000),
        residual=_adam(40, 0.001, 5000),
        # The paper names no augmentation; the authors' code changes the light alone.
        augment=Augmentation(mirror=False, turn=0.0, shift=0.0, zoom=0.0),
        augment_as_paper=None,
        rivals=(*SMALL_RIVALS, "inception"),
    ),
}
