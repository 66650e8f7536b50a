"""Data by name: drawn sets are drawn first, others are read where they lie; and the real photographs that are at hand."""

from pathlib import Path

from ferkit import data
from ferkit.data.clips import Clip
from ferkit.data.cmu import frontal
from ferkit.data.drawn import read_drawn
from ferkit.data.shards import WHOLE, shard_of
from ferkit.faces.films import as_frames
from ferkit.paths import data_root
from ferkit.synthetic.sets import SETS, draw_set

# Photographs that drawn faces are compared with: those that look straight at the camera with open eyes.
PHOTOGRAPHS = {"london": lambda clips: clips, "cmu": frontal}


def load_clips(
    name: str,
    level: str = "lesson",
    seed: int = 0,
    root: str | Path | None = None,
    shard: tuple[int, int] = WHOLE,
) -> list[Clip]:
    """The clips of a data set: a drawn set at `level` (drawn now when it is not there yet), or one read from `root`.

    With `root`, a drawn set is read from there too, and nothing is drawn. Films become frames (`faces.films`), once. A
    large set is prepared in shards (`data.shards`), one after the other or on several computers:

        for i in range(1, 9):
            part = prepare(load_clips("casia", shard=(i, 8)), 224)
    """
    if name in SETS and not root:
        return shard_of(read_drawn(draw_set(name, level, seed), dataset=name), shard)
    return as_frames(shard_of(data.read(name, root or None), shard))


def load_photographs(root: str | Path | None = None) -> dict[str, list[Clip]]:
    """The real photographs found under `root` or FERKIT_DATA, by the name of their data set; empty when there are none."""
    base, found = data_root(root), {}
    for name, choose in PHOTOGRAPHS.items():
        known = data.dataset(name)
        folders = [base / folder for folder in known.folders if (base / folder).is_dir()] if base else []
        if folders:
            found[name] = choose(known.read(folders[0], verify="off"))
    return found
