"""Pictures of the five ideas show what their titles say."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from ferkit.core.landmarks import inter_ocular
from ferkit.workbook.lessons import five_ideas, start_here


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    plt.close("all")


def test_residuals_of_an_emotion_lie_closer_together():
    figure = five_ideas.plot_residual_idea([3, 5, 8])
    raw, residual = (np.mean([np.var(line.get_ydata()) for line in ax.lines]) for ax in figure.axes)
    assert residual < raw


def test_the_mean_face_is_laid_on_the_face():
    face = start_here.draw_expression(3, "surprise", size=64).landmarks
    start = five_ideas._place_mean_face(face, [4, 5])
    assert start.mean(0) == pytest.approx(face.mean(0))
    assert inter_ocular(start) == pytest.approx(inter_ocular(face))


def test_a_crop_keeps_the_face():
    frame = start_here.draw_expression(3, "neutral", size=64)
    marked = np.zeros((64, 64), bool)
    x, y = frame.landmarks.astype(int).T
    marked[y, x] = True
    assert start_here.crop_face(marked).sum() == marked.sum()
