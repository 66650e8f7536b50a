"""Videos as frames: decoded, sampled, turned upright, cut to the frontal half, kept as pictures.

    films/<data set>-<hash>/    a folder for each video and the settings its frames depend on
        000.jpg, 001.jpg ...    up to 32 frames, evenly from the first to the last, and the peak
        made.json               which frames were taken; written last, so it marks a complete folder

Containers may state a wrong number of frames, so frames are counted by decoding. Fields of
interlaced videos are not separated.
"""

import json
import os
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image
from tqdm.auto import tqdm

from ferkit.core.files import (
    cache_dir,
    digest,
    explain_errors,
    find_damaged,
    hash_files,
    locked,
    read_hashes,
    warn_damaged,
    write_text,
)
from ferkit.data.clip import Clip
from ferkit.data.listing import is_video
from ferkit.data.reports import count_noun, report, shorten
from ferkit.data.sets.mmi import DUAL
from ferkit.faces import detect
from ferkit.faces.pictures import regular_file

_VERSION = 1  # raise it when the same video would give other frames
MOST_FRAMES = 32  # kept of a video
_JPEG_QUALITY = 95
_MOST_PIXELS = 8192 * 4608  # of a frame: 8K
_UPRIGHT_HEIGHT = 480  # pixels: an MMI video of this height is upright, whatever its session says
_ROTATIONS = {
    90: cv2.ROTATE_90_CLOCKWISE,
    180: cv2.ROTATE_180,
    270: cv2.ROTATE_90_COUNTERCLOCKWISE,
}
HALVES = ("left", "right")


def videos_to_frames(
    clips: Iterable[Clip], *, cache: str | Path | None = None, progress: bool = True
) -> list[Clip]:
    """Replace each video among the clips by pictures of up to 32 of its frames, and of the peak.

    In a clip's `extra`, `turn` is the rotation that makes the video upright (degrees clockwise) and
    `half` the half that shows the face from the front. The half in which a face is found wins; the
    given one is used where neither shows a face. Where the provider does not mark the strongest
    expression, the middle frame becomes the `peak`, since expressions rise and fall again.

    `extra` gains `frame_numbers` `(T,)`, `half_by` (face or table) and `peak_by` (middle or
    provider). Videos that cannot be decoded are skipped with a warning. `cache` is the folder of
    the pictures (default: in `core.files.cache_dir()`).
    """
    clips = list(clips)
    base = Path(cache) if cache else cache_dir() / "films"
    count = sum(is_video(clip.frames[0]) for clip in clips)
    converted = []
    problems = []
    with tqdm(
        total=count, desc="videos to frames", unit="video", disable=not (progress and count)
    ) as bar:
        for clip in clips:
            if not is_video(clip.frames[0]):
                converted.append(clip)
                continue
            try:
                converted.append(_video_to_frames(clip, base))
            except (ValueError, OSError) as error:
                problems.append(f"{clip.name} ({error})")
            bar.update()
    if problems:
        report(f"skipped {count_noun(problems, 'video')}: {shorten(problems)}", "warn")
    return converted


def decode_frames(video: str | Path) -> Iterator[np.ndarray]:
    """Decode the frames of a video, `(H, W, 3)` uint8 RGB (see `decode_timed`)."""
    return (frame for _, frame in decode_timed(video))


def decode_timed(video: str | Path) -> Iterator[tuple[float, np.ndarray]]:
    """Decode the frames of a video, each with its time in seconds.

    OSError when there is no such file; ValueError without frames, and for frames over 8K.
    """
    capture = _open_video(video)
    fps = capture.get(cv2.CAP_PROP_FPS)
    pause = 1 / fps if fps > 0 else 0.04
    time = -1.0
    try:
        width = int(capture.get(cv2.CAP_PROP_FRAME_WIDTH))
        height = int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
        if width * height > _MOST_PIXELS:
            raise ValueError(
                f"{video}: its frames have {width} x {height} pixels, more than 8K; make it smaller"
            )
        while True:
            read, frame = capture.read()
            if not read:
                break
            position = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
            time = position if position > time else time + pause  # raw streams have no positions
            yield time, cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)
        if time < 0:
            raise ValueError(f"{video}: no frame of this video can be decoded")
    finally:
        capture.release()


