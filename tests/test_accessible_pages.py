"""The pages of a run and of the site, as axe-core finds them: light and wide, dark and narrow."""

import os
import shutil
import subprocess
import tempfile
import warnings
from pathlib import Path

import pytest
from browser_lab import PHONE, WIDE, chromium, missing

from ferkit.core.files import PROJECT
from ferkit.workbook import records, report

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(bool(missing()), reason=missing() or "all is here"),
]

VERSION = "4.14.1"
AXE = PROJECT / "build" / f"axe-core-{VERSION}" / "axe.min.js"
OF_A_RUN = ("index", "html/0*", "html/1*", "html/glossary")
OF_THE_SITE = ("index", "notebooks/0[0-3]*", "notebooks/12*", "docs/*", "docs/data/jaffe", "api/*")
# The rules that are broken badly, each with the first element that breaks it.
FAULTS = """async () => (await axe.run(document, {resultTypes: ['violations']})).violations
  .filter((rule) => ['serious', 'critical'].includes(rule.impact))
  .map((rule) => `${rule.id}: ${rule.nodes.length} times, first ${rule.nodes[0].html}`)"""
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture(scope="module")
def axe() -> str:
    """The script axe-core, which npm fetches once."""
    if not AXE.is_file():
        AXE.parent.mkdir(parents=True, exist_ok=True)
        command = [shutil.which("npm") or "npm", "pack", f"axe-core@{VERSION}"]
        # Another process of the tests may fetch it at the same time.
        with tempfile.TemporaryDirectory(dir=AXE.parent) as folder:
            try:
                subprocess.run(command, cwd=folder, check=True, capture_output=True)
            except (OSError, subprocess.CalledProcessError):
                pytest.skip("needs npm and its registry, for axe-core")
            shutil.unpack_archive(f"{folder}/axe-core-{VERSION}.tgz", folder, filter="data")
            os.replace(f"{folder}/package/{AXE.name}", AXE)
    return AXE.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def run_pages(tmp_path_factory) -> Path:
    """The pages of a run that left the committed notebooks; the last one failed."""
    out = tmp_path_factory.mktemp("run")
    (out / "notebooks").mkdir()
    paths = sorted((PROJECT / "notebooks").glob("[0-9]*.ipynb"))
    entries = {path.stem: record_as_run(path, out) for path in paths}
    error = {"cell": 3, "error": "ValueError", "message": "no", "source": "a", "traceback": "b"}
    entries[paths[-1].stem] |= {"status": records.FAILED, "error": error}
    about = {"started": records.timestamp(), "finished": None}
    about["environment"] = records.describe_environment()
    records.update_run(out, entries, chosen=[*entries, "99_waiting"], **about)
    return report.write_report(out).parent


def record_as_run(path: Path, out: Path) -> dict:
    shutil.copy(path, out / records.executed_name(path.stem))
    return {
        "status": records.PASSED,
        "parameters": {"level": "lesson", "seed": 0},
        "device": "cpu",
        "fingerprint": "f",
        "folder": str(path.parent),
        "executed": records.executed_name(path.stem),
        "executed_hash": records.executed_hash(out, path.stem),
        "duration": 12.3,
        "error": None,
        "folds": None,
        "metrics": {"accuracy": {"value": 0.5, "low": 0.4, "high": 0.6, "n": 90}},
    }


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    pytest.importorskip("myst_nb")
    pytest.importorskip("furo")
    from ferkit.workbook.site import build_site

    with warnings.catch_warnings():
        warnings.simplefilter("default")  # extensions of Sphinx use what later versions drop
        return build_site(tmp_path_factory.mktemp("built") / "site").parent


def find_faults(folder: Path, patterns: tuple[str, ...], axe: str) -> dict[str, list[str]]:
    """What axe-core finds on pages, and how many pixels they are wider than the window."""
    files = [file for pattern in patterns for file in sorted(folder.glob(f"{pattern}.html"))]
    assert len(files) >= len(patterns)
    faults = {}
    with chromium() as browser:
        # Contrast depends on the colours alone, and overflow on the width alone.
        for scheme, (width, height) in (("light", WIDE), ("dark", PHONE)):
            viewport = {"width": width, "height": height}
            page = browser.new_page(viewport=viewport, color_scheme=scheme)
            page.on("pageerror", lambda error: faults.setdefault("script", []).append(error))
            for file in files:
                page.goto(file.as_uri())
                page.evaluate(axe)
                found = page.evaluate(FAULTS)
                if (wider := page.evaluate(OVERFLOW)) > 0:
                    found.append(f"{wider} pixels wider than the window")
                if found:
                    faults[f"{file.relative_to(folder)}, {scheme}, {width}"] = found
            page.close()
    return faults


def test_pages_of_a_run_are_accessible(run_pages, axe):
    assert find_faults(run_pages, OF_A_RUN, axe) == {}


def test_pages_of_the_site_are_accessible(site, axe):
    assert find_faults(site, OF_THE_SITE, axe) == {}
