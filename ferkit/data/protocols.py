"""The papers' own protocols: which pictures of a data set they use, and in which folds.

    folds = protocols.dtagn(clips)

Each takes the clips of a reader and returns folds by person. What a paper calls validation and reports is `test` here; to
choose an epoch, people for `val` are taken from the training part (`val_people`, drawn by `seed`).
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ferkit.data.clips import Clip
from ferkit.data.files import is_film, shorten
from ferkit.data.folds import Fold, fold_held_out, folds_ascending, people

FOLDS = 10
HELD = 0.7  # a sequence whose peak comes earlier than this share of it returns to neutral; drawn ones reach it after 0.75 and hold it
LAST = 3  # frames at the end of a sequence that show the emotion
VALIDATED = 9  # people that `multimodal` keeps aside


def dtagn(clips: Sequence[Clip], *, arrangement: str = "interleaved", val_people: int = 0, seed: int = 0) -> list[Fold]:
    """Ten folds by ascending id (`dtagn`, section 5.2): CK+ 327 sequences of 118 people, Oulu-CASIA 480 of 80, MMI 205 of 30.

    `interleaved` tests every tenth id, as a published list for CK+ does; `blocks` ten consecutive parts, the other reading.
    Raises ValueError for clips of a single picture and for fewer than ten people.
    """
    if stills := [clip.name for clip in clips if len(clip.frames) == 1 and not is_film(clip.frames[0])]:
        raise ValueError(f"dtagn needs sequences; {len(stills)} clip(s) are single pictures: {shorten(stills, 3)}")
    return folds_ascending(clips, FOLDS, arrangement=arrangement, val_people=val_people, seed=seed)


def i2cnn(
    clips: Sequence[Clip],
    classes: int = 7,
    *,
    folds: int = FOLDS,
    arrangement: str = "interleaved",
    val_people: int = 0,
    seed: int = 0,
) -> list[Fold]:
    """Ten folds of stills without contempt (`i2cnn`, section IV): CK+ 309 sequences of 106 people, JAFFE 213 photographs.

    Of a sequence the first frame is neutral and the last three show the emotion: CK+ gives 1 236 stills of seven classes, or
    927 of the six without neutral (`classes=6`). The paper does not say whether its folds are by person; these are.
    """
    if classes not in (6, 7):
        raise ValueError(f"i2cnn has 6 or 7 classes, got {classes}")
    chosen = stills(clip for clip in clips if clip.emotion != "contempt")
    chosen = [clip for clip in chosen if classes == 7 or clip.emotion != "neutral"]
    return folds_ascending(chosen, folds, arrangement=arrangement, val_people=val_people, seed=seed)


def tfe(clips: Sequence[Clip], *, arrangement: str = "interleaved", val_people: int = 0, seed: int = 0) -> list[Fold]:
    """Ten folds of CK+'s 1 308 stills in eight classes (`tfe`, section IV): the first and the last three frames of all 327.

    The paper does not say whether its folds are by person; these are.
    """
    return folds_ascending(stills(clips), FOLDS, arrangement=arrangement, val_people=val_people, seed=seed)


def multimodal(clips: Sequence[Clip], *, val_people: int = 0, seed: int = 0) -> list[Fold]:
    """The one split of `multimodal` (section IV): the last nine people by id are tested.

    Of iCV-MEFED's 92 labelled people these are 2 250 of 22 969 pictures.
    """
    everybody = people(clips)
    if len(everybody) <= VALIDATED:
        raise ValueError(f"the last {VALIDATED} people are kept aside, but there are only {len(everybody)} in all")
    return [fold_held_out(clips, everybody[-VALIDATED:], f"last {VALIDATED}", val_people=val_people, seed=seed)]


def stills(clips: Iterable[Clip], last: int = LAST) -> list[Clip]:
    """A clip per picture: of a sequence its first frame as neutral and its `last` ones as its emotion; photographs as they are.

    Names get the frame's position (`S005_001/10`), `sequence` is the name of the whole. Raises ValueError for films, whose
    frames are not known before they are decoded, for sequences that do not end at their peak, and for those of fewer than
    `last` + 1 frames.
    """
    found = []
    for clip in clips:
        count = len(clip.frames)
        if is_film(clip.frames[0]):
            raise ValueError(f"{clip.dataset} {clip.name} is a film; turn it into frames first")
        if count == 1:
            found.append(clip)
            continue
        if count <= last:
            raise ValueError(f"{clip.dataset} {clip.name} has {count} frames; the first and the last {last} are needed")
        if clip.peak is not None and clip.peak < HELD * (count - 1):
            raise ValueError(f"{clip.dataset} {clip.name} does not end at its peak (frame {clip.peak} of {count})")
        for place in (0, *range(count - last, count)):
            emotion = clip.emotion if place else "neutral"
            found.append(
                replace(
                    clip,
                    name=f"{clip.name}/{place}",
                    emotion=emotion,
                    complementary=clip.complementary if place else None,
                    frames=(clip.frames[place],),
                    sequence=clip.name,
                    peak=None,
                    extra=_of_frame(clip, place),
                )
            )
    return found


def _of_frame(clip: Clip, place: int) -> dict[str, Any]:
    """What `extra` says of one frame: arrays with a value per frame are cut, all else holds for the whole clip."""
    count = len(clip.frames)
    cut = {key: value for key, value in clip.extra.items() if isinstance(value, np.ndarray) and len(value) == count}
    return {**clip.extra, **{key: value[place : place + 1] for key, value in cut.items()}}


PROTOCOLS: dict[str, Callable[..., list[Fold]]] = {
    "dtagn": dtagn,
    "i2cnn": i2cnn,
    "tfe": tfe,
    "multimodal": multimodal,
}
