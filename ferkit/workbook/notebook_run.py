"""What a notebook keeps of its run: figures with their numbers, metrics, folds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ferkit import plots
from ferkit.core.files import run_dir
from ferkit.workbook.records import save_metrics


@dataclass
class NotebookRun:
    """The folder of results of one run of a notebook, and the metrics found so far.

    `name` is the notebook's, `topic` the folder of its figures, `parameters` what made its numbers.
    """

    name: str
    topic: str
    out: Path
    parameters: Mapping[str, Any]
    metrics: dict[str, Any] = field(default_factory=dict)

    @property
    def figures(self) -> Path:
        """The folder of this notebook's figures."""
        return self.out / "figures" / self.topic

    @property
    def made_by(self) -> dict[str, Any]:
        """The notebook and its parameters, as kept beside each figure."""
        return {"notebook": self.name, **self.parameters}

    def figure(self, plot: str, table: pd.DataFrame, name: str, **options: Any) -> Figure:
        """Draw a table, save the figure with its numbers, and return it (`plots.save_figure`)."""
        return plots.save_figure(plot, table, self.figures, name, made_by=self.made_by, **options)

    def picture(
        self, figure: Figure | Axes, name: str, *, table: pd.DataFrame | None = None
    ) -> None:
        """Save a figure that contains pictures (`plots.save_picture`)."""
        plots.save_picture(figure, self.figures, name, made_by=self.made_by, table=table)

    def save(self, *headline: str, folds: str | None = None) -> str:
        """Save all metrics, those named first, and return how many were saved in which file.

        Names of metrics that this run did not measure are passed over.
        """
        first = {name: self.metrics[name] for name in headline if name in self.metrics}
        file = save_metrics(self.out, self.name, first | self.metrics, folds=folds)
        return f"{len(self.metrics)} numbers saved as {file.name}"


def start_run(name: str, topic: str, *, out: str | Path, **parameters: Any) -> NotebookRun:
    """Start a notebook's run; `out` "" stands for FERKIT_RUN, else build/run."""
    return NotebookRun(name, topic, Path(out or run_dir()), parameters)
