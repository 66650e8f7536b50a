"""`pytest --nbval notebooks`: run all cells, and compare what is the same on every computer.

Other outputs depend on the level, on the data sets found or on the time, so only cells with
NBVAL_CHECK_OUTPUT are compared.
"""

import pytest


def pytest_configure(config: pytest.Config) -> None:
    config.option.nbval_lax = getattr(config.option, "nbval", False)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not getattr(config.option, "disable_socket", False):
        return
    for item in items:
        if item.path.suffix == ".ipynb":
            item.add_marker("enable_socket")  # a kernel is spoken to through sockets
