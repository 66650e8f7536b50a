"""Explorer of paper 2: where each patch of a face comes from."""

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from ferkit.faces import align
from ferkit.papers.i2cnn import patches
from ferkit.plots import plot_boxes
from ferkit.workbook.explorers.base import Explorer, connect, encode_figure, load_ipywidgets


def patch_explorer(image: np.ndarray, landmarks: ArrayLike) -> Explorer:
    """Explore the 60 patches of an aligned face, and their boxes.

    `image` `(S, S, 3)` uint8 with its `landmarks` `(68, 2)`. Controls: region, scale, flipped.
    """
    w = load_ipywidgets()
    boxes = patches.patch_boxes(np.asarray(landmarks)[None], len(image))[0]
    controls = {
        "region": w.Dropdown(
            options=[*patches.GLOBAL_REGIONS, *patches.LOCAL_REGIONS],
            value="right eye",
            description="region",
        ),
        "scale": w.ToggleButtons(options=patches.PATCH_SCALES, value=1.0, description="scale"),
        "flipped": w.Checkbox(False, description="flipped"),
    }
    controls["scale"].style.button_width = "50px"
    view = w.Image(format="png", width=480, height=240)
    text = w.HTML()

    def redraw(_: object = None) -> None:
        region, scale, flipped = (control.value for control in controls.values())
        number = patches.patch_number(region, scale, flipped=flipped)
        view.value = patch_picture(image, boxes[number])
        x0, y0, x1, y1 = boxes[number]
        mirrored = ", flipped" if flipped else ""
        text.value = (
            f"patch <b>{number + 1}</b> of {patches.PATCH_COUNT}: "
            f"{region} x {scale:g}{mirrored}<br>"
            f"from x = {x0:.1f} to {x1:.1f}, y = {y0:.1f} to {y1:.1f} of {len(image)} pixels"
        )

    return connect(
        Explorer(controls, view, text, w.HBox([view, w.VBox([*controls.values(), text])])), redraw
    )


def patch_picture(image: np.ndarray, box: np.ndarray, side: int = 240) -> bytes:
    """Draw a face with one box beside the patch in it, as PNG."""
    figure = Figure(figsize=(4.8, 2.4), dpi=100)
    plot_boxes(image, [box], [""], ax=figure.add_axes((0, 0, 0.5, 1)))
    ax = figure.add_axes((0.51, 0.02, 0.48, 0.96))
    ax.imshow(align.cut_boxes(image[None], box[None, None], side)[0, 0])
    ax.set_axis_off()
    return encode_figure(figure)
