"""The named sets of drawn faces: plans of who shows what, drawn once to disk as pictures and a table of truths.

A set on disk is a folder of JPEG pictures, `<person>/<name>.jpg` (`<person>/<name>/<frame>.jpg` for sequences), and
`truth.parquet` with a row per frame, written last. It is read like any other data, by `ferkit.data.drawn`. Drawn pictures are CC0.
"""

import hashlib
import itertools
import json
import os
import shutil
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from multiprocessing import get_context, parent_process
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from PIL import Image
from tqdm import tqdm

from ferkit.labels import BASIC7, SEVEN
from ferkit.paths import cache_dir, held, write_whole
from ferkit.synthetic.draw import Frame, Model, draw, model
from ferkit.synthetic.expressions import Variation, action_units, blinks, course, expression
from ferkit.synthetic.head import head_file, load_head
from ferkit.synthetic.people import person
from ferkit.synthetic.scene import PORTRAIT, STUDIO, WILD, Ranges, scene

LEVELS = ("smoke", "lesson", "paper")
JPEG_QUALITY = 92
FREQUENT = ("neutral", "happiness")  # what people show before a camera most often
PERSON_TRUTH = ("sex", "age", "weight", "melanin", "hair_volume", "beard")

# People and sequences of each emotion in the photographed sets.
SEQUENCES = {
    "CK+": (118, {"anger": 45, "contempt": 18, "disgust": 59, "fear": 25, "happiness": 69, "sadness": 28, "surprise": 83}),
    "MMI": (30, {"anger": 32, "disgust": 31, "fear": 28, "happiness": 42, "sadness": 32, "surprise": 40}),
}  # fmt: skip


@dataclass(frozen=True)
class Size:
    """How large a set is at one level; `people` x `takes` pictures of each class, or sequences of `frames` frames."""

    people: int
    takes: int
    frames: int = 1


@dataclass(frozen=True)
class DrawnSet:
    """A named set: what each person shows, where pictures are taken, and how many at each level."""

    name: str
    like: str  # the photographed data set it stands for
    classes: (
        str  # "neutral", "seven", "portraits" (neutral and happiness count twice), "compound", "sequences" or "any"
    )
    levels: dict[str, Size]
    pixels: int = 224
    ranges: Ranges = STUDIO
    first_person: int = 0  # seeds of people: sets share people only where their seeds overlap
    back: bool = False  # sequences return to neutral
    variation: Variation = Variation()  # of expressions
    matched: bool = True  # whether the mean face is matched to photographs


SETS = {
    s.name: s
    for s in (
        DrawnSet("stills", "iCV-MEFED", "compound", {"smoke": Size(4, 1), "lesson": Size(40, 1), "paper": Size(115, 5)}),
        DrawnSet("posed", "JAFFE", "seven", {"smoke": Size(4, 1), "lesson": Size(10, 3), "paper": Size(10, 3)}, 256, first_person=2000),
        DrawnSet("portraits", "many people before a camera", "portraits",
                 {"smoke": Size(16, 1), "lesson": Size(150, 1), "paper": Size(1000, 2)}, 160, PORTRAIT, first_person=30_000,
                 matched=False),  # matching the mean face does not help the predictor: notebook 02's table of ingredients
        DrawnSet("neutral", "neutral faces before a camera", "neutral",
                 {"smoke": Size(12, 1), "lesson": Size(100, 1), "paper": Size(600, 1)}, 160, first_person=50_000),
        DrawnSet("large", "iCV-MEFED's large photographs", "seven",
                 {"smoke": Size(3, 1), "lesson": Size(8, 1), "paper": Size(115, 3)}, 1200, first_person=0),
        DrawnSet("sequences", "CK+", "sequences", {"smoke": Size(6, 1, 6), "lesson": Size(118, 1, 12), "paper": Size(118, 1, 18)},
                 96, first_person=3000),
        DrawnSet("sequences-mmi", "MMI", "sequences", {"smoke": Size(4, 1, 9), "lesson": Size(30, 1, 12), "paper": Size(30, 1, 40)},
                 96, first_person=4000, back=True),
        DrawnSet("identities", "CASIA-WebFace", "any", {"smoke": Size(8, 3), "lesson": Size(300, 8), "paper": Size(1000, 40)},
                 64, WILD, first_person=10_000),
        DrawnSet("wild", "AffectNet", "any", {"smoke": Size(10, 3), "lesson": Size(500, 4), "paper": Size(5000, 8)},
                 128, WILD, first_person=20_000),
    )
}  # fmt: skip


@dataclass(frozen=True)
class Shot:
    """One clip to be drawn: who, what, when. `seed` decides everything else."""

    person: int
    name: str
    emotion: str
    complementary: str | None
    frames: int
    seed: int


def plan(name: str | DrawnSet, level: str = "lesson", seed: int = 0) -> list[Shot]:
    """The clips of a set (its name, or one of your own), person by person."""
    drawn = _known(name, level)
    size = drawn.levels[level]
    first = drawn.first_person + seed * 100_000
    shots = []
    for who, emotion, complementary, take in _shown(drawn, size, seed):
        what = f"{complementary}+{emotion}" if complementary else emotion
        text = f"{who:05d}_{what}_{take}"
        shots.append(Shot(first + who, text, emotion, complementary, size.frames, _seed(drawn.name, seed, text)))
    return shots


