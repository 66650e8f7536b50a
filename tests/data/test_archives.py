"""Archives that are unpacked, and those that are refused."""

import gzip
import lzma
import tarfile
import zipfile

import pytest
from archive_files import content, tar_of, zip_of

from ferkit.data import archives
from ferkit.data.archives import unpack

CLIMBING = [
    "../outside.txt",
    "a/../../outside.txt",
    "/outside.txt",
    "C:/outside.txt",
    r"..\outside.txt",
    r"\\server\x",
]


@pytest.mark.parametrize("name", CLIMBING)
@pytest.mark.parametrize("pack", [zip_of, tar_of])
def test_a_climbing_member_is_refused_before_anything_is_written(tmp_path, pack, name):
    archive = pack(tmp_path / "archive", {"good.txt": b"good", name: b"bad"})
    folder = tmp_path / "deep" / "folder"
    with pytest.raises(ValueError, match="archive is not safe to unpack"):
        unpack(archive, folder)
    assert content(tmp_path) == ["archive"]


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_in_a_tar_are_refused(tmp_path, kind):
    with tarfile.open(tmp_path / "archive", "w") as archive:
        archive.addfile(tarfile.TarInfo("good.txt"))
        info = tarfile.TarInfo("link")
        info.type, info.linkname = kind, "../../outside"
        archive.addfile(info)
    with pytest.raises(
        ValueError, match="'link' is a link or leaves the folder; nothing was written"
    ):
        unpack(tmp_path / "archive", tmp_path / "folder")
    assert content(tmp_path) == ["archive"]


def test_links_in_a_zip_are_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "archive", "w") as archive:
        info = zipfile.ZipInfo("link")
        info.create_system, info.external_attr = 3, 0o120777 << 16
        archive.writestr(info, "../../outside")
    with pytest.raises(ValueError, match="'link' is a link"):
        unpack(tmp_path / "archive", tmp_path / "folder")


@pytest.mark.parametrize("pack", [zip_of, tar_of])
def test_good_archives_are_unpacked(tmp_path, pack):
    members = {"a/b/c.txt": b"c", "d..txt": b"d", "e.txt": b""}
    unpack(pack(tmp_path / "archive", members), tmp_path / "folder")
    assert {
        name: (tmp_path / "folder" / name).read_bytes() for name in content(tmp_path / "folder")
    } == members


def test_a_broken_off_tar_is_damaged(tmp_path):
    archive = tar_of(tmp_path / "archive", {"a.txt": bytes(range(256)) * 40})
    archive.write_bytes(archive.read_bytes()[:-40])
    with pytest.raises(ValueError, match="archive is damaged"):
        unpack(archive, tmp_path / "folder")


@pytest.mark.parametrize("pack", [zip_of, tar_of])
@pytest.mark.parametrize(
    ("name", "fault"), [("a/" * 2000 + "b", "50 folders deep"), ("a" * 300, "is too long")]
)
def test_odd_names_are_refused_before_anything_is_written(tmp_path, pack, name, fault):
    archive = pack(tmp_path / "archive", {"good.txt": b"good", name: b"bad"})
    with pytest.raises(ValueError, match=f"archive is not safe to unpack: .*{fault}"):
        unpack(archive, tmp_path / "folder")
    assert content(tmp_path) == ["archive"]


def test_a_member_without_a_name_is_refused(tmp_path):
    archive = zip_of(tmp_path / "archive", {"x": b"bad"})
    archive.write_bytes(archive.read_bytes().replace(b"x", b""))
    with pytest.raises(ValueError, match="^archive is "):
        unpack(archive, tmp_path / "folder")


@pytest.mark.parametrize("pack", [zip_of, tar_of])
def test_bombs_are_refused_before_anything_is_written(tmp_path, monkeypatch, pack):
    monkeypatch.setattr(archives, "_MOST_BYTES", 1000)
    archive = pack(tmp_path / "archive", {"zeros": bytes(100_000)})
    if pack is zip_of:
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as zipped:
            zipped.writestr("zeros", bytes(100_000))
    with pytest.raises(ValueError, match=r"archive would unpack to more than .* MB; nothing was"):
        unpack(archive, tmp_path / "folder")
    assert content(tmp_path) == ["archive"]


def test_a_member_never_becomes_larger_than_listed(tmp_path):
    archive = tmp_path / "archive"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.writestr("zeros", bytes(100_000))
    size = (100_000).to_bytes(4, "little")
    archive.write_bytes(archive.read_bytes().replace(size, (10).to_bytes(4, "little")))
    with pytest.raises(ValueError, match="archive is damaged"):
        unpack(archive, tmp_path / "folder")
    assert sum(path.stat().st_size for path in (tmp_path / "folder").rglob("*")) <= 10


def test_encrypted_and_damaged_archives_are_one_error(tmp_path):
    encrypted = zip_of(tmp_path / "encrypted", {"a.txt": b"secret"})
    content_of_zip = bytearray(encrypted.read_bytes())
    content_of_zip[6] |= 1
    content_of_zip[content_of_zip.index(b"PK\x01\x02") + 8] |= 1
    encrypted.write_bytes(content_of_zip)
    unknown = tmp_path / "unknown"
    with zipfile.ZipFile(unknown, "w", zipfile.ZIP_LZMA) as zipped:
        zipped.writestr("a.txt", bytes(range(256)) * 9)
    broken = bytearray(unknown.read_bytes())
    broken[60:90] = bytes(30)
    unknown.write_bytes(broken)
    squeezed = tmp_path / "squeezed"
    squeezed.write_bytes(lzma.compress(bytes(9999))[:-20])
    zipped_half = tmp_path / "half"
    zipped_half.write_bytes(gzip.compress(bytes(range(256)) * 40)[:-9])
    for archive in (encrypted, unknown, squeezed, zipped_half):
        with pytest.raises(ValueError, match=f"{archive.name} is damaged or encrypted"):
            unpack(archive, tmp_path / "folder")
