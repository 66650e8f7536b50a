"""Photographs from sequences: the first frame as neutral, the last ones as the emotion."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from ferkit.data.clip import Clip
from ferkit.data.listing import is_video

_LAST_FRAMES = 3  # frames at the end of a sequence that show the emotion


def stills(clips: Iterable[Clip]) -> list[Clip]:
    """Return a clip per picture: the neutral first frame and three expressive ones.

    The expressive frames are the last ones, or those around the peak where it is known and is not
    the end (MMI's faces return to neutral). Of speech (`speaks` in `extra`) the first frame is left
    out, since it need not be neutral. Photographs stay as they are.

    Names get the frame's index (`S005_001/10`), and `sequence` is the name of the whole. Raises
    ValueError for videos, whose frames are unknown until they are decoded, and for sequences that
    are too short to have three frames after the first.
    """
    pictures = []
    for clip in clips:
        if is_video(clip.frames[0]):
            raise ValueError(f"{clip.dataset} {clip.name} is a video; turn it into frames first")
        if len(clip.frames) == 1:
            pictures.append(clip)
            continue
        indices = _expressive_frames(clip)
        if not clip.extra.get("speaks"):
            pictures.append(_still(clip, 0, "neutral"))
        pictures += [_still(clip, index, clip.emotion) for index in indices]
    return pictures


def _expressive_frames(clip: Clip) -> range:
    """The indices of the last frames of a sequence, or of as many around its peak."""
    end = len(clip.frames)
    where = ""
    if clip.peak is not None and clip.peak + 1 + _LAST_FRAMES // 2 < end:
        end = clip.peak + 1 + _LAST_FRAMES // 2
        where = f" until its peak, frame {clip.peak}"
    if end <= _LAST_FRAMES:
        raise ValueError(
            f"{clip.dataset} {clip.name} has {end} frames{where}; "
            f"the first and {_LAST_FRAMES} later ones are needed: leave it out, or add frames"
        )
    return range(end - _LAST_FRAMES, end)


def _still(clip: Clip, index: int, emotion: str) -> Clip:
    return replace(
        clip,
        name=f"{clip.name}/{index}",
        emotion=emotion,
        complementary=clip.complementary if index else None,
        frames=(clip.frames[index],),
        sequence=clip.name,
        peak=None,
        extra=_frame_extra(clip, index),
    )


def _frame_extra(clip: Clip, index: int) -> dict[str, Any]:
    """`extra` for one frame: arrays with a value per frame are cut, the rest is kept."""
    extra = dict(clip.extra)
    for key, value in clip.extra.items():
        if isinstance(value, np.ndarray) and len(value) == len(clip.frames):
            extra[key] = value[index : index + 1]
    return extra
