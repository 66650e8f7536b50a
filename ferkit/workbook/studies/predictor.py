"""Measure face models on photographs: those of the package, for the model card.

A row of `predictor.csv` is a model, a data set and a prior: the mean recall over the emotions that
the data set shows (all seven may be answered), its interval over people, and the accuracy. Its
first line describes the models. The model card and README show the table.
"""

from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import softmax

from ferkit.core.files import PROJECT, data_root, write_text
from ferkit.data import read_clips
from ferkit.evaluation.calibration import reliability
from ferkit.evaluation.intervals import TAILS
from ferkit.faces.load import load_photographs
from ferkit.faces.prepare import prepare
from ferkit.faces.prepared import Prepared
from ferkit.predict.face_model import FaceModel
from ferkit.predict.priors import PRIORS, find_prior, with_prior
from ferkit.predict.shipped import MODEL_FILES, load_model
from ferkit.predict.train import TrainedFaceModel, face_features

# The pages that show the table.
PAGES = (PROJECT / "docs" / "model_card.md", PROJECT / "README.md")
_RECORD = Path(str(files("ferkit.workbook.studies"))) / "predictor.csv"
_BEGIN, _END = "<!-- measured -->", "<!-- end -->"
_WORDS = {"single": "one photograph", "residual": "with the person's other pictures"}


def development_faces(root: str | Path | None = None) -> dict[str, Prepared]:
    """Prepare the development photographs under `root` or FERKIT_DATA: london, cmu and press.

    Sets that are not there are left out, and so are pictures without a face.
    """
    clips = load_photographs(root)
    base = data_root(root)
    if base and (labels := base / "press" / "labels.csv").is_file():
        clips["press"] = read_clips("folder", labels, verify="off")
    faces = {}
    for name, own in clips.items():
        prepared = prepare(own, 224, keep_images=name != "press")
        faces[name] = prepared.select(prepared.table["found"].to_numpy())
    return faces


def measure_models(photographs: dict[str, Prepared]) -> pd.DataFrame:
    """Measure the models of the package with every prior; the residual one where people return."""
    rows: list[dict[str, object]] = []
    for kind in MODEL_FILES:
        model = load_model(kind)
        for name, faces in photographs.items():
            people = faces.table["person"].to_numpy(dtype=str)
            if kind == "single" or np.unique(people, return_counts=True)[1].min() > 1:
                for measured in _measure(model, faces, people):
                    rows.append({"model": kind, "data": name} | measured)
    return pd.DataFrame(rows)


def _measure(model: FaceModel, faces: Prepared, people: np.ndarray) -> Iterator[dict[str, object]]:
    even = model.probabilities(face_features(faces), people)
    shown = faces.table["emotion"].tolist()
    truth = np.array([model.names.index(emotion) for emotion in shown])
    for prior in PRIORS:
        answers = with_prior(even, find_prior(prior, model.names, even)).argmax(1)
        correct = answers == truth
        recall, low, high = mean_recall(correct, truth, people)
        yield {
            "prior": prior,
            "people": len(np.unique(people)),
            "faces": len(faces),
            "mean_recall": recall,
            "low": low,
            "high": high,
            "accuracy": correct.mean(),
        }


def mean_recall(
    correct: np.ndarray, truth: np.ndarray, people: np.ndarray, draws: int = 2000, seed: int = 0
) -> tuple[float, float, float]:
    """Average the recalls of the classes that occur, with a 95 % interval over people.

    `correct` (N,) is 1 where the answer is right and 0 elsewhere. Whole people are drawn with
    replacement; classes that a draw lacks do not count in it.
    """
    owners = np.unique(people, return_inverse=True)[1]
    count = owners.max() + 1
    classes = np.unique(truth)
    hits = np.stack([np.bincount(owners, correct * (truth == k), count) for k in classes])
    faces = np.stack([np.bincount(owners, truth == k, count) for k in classes])
    rng = np.random.default_rng(seed)
    weights = rng.multinomial(count, np.full(count, 1 / count), draws).T  # (people, draws)
    seen = faces @ weights
    recalls = np.divide(hits @ weights, seen, out=np.full(seen.shape, np.nan), where=seen > 0)
    low, high = np.quantile(np.nanmean(recalls, axis=0), TAILS)
    return float((hits.sum(1) / faces.sum(1)).mean()), float(low), float(high)


def measure_calibration(
    trained: TrainedFaceModel, photographs: Mapping[str, Prepared]
) -> pd.DataFrame:
    """Tabulate the reliability of a one-photograph model on held-out drawn people and photographs.

    The rows of `evaluation.calibration.reliability`, with the data set as "name".
    """
    held_out = trained.predictions
    chances = softmax(held_out.scores / trained.model.temperature, axis=1)
    tables = [reliability(chances, held_out.truth).assign(name="drawn, other people")]
    for name, faces in photographs.items():
        truth = [trained.model.names.index(emotion) for emotion in faces.table["emotion"]]
        chances = trained.model.probabilities(face_features(faces))
        tables.append(reliability(chances, truth).assign(name=name))
    return pd.concat(tables, ignore_index=True)


def card_table(table: pd.DataFrame) -> str:
    """The measured table as Markdown: mean recall with its interval for every prior."""
    lines = ["| model | photographs | people | faces | even | everyday | estimated |"]
    lines.append("|---|---|---|---|---|---|---|")
    for (model, data), rows in table.groupby(["model", "data"], sort=False):
        cells = [_WORDS[str(model)], str(data)]
        cells += [str(rows[name].iloc[0]) for name in ("people", "faces")]
        for row in rows.set_index("prior").loc[list(PRIORS)].itertuples():
            cells.append(f"{row.mean_recall:.2f} [{row.low:.2f}, {row.high:.2f}]")
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def record_models(root: str | Path | None = None) -> str:
    """Measure the models, write `predictor.csv` and the table of the pages; return it.

    Without the development photographs the old measurement stays. It says so.
    """
    photographs = development_faces(root)
    if set(photographs) != {"london", "cmu", "press"}:
        return "not all development photographs are at hand: README keeps its numbers"
    table = measure_models(photographs).round(4)
    training = load_model().training
    about = f"# {training.people} drawn people, seed {training.seed}, drawing {training.drawing}\n"
    text = about + table.to_csv(index=False, lineterminator="\n")
    write_text(_RECORD, text)
    for page in PAGES:
        _replace_table(page, card_table(table))
    return card_table(table)


def _replace_table(page: Path, table: str) -> None:
    """Put a table between the two marks of a page."""
    before, rest = page.read_text(encoding="utf-8").split(_BEGIN)
    after = rest.split(_END)[1]
    text = f"{before}{_BEGIN}\n{table}\n{_END}{after}"
    write_text(page, text)
