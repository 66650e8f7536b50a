"""Say what kind of file somebody gave as a picture, and how to turn it into one."""

_HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
HEIC = (
    "a HEIC picture, as phones take them: save it as JPEG, or install what reads it, "
    "`pip install pillow-heif`"
)
_SIGNATURES = {
    (b"version https://git-lfs",): "a Git LFS pointer, not the picture: run `git lfs pull`",
    (b"<!doctype html", b"<html"): "a web page, not the picture: download the picture again",
    (b"<svg", b"<?xml"): "an SVG drawing or another XML file: save it as PNG",
    (b"%pdf", b"%!ps", b"\xc5\xd0\xd3\xc6"): "a PDF or PostScript file: save it as PNG",
    (b"8bps",): "a Photoshop file: save it as PNG",
    (b"\xff\x0a", b"\0\0\0\x0cjxl "): "a JPEG XL picture: save it as JPEG or PNG",
    (b"pk\x03\x04", b"\x1f\x8b", b"rar!", b"7z\xbc\xaf"): "an archive: unpack it first",
    (b"riff", b"\x1a\x45\xdf\xa3"): "of no known kind; a video needs a suffix such as .mp4",
}


def describe_content(content: bytes) -> str:
    """Say what a file is by its first bytes, and what to do with it."""
    start = content[:64].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if content[4:8] == b"ftyp":
        heic = content[8:12] in _HEIC_BRANDS
        return HEIC if heic else "a video, it needs a suffix such as .mp4"
    for signatures, description in _SIGNATURES.items():
        if start.startswith(signatures):
            return description
    return "of no known kind"
