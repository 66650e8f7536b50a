"""Downloads, from a small local server."""

import hashlib
import http.server
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from archive_files import content, tar_of, zip_of
from data_trees import junk, make_cmu, make_london

from ferkit.data import DATASETS, dataset, download
from ferkit.data.card import Download, RemoteFile
from ferkit.data.counts import Expected
from ferkit.data.download import digest_files, get
from ferkit.data.sets import cmu, london

pytestmark = pytest.mark.loopback


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serve a folder, record the requests, and break off chosen files half-way."""

    def __init__(self, *args, asked, broken, **kwargs):
        self.asked, self.broken = asked, broken
        super().__init__(*args, **kwargs)

    def do_GET(self):
        self.asked.append(self.path)
        if self.path not in self.broken:
            return super().do_GET()
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(b"half")
        self.close_connection = True

    def log_message(self, *args):
        pass


@pytest.fixture
def server(tmp_path, monkeypatch):
    """The served folder, its address, the paths asked for, and the paths that break off."""
    folder = tmp_path / "served"
    folder.mkdir()
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("FERKIT_DATA", raising=False)
    asked, broken = [], set()
    handler = partial(Handler, directory=str(folder), asked=asked, broken=broken)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, args=(0.01,))
        thread.start()
        yield folder, f"http://127.0.0.1:{httpd.server_address[1]}/", asked, broken
        httpd.shutdown()
        thread.join()


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def serve(monkeypatch, name, download):
    """Let a data set be downloaded in another way."""
    monkeypatch.setitem(DATASETS, name, replace(dataset(name), download=download))


def serve_from(monkeypatch, name, base):
    """Let a data set be downloaded from another address."""
    serve(monkeypatch, name, replace(dataset(name).download, base=base))


def serve_london(server, monkeypatch):
    """The made-up London tree as a source, with checksums where the real one has them."""
    folder, base, *_ = server
    make_london(folder)
    names = [
        f"{view}/{face}"
        for view, faces in (("neutral_front", ("001_03", "031_03")),)
        for face in faces
    ]
    files = [f"{name}.{kind}" for name in names for kind in ("jpg", "tem")]
    files += ["smiling_front/001_08.jpg", "smiling_front/031_08.jpg"]
    source = Download(
        base,
        (
            RemoteFile("london_info.csv", "london_info.csv", sha256(folder / "london_info.csv")),
            *(RemoteFile(path, path) for path in files),
        ),
        {
            pattern: digest_files(
                path for path in folder.glob(pattern) if not path.name.startswith(".")
            )
            for pattern in ("neutral_front/*.jpg", "neutral_front/*.tem", "smiling_front/*.jpg")
        },
    )
    serve(monkeypatch, "london", source)
    return source


def test_fetched_folders_are_read(server, monkeypatch, tmp_path):
    source = serve_london(server, monkeypatch)
    folder = get("london", tmp_path / "data", progress=False)
    assert folder == tmp_path / "data" / "london-faces"
    assert content(tmp_path / "data") == sorted(
        f"london-faces/{remote.path}" for remote in source.files
    )
    assert len(dataset("london").read(folder, verify="off")) == 4


def test_what_is_there_is_left_alone(server, monkeypatch, tmp_path):
    source = serve_london(server, monkeypatch)
    asked = server[2]
    folder = get("london", tmp_path, progress=False)
    assert len(asked) == len(source.files)
    junk(folder / "neutral_front")
    assert get("london", tmp_path, progress=False) == folder
    assert len(asked) == len(source.files)


def test_a_folder_with_something_else_is_not_touched(server, monkeypatch, tmp_path):
    serve_london(server, monkeypatch)
    folder = get("london", tmp_path, progress=False)
    (folder / "neutral_front" / "001_03.jpg").write_bytes(b"mine")
    before = content(tmp_path)
    with pytest.raises(
        FileExistsError,
        match=r"london-faces exists, but the files neutral_front/\*\.jpg are not all",
    ):
        get("london", tmp_path, progress=False)
    (folder / "smiling_front" / "001_08.jpg").unlink()
    with pytest.raises(FileExistsError, match="move it away"):
        get("london", tmp_path, progress=False)
    assert content(tmp_path) == [
        path for path in before if not path.endswith("smiling_front/001_08.jpg") or "served" in path
    ]


def test_a_stopped_download_goes_on(server, monkeypatch, tmp_path):
    source = serve_london(server, monkeypatch)
    _, _, asked, broken = server
    stop = 3
    broken.add(f"/{source.files[stop].path}")
    with pytest.raises(
        ConnectionError,
        match=r"could not download neutral_front/031_03\.jpg.*try again to continue",
    ):
        get("london", tmp_path / "data", progress=False)
    assert not (tmp_path / "data" / "london-faces").exists()
    part = tmp_path / "data" / ".london-faces.part"
    assert content(part) == sorted(remote.path for remote in source.files[:stop])
    (part / "neutral_front" / "tmp1234").write_bytes(b"left by a run that was killed")
    broken.clear()
    asked.clear()
    folder = get("london", tmp_path / "data", progress=False)
    assert asked == [f"/{remote.path}" for remote in source.files[stop:]]
    assert content(folder) == sorted(remote.path for remote in source.files)
    assert not part.exists()


FRONT = [
    f".london-faces.part/neutral_front/{person}_03.{kind}"
    for person in ("001", "031")
    for kind in ("jpg", "tem")
]


@pytest.mark.parametrize(
    ("changed", "kept"),
    [
        ("london_info.csv", []),
        ("smiling_front/031_08.jpg", [".london-faces.part/london_info.csv", *FRONT]),
    ],
)
def test_a_wrong_checksum_costs_the_wrong_files_only(server, monkeypatch, tmp_path, changed, kept):
    serve_london(server, monkeypatch)
    good = (server[0] / changed).read_bytes()
    (server[0] / changed).write_bytes(b"something else")
    with pytest.raises(
        ValueError,
        match=r"london was downloaded from http.*(does not have|not all as published)"
        r".*The good files were kept",
    ):
        get("london", tmp_path / "data", progress=False)
    assert content(tmp_path / "data") == [".london-faces.lock", *kept]
    (server[0] / changed).write_bytes(good)
    assert get("london", tmp_path / "data", progress=False).is_dir()


@pytest.mark.parametrize("link", [".london-faces.part", ".london-faces.part/neutral_front"])
def test_a_link_in_the_way_is_refused(server, monkeypatch, tmp_path, link):
    serve_london(server, monkeypatch)
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("mine")
    (tmp_path / "data" / link).parent.mkdir(parents=True)
    (tmp_path / "data" / link).symlink_to(mine)
    with pytest.raises(FileExistsError, match=f"{link} is a link; delete it and try again"):
        get("london", tmp_path / "data", progress=False)
    assert content(mine) == ["thesis.txt"]


def test_endless_and_slow_answers_end(server, monkeypatch, tmp_path):
    serve_london(server, monkeypatch)
    monkeypatch.setattr(download, "_MOST_BYTES", 10)
    with pytest.raises(ConnectionError, match="london_info.csv: the file has more than"):
        get("london", tmp_path / "data", progress=False)
    monkeypatch.setattr(download, "_MOST_BYTES", 1000)
    monkeypatch.setattr(download, "_PATIENCE", 0)
    monkeypatch.setattr(download, "_SLOWEST", 1e12)
    with pytest.raises(ConnectionError, match="london_info.csv: only .* bytes came in 0 seconds"):
        get("london", tmp_path / "data", progress=False)


def test_several_downloads_at_once_share_one(server, monkeypatch, tmp_path):
    source = serve_london(server, monkeypatch)
    with ThreadPoolExecutor(3) as pool:
        running = [pool.submit(get, "london", tmp_path / "data", False) for _ in range(3)]
    assert {done.result() for done in running} == {tmp_path / "data" / "london-faces"}
    assert len(server[2]) == len(source.files)


def test_no_server_is_said(tmp_path, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    serve_from(monkeypatch, "ferplus", "http://127.0.0.1:9/")
    with pytest.raises(ConnectionError, match=r"could not download fer2013new\.csv"):
        get("ferplus", tmp_path, progress=False)


def test_missing_on_the_server_is_said(server, monkeypatch, tmp_path):
    serve_from(monkeypatch, "ferplus", server[1])
    with pytest.raises(ConnectionError, match="404"):
        get("ferplus", tmp_path / "data", progress=False)
    assert not (tmp_path / "data" / "ferplus").exists()


def pack_cmu(folder):
    """The made-up CMU tree as UCI packs it: a zip with a tar.gz in it, Apple's twins included."""
    make_cmu(folder / "tree")
    members = {
        f"faces/{name}": (folder / "tree" / "faces" / name).read_bytes()
        for name in content(folder / "tree" / "faces")
    }
    inner = tar_of(folder / "inner", members)
    zip_of(
        folder / "cmu+face+images.zip",
        {"faces.tar.gz": inner.read_bytes(), "faces.data.html": b"<html>"},
    )


