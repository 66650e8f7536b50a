"""Find the faces in pictures and their 68 landmarks; the only module that uses dlib.

Convention
- Points and boxes are in pixels of the given picture, origin at its top left corner, pixel centres
  at integer + 0.5. dlib calls the first pixel's centre 0, so its point (x, y) is (x + 0.5, y + 0.5)
  here, and its rectangle from `left` to `right`, both included, goes from `left` to `right + 1`.
  Example: dlib's rectangle (10, 20, 29, 39) is the box (10, 20, 30, 40); its point (10, 20) is
  (10.5, 20.5).
- A box is (x0, y0, x1, y1), a square from about the brows to the chin.

dlib returns whole pixels and its detector needs faces of some 80 pixels. So detection runs on
copies whose shorter side is 256, 512 and 1024 pixels, no larger than the picture needs, and of
pictures with a side over 2048 pixels on all of their pixels too. `find_face` stops at the first
that shows a face. Landmarks are found on the picture itself, its face first enlarged to at least
400 pixels: their spread under small rotations and shifts falls from 1.8 to 0.6 % of the distance
between the eyes on 64 x 64 pictures and from 0.7 to 0.5 % on 224 x 224.

The landmark model is V. Kazemi and J. Sullivan's ensemble of regression trees (CVPR 2014) trained
on iBUG 300-W, whose licence excludes commercial use.
"""

import importlib.util
import threading
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ferkit.faces.pictures import resize

PREDICTOR = "shape_predictor_68_face_landmarks.dat"
_SEARCH_SIDES = (256, 512, 1024)  # shorter side of the searched copies, pixels
_ORDINARY = 2048  # pixels: a picture with a longer side is searched in all its pixels too
SMALLEST_FACE = 80  # width of the smallest face that dlib detects, pixels
_FACE_WIDTH = 400  # a face is enlarged to this width before its landmarks are found, pixels
_SURE = 0.2  # a detection with this score is accepted at once
_WEAK = -0.2  # with this score the best one is accepted where no size shows a sure face
_NEAR_EQUAL = 0.8  # faces at least this wide, relative to the widest, count as equal in size
_LOW_CONTRAST = 96  # grey levels from the 1st to the 99th percentile; below, a picture is stretched

_thread = threading.local()  # dlib's detector keeps its scan inside itself: one for each thread
_Detection = tuple[np.ndarray, float]  # a box (4,) and its score


@dataclass(frozen=True, eq=False)
class Face:
    """A face: its box `(4,)`, landmarks `(68, 2)` and detection score (dlib's threshold is 0)."""

    box: np.ndarray
    landmarks: np.ndarray
    score: float


def find_faces(image: np.ndarray) -> list[Face]:
    """Find every face in a picture, best first.

    The best is the largest, and among nearly equal ones the nearest to the centre. Two to four
    sizes are searched, so that faces as wide as `smallest_face` says are found.
    """
    detections = _search(image, all_sizes=True)
    return [_with_landmarks(image, detection) for detection in _best_first(image, detections)]


def find_face(image: np.ndarray) -> Face | None:
    """Find the best face in a picture (see `find_faces`), or None.

    It stops at the first size that shows a face, so it is faster.
    """
    detections = _best_first(image, _search(image, all_sizes=False))
    return _with_landmarks(image, detections[0]) if detections else None


def smallest_face(shape: tuple[int, ...]) -> float:
    """Return the width of the smallest faces that are searched for in a picture of this shape."""
    return SMALLEST_FACE / max(_search_factors(shape))


def landmarks_in(image: np.ndarray, box: np.ndarray) -> np.ndarray:
    """Find the 68 landmarks `(68, 2)` of the face in a box `(4,)`.

    `image` is `(H, W, 3)` or `(H, W)` uint8; the landmarks are in its pixels.
    """
    import dlib

    _check_picture(image)
    box = np.asarray(box, dtype=float)
    width = box[2] - box[0]
    if not (np.isfinite(box).all() and width > 0 and box[3] > box[1]):
        raise ValueError(
            f"expected a box (x0, y0, x1, y1) with x0 < x1 and y0 < y1, got {box.tolist()}"
        )
    low = np.floor(box[:2] - 0.3 * width).astype(int)
    high = np.ceil(box[2:] + 0.3 * width).astype(int)
    part, scale = resize(_grey_window(image, low, high), max(1.0, _FACE_WIDTH / width))
    in_part = np.rint((box - np.tile(low, 2)) * np.tile(scale, 2))
    x0, y0, x1, y1 = in_part.astype(int).tolist()
    shape = predictor()(part, dlib.rectangle(x0, y0, x1 - 1, y1 - 1))
    points = np.array([(point.x, point.y) for point in shape.parts()])
    return (points + 0.5) / scale + low


def predictor_path() -> Path:
    """The file of the landmark model, in the package `face_recognition_models`.

    The package is never imported. FileNotFoundError when it is not installed.
    """
    package = importlib.util.find_spec("face_recognition_models")
    folders = (package.submodule_search_locations or []) if package else []
    for folder in folders:
        path = Path(folder) / "models" / PREDICTOR
        if path.is_file():
            return path
    raise FileNotFoundError(
        f"no {PREDICTOR}: it comes with the package face_recognition_models; "
        "`pip install face_recognition_models`"
    )


@cache
def predictor() -> Any:
    """dlib's landmark model, loaded once for the process (a second and 100 MB)."""
    import dlib

    return dlib.shape_predictor(str(predictor_path()))


def _detector() -> Any:
    import dlib

    if not hasattr(_thread, "detector"):
        _thread.detector = dlib.get_frontal_face_detector()
    return _thread.detector


