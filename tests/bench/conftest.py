"""`make bench`: speeds, compared with the usual way in the same run."""

import os
from collections.abc import Callable
from typing import Any

import pytest

RATES: dict[str, float] = {}  # what was measured, and how many a second
# The description of the module that measured, what, how fast, and against what.
LINES: list[tuple[str, str, str, str]] = []


@pytest.fixture
def speed(benchmark: Any, request: pytest.FixtureRequest) -> Callable[..., float]:
    """Measure how many of `count` items `work` handles per second.

    The speed is recorded under the name `what`.

    `against` names an earlier measurement to be compared with.
    """

    def measure(
        what: str,
        work: Callable[[], object],
        count: int,
        against: str | None = None,
        rounds: int = 3,
    ) -> float:
        benchmark.pedantic(work, rounds=rounds, warmup_rounds=1)
        rate = RATES[what] = count / benchmark.stats.stats.median
        ratio = f"{rate / RATES[against]:.2f} x {against}" if against in RATES else ""
        text = f"{rate:,.0f} /s" if rate >= 100 else f"{rate:.3g} /s"
        LINES.append((request.module.__doc__, what, text, ratio))
        return rate

    return measure


@pytest.fixture
def remark(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Notes something that is no rate."""
    return lambda what, value: LINES.append((request.module.__doc__, what, value, ""))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if LINES:
        terminalreporter.section("speed")
        width = max(len(what) for _, what, _, _ in LINES)
        for _, what, value, ratio in LINES:
            terminalreporter.line(f"{what:<{width}}  {value:>12}  {ratio}".rstrip())


def pytest_benchmark_update_machine_info(config: Any, machine_info: dict[str, Any]) -> None:
    machine_info["processors"] = os.cpu_count()
    machine_info["load"] = os.getloadavg()[0]


def pytest_benchmark_update_json(config: Any, output_json: dict[str, Any], **_: Any) -> None:
    output_json["lines"] = LINES
