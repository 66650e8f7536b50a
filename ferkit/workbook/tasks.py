"""Choose notebooks and check all that can be checked before a run starts."""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from ferkit.core import files
from ferkit.core.checks import suggestion
from ferkit.core.files import expand_home
from ferkit.core.processes import count_processors
from ferkit.data import DATASETS, find_root, read_clips
from ferkit.data.card import Offer, offer_of
from ferkit.workbook import kernels, needs, records
from ferkit.workbook.parameters import Notebook, read_notebook, settle_parameters

NOTEBOOKS = files.PROJECT / "notebooks"
_NOTEBOOK_MEMORY = 2 * 2**30  # bytes: what a notebook and its workers need at `lesson`


@dataclass(frozen=True)
class Task:
    """One notebook to run, and what its result depends on."""

    notebook: Notebook
    parameters: Mapping[str, Any]  # JSON values
    device: str  # "cpu" or the GPU's name
    fingerprint: str

    @property
    def name(self) -> str:
        return self.notebook.name


def choose_notebooks(names: Sequence[str], folder: Path | None = None) -> list[Path]:
    """Find the notebooks that `names` mean: numbers, stems or paths.

    Without names, all numbered ones of `folder`. FileNotFoundError or ValueError for a name that
    means none.
    """
    folder = folder or NOTEBOOKS
    numbered = sorted(folder.glob("[0-9][0-9]_*.ipynb"))
    if not names and not numbered:
        raise FileNotFoundError(
            f"no notebooks in {folder}; run from a clone of ferkit, or name the notebooks' files"
        )
    chosen = numbered
    if names:
        chosen = list(dict.fromkeys(_find(name, numbered, folder) for name in names))
    stems = [path.stem for path in chosen]
    if clash := next((stem for stem in stems if stems.count(stem) > 1), None):
        raise ValueError(
            f"two notebooks are called {clash}, and one would overwrite the other's results; "
            "run one at a time"
        )
    return chosen


def plan_run(
    names: Sequence[str], overrides: Mapping[str, str], out: Path, kernel: str | None = None
) -> list[Task]:
    """Check everything that can be checked before anything runs; return the tasks.

    `overrides` are the user's parameters as text. ValueError or FileNotFoundError for wrong use.
    """
    notebooks = [read_notebook(path) for path in choose_notebooks(names)]
    if "out" in overrides:
        raise ValueError("`out` is where the whole run is written; use --out")
    if overrides.get("data_root"):
        root = expand_home(overrides["data_root"]).resolve()
        if not root.exists():
            raise FileNotFoundError(f"no folder {root} to read data from (--data-root)")
        overrides = {**overrides, "data_root": str(root)}
    if overrides.get("own_method"):
        method = expand_home(overrides["own_method"]).resolve()
        if not method.is_file():
            raise FileNotFoundError(f"no file {method} with the functions fit and predict")
        overrides = {**overrides, "own_method": str(method)}
    settled = settle_parameters(notebooks, overrides)
    _refuse_unusable(notebooks, settled)
    package = [
        records.package_hash(),
        records.installed_versions(),
        kernels.kernel_command(kernel),
        files.shown_sets(),
        files.data_options(),
    ]
    gpu = records.gpu_name()
    listings: dict[Path | None, str] = {}
    tasks = []
    for notebook, values in zip(notebooks, settled, strict=True):
        device = gpu if gpu and values.get("device") != "cpu" else "cpu"
        depends = {name: value for name, value in values.items() if name != "out"}
        data = _data_hash(notebook, values, listings)
        content = json.dumps([notebook.source, depends, data, package, device], sort_keys=True)
        fingerprint = hashlib.sha256(content.encode()).hexdigest()
        if "out" in values:
            values["out"] = str(out.resolve())
        tasks.append(Task(notebook, values, device, fingerprint))
    return tasks


def find_shared_sets(tasks: Sequence[Task]) -> list[tuple[str, str, int]]:
    """List name, level and seed of the drawn sets that several tasks read."""
    read: Counter[tuple[str, str, int]] = Counter()
    for task in tasks:
        name = task.parameters.get("dataset")
        if name in DATASETS and DATASETS[name].drawn:
            read[name, task.parameters["level"], task.parameters["seed"]] += 1
    return [drawn for drawn, count in read.items() if count > 1]


def choose_jobs(tasks: Sequence[Task]) -> int:
    """Choose how many notebooks run at once, from cores and free memory; one on a GPU."""
    if any(task.device != "cpu" for task in tasks):
        return 1
    fitting = psutil.virtual_memory().available // _NOTEBOOK_MEMORY
    return max(1, min(count_processors(), fitting, len(tasks)))


def _find(name: str, numbered: Sequence[Path], folder: Path) -> Path:
    """The notebook that a number, stem or path means."""
    path = expand_home(name)
    if path.suffix == ".ipynb":
        for place in (path, folder / path.name):
            if place.is_file():
                return place.resolve()
        raise FileNotFoundError(f"no notebook {name}")
    if name.isdecimal():
        matching = [path for path in numbered if int(path.stem[:2]) == int(name)]
    else:
        matching = [path for path in numbered if path.stem == name]
    if len(matching) == 1:
        return matching[0].resolve()
    known = [path.stem for path in numbered]
    raise ValueError(
        f"no notebook {name!r}{suggestion(name, known)}; {folder} has: {', '.join(known) or 'none'}"
    )


def _refuse_unusable(notebooks: Sequence[Notebook], settled: Sequence[Mapping[str, Any]]) -> None:
    """Refuse notebooks whose data set is unsuitable or missing.

    ValueError with the reasons and the notebooks that could use it; FileNotFoundError.
    """
    usable = []
    reasons = []
    offers: dict[str | None, Offer] = {}
    for notebook, values in zip(notebooks, settled, strict=True):
        dataset = values.get("dataset")
        if not dataset or notebook.name[:2] not in needs.NEEDS:
            continue
        root = values.get("data_root") or None
        if obstacle := needs.find_obstacle(notebook.name, dataset, _offer(dataset, root, offers)):
            reasons.append(obstacle)
        else:
            usable.append(notebook.name)
    if reasons:
        others = f"; these could: {', '.join(usable)}" if usable else ""
        raise ValueError(f"{'. '.join(reasons)}{others}")
    for values in settled:
        name = values.get("dataset")
        if name in DATASETS and not DATASETS[name].drawn:
            find_root(name, values.get("data_root") or None)


def _offer(name: str, root: str | None, known: dict[str | None, Offer]) -> Offer | None:
    """What somebody's own pictures contain, which only reading them tells; None of other sets."""
    if name != "folder":
        return None
    if root not in known:
        known[root] = offer_of(read_clips(name, root, verify="off"))
    return known[root]


def _data_hash(
    notebook: Notebook, values: Mapping[str, Any], listings: dict[Path | None, str]
) -> str | None:
    """Hash the data folder, for a notebook that reads it."""
    if not {"dataset", "data_root"} & set(values):
        return None
    given = values.get("data_root")
    root = files.data_root(notebook.path.parent / expand_home(given) if given else None)
    root = root and root.resolve()
    if root not in listings:
        listings[root] = records.listing_hash(root)
    return listings[root]
