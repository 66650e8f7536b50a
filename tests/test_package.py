"""What holds for the project as a whole: arrows between modules, dependencies, set-up, what is committed."""

import ast
import importlib
import json
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import distributions, packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from typer.main import get_command

from ferkit.cli import app
from ferkit.paths import PROJECT

PACKAGE = PROJECT / "ferkit"
MODULES = {path.relative_to(PACKAGE).as_posix(): path for path in sorted(PACKAGE.rglob("*.py"))}

# Arrows point one way: a unit imports from the lines above its own, and from itself. A new arrow is a decision.
LAYERS = (
    "labels landmarks paths",
    "checkpoints synthetic data papers",
    "faces",
    "augment loaders",
    "models train",
    "foldwise views",
    "evaluate",
    "explain redrawn tables",
    "baselines",
    "cropped cross_train embedding face_model gap gradients marks patch_svm saliency sources textures verification",
    "portable",
    "reading",
    "annotate",
    "cross_database gap_pictures identity moved patch_folds predict temporal",
    "ablation tandem",
    "gallery restarts",
    "plots",
    "widgets",
    "map_widgets sequence_widgets",
    "workbook",
    "cli",
    "__main__",
)
TENSORS_ONLY = {"models", "train"}  # of ferkit they see `models.layers` and `checkpoints` alone
FORBIDDEN = {  # what a unit never imports from outside
    "labels": "torch cv2 PIL dlib",
    "landmarks": "torch cv2 PIL dlib",
    "data": "torch cv2 PIL dlib skimage imageio matplotlib",
    "plots": "torch torchvision dlib",
}
ONLY_IN = {  # what one module alone imports
    "dlib": "faces/detect.py",
    "anny": "synthetic/head.py",
    "warp": "synthetic/head.py",
    "papermill": "workbook/runner.py",
    "pooch": "data/get.py",
    "face_recognition_models": "",  # never: it needs a setuptools of the past
}
LONGEST = 400  # lines of a module
DEVICE_CHOICE = {"cli.py", "train.py", "workbook/parameters.py", "workbook/records.py"}  # where CUDA may be named
PROVIDED_BY = {
    "dlib": "dlib-bin",
    "warp": "anny",
}  # imports whose distribution says nothing of them, or comes with another
LARGEST = 1_000_000  # bytes of a committed file
MACHINE = re.compile(r"(?<![\w.~-])/(root|work|opt|tmp)/\w")
SHOWS_PATHS = {"tests/test_notebooks.py", "tests/test_package.py"}  # they look for such paths

each_module = pytest.mark.parametrize("name", MODULES)


def unit(name: str) -> str:
    """`faces` of faces/detect.py, `labels` of labels.py, nothing of the package's own __init__.py."""
    first = name.partition("/")[0].removesuffix(".py")
    return "" if first == "__init__" else first


