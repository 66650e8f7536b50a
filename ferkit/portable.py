"""Trained networks kept so that they can be used elsewhere: one safetensors file that says how to build and what to show it.

    save_network(path, "resnet", {"classes": 7, "kind": "resnet12"}, trained.network, SEVEN, [View(48)])
    network = load_network(path)
    network.probabilities([network.look(image, face)])

The file's header is JSON: the kind of network and the arguments of its builder, the names of its classes, the views of a face that are
its inputs (`views.View`), and for a network of sequences how many frames it sees. Nothing in it is executed.

| kind | what the workbook's networks are shown |
|---|---|
| single_branch | `View(size)` |
| patch_alexnet | `View(crop, "patch", face=face, side=side)` |
| resnet | `View(48, face=64)` |
| tandem | `View(64, face=64, window=(8, 6, 55, 61))` and `View(48, face=64)` |
| emotionaldan, its stage 1, and what it is compared with | `View(size, "box", grey=True, margin=0.3, up=0.08)` |
| dtan, dtgn, dtagn | `View(64, grey=True, face=64)`, `View(64, "points", grey=True, face=64)`, both |
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from scipy.special import softmax
from torch import Tensor, nn

from ferkit.faces.detect import Face
from ferkit.faces.sequences import resample
from ferkit.landmarks import SUBSET_49, normalise
from ferkit.models import compared, dtagn, i2cnn, multimodal, tfe
from ferkit.models import emotionaldan as dan
from ferkit.models.layers import as_floats, first, seeded
from ferkit.paths import write_whole
from ferkit.saliency import grad_cam
from ferkit.train import scores
from ferkit.views import View, see

FORMAT = "ferkit network 1"
UNFIT = (ValueError, TypeError, AttributeError, RuntimeError, MemoryError)  # what wrong words in a header lead to
Seen = tuple[np.ndarray, ...]  # what a network sees of one face, an array for each view


# Builders that no class is: their networks are made of others, or hold what was measured on training people.


def _tandem(classes: int, identity: Mapping[str, Any], emotion: Mapping[str, Any]) -> nn.Module:
    return tfe.Tandem(tfe.ConvNet(**identity), tfe.ResNet(**emotion), classes)


def _first_stage(classes: int, **shape: Any) -> dan.FirstStage:
    return dan.FirstStage(classes, torch.zeros(68, 2), **shape)


def _both_stages(classes: int, first_classes: int, **shape: Any) -> nn.Module:
    return dan.EmotionalDAN(_first_stage(first_classes, **shape), classes)


def _sequences(notation: str, frames: int, centred: bool = True) -> dtagn.Network:
    """DTAN or DTGN in the paper's notation; `centred` as `models.dtagn.centred` leaves it."""
    network, source = dtagn.build(notation, frames), dtagn.parse(notation)[0]
    if not centred:
        return network
    one = (frames, source.size, source.size) if source.kind == "I" else (frames, len(SUBSET_49), 2)
    return dtagn.Network(nn.Sequential(dtagn.Centre(torch.zeros(one), torch.ones(())), *network.hidden), network.top)


def _joint(dtan: str, dtgn: str, frames: int, centred: bool = True) -> nn.Module:
    return dtagn.Joint(_sequences(dtan, frames, centred), _sequences(dtgn, frames, centred))


# The networks of the workbook: what builds each, and the layer that Grad-CAM asks (none for sequences).
KINDS: dict[str, tuple[Callable[..., nn.Module], str | None]] = {
    "single_branch": (multimodal.SingleBranch, "visual.trunk.13"),
    "patch_alexnet": (i2cnn.AlexNet, "trunk.13"),
    "resnet": (tfe.ResNet, "blocks"),
    "tandem": (_tandem, "emotion.blocks"),
    "emotionaldan_stage1": (_first_stage, "stage1.conv4b"),
    "emotionaldan": (_both_stages, "stage2.conv4b"),
    "cnn2": (compared.cnn2, "convolutions.1.1"),
    "cnn5": (compared.cnn5, "convolutions.4.1"),
    "emotionnet2": (compared.emotionnet2, "network.layer3"),
    "inception_v3": (compared.inception_v3, "network.Mixed_7c"),
    "dtan": (_sequences, None),
    "dtgn": (_sequences, None),
    "dtagn": (_joint, None),
}


