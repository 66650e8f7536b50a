"""Colours, and what every plot has to keep to."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from plot_tables import OPTIONS, TABLES, face
from skimage.color import deltaE_ciede2000, rgb2lab

from ferkit import plots
from ferkit.core.labels import EMOTIONS

# Machado, Oliveira and Fernandes (2009): what viewers without one kind of cone see, linear light.
BLINDNESS = {
    "none": np.eye(3),
    "protan": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deutan": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritan": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}


@pytest.mark.parametrize("kind", BLINDNESS)
def test_emotions_have_colours_that_everybody_can_tell_apart(kind):
    assert tuple(plots.EMOTION_COLOURS) == EMOTIONS
    rgb = np.array([to_rgb(colour) for colour in plots.EMOTION_COLOURS.values()])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4) @ np.transpose(
        BLINDNESS[kind]
    )
    seen = np.clip(linear, 0, 1)
    lab = rgb2lab(
        np.where(seen <= 0.0031308, 12.92 * seen, 1.055 * seen ** (1 / 2.4) - 0.055)[None]
    )[0]
    apart = deltaE_ciede2000(lab[:, None], lab[None])[np.triu_indices(8, 1)]
    assert apart.min() > 15
    assert np.ptp(to_rgb(plots.EMOTION_COLOURS["neutral"])) == 0


@pytest.mark.parametrize("plot", plots.PLOTS)
def test_plots_draw_on_what_they_are_given_and_change_nothing_else(plot):
    ax, before = Figure().subplots(), dict(mpl.rcParams)
    table = TABLES[plot].drop(columns="panel", errors="ignore").reset_index()
    assert plots.PLOTS[plot](table, ax=ax, **OPTIONS.get(plot, {})) is ax
    assert plt.get_fignums() == []
    assert dict(mpl.rcParams) == before


def test_without_axes_the_current_ones_are_used():
    assert plots.plot_landmarks(face()) is plt.gca()
