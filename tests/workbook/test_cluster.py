"""Named tasks on a cluster: results, failures, killed workers, and what is said without Dask."""

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from cluster_tasks import chain, kill_own_worker, random_kills
from distributed import LocalCluster
from PIL import Image

from ferkit.core.processes import uses_cluster
from ferkit.data.clip import Clip
from ferkit.data.sets.drawn import read_drawn
from ferkit.drawn.draw_sets import draw_set
from ferkit.drawn.sets import DrawnSet, Size
from ferkit.faces.prepare import prepare
from ferkit.workbook import cluster
from ferkit.workbook.cluster import cluster_pools

pytestmark = pytest.mark.loopback
TASKS = {f"task {number}": number for number in range(8)}


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The scheduler of a cluster with two workers that somebody else has started."""
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": "127.0.0.1:0"}
    with LocalCluster(**options, silence_logs=logging.CRITICAL) as other:
        yield other.scheduler_address


@pytest.fixture
def without_dask(monkeypatch) -> None:
    monkeypatch.setattr(cluster, "find_spec", lambda name: None)


def test_results_and_failures_come_with_their_names(address, told):
    tasks = TASKS | {"bad": 13}
    results = dict(cluster.map_tasks(chain, tasks, scheduler=address, tell=told.append))
    failure = results.pop("bad")
    assert results == {name: chain(number) for name, number in TASKS.items()}
    assert failure.message == "ValueError: 13 is refused"
    assert "in chain" in failure.traceback
    (link,) = told
    assert link.startswith("dashboard: http://127.0.0.1:")
    again = dict(cluster.map_tasks(chain, TASKS, scheduler=address, tell=told.append))
    assert again == results  # the scheduler is still there


def test_workers_with_another_ferkit_are_refused(address, monkeypatch):
    monkeypatch.setattr(cluster, "package_hash", os.getpid)  # differs in each process
    with pytest.raises(ValueError, match="another version of ferkit"):
        next(cluster.map_tasks(chain, TASKS, scheduler=address))


@pytest.mark.slow
def test_a_killed_worker_loses_only_its_task(tmp_path, told):
    harmless = {}
    for number in range(8):
        harmless[f"harmless {number}"] = tmp_path / f"{number}"
        harmless[f"harmless {number}"].touch()
    tasks = {"once": tmp_path / "killed", "always": None, **harmless}
    results = dict(cluster.map_tasks(kill_own_worker, tasks, jobs=2, tell=told.append))
    assert results.pop("always").message.startswith("four workers died at the same task")
    assert set(results.values()) == {"survived"}
    assert results.keys() == {"once", *harmless}


def test_faces_prepared_on_a_cluster_are_those_of_one_process(address, tmp_path, drawn_face, told):
    clips = []
    for shift in range(5):
        path = tmp_path / f"{shift}.png"
        Image.fromarray(np.roll(drawn_face[0], shift, axis=0)).save(path)
        clips.append(Clip("made-up", str(shift), str(shift), "neutral", (path,)))
    here = prepare(clips, 64, cache=tmp_path / "here", workers=1, progress=False)
    with cluster_pools(address, tell=told.append) as workers:
        assert (workers, uses_cluster()) == (2, True)
        there = prepare(clips, 64, cache=tmp_path / "there", workers=workers, progress=False)
    assert not uses_cluster()
    for name in ("images.npy", "faces.npy"):
        assert (here.folder / name).read_bytes() == (there.folder / name).read_bytes()


def test_the_cluster_of_this_computer_starts_when_there_is_work(told):
    with cluster_pools(jobs=2, tell=told.append) as workers:
        assert (workers, uses_cluster(), told) == (2, True, [])
    with cluster_pools(jobs=1) as workers:
        assert (workers, uses_cluster()) == (1, False)


@pytest.mark.parametrize("jobs", [1, 2])
def test_without_dask_processes_do_the_work_and_the_remedy_is_told(without_dask, told, jobs):
    tasks = TASKS | {"bad": 13}
    results = dict(cluster.map_tasks(chain, tasks, jobs=jobs, tell=told.append))
    assert results.pop("bad").message == "ValueError: 13 is refused"
    assert results == {name: chain(number) for name, number in TASKS.items()}
    assert "pip install 'ferkit[cluster]'" in told[0]


def test_without_dask_a_killed_worker_ends_the_run(without_dask, told):
    with pytest.raises(ChildProcessError, match="a worker process died"):
        dict(cluster.map_tasks(kill_own_worker, {"a": None, "b": None}, jobs=2, tell=told.append))


def test_a_scheduler_needs_dask(without_dask):
    with pytest.raises(ValueError, match=r"needs Dask.*pip install 'ferkit\[cluster\]'"):
        next(cluster.map_tasks(chain, TASKS, scheduler="tcp://127.0.0.1:8786"))
    with pytest.raises(ValueError, match="needs Dask"), cluster_pools("tcp://127.0.0.1:1"):
        pass


def test_a_scheduler_that_does_not_answer_is_named(monkeypatch):
    monkeypatch.setattr(cluster, "_CONNECT", 0.5)
    with pytest.raises(OSError, match=r"no Dask scheduler answers at tcp://127.0.0.1:1.*dask sch"):
        next(cluster.map_tasks(chain, TASKS, scheduler="tcp://127.0.0.1:1"))


@pytest.mark.slow
def test_random_kills_change_no_result():
    tasks = {str(number): number for number in range(200, 300)}
    results: dict[str, str] = {}
    with random_kills(seed=0, count=3, progress=lambda: len(results) // 20) as killed:
        for name, result in cluster.map_tasks(chain, tasks, jobs=2):
            results[name] = result
    assert len(killed) == 3
    assert results == {name: chain(number) for name, number in tasks.items()}


@pytest.mark.slow
def test_random_kills_change_no_drawn_or_prepared_face(tmp_path):
    level = {"smoke": Size(12, 1)}
    small = DrawnSet("small", "made-up", "neutral", level, 96, first_person=50)
    here = draw_set(small, "smoke", folder=tmp_path / "here", workers=1, progress=False)
    calm = prepare(read_drawn(here), 64, cache=tmp_path / "calm", workers=1, progress=False)
    parts = tmp_path / "there" / ".parts"
    with cluster_pools(jobs=2) as workers:
        with random_kills(1, 3, lambda: len(list(parts.glob("*.parquet")))) as killed:
            there = draw_set(small, "smoke", folder=tmp_path / "there", workers=workers)
        assert len(killed) == 3
        with random_kills(2, 3, lambda: rows_done(tmp_path / "wild")) as killed:
            wild = prepare(read_drawn(there), 64, cache=tmp_path / "wild", workers=workers)
        assert len(killed) == 3
    assert tree(there) == tree(here)
    assert tree(wild.folder) == tree(calm.folder)
    assert len(tree(here)) == 12
    truths = [pd.read_parquet(folder / "truth.parquet") for folder in (here, there)]
    pd.testing.assert_frame_equal(*truths)


def rows_done(cache: Path) -> int:
    """How many faces of the only prepared set of a cache are done."""
    arrays = list(cache.glob("*/faces.npy"))
    return int((np.load(arrays[0])["done"] > 0).sum()) if arrays else 0


def tree(folder: Path) -> dict[str, bytes]:
    """The pictures and arrays below a folder."""
    files = [file for file in sorted(folder.rglob("*")) if file.suffix in (".jpg", ".npy")]
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in files}
