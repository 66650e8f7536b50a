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

from ferkit.core.files import PROJECT

WIDE, NARROW, PHONE = (1400, 900), (700, 900), (390, 844)
_START = 120  # seconds for the server to answer
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
    environment = os.environ | {
        "JUPYTER_CONFIG_PATH": str(PROJECT / ".jupyter"),
        "JUPYTER_RUNTIME_DIR": str(run / "runtime"),
        "JUPYTERLAB_WORKSPACES_DIR": str(run / "workspaces"),
        "JUPYTERLAB_SETTINGS_DIR": str(run / "settings"),
        "FERKIT_RUN": str(run / "out"),
        "PYTHONPATH": os.pathsep.join([str(PROJECT), os.environ.get("PYTHONPATH", "")]),
    }
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
        yield f"{address}/lab/tree/{{}}?token={token}"
    finally:
        server.terminate()  # which also ends its kernels
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()


def _wait_for(address: str, server: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + _START
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
    from playwright.sync_api import sync_playwright

    program = shutil.which("chromium") or shutil.which("chromium-browser")
    words = [*arguments, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=words)
        try:
            yield browser
        finally:
            browser.close()


class LabPage:
    """A notebook open in JupyterLab, and the errors that its page has reported."""

    def __init__(self, browser: Any, address: str, size: tuple[int, int] = WIDE, **context: Any):
        self.errors: list[str] = []
        width, height = size
        self.context = browser.new_context(viewport={"width": width, "height": height}, **context)
        self.page = self.context.new_page()
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", self._note)
        self.page.goto(address)
        self.page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=90_000)

    def _note(self, message: Any) -> None:
        text = f"{message.text} {message.location.get('url', '')}"
        if message.type == "error" and not any(harmless in text for harmless in _HARMLESS):
            self.errors.append(text)

    def run_all(self, seconds: float) -> None:
        """Run all cells, and wait until the last code cell has been executed."""
        page = self.page
        page.wait_for_selector('.jp-Toolbar-kernelStatus, [data-status="idle"]', timeout=90_000)
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        self.wait_until_idle(seconds)

    def wait_until_idle(self, seconds: float) -> None:
        """Wait until no cell waits or runs and the kernel is idle, twice in a row."""
        deadline = time.monotonic() + seconds
        quiet = 0
        while time.monotonic() < deadline and quiet < 3:
            self.page.wait_for_timeout(1000)
            quiet = quiet + 1 if self.page.evaluate(_IS_IDLE) else 0
        assert quiet == 3, "the notebook is still running"

    def scroll_through(self) -> None:
        """Show every cell once: JupyterLab draws what is seen."""
        for cell in self.page.query_selector_all(".jp-Notebook .jp-Cell"):
            cell.scroll_into_view_if_needed()
            self.page.wait_for_timeout(50)

    def error_outputs(self) -> list[str]:
        """The texts of error outputs among the cells shown."""
        found = self.page.query_selector_all('[data-mime-type="application/vnd.jupyter.error"]')
        return [output.inner_text()[:500] for output in found]

    def save_picture(self, file: Path) -> None:
        self.page.screenshot(path=str(file))


# In the notebook's own model, which also knows the cells that are not drawn.
_IS_IDLE = """() => {
  const prompts = [...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')];
  const waiting = prompts.some((prompt) => prompt.textContent.includes('*'));
  const busy = document.querySelector('.jp-Notebook-ExecutionIndicator[data-status="busy"]');
  return !waiting && !busy;
}"""
