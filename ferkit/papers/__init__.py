"""The papers, one folder each: networks, experiments and the numbers the paper reports.

A folder with a file `reported.toml` is a paper; its `number` there is the paper's place in PAPERS.
"""

import tomllib
from functools import cache
from importlib import import_module
from itertools import chain
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ferkit.training.spec import NetworkSpec, Study

_NUMBERS = {
    path.parent.name: tomllib.loads(path.read_text(encoding="utf-8"))["number"]
    for path in Path(__file__).parent.glob("*/reported.toml")
}
PAPERS = tuple(sorted(_NUMBERS, key=_NUMBERS.__getitem__))


@cache
def network_specs() -> "dict[str, NetworkSpec]":
    """The networks of all papers by name, in the order of the papers."""
    networks = chain.from_iterable(specs.NETWORKS for specs in _import_specs())
    return {spec.name: spec for spec in networks}


@cache
def studies() -> "dict[str, Study]":
    """The comparisons over several trainings of all papers by name."""
    all_studies = chain.from_iterable(specs.STUDIES for specs in _import_specs())
    return {study.name: study for study in all_studies}


def _import_specs() -> list[ModuleType]:
    """Import the module `specs` of each paper; only when asked, since it needs PyTorch."""
    return [import_module(f"ferkit.papers.{short_name}.specs") for short_name in PAPERS]
