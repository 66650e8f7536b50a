"""The table of speeds has what was measured, and on which computer."""

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
    "lines": [["usual", "10.0 /s", ""], ["ours", "20.0 /s", "2.00 x usual"]],
}


def test_each_measurement_is_a_row_under_the_computer():
    lines = bench_table(MEASURED).splitlines()
    assert (
        "On 2026-01-02, A processor, 2 processors, Python 3.12.1; load at the start 0.2." in lines
    )
    table = lines[-4:]
    assert table[0] == "| measured | speed | against |"
    assert table[1] == "|---|--:|---|"
    assert table[3] == "| ours | 20.0 /s | 2.00 x usual |"
    assert {line.count("|") for line in table} == {4}


def test_a_run_without_measurements_is_an_error():
    with pytest.raises(KeyError, match="lines"):
        bench_table({key: value for key, value in MEASURED.items() if key != "lines"})