@dataclass(frozen=True, eq=False)
class Network:
    """A trained network with all it takes to ask it: `kind` and `arguments` as in KINDS, its classes, views and frames."""

    kind: str
    arguments: Mapping[str, Any]
    names: tuple[str, ...]
    views: tuple[View, ...]
    module: nn.Module
    frames: int = 1  # that it sees at once
    about: str = ""  # what it was trained on

    def look(self, image: np.ndarray, face: Face) -> Seen:
        """What the network sees of a face in a picture `(H, W, 3)` uint8. ValueError when the face cannot be aligned."""
        return tuple(see(image, face, view)[0] for view in self.views)

    def probabilities(self, seen: Sequence[Seen]) -> np.ndarray:
        """The softmax `(N, K)` of the scores of N faces, each as of `look` (or N sequences, as of `in_windows`)."""
        outputs = scores(_answering(self.module), _inputs(seen), precision="32")
        return softmax(outputs.astype(np.float64), axis=1)

    def of_film(self, seen: Sequence[Seen]) -> np.ndarray:
        """The probabilities `(M, K)` of M faces in the order of a film; those of one window of frames have the same."""
        windows = np.array_split(np.arange(len(seen)), max(1, round(len(seen) / self.frames)))
        answers = self.probabilities([self._window([seen[i] for i in window]) for window in windows])
        return answers.repeat([len(window) for window in windows], axis=0)

    def _window(self, seen: Sequence[Seen]) -> Seen:
        """Some frames brought to as many as the network sees, as `sequence_examples` does."""
        parts = [resample(np.stack(part), self.frames) for part in zip(*seen, strict=True)]
        return tuple(
            normalise(part[:, SUBSET_49]).astype(np.float32) if view.cut == "points" else part[:, 0]
            for part, view in zip(parts, self.views, strict=True)
        )

    def class_index(self, name: str) -> int:
        """The place of a class among the network's. ValueError for one that it does not have."""
        if name not in self.names:
            raise ValueError(f"the network has no class {name!r}; it has {', '.join(self.names)}")
        return self.names.index(name)

    def maps(
        self, seen: Sequence[tuple[np.ndarray, Face]], classes: Sequence[int], layer: str | None = None
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        """Grad-CAM of a class index for each of N faces, each with its picture: a map `(H, W)` in 0..1 and the matrix `(2, 3)`
        from the picture's pixels to the map's.

        `layer` names a module of the network in place of the usual one. Of two views the last is explained. ValueError as of
        `check_maps` and `saliency.grad_cam`.
        """
        usual = self.check_maps()
        looks = [[see(image, face, view) for view in self.views] for image, face in seen]
        network, inputs = _answering(self.module), _inputs([tuple(pixels for pixels, _ in look) for look in looks])
        if len(inputs) > 1:  # Grad-CAM explains the first input
            network, inputs = _Turned(network), inputs[::-1]
        heat = grad_cam(network, self.module.get_submodule(layer or usual), inputs, np.asarray(classes))
        if isinstance(self.module, dan.EmotionalDAN) and not (layer or usual).startswith("first"):
            with torch.no_grad():  # its second stage sees the face turned to the mean shape
                _, matrix, _ = self.module.seen(*as_floats(inputs))
                heat = dan.warp(torch.from_numpy(heat)[:, None], dan.inverse(matrix))[:, 0].numpy()
        return [(one, look[-1][1]) for one, look in zip(heat, looks, strict=True)]

    def check_maps(self) -> str:
        """The name of the layer that Grad-CAM asks. ValueError for a network of sequences, which has none."""
        if (layer := KINDS[self.kind][1]) is None:
            raise ValueError(f"Grad-CAM needs a network of single pictures, {self.kind} looks at {self.frames} frames")
        return layer


class _Turned(nn.Module):
    """A network whose inputs come in the opposite order."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, *inputs: Tensor) -> Tensor:
        return self.network(*inputs[::-1])


def save_network(
    path: str | Path,
    kind: str,
    arguments: Mapping[str, Any],
    module: nn.Module,
    names: Iterable[str],
    views: Iterable[View],
    *,
    frames: int = 1,
    about: str = "",
) -> Path:
    """Writes a trained network; never half of it. It is built anew from `kind` and `arguments` first.

    ValueError when `module` is another network than these say, or does not fit the class names or the views.
    """
    words = {"kind": kind, "arguments": dict(arguments), "names": list(names), "frames": frames, "about": about}
    words |= {"views": [asdict(view) for view in views]}
    state = {name: value.detach().cpu().contiguous().clone() for name, value in module.state_dict().items()}
    _built(Path(path), words, state)
    content = save(state, {"format": FORMAT, "network": json.dumps(words)})
    write_whole(Path(path), lambda part: part.write_bytes(content))
    return Path(path)


def load_network(path: str | Path) -> Network:
    """The network that `save_network` wrote, in evaluation mode.

    FileNotFoundError; ValueError for another kind of file, and where weights, architecture, classes and views do not agree.
    """
    path = Path(path)
    header = read_header(path)
    if header.get("format") != FORMAT:
        raise ValueError(f"{path} holds no network that can be built ({header.get('format')!r}, expected {FORMAT!r})")
    try:
        with safe_open(path, "pt") as file:
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        words = json.loads(header["network"])
        return _built(path, words, state)
    except (SafetensorError, json.JSONDecodeError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is damaged, or of another version of ferkit ({error}); train it again") from error


def read_header(path: str | Path) -> dict[str, str]:
    """The words in the header of a safetensors file, empty where it has none."""
    if not Path(path).is_file():
        raise FileNotFoundError(f"no trained model {path}")
    try:
        with safe_open(path, "numpy") as file:
            return file.metadata() or {}
    except SafetensorError as error:
        raise ValueError(f"{path} is damaged or no safetensors file ({error}); train it again") from error


def _built(path: Path, words: Mapping[str, Any], state: dict[str, Tensor]) -> Network:
    """The network that these words and weights say, tried once on an empty picture."""
    kind, arguments, names = words["kind"], words["arguments"], tuple(words["names"])
    views = tuple(View(**view) for view in words["views"])
    if kind not in KINDS:
        raise ValueError(f"{path}: unknown kind of network {kind!r}; known: {', '.join(KINDS)}")
    if not names or len(set(names)) != len(names):
        raise ValueError(f"{path}: a network needs different names of its classes, got {', '.join(names) or 'none'}")
    try:
        module = seeded(partial(KINDS[kind][0], **arguments), 0).eval()
    except UNFIT as error:
        raise ValueError(f"{path}: {kind} cannot be built from {arguments}: {error}") from error
    if wrong := _differences(module.state_dict(), state):
        raise ValueError(f"{path}: the weights are of another architecture than {kind} with {dict(arguments)}: {wrong}")
    module.load_state_dict(state)
    network = Network(kind, arguments, names, views, module, words["frames"], words["about"])
    _try(path, network)
    return network


def _differences(wanted: Mapping[str, Tensor], got: Mapping[str, Tensor]) -> str:
    """How two sets of weights differ, in words; empty where they do not."""
    shapes = [n for n in wanted if n in got and wanted[n].shape != got[n].shape]
    lists = {"missing": [n for n in wanted if n not in got], "unknown": [n for n in got if n not in wanted]}
    parts = [f"{len(found)} {what}, first {found[0]}" for what, found in lists.items() if found]
    if shapes:
        name = shapes[0]
        parts.append(f"{len(shapes)} of another shape, first {name}, {tuple(got[name].shape)}")
        parts[-1] += f" in place of {tuple(wanted[name].shape)}"
    return "; ".join(parts)


def _try(path: Path, network: Network) -> None:
    """ValueError when an empty face of these views cannot be answered, or not with a score for each name."""
    try:
        with torch.no_grad():
            outputs = first(_answering(network.module)(*as_floats(_inputs([_empty(network)]))))
    except UNFIT as error:
        raise ValueError(f"{path}: {network.kind} cannot be shown {network.views}: {error}") from error
    if not outputs.isfinite().all():
        raise ValueError(
            f"{path}: the weights are no finite numbers, as after a training that went astray; train it again"
        )
    if (count := outputs.shape[1]) != len(network.names):
        raise ValueError(
            f"{path}: another label set: the network gives {count} scores, but {len(network.names)} classes are named: "
            f"{', '.join(network.names)}"
        )


def _empty(network: Network) -> Seen:
    """What the network would see of a black picture, or of a film of them."""
    if network.frames == 1:
        return tuple(np.zeros(view.shape, np.float64 if view.cut == "points" else np.uint8) for view in network.views)
    return tuple(
        np.zeros((network.frames, len(SUBSET_49), 2), np.float32)
        if view.cut == "points"
        else np.zeros((network.frames, *view.shape[1:]), np.uint8)
        for view in network.views
    )


def _answering(module: nn.Module) -> nn.Module:
    """The network whose outputs are scores alone."""
    return dan.Emotions(module) if isinstance(module, dan.FirstStage | dan.EmotionalDAN) else module


def _inputs(seen: Sequence[Seen]) -> tuple[Tensor, ...]:
    return tuple(torch.from_numpy(np.stack(part)) for part in zip(*seen, strict=True))
