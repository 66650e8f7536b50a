"""AffectNet as students download it: sorted into folders of emotions, or for YOLO."""

from dataclasses import replace
from pathlib import Path

from ferkit.data.card import DataSet, Offer
from ferkit.data.clip import Clip
from ferkit.data.counts import Expected, verify_clips
from ferkit.data.layout import ANY_EMOTION, ANY_SPLIT, EMOTION_WORDS, Layout, read_layout
from ferkit.data.sets import affectnet

_NUMBERS = {str(code): emotion for code, emotion in enumerate(affectnet.CODES)}
FOLDERS_LAYOUT = Layout(
    "train/0/7.jpg or Train/happy/image0000006.jpg",
    (
        # RAF-DB and FER2013 have names of their own.
        rf"{ANY_SPLIT}/(?P<emotion>[0-7])/(?!train_|test_|training_|publictest_|privatetest_)[^/]+",
        rf"(?:{ANY_SPLIT}/)?{ANY_EMOTION}/(?:image|ffhq_)[0-9]+",
    ),
    EMOTION_WORDS | _NUMBERS,
)
FOLDERS_CARD = replace(
    affectnet.CARD,
    title="AffectNet as folders of emotions",
    missing="valence, arousal, landmarks and face boxes; most such copies are a part of AffectNet, "
    "resized (96 x 96 pixels) and split anew",
    forbids="comparing with published numbers where the copy is split anew; folds by person and "
    "residuals (nobody is named)",
    certainty="the order of the codes 0 to 7 is the provider's; folders and names: several "
    "published readers; the number of pictures differs from copy to copy",
)
_YOLO_CODES = dict(
    enumerate("anger contempt disgust fear happiness neutral sadness surprise".split())
)
_YOLO_SPLITS = {"train": 17_101, "val": 5_406, "test": 2_755}


def _yolo_code(picture: Path) -> str | None:
    """The class in the text beside a picture: `4 0.5 0.5 1 1` in labels/NAME.txt."""
    text = picture.parent.parent / "labels" / f"{picture.stem}.txt"
    try:
        words = text.read_text(encoding="utf-8").split()
    except (OSError, UnicodeDecodeError):
        return None
    return words[0] if words else None


YOLO_LAYOUT = Layout(
    "YOLO_format/train/images/image0000006.png",
    (rf"{ANY_SPLIT}/images/(?:image|ffhq_)[0-9]+",),
    {str(code): emotion for code, emotion in _YOLO_CODES.items()},
    _yolo_code,
)
YOLO_CARD = replace(
    affectnet.CARD,
    title="AffectNet in YOLO's format",
    missing="valence, arousal, landmarks and the provider's split; 25 262 pictures of 96 x 96 "
    "pixels instead of 291 651",
    forbids="comparing with published numbers; folds by person and residuals (nobody is named)",
    certainty="the order of the classes: several published readers; the numbers of pictures: one; "
    "names such as ffhq_12 belong to another set of pictures, and who labelled them is not known",
)
_YOLO_EXPECTED = Expected(
    counts={"clips": 25_262, **{f"{split} clips": n for split, n in _YOLO_SPLITS.items()}},
    unconfirmed=("clips", *(f"{split} clips" for split in _YOLO_SPLITS)),
)


def read_affectnet_folders(root: str | Path, verify: str = "warn") -> list[Clip]:
    """Read a copy in folders of emotions, by number or by word.

        root/
            train/0/..., val/7/..., test/0/...      codes as in the provider's tables; or
            Train/happy/image0000006.jpg            or without the folder of the split

    `split` is the folder's. Who is in a picture is unknown.
    """
    clips = read_layout("affectnet-folders", FOLDERS_LAYOUT, FOLDERS_CARD, root, verify)
    verify_clips(clips, None, verify)
    return clips


def read_affectnet_yolo(root: str | Path, verify: str = "warn") -> list[Clip]:
    """Read a copy for the detector YOLO; boxes are not read.

        root/
            YOLO_format/train/images/image0000006.png, ffhq_12.png
            YOLO_format/train/labels/image0000006.txt       class, box
            YOLO_format/valid/..., test/...

    Classes are anger, contempt, disgust, fear, happiness, neutral, sadness and surprise, 0 to 7.
    """
    clips = read_layout("affectnet-yolo", YOLO_LAYOUT, YOLO_CARD, root, verify)
    verify_clips(clips, _YOLO_EXPECTED, verify)
    return clips


DATA_SETS = (
    DataSet(
        "affectnet-folders",
        read_affectnet_folders,
        ("affectnet-folders", "affectnet", "AffectNet"),
        FOLDERS_CARD,
        Offer(8, identities=False),
        path=FOLDERS_LAYOUT.path,
    ),
    DataSet(
        "affectnet-yolo",
        read_affectnet_yolo,
        ("affectnet-yolo", "YOLO_format", "affectnet", "AffectNet"),
        YOLO_CARD,
        Offer(8, identities=False),
        _YOLO_EXPECTED,
        path=YOLO_LAYOUT.path,
    ),
)
