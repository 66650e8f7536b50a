"""The command `ferkit`.

Exit codes: 0 success, 1 a failed notebook, no readable input or an error of the disk, 2 wrong use,
130 interrupted.
"""

import io
import os
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from ferkit import __version__
from ferkit.core import files
from ferkit.core.commands import Commands
from ferkit.workbook.data_command import (
    DataOption,
    PeopleFrom,
    Root,
    choose_options,
    data_app,
    examples,
)

app = typer.Typer(
    cls=Commands, no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False
)
app.add_typer(data_app, name="data")

Level = Annotated[
    str | None,
    typer.Option(help="smoke (seconds), lesson (minutes), study (hours), paper (a GPU)."),
]
Jobs = Annotated[int | None, typer.Option(min=1, help="Workers; else one a core.")]
Scheduler = Annotated[
    str | None, typer.Option(metavar="ADDRESS", help="Dask scheduler, such as tcp://node7:8786.")
]
_seed_option = partial(typer.Option, min=0, max=2**32 - 1)
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace files that exist; else they are refused.")
]
_video_option = partial(typer.Option, rich_help_panel="Videos")
_copy_option = partial(typer.Option, rich_help_panel="Annotated copies")


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"ferkit {__version__}")
        raise typer.Exit


Version = Annotated[
    bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
]


@app.callback()
def about(version: Version = False) -> None:
    """A research workbook on facial expression recognition."""


