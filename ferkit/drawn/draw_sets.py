"""Draw a set once to disk, with all cores and from where it was stopped.

A set on disk is a folder of JPEG pictures, `<person>/<name>.jpg` (`<person>/<name>/<frame>.jpg`
for sequences), and `truth.parquet` with a row per frame. `about.json` describes the set; once the
set is complete, it holds hashes too, by which a damaged set is noticed and drawn again.
`ferkit.data.sets.drawn` reads a set like any other data set.
"""

import io
import itertools
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from PIL import Image
from tqdm import tqdm

from ferkit.core.files import (
    cache_dir,
    digest,
    explain_errors,
    hash_files,
    locked,
    read_cached,
    read_hashes,
    warn_damaged,
    write_whole,
)
from ferkit.core.landmarks import LANDMARK_COLUMNS
from ferkit.core.processes import explain_dead_workers, start_pool
from ferkit.drawn.draw import Frame, draw
from ferkit.drawn.expressions import (
    action_units,
    sample_blinks,
    sample_course,
    sample_expression,
)
from ferkit.drawn.head import head_file, load_head
from ferkit.drawn.model import cached_person_model
from ferkit.drawn.scene import Scene, sample_scene
from ferkit.drawn.sets import DrawnSet, PlannedClip, find_set, plan_clips

_TRUTH = "truth.parquet"
_ABOUT = "about.json"
_PARTS = ".parts"  # the tables of single people, until all are drawn
_HASHED_PICTURES = 256
_JPEG_QUALITY = 92
_PERSON_TRUTH = ("sex", "age", "weight", "melanin", "hair_volume", "beard")
_DRIFT = 0.35  # degrees that the head turns from one frame to the next


def draw_set(
    name: str | DrawnSet,
    level: str = "lesson",
    seed: int = 0,
    folder: Path | None = None,
    *,
    workers: int | None = None,
    progress: bool = True,
) -> Path:
    """Draw a named set, or one of your own, unless it is drawn already; return its folder.

    Drawing uses all cores, goes on from where it was stopped, and waits where another process
    draws the same folder. Raises ValueError for an unknown set or level, and when `folder` holds
    something else.
    """
    drawn_set = find_set(name, level)
    fingerprint = set_fingerprint(name, level, seed)
    if folder is None:
        folder = cache_dir() / "drawn" / f"{drawn_set.name}-{level}-{seed}-{fingerprint}"
    else:
        _check_folder(folder, fingerprint)
    if not _find_fault(folder):
        shutil.rmtree(folder / _PARTS, ignore_errors=True)  # left by a kill at the very end
        return folder
    with explain_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    waiting = f"another process is drawing {folder.name}; waiting for it" if progress else ""
    with locked(folder / ".lock", waiting):
        if fault := _find_fault(folder):
            if fault != folder / _PARTS:
                warn_damaged(fault)
            about = _describe_set(drawn_set, level, seed) | {"fingerprint": fingerprint}
            _write_about(folder, about)
            clips = plan_clips(name, level, seed)
            _draw_people(drawn_set, clips, folder, workers or os.cpu_count() or 1, progress)
            _write_about(folder, about | {"files": _hash_set(folder)})
            shutil.rmtree(folder / _PARTS, ignore_errors=True)
    return folder


def foreign_files(folder: Path) -> list[str]:
    """The names in a folder that are not of a drawn set, whole or unfinished."""
    if not folder.is_dir() or (folder / _ABOUT).exists():
        return []
    names = sorted(path.name for path in folder.iterdir())
    return [name for name in names if name != ".lock" and not name.startswith(".about.")]


def set_fingerprint(name: str | DrawnSet, level: str, seed: int) -> str:
    """Ten hex digits that change whenever the set's pictures would.

    They depend on its plan, the head and the code that draws.
    """
    about = _describe_set(find_set(name, level), level, seed)
    return digest(json.dumps(about, sort_keys=True), drawing_fingerprint())


