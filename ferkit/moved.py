"""Drawn people whom no network was trained on, what their expressions moved, and where networks' maps lie against it.

    faces = drawn_faces("lesson", seed=0)
    table = compared(load_network("build/run/models/cnn5.safetensors"), faces)

Networks of sequences are asked with `drawn_sequences`, of whose peak frames networks of single pictures can be asked too.

Convention
- Motion is in pixels of a drawing that is 256 high, wherever it is looked at: what counts as moved is the same for small and large
  networks and drawings.
- A map is compared with it where the face is seen (skin, eyes, mouth), since merely to find the face in the picture is no merit.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import torch
from numpy.typing import ArrayLike
from torch import nn
from tqdm import tqdm

from ferkit.data.clips import Clip
from ferkit.evaluate import Score, bootstrap
from ferkit.explain import change
from ferkit.faces import align
from ferkit.faces.detect import Face, find_face
from ferkit.faces.sequence_examples import sequence_examples
from ferkit.faces.store import Prepared
from ferkit.labels import RELATED, SEVEN, compound_name
from ferkit.portable import Network
from ferkit.redrawn import peak_frames
from ferkit.saliency import against_motion, frontal, grad_cam, mean_maps, placed, randomised, related_share
from ferkit.synthetic.head import PARTS
from ferkit.synthetic.sets import SETS, Size, frames_of, plan

PEOPLE = {"smoke": 2, "lesson": 20, "paper": 100}
SEQUENCES = {"smoke": 1, "lesson": 8, "paper": 20}  # of each emotion
HEIGHT = 256  # of a drawing, in whose pixels motion is told
FRONTAL = 0.06  # how far an eye corner may lie from its mean in a face that looks straight ahead, in widths of the map
SEED_AWAY = 7  # from the notebooks' seed: other people than in any set that networks are trained or tuned on


@dataclass(frozen=True, eq=False)
class Shown:
    """A drawn face: the picture `(S, S, 3)` uint8, how far the expression moved what is seen `(S, S)`, where the face is seen `(S, S)`,
    the drawn landmarks `(68, 2)`, and the face as dlib found it.
    """

    person: str
    emotion: str
    image: np.ndarray
    motion: np.ndarray
    within: np.ndarray
    landmarks: np.ndarray
    face: Face


def drawn_faces(level: str, seed: int = 0, *, progress: bool = True) -> list[Shown]:
    """Six emotions of new people, one picture of each; faces that dlib does not find are left out."""
    people = replace(SETS["posed"], levels={level: Size(PEOPLE[level], 1)})
    shown = []
    for shot in tqdm(plan(people, level, seed + SEED_AWAY), "drawing", disable=not progress):
        if shot.emotion == "neutral":
            continue
        frame = next(frame for frame, _ in frames_of(shot, people))
        if face := find_face(frame.image):
            within = frame.parts < len(PARTS)
            shown.append(
                Shown(f"p{shot.person}", shot.emotion, frame.image, frame.motion, within, frame.landmarks, face)
            )
    return shown


@dataclass(frozen=True, eq=False)
class ShownSequence(Shown):
    """A drawn sequence: its peak frame, and the aligned grey pictures `(T, S, S)` uint8 that a network of sequences sees.

    `matrix` `(2, 3)` brings points of the peak frame to their pixels; picture number `peak` is the peak frame.
    """

    pictures: np.ndarray
    matrix: np.ndarray
    peak: int


def some_of(clips: Sequence[Clip], emotions: Sequence[str], count: int) -> list[Clip]:
    """`count` clips of each of the emotions, or as many as there are, spread over all and in their order."""
    chosen: list[int] = []
    for emotion in emotions:
        those = np.flatnonzero([clip.emotion == emotion for clip in clips])
        places = np.linspace(0, len(those) - 1, min(count, len(those))).round().astype(int)
        chosen += those[places].tolist()
    return [clips[place] for place in sorted(chosen)]


def drawn_sequences(
    clips: Sequence[Clip], prepared: Prepared, level: str, seed: int = 0, *, frames: int = 12
) -> list[ShownSequence]:
    """Clips of a drawn set as a network of sequences sees them, and what moved at their peak frames, which are drawn again.

    `prepared` has all frames of the clips, in grey, and may have others. Clips without a face at the peak are left out.
    ValueError as of `temporal.true_motion`, for clips that are of no drawn set of this level and seed.
    """
    shown = []
    for clip, frame in zip(clips, peak_frames(clips, level, seed), strict=True):
        assert clip.peak is not None  # `peak_frames` refuses such clips
        mine = prepared.select((prepared.table["path"].isin([str(path) for path in clip.frames])).to_numpy())
        if not mine.table["found"].iloc[clip.peak]:
            continue
        pictures = sequence_examples([clip], mine, [clip.emotion], frames).pictures[0].numpy()
        points, box, score = mine.original[clip.peak], mine.boxes[clip.peak], float(mine.table["score"].iloc[clip.peak])
        shown.append(
            ShownSequence(
                clip.person,
                clip.emotion,
                frame.image,
                frame.motion * (HEIGHT / len(frame.image)),
                frame.parts < len(PARTS),
                frame.landmarks,
                Face(box, points, score),
                pictures,
                align.alignment(points, prepared.size),
                round(clip.peak * (frames - 1) / max(1, len(clip.frames) - 1)),
            )
        )
    return shown


def standing_still(sequences: Sequence[ShownSequence]) -> list[ShownSequence]:
    """The same sequences without motion: the peak frame at all times."""
    return [replace(each, pictures=each.pictures[[each.peak] * len(each.pictures)]) for each in sequences]


def changes(sequences: Sequence[ShownSequence]) -> tuple[np.ndarray, np.ndarray]:
    """Maps of no network: how much grey levels differ between the first picture and the peak, `(N, S, S)`, and matrices as of `maps`."""
    pairs = np.stack([each.pictures[[0, each.peak]] for each in sequences]).astype(np.float32)
    return change(torch.from_numpy(pairs)), np.stack([each.matrix for each in sequences])


def class_of(network: Network, emotion: str) -> int | None:
    """The place of an emotion among a network's classes, single or of pairs; None where it has none."""
    names = (emotion, compound_name(None, emotion))
    return next((network.names.index(name) for name in names if name in network.names), None)