def imports(path: Path) -> set[str]:
    """The dotted names of all a module imports, inside functions too; `from a import b` is `a.b`."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def wrong_arrows(name: str, imported: set[str]) -> list[str]:
    """The imports that go against LAYERS and TENSORS_ONLY."""
    line = {known: number for number, units in enumerate(LAYERS) for known in units.split()}
    wrong = []
    for dotted in sorted(imported):
        target = dotted.removeprefix("ferkit.").partition(".")[0]
        if not dotted.startswith("ferkit.") or target not in line:
            continue  # from outside, or a name in ferkit/__init__.py
        if unit(name) in TENSORS_ONLY:
            fine = dotted.startswith(("ferkit.models.layers", "ferkit.checkpoints"))
        else:
            fine = target == unit(name) or line[target] < line[unit(name)]
        wrong += [] if fine else [dotted]
    return wrong


@each_module
def test_arrows_point_one_way(name):
    assert unit(name) in " ".join(LAYERS).split() or not unit(name), "a new unit needs a place in LAYERS"
    assert not wrong_arrows(name, imports(MODULES[name]))


@pytest.mark.parametrize(
    ("name", "imported", "good"),
    [
        ("faces/store.py", "ferkit.data.clips.Clip", True),
        ("data/clips.py", "ferkit.faces.store", False),
        ("data/drawn.py", "ferkit.synthetic.sets", False),
        ("models/dtagn.py", "ferkit.models.layers.Mlp", True),
        ("models/dtagn.py", "ferkit.models.tfe", False),
        ("train.py", "ferkit.labels.LabelSet", False),
        ("labels.py", "ferkit.__version__", True),
        ("cli.py", "ferkit.workbook.runner", True),
        ("workbook/runner.py", "ferkit.cli.app", False),
    ],
)
def test_a_wrong_arrow_is_found(name, imported, good):
    assert (not wrong_arrows(name, {imported})) == good


@each_module
def test_outside_imports_stay_where_they_belong(name):
    outside = {dotted.partition(".")[0] for dotted in imports(MODULES[name])} - {"ferkit"}
    assert not outside & set(FORBIDDEN.get(unit(name), "").split())
    assert not [found for found in outside if ONLY_IN.get(found, name) != name]


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("ferkit.data", "torch cv2 PIL dlib matplotlib"),
        ("ferkit.plots", "torch dlib"),
        ("ferkit.cli", "torch pandas matplotlib papermill"),  # so that `ferkit --help` answers at once
    ],
)
def test_importing_does_not_load(module, absent):
    code = f"import json, sys, {module}; print(json.dumps(sorted(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert not set(json.loads(result.stdout)) & set(absent.split())


@each_module
def test_every_module_imports(name):
    dotted = name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    if dotted != "__main__":  # which runs the command
        importlib.import_module("ferkit" if dotted == "__init__" else f"ferkit.{dotted}")


@each_module
def test_modules_are_short_and_do_not_print_or_choose_devices(name):
    text = MODULES[name].read_text(encoding="utf-8")
    assert len(text.splitlines()) <= LONGEST
    assert "cuda" not in text.lower() or name in DEVICE_CHOICE
    calls = [node.func for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
    assert not [call.lineno for call in calls if isinstance(call, ast.Name) and call.id == "print"]


# Dependencies


def declared() -> dict[str, Requirement]:
    """What pyproject.toml asks for, by canonical name, tests' packages among them."""
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    found = [Requirement(text) for text in project["dependencies"] + project["optional-dependencies"]["dev"]]
    return {canonicalize_name(requirement.name): requirement for requirement in found}