def drawing_fingerprint() -> str:
    """Ten hex digits that change with the head and with the code that draws."""
    files = sorted(Path(__file__).parent.glob("*"))
    sources = [file.read_bytes() for file in files if file.suffix in (".py", ".json")]
    # The same on computers whose git ends lines in its own way.
    return digest(head_file().name, *(source.replace(b"\r\n", b"\n") for source in sources))


def _describe_set(drawn_set: DrawnSet, level: str, seed: int) -> dict[str, object]:
    return asdict(drawn_set) | {
        "level": level,
        "seed": seed,
        "head": head_file().name,
        "licence": "CC0-1.0",
        "levels": asdict(drawn_set.size(level)),
    }


def draw_clip(clip: PlannedClip, drawn_set: DrawnSet) -> Iterator[tuple[Frame, dict[str, object]]]:
    """Draw the frames of one clip in time order, each with a dictionary of what is true of it."""
    head = load_head()
    names = head.action_names
    rng = np.random.default_rng(clip.seed)
    face = cached_person_model(clip.person, drawn_set.pixels, drawn_set.matched)
    scene = sample_scene(rng, drawn_set.ranges)
    apex, intensity = sample_expression(
        clip.emotion,
        names,
        rng,
        complementary=clip.complementary,
        person_seed=clip.person,
        variation=drawn_set.variation,
    )
    rest, _ = sample_expression(
        "neutral", names, rng, person_seed=clip.person, variation=drawn_set.variation
    )
    strengths = np.ones(1)
    drift = np.zeros((1, 3))
    if clip.frames > 1:
        strengths = sample_course(clip.frames, rng, back=drawn_set.back)
    shut = sample_blinks(clip.frames, rng)
    if clip.frames > 1:
        drift = np.cumsum(rng.normal(0, _DRIFT, (clip.frames, 3)), axis=0)
    lids = [names.index("eyeBlinkLeft"), names.index("eyeBlinkRight")]
    clip_truth = {
        "person": f"p{clip.person:05d}",
        "name": clip.name,
        "emotion": clip.emotion,
        "complementary": clip.complementary or "",
        "frames": clip.frames,
        "peak": int(np.argmax(strengths)),
        "intensity": intensity,
        **{key: getattr(face.person, key) for key in _PERSON_TRUTH},
    }
    for number, strength in enumerate(strengths):
        amounts = apex.copy()
        if clip.frames > 1:
            amounts = rest + (apex - rest) * strength
        amounts[lids] = np.maximum(amounts[lids], shut[number])
        turned = _turn(scene, *drift[number].tolist())
        seed = clip.seed % 2**31 + number
        frame = draw(face, head, amounts, turned, drawn_set.pixels, seed=seed)
        truth = {"frame": number, "strength": float(strength)}
        yield frame, clip_truth | truth | _frame_truth(frame, turned, amounts, names)


def _turn(scene: Scene, yaw: float, pitch: float, roll: float) -> Scene:
    return replace(scene, yaw=scene.yaw + yaw, pitch=scene.pitch + pitch, roll=scene.roll + roll)


def _frame_truth(
    frame: Frame, scene: Scene, amounts: np.ndarray, names: tuple[str, ...]
) -> dict[str, object]:
    """Action units, scene, facial actions and landmarks of one frame."""
    units = action_units(amounts, names)
    actions = zip(names, amounts.tolist(), strict=True)
    landmarks = zip(LANDMARK_COLUMNS, frame.landmarks.ravel().tolist(), strict=True)
    return {
        "action_units": " ".join(map(str, units)),
        **asdict(scene),
        **{f"action_{name}": amount for name, amount in actions},
        **dict(landmarks),
    }


def _check_folder(folder: Path, fingerprint: str) -> None:
    """Raise ValueError when a folder holds another set, or a part of one."""
    about = folder / _ABOUT
    if not about.exists() and not (folder / _TRUTH).exists():
        return
    try:
        written = json.loads(read_cached(about) or b"{}")["fingerprint"]
    except (ValueError, LookupError, TypeError, RecursionError):
        written = None
    if written != fingerprint:
        raise ValueError(
            f"{folder} holds another drawn set, or this one as another version of ferkit draws "
            "it; name another folder, or delete this one"
        )


