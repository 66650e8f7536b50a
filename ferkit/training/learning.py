"""How a network learns: epochs, optimiser, and a learning rate that rises once and falls."""

from dataclasses import dataclass

from ferkit.training.layers import cross_entropy
from ferkit.training.recipe import Loss, Recipe


@dataclass(frozen=True)
class RiseAndFall:
    """A learning rate that rises over the first eleventh, then falls linearly to a fiftieth.

    Rise and fall meet at ten elevenths of `rate`, the highest value.
    """

    rate: float
    iterations: int

    def __call__(self, iteration: int) -> float:
        rising = (iteration + 1) / (0.1 * self.iterations)
        falling = max(0.02, 1 - iteration / self.iterations)
        return self.rate * min(rising, falling)


@dataclass(frozen=True)
class Learning:
    """How one network learns, whatever the number of examples."""

    epochs: int  # at most
    rate: float  # the learning rate; a cycle begins and ends lower
    batch: int = 128
    optimiser: str = "adam"
    weight_decay: float = 0.0
    # Epochs in which the rate rises and falls as in `RiseAndFall`; None: it stays the same.
    cycle: int | None = None
    # Epochs without improvement on the validation people after which it ends; they are counted from
    # the end of the cycle, because a network often improves most while its rate falls.
    patience: int | None = None

    def recipe(self, count: int, loss: Loss = cross_entropy, top_k: int = 1) -> Recipe:
        """Return the recipe for `count` training examples."""
        batches = -(-count // self.batch)
        cycle = self.cycle * batches if self.cycle else 0
        return Recipe(
            epochs=self.epochs,
            batch=self.batch,
            rate=self.rate,
            optimiser=self.optimiser,
            weight_decay=self.weight_decay,
            schedule=RiseAndFall(self.rate, cycle) if cycle else None,
            patience_iterations=self.patience * batches if self.patience else None,
            patience_after=cycle,
            loss=loss,
            top_k=top_k,
        )


def one_cycle(
    epochs: int,
    rate: float,
    batch: int,
    *,
    weight_decay: float = 0.0,
    patience: int | None = None,
) -> Learning:
    """Return Adam under one cycle of `epochs`.

    With `patience` it goes on at the lowest rate for up to as many epochs again, and ends after so
    many that brought nothing.
    """
    longest = 2 * epochs if patience else epochs
    return Learning(
        longest, rate, batch, weight_decay=weight_decay, cycle=epochs, patience=patience
    )
