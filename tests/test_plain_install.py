"""Without its extras ferkit predicts, and says what it lacks for the rest."""

import cv2
import pandas as pd
import pytest
from plain_install import link_plain_packages, plain_requirements, run_plain, with_their_own

LARGE = {"torch", "scipy", "scikit-learn", "matplotlib", "jupyterlab", "pyarrow"}


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    return link_plain_packages(tmp_path_factory.mktemp("plain") / "packages")


def test_nothing_large_is_required():
    assert not with_their_own(plain_requirements()) & LARGE


def test_a_plain_installation_predicts(packages, tmp_path, drawn_face):
    cv2.imwrite(str(tmp_path / "face.png"), drawn_face[0][..., ::-1])
    result = run_plain(packages, "predict", "face.png", "--annotated", "marked", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    (row,) = pd.read_csv(tmp_path / "predictions.csv").to_dict("records")
    assert row["emotion"] == "neutral"
    assert (tmp_path / "marked" / "face.png").is_file()


def test_a_plain_installation_lists_data_sets_and_examines_itself(packages, tmp_path):
    listing = run_plain(packages, "data", "list", cwd=tmp_path)
    assert "london" in listing.stdout
    examined = run_plain(packages, "doctor", cwd=tmp_path)
    assert examined.returncode == 0, examined.stderr
    assert "INFO  workbook       not installed" in examined.stdout
    assert "torch" not in examined.stdout
    assert "Next: `ferkit predict my_pictures`." in examined.stdout


@pytest.mark.parametrize(
    ("arguments", "package"),
    [(("run", "01"), "nbformat"), (("draw", "stills"), "torch")],
)
def test_a_plain_installation_says_what_it_lacks(packages, tmp_path, arguments, package):
    result = run_plain(packages, *arguments, cwd=tmp_path)
    assert result.returncode == 2
    assert f"ferkit: this needs the package {package}, which is not installed" in result.stderr
    assert "Traceback" not in result.stderr
