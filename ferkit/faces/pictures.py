"""Read picture files of known kinds as RGB, and scale pictures."""

import importlib.util
import io
import math
import os
import threading
import warnings
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from ferkit.data import packed
from ferkit.faces import cut_jpeg, kinds

# Kinds of pictures that Pillow may decode; all others, such as PostScript, are never tried.
_FORMATS = ("JPEG", "PNG", "BMP", "DIB", "GIF", "TIFF", "WEBP", "AVIF", "JPEG2000", "PPM")
_MOST_BYTES = 1_000_000_000  # of a file
_MOST_PIXELS = 120_000_000  # of a picture; phones take up to 108 megapixels
_MOST_KEPT = 64_000_000  # pixels: larger pictures are reduced once they are decoded
_ROWS_AT_ONCE = 256  # are converted, to save memory
_SEVERAL_FRAMES = ("GIF", "PNG", "WEBP", "TIFF", "AVIF")
_TIFF_STARTS = (b"II*\0", b"MM\0*")
_UNKNOWN_TIFF = (
    "damaged, or a TIFF such as floating point in colour or of 16 or 64 bits: "
    "save it as 8- or 16-bit TIFF, or as PNG"
)
_WHITES = (1, 255, 65535)  # of floating-point pixels

Image.MAX_IMAGE_PIXELS = None  # `_MOST_PIXELS` is checked instead, before pixels are decoded
_one_large_picture = threading.Lock()  # threads decode large pictures one after the other


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture `(H, W, 3)` uint8 RGB, and its scale relative to the file's pixels.

    `missing` is the box `(4,)` of the pixels that a cut-off file lacks, None for a whole file.
    """

    pixels: np.ndarray
    scale: float = 1.0
    missing: np.ndarray | None = None

    def lacks(self, box: np.ndarray) -> bool:
        """Tell whether the missing part touches a face: its box `(4,)`, with hair and chin."""
        if self.missing is None:
            return False
        margin = 0.3 * (box[2] - box[0])
        reaches = self.missing[:2] < box[2:] + margin
        return bool(reaches.all() and (box[:2] - margin < self.missing[2:]).all())


def regular_file(path: str | Path) -> Path:
    """Return the absolute path of an ordinary file, so that no decoder takes it for an address.

    FileNotFoundError for a missing file and for an address such as `http://...`, OSError for a
    folder, a device, a pipe or a socket.
    """
    file = Path(os.path.abspath(path))
    if not file.is_file():
        if file.exists():
            raise OSError(f"{path} is no ordinary file, but a folder, a device, a pipe or a socket")
        raise FileNotFoundError(f"no file {path}")
    return file


def read_image(path: str | Path, longest: int | None = None) -> np.ndarray:
    """Read a picture as `read_picture` does; return its pixels `(H, W, 3)` uint8 RGB."""
    return read_picture(path, longest).pixels


def read_picture(path: str | Path, longest: int | None = None) -> Picture:
    """Read a picture as RGB, turned as its EXIF tag says.

    Grey, palette, CMYK and 16-bit pictures are converted, transparent ones laid on white; of
    several frames the first is read. In a floating-point TIFF (grey, 32 bits; no others can be
    decoded) 0 is black, and white is the first of 1, 255 and 65535 that 99 % of the pixels do not
    exceed. With `longest` no side is longer than that many pixels, and a large JPEG is decoded at a
    fraction of its size; pictures of more than 64 megapixels are reduced to that. A JPEG that lacks
    its last bytes is read with a warning, its missing part grey.

    OSError when the file cannot be opened, or not decoded here and now: memory is short, or what
    reads HEIC pictures is not installed. ValueError when it cannot be decoded anywhere or has more
    than 120 megapixels. Both name the path.
    """
    file = regular_file(packed.holder(path) or path)
    if not file.stat().st_size:
        raise ValueError(f"{path}: the file is empty (0 bytes), expected a picture")
    if file.stat().st_size > _MOST_BYTES and file == Path(os.path.abspath(path)):
        raise ValueError(f"{path}: the file has more than 1 GB; save the picture smaller")
    content = packed.file_bytes(path)
    formats = _formats(Path(path).suffix.lower())
    try:
        return _decode(content, formats, path, longest)
    except Exception as error:  # damaged files make Pillow raise nearly anything
        problem = str(error) or type(error).__name__
        if isinstance(error, MemoryError):
            problem = "not enough memory"
        if isinstance(error, UnidentifiedImageError):
            tiff = content.startswith(_TIFF_STARTS)
            problem = _UNKNOWN_TIFF if tiff else kinds.describe_content(content)
        text = f"{path}: cannot be decoded as a picture ({problem})"
        if isinstance(error, MemoryError) or problem == kinds.HEIC:
            raise OSError(text) from error
        raise ValueError(text) from error


def _formats(suffix: str) -> tuple[str, ...]:
    """The kinds that a file may be; TGA has no signature, so its suffix decides."""
    formats: tuple[str, ...] = _FORMATS
    if suffix == ".tga":
        formats = (*formats, "TGA")
    if importlib.util.find_spec("pillow_heif"):
        import pillow_heif

        pillow_heif.register_heif_opener()
        formats = (*formats, "HEIF")
    return formats


def _decode(
    content: bytes, formats: tuple[str, ...], path: str | Path, longest: int | None
) -> Picture:
    with Image.open(io.BytesIO(content), formats=formats) as picture:
        width, height = picture.size
        kind = picture.format
        several = kind in _SEVERAL_FRAMES and getattr(picture, "is_animated", False)
    if width * height > _MOST_PIXELS:
        most = f"{_MOST_PIXELS // 1_000_000} megapixels"
        raise ValueError(f"{width} x {height} pixels, more than {most}: save it smaller")
    if several:
        warnings.warn(f"{path}: only the first of its frames is read", stacklevel=2)
    side = max(width, height)
    kept = math.floor(side * math.sqrt(_MOST_KEPT / (width * height)))
    longest = min(longest or side, side, kept)

    def load(data: bytes) -> Image.Image:
        picture = Image.open(io.BytesIO(data), formats=formats)
        if longest < side:
            picture.draft(None, (-(-width * longest // side), -(-height * longest // side)))
        picture.load()
        return picture

    with _one_large_picture if width * height > _MOST_KEPT else nullcontext():
        missing = None
        try:
            decoded = load(content)
        except OSError:
            if kind not in ("JPEG", "MPO"):
                raise
            decoded = load(content + cut_jpeg.END)
            missing = _missing_box(decoded, cut_jpeg.first_missing_row(content, load))
            warnings.warn(f"{path}: the file is cut off; what it lacks is grey", stacklevel=2)
        ImageOps.exif_transpose(decoded, in_place=True)
        pixels = _to_rgb(decoded)
        del decoded
        if max(pixels.shape[:2]) > longest:
            size = pixels.shape[1::-1]
            pixels = resize(pixels, longest / max(size))[0]
            if missing is not None:
                missing = missing * np.tile(pixels.shape[1::-1], 2) / np.tile(size, 2)
    return Picture(pixels, max(pixels.shape[:2]) / side, missing)


def _missing_box(picture: Image.Image, row: int) -> np.ndarray:
    """The box `(4,)` of the rows from `row` on, once the picture is turned upright."""
    mask = Image.new("L", picture.size)
    mask.paste(255, (0, row, *picture.size))
    mask.getexif()[ExifTags.Base.Orientation] = picture.getexif().get(ExifTags.Base.Orientation, 1)
    ImageOps.exif_transpose(mask, in_place=True)
    return np.array(mask.getbbox(), dtype=float)


def resize(image: np.ndarray, factor: float) -> tuple[np.ndarray, np.ndarray]:
    """Scale a picture smoothly; also return the exact factors `(2,)` for x and y.

    They differ from `factor` since sizes are whole pixels; points in pixels of `image` are
    multiplied by them. Shrinking averages areas, enlarging is bicubic.
    """
    if factor == 1:
        return image, np.ones(2)
    height, width = image.shape[:2]
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    interpolation = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    scaled = cv2.resize(image, size, interpolation=interpolation)
    return scaled, np.array(size) / (width, height)


def _to_rgb(picture: Image.Image) -> np.ndarray:
    """The pixels of a Pillow picture of any mode as `(H, W, 3)` uint8; some rows at a time."""
    width, height = picture.size
    white = _white_level(np.asarray(picture)) if picture.mode == "F" else 65535
    pixels = np.empty((height, width, 3), np.uint8)
    for top in range(0, height, _ROWS_AT_ONCE):
        bottom = min(height, top + _ROWS_AT_ONCE)
        pixels[top:bottom] = _strip_to_rgb(picture.crop((0, top, width, bottom)), white)
    return pixels


def _strip_to_rgb(strip: Image.Image, white: float) -> np.ndarray:
    if strip.mode.startswith("I") or strip.mode == "F":
        shares = np.asarray(strip, dtype=float) / white
        grey = np.rint(255 * np.clip(np.nan_to_num(shares, posinf=1), 0, 1))
        return grey[..., None]
    if strip.has_transparency_data:
        strip = strip.convert("RGBA")
        strip = Image.alpha_composite(Image.new("RGBA", strip.size, "white"), strip)
    return np.asarray(strip.convert("RGB"))


def _white_level(values: np.ndarray) -> float:
    """The value of white among floating-point pixels.

    A few pixels may lie above it, as after sharpening or resampling.
    """
    finite = values[np.isfinite(values)]
    high = np.percentile(finite, 99) if finite.size else 0
    return next((white for white in _WHITES if high <= white), high)