def maps(network: Network, faces: Sequence[Shown], layer: str | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Grad-CAM of the emotion shown, `(N, H, W)`, and the matrices `(N, 2, 3)` from each picture's pixels to its map's.

    ValueError when the network has no class of an emotion shown.
    """
    classes = [class_of(network, face.emotion) for face in faces]
    if missing := sorted({face.emotion for face, place in zip(faces, classes, strict=True) if place is None}):
        raise ValueError(f"the network has no class {', '.join(missing)}; it has {', '.join(network.names)}")
    if network.frames > 1:
        return _sequence_maps(network, faces, classes, layer)  # type: ignore[arg-type]
    found = network.maps([(face.image, face.face) for face in faces], classes, layer)  # type: ignore[arg-type]
    return np.stack([heat for heat, _ in found]), np.stack([matrix for _, matrix in found])


def convolutions(network: Network) -> list[str]:
    """The layers of DTAN that can be asked, the last one last: the rectified maps of each convolution."""
    layers = list(network.module.hidden)  # type: ignore[arg-type]
    return [f"hidden.{place + 1}" for place, layer in enumerate(layers) if isinstance(layer, nn.Conv2d)]


def _sequence_maps(
    network: Network, faces: Sequence[Shown], classes: Sequence[int], layer: str | None
) -> tuple[np.ndarray, np.ndarray]:
    """`maps` of DTAN, of its last convolution where no layer is named: one map for all pictures of a sequence."""
    if not all(isinstance(face, ShownSequence) for face in faces):
        raise ValueError(f"{network.kind} sees {network.frames} pictures at once; ask it with `drawn_sequences`")
    name = layer or convolutions(network)[-1]
    pictures = np.stack([face.pictures for face in faces])  # type: ignore[attr-defined]
    heat = grad_cam(network.module, network.module.get_submodule(name), torch.from_numpy(pictures), classes)
    inner = placed(network.module.hidden[: int(name.split(".")[1]) + 1], pictures.shape[-1])  # type: ignore[index]
    return heat, np.stack([align.after(inner, face.matrix) for face in faces])  # type: ignore[attr-defined]


def compared(network: Network, faces: Sequence[Shown], layer: str | None = None) -> pd.DataFrame:
    """A row for each face: as of `mapped`, and `right`, whether the network was."""
    table, known = mapped(network, faces, layer), _known(network, faces)
    answers = network.probabilities(
        [(face.pictures,) for face in known]  # type: ignore[attr-defined]
        if network.frames > 1
        else [network.look(face.image, face.face) for face in known]
    )
    guess = _among(network, answers)
    return table.assign(right=[class_of(network, face.emotion) == k for face, k in zip(known, guess, strict=True)])


def mapped(network: Network, faces: Sequence[Shown], layer: str | None = None) -> pd.DataFrame:
    """A row for each face: as of `scored`, of the network's maps; it is not asked for an answer, which of a control says nothing.

    Faces of emotions that the network has no class for are left out.
    """
    known = _known(network, faces)
    return scored(known, *maps(network, known, layer))


def scored(faces: Sequence[Shown], heat: np.ndarray, matrices: ArrayLike) -> pd.DataFrame:
    """A row for each face: person, emotion, `saliency.against_motion` of its map of `heat` `(N, H, W)`, and how much of the map
    lies on the face: `inside`, the share of its sum, and `area`, the share of its pixels.

    `matrices` `(N, 2, 3)` bring points of the pictures to pixels of the maps.
    """
    places = zip(faces, np.asarray(matrices), strict=True)
    motion = np.stack([motion_at(face, matrix, heat.shape[1:]) for face, matrix in places])
    within = ~np.isnan(motion)
    about = pd.DataFrame({"person": [face.person for face in faces], "emotion": [face.emotion for face in faces]})
    total = heat.sum((1, 2))
    about["inside"] = np.divide((heat * within).sum((1, 2)), total, out=np.full(len(heat), np.nan), where=total > 0)
    return about.assign(area=within.mean((1, 2))).join(against_motion(heat, motion, within))


def unlearnt(network: Network, seed: int = 0) -> Network:
    """The network with its weights in another order: the control, whose maps know nothing (`saliency.randomised`)."""
    return replace(network, module=randomised(network.module, seed))


def summary(tables: Mapping[str, pd.DataFrame], controls: Mapping[str, pd.DataFrame], seed: int = 0) -> pd.DataFrame:
    """A row for each network: auc, the control's, their difference, pointing and inside, as `Score`s over people; `moved` and `area`,
    what pointing and inside are for a map that is the same everywhere.

    Faces of which nothing, or everything, moved by a pixel have no auc and are left out.
    """
    rows = {}
    for name, table in tables.items():
        some = table.assign(control=controls[name]["auc"]).dropna(subset=["auc", "control"])
        values = {"auc": some["auc"], "control": some["control"], "gain": some["auc"] - some["control"]}
        values |= {"pointing": some["pointing"], "inside": some["inside"].fillna(some["area"])}
        rows[name] = {what: bootstrap(each, some["person"], seed=seed) for what, each in values.items()}
        rows[name] |= {what: some[what].mean() for what in ("moved", "area")}
    return pd.DataFrame.from_dict(rows, orient="index")


def difference(table: pd.DataFrame, other: pd.DataFrame, seed: int = 0) -> Score:
    """How much higher the auc of one table of `compared` or `scored` is than another's, of the same faces, over people."""
    if table[["person", "emotion"]].values.tolist() != other[["person", "emotion"]].values.tolist():
        raise ValueError("the two tables are of different faces: their maps cannot be compared face by face")
    gain = (table["auc"] - other["auc"]).dropna()
    return bootstrap(gain, table["person"][gain.index], seed=seed)


def seen_at(face: Shown, matrix: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """The picture `(H, W, 3)` uint8 as it lies under a map of that shape, whose matrix is `matrix`."""
    return align.align(face.image, matrix, max(shape))[: shape[0], : shape[1]]


def motion_at(face: Shown, matrix: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """How far the expression moved the face `(H, W)` as it lies under a map of that shape, whose matrix is `matrix`; nan beside it."""
    size = shape[1], shape[0]
    there = _brought(face.within.astype(np.float32), matrix, size) > 0.5
    return np.where(there, _brought(face.motion, matrix, size), np.nan)


def upright(faces: Sequence[Shown], heat: np.ndarray, matrices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which faces look straight ahead `(N,)` bool (`saliency.frontal`), and all landmarks `(N, 68, 2)` in the maps' pixels."""
    points = np.stack([align.apply(matrix, face.landmarks) for face, matrix in zip(faces, matrices, strict=True)])
    return frontal(points, FRONTAL * heat.shape[1]), points


def related_mean(
    network: Network | None,
    faces: Sequence[Shown],
    like: Network | None = None,
    version: str = "as_authors_code",
    layer: str | None = None,
) -> float:
    """The mean over emotions of `saliency.related_share`, of a network's mean maps on faces that look straight ahead.

    Without a network the maps are the true motion, on crops as of the network `like`. `layer` is as of `maps`.
    """
    asked = network or like
    if asked is None:
        raise ValueError("name the network whose maps, or at least whose crops, are meant")
    heat, matrices = maps(asked, faces, layer)
    if network is None:
        size = heat.shape[2], heat.shape[1]
        heat = np.stack([_brought(face.motion, matrix, size) for face, matrix in zip(faces, matrices, strict=True)])
    forward, points = upright(faces, heat, matrices)
    shown = np.array([face.emotion for face in faces])[forward]
    means = mean_maps(heat[forward], shown, [name for name in SEVEN if name in RELATED[version]])
    return float(np.mean([related_share(each, points[forward].mean(0), name, version) for name, each in means.items()]))


def _known(network: Network, faces: Sequence[Shown]) -> list[Shown]:
    """The faces of emotions that are classes of the network; ValueError when there are none."""
    known = [face for face in faces if class_of(network, face.emotion) is not None]
    if not known:
        raise ValueError(f"none of the emotions shown is a class of the network: {', '.join(network.names)}")
    return known


def _among(network: Network, answers: np.ndarray) -> np.ndarray:
    """The most probable of the classes that are single emotions: a pair is no answer to a single one."""
    places = [place for name in SEVEN if (place := class_of(network, name)) is not None]
    return np.asarray(places)[answers[:, places].argmax(1)]


def _brought(values: np.ndarray, matrix: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """What is known of each pixel of a picture, at the pixels `size` (width, height) of a map; 0 outside."""
    square = align.align(np.ascontiguousarray(values, np.float32), matrix, max(size))
    return square[: size[1], : size[0]]
