"""What holds for the whole project: imports, names, dependencies, installation, committed files."""

import ast
import importlib
import json
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import distributions, packages_distributions
from importlib.util import find_spec
from itertools import chain
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from typer.main import get_command

from ferkit.cli import app
from ferkit.core.files import PROJECT

PACKAGE = PROJECT / "ferkit"
MODULES = {path.relative_to(PACKAGE).as_posix(): path for path in sorted(PACKAGE.rglob("*.py"))}

# A folder imports from the lines above its own, and from itself.
LAYERS = (
    "core",
    "data drawn",
    "faces",
    "evaluation",
    "training",
    "explain",
    "papers",
    "predict",
    "plots",
    "workbook",
    "cli",
    "__main__",
)
ONLY_FROM = {  # folders and files that import less than their line allows
    "drawn/": ("core", "drawn"),
    "plots/": ("core", "data", "plots"),
    "papers/{}/network.py": ("training.layers", "training.normalisation", "training.alexnet"),
}
FORBIDDEN = {  # packages that a folder never imports
    "core": "torch cv2 PIL dlib",
    "data": "torch cv2 PIL dlib skimage imageio matplotlib",
    "plots": "torch torchvision dlib",
}
ONLY_IN = {  # what only one module may import
    "dlib": "faces/detect.py",
    "anny": "drawn/head.py",
    "warp": "drawn/head.py",
    "papermill": "workbook/engine.py",
    "dask": "workbook/cluster.py",
    "distributed": "workbook/cluster.py",
    "requests": "data/download.py",
    "face_recognition_models": "",  # never: it needs a setuptools of the past
}
LONGEST = 345  # lines of a module
# The modules that may name CUDA.
DEVICE_CHOICE = {
    "cli.py",
    "training/devices.py",
    "workbook/parameters.py",
    "workbook/records.py",
}
# Imports that do not have the name of their distribution, or come with another one.
PROVIDED_BY = {
    "dlib": "dlib-bin",
    "matplotlib_inline": "ipykernel",
    "traitlets": "ipywidgets",
    "urllib3": "requests",
    "warp": "anny",
}
LARGEST = 1_000_000  # bytes of a committed file
# Public names that each module of a folder may define for itself.
SHARED_NAMES = {
    "data/sets/": "CARD CODES COLUMNS DATA_SET DATA_SETS EXPECTED FOLDERS NAME PEOPLE ROOTS TABLE "
    "expected_of",
    "workbook/exercises/": "EXERCISES",
    "papers/": "NETWORKS PLANS STUDIES Plan as_networks compare_methods train_networks",
}
MACHINE = re.compile(r"(?<![\w.~-])/(root|work|opt|tmp)/\w")
SHOWS_PATHS = {"tests/test_notebooks.py", "tests/test_package.py"}  # they look for such paths
PAGES = ("README.md", ".github/*.md", "docs/*.md")

each_module = pytest.mark.parametrize("name", MODULES)


def unit(name: str) -> str:
    """Name the folder of a module, such as `faces`, or the module at the top level."""
    first = name.partition("/")[0].removesuffix(".py")
    return "" if first == "__init__" else first


