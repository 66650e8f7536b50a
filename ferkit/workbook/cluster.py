"""Run named tasks on a Dask cluster: the cores of this computer, or many computers.

    for name, result in map_tasks(function, {"first": 1, "second": 2}):
        ...
    with cluster_pools("tcp://node7:8786") as workers:
        prepare(clips, 224, workers=workers)  # on the workers of the cluster

Dask runs a task again when its worker was killed, so tasks must be idempotent: they write files
whole, under names that depend on what made them. Dask's own name of a task is a hash of function
and argument. Without Dask (`pip install 'ferkit[cluster]'`), processes of this computer do the
work; then a killed worker ends the run, and the next call continues.
"""

import logging
import traceback
from collections.abc import Callable, Generator, Iterator, Mapping
from concurrent.futures import Executor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from ferkit.core.processes import count_processors, explain_dead_workers, start_pool, use_cluster
from ferkit.workbook.records import gpu_name, package_hash

if TYPE_CHECKING:
    from distributed import Client

INSTALL = "pip install 'ferkit[cluster]'"
_CONNECT = 20  # seconds that a scheduler has to answer
_KILLED = "four workers died at the same task; perhaps their memory is full"
_SETTINGS = {
    # A worker has one task and no others waiting, so its death is blamed on that task alone.
    "distributed.scheduler.worker-saturation": 1.0,
    # Results are small, so what fills the memory is the task itself: writing results to disk, or
    # waiting, would not empty it. A worker over its share is still restarted.
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
}


@dataclass(frozen=True)
class Failure:
    """Why a task has no result."""

    message: str
    traceback: str


def map_tasks(
    function: Callable[[Any], Any],
    tasks: Mapping[str, Any],
    *,
    scheduler: str | None = None,
    jobs: int | None = None,
    unit: str = "task",
    tell: Callable[[str], None] = tqdm.write,
) -> Generator[tuple[str, Any], None, None]:
    """Call `function` with each named argument; yield names and results as they come.

    A task that raised, or died with its worker four times, yields a `Failure`. `function` must be
    importable and idempotent. `scheduler` is the address of a Dask scheduler; without one, this
    computer has `jobs` workers: by default one a core, or one in all where there is a GPU. `tell`
    gets the link of the dashboard.
    """
    if not tasks:
        return
    jobs = jobs or (1 if gpu_name() else count_processors())
    with ExitStack() as stack:
        pool = stack.enter_context(_open_pool(scheduler, min(jobs, len(tasks)), tell))
        bar = stack.enter_context(tqdm(total=len(tasks), unit=unit, disable=None))
        results = _call_in_pool(pool, function, tasks) if pool else _call_here(function, tasks)
        for name, result in results:
            bar.update()
            yield name, result


@contextmanager
def cluster_pools(
    scheduler: str | None = None,
    jobs: int | None = None,
    tell: Callable[[str], None] = tqdm.write,
) -> Iterator[int]:
    """Let drawing and preparing use the workers of a cluster; yield how many.

    Arguments are those of `map_tasks`. The cluster of this computer starts when it is first needed.
    """
    count = jobs or count_processors()
    with ExitStack() as stack:
        if _has_dask(scheduler) and (scheduler or count > 1):
            client = cache(lambda: stack.enter_context(_connect(scheduler, count, tell)))
            if scheduler:
                count = max(2, sum(client().nthreads().values()))
            stack.enter_context(use_cluster(lambda: _dask_pool(client())))
            stack.enter_context(_explain_killed_workers())
        yield count


def _has_dask(scheduler: str | None) -> bool:
    """Whether Dask is installed; ValueError when a scheduler needs it and it is not."""
    installed = find_spec("distributed") is not None
    if scheduler and not installed:
        raise ValueError(f"--scheduler {scheduler} needs Dask, which is not installed: {INSTALL}")
    return installed


@contextmanager
def _open_pool(
    scheduler: str | None, jobs: int, tell: Callable[[str], None]
) -> Iterator[Executor | None]:
    """The workers of a cluster; without Dask, processes of this computer, or None for one job."""
    if _has_dask(scheduler):
        with _connect(scheduler, jobs, tell) as client, _dask_pool(client) as pool:
            yield pool
        return
    tell(f"a worker that dies ends this run; with Dask it would not: {INSTALL}")
    processes = start_pool(jobs, "spawn") if jobs > 1 else None
    with processes or nullcontext(), explain_dead_workers():
        yield processes


def _call_in_pool(
    pool: Executor, function: Callable[[Any], Any], tasks: Mapping[str, Any]
) -> Iterator[tuple[str, Any]]:
    names = {pool.submit(function, argument): name for name, argument in tasks.items()}
    try:
        for future in as_completed(names):
            error = future.exception()
            if isinstance(error, BrokenProcessPool):
                raise error
            yield names[future], _describe_failure(error) if error else future.result()
    finally:
        for future in names:
            future.cancel()


def _call_here(
    function: Callable[[Any], Any], tasks: Mapping[str, Any]
) -> Iterator[tuple[str, Any]]:
    for name, argument in tasks.items():
        try:
            result = function(argument)
        except Exception as error:
            result = _describe_failure(error)
        yield name, result


@contextmanager
def _connect(scheduler: str | None, jobs: int, tell: Callable[[str], None]) -> Iterator["Client"]:
    """A client of the scheduler or, without one, of a cluster on this computer."""
    import dask
    from distributed import Client, LocalCluster

    with ExitStack() as stack:
        if scheduler:
            try:
                client = Client(scheduler, timeout=_CONNECT, set_as_default=False)
            except (OSError, ValueError) as error:
                raise OSError(
                    f"no Dask scheduler answers at {scheduler} ({error}); start one with "
                    "`dask scheduler`, which prints its address"
                ) from error
            stack.enter_context(client)
            _check_workers(client)
        else:
            stack.enter_context(dask.config.set(_SETTINGS))
            cluster = LocalCluster(
                n_workers=jobs,
                threads_per_worker=1,
                dashboard_address="127.0.0.1:0",
                silence_logs=logging.CRITICAL,
            )
            stack.enter_context(cluster)
            client = stack.enter_context(Client(cluster, set_as_default=False))
        tell(f"dashboard: {client.dashboard_link}")
        yield client


def _check_workers(client: "Client") -> None:
    """Raise ValueError when a worker has another ferkit than this computer."""
    expected = package_hash()
    for worker, found in client.run(package_hash).items():
        if found != expected:
            raise ValueError(
                f"the worker {worker} has another version of ferkit than this computer, so its "
                "results could differ; install the same one and start the worker again"
            )


def _dask_pool(client: "Client") -> Executor:
    """The client as an executor that can also be closed as the standard ones are."""
    from distributed.cfexecutor import ClientExecutor

    class Pool(ClientExecutor):
        def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
            super().shutdown(wait=wait and not cancel_futures)

    return Pool(client)


@contextmanager
def _explain_killed_workers() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        if not _killed_workers(error):
            raise
        raise ChildProcessError(f"{_KILLED}; finished work is kept, so call again") from error


def _describe_failure(error: BaseException) -> Failure:
    text = "".join(traceback.format_exception(error))
    message = f"{type(error).__name__}: {error}"
    return Failure(_KILLED if _killed_workers(error) else message, text)


def _killed_workers(error: BaseException) -> bool:
    """Whether Dask gave a task up because of the workers that died with it."""
    return type(error).__name__ == "KilledWorker"  # whose module takes a second to import
