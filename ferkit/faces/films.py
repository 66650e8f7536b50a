"""Films turned into frames: decoded once, turned upright, cut to the frontal half, kept as pictures.

films/<data set>-<hash>/        one folder for each film and all that its frames depend on
    000.jpg, 001.jpg ...        up to 32 frames, evenly from the first to the last
    made.json                   which frames of how many, which half; written last, so its presence means finished

Containers tell wrong numbers of frames, so frames are counted by decoding. Fields of interlaced films are not separated.
"""

import hashlib
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

from ferkit.data.clips import Clip
from ferkit.data.files import is_film, report, shorten
from ferkit.data.mmi import DUAL
from ferkit.faces import detect
from ferkit.paths import cache_dir, held, write_whole

CODE = 1  # raise it when the same film would give other frames
FRAMES = 32  # of a film that has more; `dtagn` takes 12 of them
QUALITY = 95  # of the JPEG files
UPRIGHT = 480  # pixels: an MMI film of this height is not turned, whatever its session says
TURNS = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}
HALVES = ("left", "right")


def as_frames(clips: Iterable[Clip], *, cache: str | Path | None = None, progress: bool = True) -> list[Clip]:
    """The clips with each film replaced by the pictures of up to 32 of its frames; other clips are as they were.

    `turn` and `half` in `extra` say how a film is turned (degrees clockwise), and that one half of it shows the face from
    the front. Which half, finding a face in them decides; only where it cannot, the half given does. A film that does not
    mark its strongest expression gets the middle frame as `peak`: expressions rise and fall again.

    `extra` gains `frame_numbers` `(T,)`, places in the film; `half`, as decided, and `half_by` (face or table); `peak_by`
    (middle, or provider). Films that cannot be decoded are reported and left out. `cache` is the folder of the pictures
    (default: in `ferkit.paths.cache_dir()`).
    """
    clips = list(clips)
    base = Path(cache) if cache else cache_dir() / "films"
    films = sum(is_film(clip.frames[0]) for clip in clips)
    found, problems = [], []
    with tqdm(total=films, desc="films to frames", unit="film", disable=not (progress and films)) as bar:
        for clip in clips:
            if not is_film(clip.frames[0]):
                found.append(clip)
                continue
            try:
                found.append(_framed(clip, base))
            except (ValueError, OSError) as error:
                problems.append(f"{clip.name} ({error})")
            bar.update()
    if problems:
        report(f"{len(problems)} film(s) skipped: {shorten(problems)}", "warn")
    return found


def decoded(film: str | Path) -> Iterator[np.ndarray]:
    """The frames of a film, `(H, W, 3)` uint8 RGB, one at a time. ValueError when there is none."""
    return (frame for _, frame in timed(film))


def timed(film: str | Path) -> Iterator[tuple[float, np.ndarray]]:
    """The frames of a film as of `decoded`, each with its time in seconds."""
    capture, time = cv2.VideoCapture(str(film)), -1.0
    pause = 1 / capture.get(cv2.CAP_PROP_FPS) if capture.get(cv2.CAP_PROP_FPS) > 0 else 0.04
    try:
        while (read := capture.read())[0]:
            told = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
            time = told if told > time else time + pause  # a raw stream tells none
            yield time, cv2.cvtColor(read[1], cv2.COLOR_BGR2RGB)
        if time < 0:
            raise ValueError(f"{film}: no frame of this film can be decoded")
    finally:
        capture.release()


def sampled(
    film: str | Path, every: int | None = None, fps: float | None = None
) -> Iterator[tuple[int, float, np.ndarray]]:
    """Each `every`-th frame of a film, or `fps` frames a second: its number, its time in seconds, and the frame.

    ValueError when no frame can be decoded. A film that stops before its end gives what there is, and a warning.
    """
    count, due = 0, 0.0
    for number, (time, frame) in enumerate(timed(film)):
        count += 1
        if number % every == 0 if every else fps is None or time >= due - 1e-6:
            yield number, time, frame
            due += (int((time - due) * fps) + 1) / fps if fps else 0.0
    if count < (told := told_of(film)[0]) - max(2, 0.02 * told):  # containers are wrong by a few
        warnings.warn(f"{film} stops at frame {count} of {told}; what was read is kept", stacklevel=2)


