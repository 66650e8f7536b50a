"""Write what `make bench` measured as a table: `python tests/bench/table.py JSON MARKDOWN`."""

import json
import sys
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

TITLE = """# Speed

Measured by `make bench` in one run. The last column compares a line with another: 1.60 x means 1.60
times as fast, below 1 slower. The usual ways of doing the work are matplotlib, dlib as in
tutorials, LinearSVC, SVC and PIL; the other comparisons are between our own settings. Speeds differ
from computer to computer, so look at the ratios.
"""


def bench_table(measured: dict[str, Any]) -> str:
    """Format the JSON of pytest-benchmark as Markdown.

    The computer, then a table for each module of measurements under the module's description.
    """
    computer = measured["machine_info"]
    about = [
        f"On {measured['datetime'][:10]}",
        computer["cpu"]["brand_raw"],
        f"{computer['processors']} processors",
        f"Python {computer['python_version']}; load at the start {computer['load']:.1f}.",
    ]
    lines = [TITLE, ", ".join(about)]
    for description, rows in groupby(measured["lines"], key=itemgetter(0)):
        heading, _, text = description.strip().partition("\n")
        lines += ["", f"## {heading.rstrip('.')}", "", text.strip(), ""]
        lines += ["| measured | speed | against |", "|---|--:|---|"]
        lines += [f"| {what} | {speed} | {against} |" for _, what, speed, against in rows]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    source, target = map(Path, sys.argv[1:])
    target.write_text(bench_table(json.loads(source.read_text())), encoding="utf-8")
