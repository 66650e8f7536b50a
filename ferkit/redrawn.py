"""Frames of drawn clips drawn again, for what pictures on disk do not keep: how far the expression moved each pixel, what each shows."""

from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from functools import lru_cache

import numpy as np

from ferkit.data.clips import Clip
from ferkit.synthetic.draw import Frame, Model, draw, model
from ferkit.synthetic.head import load_head
from ferkit.synthetic.people import person
from ferkit.synthetic.scene import Scene
from ferkit.synthetic.sets import SETS, plan


def peak_frames(clips: Sequence[Clip], level: str, seed: int) -> Iterator[Frame]:
    """The peak frame of each clip, from the facial actions and the scene that its set's table of truths has.

    ValueError for clips that are of no drawn set of this level and seed.
    """
    sets, head = {clip.dataset for clip in clips} & set(SETS), load_head()
    shots = {(name, f"p{shot.person:05d}", shot.name): shot for name in sets for shot in plan(name, level, seed)}
    for clip in clips:
        shot = shots.get((clip.dataset, clip.person, clip.name))
        if shot is None or shot.frames != len(clip.frames) or clip.peak is None:
            raise ValueError(
                f"{clip.dataset} {clip.name} is not drawn at level {level!r}, seed {seed}: no motion is known"
            )
        drawn = SETS[clip.dataset]
        face = _model(shot.person, drawn.pixels, drawn.matched)
        amounts = np.array([clip.extra[f"action_{name}"][clip.peak] for name in head.action_names])
        scene = Scene(**{part.name: float(clip.extra[part.name][clip.peak]) for part in fields(Scene)})
        yield draw(face, head, amounts, scene, drawn.pixels, seed=shot.seed % 2**31 + clip.peak)


@lru_cache(maxsize=2)  # clips mostly stand person by person
def _model(seed: int, pixels: int, matched: bool) -> Model:
    return model(replace(person(seed, load_head()), matched=matched), load_head(), pixels)
