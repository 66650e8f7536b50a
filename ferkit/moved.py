"""Drawn people whom no network was trained on, what their expressions moved, and where networks' maps lie against it.

    faces = drawn_faces("lesson", seed=0)
    table = compared(load_network("build/run/models/cnn5.safetensors"), faces)

Convention
- Motion is in pixels of the drawing (256 high), wherever it is looked at: what counts as moved is the same for small and large networks.
- A map is compared with it where the face is seen (skin, eyes, mouth), since merely to find the face in the picture is no merit.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from tqdm import tqdm

from ferkit.evaluate import bootstrap
from ferkit.faces import align
from ferkit.faces.detect import Face, find_face
from ferkit.labels import RELATED, SEVEN, compound_name
from ferkit.portable import Network
from ferkit.saliency import against_motion, frontal, mean_maps, randomised, related_share
from ferkit.synthetic.head import PARTS
from ferkit.synthetic.sets import SETS, Size, frames_of, plan

PEOPLE = {"smoke": 2, "lesson": 20, "paper": 100}
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
    found = network.maps([(face.image, face.face) for face in faces], classes, layer)  # type: ignore[arg-type]
    return np.stack([heat for heat, _ in found]), np.stack([matrix for _, matrix in found])


def compared(network: Network, faces: Sequence[Shown], layer: str | None = None) -> pd.DataFrame:
    """A row for each face: person, emotion, right (whether the network was), `saliency.against_motion` of its map, and how much
    of the map lies on the face: `inside`, the share of its sum, and `area`, the share of its pixels.

    Faces of emotions that the network has no class for are left out.
    """
    known = [face for face in faces if class_of(network, face.emotion) is not None]
    if not known:
        raise ValueError(f"none of the emotions shown is a class of the network: {', '.join(network.names)}")
    heat, matrices = maps(network, known, layer)
    size = heat.shape[2], heat.shape[1]
    motion = np.stack([_brought(face.motion, matrix, size) for face, matrix in zip(known, matrices, strict=True)])
    within = np.stack(
        [
            _brought(face.within.astype(np.float32), matrix, size) > 0.5
            for face, matrix in zip(known, matrices, strict=True)
        ]
    )
    answers = network.probabilities([network.look(face.image, face.face) for face in known])
    guess = _among(network, answers)
    about = pd.DataFrame({
        "person": [face.person for face in known],
        "emotion": [face.emotion for face in known],
        "right": [class_of(network, face.emotion) == k for face, k in zip(known, guess, strict=True)],
    })  # fmt: skip
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


def seen_at(face: Shown, matrix: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """The picture `(H, W, 3)` uint8 as it lies under a map of that shape, whose matrix is `matrix`."""
    return align.align(face.image, matrix, max(shape))[: shape[0], : shape[1]]


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


def _among(network: Network, answers: np.ndarray) -> np.ndarray:
    """The most probable of the classes that are single emotions: a pair is no answer to a single one."""
    places = [place for name in SEVEN if (place := class_of(network, name)) is not None]
    return np.asarray(places)[answers[:, places].argmax(1)]


def _brought(values: np.ndarray, matrix: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """What is known of each pixel of a picture, at the pixels `size` (width, height) of a map; 0 outside."""
    square = align.align(np.ascontiguousarray(values, np.float32), matrix, max(size))
    return square[: size[1], : size[0]]
