"""Predict emotions in pictures and videos, as `ferkit predict` does.

The stages, each in its own module: list the inputs, read their frames, find the faces, predict
their emotions, make the table, write annotated copies.
"""

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from ferkit.core.files import digest
from ferkit.predict.analysis import Analysis
from ferkit.predict.calibrate import calibrate_with_picture
from ferkit.predict.copies import copy_paths, write_copies
from ferkit.predict.frames import Sampling, check_readable, count_frames, read_frames
from ferkit.predict.inputs import InputFile, as_text, list_inputs
from ferkit.predict.output import check_place
from ferkit.predict.predictors import NO_MAPS, Predictor, load_predictor, model_hash
from ferkit.predict.priors import PRIORS, check_unsure, find_prior, with_prior
from ferkit.predict.read_faces import FrameFaces, predict_emotions, read_faces
from ferkit.predict.report import MOST_PICTURES, save_report
from ferkit.predict.shipped import load_model
from ferkit.predict.table import predictions_table
from ferkit.predict.thumbnails import face_pictures
from ferkit.predict.unfinished import Unfinished, describe_files, own_copies, partial_path


def predict_path(
    path: str | Path,
    model: str | Path | None = None,
    residual: bool = False,
    *,
    prior: str = "even",
    unsure: float = 0.0,
    every: int | None = None,
    fps: float | None = None,
    annotated: str | Path | None = None,
    cam: bool = False,
    target: str | None = None,
    neutral: str | Path | None = None,
    report: str | Path | None = None,
    out: Path | None = None,
    overwrite: bool = False,
    keep: Callable[[pd.DataFrame], object] = lambda table: None,
    progress: bool = True,
) -> pd.DataFrame:
    """Predict the emotions of all faces in pictures and videos; return the table.

    `path` is a picture, a video, a folder of both, or a CSV with a column `path` (and `person`, for
    `residual`); the table is that of `predictions_table`, best face of a frame first. Videos are
    sampled: each `every`-th frame, or `fps` a second (default 5). With `residual` only the best
    face of each picture counts, since the CSV names one person.

    `prior` is one of `priors.PRIORS`; faces whose best class has a probability below `unsure` are
    named "unsure". `model` is a face model or a network file, by default the face model that comes
    with the package. `neutral` is a neutral picture of the one person on all pictures, with which
    the residual model compares every face.

    The folder `annotated` receives a copy of each picture and video in which each face has its box,
    emotion and probability; with `cam`, for a convolutional network, also Grad-CAM of the class
    `target` (default: the predicted one). `report` is an HTML file with all faces, people and
    courses over time (`predict.report`).
    ValueError where these options contradict each other, and where files would be replaced without
    `overwrite`; OSError when no file can be read.

    `keep` receives the table before any copy is written. With `out`, what was read lies in
    `out`.partial until everything is finished, and the same call continues there.
    """
    sampling = Sampling(every, fps)
    check_unsure(unsure)
    if prior not in PRIORS:
        raise ValueError(f"unknown prior {prior!r}; known: {', '.join(PRIORS)}")
    files = list_inputs(path, out and out.parent)
    if residual and not all(file.person for file in files):
        raise ValueError(
            f"{path}: the residual model needs a CSV with the columns path and person, "
            "several pictures of each person"
        )
    _check_cam(model, bool(annotated or report), cam, target)
    _check_neutral(model, residual, neutral)
    _check_report(report, overwrite)
    copies = {}
    if annotated:
        copies = copy_paths(Path(path), files, Path(annotated))
        check_place(Path(annotated), f"--annotated {annotated}")
    if copies and not overwrite:
        _check_copies(copies, own_copies(partial_path(out)) if out else set())
    check_readable(files, sampling)
    predictor: Predictor = load_predictor(model, residual, files)
    if neutral:
        predictor = calibrate_with_picture(load_model("residual"), neutral)
    network = None
    if cam:
        # Only now is torch needed, which takes seconds to import.
        from ferkit.predict.network_predictor import explained_network

        network = explained_network(predictor, target)
    weights = model_hash(model, residual or bool(neutral))
    compared = describe_files([InputFile(Path(neutral), str(neutral))]) if neutral else None
    key = digest(describe_files(files), sampling, weights, compared)
    predictions = _read_predictions(
        files, sampling, predictor, out, key, copies.values(), overwrite, progress
    )
    predictions = _with_prior(predictions, predictor.names, prior)
    table = predictions_table(predictions, predictor.names, unsure)
    keep(table)
    if copies:
        frames = read_frames(files, sampling)  # again, for their pixels
        write_copies(
            predictions, frames, predictor.names, copies, network, target, unsure, progress
        )
    if report:
        frames = read_frames(files, sampling)
        pictures = face_pictures(predictions, frames, network, target, MOST_PICTURES)
        kept = (tuple(predictions), tuple(pictures))
        analysis = Analysis(predictor.names, *kept, unsure)
        words = as_text(Path(model)) if model else ""
        save_report(report, analysis, f"Faces in {as_text(Path(path))}", words)
    if out is not None:
        partial_path(out).unlink(missing_ok=True)
    return table


