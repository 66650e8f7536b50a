"""JupyterLab in a browser for the tests: a server of its own, and Chromium by Playwright."""

import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from ferkit.core.files import PROJECT

WIDE, NARROW, PHONE = (1400, 900), (700, 900), (390, 844)
_PATIENCE = 300  # seconds for an answer on a busy computer
# What JupyterLab itself reports, here without a network.
_HARMLESS = ("favicon", "net::ERR_", "/lsp/", "WebGL", "apputils-extension")


def missing() -> str:
    """What the tests lack on this computer; "" when nothing."""
    if not find_spec("playwright"):
        return "needs the package playwright"
    if not (shutil.which("chromium") or shutil.which("chromium-browser")):
        return "needs Chromium (`apt-get install chromium`)"
    return ""


@contextmanager
def jupyterlab(folder: Path, run: Path) -> Iterator[str]:
    """Serve a folder with JupyterLab on a free port of this computer; yield its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    token = secrets.token_hex(16)
    words = [f"--ServerApp.port={port}", "--ServerApp.ip=127.0.0.1", "--no-browser"]
    words += [f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={folder}", "--allow-root"]
    words += ["--LabApp.expose_app_in_browser=True"]
    environment = os.environ | {
        "JUPYTER_CONFIG_PATH": str(PROJECT / ".jupyter"),
        "JUPYTER_RUNTIME_DIR": str(run / "runtime"),
        "JUPYTERLAB_WORKSPACES_DIR": str(run / "workspaces"),
        "JUPYTERLAB_SETTINGS_DIR": str(run / "settings"),
        "FERKIT_RUN": str(run / "out"),
        "PYTHONPATH": os.pathsep.join([str(PROJECT), os.environ.get("PYTHONPATH", "")]),
    }
    settings = run / "settings/@jupyterlab/notebook-extension/tracker.jupyterlab-settings"
    settings.parent.mkdir(parents=True)
    settings.write_text('{"windowingMode": "none"}')  # all cells stay on the page
    log = run / "jupyterlab.log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *words],
            env=environment,
            stdout=output,
            stderr=output,
        )
    try:
        address = f"http://127.0.0.1:{port}"
        _wait_for(f"{address}/api?token={token}", server, log)
        # Each notebook has a workspace of its own, and so no tab of a visit before.
        yield f"{address}/lab/workspaces/{{name}}/tree/{{name}}.ipynb?token={token}"
    finally:
        server.terminate()  # which also ends its kernels
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()


def _wait_for(address: str, server: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline and server.poll() is None:
        try:
            urllib.request.urlopen(address, timeout=5).close()
            return
        except OSError:
            time.sleep(0.5)
    raise RuntimeError(f"JupyterLab does not answer:\n{log.read_text(errors='replace')[-3000:]}")


@contextmanager
def chromium(*arguments: str) -> Iterator[Any]:
    """Start Chromium without a window."""
    from playwright.sync_api import Error, sync_playwright

    program = shutil.which("chromium") or shutil.which("chromium-browser")
    words = [*arguments, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=program, args=words)
        except Error as error:  # such as a sandbox without shared libraries
            pytest.skip(f"Chromium does not start here: {error.message.splitlines()[0]}")
        try:
            yield browser
        finally:
            browser.close()


class LabPage:
    """A notebook open in JupyterLab, and the errors that its page has reported."""

    def __init__(self, browser: Any, address: str, **context: Any):
        self.errors: list[str] = []
        self.page = browser.new_page(**context)
        self.page.set_default_timeout(1000 * _PATIENCE)
        self.resize(WIDE)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", self._note)
        self.page.goto(address)
        self.page.wait_for_selector(".jp-Notebook .jp-Cell")
        self.page.keyboard.press("Control+b")  # hide the list of files

    def resize(self, size: tuple[int, int]) -> None:
        """Give the window another width and height, and time to lay out the page anew."""
        width, height = size
        self.page.set_viewport_size({"width": width, "height": height})
        self.page.wait_for_timeout(500)

    def _note(self, message: Any) -> None:
        text = f"{message.text} {message.location.get('url', '')}"
        if message.type == "error" and not any(harmless in text for harmless in _HARMLESS):
            self.errors.append(text)

    def run_all(self, seconds: float) -> None:
        """Run all cells, and wait until they have run."""
        self.page.wait_for_function(f"() => {_KERNEL}?.status === 'idle'")
        self.page.evaluate(_RUN_ALL)
        deadline = time.monotonic() + seconds
        while not self.page.evaluate("window.ferkitHasRun"):
            if time.monotonic() > deadline:
                raise TimeoutError(f"after {seconds} s: {self.page.evaluate(_STATE)}")
            self.page.wait_for_timeout(500)
        self.wait_until_idle(_PATIENCE)

    def wait_until_idle(self, seconds: float) -> None:
        """Wait until the kernel is idle three times in a row."""
        deadline = time.monotonic() + seconds
        quiet = 0
        while time.monotonic() < deadline and quiet < 3:
            self.page.wait_for_timeout(500)
            quiet = quiet + 1 if self.page.evaluate(f"() => {_KERNEL}.status === 'idle'") else 0
        assert quiet == 3, "the kernel is still busy"

    def scroll_through(self) -> None:
        """Show every cell once: JupyterLab draws what is seen."""
        cells = self.page.locator(".jp-Notebook .jp-Cell")
        for number in range(cells.count()):
            cells.nth(number).scroll_into_view_if_needed()
            self.page.wait_for_timeout(50)

    def error_outputs(self) -> list[str]:
        """The errors among the outputs of all cells, and of widgets that could not be drawn."""
        found = self.page.evaluate(_ERRORS)
        lost = self.page.get_by_text("Error displaying widget").count()
        return found + ["Error displaying widget"] * lost


_KERNEL = "jupyterapp.shell.currentWidget?.sessionContext?.session?.kernel"
_RUN_ALL = """() => {
  window.ferkitHasRun = false;
  jupyterapp.commands.execute('notebook:run-all-cells').finally(() => {
    window.ferkitHasRun = true;
  });
}"""
# The kernel's state, the cells that run or wait, and what a dialog says that waits for an answer.
_STATE = f"""() => JSON.stringify({{
  kernel: {_KERNEL}?.status,
  waiting: [...document.querySelectorAll('.jp-Notebook .jp-Cell')]
    .flatMap((cell, number) => cell.innerText.includes('[*]') ? [number] : []),
  dialogs: [...document.querySelectorAll('.jp-Dialog-content')].map((dialog) => dialog.innerText),
}})"""
_ERRORS = """() => jupyterapp.shell.currentWidget.content.model.toJSON().cells
  .flatMap((cell) => cell.outputs ?? [])
  .filter((output) => output.output_type === 'error')
  .map((output) => `${output.ename}: ${output.evalue}`)"""