def told_of(film: str | Path) -> tuple[int, float]:
    """How many frames the container says there are, and how many a second; 0 where it does not. Only decoding them tells."""
    capture = cv2.VideoCapture(str(film))
    try:
        count, pace = (max(0.0, capture.get(what)) for what in (cv2.CAP_PROP_FRAME_COUNT, cv2.CAP_PROP_FPS))
        return int(count), pace
    finally:
        capture.release()


def chosen(count: int, most: int = FRAMES) -> np.ndarray:
    """The places of up to `most` frames among `count`: all, or evenly spread with the first and the last."""
    return np.arange(count) if count <= most else np.linspace(0, count - 1, most).round().astype(int)


def turned(frame: np.ndarray, turn: int) -> np.ndarray:
    """The frame turned clockwise by `turn` degrees, a multiple of 90; a frame 480 pixels high is upright already."""
    if turn not in (0, *TURNS):
        raise ValueError(f"a film is turned by 0, 90, 180 or 270 degrees, got {turn}")
    return cv2.rotate(frame, TURNS[turn]) if turn and frame.shape[0] != UPRIGHT else frame


def half_of(frame: np.ndarray, half: str) -> np.ndarray:
    """The left or the right half of a frame."""
    middle = frame.shape[1] // 2
    return frame[:, :middle] if half == HALVES[0] else frame[:, -middle:]


def frontal_half(frame: np.ndarray) -> str | None:
    """The half with a face seen from the front, the surer one where both have one; None where no face is found."""
    faces = {half: detect.find_face(np.ascontiguousarray(half_of(frame, half))) for half in HALVES}
    scores = {half: face.score for half, face in faces.items() if face}
    return max(scores, key=lambda half: scores[half]) if scores else None


def _framed(clip: Clip, base: Path) -> Clip:
    film = clip.frames[0]
    state = os.stat(film)
    turn, dual, prior = clip.extra.get("turn", 0), clip.extra.get("view") == DUAL, clip.extra.get("half")
    made_from = [str(film.resolve()), state.st_size, state.st_mtime_ns, turn, dual, prior, clip.peak, FRAMES, CODE]
    folder = base / f"{clip.dataset}-{hashlib.sha256(json.dumps(made_from).encode()).hexdigest()[:16]}"
    if not (folder / "made.json").is_file():
        folder.mkdir(parents=True, exist_ok=True)
        with held(folder / "lock"):
            if not (folder / "made.json").is_file():
                _make(film, folder, turn, dual, prior, clip.peak)
    made = json.loads((folder / "made.json").read_text(encoding="utf-8"))
    numbers = np.array(made["frames"])
    middle = (made["count"] - 1) // 2
    peak = int(np.abs(numbers - (middle if clip.peak is None else clip.peak)).argmin())
    extra = {**clip.extra, "frame_numbers": numbers, "peak_by": "middle" if clip.peak is None else "provider"}
    extra |= {name: made[name] for name in ("half", "half_by") if dual}
    return replace(clip, frames=tuple(folder / f"{i:03d}.jpg" for i in range(len(numbers))), peak=peak, extra=extra)


def _make(film: Path, folder: Path, turn: int, dual: bool, prior: str | None, peak: int | None) -> None:
    """Decode twice: to count the frames, and to keep the chosen ones (the peak among them)."""
    count = sum(1 for _ in decoded(film))
    if peak is not None and peak >= count:
        raise ValueError(f"its peak is frame {peak}, but {count} frames can be decoded")
    wanted = {*chosen(count).tolist(), *(() if peak is None else (peak,))}
    pictures = {i: turned(frame, turn) for i, frame in enumerate(decoded(film)) if i in wanted}
    made: dict[str, Any] = {"film": film.name, "count": count, "frames": sorted(pictures), "turn": turn}
    if dual:
        first_and_middle = (pictures[0], pictures[sorted(pictures)[len(pictures) // 2]])
        seen = next((half for picture in first_and_middle if (half := frontal_half(picture))), None)
        if not (seen or prior):
            raise ValueError("a face is in neither half, and which one is frontal is not known")
        made |= {"half": seen or prior, "half_by": "face" if seen else "table"}
        pictures = {i: half_of(picture, made["half"]) for i, picture in pictures.items()}
    for place, i in enumerate(sorted(pictures)):
        Image.fromarray(pictures[i]).save(folder / f"{place:03d}.jpg", quality=QUALITY)
    text = json.dumps(made, indent=1) + "\n"
    write_whole(folder / "made.json", lambda part: part.write_text(text, encoding="utf-8"))
