"""What is checked of a run before any notebook runs."""

import pytest
from tiny_notebooks import write

from ferkit.workbook import tasks


def test_an_empty_data_root_is_none(tmp_path):
    path = write(
        tmp_path / "01_one.ipynb", "print(data_root)", parameters='out = ""\ndata_root = ""'
    )
    plan = tasks.plan_run([str(path)], {"data_root": ""}, tmp_path / "out")
    assert plan[0].parameters["data_root"] == ""


def test_a_method_is_looked_for_from_here_before_anything_runs(tmp_path, monkeypatch):
    parameters = 'out = ""\nown_method = ""'
    path = write(tmp_path / "01_one.ipynb", "print(own_method)", parameters=parameters)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"no file .*mine\.py with the functions fit"):
        tasks.plan_run([str(path)], {"own_method": "mine.py"}, tmp_path / "out")
    (tmp_path / "mine.py").touch()
    plan = tasks.plan_run([str(path)], {"own_method": "mine.py"}, tmp_path / "out")
    assert plan[0].parameters["own_method"] == str(tmp_path / "mine.py")


def test_nobody_is_no_number_of_people(tmp_path):
    path = write(tmp_path / "01_one.ipynb", "1", parameters='out = ""\npeople = 40')
    with pytest.raises(ValueError, match="people must be 1 or more, got -1"):
        tasks.plan_run([str(path)], {"people": "-1"}, tmp_path / "out")
