"""Network files: every kind loads unchanged, and errors name what does not fit."""

import json

import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from safetensors import safe_open
from safetensors.torch import save_file

from ferkit.core.labels import SEVEN, THREE
from ferkit.core.sealed import read_sealed, write_sealed
from ferkit.data.clip import Clip
from ferkit.explain.grad_cam import cam_layer, grad_cam, network_maps
from ferkit.faces import detect, pictures
from ferkit.faces.prepare import prepare
from ferkit.faces.views import View
from ferkit.papers import network_specs
from ferkit.papers.dtagn import network as dtagn_network
from ferkit.papers.dtagn.sequences import build_sequences
from ferkit.papers.emotionaldan.network import EmotionalDAN, EmotionScores, FirstStage
from ferkit.papers.multimodal.network import SingleBranch
from ferkit.papers.tfe.network import ResNet
from ferkit.predict.network_file import NETWORK_FORMAT, load_network, save_network
from ferkit.training.loop import scores
from ferkit.training.seeds import seeded
from ferkit.training.spec import Network

SPECS = network_specs()
CROP = View(48, "box", grey=True, margin=0.1)
DAN = {"size": 48, "width": 0.125, "variant": "as_paper"}
DTAN, DTGN = "I16-C(5,4)-P2-FC8-S7", "D1176-FC8-S7"
SEQUENCE = View(16, grey=True, face=16), View(64, "points", grey=True, face=64)
SMALL = {
    "single_branch": (
        {"classes": 7, "size": 64, "width": 0.0625, "variant": "as_authors_code"},
        [View(64)],
    ),
    "patch_alexnet": (
        {"classes": 7, "size": 51, "width": 0.0625, "dense": 16},
        [View(51, "region", face=96, region=(0.5, 0.46, 0.84, 0.84), side=56)],
    ),
    "resnet": ({"classes": 7, "kind": "resnet12", "width": 0.25}, [View(48)]),
    "tandem": (
        {
            "classes": 7,
            "identity": {"identities": 5, "size": [55, 47], "width": 0.2},
            "emotion": {"classes": 7, "width": 0.25},
        },
        [View(64, face=64, window=(8, 6, 55, 61)), View(48)],
    ),
    "emotionaldan_stage1": ({"classes": 7, **DAN}, [CROP]),
    "emotionaldan": (
        {"classes": 7, "first_classes": 0, **DAN, "variant": "as_authors_code"},
        [CROP],
    ),
    "cnn2": ({"classes": 7, "size": 48, "width": 0.25}, [CROP]),
    "cnn5": ({"classes": 7, "size": 48, "width": 0.25}, [CROP]),
    "emotionnet2": ({"classes": 7, "size": 48}, [CROP]),
    "inception_v3": ({"classes": 7, "size": 107}, [View(107, grey=True)]),
    "dtan": ({"notation": DTAN, "frames": 4}, SEQUENCE[:1]),
    "dtgn": ({"notation": "D392-FC8-S7", "frames": 4, "centred": False}, SEQUENCE[1:]),
    "dtagn": ({"dtan": DTAN, "dtgn": "D392-FC8-S7", "frames": 4}, SEQUENCE),
}
still = pytest.mark.parametrize("kind", [kind for kind, spec in SPECS.items() if spec.cam_layer])


def save(path, kind, arguments, module, names, views, *, frames=1, about=""):
    """A network written from its parts."""
    network = Network(SPECS[kind], arguments, tuple(names), tuple(views), module, frames, about)
    return save_network(path, network)


def fresh(kind: str, seed: int = 1):
    """A small network of a kind whose weights, and what it measured in training, are random."""
    module = seeded(lambda: SPECS[kind].build(**SMALL[kind][0]), seed).eval()
    generator = torch.Generator().manual_seed(seed)
    for name, value in module.named_buffers():
        if name.endswith(("mean", "spread", "scale")):
            value.copy_(value + 0.1 * torch.rand(value.shape, generator=generator))
        elif name.endswith("mean_shape"):
            value.copy_(48 * torch.rand(68, 2, generator=generator))
    return module


def kept(folder, kind: str, seed: int = 1, **more):
    """The network of a kind, saved and loaded again, and the module it was saved from."""
    module, (arguments, views) = fresh(kind, seed), SMALL[kind]
    frames = arguments.get("frames", 1)
    path = save(
        folder / f"{kind}.safetensors", kind, arguments, module, SEVEN, views, frames=frames, **more
    )
    return load_network(path), module


@pytest.fixture(scope="module")
def face(drawn_face):
    return drawn_face[0], detect.find_face(drawn_face[0])


