"""JPEG files that lack their last bytes: which rows of the picture are affected.

A JPEG holds its picture in one or more scans, each from top to bottom. Once each coefficient of
each component has been begun in its last scan (successive approximation `Al` = 0; ITU-T T.81,
sections B.2.3 and G.1.2), only the rows after the cut are affected; before, all rows are.
"""

from collections.abc import Callable, Iterator

import numpy as np
from PIL import Image

END = b"\xff\xd9"  # the marker at the end of each JPEG; after it, decoders fill up with grey
_FRAMES = (0xC0, 0xC1, 0xC2)  # markers of a picture's size and components
_SCAN = 0xDA
_COEFFICIENTS = 64  # of a block of 8 x 8 pixels
_MARGIN = 16  # rows that are coded together


def first_missing_row(content: bytes, decode: Callable[[bytes], Image.Image]) -> int:
    """Find the row of the decoded picture from which on a cut-off file lacks pixels.

    The row is found by cutting off a little more and comparing. It may be too small, never too
    large; 0 where all rows are affected.
    """
    if not _last_scans_begun(content):
        return 0
    pixels = np.asarray(decode(content + END))
    lost = 64
    while lost < len(content) // 2:
        shorter = np.asarray(decode(content[:-lost] + END))
        different = np.flatnonzero((pixels != shorter).reshape(len(pixels), -1).any(1))
        if different.size:
            return max(0, int(different[0]) - _MARGIN)
        lost *= 4
    return 0


def _last_scans_begun(content: bytes) -> bool:
    missing = {(-1, 0)}  # component, coefficient; first of a component that has yet to be named
    for marker, segment in _segments(content):
        if marker in _FRAMES:
            components = segment[6::3]
            missing = {(part, index) for part in components for index in range(_COEFFICIENTS)}
        elif marker == _SCAN:
            count = segment[0]
            first, last, approximation = segment[1 + 2 * count : 4 + 2 * count]
            if approximation & 15 == 0:
                for component in segment[1 : 1 + 2 * count : 2]:
                    missing -= {(component, index) for index in range(first, last + 1)}
    return not missing


def _segments(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the markers of a JPEG with their segments, without what lies between them."""
    place = content.find(b"\xff", 2)
    while 0 <= place < len(content) - 4:
        marker = content[place + 1]
        if marker in (0x00, 0x01, 0xFF) or 0xD0 <= marker <= 0xD9:  # they have no segment
            place = content.find(b"\xff", place + 1 + (marker != 0xFF))
            continue
        length = int.from_bytes(content[place + 2 : place + 4], "big")
        segment = content[place + 4 : place + 2 + length]
        if len(segment) == length - 2:
            yield marker, segment
        place = content.find(b"\xff", place + 2 + length)
