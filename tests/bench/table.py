"""Write what `make bench` measured as a table: `python tests/bench/table.py JSON MARKDOWN`."""

import json
import sys
from pathlib import Path
from typing import Any

TITLE = """# Speed

Measured by `make bench` in one run. Where a line says "against", the other way is the usual one for
the same work. Speeds differ from computer to computer, so look at the ratios.

What is counted a second: faces drawn, up to the row about loading the head; pictures searched for a
face; steps of training, where a network is named; patches cut out; faces named by the predictor;
pictures of a data set listed or read. A ratio below 1 means that our way is slower there.
"""


def bench_table(measured: dict[str, Any]) -> str:
    """Format the JSON of pytest-benchmark as Markdown: the computer, then a row a measurement."""
    computer = measured["machine_info"]
    about = [
        f"On {measured['datetime'][:10]}",
        computer["cpu"]["brand_raw"],
        f"{computer['processors']} processors",
        f"Python {computer['python_version']}; load at the start {computer['load']:.1f}.",
    ]
    lines = [TITLE, ", ".join(about), "", "| measured | speed | against |", "|---|--:|---|"]
    lines += [f"| {what} | {speed} | {against} |" for what, speed, against in measured["lines"]]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    source, target = map(Path, sys.argv[1:])
    target.write_text(bench_table(json.loads(source.read_text())), encoding="utf-8")
