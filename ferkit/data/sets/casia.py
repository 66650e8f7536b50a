"""CASIA-WebFace: half a million pictures of ten thousand people, without expression labels."""

import re
from collections.abc import Sequence
from pathlib import Path

from ferkit.core.files import expand_home
from ferkit.data import packed
from ferkit.data.card import Card, DataSet, Offer
from ferkit.data.clip import Clip
from ferkit.data.counts import Expected, check_level, verify_clips
from ferkit.data.listing import below, find_file, folders, image_files, not_found, text_lines
from ferkit.data.reports import count_noun, keep_usable, report, shorten

ROOTS = ("CASIA-WebFace", "CASIA_WebFace", "faces_webface_112x112")
_PERSON = re.compile("[0-9]{7}")
# The packed form is another selection.
EXPECTED = {
    "folders": Expected(counts={"clips": 494_414, "people": 10_575}),
    "packed": Expected(counts={"clips": 490_623, "people": 10_572}),
}
CARD = Card(
    title="CASIA-WebFace",
    source="D. Yi, Z. Lei, S. Liao, S. Li, arXiv 1411.7923, 2014",
    licence="on request, research only",
    consent="none: photographs of known people, collected from the web",
    terms="not to be passed on; no picture is shown here",
    ask="ask the Institute of Automation, Chinese Academy of Sciences (CBSR)",
    may_show=False,
    open_download=False,
    bias="actors and actresses of a film database; some are in LFW too",
    certainty="names and both totals: several sources; the packed form is another selection",
)


def expected_of(clips: Sequence[Clip]) -> Expected:
    """Return what a complete copy holds of the form that `clips` are of."""
    is_packed = clips and packed.holder(clips[0].frames[0])
    return EXPECTED["packed" if is_packed else "folders"]


def read_casia(root: str | Path, verify: str = "warn") -> list[Clip]:
    """Read the pictures and who is in them; `emotion` is "".

        root/
            CASIA-WebFace/0000045/001.jpg               person, picture; or
            faces_webface_112x112/train.rec, train.idx  records (`data.packed`) labelled by person

    Folders hold 494 414 pictures of 10 575 people, the packed form 490 623 of 10 572. Nothing is
    unpacked: the frame of a packed picture is its place in train.rec. Raises FileNotFoundError
    when there is neither form, ValueError when there are both, or when train.rec is cut off.
    """
    check_level(verify)
    root = expand_home(root)
    records = find_file(root, "train.rec")
    base = below(root, *ROOTS[:2]) or root
    subfolders = folders(base) if base.is_dir() else []
    people = [folder for folder in subfolders if _PERSON.fullmatch(folder.name)]
    if records and people:
        raise ValueError(
            f"{root} has both forms, {records} and {base}; give the folder of one as root"
        )
    clips = _from_records(records, verify) if records else _from_folders(root, people, verify)
    verify_clips(clips, expected_of(clips), verify)
    return clips


def _from_folders(root: Path, people: Sequence[Path], verify: str) -> list[Clip]:
    paths: list[Path] = []
    for person in people:
        paths += image_files(person)
    if not paths:
        expected = "CASIA-WebFace/0000045/001.jpg and so on, or train.rec"
        raise not_found(CARD.title, root, expected, CARD.ask)
    clips = []
    for path in keep_usable(paths, "casia", verify):
        name = f"{path.parent.name}/{path.stem}"
        clips.append(Clip("casia", path.parent.name, name, "", (path,)))
    return clips


def _from_records(file: Path, verify: str) -> list[Clip]:
    records = list(packed.record_labels(file))
    index = file.with_suffix(".idx")
    if index.is_file():
        listed = {line.rpartition("\t")[2] for line in text_lines(index)}
        unlisted = [start for start, _ in records if str(start) not in listed]
        if unlisted:
            count = count_noun(unlisted, "record")
            report(f"casia: {count} missing from {index.name}: bytes {shorten(unlisted)}", verify)
    if not records:
        raise ValueError(
            f"{file} has records and no picture in them; it is not CASIA-WebFace's train.rec"
        )
    clips = []
    for number, (start, label) in enumerate(records):
        person = str(round(label))
        clips.append(Clip("casia", person, f"{person}/{number}", "", (file / str(start),)))
    return clips


DATA_SET = DataSet(
    "casia",
    read_casia,
    ("casia", *ROOTS),
    CARD,
    Offer(0),
    expected_of,
    path=r"train\.rec$|[0-9]{7}/[0-9]+\.jpg$",
)
