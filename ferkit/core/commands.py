"""How a command ends: wrong use, errors of the disk and interruptions are one line each."""

import errno
import os
import signal
import sys
import threading
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer
from tqdm import tqdm
from typer.core import TyperGroup

from ferkit.core import files

WRONG_USE = 2
EXIT_INTERRUPTED = 130


class Commands(TyperGroup):
    """Show errors of our own checks, and warnings, as one line each without a traceback."""

    def invoke(self, ctx: Any) -> Any:
        with warnings.catch_warnings(), _termination_as_interrupt():
            warnings.showwarning = _show_warning
            try:
                return super().invoke(ctx)
            except (ValueError, FileNotFoundError) as error:
                if isinstance(error, ValueError) and not _is_ours(error):
                    raise  # a mistake in the code, not in its use
                typer.echo(f"ferkit: {error}", err=True)
                raise typer.Exit(WRONG_USE) from error
            except OSError as error:  # a full disk, or a folder without write permission
                if error.errno == errno.EPIPE:
                    raise
                typer.echo(f"ferkit: {error}{_cache_hint(error)}", err=True)
                raise typer.Exit(1) from error
            except ModuleNotFoundError as error:
                if not error.name or error.name.startswith("ferkit"):
                    raise  # a mistake in the code, not a smaller installation
                typer.echo(f"ferkit: {_missing_package(error.name)}", err=True)
                raise typer.Exit(WRONG_USE) from error
            except KeyboardInterrupt as error:
                typer.echo("interrupted; repeat the command to continue from here", err=True)
                raise typer.Exit(EXIT_INTERRUPTED) from error


@contextmanager
def _termination_as_interrupt() -> Iterator[None]:
    """Let SIGTERM and SIGHUP interrupt as Ctrl-C does, unless they are ignored (nohup)."""
    names = ("SIGTERM", "SIGHUP")  # Windows has no SIGHUP
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    if threading.current_thread() is not threading.main_thread():
        numbers = []  # only the main thread may set handlers
    changed = [number for number in numbers if signal.getsignal(number) == signal.SIG_DFL]
    for number in changed:
        signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        for number in changed:
            signal.signal(number, signal.SIG_DFL)


def _show_warning(message: Warning | str, *_: object, **__: object) -> None:
    tqdm.write(f"warning: {message}", file=sys.stderr)  # on a line of its own


def _missing_package(module: str) -> str:
    return (
        f"this needs the package {module.partition('.')[0]}, which is not installed; "
        "`make setup`, or `pip install -e '.[workbook]'` in the folder of ferkit, brings what "
        "notebooks, drawn faces and networks need"
    )


def _cache_hint(error: OSError) -> str:
    """What to do where the cache cannot be used, as the end of a sentence."""
    if error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS) or not error.filename:
        return ""
    cache = os.fspath(files.cache_dir())
    path = str(error.filename)
    in_cache = path.startswith(cache) or cache.startswith(path)
    return "; set FERKIT_CACHE to a folder that you may write" if in_cache else ""


def _is_ours(error: BaseException) -> bool:
    """Whether the error was raised in this package, not in a library that it calls."""
    package = files.PROJECT / "ferkit"
    raised_in = traceback.extract_tb(error.__traceback__)[-1].filename
    return package in Path(raised_in).resolve().parents
