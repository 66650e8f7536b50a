"""Your own faces: photographs, videos or the camera, analysed in memory.

Nothing is written, but for a video that is being read, which lies in a temporary folder meanwhile.
What the widget offers for download goes from the kernel to the browser, not to the kernel's disk.
"""

import base64
import html
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ferkit.predict.analysis import Analysis, analyse
from ferkit.predict.frames import InputFrame, Sampling, read_frames
from ferkit.predict.inputs import InputFile, list_inputs
from ferkit.predict.predictors import Predictor, load_predictor
from ferkit.predict.report import render_report
from ferkit.workbook.explorers.base import (
    WINDOW,
    busy,
    load_ipywidgets,
    make_text,
    side_by_side,
)
from ferkit.workbook.explorers.camera import Frames, make_camera

# The choice of no neutral face; a dropdown would show nothing for None.
_NO_FACE = -1
_UNCALIBRATED = ("none: look at each picture alone", _NO_FACE)
_HEIGHT = 640  # of the results, pixels
_NOTHING = "Nothing yet."


class OwnFaces:
    """A widget for pictures, videos and the camera, and what it found so far.

    `analysis` holds the faces (None before the first); `controls` are the widgets by name, `text`
    says what happened last, and `view` shows the report.
    """

    def __init__(self, *, fps: float = 5.0, unsure: float = 0.0, camera: bool = True) -> None:
        w = load_ipywidgets()
        self.analysis: Analysis | None = None
        self._raw: Analysis | None = None  # before calibration
        self._predictor: Predictor = load_predictor(None, False, [])
        self._sampling = Sampling(fps=fps)
        self._unsure = unsure
        self._clips = 0
        wide = {"width": "auto", "flex": "0 1 360px", "max_width": WINDOW}
        self.controls: dict[str, Any] = {
            "upload": w.FileUpload(
                accept="image/*,video/*",
                multiple=True,
                description="choose photographs or videos",
                layout={"width": "260px"},
            ),
            "path": w.Text(placeholder="or a path on the kernel's computer", layout=wide),
            "read": w.Button(description="read that path"),
            "neutral": w.Dropdown(
                options=[_UNCALIBRATED],
                description="neutral face",
                style={"description_width": "100px"},
                layout=wide,
            ),
            "seconds": w.FloatSlider(
                1.0,
                min=0,
                max=3,
                step=0.2,
                description="smoothed over (s)",
                continuous_update=False,
                style={"description_width": "130px"},
                layout=wide,
            ),
            "forget": w.Button(description="forget everything"),
        }
        self.text = make_text()
        self.view = w.HTML(layout={"width": "100%"})
        self.camera = make_camera(self.add_clip) if camera else None
        self._connect()
        self.box = self._arrange(w)
        self._show(_NOTHING)

    def _ipython_display_(self) -> None:
        from IPython.display import display

        display(self.box)

    def add_frames(self, frames: Iterable[InputFrame]) -> str:
        """Analyse frames, add them to what is there, and say what was found."""
        with busy(self.controls.values()):
            found = analyse(frames, self._predictor, self._unsure)
            self._raw = self._raw + found if self._raw else found
            self._calibrate()
        missing = sum(not each.faces for each in found.predictions)
        said = f"{len(found.faces)} faces in {len(found.predictions)} pictures or frames"
        text = f"{said}; {missing} without a face" if missing else said
        self._offer_neutral()
        self._show(text)
        return text

    def add_clip(self, frames: Frames) -> str:
        """Analyse the frames of a camera's clip; a single one counts as a picture."""
        self._clips += 1
        return self.add_frames(clip_frames(frames, f"camera {self._clips}"))

    def add_path(self, path: str | Path) -> str:
        """Analyse a picture, a video or a folder."""
        return self.add_frames(read_frames(list_inputs(path), self._sampling))

    def add_files(self, files: Sequence[tuple[str, bytes]]) -> str:
        """Analyse uploaded files, given their names and contents."""
        with tempfile.TemporaryDirectory(prefix="ferkit-") as folder:
            inputs = []
            for number, (name, content) in enumerate(files):
                path = Path(folder) / f"{number}{Path(name).suffix.lower()}"
                path.write_bytes(content)
                inputs.append(InputFile(path, Path(name).name))
            return self.add_frames(list(read_frames(inputs, self._sampling)))

    def forget(self) -> None:
        """Drop all pictures and results."""
        self.analysis = self._raw = None
        self._offer_neutral()
        self._show(_NOTHING)

    def _connect(self) -> None:
        controls = self.controls
        controls["upload"].observe(self._take_upload, "value")
        controls["read"].on_click(lambda _: self._try(self.add_path, controls["path"].value))
        controls["forget"].on_click(lambda _: self.forget())
        controls["neutral"].observe(self._change_neutral, "value")
        controls["seconds"].observe(lambda _: self._show(self.text.value), "value")

    def _arrange(self, w: Any) -> Any:
        controls = self.controls
        rows = [
            side_by_side(controls["upload"], controls["path"], controls["read"]),
            *([self.camera] if self.camera else []),
            side_by_side(controls["neutral"], controls["seconds"], controls["forget"]),
            self.text,
            self.view,
        ]
        return w.VBox(rows, layout={"width": "100%"})

    def _take_upload(self, _: object) -> None:
        files = [(file.name, bytes(file.content)) for file in self.controls["upload"].value]
        if files:
            self._try(self.add_files, files)
            self.controls["upload"].value = ()

    def _try(self, act: Callable[[Any], str], argument: Any) -> None:
        """Act, and say what failed."""
        try:
            act(argument)
        except (OSError, ValueError) as error:
            self.text.value = f"<b>that failed:</b> {html.escape(str(error))}"

    def _offer_neutral(self) -> None:
        faces = self.analysis.table() if self.analysis else None
        options = [_UNCALIBRATED]
        if faces is not None:
            found = faces[faces["x0"].notna()].reset_index(drop=True)
            for number, row in found.iterrows():
                time = row.get("time")
                when = "" if time is None or np.isnan(time) else f", {time:.1f} s"
                options.append((f"{number + 1}: {row['path']}{when} ({row['emotion']})", number))
        neutral = self.controls["neutral"]
        chosen = neutral.value
        neutral.unobserve(self._change_neutral, "value")
        neutral.options = options
        neutral.value = chosen if chosen in [number for _, number in options] else _NO_FACE
        neutral.observe(self._change_neutral, "value")

    def _change_neutral(self, _: object) -> None:
        self._calibrate()
        chosen = self.controls["neutral"].value
        self._show("not calibrated" if chosen == _NO_FACE else f"compared with face {chosen + 1}")

    def _calibrate(self) -> None:
        chosen = self.controls["neutral"].value
        self.analysis = self._raw
        if self._raw and chosen != _NO_FACE:
            self.analysis = self._raw.calibrated(self._raw.faces[chosen])

    def _show(self, text: str) -> None:
        self.text.value = text
        if not self.analysis:
            self.view.value = ""
            return
        page = render_report(
            self.analysis, "Your faces", seconds=round(self.controls["seconds"].value, 1)
        )
        content = base64.b64encode(page.encode()).decode()
        self.view.value = (
            f'<a download="faces.html" href="data:text/html;base64,{content}">Save this report '
            "(HTML, with the pictures)</a>"
            f'<iframe title="report" style="width: 100%; height: {_HEIGHT}px; border: 1px solid" '
            f'srcdoc="{html.escape(page)}"></iframe>'
        )


def clip_frames(frames: Frames, name: str) -> list[InputFrame]:
    """Frames with their times as those of a video; a single one is a picture."""
    if len(frames) == 1:
        file = InputFile(Path(f"{name}.jpg"), name)
        return [InputFrame(file, image=frames[0][1])]
    file = InputFile(Path(f"{name}.mp4"), name)
    return [InputFrame(file, n, time, image) for n, (time, image) in enumerate(frames)]
