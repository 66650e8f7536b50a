"""The parameters cell is read without running it; a user's wishes are checked beforehand."""

import ast
from pathlib import Path

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from ferkit.workbook.parameters import (
    Notebook,
    copy_with_literals,
    names_read,
    parse_value,
    read_notebook,
    settle_parameters,
)

CELL = 'level = "lesson"  # é, and more\nseed = 0\nout = "../build/x"\nepochs: int | None = None'
LITERALS = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


def write(
    path: Path, parameters: str = CELL, *cells: str, tags: tuple[str, ...] = ("parameters",)
) -> Path:
    first = new_code_cell(parameters, metadata={"tags": list(tags)})
    rest = [new_code_cell(source) for source in cells or ("print(level, seed, out, epochs)",)]
    nbformat.write(new_notebook(cells=[new_markdown_cell("# Title"), first, *rest]), path)
    return path


def notebook(name: str = "01_one", **parameters) -> Notebook:
    return Notebook(Path(f"{name}.ipynb"), parameters, (), "")


def test_the_tagged_cell_is_read_as_literals_with_annotations_too(tmp_path):
    read = read_notebook(write(tmp_path / "01_one.ipynb"))
    assert read.parameters == {"level": "lesson", "seed": 0, "out": "../build/x", "epochs": None}
    assert (read.name, read.unread) == ("01_one", ())


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("twice = 2 * seed", "line 5.*not a literal"),
        ("import os", "line 5.*not `name = literal`"),
        ("a = b = 1", "line 5.*not `name = literal`"),
        ("seed = 1", "line 5.*declared twice"),
        ("sizes = (64, 224)", "line 5.*papermill passes"),
        ("x = = 1", "line 5"),
    ],
)
def test_anything_but_literals_is_an_error_with_its_line(tmp_path, line, complaint):
    with pytest.raises(ValueError, match=complaint):
        read_notebook(write(tmp_path / "01_one.ipynb", f"{CELL}\n{line}"))


def test_the_first_code_cell_and_no_other_is_tagged(tmp_path):
    with pytest.raises(ValueError, match="none is"):
        read_notebook(write(tmp_path / "a.ipynb", tags=()))
    path = write(tmp_path / "b.ipynb")
    node = nbformat.read(path, as_version=4)
    node.cells.append(new_code_cell("seed = 1", metadata={"tags": ["parameters"]}))
    nbformat.write(node, path)
    with pytest.raises(ValueError, match="code cells 1, 3 are"):
        read_notebook(path)


def test_what_is_not_a_notebook_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="gone"):
        read_notebook(tmp_path / "gone.ipynb")
    texts = {"text": "hello", "json": "[1]", "empty": "", "other": '{"a": 1}', "deep": "[" * 50_000}
    for name, text in texts.items():
        path = tmp_path / f"{name}.ipynb"
        path.write_text(text)
        with pytest.raises(ValueError, match=f"{name}.ipynb"):
            read_notebook(path)


def test_the_source_hash_follows_code_and_text(tmp_path):
    before = read_notebook(write(tmp_path / "a.ipynb")).source
    assert read_notebook(write(tmp_path / "b.ipynb")).source == before
    assert (
        read_notebook(
            write(tmp_path / "c.ipynb", CELL, "print(level, seed, out, epochs, 1)")
        ).source
        != before
    )


@pytest.mark.parametrize(
    ("source", "read"),
    [
        ("x = seed", True),
        ("print(f'{seed:03d}')", True),
        ("def f():\n    return seed", True),
        ("seed += 1", True),
        ("%time train(seed)", False),  # a magic is not Python, and its line is dropped
        ("%%time\ntrain(seed)", True),
        ("!echo hello\ntrain(seed)", True),
        ("train(seed", True),  # not Python: every word counts
        ("seed = 3", False),
        ("x.seed = 'seed'  # seed", False),
    ],
)
def test_names_a_cell_reads(source, read):
    assert ("seed" in names_read([source])) == read


def test_an_unread_parameter_is_an_error(tmp_path):
    read = read_notebook(write(tmp_path / "01_one.ipynb", CELL, "print(level, out)"))
    assert read.unread == ("seed", "epochs")
    with pytest.raises(ValueError, match="seed, epochs declared .* read by no later cell"):
        settle_parameters([read], {})


@pytest.mark.parametrize(
    ("text", "literal", "value"),
    [
        ("3", 0, 3),
        pytest.param(str(10**400), 0, 10**400, id="400 zeros"),
        ("3", 0.5, 3.0),
        ("1e-3", 0.5, 0.001),
        ("False", True, False),
        ("true", False, True),
        ("007", "x", "007"),
        ("[1, 2]", [0], [1, 2]),
        ("{'a': 1}", {}, {"a": 1}),
        ("5", None, 5),
        ("abc", None, "abc"),
    ],
)
def test_text_takes_the_type_of_the_literal(text, literal, value):
    parsed = parse_value("p", text, literal)
    assert parsed == value
    assert type(parsed) is type(value)


