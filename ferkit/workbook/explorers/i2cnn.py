"""Explorer of paper 2: where each patch of a face comes from."""

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from ferkit.faces import align
from ferkit.papers.i2cnn import patches
from ferkit.plots import plot_boxes
from ferkit.workbook.explorers.base import (
    Explorer,
    assemble,
    encode_figure,
    load_ipywidgets,
    make_text,
    make_view,
)


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
        "flipped": w.Checkbox(False, description="flipped", indent=False),
    }
    controls["scale"].style.button_width = "52px"
    view = make_view(480, "png")
    text = make_text(lines=4)

    def redraw(_: object = None) -> None:
        region, scale, flipped = (control.value for control in controls.values())
        number = patches.patch_number(region, scale, flipped=flipped)
        view.value = patch_picture(image, boxes[number])
        x0, x1 = sorted(boxes[number][[0, 2]])  # a flipped box runs from right to left
        y0, y1 = boxes[number][[1, 3]]
        mirrored = ", flipped" if flipped else ""
        text.value = (
            f"patch <b>{number + 1}</b> of {patches.PATCH_COUNT}: "
            f"{region} x {scale:g}{mirrored}<br>"
            f"from x = {x0:.1f} to {x1:.1f}, y = {y0:.1f} to {y1:.1f} of {len(image)} pixels<br>"
            f"{x1 - x0:.0f} x {y1 - y0:.0f} pixels become a square, which is what the network sees"
        )

    return assemble(controls, view, text, redraw)


def patch_picture(image: np.ndarray, box: np.ndarray, side: int = 240) -> bytes:
    """Draw a face with one box beside the patch in it, as PNG."""
    figure = Figure(figsize=(4.8, 2.4), dpi=100)
    plot_boxes(image, [box], [""], ax=figure.add_axes((0, 0, 0.5, 1)))
    ax = figure.add_axes((0.51, 0.02, 0.48, 0.96))
    ax.imshow(align.cut_boxes(image[None], box[None, None], side)[0, 0])
    ax.set_axis_off()
    return encode_figure(figure)
