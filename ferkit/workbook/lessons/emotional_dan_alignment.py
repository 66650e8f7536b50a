"""Pictures of notebook 08: a face turned upright, and what stage 2 sees."""

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from torch import Tensor

from ferkit import plots
from ferkit.papers.emotionaldan.crops import FaceCrops
from ferkit.papers.emotionaldan.experiment import predict_faces
from ferkit.papers.emotionaldan.geometry import fit_similarity, heat_map, transform, warp
from ferkit.papers.emotionaldan.network import EmotionalDAN

_ENLARGED = 5  # times that arrows of stage 2's steps are longer than the steps


def known_points(faces: FaceCrops) -> np.ndarray:
    """Return the landmarks that the data set knows, else dlib's, `(N, 68, 2)`."""
    return np.where(np.isfinite(faces.points), faces.points, faces.dlib)


def mean_shape(faces: FaceCrops) -> np.ndarray:
    """Return the mean of the known landmarks, `(68, 2)`."""
    return np.nanmean(known_points(faces), axis=0)


def find_turned(faces: FaceCrops) -> int:
    """Find the row of the face whose eyes are least level, among those the detector found."""
    points = known_points(faces)
    eyes = points[:, 42:48].mean(1) - points[:, 36:42].mean(1)
    angle = np.abs(np.arctan2(eyes[:, 1], eyes[:, 0]))
    usable = np.isfinite(angle) & faces.table["found"].to_numpy(bool)
    return int(np.where(usable, angle, -1).argmax())


def place_upright(faces: FaceCrops, row: int, shape: np.ndarray) -> tuple[Tensor, Tensor]:
    """Warp a face to a mean shape `(68, 2)`; return picture `(S, S)` and landmarks `(68, 2)`."""
    points = torch.from_numpy(known_points(faces)[[row]]).float()
    matrix = fit_similarity(points, torch.from_numpy(shape).float())
    picture = warp(faces.pictures[[row]].float() / 255, matrix, outside="border")
    return picture[0, 0], transform(points, matrix)[0]


def draw_idea(faces: FaceCrops, row: int, shape: np.ndarray, dataset: str) -> Figure:
    """Draw a face as it is cut out, turned to the mean shape, and its landmarks' heat map."""
    upright, landmarks = place_upright(faces, row, shape)
    heat = heat_map(landmarks[None], len(upright))[0, 0]
    figure, axes = plt.subplots(1, 3, figsize=(7.6, 2.9), layout="constrained")
    picture = faces.pictures[row, 0].numpy()
    _draw_face(axes[0], picture, "cut out, with landmarks", dataset, known_points(faces)[row])
    _draw_face(axes[1], upright.numpy(), "turned upright", dataset, landmarks.numpy())
    image = _draw_plane(axes[2], heat.numpy(), "heat map of the landmarks")
    figure.colorbar(image, ax=axes[2], shrink=0.85)
    return figure


def draw_stage_two(network: EmotionalDAN, faces: FaceCrops, row: int, dataset: str) -> Figure:
    """Draw a face with stage 1's landmarks, the planes of stage 2, and where it moves them."""
    one = faces.select(np.array([row]))
    first, second = (predict_faces(net, one)[1][0] for net in (network.first, network))
    with torch.no_grad():
        planes, _, points = network.seen(one.pictures.float() / 255)
    warped, heat, feature = planes[0].numpy()
    figure, axes = plt.subplots(2, 3, figsize=(8, 5.4), layout="constrained")
    (original, upright, corrected), (heated, imagined, compared) = axes
    picture = one.pictures[0, 0].numpy()
    _draw_face(original, picture, "stage 1's landmarks", dataset, first)
    _draw_face(upright, warped, "turned by them", dataset, points[0].numpy())
    _draw_face(corrected, picture, "stage 2's landmarks", dataset, second)
    # Batch normalisation has changed the scale of these two, so they have no colour bar.
    _draw_plane(heated, heat, "heat map, normalised")
    _draw_plane(imagined, feature, "feature image")
    reference = "true" if np.isfinite(one.points).all() else "dlib"
    curves = {reference: (known_points(one)[0], "black"), "stage 1": (first, plots.SERIES[0])}
    for name, (curve, colour) in curves.items():
        plots.plot_landmarks(curve, ax=compared, colour=colour, label=name)
    compared.quiver(
        *first.T,
        *(_ENLARGED * (second - first)).T,
        angles="xy",
        scale_units="xy",
        scale=1,
        width=0.007,
        color=plots.SERIES[1],
        zorder=3,
    )
    compared.set_title(f"moved by stage 2, {_ENLARGED} times")
    compared.legend(
        frameon=False,
        loc="upper center",
        bbox_to_anchor=(0.5, 0),
        ncols=3,
        handlelength=1,
        columnspacing=1,
    )
    return figure


def _draw_face(ax: Axes, picture: np.ndarray, title: str, dataset: str, points: np.ndarray) -> None:
    """Draw a grey picture, stretched to the whole range from black to white, with landmarks."""
    stretched = (picture - picture.min()) / max(np.ptp(picture), 1e-9)
    covered = plots.cover_restricted([stretched], dataset)[0]
    plots.plot_contact_sheet([covered], points=[points], columns=1, ax=ax)
    ax.set_title(title)


def _draw_plane(ax: Axes, values: np.ndarray, title: str) -> AxesImage:
    ax.set_axis_off()
    ax.set_title(title)
    return ax.imshow(values, cmap="magma")