def draw_set(
    name: str | DrawnSet,
    level: str = "lesson",
    seed: int = 0,
    folder: Path | None = None,
    *,
    workers: int | None = None,
    progress: bool = True,
) -> Path:
    """The folder of a named set, or of one of your own, drawn now if it is not there yet.

    Drawing uses all cores, goes on from where it was stopped, and waits where another process draws the same folder.
    Raises ValueError for an unknown set or level, and when `folder` holds something else.
    """
    drawn = _known(name, level)
    mark = fingerprint(name, level, seed)
    folder = Path(folder) if folder else cache_dir() / "drawn" / f"{drawn.name}-{level}-{seed}-{mark}"
    if not _finished(folder, mark):
        folder.mkdir(parents=True, exist_ok=True)
        with held(folder / ".lock", f"another process is drawing {folder.name}; waiting for it" if progress else ""):
            if not _finished(folder, mark):
                about = json.dumps(_about(drawn, level, seed) | {"fingerprint": mark}, indent=1)
                write_whole(folder / "about.json", lambda path: path.write_text(about, encoding="utf-8"))
                _draw_people(drawn, plan(name, level, seed), folder, workers or os.cpu_count() or 1, progress)
    return folder


def frames_of(shot: Shot, drawn: DrawnSet) -> Iterator[tuple[Frame, dict[str, object]]]:
    """The frames of one clip with their truths, in time order."""
    names = load_head().action_names
    rng = np.random.default_rng(shot.seed)
    face = _model(shot.person, drawn.pixels, drawn.matched)
    view = scene(rng, drawn.ranges)
    apex, intensity = expression(
        shot.emotion, names, rng, complementary=shot.complementary, person_seed=shot.person, variation=drawn.variation
    )
    rest, _ = expression("neutral", names, rng, person_seed=shot.person, variation=drawn.variation)
    moving = shot.frames > 1
    strengths = course(shot.frames, rng, back=drawn.back) if moving else np.ones(1)
    shut = blinks(shot.frames, rng)
    drift = np.cumsum(rng.normal(0, 0.35, (shot.frames, 3)), axis=0) if moving else np.zeros((1, 3))
    lids = [names.index("eyeBlinkLeft"), names.index("eyeBlinkRight")]
    about = {
        "person": f"p{shot.person:05d}",
        "name": shot.name,
        "emotion": shot.emotion,
        "complementary": shot.complementary or "",
        "frames": shot.frames,
        "peak": int(np.argmax(strengths)),
        "intensity": intensity,
        **{key: getattr(face.who, key) for key in PERSON_TRUTH},
    }
    for t, strength in enumerate(strengths):
        amounts = rest + (apex - rest) * strength if moving else apex.copy()
        amounts[lids] = np.maximum(amounts[lids], shut[t])
        yaw, pitch, roll = drift[t].tolist()
        now = replace(view, yaw=view.yaw + yaw, pitch=view.pitch + pitch, roll=view.roll + roll)
        frame = draw(face, load_head(), amounts, now, drawn.pixels, seed=shot.seed % 2**31 + t)
        units = " ".join(map(str, action_units(amounts, names)))
        truth = {"frame": t, "strength": float(strength), "action_units": units, **asdict(now)}
        truth |= {f"action_{name}": float(amount) for name, amount in zip(names, amounts, strict=True)}
        truth |= {f"{axis}{i}": float(frame.landmarks[i, j]) for i in range(68) for j, axis in enumerate("xy")}
        yield frame, about | truth


def fingerprint(name: str | DrawnSet, level: str, seed: int) -> str:
    """Ten hex digits that change whenever the set's pictures would: its plan, the head, the drawing code."""
    digest = hashlib.sha256(json.dumps(_about(_known(name, level), level, seed), sort_keys=True).encode())
    for file in sorted(Path(__file__).parent.glob("*")):
        if file.suffix in (".py", ".json"):
            digest.update(file.read_bytes())
    return digest.hexdigest()[:10]


def _about(drawn: DrawnSet, level: str, seed: int) -> dict[str, object]:
    about = asdict(drawn) | {"level": level, "seed": seed, "head": head_file().name, "licence": "CC0-1.0"}
    return about | {"levels": asdict(drawn.levels[level])}


def _known(name: str | DrawnSet, level: str) -> DrawnSet:
    if isinstance(name, DrawnSet):
        return name
    if name not in SETS:
        raise ValueError(f"unknown drawn set {name!r}; known: {', '.join(SETS)}")
    if level not in LEVELS:
        raise ValueError(f"unknown level {level!r}; known: {', '.join(LEVELS)}")
    return SETS[name]


