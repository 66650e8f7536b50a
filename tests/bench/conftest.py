"""`make bench`: how many a second, and how that compares with the usual way, measured in the same run."""

from collections.abc import Callable
from typing import Any

import pytest

RATES: dict[str, float] = {}  # what was measured, and how many a second
LINES: list[tuple[str, str, str]] = []


@pytest.fixture
def speed(benchmark: Any) -> Callable[..., float]:
    """Measures `work`, which handles `count` things, and notes how many a second under the name `what`.

    `against` names an earlier measurement to be compared with.
    """

    def measure(
        what: str, work: Callable[[], object], count: int, against: str | None = None, rounds: int = 3
    ) -> float:
        benchmark.pedantic(work, rounds=rounds, warmup_rounds=1)
        rate = RATES[what] = count / benchmark.stats.stats.median
        ratio = f"{rate / RATES[against]:.2f} x {against}" if against in RATES else ""
        LINES.append((what, f"{rate:.1f} /s", ratio))
        return rate

    return measure


@pytest.fixture
def remark() -> Callable[[str, str], None]:
    """Notes something that is no rate."""
    return lambda what, value: LINES.append((what, value, ""))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if LINES:
        terminalreporter.section("speed")
        width = max(len(what) for what, _, _ in LINES)
        for what, value, ratio in LINES:
            terminalreporter.line(f"{what:<{width}}  {value:>12}  {ratio}".rstrip())
