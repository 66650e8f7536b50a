"""How people wear their hair, glasses and clothes: priors, not the statistics of any photographed group."""

from typing import Any

import numpy as np

# Shares of the styles of hair for women and for men.
STYLES = {
    "tied": (0.24, 0.02), "long": (0.30, 0.03), "wavy": (0.20, 0.02), "fringe": (0.13, 0.10), "curly": (0.07, 0.06),
    "short": (0.04, 0.40), "parted": (0.02, 0.22), "buzz": (0.0, 0.13),
}  # fmt: skip
FRAMES = (
    (0.006, 0.006, 0.007),
    (0.02, 0.012, 0.008),
    (0.07, 0.03, 0.012),
    (0.16, 0.16, 0.17),
    (0.30, 0.22, 0.10),
    (0.10, 0.01, 0.015),
)
CLOTHS = (
    (0.008, 0.008, 0.009),
    (0.70, 0.70, 0.70),
    (0.16, 0.16, 0.17),
    (0.015, 0.022, 0.055),
)  # black, white, grey, navy
WITH_GLASSES = 0.15


def wardrobe(seed: int, male: bool, age: float, melanin: float) -> dict[str, Any]:
    """The fields of `Person` about hair's style, glasses and clothes. They have numbers of their own, so nothing else depends on them."""
    rng = np.random.default_rng([seed, 2])
    shares = np.array([pair[male] for pair in STYLES.values()])
    style = str(rng.choice(list(STYLES), p=shares / shares.sum()))
    if rng.random() < (melanin - 0.45) * 1.2 and style in ("short", "wavy", "curly", "parted", "fringe"):
        style = "buzz" if male and rng.random() < 0.5 else "afro"
    bald = float(rng.uniform(0, 1))
    if male and rng.random() < (age - 30) / 70:
        style = "bald"
    plain = rng.random() < 0.75
    return {
        "hair_style": style,
        "hair_length": float(rng.uniform(2, 18)),
        "fringe": float(rng.uniform(1.5, 3.6)) if style == "fringe" else 0.0,
        "parting": float(rng.choice([-1, 1]) * rng.uniform(1.5, 3.5) if style == "parted" or rng.random() < 0.5 else rng.normal(0, 0.4)),
        "bald": bald if style == "bald" else 0.0,
        "glasses": float(rng.uniform(0.09, 0.34)) if rng.random() < WITH_GLASSES else 0.0,
        "glasses_shape": float(rng.uniform(0, 1)),
        "glasses_height": float(rng.uniform(1.6, 2.2)),
        "glasses_colour": FRAMES[rng.choice(len(FRAMES), p=[0.4, 0.15, 0.12, 0.15, 0.1, 0.08])],
        "shirt": CLOTHS[rng.choice(len(CLOTHS), p=[0.4, 0.25, 0.18, 0.17])] if plain else _cloth(rng),
        "neckline": float(rng.choice([rng.normal(0, 0.6), rng.uniform(3, 4.5), rng.uniform(-3, -1)], p=[0.65, 0.12, 0.23])),
        "neck_v": float(rng.choice([0.0, rng.uniform(0.5, 1.3)], p=[0.7, 0.3])),
    }  # fmt: skip


def _cloth(rng: np.random.Generator) -> tuple[float, float, float]:
    """Any colour, from dark to bright."""
    red, green, blue = (np.exp(rng.uniform(-3.5, -0.9)) * np.exp(rng.normal(0, 0.6, 3))).clip(0.005, 0.7).tolist()
    return red, green, blue
