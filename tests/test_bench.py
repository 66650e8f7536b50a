"""The tables of speeds have what was measured, and on which computer."""

import pytest
from bench.table import bench_table

MEASURED = {
    "datetime": "2026-01-02T03:04:05",
    "machine_info": {
        "cpu": {"brand_raw": "A processor"},
        "processors": 2,
        "python_version": "3.12.1",
        "load": 0.25,
    },
    "lines": [
        ["Drawing.\n\nFrames a second.\n", "usual", "10.0 /s", ""],
        ["Drawing.\n\nFrames a second.\n", "ours", "20.0 /s", "2.00 x usual"],
        ["Reading.\n\nRows a second.\n", "rows", "5 /s", ""],
    ],
}


def test_each_measurement_is_a_row_under_its_module_and_the_computer():
    lines = bench_table(MEASURED).splitlines()
    assert (
        "On 2026-01-02, A processor, 2 processors, Python 3.12.1; load at the start 0.2." in lines
    )
    drawing = lines.index("## Drawing")
    reading = lines.index("## Reading")
    assert lines[drawing + 2] == "Frames a second."
    table = lines[drawing + 4 : reading - 1]
    assert table[:2] == ["| measured | speed | against |", "|---|--:|---|"]
    assert table[2:] == ["| usual | 10.0 /s |  |", "| ours | 20.0 /s | 2.00 x usual |"]
    assert lines[-1] == "| rows | 5 /s |  |"


def test_a_run_without_measurements_is_an_error():
    with pytest.raises(KeyError, match="lines"):
        bench_table({key: value for key, value in MEASURED.items() if key != "lines"})
