"""The kernels that notebooks run in: our own, or one that the user names."""

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from ferkit.workbook.parameters import suggestion
from ferkit.workbook.records import write_json

OURS = "ferkit-run"  # the Python that runs ferkit, whatever `python3` means to Jupyter here


def command(kernel: str | None) -> str:
    """What starts the kernel (None: our own). Raises ValueError when it is not installed or not Python."""
    if kernel is None:
        return sys.executable
    from jupyter_client.kernelspec import KernelSpecManager

    specs = KernelSpecManager().get_all_specs()
    if kernel not in specs:
        known = ", ".join(sorted(specs)) or "none"
        raise ValueError(f"no kernel {kernel!r} is installed{suggestion(kernel, specs)}; installed: {known}")
    spec = specs[kernel]["spec"]
    if spec["language"].lower() != "python":
        raise ValueError(f"kernel {kernel!r} runs {spec['language']}; the notebooks are Python")
    return " ".join(spec["argv"])


@contextlib.contextmanager
def environment(out: Path) -> Iterator[None]:
    """What kernels inherit while this lasts: our own kernel's definition, inline figures, absolute folders.

    Changes `os.environ`, which Jupyter passes on, and restores it.
    """
    from ipykernel.kernelspec import get_kernel_dict

    before = dict(os.environ)
    with tempfile.TemporaryDirectory() as folder:
        spec = Path(folder) / "kernels" / OURS / "kernel.json"
        write_json(spec, get_kernel_dict(["--log-level=CRITICAL"]))
        os.environ.update(
            JUPYTER_PATH=os.pathsep.join(filter(None, [folder, before.get("JUPYTER_PATH")])),
            MPLBACKEND="module://matplotlib_inline.backend_inline",
            PYDEVD_DISABLE_FILE_VALIDATION="1",  # the debugger's remark on frozen modules
            FERKIT_RUN=str(out),
        )
        for name in ("FERKIT_DATA", "FERKIT_CACHE"):  # a notebook's own folder is where a relative one would start
            if before.get(name):
                os.environ[name] = str(Path(before[name]).expanduser().resolve())
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)
