"""What stands in the written table."""

import numpy as np
import pandas as pd
import pytest

from ferkit.data.table import quote_formula, read_table
from ferkit.predict import output

NAMES = ["=1+1.jpg", "+a.png", "-b.png", "@c.png", "'=d.png", "''-e.png", "'f.png", "g=1.png"]


def test_a_spreadsheet_runs_no_cell_as_a_formula(tmp_path):
    table = pd.DataFrame({"path": NAMES, "x0": -1.5, "emotion": "=anger", "@fear": 0.5})
    output.write_table(table, tmp_path / "a.csv")
    written = pd.read_csv(tmp_path / "a.csv")
    assert written.columns.tolist() == ["path", "x0", "emotion", "'@fear"]
    assert not written["path"].str.contains(r"^[=+@\t-]").any()
    assert written["emotion"].eq("'=anger").all()
    assert written["x0"].eq(-1.5).all()
    read = read_table(tmp_path / "a.csv")
    assert [cells["path"] for _, cells in read.rows] == NAMES
    output.write_table(table, tmp_path / "a.json")
    assert pd.read_json(tmp_path / "a.json")["path"].tolist() == NAMES


def test_a_name_with_a_carriage_return_stays_one_cell(tmp_path):
    table = pd.DataFrame(
        {"path": ["a\rb.png", "c.png"], "emotion": ["", "fear"], "fear": [np.nan, 1]}
    )
    output.write_table(table, tmp_path / "out.csv")
    pd.testing.assert_frame_equal(
        pd.read_csv(tmp_path / "out.csv", keep_default_na=False, na_values={"fear": ""}), table
    )


def test_ordinary_cells_are_not_quoted():
    for text in ("", "a.png", "C:\\a.png", "/a/-b.png", "1", "'a"):
        assert quote_formula(text) == text


@pytest.mark.parametrize(("smallest", "count"), [(40, 0), (80, 0), (117.2, 1)])
def test_faces_too_small_to_be_seen_are_reported(smallest, count):
    table = pd.DataFrame({"path": ["a.png"], "x0": [np.nan], "emotion": ["joy"]})
    table.attrs["smallest"] = smallest
    said = list(output.missing_faces(table))
    assert said == ["some pictures were searched only for faces of 117 pixels or more"][:count]