def imports(path: Path) -> set[str]:
    """List the dotted names a module imports; `from a import b` is `a.b`."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def wrong_imports(name: str, imported: set[str]) -> list[str]:
    """List the imports that LAYERS and ONLY_FROM do not allow."""
    line = {folder: row for row, folders in enumerate(LAYERS) for folder in folders.split()}
    wrong = []
    for dotted in sorted(imported):
        inside = dotted.removeprefix("ferkit.")
        target = inside.partition(".")[0]
        if not dotted.startswith("ferkit.") or target not in line:
            continue  # from outside, or a name in ferkit/__init__.py
        allowed = target == unit(name) or line[target] < line[unit(name)]
        for place, only in ONLY_FROM.items():
            if re.match(place.replace("{}", r"\w+"), name):
                allowed = any(inside == known or inside.startswith(f"{known}.") for known in only)
        if name.startswith("papers/") and name.count("/") == 2 and inside.startswith("papers."):
            paper = name.split("/")[1]
            other = inside.split(".")[1]
            if name.endswith("/network.py"):
                allowed = inside.startswith(f"papers.{paper}.geometry.")
            else:
                allowed = other in (paper, "reported", "tables", "PAPERS")
        if not allowed:
            wrong.append(dotted)
    return wrong


def public_names(tree: ast.Module) -> set[str]:
    """List the public names a module defines at its top level, without commands."""
    names = set()
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            decorators = {ast.unparse(decorator) for decorator in node.decorator_list}
            if not any(".command(" in decorator for decorator in decorators):
                names.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            stored = [name for target in targets for name in ast.walk(target)]
            names |= {name.id for name in stored if isinstance(name, ast.Name)}
    return {name for name in names if not name.startswith("_")}


def repeated_names(sources: dict[str, str]) -> dict[str, list[str]]:
    """Find public names that several modules define, apart from SHARED_NAMES.

    A module of `workbook/lessons` belongs to one notebook, which calls it `lesson`.
    """
    places: dict[str, list[str]] = {}
    for module, source in sources.items():
        if module.startswith("workbook/lessons/"):
            continue
        for name in public_names(ast.parse(source)):
            places.setdefault(name, []).append(module)
    repeated = {}
    for name, modules in places.items():
        shared = [folder for folder, names in SHARED_NAMES.items() if name in names.split()]
        allowed = any(all(module.startswith(folder) for module in modules) for folder in shared)
        if len(modules) > 1 and not allowed:
            repeated[name] = modules
    return repeated


def private_imports(source: str) -> list[str]:
    """List private names of other ferkit modules that a module uses."""
    tree = ast.parse(source)
    private, modules = [], set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module.startswith("ferkit"):
            private += [alias.name for alias in node.names if alias.name.startswith("_")]
            modules |= {alias.asname or alias.name for alias in node.names}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            is_private = node.attr.startswith("_") and not node.attr.startswith("__")
            if node.value.id in modules and is_private:
                private.append(f"{node.value.id}.{node.attr}")
    return [name for name in private if not name.startswith("__")]


def test_the_folders_are_the_layers():
    assert len(LAYERS) <= 12
    assert {unit(name) for name in MODULES} - {""} == set(" ".join(LAYERS).split())


@each_module
def test_imports_point_one_way(name):
    assert not unit(name) or not wrong_imports(name, imports(MODULES[name]))


@pytest.mark.parametrize(
    ("name", "imported", "good"),
    [
        ("faces/prepare.py", "ferkit.data.clip.Clip", True),
        ("data/clip.py", "ferkit.faces.prepare", False),
        ("data/sets/drawn.py", "ferkit.drawn.sets", False),
        ("drawn/sets.py", "ferkit.data.clip.Clip", False),
        ("plots/faces.py", "ferkit.faces.align", False),
        ("papers/dtagn/network.py", "ferkit.training.layers.Mlp", True),
        ("papers/dtagn/network.py", "ferkit.training.loop.train", False),
        ("papers/emotionaldan/network.py", "ferkit.papers.emotionaldan.geometry.warp", True),
        ("papers/emotionaldan/network.py", "ferkit.papers.emotionaldan.crops.CLASSES", False),
        ("papers/dtagn/experiment.py", "ferkit.papers.tfe.network", False),
        ("papers/dtagn/experiment.py", "ferkit.papers.dtagn.network", True),
        ("training/loop.py", "ferkit.papers.tfe.network", False),
        ("core/labels.py", "ferkit.__version__", True),
        ("cli.py", "ferkit.workbook.run", True),
        ("workbook/run.py", "ferkit.cli.app", False),
    ],
)
def test_a_wrong_import_is_found(name, imported, good):
    assert (not wrong_imports(name, {imported})) == good


def test_a_public_name_has_one_meaning():
    sources = {name: path.read_text(encoding="utf-8") for name, path in MODULES.items()}
    assert not repeated_names(sources)


@pytest.mark.parametrize(
    ("first", "second", "repeated"),
    [
        (("core/a.py", "SIDE = 1"), ("drawn/b.py", "def SIDE(): ..."), ["SIDE"]),
        (("core/a.py", "_SIDE = 1"), ("drawn/b.py", "_SIDE = 2"), []),
        (("core/a.py", "x, y = 1, 2"), ("drawn/b.py", "y: int = 2"), ["y"]),
        (("data/sets/a.py", "CARD = 1"), ("data/sets/b.py", "CARD = 2"), []),
        (("data/sets/a.py", "CARD = 1"), ("data/b.py", "CARD = 2"), ["CARD"]),
        (("core/a.py", "def run(): ..."), ("cli.py", "@app.command()\ndef run(): ..."), []),
    ],
)
def test_a_repeated_name_is_found(first, second, repeated):
    assert list(repeated_names(dict([first, second]))) == repeated


@each_module
def test_no_module_uses_private_names_of_another(name):
    assert not private_imports(MODULES[name].read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("source", "private"),
    [
        ("from ferkit.core.files import _lock", ["_lock"]),
        ("from ferkit.core import files\nfiles._lock()", ["files._lock"]),
        ("from ferkit.core import files\nfiles.__name__", []),
        ("from ferkit import __version__", []),
        ("from pathlib import _x\nself._y", []),
    ],
)
def test_a_private_import_is_found(source, private):
    assert private_imports(source) == private


def test_the_tests_mirror_the_package():
    folders = [path for path in sorted((PROJECT / "tests").rglob("*")) if path.is_dir()]
    names = {path.relative_to(PROJECT / "tests").as_posix() for path in folders}
    mirrored = {name for name in names if "__pycache__" not in name} - {"bench", "solutions"}
    assert not [name for name in sorted(mirrored) if not (PACKAGE / name).is_dir()]


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
        (
            "ferkit.cli",
            "torch pandas matplotlib papermill",
        ),  # so that `ferkit --help` answers at once
    ],
)
def test_importing_does_not_load(module, absent):
    code = f"import json, sys, {module}; print(json.dumps(sorted(sys.modules)))"
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True
    )
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
    """Read the requirements of pyproject.toml, with those of all extras that `make` installs."""
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    texts = chain.from_iterable(extras[name] for name in extras if name not in ("docs", "heic"))
    found = [Requirement(text) for text in (*project["dependencies"], *texts)]
    return {canonicalize_name(requirement.name): requirement for requirement in found}


def pinned() -> dict[str, str]:
    """Read the versions in requirements.txt, by canonical name."""
    lines = (PROJECT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    pairs = [line.split("==") for line in lines if line and not line.startswith("#")]
    assert len({name for name, _ in pairs}) == len(pairs)
    return {canonicalize_name(name): version for name, version in pairs}


def test_every_dependency_is_pinned_within_its_bounds():
    assert declared().keys() == pinned().keys()
    outside = {
        name: v for name, v in pinned().items() if not declared()[name].specifier.contains(v)
    }
    assert not outside


def test_conda_gets_the_same_packages_each_with_its_purpose():
    text = (PROJECT / "environment.yml").read_text(encoding="utf-8")
    assert "- -r requirements.txt" in text
    explained = re.findall(r"^# ([\w.-]+) {2,}\S", text, re.MULTILINE)
    assert sorted(map(canonicalize_name, explained)) == sorted(declared())
    named = re.findall(r"[\w/]+/(?:\w+\.py)?|\w+\.py", text)
    assert not [
        name for name in named if not ((PACKAGE / name).exists() or (PROJECT / name).exists())
    ]


def test_all_name_the_same_pythons():
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    allowed = SpecifierSet(project["requires-python"])
    minors = {f"3.{minor}" for minor in range(30) if allowed.contains(f"3.{minor}")}
    prefix = "Programming Language :: Python :: "
    named = {c.removeprefix(prefix) for c in project["classifiers"] if c.startswith(prefix)}
    assert named == minors
    makefile = (PROJECT / "Makefile").read_text(encoding="utf-8")
    assert set(re.findall(r"python(3\.\d+) ", makefile)) == minors
    low, high = (
        f"3.{minor}"
        for minor in re.search(r"\(3, (\d+)\) <= .* <= \(3, (\d+)\)", makefile).groups()
    )
    assert {low, high} <= minors
    assert len(minors) == int(high[2:]) - int(low[2:]) + 1
    conda = (PROJECT / "environment.yml").read_text(encoding="utf-8")
    assert re.search(r"- python=(3\.\d+)", conda).group(1) in minors


def test_everything_imported_is_declared():
    owners = packages_distributions()
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = chain.from_iterable(project["optional-dependencies"].values())
    known = {canonicalize_name(Requirement(text).name) for text in extras} | declared().keys()
    missing = set()
    for path in MODULES.values():
        for top in (
            {dotted.partition(".")[0] for dotted in imports(path)}
            - sys.stdlib_module_names
            - {"ferkit"}
        ):
            names = [PROVIDED_BY[top]] if top in PROVIDED_BY else owners.get(top, [top])
            if not {canonicalize_name(name) for name in names} & known:
                missing.add(top)
    assert not missing


def test_an_editable_install_is_found_beside_a_clone_called_ferkit(tmp_path):
    """A folder `ferkit` on the path before the package must not hide it as an empty package."""
    text = (PROJECT / "pyproject.toml").read_text(encoding="utf-8")
    assert tomllib.loads(text)["tool"]["setuptools"]["package-dir"] == {"": "."}
    if any(name.startswith("__editable___ferkit") for name in sys.modules):
        pytest.skip("ferkit was installed before package-dir was set; `make install` renews it")
    (tmp_path / "ferkit").mkdir()
    code = "import ferkit; print(ferkit.__file__)"
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert Path(result.stdout.strip()) == PACKAGE / "__init__.py"


def test_there_is_one_opencv():
    found = {
        canonicalize_name(d.name) for d in distributions() if d.name.lower().startswith("opencv")
    }
    assert found == {"opencv-python-headless"}


# What is committed


def committed() -> list[Path]:
    """List the committed files; without git, all files but caches and builds."""
    if shutil.which("git") and (PROJECT / ".git").exists():
        listing = subprocess.run(
            ["git", "ls-files", "-z"], cwd=PROJECT, capture_output=True, text=True, check=True
        )
        if names := [name for name in listing.stdout.split("\0") if name]:
            return [PROJECT / name for name in names if (PROJECT / name).is_file()]
    skipped = {".venv", "build", "__pycache__", ".git"}
    files = [path for path in PROJECT.rglob("*") if path.is_file()]
    return [path for path in files if not skipped & set(path.parts) and "_cache" not in str(path)]


def test_committed_files_are_small():
    large = {
        str(path.relative_to(PROJECT)): size
        for path in committed()
        if (size := path.stat().st_size) > LARGEST
    }
    assert not large, "keep it out of git, or make it smaller"


def test_no_text_has_a_path_of_one_machine():
    found = []
    for path in committed():
        name = path.relative_to(PROJECT).as_posix()
        content = path.read_bytes()
        if b"\0" not in content and name not in SHOWS_PATHS:
            text = content.decode("utf-8")
            found += [
                f"{name}: {text[m.start() : m.start() + 60]!r}" for m in MACHINE.finditer(text)
            ]
    assert not found


def test_the_top_level_holds_what_it_should():
    top = {path.relative_to(PROJECT).parts[0] for path in committed()}
    folders = {"docs", "ferkit", "figures", "notebooks", "tests"}
    files = {"CITATION.cff", "LICENSE", "Makefile", "README.md", "environment.yml"}
    files |= {"pyproject.toml", "requirements.txt"}
    assert {name for name in top if not name.startswith(".")} <= folders | files


def pages() -> dict[Path, str]:
    """Read the README and each page in .github/ and docs/."""
    paths = [path for pattern in PAGES for path in sorted(PROJECT.glob(pattern))]
    return {path: path.read_text(encoding="utf-8") for path in paths}


def test_the_pages_link_to_what_is_there():
    text = (PROJECT / "README.md").read_text(encoding="utf-8")
    stems = [path.stem for path in sorted((PROJECT / "notebooks").glob("[0-9]*.ipynb"))]
    assert not [stem for stem in stems if f"(notebooks/{stem}.ipynb)" not in text]
    docs = [path.name for path in sorted((PROJECT / "docs").glob("*.md"))]
    assert not [name for name in docs if f"(docs/{name})" not in text]
    for path, page in pages().items():
        links = re.findall(r"\]\((?!https?:|#)([^)]+)\)", page)
        files = {link.partition("#")[0] for link in links}
        assert not [file for file in files if not (path.parent / file).exists()], path.name


def test_the_pages_use_commands_and_options_there_are():
    text = "\n".join(pages().values())
    lines = re.findall(r"^(?:.*`)?(?:\.venv/bin/)?ferkit( [^\n`#]+)", text, re.MULTILINE)
    assert len(lines) > 15
    for line in lines:
        command = get_command(app)
        words = line.split()
        while subcommands := getattr(command, "commands", None):
            assert words[0] in subcommands, f"there is no `ferkit{line}`"
            command = subcommands[words.pop(0)]
        options = {option for parameter in command.params for option in parameter.opts}
        unknown = [word for word in words if word.startswith("-") and word not in options]
        assert not unknown, f"ferkit{line}"
    makefile = (PROJECT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([\w-]+):", makefile, re.MULTILINE))
    assert set(re.findall(r"`make ([a-z-]+)", text)) <= targets


def named_in_texts() -> set[str]:
    """List the dotted names of ferkit's modules and functions in Makefile, pages and notebooks."""
    makefile = (PROJECT / "Makefile").read_text(encoding="utf-8")
    imported = re.findall(r"from (ferkit[\w.]*) import (\w+)", makefile)
    names = {f"{module}.{name}" for module, name in imported}
    texts = list(pages().values())
    for path in sorted((PROJECT / "notebooks").glob("*.ipynb")):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        texts += ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
    for text in texts:
        names |= set(re.findall(r"`(ferkit(?:\.\w+)+)`", text))
    return names


def is_there(dotted: str) -> bool:
    """Tell whether a dotted name is a module of ferkit or a name in one."""
    module, _, name = dotted.rpartition(".")
    if hasattr(importlib.import_module(module), name):
        return True
    return find_spec(dotted) is not None


def test_the_texts_name_what_is_there():
    names = named_in_texts()
    assert len(names) > 4
    assert not [name for name in sorted(names) if not is_there(name)]
