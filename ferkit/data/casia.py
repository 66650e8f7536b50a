"""CASIA-WebFace: half a million pictures of ten thousand people, as folders or packed; expressions are not marked."""

import re
from collections.abc import Sequence
from pathlib import Path

from ferkit.data import inside
from ferkit.data.cards import Card
from ferkit.data.clips import Clip
from ferkit.data.files import below, find_file, folders, image_files, not_found, report, shorten, text_lines, usable
from ferkit.data.verify import Expected, check_level, verify_clips

ROOTS = ("CASIA-WebFace", "CASIA_WebFace", "faces_webface_112x112")
PERSON = re.compile("[0-9]{7}")
EXPECTED = {  # the packed form is another selection
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
)


def expected_of(clips: Sequence[Clip]) -> Expected:
    """What a complete copy holds of the form that `clips` are of."""
    return EXPECTED["packed" if clips and inside.holder(clips[0].frames[0]) else "folders"]


def read_casia(root: str | Path, verify: str = "warn") -> list[Clip]:
    """The pictures with who is on them, `emotion` "": 494 414 of 10 575 people in folders, 490 623 of 10 572 packed.

        root/
            CASIA-WebFace/0000045/001.jpg               person, picture; or
            faces_webface_112x112/train.rec, train.idx  records (`data.inside`): the label is the person

    Nothing is unpacked: a packed picture's frame is its place in train.rec. FileNotFoundError when there is neither,
    ValueError when there are both, or when train.rec is cut off.
    """
    check_level(verify)
    root = Path(root).expanduser()
    packed = find_file(root, "train.rec")
    base = below(root, *ROOTS[:2]) or root
    people = [folder for folder in folders(base) if PERSON.fullmatch(folder.name)] if base.is_dir() else []
    if packed and people:
        raise ValueError(f"{root} has both forms, {packed} and {base}; give the folder of one as root")
    if packed:
        clips = _packed(packed, verify)
    else:
        paths = [path for person in people for path in image_files(person)]
        if not paths:
            raise not_found(CARD.title, root, "CASIA-WebFace/0000045/001.jpg and so on, or train.rec", CARD.ask)
        clips = [
            Clip("casia", path.parent.name, f"{path.parent.name}/{path.stem}", "", (path,))
            for path in usable(paths, "casia", verify)
        ]
    verify_clips(clips, expected_of(clips), verify)
    return clips


def _packed(file: Path, verify: str) -> list[Clip]:
    found = list(inside.record_labels(file))
    if (index := file.with_suffix(".idx")).is_file():
        places = {line.rpartition("\t")[2] for line in text_lines(index)}
        if unlisted := [place for place, _ in found if str(place) not in places]:
            report(f"casia: {len(unlisted)} record(s) are not in {index.name}: bytes {shorten(unlisted)}", verify)
    if not found:
        raise ValueError(f"{file} has records and no picture in them; it is not CASIA-WebFace's train.rec")
    return [
        Clip("casia", str(round(label)), f"{round(label)}/{number}", "", (file / str(place),))
        for number, (place, label) in enumerate(found)
    ]
