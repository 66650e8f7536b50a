"""Mutate inputs and state, kill at file events, and judge what ferkit makes of it.

    python tests/campaign.py --seed 0 --minutes 20 --only pictures,tables
    python tests/campaign.py --seed 0 --only pictures:17 --keep some/folder

Everything is made from the seed; no photograph is used. Each try is a process forked from this one,
with a time limit, a memory limit and a folder of its own. It falls short with a traceback, a crash
(a signal, or no memory), a hang, a silent change (another result than without the mutation, and no
message), something written or deleted outside the folder, a network connection, lost work (an
input changed; rows of other pictures missing; after a kill: a result that differs, work done
twice), or litter (files that an unkilled run does not leave).
"""

# ruff: noqa: E402, T201
import argparse
import os
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

os.environ |= {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENCV_FFMPEG_LOGLEVEL": "-8"}
sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1])]

from campaign_kinds import KILLS, KINDS, Kind
from forked import Outcome, attempt


class Campaign:
    """The tries of a seed, and what fell short."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        self.seed = seed
        self.tries: Counter[str] = Counter()
        self.held: Counter[str] = Counter()
        self.shortfalls: list[str] = []
        self.unchanged: dict[tuple[str, str], tuple[Outcome, set[str]]] = {}

    def mutate(self, name: str, number: int) -> None:
        """Mutate an input or state once, and judge what comes of it."""
        kind = KINDS[name]
        rng = random.Random(f"{self.seed} {name} {number}")
        variant = rng.choice(kind.variants.split())
        expected, _ = self._unchanged(kind, name, variant)
        folder = self._copy(name, variant, number)
        what, quiet = kind.mutate(folder, rng)
        before = _inputs(folder) if kind.is_input else {}
        outcome = attempt(kind.act, folder)
        faults = _judge(outcome)
        if not faults and not quiet and not outcome.has_message:
            if outcome.result != expected.result:
                faults.append("silent")
        if name in ("pictures", "videos") and outcome.end == "done":
            untouched = self._untouched(kind, name, variant, expected)
            if not untouched <= Counter(outcome.result):
                faults.append("lost: rows of other files")
        if kind.is_input and _inputs(folder, before) != before:
            faults.append("lost: an input changed")
        self._note(name, f"{name}:{number} {variant}: {what}", faults, outcome, folder)

    def kill(self, name: str, number: int) -> bool:
        """Kill at one file event, run again, and judge; False when there are no more events."""
        kind = KILLS[name]
        expected, files = self._unchanged(kind, name, kind.variants)
        order = list(range(1, expected.events + 1))
        random.Random(f"{self.seed} {name}").shuffle(order)
        if number >= len(order):
            return False
        folder = self._copy(name, kind.variants, number)
        killed_before = order[number]
        killed = attempt(kind.act, folder, killed_before)
        if killed.end != "crash":  # threads took another order, and there were fewer events
            return True
        outcome = attempt(kind.act, folder)
        faults = _judge(outcome)
        if not faults and outcome.result != expected.result:
            faults.append("lost: another result")
        done_twice = killed.work + outcome.work - expected.work
        if not faults and done_twice > kind.repeats:
            faults.append(f"lost: {done_twice} of {expected.work} units done again")
        if litter := sorted(_names(folder) - files):
            faults.append(f"litter: {', '.join(litter)[:80]}")
        what = f"{name}:{number} before event {killed_before} of {expected.events}"
        self._note(name, what, faults, outcome, folder)
        return True

    def _unchanged(self, kind: Kind, name: str, variant: str) -> tuple[Outcome, set[str]]:
        """The outcome without a mutation, and the files that it leaves."""
        key = name, variant
        if key not in self.unchanged:
            base = self.folder / "base" / f"{name}-{variant}"
            base.mkdir(parents=True)
            kind.make(base, variant)
            folder = self._copy(name, variant, -1)
            outcome = attempt(kind.act, folder)
            if outcome.end != "done" or not outcome.result:
                raise RuntimeError(f"{name} {variant} fails without a mutation:\n{outcome}")
            self.unchanged[key] = outcome, _names(folder)
            shutil.rmtree(folder.parent)
        return self.unchanged[key]

    def _untouched(self, kind: Kind, name: str, variant: str, expected: Outcome) -> Counter:
        """The rows of the files that are not mutated."""
        key = name, f"{variant} alone"
        if key not in self.unchanged:
            folder = self._copy(name, variant, -2)
            next((folder / "pictures").glob("b.*")).unlink()
            self.unchanged[key] = attempt(kind.act, folder), set()
            shutil.rmtree(folder.parent)
        return Counter(self.unchanged[key][0].result)

    def _copy(self, name: str, variant: str, number: int) -> Path:
        """A fresh copy of what was made, beside a folder that is none of its business."""
        place = self.folder / f"{name}-{number}"
        shutil.copytree(self.folder / "base" / f"{name}-{variant}", place / "inside")
        (place / "outside").mkdir()
        (place / "outside" / "thesis.txt").write_text("mine")
        return place / "inside"

    def _note(
        self, name: str, what: str, faults: list[str], outcome: Outcome, folder: Path
    ) -> None:
        thesis = folder.parent / "outside" / "thesis.txt"
        if not thesis.is_file() or thesis.read_text() != "mine":
            faults.append("outside: thesis.txt")
        self.tries[name] += 1
        self.held[name] += not faults
        if faults:
            last = outcome.text.strip().splitlines()[-1:] or [str(outcome.result)[:120]]
            self.shortfalls.append(f"{what}: {'; '.join(faults)} | {last[0][:160]}")
            print(self.shortfalls[-1], flush=True)
        else:
            shutil.rmtree(folder.parent)

    def __str__(self) -> str:
        lines = [f"{'kind':<14} {'tries':>6} {'held':>6} {'fell short':>11}"]
        for name, count in self.tries.items():
            held = self.held[name]
            lines.append(f"{name:<14} {count:>6} {held:>6} {count - held:>11}")
        total, held = self.tries.total(), self.held.total()
        lines.append(f"{'all':<14} {total:>6} {held:>6} {total - held:>11}")
        return "\n".join(lines)


def _judge(outcome: Outcome) -> list[str]:
    """What is wrong whatever was expected."""
    faults = [] if outcome.end in ("done", "refused") else [outcome.end]
    return faults + [f"outside: {place}" for place in outcome.outside[:2]]


def _names(folder: Path) -> set[str]:
    """The files below a folder, without locks and what temporary files may lie in."""
    files = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return {str(file) for file in files if file.parts[0] != "cache" and "lock" not in file.name}


def _inputs(folder: Path, names: Any = None) -> dict[Path, bytes | None]:
    """The files that are there, or those of `names`, with their contents."""
    files = names or [path for path in folder.rglob("*") if path.is_file()]
    return {path: path.read_bytes() if path.is_file() else None for path in files}


def main() -> int:
    """Run the campaign; return 1 when anything fell short."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seed", default="0")
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--tries", type=int, default=110, help="of each kind")
    parser.add_argument("--only", default="", help="kinds, by commas, or KIND:NUMBER")
    parser.add_argument("--keep", type=Path, help="folder for what fell short")
    options = parser.parse_args()
    if options.keep:
        options.keep.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="ferkit-campaign-", dir=options.keep)).resolve()
    campaign = Campaign(folder, options.seed)
    chosen, _, number = options.only.partition(":")
    names = chosen.split(",") if chosen else [*KINDS, *KILLS]
    deadline = time.monotonic() + 60 * options.minutes
    for index in [int(number)] if number else range(options.tries):
        for name in list(names):
            if time.monotonic() > deadline:
                break
            if name in KINDS:
                campaign.mutate(name, index)
            elif not campaign.kill(name, index):
                names.remove(name)
    print(campaign)
    if not options.keep:
        shutil.rmtree(folder)
    return bool(campaign.shortfalls)


if __name__ == "__main__":
    sys.exit(main())
