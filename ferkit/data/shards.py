"""Parts of a data set that are worked on one at a time, or by several computers, none of which knows of the others."""

import hashlib
import json
import re
from collections.abc import Iterable

from ferkit.data.clips import Clip

WHOLE = (1, 1)


def parse_shard(text: str) -> tuple[int, int]:
    """(i, n) of "i/n", the i-th of n shards, counted from 1; ValueError for anything else."""
    match = re.fullmatch(r"([0-9]+)/([0-9]+)", text.strip())
    shard = (int(match[1]), int(match[2])) if match else (0, 0)
    if not 1 <= shard[0] <= shard[1]:
        raise ValueError(f"shard {text!r}: expected i/n with i from 1 to n, such as 2/8")
    return shard


def shard_of(clips: Iterable[Clip], shard: tuple[int, int]) -> list[Clip]:
    """The clips of one shard, in their order: all of a person's together, where it is known who is who.

    A hash of the person decides, so a clip is in the same shard on every computer, also where a copy is not complete.
    Shards are about equal in size where there are many people; of a few, some may be empty.
    """
    number, count = shard
    places: dict[tuple[str, str], int] = {}

    def place(who: tuple[str, str]) -> int:
        if who not in places:
            places[who] = int.from_bytes(hashlib.sha256(json.dumps(who).encode()).digest()[:8], "big") % count
        return places[who]

    return [clip for clip in clips if place((clip.dataset, clip.person)) == number - 1]