def _shown(drawn: DrawnSet, size: Size, seed: int) -> Iterator[tuple[int, str, str | None, int]]:
    """Who shows which emotion, with which complementary one, at which take."""
    rng = np.random.default_rng([seed, size.people, len(drawn.name)])
    if drawn.classes == "sequences":
        yield from _sequences(drawn.like, size, rng)
        return
    all_of: dict[str, list[tuple[str, str | None]]] = {
        "neutral": [("neutral", None)],
        "seven": [(emotion, None) for emotion in SEVEN],
        "portraits": [(emotion, None) for emotion in (*SEVEN, *FREQUENT)],
        "compound": [("neutral", None), *((d, c if c != d else None) for c in BASIC7 for d in BASIC7)],
    }
    for who in range(size.people):
        if drawn.classes == "any":
            yield from ((who, str(rng.choice(SEVEN)), None, take) for take in range(size.takes))
        else:
            takes = {pair: itertools.count() for pair in all_of[drawn.classes]}
            for pair, _ in itertools.product(all_of[drawn.classes], range(size.takes)):
                yield who, *pair, next(takes[pair])


def _sequences(like: str, size: Size, rng: np.random.Generator) -> Iterator[tuple[int, str, None, int]]:
    """As many sequences of each emotion as the photographed set has (fewer for fewer people); those who showed least come next."""
    people, counts = SEQUENCES[like]
    shown: dict[int, list[str]] = {who: [] for who in range(size.people)}
    for emotion, count in counts.items():
        for _ in range(max(2, round(count * size.people / people))):
            least = min(shown, key=lambda who: (shown[who].count(emotion), len(shown[who]), rng.random()))  # noqa: B023
            shown[least].append(emotion)
    for who, emotions in shown.items():
        for i, emotion in enumerate(emotions):
            yield who, emotion, None, emotions[:i].count(emotion)


def _finished(folder: Path, mark: str) -> bool:
    """Whether the whole set of this fingerprint is in the folder; ValueError when another one is, or a part of it."""
    about, finished = folder / "about.json", (folder / "truth.parquet").exists()
    if (finished or about.exists()) and _mark_in(about) != mark:
        raise ValueError(
            f"{folder} holds another drawn set, or this one as another version of ferkit draws it; "
            "name another folder, or delete this one"
        )
    return finished


def _mark_in(about: Path) -> str | None:
    return json.loads(about.read_text(encoding="utf-8")).get("fingerprint") if about.exists() else None


def _draw_people(drawn: DrawnSet, shots: list[Shot], folder: Path, workers: int, progress: bool) -> None:
    """Draw those people of whom `.parts` has no table yet; then join the tables to one."""
    people = {who: list(group) for who, group in itertools.groupby(shots, key=lambda shot: shot.person)}
    parts = folder / ".parts"
    parts.mkdir(exist_ok=True)
    load_head()  # made once, before the workers look for it
    todo = [(drawn, group, folder) for who, group in people.items() if not (parts / f"{who}.parquet").exists()]
    done = len(people) - len(todo)
    with tqdm(
        total=len(people), initial=done, desc=f"drawing {drawn.name}", unit="person", disable=not progress
    ) as bar:
        if workers == 1 or len(todo) < 2:
            with _one_thread():
                for job in todo:
                    _draw_person(*job)
                    bar.update()
        else:
            with ProcessPoolExecutor(min(workers, len(todo)), get_context("spawn"), _start_worker) as pool:
                for _ in pool.map(_draw_person, *zip(*todo, strict=True)):
                    bar.update()
    table = pd.concat([pd.read_parquet(parts / f"{who}.parquet") for who in people], ignore_index=True)
    write_whole(folder / "truth.parquet", table.to_parquet)
    shutil.rmtree(parts)


def _draw_person(drawn: DrawnSet, shots: list[Shot], folder: Path) -> None:
    """Draw all clips of one person and leave their truths in `.parts`; the table's presence says that all pictures are there."""
    rows = []
    for shot in shots:
        for frame, truth in frames_of(shot, drawn):
            name = f"{shot.name}/{truth['frame']:03d}.jpg" if shot.frames > 1 else f"{shot.name}.jpg"
            path = folder / f"p{shot.person:05d}" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(frame.image).save(path, quality=JPEG_QUALITY, subsampling=0)
            rows.append({"path": path.relative_to(folder).as_posix(), **truth})
    write_whole(folder / ".parts" / f"{shots[0].person}.parquet", lambda path: pd.DataFrame(rows).to_parquet(path))


@contextmanager
def _one_thread() -> Iterator[None]:
    """Let torch calculate in one thread, as in the workers: with another number the last digits may differ."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _start_worker() -> None:
    """Prepare a process that draws: one thread for the arithmetic, one that ends it when its parent was killed."""
    torch.set_num_threads(1)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    if parent := parent_process():
        parent.join()
        os._exit(1)


@lru_cache(maxsize=2)
def _model(seed: int, pixels: int, matched: bool) -> Model:
    return model(replace(person(seed, load_head()), matched=matched), load_head(), pixels)


def _seed(*what: object) -> int:
    return int.from_bytes(hashlib.sha256(repr(what).encode()).digest()[:7], "big")
