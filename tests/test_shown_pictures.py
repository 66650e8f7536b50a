"""Every picture of a data set that a notebook shows passes through `cover_restricted`."""

import ast

import pytest
from test_notebooks import NOTEBOOKS, code_cells

from ferkit.workbook.parameters import plain_python

# Attributes and functions that give pictures of a data set.
PICTURES = {"pictures", "picture", "images", "face", "of", "read_image"}
# Functions that show pictures, and how many of their arguments are pictures.
SHOWING = {
    "imshow": 1,
    "plot_wall": 1,
    "plot_contact_sheet": 1,
    "plot_boxes": 1,
    "plot_alignment_steps": 1,
    "plot_cam": 2,
    "patch_explorer": 1,
    "sequence_explorer": 1,
}


def called(node: ast.Call) -> str:
    return getattr(node.func, "attr", getattr(node.func, "id", ""))


class Pictures(ast.NodeVisitor):
    """Follows uncovered pictures from name to name, and collects the calls that show them."""

    def __init__(self):
        self.names: set[str] = set()
        self.shown: list[str] = []

    def uncovered(self, node: ast.AST) -> bool:
        match node:
            case ast.Call() if called(node) == "cover_restricted":
                return False
            case ast.Attribute(value=ast.Name(id="plan")):  # `plan.face` is a size
                return False
            case ast.Attribute(attr=name) if name in PICTURES:
                return True
            case ast.Name(id=name):
                return name in self.names or name == "read_image"
            case ast.Subscript():  # an index is no picture
                return self.uncovered(node.value)
            case ast.ListComp() | ast.GeneratorExp():
                for generator in node.generators:
                    self.bind(generator.target, generator.iter)
                return self.uncovered(node.elt)
        return any(self.uncovered(child) for child in ast.iter_child_nodes(node))

    def bind(self, target: ast.expr, value: ast.expr) -> None:
        values = value.elts if isinstance(value, ast.Tuple) else None
        if isinstance(value, ast.Call) and called(value) == "zip":
            values = value.args
        if isinstance(target, ast.Tuple) and values and len(values) == len(target.elts):
            for each in zip(target.elts, values, strict=True):
                self.bind(*each)
            return
        names = {node.id for node in ast.walk(target) if isinstance(node, ast.Name)}
        if self.uncovered(value):
            self.names |= names
        elif not isinstance(target, ast.Subscript):
            self.names -= names

    def visit_Assign(self, node: ast.Assign) -> None:
        self.generic_visit(node)
        for target in node.targets:
            self.bind(target, node.value)

    def visit_For(self, node: ast.For) -> None:
        self.bind(node.target, node.iter)
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        self.generic_visit(node)
        if any(self.uncovered(value) for value in node.args[: SHOWING.get(called(node), 0)]):
            self.shown.append(ast.unparse(node))


def uncovered_pictures(cells: list[str]) -> list[str]:
    pictures = Pictures()
    for source in cells:
        pictures.visit(ast.parse(plain_python(source)))
    return pictures.shown


# Notebook 00 has no other pictures than those it draws.
@pytest.mark.parametrize("path", NOTEBOOKS[1:], ids=lambda path: path.stem)
def test_pictures_of_data_sets_are_covered(path):
    assert not uncovered_pictures([cell.source for cell in code_cells(path)])


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ("plots.plot_wall([faces.images[:3]])", 1),
        ("plots.plot_wall([plots.cover_restricted(faces.images[:3], dataset)])", 0),
        ("face = faces.images[0]\nface = cover_restricted([face], dataset)[0]\nimshow(face)", 0),
        ("plot_wall([row[:3] for row in list(data.pictures)])", 1),
        ("plot_wall([cover_restricted(row, dataset) for row in list(data.pictures)])", 0),
        ("few[1] = data.pictures\nsome = few[1]\nax.imshow(some[3])", 1),
        ("for ax, one in zip(axes, faces.images):\n    ax.imshow(one)", 1),
        (
            "for ax, one in zip(axes, cover_restricted(faces.images, name)):\n    ax.imshow(one)",
            0,
        ),
        ("kept, other = faces.images, people\nimshow(kept)\nimshow(other)", 1),
        ("imshow(read_image(path))", 1),
    ],
)
def test_an_uncovered_picture_is_found(source, count):
    assert len(uncovered_pictures([source])) == count