def test_archives_are_unpacked_and_counted(server, monkeypatch, tmp_path):
    folder, base, asked, _ = server
    pack_cmu(folder)
    serve_from(monkeypatch, "cmu", base)
    monkeypatch.setattr(cmu, "EXPECTED", Expected(people=("an2i", "kk49")))
    target = get("cmu", tmp_path / "data", progress=False)
    assert target == tmp_path / "data" / "cmu-faces"
    assert sorted(path.name for path in target.iterdir()) == ["faces", "faces.data.html"]
    assert len(dataset("cmu").read(target)) == 4
    assert get("cmu", tmp_path / "data", progress=False) == target
    assert asked == ["/cmu+face+images.zip"]


def test_other_counts_are_a_warning(server, monkeypatch, tmp_path):
    pack_cmu(server[0])
    serve_from(monkeypatch, "cmu", server[1])
    with pytest.warns(UserWarning, match="2 people instead of 20"):
        assert get("cmu", tmp_path / "data", progress=False).is_dir()


@pytest.mark.parametrize("data", [b"<html>maintenance</html>", b"PK\x03\x04 broken off"])
def test_a_damaged_archive_leaves_nothing(server, monkeypatch, tmp_path, data):
    (server[0] / "cmu+face+images.zip").write_bytes(data)
    serve_from(monkeypatch, "cmu", server[1])
    with pytest.raises(ValueError, match=r"cmu-face-images\.zip is damaged"):
        get("cmu", tmp_path / "data", progress=False)
    assert content(tmp_path / "data") == [".cmu-faces.lock"]


