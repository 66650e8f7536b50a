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
EXPLORERS = ("00", "01", "02", "04", "05", "06", "07", "09", "10", "11")
WITH_WIDGETS = (*EXPLORERS, "12")
LONGEST_RUN = 600  # seconds for all cells at `smoke`
SLIDERS = ".widget-hslider .noUi-handle"
BUTTONS = ".widget-toggle-buttons button"
CHOICES = ".widget-dropdown select"
ANSWERS = ".widget-radio-box input"
# Labels and buttons whose text is wider than their place.
CUT_LABELS = """() => [...document.querySelectorAll('.widget-label, .widget-label-basic, \
    .widget-toggle-button, .widget-toggle-buttons button, .widget-button')]
  .filter((e) => e.offsetParent && e.scrollWidth > e.clientWidth + 1)
  .map((e) => e.textContent)"""
# Parts of widgets that reach beyond the place of their output.
TOO_WIDE = """() => [...document.querySelectorAll('.jp-OutputArea-output')].flatMap((output) => {
  const edge = output.getBoundingClientRect().right;
  const parts = '.jupyter-widgets :is(img, input, select, button, .widget-label, .noUi-target)';
  return [...output.querySelectorAll(parts)]
    .filter((e) => e.offsetParent && e.getBoundingClientRect().right > edge + 1)
    .map((e) => `${e.tagName} ${e.className} ${e.textContent}`);
})"""
# Sliders without a length.
TOO_SHORT = """() => [...document.querySelectorAll('.widget-hslider .noUi-target')]
  .filter((e) => e.offsetParent && e.getBoundingClientRect().width < 10).length"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """The address of a JupyterLab with copies of the notebooks at `smoke`."""
    folder = tmp_path_factory.mktemp("lab")
    run = tmp_path_factory.mktemp("run")
    for path in NOTEBOOKS.glob("[0-9]*.ipynb"):
        if path.name[:2] in WITH_WIDGETS:
            copy_with_literals(path, folder / path.name, level="smoke")
    with jupyterlab(folder, run) as address:
        yield lambda number: address.format(name=next(folder.glob(f"{number}_*")).stem)


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


def move_every_widget(shown: LabPage) -> int:
    """Move each slider by the keyboard, press each button and answer, change each choice; count.

    A widget may be drawn anew when another one changes, so each is looked up when its turn comes.
    """
    kinds = (SLIDERS, BUTTONS, CHOICES, ANSWERS)
    sliders, buttons, choices, answers = (shown.page.locator(kind) for kind in kinds)
    for slider in by_turns(sliders):
        slider.press("ArrowRight")
    for button in [*by_turns(buttons), *by_turns(answers)]:
        button.click()
    for choice in by_turns(choices):
        values = choice.evaluate("(select) => [...select.options].map((o) => o.value)")
        choice.select_option(values[-1])
    shown.wait_until_idle(600)
    return sum(found.count() for found in (sliders, buttons, choices, answers))


def by_turns(found):
    return (found.nth(number) for number in range(found.count()))


def assert_it_fits(shown: LabPage) -> None:
    assert shown.page.evaluate(CUT_LABELS) == []
    assert shown.page.evaluate(TOO_WIDE) == []
    assert shown.page.evaluate(TOO_SHORT) == 0


def assert_no_error(shown: LabPage) -> None:
    assert shown.error_outputs() == []
    assert shown.errors == []


@pytest.mark.parametrize("number", EXPLORERS)
def test_all_cells_run_and_every_widget_moves_without_an_error(number, lab):
    with chromium() as browser:
        shown = LabPage(browser, lab(number))
        shown.run_all(LONGEST_RUN)
        shown.scroll_through()
        assert move_every_widget(shown) > 0
        for size in (WIDE, NARROW, PHONE):
            shown.resize(size)
            assert_it_fits(shown)
        assert_no_error(shown)


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
        for size in (WIDE, NARROW, PHONE):
            shown.resize(size)
            assert_it_fits(shown)
        assert_no_error(shown)
