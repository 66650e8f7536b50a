"""The notebooks with widgets as a reader sees them: JupyterLab in Chromium.

Widgets are found by their classes, so the notebooks may change around them.
"""

from pathlib import Path

import cv2
import numpy as np
import pytest
from browser_lab import NARROW, PHONE, WIDE, LabPage, chromium, jupyterlab, missing

from ferkit.core import files
from ferkit.workbook.parameters import copy_with_literals

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.loopback,
    pytest.mark.skipif(bool(missing()), reason=missing() or "all is here"),
]

NOTEBOOKS = files.PROJECT / "notebooks"
WITH_WIDGETS = ("00", "01", "02", "12")
LONGEST_RUN = 900  # seconds for all cells at `smoke`
SLIDERS = ".widget-hslider .noUi-handle"
BUTTONS = ".widget-toggle-buttons button"
CHOICES = ".widget-dropdown select"
EXPLORERS = """
from ferkit.workbook.explorers.drawn import face_explorer
from ferkit.workbook.explorers.labels import compound_explorer, votes_explorer
"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """The address of a JupyterLab with copies of the notebooks at `smoke`."""
    folder = tmp_path_factory.mktemp("lab")
    run = tmp_path_factory.mktemp("run")
    for path in NOTEBOOKS.glob("[0-9]*.ipynb"):
        if path.name[:2] in WITH_WIDGETS:
            copy_with_literals(path, folder / path.name, level="smoke")
    with jupyterlab(folder, run) as address:
        yield lambda number: address.format(next(folder.glob(f"{number}_*")).name)


@pytest.fixture(scope="module")
def clip_file(tmp_path_factory) -> Path:
    """A clip of a drawn face as Chromium's fake camera takes it (Motion JPEG)."""
    from ferkit.workbook.lessons.your_own_faces import draw_own_clip

    path = tmp_path_factory.mktemp("camera") / "face.mjpeg"
    with path.open("wb") as file:
        for frame in draw_own_clip("smoke").frames:
            canvas = np.full((480, 640, 3), 150, np.uint8)
            canvas[60:444, 128:512] = cv2.resize(frame.image, (384, 384))
            file.write(cv2.imencode(".jpg", canvas[..., ::-1])[1].tobytes())
    return path


def move_every_widget(lab_page: LabPage) -> int:
    """Move each slider by the keyboard, press each button, change each choice; count them."""
    page = lab_page.page
    moved = 0
    for handle in page.query_selector_all(SLIDERS):
        handle.scroll_into_view_if_needed()
        handle.focus()
        page.keyboard.press("ArrowRight")
        moved += 1
    for button in page.query_selector_all(BUTTONS):
        button.scroll_into_view_if_needed()
        button.click()
        moved += 1
    for choice in page.query_selector_all(CHOICES):
        choice.scroll_into_view_if_needed()
        values = choice.evaluate("(select) => [...select.options].map((o) => o.value)")
        choice.select_option(values[-1])
        moved += 1
    lab_page.wait_until_idle(120)
    return moved


def cut_labels(lab_page: LabPage) -> list[str]:
    """The labels and buttons of widgets whose text is wider than their place."""
    return lab_page.page.evaluate(
        """() => [...document.querySelectorAll(
             '.widget-label, .widget-toggle-button, .widget-toggle-buttons button, .widget-button')]
           .filter((e) => e.offsetParent && e.scrollWidth > e.clientWidth + 1)
           .map((e) => e.textContent)"""
    )


@pytest.mark.parametrize("number", ["00", "01", "02"])
def test_all_cells_run_and_every_widget_moves_without_an_error(number, lab):
    with chromium() as browser:
        shown = LabPage(browser, lab(number))
        shown.run_all(LONGEST_RUN)
        shown.scroll_through()
        assert move_every_widget(shown) > 0
        shown.scroll_through()
        assert not shown.error_outputs()
        assert not shown.errors


@pytest.mark.parametrize("size", [WIDE, NARROW, PHONE])
def test_explorers_fit_the_window_and_cut_no_label(size, tmp_path):
    from nbformat import write
    from nbformat.v4 import new_code_cell, new_notebook

    sources = [EXPLORERS, "face_explorer(3, size=64)", "compound_explorer(3, size=64)"]
    cells = [new_code_cell(source) for source in [*sources, "votes_explorer()"]]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = new_notebook(cells=cells, metadata={"kernelspec": kernel})
    write(notebook, tmp_path / "a.ipynb")
    (tmp_path / "run").mkdir()
    with jupyterlab(tmp_path, tmp_path / "run") as address, chromium() as browser:
        shown = LabPage(browser, address.format("a.ipynb"), size)
        shown.page.keyboard.press("Control+b")  # hide the list of files
        shown.run_all(240)
        shown.page.wait_for_selector(SLIDERS, timeout=60_000)
        shown.scroll_through()
        assert not cut_labels(shown)
        too_wide = shown.page.evaluate(
            """() => [...document.querySelectorAll('.jp-OutputArea-output .widget-hslider')]
               .filter((e) => e.getBoundingClientRect().right > window.innerWidth).length"""
        )
        assert too_wide == 0
        assert not shown.error_outputs()
        assert not shown.errors


def test_the_camera_needs_consent_and_its_faces_are_named(lab, clip_file):
    fake = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
    with chromium(*fake, f"--use-file-for-fake-video-capture={clip_file}") as browser:
        shown = LabPage(browser, lab("12"), permissions=["camera"])
        shown.run_all(LONGEST_RUN)
        page = shown.page
        consent = page.wait_for_selector(".ferkit-consent", timeout=60_000, state="attached")
        consent.scroll_into_view_if_needed()
        start = page.get_by_role("button", name="start the camera")
        assert start.is_disabled()
        consent.check()
        start.click()
        page.wait_for_function(
            "document.querySelector('.ferkit-camera-status').textContent.includes('is on')"
        )
        page.get_by_role("button", name="watch for").click()
        page.wait_for_function(
            "/[1-9][0-9]* faces/.test(document.querySelector('.ferkit-camera-status').textContent)",
            timeout=180_000,
        )
        report = page.frame_locator('iframe[title="report"]')
        assert report.locator("text=Over time: camera 1: person 1").count() == 1
        assert report.locator(".faces img").count() > 3
        page.get_by_role("button", name="stop the camera").click()
        page.get_by_role("button", name="forget everything").click()
        page.wait_for_selector('iframe[title="report"]', state="detached")
        assert not shown.error_outputs()
        assert not shown.errors