def test_an_archive_of_something_else_leaves_nothing(server, monkeypatch, tmp_path):
    zip_of(server[0] / "cmu+face+images.zip", {"readme.txt": b"moved"})
    serve_from(monkeypatch, "cmu", server[1])
    with pytest.raises(ValueError, match="no CMU Face Images in .* Nothing was kept"):
        get("cmu", tmp_path / "data", progress=False)
    assert content(tmp_path / "data") == [".cmu-faces.lock"]


def test_closed_data_sets_are_not_fetched(tmp_path, monkeypatch):
    with pytest.raises(
        ValueError, match=r"folder cannot be downloaded: .* can be downloaded: cmu, ferplus, london"
    ):
        get("folder", tmp_path)
    with pytest.raises(ValueError, match="ckplus cannot be downloaded: sign the agreement"):
        get("ckplus", tmp_path)
    with pytest.raises(ValueError, match="unknown data set"):
        get("ck", tmp_path)
    monkeypatch.delenv("FERKIT_DATA", raising=False)
    with pytest.raises(FileNotFoundError, match="give a root or set FERKIT_DATA"):
        get("london")


def test_the_table_of_sources():
    sources = {name: record.download for name, record in DATASETS.items() if record.download}
    assert list(sources) == ["cmu", "ferplus", "london"]
    for name, source in sources.items():
        assert dataset(name).card.open_download
        assert source.base.startswith("https://")
        assert source.base.endswith("/")
        assert len({remote.path for remote in source.files}) == len(source.files)
    paths = [remote.path for remote in sources["london"].files]
    assert len(paths) == 1 + 3 * 102
    assert [path for path in paths if "031" in path] == [
        "neutral_front/031_03.jpg",
        "neutral_front/031_03.tem",
        "smiling_front/031_08.jpg",
    ]
    assert {f"{name}.jpg" for name in london.EXPECTED.clips} == {
        Path(path).name for path in paths if path.endswith(".jpg")
    }


def test_digest_is_the_published_rule(tmp_path):
    for name, data in (("b.jpg", b"2"), ("a.jpg", b"1")):
        (tmp_path / name).write_bytes(data)
    lines = "".join(
        f"{hashlib.sha256(data).hexdigest()}  {name}\n"
        for name, data in (("a.jpg", b"1"), ("b.jpg", b"2"))
    )
    assert digest_files(tmp_path.iterdir()) == hashlib.sha256(lines.encode()).hexdigest()


def test_checksums_fit_the_files_we_have(real_data):
    for name in ("ferplus", "london"):
        folder = real_data / dataset(name).folders[0]
        for remote in dataset(name).download.files:
            if remote.sha256:
                assert sha256(folder / remote.path) == remote.sha256


def test_one_bar_counts_files(server, monkeypatch, tmp_path, capsys):
    serve_london(server, monkeypatch)
    get("london", tmp_path / "data")
    assert "7/7" in capsys.readouterr().err