def sample_frames(
    video: str | Path, every: int | None = None, fps: float | None = None
) -> Iterator[tuple[int, float, np.ndarray]]:
    """Decode each `every`-th frame of a video, or `fps` frames a second.

    Yields the frame's number, its time in seconds and its pixels. ValueError when no frame can be
    decoded; a warning when the video stops before its end.
    """
    count = 0
    due = 0.0  # the time of the next frame that is wanted, seconds
    for number, (time, frame) in enumerate(decode_timed(video)):
        count += 1
        if every:
            wanted = number % every == 0
        else:
            wanted = fps is None or time >= due - 1e-6
        if wanted:
            yield number, time, frame
            if fps:
                due += (int((time - due) * fps) + 1) / fps
    expected, _ = container_info(video)
    tolerance = max(min(2, expected // 10), 0.02 * expected)  # containers are not exact
    if count < expected - tolerance:
        warnings.warn(
            f"{video} stops at frame {count} of {expected}; what was read is kept",
            stacklevel=2,
        )


def container_info(video: str | Path) -> tuple[int, float]:
    """Return the number of frames and the frames a second that the container states.

    Both may be wrong; 0 where the container does not say. OSError when there is no such file.
    """
    capture = _open_video(video)
    try:
        count = max(0.0, capture.get(cv2.CAP_PROP_FRAME_COUNT))
        return int(count), max(0.0, capture.get(cv2.CAP_PROP_FPS))
    finally:
        capture.release()


def _open_video(video: str | Path) -> cv2.VideoCapture:
    """Open a video by its absolute path, in which FFmpeg takes no colon for a protocol.

    ValueError for a name that is not Unicode, with which OpenCV crashes.
    """
    path = str(regular_file(video))
    if any("\ud800" <= letter <= "\udfff" for letter in path):
        raise ValueError(f"{path!r}: OpenCV cannot open a video of this name; rename it")
    return cv2.VideoCapture(path, cv2.CAP_FFMPEG)


def spread_evenly(count: int, most: int = MOST_FRAMES) -> np.ndarray:
    """Choose up to `most` of `count` frames evenly, the first and the last among them."""
    if count <= most:
        return np.arange(count)
    return np.linspace(0, count - 1, most).round().astype(int)


def rotate(frame: np.ndarray, turn: int) -> np.ndarray:
    """Rotate a frame clockwise by 0, 90, 180 or 270 degrees.

    A frame 480 pixels high is upright already and stays.
    """
    if turn not in (0, *_ROTATIONS):
        raise ValueError(f"a video is turned by 0, 90, 180 or 270 degrees, got {turn}")
    if turn == 0 or frame.shape[0] == _UPRIGHT_HEIGHT:
        return frame
    return cv2.rotate(frame, _ROTATIONS[turn])


def crop_half(frame: np.ndarray, half: str) -> np.ndarray:
    """Crop the left or the right half of a frame."""
    middle = frame.shape[1] // 2
    return frame[:, :middle] if half == HALVES[0] else frame[:, -middle:]


def find_frontal_half(frame: np.ndarray) -> str | None:
    """Find the half with the surest frontal face; None where neither has a face."""
    scores = {}
    for half in HALVES:
        face = detect.find_face(np.ascontiguousarray(crop_half(frame, half)))
        if face:
            scores[half] = face.score
    return max(scores, key=lambda half: scores[half], default=None)


def _video_to_frames(clip: Clip, base: Path) -> Clip:
    video = clip.frames[0]
    state = os.stat(video)
    turn = clip.extra.get("turn", 0)
    dual = clip.extra.get("view") == DUAL
    given_half = clip.extra.get("half")
    settings = [str(video.resolve()), state.st_size, state.st_mtime_ns, turn, dual, given_half]
    settings += [clip.peak, MOST_FRAMES, _VERSION]
    folder = base / f"{clip.dataset}-{digest(json.dumps(settings), length=16)}"
    record_file = folder / "made.json"
    if not _is_complete(folder):
        with explain_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
        with locked(folder / "lock"):
            if not _is_complete(folder):
                _save_frames(video, folder, turn, dual, given_half, clip.peak)
    record = json.loads(record_file.read_text(encoding="utf-8"))
    numbers = np.array(record["frames"])
    peak = (record["count"] - 1) // 2 if clip.peak is None else clip.peak
    extra = {
        **clip.extra,
        "frame_numbers": numbers,
        "peak_by": "middle" if clip.peak is None else "provider",
    }
    if dual:
        extra |= {"half": record["half"], "half_by": record["half_by"]}
    return replace(
        clip,
        frames=tuple(folder / f"{index:03d}.jpg" for index in range(len(numbers))),
        peak=int(np.abs(numbers - peak).argmin()),
        extra=extra,
    )


def _is_complete(folder: Path) -> bool:
    """Whether the frames of a video were saved and are as they were written."""
    hashes = read_hashes(folder / "made.json")
    damaged = find_damaged(folder, hashes, hashes)
    if damaged:
        warn_damaged(folder / damaged[0])
    return bool(hashes) and not damaged


def _save_frames(
    video: Path, folder: Path, turn: int, dual: bool, given_half: str | None, peak: int | None
) -> None:
    """Decode twice: to count the frames, and to keep the chosen ones (the peak among them)."""
    count = sum(1 for _ in decode_frames(video))
    chosen = set(spread_evenly(count).tolist())
    if peak is not None:
        if peak >= count:
            raise ValueError(f"its peak is frame {peak}, but {count} frames can be decoded")
        chosen.add(peak)
    pictures = {}
    for number, frame in enumerate(decode_frames(video)):
        if number in chosen:
            pictures[number] = rotate(frame, turn)
    numbers = sorted(pictures)
    record: dict[str, Any] = {"film": video.name, "count": count, "frames": numbers, "turn": turn}
    if dual:
        middle = numbers[len(numbers) // 2]
        found = find_frontal_half(pictures[0]) or find_frontal_half(pictures[middle])
        half = found or given_half
        if not half:
            raise ValueError("neither half shows a face, and the frontal half is not known")
        record |= {"half": half, "half_by": "face" if found else "table"}
        pictures = {number: crop_half(pictures[number], half) for number in numbers}
    names = [f"{index:03d}.jpg" for index in range(len(numbers))]
    for name, number in zip(names, numbers, strict=True):
        with explain_errors(folder / name):
            Image.fromarray(pictures[number]).save(folder / name, quality=_JPEG_QUALITY)
    record["files"] = hash_files(folder, names)
    text = json.dumps(record, indent=1) + "\n"
    write_text(folder / "made.json", text)
