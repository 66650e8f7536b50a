"""Start kernels for notebooks: ferkit's own, or one the user names."""

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ferkit.core.checks import suggestion
from ferkit.core.files import expand_home

if TYPE_CHECKING:
    from jupyter_client import AsyncKernelManager

OUR_KERNEL = "python3"
QUIET = ["--log-level=CRITICAL"]  # arguments of a kernel
_POLL_SECONDS = 0.2
# With several threads, sums are rounded differently, so small networks converge to other weights.
_THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "OPENCV_FOR_THREADS_NUM",
)


def kernel_command(kernel: str | None) -> str:
    """The command that starts a kernel; None names ferkit's own.

    ValueError when the kernel is not installed or does not run Python.
    """
    if kernel is None:
        return sys.executable
    from jupyter_client.kernelspec import KernelSpecManager

    specs = KernelSpecManager().get_all_specs()
    if kernel not in specs:
        known = ", ".join(sorted(specs)) or "none"
        raise ValueError(
            f"no kernel {kernel!r} is installed{suggestion(kernel, specs)}; installed: {known}"
        )
    spec = specs[kernel]["spec"]
    if spec["language"].lower() != "python":
        raise ValueError(f"kernel {kernel!r} runs {spec['language']}; the notebooks are Python")
    return " ".join(spec["argv"])


def kernel_variables(out: Path) -> dict[str, str]:
    """Return a kernel's environment: one thread, inline figures, absolute folders.

    One thread gives the same results whatever OMP_NUM_THREADS says; processes that draw or prepare
    faces still use all cores. `out` is the folder of the run.
    """
    variables = dict(os.environ) | dict.fromkeys(_THREAD_VARIABLES, "1")
    variables["MPLBACKEND"] = "module://matplotlib_inline.backend_inline"
    variables["PYDEVD_DISABLE_FILE_VALIDATION"] = "1"  # silences a note on frozen modules
    variables["FERKIT_RUN"] = str(out)
    # A kernel starts in the notebook's folder, where a relative path would mean another one.
    for name in ("FERKIT_DATA", "FERKIT_CACHE"):
        if variables.get(name):
            variables[name] = str(expand_home(variables[name]).resolve())
    return variables


def create_manager(kernel: str | None = None) -> "AsyncKernelManager":
    """Return the manager of a kernel that is yet to be started; None names ferkit's own."""
    from jupyter_client import AsyncKernelManager
    from jupyter_client.kernelspec import KernelSpecManager

    # With no folders to search, `python3` is this Python, whatever it means to Jupyter here.
    specs = KernelSpecManager() if kernel else KernelSpecManager(kernel_dirs=[])
    return AsyncKernelManager(kernel_name=kernel or OUR_KERNEL, kernel_spec_manager=specs)


def start_options(folder: Path, out: Path) -> dict[str, Any]:
    """Return what `NotebookClient.execute` needs to start a kernel in `folder`, and to end it."""
    return {"cwd": str(folder), "env": kernel_variables(out), "cleanup_kc": True}


@contextlib.contextmanager
def killed_on(stop: threading.Event, manager: "AsyncKernelManager") -> Iterator[None]:
    """Kill the manager's kernel as soon as `stop` is set."""
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(_POLL_SECONDS):
            process = getattr(manager.provisioner, "pid", None)
            if process and stop.is_set():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, getattr(signal, "SIGKILL", signal.SIGTERM))
                return

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()