def pinned() -> dict[str, str]:
    """The versions in requirements.txt, by canonical name."""
    lines = (PROJECT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    pairs = [line.split("==") for line in lines if line and not line.startswith("#")]
    assert len({name for name, _ in pairs}) == len(pairs)
    return {canonicalize_name(name): version for name, version in pairs}


def test_every_dependency_is_pinned_within_its_bounds():
    assert declared().keys() == pinned().keys()
    outside = {name: v for name, v in pinned().items() if not declared()[name].specifier.contains(v)}
    assert not outside


def test_conda_gets_the_same_packages_and_is_told_what_each_is_for():
    text = (PROJECT / "environment.yml").read_text(encoding="utf-8")
    assert "- -r requirements.txt" in text
    explained = re.findall(r"^# ([\w.-]+) {2,}\S", text, re.MULTILINE)
    assert sorted(map(canonicalize_name, explained)) == sorted(declared())


def test_all_name_the_same_pythons():
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    allowed = SpecifierSet(project["requires-python"])
    minors = {f"3.{minor}" for minor in range(30) if allowed.contains(f"3.{minor}")}
    makefile = (PROJECT / "Makefile").read_text(encoding="utf-8")
    assert set(re.findall(r"python(3\.\d+) ", makefile)) == minors
    low, high = (f"3.{minor}" for minor in re.search(r"\(3, (\d+)\) <= .* <= \(3, (\d+)\)", makefile).groups())
    assert {low, high} <= minors
    assert len(minors) == int(high[2:]) - int(low[2:]) + 1
    conda = (PROJECT / "environment.yml").read_text(encoding="utf-8")
    assert re.search(r"- python=(3\.\d+)", conda).group(1) in minors


def test_everything_imported_is_declared():
    owners = packages_distributions()
    missing = set()
    for path in MODULES.values():
        for top in {dotted.partition(".")[0] for dotted in imports(path)} - sys.stdlib_module_names - {"ferkit"}:
            names = [PROVIDED_BY[top]] if top in PROVIDED_BY else owners.get(top, [top])
            if not {canonicalize_name(name) for name in names} & declared().keys():
                missing.add(top)
    assert not missing


def test_there_is_one_opencv():
    found = {canonicalize_name(d.name) for d in distributions() if d.name.lower().startswith("opencv")}
    assert found == {"opencv-python-headless"}


# What is committed


def committed() -> list[Path]:
    """The files git knows; where there is no git, all but what tools leave behind."""
    if shutil.which("git") and (PROJECT / ".git").exists():
        listing = subprocess.run(["git", "ls-files", "-z"], cwd=PROJECT, capture_output=True, text=True, check=True)
        if names := [name for name in listing.stdout.split("\0") if name]:
            return [PROJECT / name for name in names if (PROJECT / name).is_file()]
    skipped = {".venv", "build", "__pycache__", ".git"}
    files = [path for path in PROJECT.rglob("*") if path.is_file()]
    return [path for path in files if not skipped & set(path.parts) and "_cache" not in str(path)]


def test_committed_files_are_small():
    large = {str(path.relative_to(PROJECT)): size for path in committed() if (size := path.stat().st_size) > LARGEST}
    assert not large, "keep it out of git, or make it smaller"


def test_no_text_names_a_place_of_one_machine():
    found = []
    for path in committed():
        name = path.relative_to(PROJECT).as_posix()
        content = path.read_bytes()
        if b"\0" not in content and name not in SHOWS_PATHS:
            text = content.decode("utf-8")
            found += [f"{name}: {text[m.start() : m.start() + 60]!r}" for m in MACHINE.finditer(text)]
    assert not found


def test_the_top_level_holds_what_it_should():
    top = {path.relative_to(PROJECT).parts[0] for path in committed()}
    expected = (
        "notebooks ferkit tests figures requirements.txt environment.yml README.md pyproject.toml Makefile LICENSE"
    )
    assert {name for name in top if not name.startswith(".")} <= set(expected.split())


def test_the_readme_names_what_is_there():
    text = (PROJECT / "README.md").read_text(encoding="utf-8")
    stems = [path.stem for path in sorted((PROJECT / "notebooks").glob("[0-9]*.ipynb"))]
    assert not [stem for stem in stems if f"(notebooks/{stem}.ipynb)" not in text]
    links = re.findall(r"\]\((?!https?:|#)([^)]+)\)", text)
    assert not [link for link in links if not (PROJECT / link).exists()]


def test_the_readme_uses_commands_and_options_there_are():
    text = "".join((PROJECT / name).read_text(encoding="utf-8") for name in ("README.md", ".github/CONTRIBUTING.md"))
    lines = re.findall(r"^(?:.*`)?(?:\.venv/bin/)?ferkit( [^\n`#]+)", text, re.MULTILINE)
    assert len(lines) > 5
    for line in lines:
        command, words = get_command(app), line.split()
        while subcommands := getattr(command, "commands", None):
            assert words[0] in subcommands, f"there is no `ferkit{line}`"
            command = subcommands[words.pop(0)]
        options = {option for parameter in command.params for option in parameter.opts}
        assert not [word for word in words if word.startswith("-") and word not in options], f"ferkit{line}"
    targets = set(re.findall(r"^(\w+):", (PROJECT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z]+)", text)) <= targets
