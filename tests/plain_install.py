"""A plain installation, without extras, made of links to the packages installed here."""

import os
import subprocess
import sys
import tomllib
from importlib.metadata import distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from ferkit.core.files import PROJECT


def plain_requirements() -> list[str]:
    """Read what ferkit needs without its extras."""
    return tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["dependencies"]


def with_their_own(requirements: list[str]) -> set[str]:
    """Name the distributions that requirements stand for, and all that these require."""
    names: set[str] = set()
    waiting = [Requirement(text) for text in requirements]
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        wanted = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
        if name not in names and wanted:
            names.add(name)
            waiting += [Requirement(text) for text in distribution(name).requires or ()]
    return names


def link_plain_packages(folder: Path) -> Path:
    """Link the packages of a plain installation into a new folder."""
    folder.mkdir()
    for name in sorted(with_their_own(plain_requirements())):
        installed = distribution(name)
        tops = {file.parts[0] for file in installed.files or ()} - {"..", "__pycache__"}
        for top in tops:
            if not (folder / top).exists():
                (folder / top).symlink_to(installed.locate_file(top))
    return folder


def run_plain(packages: Path, *arguments: object, cwd: Path) -> subprocess.CompletedProcess:
    """Run the command `ferkit` with nothing but these packages and the standard library."""
    path = os.pathsep.join([str(packages), str(PROJECT)])
    return subprocess.run(
        [sys.executable, "-S", "-m", "ferkit", *map(str, arguments)],
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