def softmax(x):
    return np.exp(x - x.max(1, keepdims=True)) / np.exp(x - x.max(1, keepdims=True)).sum(
        1, keepdims=True
    )


def test_every_kind_is_tried():
    assert SMALL.keys() == SPECS.keys()


@still
def test_a_network_comes_back_as_it_was(tmp_path, face, kind):
    network, module = kept(tmp_path, kind, about="a test")
    assert (network.names, network.kind, network.about, network.frames) == (
        SEVEN,
        kind,
        "a test",
        1,
    )
    seen = [network.look(*face), network.look(np.ascontiguousarray(face[0][..., ::-1]), face[1])]
    whole = EmotionScores(module) if kind.startswith("emotionaldan") else module
    direct = scores(
        whole,
        tuple(torch.from_numpy(np.stack(part)) for part in zip(*seen, strict=True)),
        precision="32",
    )
    assert direct.shape == (2, 7)
    assert np.allclose(network.probabilities(seen), softmax(direct), atol=1e-6)
    assert np.allclose(network.probabilities(seen).sum(1), 1)


@pytest.mark.parametrize("kind", ["dtan", "dtgn", "dtagn"])
def test_a_network_of_sequences_answers_a_clip_as_in_training(tmp_path, face, kind):
    """Five frames are resampled to the four of the network, as `sequence_examples` does."""
    network, module = kept(tmp_path, kind)
    frames = []
    for i in range(5):
        frames.append(tmp_path / f"{i}.png")
        Image.fromarray(np.roll(face[0], 3 * i, axis=1)).save(frames[-1])
    clips = [Clip("mine", "a", "one", "fear", tuple(frames))]
    examples = [
        build_sequences(
            clips, prepare(clips, size, cache=tmp_path, grey=True, progress=False), SEVEN, 4
        )
        for size in (16, 64)
    ]
    inputs = {"dtan": (examples[0].pictures,), "dtgn": (examples[1].points,)}
    inputs["dtagn"] = inputs["dtan"] + inputs["dtgn"]
    seen = [
        network.look(picture, detect.find_face(picture))
        for picture in map(pictures.read_image, frames)
    ]
    answers = network.video_probabilities(seen)
    assert np.allclose(answers, softmax(scores(module, inputs[kind], precision="32")), atol=1e-4)
    assert answers.shape == (5, 7)


def test_a_long_film_is_answered_window_by_window(tmp_path, face):
    network, _ = kept(tmp_path, "dtan")
    seen = [network.look(np.roll(face[0], i, axis=1), face[1]) for i in range(13)]
    answers = network.video_probabilities(seen)
    assert [len(np.unique(answers[a:b], axis=0)) for a, b in ((0, 5), (5, 9), (9, 13))] == [1, 1, 1]
    assert len(np.unique(answers, axis=0)) == 3
    assert np.allclose(network.video_probabilities(seen[:5])[0], answers[0])


def test_the_file_says_what_it_holds(tmp_path):
    kept(tmp_path, "tandem", about="drawn faces")
    with safe_open(tmp_path / "tandem.safetensors", "numpy") as file:
        words = json.loads(file.metadata()["network"])
    assert words["kind"] == "tandem"
    assert words["arguments"]["identity"]["size"] == [55, 47]
    assert words["names"] == list(SEVEN)
    assert [(view["size"], view["window"], view["cut"]) for view in words["views"]] == [
        (64, [8, 6, 55, 61], "aligned"),
        (48, None, "aligned"),
    ]


# What does not fit


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"arguments": {"classes": 7, "depth": 3}}, r"resnet cannot be built from .*'depth'"),
        (
            {"arguments": {"classes": 7, "width": 0.25}},
            r"another architecture than resnet .*missing, first blocks\.5",
        ),
        (
            {"arguments": {"classes": 7, "kind": "resnet12"}},
            r"stem\.0\.weight, \(4, 3, 3, 3\) in place of \(16, 3,",
        ),
        ({"module": fresh("cnn2")}, "missing, first standardise|unknown, first convolutions"),
        (
            {"names": THREE},
            "another label set: the network gives 7 scores, "
            "but 3 classes are named: negative, neutral",
        ),
        ({"names": ["fear"] * 7}, "class names must be unique"),
        ({"views": [View(64)]}, r"cannot be shown .*expected pictures \(N, 3, 48, 48\)"),
        ({"views": [View(48), View(48)]}, "cannot be shown"),
    ],
)
def test_what_does_not_fit_is_not_saved(tmp_path, change, message):
    arguments, views = SMALL["resnet"]
    given = {
        "kind": "resnet",
        "arguments": arguments,
        "module": fresh("resnet"),
        "names": SEVEN,
        "views": views,
    }
    with pytest.raises(ValueError, match=message):
        save(tmp_path / "network.safetensors", **given | change)
    assert not list(tmp_path.iterdir())


