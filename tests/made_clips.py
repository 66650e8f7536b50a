"""Clips made up for the tests of folds and stills: no file behind them exists."""

from pathlib import Path

from ferkit.data.clip import Clip
from ferkit.data.sets import ckplus

# In CK+, the emotion cannot be told from the sequence number, but for contempt.
CONTEMPT = (
    "S138_008 S139_002 S147_002 S148_002 S149_002 S151_002 S154_002 S155_002 S156_002 "
    "S157_002 S158_002 S160_006 S502_002 S503_002 S504_002 S505_002 S506_002 S895_002"
).split()


def sequence(name, emotion="anger", frames=6, dataset="ckplus"):
    """A sequence whose last frame is the peak; the first four letters name the person."""
    paths = tuple(Path(f"{name}_{i:08d}.png") for i in range(frames))
    return Clip(dataset, name[:4], name, emotion, paths, sequence=name[5:], peak=frames - 1)


def ckplus_sequences():
    """CK+'s 327 sequences.

    Emotions other than contempt are dealt out so that their totals are right.
    """
    others = []
    for emotion, count in ckplus.EXPECTED.emotions.items():
        others += [emotion] * count * (emotion != "contempt")
    dealt = iter(others)
    return [
        sequence(name, "contempt" if name in CONTEMPT else next(dealt))
        for name in ckplus.EXPECTED.clips
    ]


def photographs(dataset, counts, split=None):
    """`counts[emotion]` pictures, each of a person of its own."""
    clips = []
    for emotion, count in counts.items():
        names = [f"{split or dataset}-{emotion}-{i}" for i in range(count)]
        clips += [
            Clip(dataset, name, name, emotion, (Path(f"{name}.jpg"),), split=split)
            for name in names
        ]
    return clips
