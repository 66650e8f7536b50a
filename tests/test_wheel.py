"""The wheel and the source distribution, built and used outside the clone."""

import os
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import cv2
import pandas as pd
import pytest

from ferkit import __version__
from ferkit.core.files import PROJECT

pytestmark = pytest.mark.slow

LARGEST_INSTALLATION = 600_000_000  # bytes of a plain installation


def run_outside(folder: Path, *command: str | Path) -> str:
    """Run a command in a folder, where nothing but what is installed can be imported."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    result = subprocess.run(
        [os.fspath(part) for part in command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout[-2000:] + result.stderr[-2000:]
    return result.stdout


def build_distributions(folder: Path) -> tuple[Path, Path]:
    """Build the source distribution, and from it the wheel."""
    source = folder / "source"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(PROJECT / name, source)
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(PROJECT / "ferkit", source / "ferkit", ignore=ignored)
    run_outside(folder, sys.executable, "-m", "build", "--outdir", folder / "dist", source)
    (sdist,) = (folder / "dist").glob("*.tar.gz")
    (wheel,) = (folder / "dist").glob("*.whl")
    return sdist, wheel


def test_a_wheel_installed_elsewhere_predicts(tmp_path, drawn_face):
    sdist, wheel = build_distributions(tmp_path)
    assert sdist.name == f"ferkit-{__version__}.tar.gz"
    package = {path.relative_to(PROJECT).as_posix() for path in (PROJECT / "ferkit").rglob("*")}
    kept = {name for name in package if "__pycache__" not in name and Path(name).suffix}
    with tarfile.open(sdist) as archive:
        members = {name.partition("/")[2] for name in archive.getnames()}
    assert not kept - members
    with zipfile.ZipFile(wheel) as archive:
        assert not kept - set(archive.namelist())

    environment = tmp_path / "environment"
    venv.create(environment, with_pip=True)
    python = environment / "bin" / "python"
    versions = ("--constraint", PROJECT / "requirements.txt")
    run_outside(tmp_path, python, "-m", "pip", "install", *versions, wheel)
    packages = next((environment / "lib").glob("*/site-packages"))
    files = [path for path in packages.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < LARGEST_INSTALLATION
    cv2.imwrite(str(tmp_path / "face.png"), drawn_face[0][..., ::-1])
    where = run_outside(tmp_path, python, "-c", "import ferkit; print(ferkit.__file__)")
    assert Path(where.strip()).is_relative_to(environment)
    run_outside(tmp_path, environment / "bin" / "ferkit", "predict", "face.png")
    (row,) = pd.read_csv(tmp_path / "predictions.csv").to_dict("records")
    assert row["emotion"] == "neutral"