def rewritten(path, **change):
    """The file with other words in its header."""
    words, arrays = read_sealed(path, "network")
    header = {"format": NETWORK_FORMAT, "network": json.dumps(words | change)}
    write_sealed(path, arrays, header)
    return path


def test_a_file_whose_words_do_not_fit_its_weights_is_not_loaded(tmp_path):
    kept(tmp_path, "resnet")
    path = tmp_path / "resnet.safetensors"
    with pytest.raises(
        ValueError, match=r"resnet\.safetensors: the weights are of another architecture than cnn5"
    ):
        load_network(rewritten(path, kind="cnn5", arguments=SMALL["cnn5"][0]))
    kept(tmp_path, "resnet")
    with pytest.raises(
        ValueError, match="another label set: the network gives 7 scores, but 3 classes"
    ):
        load_network(rewritten(path, names=list(THREE)))


def test_other_files_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no trained model .*gone"):
        load_network(tmp_path / "gone.safetensors")
    (tmp_path / "text.safetensors").write_text("no weights")
    with pytest.raises(ValueError, match="damaged or no safetensors file"):
        load_network(tmp_path / "text.safetensors")
    save_file({"x": torch.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(
        ValueError,
        match=r"holds no network that can be built \(None, expected 'ferkit network 2'\)",
    ):
        load_network(tmp_path / "other.safetensors")


def test_a_header_that_lacks_a_word_is_damaged(tmp_path):
    kept(tmp_path, "resnet")
    path = tmp_path / "resnet.safetensors"
    header = {"format": NETWORK_FORMAT, "network": json.dumps({"kind": "resnet"})}
    write_sealed(path, {"x": np.zeros(1)}, header)
    with pytest.raises(
        ValueError,
        match=r"resnet\.safetensors is damaged, or of another version of ferkit \('arguments'\)",
    ):
        load_network(path)


def test_an_unknown_kind_is_refused(tmp_path):
    """Two branches are no kind: the residual needs the person's other pictures."""
    kept(tmp_path, "resnet")
    path = rewritten(tmp_path / "resnet.safetensors", kind="two_branches")
    with pytest.raises(ValueError, match="unknown kind of network 'two_branches'; known: single_"):
        load_network(path)


# Maps


@still
def test_grad_cam_of_every_kind(tmp_path, face, kind):
    network, _ = kept(tmp_path, kind)
    maps = network_maps(network, [face] * 7, range(7))
    for heat, matrix in maps:
        assert heat.shape == network.views[-1].shape[1:]
        assert heat.min() >= 0
        assert heat.max() <= 1.001
        assert matrix.shape == (2, 3)
    assert np.ptp(np.stack([heat for heat, _ in maps])) > 0.1


def test_a_map_is_that_of_the_network_on_what_it_sees(tmp_path, face):
    network, module = kept(tmp_path, "single_branch")
    assert isinstance(module, SingleBranch)
    ((heat, _),) = network_maps(network, [face], [3])
    seen = torch.from_numpy(network.look(*face)[0])[None]
    assert np.allclose(heat, grad_cam(module, module.visual.trunk[13], seen, 3)[0], atol=1e-5)


def test_a_map_of_the_second_stage_is_turned_back_to_the_face(tmp_path, face):
    module, (arguments, views) = fresh("emotionaldan"), SMALL["emotionaldan"]
    assert isinstance(module, EmotionalDAN)
    turned = (module.first.mean_shape - 24) @ torch.tensor([[0.9, 0.4], [-0.4, 0.9]]) + 28
    with torch.no_grad():
        module.first.stage1.fc2_landmark.bias.copy_((turned - module.first.mean_shape).flatten())
    network = load_network(save(tmp_path / "x", "emotionaldan", arguments, module, SEVEN, views))
    ((heat, _),) = network_maps(network, [face], [2])
    seen = torch.from_numpy(network.look(*face)[0])[None]
    canonical = grad_cam(EmotionScores(module), module.stage2.conv4b, seen, 2)[0]
    with torch.no_grad():
        matrix = module.seen(seen.float() / 255)[1][0].numpy().astype(float)
    matrix[:, 2] += matrix[:, :2] @ (0.5, 0.5) - 0.5
    back = cv2.warpAffine(
        canonical, matrix, canonical.shape[::-1], flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    )
    assert np.abs(heat - back).max() < 0.05  # OpenCV samples in 32nds of a pixel
    assert np.abs(canonical - back).max() > 0.2


def test_the_tandem_network_is_explained_on_its_emotion_picture(tmp_path, face):
    network, module = kept(tmp_path, "tandem")
    assert isinstance(module.emotion, ResNet)
    ((heat, _),) = network_maps(network, [face], [1])
    whose, what = (torch.from_numpy(part)[None].float() / 255 for part in network.look(*face))
    maps: list[torch.Tensor] = []
    handle = module.emotion.blocks.register_forward_hook(lambda _m, _i, out: maps.append(out))
    score = module(whose, what)[0, 1]
    handle.remove()
    weights = torch.autograd.grad(score, maps[0])[0].mean((2, 3), keepdim=True)
    expected = torch.relu((weights * maps[0]).sum(1))[0].detach().numpy()
    expected = cv2.resize((expected - expected.min()) / np.ptp(expected), (48, 48))
    assert np.corrcoef(heat.ravel(), expected.ravel())[0, 1] > 0.999


def test_wrong_questions_are_said(tmp_path):
    network, _ = kept(tmp_path, "dtan")
    with pytest.raises(
        ValueError, match="Grad-CAM needs a network of single pictures, dtan looks at 4 frames"
    ):
        cam_layer(network)
    with pytest.raises(ValueError, match="no class 'contempt'; it has neutral, anger"):
        network.class_index("contempt")
    assert network.class_index("fear") == SEVEN.index("fear")


def test_a_stage_without_an_emotion_head_cannot_be_asked(tmp_path):
    first = FirstStage(0, torch.rand(68, 2), **DAN)
    with pytest.raises(ValueError, match="gives 0 scores, but 7 classes"):
        save(
            tmp_path / "x.safetensors",
            "emotionaldan_stage1",
            {"classes": 0, **DAN},
            first,
            SEVEN,
            [CROP],
        )


def test_a_centred_network_is_kept_with_its_centre(tmp_path):
    examples = torch.rand(5, 4, 16, 16)
    module = dtagn_network.centre_inputs(dtagn_network.build(DTAN, 4), examples).eval()
    path = save(
        tmp_path / "x.safetensors",
        "dtan",
        {"notation": DTAN, "frames": 4},
        module,
        SEVEN,
        SEQUENCE[:1],
        frames=4,
    )
    again = load_network(path).module
    assert torch.equal(again(examples), module(examples))


@pytest.mark.parametrize(
    ("kind", "change", "said"),
    [
        ("cnn2", {"classes": -1}, "cnn2 cannot be built from .*negative dimension"),
        ("dtan", {"notation": None}, "dtan cannot be built from .*'split'"),
        ("dtan", {"frames": 10**13}, "the weights are of another architecture than dtan"),
        ("cnn2", {"classes": 10**7}, "the weights are of another architecture than cnn2"),
        ("cnn2", {"width": float("inf")}, "cnn2 cannot be built from"),
    ],
)
def test_strange_words_are_said(tmp_path, kind, change, said):
    kept(tmp_path, kind)
    rewritten(tmp_path / f"{kind}.safetensors", arguments=dict(SMALL[kind][0]) | change)
    with pytest.raises(ValueError, match=rf"{kind}\.safetensors: {said}"):
        load_network(tmp_path / f"{kind}.safetensors")


@pytest.mark.parametrize(
    "change",
    [{"size": 30_000}, {"size": 0}, {"size": "48"}, {"face": -1}, {"side": -5}, {"margin": 1e9}]
    + [{"up": 1e12}, {"up": float("nan")}, {"window": [0, 0, 48]}, {"colour": 1}, {"grey": 1}],
)
def test_a_view_that_no_network_has_is_refused(tmp_path, change):
    path = tmp_path / "resnet.safetensors"
    kept(tmp_path, "resnet")
    with pytest.raises(ValueError, match=r"resnet\.safetensors: "):
        load_network(rewritten(path, views=[{"size": 48} | change]))


def test_strange_names_and_frames_are_refused(tmp_path):
    kept(tmp_path, "resnet")
    path = tmp_path / "resnet.safetensors"
    for change in ({"names": [None] * 7}, {"frames": 0}, {"frames": 10**9}, {"views": 3}):
        written = path.read_bytes()
        with pytest.raises(ValueError, match=r"resnet\.safetensors: "):
            load_network(rewritten(path, **change))
        path.write_bytes(written)


def test_weights_that_are_no_numbers_are_not_kept(tmp_path):
    module = fresh("resnet", 1)
    next(module.parameters()).data.fill_(torch.nan)
    with pytest.raises(ValueError, match="weights are not finite"):
        save(
            tmp_path / "r.safetensors",
            "resnet",
            SMALL["resnet"][0],
            module,
            SEVEN,
            SMALL["resnet"][1],
        )
    assert not list(tmp_path.iterdir())