def _read_predictions(
    files: Sequence[InputFile],
    sampling: Sampling,
    predictor: Predictor,
    out: Path | None,
    key: str,
    copies: Collection[Path],
    overwrite: bool,
    progress: bool,
) -> list[FrameFaces]:
    """Find and predict all faces; with `out`, continue what an interrupted call of `key` left.

    It notes there which `copies` are written next.
    """
    frames = read_frames(files, sampling)
    total = count_frames(files, sampling)
    if out is None:
        return predict_emotions(read_faces(frames, predictor, total, progress), predictor)
    with closing(Unfinished(partial_path(out), key, overwrite)) as unfinished:
        if unfinished.known and progress:
            tqdm.write(f"continuing after {unfinished.known} frames in {unfinished.path}")
        batches = read_faces(frames, predictor, total, progress, unfinished.restore)
        predictions = predict_emotions(batches, predictor, unfinished.append)
        if copies:
            unfinished.note_copies(copies)
        return predictions


def _with_prior(
    predictions: Sequence[FrameFaces], names: Sequence[str], kind: str
) -> list[FrameFaces]:
    """The predictions with probabilities under a prior of this kind."""
    if kind == "even":
        return list(predictions)
    known = [found.probabilities for found in predictions if found.probabilities is not None]
    even = np.concatenate([np.empty((0, len(names))), *known])
    prior = find_prior(kind, names, even)
    changed = []
    for found in predictions:
        if found.probabilities is not None:
            found = replace(found, probabilities=with_prior(found.probabilities, prior))
        changed.append(found)
    return changed


def _check_copies(copies: Mapping[Path, Path], own: Collection[str]) -> None:
    """ValueError where a file has the path of a copy and is not one of our `own`."""
    existing = []
    for copy in copies.values():
        if os.path.lexists(copy) and os.path.abspath(copy) not in own:
            existing.append(copy)
    if existing:
        raise ValueError(
            f"{existing[0]} exists ({len(existing)} of {len(copies)} copies do): "
            "name another --annotated folder, or add --overwrite"
        )


def _check_report(report: str | Path | None, overwrite: bool) -> None:
    """ValueError where a file has the report's path, or it is no HTML file."""
    if report is None:
        return
    if Path(report).suffix.lower() not in (".html", ".htm"):
        raise ValueError(f"--report {report}: expected a file that ends in .html")
    if Path(report).is_dir():
        raise ValueError(f"--report {report} is a folder: name a file that ends in .html")
    if Path(report).exists() and not overwrite:
        raise ValueError(f"--report {report} exists: name another file, or add --overwrite")
    check_place(Path(report).parent, f"--report {report}")


def _check_neutral(model: str | Path | None, residual: bool, neutral: str | Path | None) -> None:
    if neutral and (model or residual):
        raise ValueError("--neutral uses ferkit's own residual model: leave --model and --residual")


def _check_cam(model: str | Path | None, is_shown: bool, cam: bool, target: str | None) -> None:
    """ValueError for contradicting options, before anything is read."""
    if (cam and not is_shown) or (target and not cam):
        raise ValueError(
            "Grad-CAM is drawn on annotated copies and in reports: "
            "--class goes with --cam, and --cam with --annotated or --report"
        )
    if cam and model is None:
        raise ValueError(NO_MAPS)
