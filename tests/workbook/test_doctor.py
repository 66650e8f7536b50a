"""The examination of a computer: one line for each thing, and a verdict."""

import sys

from ferkit.workbook import doctor
from ferkit.workbook.doctor import examine


def test_doctor_judges_each_line_and_ends_with_the_next_step(monkeypatch, tmp_path):
    monkeypatch.setenv("FERKIT_DATA", str(tmp_path))
    monkeypatch.setattr(doctor, "_LEAST_FREE", 0)
    lines = list(examine(None))
    verdict = lines[lines.index("") + 1 :]
    lines = lines[: lines.index("")]
    assert all(line.startswith(("PASS  ", "WARN  ", "INFO  ")) for line in lines)
    named = ("Python", "torch", "JupyterLab", "ipywidgets", "papermill", "OpenCV", "grad-cam")
    for what in (*named, "GPU", "68-point model", "drawn head", "cache", "drawn sets"):
        assert any(line[6:].startswith(what) for line in lines), what
    assert sum("jaffe" in line for line in lines) == 1
    assert "`ferkit data get london`" in lines[-1]
    assert verdict[0] == "All is well."
    assert verdict[1].startswith("Next: `ferkit run")


def test_doctor_names_what_cannot_be_imported(monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    monkeypatch.setattr(doctor, "_LEAST_FREE", 0)
    lines = list(examine(None))
    assert any(line.startswith("WARN  OpenCV         cannot be imported") for line in lines)
    assert "Not everything is well: OpenCV." in lines