@pytest.mark.parametrize(
    ("text", "literal"),
    [
        ("1.5", 0),
        ("many", 0),
        ("x", 0.5),
        ("nan", 0.5),
        pytest.param(str(10**400), 0.5, id="400 zeros"),
        ("1", True),
        ("(1,)", [0]),
        ("[", [0]),
        ("{1}", {}),
        ("(1,)", None),
    ],
)
def test_text_of_another_type_is_refused(text, literal):
    with pytest.raises(ValueError, match="does not fit: the notebook declares p = "):
        parse_value("p", text, literal)


@given(LITERALS)
def test_parse_reads_what_repr_writes(value):
    text = value if isinstance(value, str) else repr(value)
    assert parse_value("p", text, value) == value


def test_wishes_go_only_to_the_notebooks_that_declare_them():
    one, two = notebook("01_one", seed=0, epochs=5), notebook("02_two", seed=0, level="lesson")
    assert settle_parameters([one, two], {"seed": "3", "level": "smoke"}) == [
        {"seed": 3, "epochs": 5},
        {"seed": 3, "level": "smoke"},
    ]


def test_a_misspelt_parameter_is_an_error_with_a_suggestion():
    with pytest.raises(
        ValueError,
        match=r"unknown parameter 'epcohs', did you mean 'epochs'\?; 01_one declares: epochs, seed",
    ):
        settle_parameters([notebook(seed=0, epochs=5)], {"epcohs": "7"})


@pytest.mark.parametrize(
    ("name", "value", "close"),
    [
        ("level", "leson", "lesson"),
        ("device", "gpu", ""),
        ("device", "CUDA", ""),
        ("precision", "bf61", "bf16"),
    ],
)
def test_an_unknown_level_device_or_precision_is_an_error(name, value, close):
    with pytest.raises(
        ValueError,
        match=f"unknown {name} '{value}'" + (f", did you mean '{close}'" if close else ".*known: "),
    ):
        settle_parameters(
            [notebook(level="lesson", device="auto", precision="auto")], {name: value}
        )


def test_more_gpus_than_there_are_is_an_error(monkeypatch):
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    with pytest.raises(ValueError, match="devices = 3 was asked for, but PyTorch finds 2 GPUs"):
        settle_parameters([notebook(devices=1)], {"devices": "3"})
    assert settle_parameters([notebook(devices=1)], {"devices": "2"}) == [{"devices": 2}]


def test_cuda_asked_for_and_absent_is_an_error(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(ValueError, match="no CUDA device"):
        settle_parameters([notebook(device="auto")], {"device": "cuda"})
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    assert settle_parameters([notebook(device="auto")], {"device": "cuda"}) == [{"device": "cuda"}]


def test_a_copy_with_other_literals_keeps_comments_outputs_and_the_original(tmp_path):
    path = write(
        tmp_path / "01_one.ipynb", CELL + "\nsizes = [\n    64,\n    224,\n]  # pixels\nlast = 1"
    )
    before = path.read_bytes()
    copy = copy_with_literals(
        path, tmp_path / "copies" / "01_one.ipynb", level="smoke", epochs=3, sizes=[1, 2]
    )
    cell = nbformat.read(copy, as_version=4).cells[1].source
    assert cell == (
        "level = 'smoke'  # é, and more\nseed = 0\nout = \"../build/x\"\n"
        "epochs: int | None = 3\nsizes = [1, 2]  # pixels\nlast = 1"
    )
    assert path.read_bytes() == before
    assert [file.name for file in copy.parent.iterdir()] == ["01_one.ipynb"]
    with pytest.raises(ValueError, match="no parameter 'levle', did you mean 'level'"):
        copy_with_literals(path, copy, levle="smoke")


@given(value=LITERALS)
def test_a_copy_holds_the_value_it_was_given(tmp_path_factory, value):
    folder = tmp_path_factory.getbasetemp()
    path = write(folder / "01_one.ipynb", 'a = "é"; b = 1; c = 2')
    source = (
        nbformat.read(copy_with_literals(path, folder / "copy.ipynb", b=value), as_version=4)
        .cells[1]
        .source
    )
    assert [ast.literal_eval(line.value) for line in ast.parse(source).body] == ["é", value, 2]


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_seed_that_numpy_refuses_is_refused(seed):
    with pytest.raises(ValueError, match=f"seed {seed} is not between 0 and 4294967295"):
        settle_parameters([notebook(seed=0)], {"seed": str(seed)})
    assert settle_parameters([notebook(seed=0)], {"seed": "4294967295"})


def test_a_hostile_text_is_a_text_or_an_error():
    deep = "-" * 20_000 + "1"
    assert parse_value("p", deep, None) == deep
    with pytest.raises(ValueError, match="give a list"):
        parse_value("p", "[" * 20_000, [1])
    with pytest.raises(ValueError, match="not UTF-8"):
        settle_parameters([notebook(text="")], {"text": "\udcff"})
