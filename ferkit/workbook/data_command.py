"""The commands `ferkit data list`, `check`, `card`, `describe` and `get`."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

data_app = typer.Typer(
    no_args_is_help=True, help="List, describe, check, download and prepare data sets."
)
Root = Annotated[
    Path | None, typer.Option("--data-root", "--root", help="Folder of the data sets.")
]
DataOption = Annotated[
    list[str] | None,
    typer.Option(
        "--data-option",
        metavar="NAME=VALUE",
        help="Option of the data set's reader; `ferkit data card NAME` lists them.",
    ),
]
PeopleFrom = Annotated[
    str | None,
    typer.Option(
        "--people-from", metavar="REGEX", help="Find the person in the names of your own files."
    ),
]


def examples(*commands: str) -> str:
    """Return the last lines of a help page."""
    return "\n\n".join(f"Example: {command}" for command in commands)


def choose_options(
    dataset: str | None, data_option: Sequence[str] | None, people_from: str | None = None
) -> None:
    """Set the options of a data set's reader; without any, FERKIT_DATA_OPTIONS stays.

    ValueError for wrong ones.
    """
    from ferkit.data import dataset as find_record
    from ferkit.data.options import set_options

    chosen: dict[str, str] = {"people_from": people_from} if people_from else {}
    for text in data_option or []:
        name, equals, value = text.partition("=")
        if not equals:
            raise ValueError(f"--data-option {text}: expected NAME=VALUE")
        chosen[name] = value
    if not chosen:
        return
    if not dataset:
        raise ValueError("options of a data set need its name: add --dataset NAME")
    set_options(find_record(dataset), chosen)


@data_app.command("list", epilog=examples("ferkit data list --data-root data"))
def data_list(root: Root = None) -> None:
    """List the data sets that ferkit reads, and where each is found."""
    from ferkit.data import available
    from ferkit.data.sets import drawn

    for row in available(root).itertuples():
        absent = "drawn on first use" if row.name in drawn.DRAWN_SETS else "not found"
        typer.echo(f"{row.name:<18} {row.found or absent:<40} {row.licence}")


@data_app.command(
    "describe",
    epilog=examples(
        "ferkit data describe my_pictures",
        r"ferkit data describe faces --people-from '^(\w+?)_'",
    ),
)
def data_describe(
    path: Annotated[Path, typer.Argument(help="Folder, or table of pictures (CSV).")],
    people_from: PeopleFrom = None,
) -> None:
    """Say which data set a folder or table seems to be, and which notebooks can use it."""
    from ferkit.workbook.describe import describe, report_lines

    choose_options("folder", None, people_from)
    for line in report_lines(describe(path)):
        typer.echo(line)


@data_app.command("check", epilog=examples("ferkit data check london --data-root data"))
def data_check(
    name: str,
    root: Root = None,
    data_option: DataOption = None,
    people_from: PeopleFrom = None,
) -> None:
    """Compare a data set with the published numbers, per emotion, split and person."""
    from ferkit.data import check_dataset
    from ferkit.data.counts import describe_people

    choose_options(name, data_option, people_from)
    check = check_dataset(name, root)
    if len(check.emotions):
        typer.echo(f"{check.emotions.to_string()}\n")
    if len(check.people):
        typer.echo(f"{describe_people(check.people)}\n")
    table = check.counts
    columns = ["what", "expected", "observed", "note"]
    shown = table[columns].astype(object).fillna("not known")
    typer.echo(shown.to_string(index=False))
    for column in ("missing", "unexpected"):
        for what, ids in zip(table["what"], table[column], strict=True):
            if ids:
                typer.echo(f"\n{what}, {column} ({len(ids.split())}): {ids}")


@data_app.command("card", epilog=examples("ferkit data card london"))
def data_card(name: str) -> None:
    """Show where a data set comes from, its terms, what a copy lacks, and its options."""
    from ferkit.data import dataset

    record = dataset(name)
    for field, value in asdict(record.card).items():
        typer.echo(f"{field.replace('_', ' '):<14} {value}")
    for option, about in record.options.items():
        typer.echo(f"{'option':<14} --data-option {option}=VALUE: {about.about}")


@data_app.command("get", epilog=examples("ferkit data get london --data-root data"))
def data_get(name: str, root: Root = None) -> None:
    """Download an openly licensed data set."""
    from ferkit.data.download import get

    typer.echo(f"{name} is in {get(name, root)}")