@app.command(
    epilog=examples(
        "ferkit run 02 --level smoke", "ferkit run 02 --dataset folder --data-root my_pictures"
    )
)
def run(
    notebooks: Annotated[list[str] | None, typer.Argument(help="Numbers, names or files.")] = None,
    level: Level = None,
    dataset: Annotated[str | None, typer.Option(help="Data set to work on.")] = None,
    data_root: Annotated[
        Path | None, typer.Option(help="Folder of data sets or of pictures, or table of pictures.")
    ] = None,
    data_option: DataOption = None,
    people_from: PeopleFrom = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu or cuda.")] = None,
    devices: Annotated[int | None, typer.Option(min=1, help="GPUs that train one network.")] = None,
    precision: Annotated[str | None, typer.Option(help="auto, 32 or bf16.")] = None,
    kernel: Annotated[str | None, typer.Option(help="Jupyter kernel; else this Python.")] = None,
    seed: Annotated[int | None, _seed_option(help="Seed of everything random.")] = None,
    parameter: Annotated[
        list[str] | None, typer.Option("-p", metavar="NAME=VALUE", help="Any other parameter.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Output folder; else FERKIT_RUN, else build/run.")
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Also run unchanged notebooks.")] = False,
    jobs: Annotated[int | None, typer.Option(min=1, help="Notebooks that run at once.")] = None,
) -> None:
    """Run notebooks (all by default), several at once; skip those that passed and are unchanged."""
    from tqdm import tqdm

    from ferkit.workbook import records
    from ferkit.workbook import run as runner
    from ferkit.workbook.report import summarise_run
    from ferkit.workbook.tasks import choose_jobs, plan_run

    options: dict[str, Any] = {"level": level, "dataset": dataset, "data_root": data_root}
    options |= {"device": device, "devices": devices, "precision": precision, "seed": seed}
    given = {name: str(value) for name, value in options.items() if value is not None}
    parameters = _add_parameters(given, parameter or [])
    choose_options(dataset, data_option, people_from)
    out = files.expand_home(out or files.run_dir()).resolve()
    tasks = plan_run(notebooks or [], parameters, out, kernel)
    jobs = jobs or choose_jobs(tasks)
    record = runner.run_tasks(tasks, out, kernel=kernel, fresh=fresh, jobs=jobs, tell=tqdm.write)
    chosen = [task.name for task in tasks]
    typer.echo(f"\n{summarise_run(record, chosen)}")
    typer.echo(f"\nAll results on one page: {out / 'index.html'}")
    if any(record["notebooks"][name]["status"] == records.FAILED for name in chosen):
        raise typer.Exit(1)


@app.command(epilog=examples("ferkit sweep 02 -p seed=0..9 -p dataset=stills,posed"))
def sweep(
    notebook: Annotated[str, typer.Argument(help="Its number, name or file.")],
    parameter: Annotated[
        list[str], typer.Option("-p", metavar="NAME=VALUES", help="As seed=0..9 or dataset=a,b.")
    ],
    out: Annotated[Path | None, typer.Option(help="Output folder; else build/sweep.")] = None,
    jobs: Jobs = None,
    scheduler: Scheduler = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Also run what is unchanged.")] = False,
) -> None:
    """Run a notebook for each combination of parameters, into one table, sweep.parquet."""
    from ferkit.workbook.sweep import plan_sweep, run_sweep, summarise_sweep

    out = out or files.run_dir().with_name("sweep") / Path(notebook).stem
    out = files.expand_home(out).resolve()
    runs = plan_sweep(notebook, _add_parameters({}, parameter), out, fresh=fresh)
    table = run_sweep(runs, out, scheduler=scheduler, jobs=jobs)
    typer.echo(f"\n{summarise_sweep(table)}\n\nAll results in one table: {out / 'sweep.parquet'}")
    if table["error"].notna().any():
        raise typer.Exit(1)


@app.command(epilog=examples("ferkit doctor --data-root data"))
def doctor(root: Root = None) -> None:
    """Examine this computer: what is installed, what is found, what is missing."""
    from ferkit.workbook.doctor import examine

    for line in examine(root):
        typer.echo(line)


@app.command(epilog=examples("ferkit study dtagn --starts 5"))
def study(
    names: Annotated[list[str] | None, typer.Argument(help="Names of studies; else all.")] = None,
    level: Annotated[str, typer.Option(help="study (hours), or another level.")] = "study",
    starts: Annotated[int, typer.Option(min=1, help="Trainings of each network.")] = 5,
    seed: Annotated[int, _seed_option(help="Seed of everything random.")] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    out: Annotated[
        Path | None, typer.Option(help="Folder of trainings; else FERKIT_RUN, else build/run.")
    ] = None,
    keep: Annotated[
        bool, typer.Option("--keep", help="Add to the trainings whose results are kept.")
    ] = False,
    results: Annotated[
        Path | None,
        typer.Option(help="Folder for results and figures; else the package's own."),
    ] = None,
    overwrite: Overwrite = False,
    jobs: Jobs = None,
    scheduler: Scheduler = None,
) -> None:
    """Train the papers' methods several times, and judge the papers' claims; resumable."""
    from ferkit.papers.study_records import RESULTS
    from ferkit.papers.verdicts import all_claims
    from ferkit.workbook.studies.study import run_studies

    run_studies(
        names,
        level=level,
        starts=starts,
        seed=seed,
        out=files.expand_home(out or files.run_dir()).resolve(),
        to=results or RESULTS,
        figures=results / "figures" if results else "figures",
        keep=keep,
        overwrite=overwrite,
        jobs=jobs,
        scheduler=scheduler,
        device=device,
    )
    if results is None:
        typer.echo(all_claims().to_string(max_colwidth=60))


@app.command(epilog=examples("ferkit draw portraits --level smoke --out faces"))
def draw(
    name: Annotated[str, typer.Argument(help="Name of a drawn set; `ferkit data list` lists all.")],
    level: Annotated[str, typer.Option(help="smoke, lesson, study or paper: how many.")] = "lesson",
    seed: Annotated[int, _seed_option(help="The same seed gives the same pixels.")] = 0,
    out: Annotated[Path | None, typer.Option(help="Output folder; else the cache.")] = None,
    jobs: Jobs = None,
    scheduler: Scheduler = None,
    overwrite: Overwrite = False,
) -> None:
    """Draw a set of faces, once."""
    from ferkit.drawn.draw_sets import draw_set, foreign_files
    from ferkit.workbook.cluster import cluster_pools

    if out and not overwrite and (others := foreign_files(out)):
        raise ValueError(
            f"--out {out} holds other files, such as {others[0]}: name another folder, or add "
            "--overwrite"
        )
    out = out and out.absolute()
    with cluster_pools(scheduler, jobs) as workers:
        typer.echo(draw_set(name, level=level, seed=seed, folder=out, workers=workers))


@app.command(
    epilog=examples(
        "ferkit predict my_pictures --out emotions.csv",
        "ferkit predict drive.mp4 --every 10 --annotated marked --report drive.html",
    )
)
def predict(
    path: Annotated[
        Path, typer.Argument(help="Picture, video, folder of both, or CSV with a column `path`.")
    ],
    out: Annotated[Path, typer.Option(help="Table: .csv or .json.")] = Path("predictions.csv"),
    model: Annotated[
        Path | None, typer.Option(help="Model or network file; else ferkit's own.")
    ] = None,
    residual: Annotated[
        bool, typer.Option("--residual", help="Compare each person's pictures with each other.")
    ] = False,
    prior: Annotated[
        str, typer.Option(help="How frequent emotions are: even, everyday, estimated.")
    ] = "even",
    unsure: Annotated[
        float, typer.Option(metavar="P", help="Say `unsure` below this probability.")
    ] = 0.0,
    every: Annotated[int | None, _video_option(metavar="N", help="Read every N-th frame.")] = None,
    fps: Annotated[
        float | None, _video_option(help="Read so many frames a second; else 5.")
    ] = None,
    annotated: Annotated[
        Path | None, _copy_option(metavar="FOLDER", help="Write copies with boxes and emotions.")
    ] = None,
    cam: Annotated[
        bool, _copy_option("--cam", help="Show which places supported the emotion, by Grad-CAM.")
    ] = False,
    target: Annotated[
        str | None,
        _copy_option("--class", metavar="NAME", help="Class for Grad-CAM; else the predicted one."),
    ] = None,
    neutral: Annotated[
        Path | None,
        typer.Option(metavar="PICTURE", help="Neutral picture of the one person in all pictures."),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(metavar="HTML", help="Page with faces, people and emotions over time."),
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Predict the emotions of faces in pictures and videos.

    The table has one row per face, with its box x0 y0 x1 y1 in pixels and one column per class.
    Rows of a video also give the frame (from 0) and its time (seconds). A picture or frame without
    a face has a row with an empty emotion.

    What was read lies in NAME.partial until the end; after an interruption the same command
    continues there. Nothing leaves your computer.
    """
    from ferkit.predict import output
    from ferkit.predict.command import predict_path

    def keep(table: Any) -> None:
        output.write_table(table, out, overwrite)
        for warning in output.missing_faces(table):
            typer.echo(f"warning: {warning}", err=True)
        for counts in output.count_findings(table):
            typer.echo(f"{counts}: {out}")

    if not path.exists():
        raise FileNotFoundError(f"no picture, video, folder or table {path}")
    output.check_output(out, path, overwrite)
    videos: Any = {"every": every, "fps": fps}
    copies: Any = {"annotated": annotated, "cam": cam, "target": target, "report": report}
    writing: Any = {"out": out, "overwrite": overwrite, "keep": keep}
    answers: Any = {"prior": prior, "unsure": unsure, "neutral": neutral}
    predict_path(path, model, residual, **answers, **videos, **copies, **writing)
    if annotated:
        typer.echo(f"annotated copies: {annotated}")
    if report:
        typer.echo(f"report: {report}")


@data_app.command("prepare", epilog=examples("ferkit data prepare london --data-root data"))
def data_prepare(
    name: str,
    size: Annotated[int, typer.Option(help="Pixels of an aligned face.")] = 224,
    level: Level = None,
    root: Root = None,
    data_option: DataOption = None,
    jobs: Jobs = None,
    scheduler: Scheduler = None,
) -> None:
    """Find and align the faces of a data set, once."""
    from ferkit.faces.load import load_clips
    from ferkit.faces.prepare import prepare
    from ferkit.workbook.cluster import cluster_pools

    choose_options(name, data_option)
    with cluster_pools(scheduler, jobs) as workers:
        clips = load_clips(name, level or "lesson", root=root)
        faces = prepare(clips, size, workers=workers)
    typer.echo(faces.summary().to_string())
    typer.echo(f"prepared faces: {faces.folder}")


def main() -> None:
    """Run the command line."""
    # Problems of videos are reported by ferkit itself.
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # such as emoji on a cp1252 console
    app(prog_name="ferkit")


def _add_parameters(options: dict[str, str], texts: Sequence[str]) -> dict[str, str]:
    """The options with those given as NAME=VALUE added. ValueError when one is given twice."""
    parameters = dict(options)
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.isidentifier():
            raise ValueError(f"-p {text}: expected NAME=VALUE")
        if name in parameters:
            raise ValueError(f"the parameter {name} is given twice")
        parameters[name] = value
    return parameters


if __name__ == "__main__":
    main()