def _find_fault(folder: Path) -> Path | None:
    """Find what is damaged of a set; `_PARTS` where it is unfinished, None where it is complete."""
    written = read_hashes(folder / _ABOUT)
    if not written:
        return folder / _PARTS
    if not (folder / _TRUTH).is_file():
        return folder / _TRUTH
    hashes = _hash_set(folder)
    differing = [name for name in hashes | written if hashes.get(name) != written.get(name)]
    return folder / differing[0] if differing else None


def _hash_set(folder: Path) -> dict[str, str]:
    """Hash the table, some pictures and, as ".", the names and sizes of all pictures."""
    pictures = sorted(folder.glob("p*/**/*.jpg"))
    names = [path.relative_to(folder).as_posix() for path in pictures]
    some = names[:: max(1, len(names) // _HASHED_PICTURES)]
    sizes = [path.stat().st_size for path in pictures]
    return hash_files(folder, [_TRUTH, *some]) | {".": digest(names, sizes)}


def _write_about(folder: Path, about: dict[str, object]) -> None:
    text = json.dumps(about, indent=1)
    write_whole(folder / _ABOUT, lambda path: path.write_text(text, "utf-8"))


def _draw_people(
    drawn_set: DrawnSet, clips: list[PlannedClip], folder: Path, workers: int, progress: bool
) -> None:
    """Draw the people who have no table in `.parts` yet; then join the tables to one."""
    parts = folder / _PARTS
    with explain_errors(parts):
        parts.mkdir(exist_ok=True)
    load_head()  # made once, before the workers look for it
    tables = []
    jobs = []
    for person, group in itertools.groupby(clips, key=lambda clip: clip.person):
        tables.append(parts / f"{person}.parquet")
        if _read_part(tables[-1]) is None:
            jobs.append((drawn_set, list(group), folder))
    with tqdm(
        total=len(tables),
        initial=len(tables) - len(jobs),
        desc=f"drawing {drawn_set.name}",
        unit="person",
        disable=not progress,
    ) as bar:
        for _ in _run_jobs(jobs, workers):
            bar.update()
    table = pd.concat([_read_part(path) for path in tables], ignore_index=True)
    write_whole(folder / _TRUTH, table.to_parquet)


def _read_part(path: Path) -> pd.DataFrame | None:
    """The table of one person; None where there is none, or where it is damaged."""
    if (content := read_cached(path)) is None:
        return None
    try:
        return pd.read_parquet(io.BytesIO(content), page_checksum_verification=True)
    except (OSError, ValueError):
        warn_damaged(path)
        return None


_Job = tuple[DrawnSet, list[PlannedClip], Path]


def _run_jobs(jobs: list[_Job], workers: int) -> Iterator[None]:
    """Draw people in this process or, where there are several, in `workers` processes."""
    pool = None
    if workers > 1 and len(jobs) > 1:
        pool = start_pool(min(workers, len(jobs)), "spawn")
    if pool is None:
        with _one_thread():
            for job in jobs:
                _draw_person(*job)
                yield
    else:
        with pool, explain_dead_workers():
            yield from pool.map(_draw_in_worker, jobs)


def _draw_in_worker(job: _Job) -> None:
    torch.set_num_threads(1)
    _draw_person(*job)


def _draw_person(drawn_set: DrawnSet, clips: list[PlannedClip], folder: Path) -> None:
    """Draw all clips of one person; then write what is true of them to `.parts`.

    Where the table is, all pictures are.
    """
    rows = []
    for clip in clips:
        for frame, truth in draw_clip(clip, drawn_set):
            stem = f"{clip.name}/{truth['frame']:03d}" if clip.frames > 1 else clip.name
            path = folder / f"p{clip.person:05d}" / f"{stem}.jpg"
            with explain_errors(path):
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(frame.image).save(path, quality=_JPEG_QUALITY, subsampling=0)
            rows.append({"path": path.relative_to(folder).as_posix(), **truth})
    table = pd.DataFrame(rows)
    write = partial(table.to_parquet, write_page_checksum=True)
    write_whole(folder / _PARTS / f"{clips[0].person}.parquet", write)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Let torch use one thread, as in the workers: with more, the last digits may differ."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
