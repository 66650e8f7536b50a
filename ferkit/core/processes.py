"""Worker processes that end with their parent, or the workers of a cluster in their place.

The module imports little, so that a worker watches its parent before it imports anything large.
"""

import os
import threading
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from contextvars import ContextVar
from multiprocessing import current_process, get_context, parent_process
from multiprocessing.process import BaseProcess

_cluster_pool: ContextVar[Callable[[], Executor] | None] = ContextVar("pool", default=None)


@contextmanager
def use_cluster(start: Callable[[], Executor]) -> Iterator[None]:
    """Let `start_pool` return the executors that `start` makes, whose workers are a cluster."""
    token = _cluster_pool.set(start)
    try:
        yield
    finally:
        _cluster_pool.reset(token)


def uses_cluster() -> bool:
    """Tell whether `start_pool` returns workers of a cluster."""
    return _cluster_pool.get() is not None


def count_processors() -> int:
    """Count the processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def start_pool(workers: int, method: str) -> Executor | None:
    """Return a pool of processes; None, with a warning, where the system allows none.

    `method` is how multiprocessing starts them: "spawn" or "forkserver". Inside `use_cluster` the
    workers are the cluster's; in a worker of a cluster, whose cores have workers of their own, the
    result is None.
    """
    if start := _cluster_pool.get():
        return start()
    if current_process().daemon:
        return None
    try:
        return ProcessPoolExecutor(workers, get_context(method), _end_with_parent)
    except OSError as error:
        warnings.warn(
            f"no worker processes ({error.strerror}; they need a writable /dev/shm): "
            "this process does all the work",
            stacklevel=2,
        )
        return None


@contextmanager
def explain_dead_workers() -> Iterator[None]:
    """Say what to do when a worker has died."""
    try:
        yield
    except BrokenProcessPool as error:
        raise ChildProcessError(
            "a worker process died: the memory is full, or the script has no "
            '`if __name__ == "__main__":`. Finished work is kept; call again with fewer workers.'
        ) from error


def _end_with_parent() -> None:
    """End this process as soon as its parent has ended."""
    if parent := parent_process():
        threading.Thread(target=_wait_for, args=(parent,), daemon=True).start()


def _wait_for(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)