def _search(image: np.ndarray, all_sizes: bool) -> list[_Detection]:
    """Detect the faces in a picture, from coarse to fine.

    It stops at the first size with a face unless `all_sizes`.
    """
    sure: list[_Detection] = []
    weak: list[_Detection] = []
    for factor, border in _passes(image):
        if sure and (border or not all_sizes):
            break
        for box, score in _scan(image, factor, border):
            if any(_same_face(box, other) for other, _ in sure):
                continue
            if score >= _SURE:
                sure.append((box, score))
            else:
                weak.append((box, score))
    return sure or sorted(weak, key=lambda detection: -detection[1])[:1]


def _passes(image: np.ndarray) -> list[tuple[float, float]]:
    """The factors by which a picture is scaled for the searches, and the border added to it."""
    _check_picture(image)
    factors = _search_factors(image.shape)
    # Last, with a border, for a face that fills the picture.
    return [*((factor, 0.0) for factor in factors), (factors[0], 0.25)]


def _search_factors(shape: tuple[int, ...]) -> list[float]:
    largest = max(_SEARCH_SIDES[1], min(shape[:2]))
    factors = [_search_factor(side, shape) for side in _SEARCH_SIDES if side <= largest]
    return [*factors, 1.0] if max(shape[:2]) > _ORDINARY else factors


def _search_factor(side: int, shape: tuple[int, ...]) -> float:
    """The factor that brings the shorter side to `side`, without making a thin strip enormous.

    A factor that shrinks much is one over a whole number, which OpenCV averages three times faster.
    """
    shorter, longer = sorted(shape[:2])
    if shorter >= 2 * side:
        return 1 / round(shorter / side)
    return min(side / shorter, max(1.0, 4096 / longer))


def _scan(image: np.ndarray, factor: float, border: float) -> list[_Detection]:
    """Run dlib's detector on a scaled copy with a border, in shares of its shorter side."""
    copy, scale = resize(image, factor)
    margin = round(border * min(copy.shape[:2]))
    grey = cv2.copyMakeBorder(
        _stretched_grey(copy), margin, margin, margin, margin, cv2.BORDER_REPLICATE
    )
    rectangles, scores, _ = _detector().run(grey, 0, _WEAK)
    detections = []
    for rectangle, score in zip(rectangles, scores, strict=True):
        right, bottom = rectangle.right() + 1, rectangle.bottom() + 1
        box = np.array([rectangle.left(), rectangle.top(), right, bottom])
        detections.append(((box - margin) / np.tile(scale, 2), float(score)))
    return detections


def _best_first(image: np.ndarray, detections: list[_Detection]) -> list[_Detection]:
    """The largest first, those of nearly equal size by their distance from the centre."""
    centre = np.array(image.shape[1::-1]) / 2
    widest = max((box[2] - box[0] for box, _ in detections), default=0)

    def rank(detection: _Detection) -> tuple[int, float]:
        box, _ = detection
        width = box[2] - box[0]
        if width >= _NEAR_EQUAL * widest:
            return 0, float(np.hypot(*((box[:2] + box[2:]) / 2 - centre)))
        return 1, float(-width)

    return sorted(detections, key=rank)


def _with_landmarks(image: np.ndarray, detection: _Detection) -> Face:
    box, score = detection
    return Face(box, landmarks_in(image, box), score)


def _same_face(box: np.ndarray, other: np.ndarray) -> bool:
    """Whether the centre of one box lies in the other, as when two sizes show the same face."""
    return _centre_inside(box, other) or _centre_inside(other, box)


def _centre_inside(box: np.ndarray, other: np.ndarray) -> bool:
    centre = (box[:2] + box[2:]) / 2
    return bool((other[:2] <= centre).all() and (centre <= other[2:]).all())


def _grey_window(image: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """The grey part of a picture from `low` to `high` (x, y).

    Beyond the picture's edge its outermost pixels are repeated: dlib would see black there, which
    moves the landmarks of a face that is cut at the edge.
    """
    size = np.array(image.shape[1::-1])
    x0, y0 = np.clip(low, 0, size)
    x1, y1 = np.clip(high, 0, size)
    if x0 >= x1 or y0 >= y1:
        raise ValueError(f"the box lies outside the picture of {size[0]} x {size[1]} pixels")
    part = _stretched_grey(image[y0:y1, x0:x1])
    top, bottom, left, right = map(int, (y0 - low[1], high[1] - y1, x0 - low[0], high[0] - x1))
    return cv2.copyMakeBorder(part, top, bottom, left, right, cv2.BORDER_REPLICATE)


def _stretched_grey(image: np.ndarray) -> np.ndarray:
    """Grey as dlib makes it, the mean of the three colours; low contrast is stretched."""
    grey = cv2.transform(image, np.full((1, 3), 1 / 3)) if image.ndim == 3 else image
    step = max(1, min(grey.shape) // 128)
    low, high = np.percentile(grey[::step, ::step], (1, 99))
    if 0 < high - low < _LOW_CONTRAST:
        grey = cv2.convertScaleAbs(np.clip(grey, low, high) - low, alpha=255 / (high - low))
    return np.ascontiguousarray(grey)


def _check_picture(image: np.ndarray) -> None:
    shaped = image.ndim in (2, 3) and image.shape[2:] in ((), (3,))
    if image.dtype != np.uint8 or not shaped or not image.size:
        raise ValueError(
            f"expected a picture (H, W, 3) or (H, W) of uint8, got {image.shape} of {image.dtype}"
        )
