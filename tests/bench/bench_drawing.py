"""Drawing faces.

Frames a second on one thread, on all cores, and on a GPU when there is one.
"""

import os
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context

import numpy as np
import pytest
import torch

from ferkit.core.labels import SEVEN
from ferkit.drawn.draw import Frame, draw
from ferkit.drawn.expressions import sample_expression
from ferkit.drawn.head import Head, load_head
from ferkit.drawn.model import PersonModel, make_person_model
from ferkit.drawn.people import make_person
from ferkit.drawn.render import vertex_normals
from ferkit.drawn.scene import STUDIO, sample_scene

FRAMES = {64: 20, 224: 10, 1200: 2}  # frames in one measured round
CORES = os.cpu_count() or 1

each_size = pytest.mark.parametrize("size", FRAMES)


def draw_some(size: int, count: int, seed: int = 0, device: str = "cpu") -> list[Frame]:
    """`count` frames of one person, each with its own expression and scene."""
    head, rng = head_on(device), np.random.default_rng(seed)
    who = ready(size, device)
    shown = [sample_expression(SEVEN[i % 7], head.action_names, rng)[0] for i in range(count)]
    return [
        draw(who, head, amounts, sample_scene(rng, STUDIO), size, seed=i)
        for i, amounts in enumerate(shown)
    ]


@cache
def head_on(device: str) -> Head:
    return load_head().to(device)


@cache
def ready(size: int, device: str) -> PersonModel:
    return make_person_model(make_person(0, head_on(device)), head_on(device), size)


def draw_with_matplotlib(size: int) -> np.ndarray:
    """Draw the same triangles with matplotlib, flat shaded in one colour."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from mpl_toolkits.mplot3d.art3d import Poly3DCollection

    head = head_on("cpu")
    points, normals = head.rest, vertex_normals(head.rest, head.faces)
    seen = head.faces[normals[head.faces].mean(1)[:, 2] < 0]
    triangles = points[seen].numpy()[..., [0, 2, 1]] * (1, 1, -1)
    canvas = FigureCanvasAgg(Figure(figsize=(size / 100, size / 100), dpi=100))
    axes = canvas.figure.add_axes((0, 0, 1, 1), projection="3d", proj_type="persp")
    axes.add_collection3d(Poly3DCollection(triangles, facecolors="tan", shade=True))
    axes.set(xlim=(-10, 10), ylim=(-10, 10), zlim=(-13, 7))
    axes.view_init(0, -90)
    axes.set_axis_off()
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())


def start_worker() -> None:
    torch.set_num_threads(1)
    load_head()


def bench_the_usual_way(speed):
    speed("224 px, matplotlib, flat", lambda: draw_with_matplotlib(224), 1)


@each_size
def bench_one_thread(size, speed):
    torch.set_num_threads(1)
    usual = "224 px, matplotlib, flat" if size == 224 else None
    speed(f"{size} px, one thread", lambda: draw_some(size, FRAMES[size]), FRAMES[size], usual)


@each_size
def bench_all_cores(size, speed):
    with ProcessPoolExecutor(CORES, get_context("spawn"), initializer=start_worker) as pool:
        jobs = [(size,) * CORES, (FRAMES[size],) * CORES, range(CORES)]
        count, alone = CORES * FRAMES[size], f"{size} px, one thread"
        speed(
            f"{size} px, {CORES} processes", lambda: list(pool.map(count_some, *jobs)), count, alone
        )


def count_some(size: int, count: int, seed: int) -> int:
    return len(draw_some(size, count, seed))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
@each_size
def bench_gpu(size, speed):
    speed(
        f"{size} px, GPU",
        lambda: draw_some(size, FRAMES[size], device="cuda"),
        FRAMES[size],
        f"{size} px, one thread",
    )


def bench_preparing_a_person(speed):
    head = head_on("cpu")
    speed(
        "people made ready for 224 px",
        lambda: [make_person_model(make_person(seed, head), head) for seed in range(5)],
        5,
    )


def bench_loading_the_head(remark):
    code = (
        "import time; from ferkit.drawn.head import load_head; "
        "start = time.perf_counter(); load_head(); print(time.perf_counter() - start)"
    )
    load_head()  # so that the file is there
    seconds = [
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)
        for _ in "123"
    ]
    remark("loading the head", f"{np.median(seconds):.2f} s")
    assert np.median(seconds) < 3
