"""Drawn faces whose true motion is known: new people, and frames of drawn sequences drawn again.

Pictures on disk do not keep how far the expression moved each pixel, so peak frames are redrawn.

Convention
- Motion is the displacement in pixels of a drawing 256 pixels high, whatever the size of the
  drawing or the network's input, so one threshold for "moved" fits all.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from functools import lru_cache

import numpy as np
from tqdm import tqdm

from ferkit.data.clip import Clip
from ferkit.drawn.draw import Frame, draw
from ferkit.drawn.draw_sets import draw_clip
from ferkit.drawn.head import HEAD_PARTS, load_head
from ferkit.drawn.model import PersonModel, cached_person_model, make_person_model
from ferkit.drawn.people import make_person
from ferkit.drawn.scene import Scene
from ferkit.drawn.sets import SETS, Size, plan_clips
from ferkit.faces import align
from ferkit.faces.detect import Face, find_face
from ferkit.faces.prepared import Prepared
from ferkit.faces.resample import resample

SEQUENCES_PER_EMOTION = {"smoke": 1, "lesson": 8, "study": 8, "paper": 20}
_NEW_PEOPLE = {"smoke": 2, "lesson": 20, "study": 40, "paper": 100}
_HEIGHT = 256  # pixels of the drawing in which motion is measured
_FRAMES = 12  # that a network of sequences sees
# Added to the seed: the people differ from those of every set that networks train or tune on.
_SEED_OFFSET = 7


@dataclass(frozen=True, eq=False)
class DrawnFace:
    """A drawn face with its true motion and the face that the detector found.

    `image` `(S, S, 3)` uint8; `motion` `(S, S)`, by how many pixels the expression moved what is
    visible; `within` `(S, S)` bool, where the face is visible; `landmarks` `(68, 2)` as drawn.
    """

    person: str
    emotion: str
    image: np.ndarray
    motion: np.ndarray
    within: np.ndarray
    landmarks: np.ndarray
    face: Face


@dataclass(frozen=True, eq=False)
class DrawnSequence(DrawnFace):
    """A drawn sequence: its peak frame, and the pictures that a sequence network sees.

    `pictures` `(T, S, S)` uint8 are aligned and grey; picture number `peak` is the peak frame.
    `matrix` `(2, 3)` takes points of the peak frame to their pixels.
    """

    pictures: np.ndarray
    matrix: np.ndarray
    peak: int


def draw_new_faces(level: str, seed: int = 0, *, progress: bool = True) -> list[DrawnFace]:
    """Draw six emotions of people whom no network was trained on.

    Faces that the detector does not find are left out.
    """
    new_people = replace(SETS["posed"], levels={level: Size(_NEW_PEOPLE[level], 1)})
    clips = plan_clips(new_people, level, seed + _SEED_OFFSET)
    faces = []
    for clip in tqdm(clips, "drawing", disable=not progress):
        if clip.emotion == "neutral":
            continue
        frame, _ = next(draw_clip(clip, new_people))
        face = find_face(frame.image)
        if face:
            faces.append(
                DrawnFace(
                    person=f"p{clip.person}",
                    emotion=clip.emotion,
                    image=frame.image,
                    motion=frame.motion,
                    within=frame.parts < len(HEAD_PARTS),
                    landmarks=frame.landmarks,
                    face=face,
                )
            )
    return faces


def choose_clips(clips: Sequence[Clip], emotions: Sequence[str], count: int) -> list[Clip]:
    """Choose up to `count` clips of each emotion, spread evenly, in their order."""
    chosen: list[int] = []
    for emotion in emotions:
        rows = np.flatnonzero([clip.emotion == emotion for clip in clips])
        spread = np.linspace(0, len(rows) - 1, min(count, len(rows)))
        chosen += rows[spread.round().astype(int)].tolist()
    return [clips[row] for row in sorted(chosen)]


def redraw_sequences(
    clips: Sequence[Clip], prepared: Prepared, level: str, seed: int = 0
) -> list[DrawnSequence]:
    """Combine what a sequence network sees of drawn clips with their true motion at the peak.

    `prepared` holds all frames of the clips, in grey, and may hold others. Clips without a face
    at the peak are left out. ValueError as of `redraw_peak_frames`.
    """
    sequences = []
    for clip, frame in zip(clips, redraw_peak_frames(clips, level, seed), strict=True):
        assert clip.peak is not None  # `redraw_peak_frames` refuses such clips
        paths = [str(path) for path in clip.frames]
        own_frames = prepared.select(prepared.table["path"].isin(paths).to_numpy())
        found = own_frames.table["found"].to_numpy(bool)
        if not found[clip.peak]:
            continue
        name = f"{clip.dataset} {clip.name}"
        landmarks = own_frames.original[clip.peak]
        score = float(own_frames.table["score"].iloc[clip.peak])
        sequences.append(
            DrawnSequence(
                person=clip.person,
                emotion=clip.emotion,
                image=frame.image,
                motion=frame.motion * (_HEIGHT / len(frame.image)),
                within=frame.parts < len(HEAD_PARTS),
                landmarks=frame.landmarks,
                face=Face(own_frames.boxes[clip.peak], landmarks, score),
                pictures=resample(np.asarray(own_frames.images), _FRAMES, found=found, name=name),
                matrix=align.alignment(landmarks, prepared.size),
                peak=round(clip.peak * (_FRAMES - 1) / max(1, len(clip.frames) - 1)),
            )
        )
    return sequences


def freeze_at_peak(sequences: Sequence[DrawnSequence]) -> list[DrawnSequence]:
    """Replace every picture of a sequence by its peak frame, so that nothing moves."""
    frozen = []
    for sequence in sequences:
        pictures = sequence.pictures[[sequence.peak] * len(sequence.pictures)]
        frozen.append(replace(sequence, pictures=pictures))
    return frozen


def redraw_peak_frames(
    clips: Sequence[Clip], level: str, seed: int, *, spread: float = 1.0
) -> Iterator[Frame]:
    """Draw the peak frame of each clip again, from the actions and the scene in its table.

    `spread` multiplies how far the people's faces are from the mean shape: 0 gives everybody the
    same local shape. ValueError for clips that belong to no drawn set of this level and seed.
    """
    planned = {}
    for name in {clip.dataset for clip in clips} & set(SETS):
        for plan in plan_clips(name, level, seed):
            planned[name, f"p{plan.person:05d}", plan.name] = plan
    head = load_head()
    for clip in clips:
        planned_clip = planned.get((clip.dataset, clip.person, clip.name))
        if planned_clip is None or planned_clip.frames != len(clip.frames) or clip.peak is None:
            raise ValueError(
                f"the motion of {clip.dataset} {clip.name} is unknown: it is not drawn at level "
                f"{level!r}, seed {seed}; give clips of that level and seed"
            )
        drawn_set = SETS[clip.dataset]
        face_model = _spread_model(planned_clip.person, drawn_set.pixels, drawn_set.matched, spread)
        actions = [clip.extra[f"action_{name}"][clip.peak] for name in head.action_names]
        values = {field.name: float(clip.extra[field.name][clip.peak]) for field in fields(Scene)}
        yield draw(
            face_model,
            head,
            np.array(actions),
            Scene(**values),
            drawn_set.pixels,
            seed=planned_clip.seed % 2**31 + clip.peak,
        )


@lru_cache(maxsize=4)
def _spread_model(seed: int, size: int, matched: bool, spread: float) -> PersonModel:
    """The model of a person whose local shape is `spread` times as far from the mean."""
    if spread == 1:
        return cached_person_model(seed, size, matched)
    head = load_head()
    person = replace(make_person(seed, head), matched=matched)
    local = np.clip(spread * person.local, -1, 1)
    return make_person_model(replace(person, local=local), head, size)
