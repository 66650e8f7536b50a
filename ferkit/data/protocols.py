"""The papers' own protocols: which pictures of a data set they use, and in which folds.

    folds = protocols.dtagn(clips)

Each takes the clips of a reader and returns folds by person. What a paper calls validation and reports is `test` here; to
choose an epoch, people for `val` are taken from the training part (`val_people`, drawn by `seed`), or are the provider's
own validation part. Who a face belongs to is learnt from other pictures of the same people, and measured on pairs:
`tfe_identities` and `tfe_pairs` return no folds.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ferkit.data.clips import Clip
from ferkit.data.files import is_film, shorten
from ferkit.data.folds import PARTS, Fold, fold_held_out, folds_ascending, people
from ferkit.data.lfw import Pair

FOLDS = 10
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


def tfe_ferplus(clips: Sequence[Clip]) -> list[Fold]:
    """The provider's own split of FER+ (`tfe`, section IV): 25 060 pictures to train, 3 199 to choose the epoch, 3 153 to test.

    These are the pictures that the votes' majority gives one of eight emotions. Who is on them is not known: the split is
    by picture. Raises ValueError for clips without a split and for parts without a clip.
    """
    parts = _by_split(clips, PARTS, "tfe_ferplus")
    return [Fold("official", *(tuple(parts[part]) for part in PARTS))]


def tfe_identities(clips: Sequence[Clip], seed: int = 0) -> tuple[list[Clip], list[Clip]]:
    """(train, validate): one picture of each person, drawn by `seed`, validates who is who (`tfe`, section IV: CASIA-WebFace).

    The same people are in both, as they must be. Somebody of one picture stays in the training part. Which picture is
    drawn does not depend on the order of the clips.
    """
    pictures: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for clip in clips:
        pictures[clip.dataset, clip.person].append(clip.name)

    def drawn(who: tuple[str, str], name: str) -> str:
        return hashlib.sha256(json.dumps([seed, *who, name]).encode()).hexdigest()

    chosen = {
        (*who, min(names, key=lambda name: drawn(who, name))) for who, names in pictures.items() if len(names) > 1
    }
    train: list[Clip] = []
    val: list[Clip] = []
    for clip in clips:
        (val if (clip.dataset, clip.person, clip.name) in chosen else train).append(clip)
    return train, val


def tfe_pairs(pairs: Sequence[Pair], clips: Sequence[Clip]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """LFW's pairs as arrays `(P,)` (`tfe`, section IV): places of the first and second picture in `clips`, same, fold from 0.

    The 6 000 of view 2 are in ten folds of 600: on nine a threshold is chosen, on the tenth it is measured. Raises
    ValueError for pairs of one fold, which are view 1, and for pairs of pictures that are not among the clips.
    """
    place = {clip.name: row for row, clip in enumerate(clips)}
    if absent := sorted({name for pair in pairs for name in (pair.first, pair.second) if name not in place}):
        raise ValueError(f"{len(absent)} picture(s) of the pairs are not among the clips: {shorten(absent)}")
    fold = np.array([pair.fold - 1 for pair in pairs])
    if len(found := np.unique(fold)) < 2:
        raise ValueError(f"expected pairs in several folds, as read_pairs(root) gives; got {len(found)} fold(s)")
    first, second = (np.array([place[getattr(pair, side)] for pair in pairs]) for side in ("first", "second"))
    return first, second, np.array([pair.same for pair in pairs]), fold


def emotionaldan(clips: Sequence[Clip], others: Sequence[Clip], classes: int = 7) -> list[Fold]:
    """Across databases (`emotionaldan`, section 4.2): a fold, named after it, for each data set in `others`, which is tested.

    `clips` are AffectNet's: its training part trains, its validation part (4 000) chooses the epoch. Of sequences the
    stills are tested (`stills`): CK+ has neutral pictures too. Without contempt (`classes=7`: 283 901 pictures train), or
    without surprise for the three of `labels.to_three` (`classes=3`); the paper does not say what became of contempt.
    """
    if classes not in (3, 7):
        raise ValueError(f"emotionaldan has 7 or 3 classes, got {classes}")
    left_out = "contempt" if classes == 7 else "surprise"
    parts = _by_split([clip for clip in clips if clip.emotion != left_out], ("train", "val"), "emotionaldan")
    tested: defaultdict[str, list[Clip]] = defaultdict(list)
    for clip in stills(clip for clip in others if clip.emotion != left_out):
        tested[clip.dataset].append(clip)
    train, val = tuple(parts["train"]), tuple(parts["val"])
    return [Fold(name, train, val, tuple(test)) for name, test in tested.items()]


def multimodal(clips: Sequence[Clip], *, val_people: int = 0, seed: int = 0) -> list[Fold]:
    """The one split of `multimodal` (section IV): the last nine people by id are tested.

    Of iCV-MEFED's 92 labelled people these are 2 250 of 22 969 pictures.
    """
    everybody = people(clips)
    if len(everybody) <= VALIDATED:
        raise ValueError(f"the last {VALIDATED} people are kept aside, but there are only {len(everybody)} in all")
    return [fold_held_out(clips, everybody[-VALIDATED:], f"last {VALIDATED}", val_people=val_people, seed=seed)]


def stills(clips: Iterable[Clip], last: int = LAST) -> list[Clip]:
    """A clip per picture: of a sequence its first frame as neutral and `last` ones as its emotion; photographs as they are.

    These are the last frames, or, where the peak is known and is not the end (MMI's faces go back to neutral), those
    around the peak. Of speech (`speaks` in `extra`) the first frame is left out: nobody promises that it is neutral.
    Names get the frame's position (`S005_001/10`), `sequence` is the name of the whole. Raises ValueError for films, whose
    frames are not known before they are decoded, and for sequences too short to have `last` frames after the first.
    """
    found = []
    for clip in clips:
        if is_film(clip.frames[0]):
            raise ValueError(f"{clip.dataset} {clip.name} is a film; turn it into frames first")
        if len(clip.frames) == 1:
            found.append(clip)
            continue
        places = _at_peak(clip, last)
        if not clip.extra.get("speaks"):
            found.append(_still(clip, 0, "neutral"))
        found += [_still(clip, place, clip.emotion) for place in places]
    return found


def _at_peak(clip: Clip, last: int) -> range:
    """The places of the `last` frames of a sequence, or of as many around its peak."""
    count = len(clip.frames)
    end = count if clip.peak is None else min(count, clip.peak + 1 + last // 2)
    if end <= last:
        where = "" if end == count else f" until its peak, frame {clip.peak}"
        raise ValueError(
            f"{clip.dataset} {clip.name} has {end} frames{where}; the first and the last {last} are needed"
        )
    return range(end - last, end)


def _still(clip: Clip, place: int, emotion: str) -> Clip:
    return replace(
        clip,
        name=f"{clip.name}/{place}",
        emotion=emotion,
        complementary=clip.complementary if place else None,
        frames=(clip.frames[place],),
        sequence=clip.name,
        peak=None,
        extra=_of_frame(clip, place),
    )


def _by_split(clips: Sequence[Clip], parts: Sequence[str], protocol: str) -> dict[str, list[Clip]]:
    """The clips of each of the provider's parts; ValueError when one has none, or a clip is in no part."""
    found: dict[str, list[Clip]] = {part: [] for part in parts}
    for clip in clips:
        if clip.split not in found:
            raise ValueError(f"{protocol} needs a split of {', '.join(parts)}; {clip.name} has {clip.split!r}")
        found[clip.split].append(clip)
    if empty := [part for part, group in found.items() if not group]:
        raise ValueError(f"{protocol}: no clip is in {', '.join(empty)}; is the copy complete?")
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
    "tfe_ferplus": tfe_ferplus,
    "multimodal": multimodal,
    "emotionaldan": emotionaldan,
}
