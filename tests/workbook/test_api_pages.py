"""The reference has every public function with its signature and docstring."""

from ferkit.core.files import PROJECT
from ferkit.workbook.api_pages import folder_page, write_api

MODULE = '''"""Boxes of faces."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Box:
    """A rectangle, where x0 < x1."""

    x0: float
    _hidden: int = 0

    def enlarged(self, times: int = 2) -> "Box":
        """Enlarge it."""


def find_boxes(picture: str, size: tuple[int, int] = (3, 4), *, many: bool = False, \
most: int = 100_000) -> list[Box]:
    """Find the boxes."""


def _private() -> None:
    """Nobody's business."""
'''


def test_a_page_has_signatures_fields_and_texts(tmp_path):
    package = tmp_path / "toy"
    package.mkdir()
    (package / "boxes.py").write_text(MODULE)
    (package / "empty.py").write_text('"""Nothing public."""\n')
    text = folder_page(package, package)
    assert text.startswith("# toy\n\n## toy.boxes\n\nBoxes of faces.")
    assert "class Box:\n    x0: float\n```\n\nA rectangle, where x0 &lt; x1." in text
    assert "def enlarged(self, times: int=2) -> 'Box'" in text
    assert "    size: tuple[int, int]=(3, 4),\n    *,\n    many: bool=False,\n" in text
    assert ",\n) -> list[Box]" in text
    for absent in ("_hidden", "_private", "Nobody", "empty"):
        assert absent not in text


def test_every_folder_with_functions_has_a_page(tmp_path):
    names = write_api(tmp_path)
    assert sorted(f"{name}.md" for name in names) == sorted(
        path.name for path in tmp_path.iterdir()
    )
    assert {"ferkit.core", "ferkit.data.sets", "ferkit.papers.dtagn"} <= set(names)
    assert "### residuals" in (tmp_path / "ferkit.core.md").read_text()
    assert str(PROJECT) not in (tmp_path / "ferkit.core.md").read_text()
