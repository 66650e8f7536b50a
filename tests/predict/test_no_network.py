"""No input makes `ferkit predict` send a request."""

import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pandas as pd
import pytest
from film_files import WALL, write_film
from PIL import Image
from predicted import ask

pytestmark = pytest.mark.loopback

PROJECT = Path(__file__).resolve().parents[2]
PLAYLIST = """#EXTM3U
#EXT-X-VERSION:3
#EXT-X-TARGETDURATION:4
#EXTINF:4,
{url}/part.ts
#EXT-X-ENDLIST
"""
MANIFEST = """<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"
mediaPresentationDuration="PT4S"><Period><AdaptationSet mimeType="video/mp4"><Representation id="1"
bandwidth="9"><BaseURL>{url}/part.mp4</BaseURL></Representation></AdaptationSet></Period></MPD>"""


@pytest.fixture
def requests():
    """A server on this computer: its address, and the requests that it gets."""
    received = []

    class Handler(BaseHTTPRequestHandler):
        def handle(self):
            received.append(self.client_address)

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield f"127.0.0.1:{server.server_port}", received
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.filterwarnings("ignore")
def test_addresses_in_tables_and_playlists_are_not_fetched(
    tmp_path, monkeypatch, requests, picture_network
):
    host, received = requests
    monkeypatch.chdir(tmp_path)
    (tmp_path / "list.mp4").write_text(PLAYLIST.format(url=f"http://{host}"))
    (tmp_path / "list.avi").write_text(PLAYLIST.format(url=f"http://{host}"))
    (tmp_path / "dash.mp4").write_text(MANIFEST.format(url=f"http://{host}"))
    (tmp_path / "concat.mp4").write_text(f"ffconcat version 1.0\nfile http://{host}/a.mp4\n")
    (tmp_path / "a.svg.png").write_text(f'<svg><image href="http://{host}/a.png"/></svg>')
    Image.fromarray(WALL).save(tmp_path / "wall.png")
    names = ["list.mp4", "list.avi", "dash.mp4", "concat.mp4", "a.svg.png", "wall.png"]
    for scheme in ("http", "https", "rtsp", "tcp", "udp", "ftp"):
        names += [f"{scheme}://{host}/a.mp4", f"{scheme}://{host}/a.png"]
    (tmp_path / "list.csv").write_text("path\n" + "\n".join(names) + "\n")
    table = ask("list.csv", picture_network)
    assert table["path"].tolist() == names
    assert len(table.attrs["unreadable"]) == len(names) - 1
    assert not received


@pytest.mark.filterwarnings("ignore")
def test_a_folder_named_like_a_protocol_is_a_folder(
    tmp_path, monkeypatch, requests, film, picture_network
):
    host, received = requests
    monkeypatch.chdir(tmp_path)
    inside = tmp_path / "http:" / host
    inside.mkdir(parents=True)
    film.rename(inside / "12:30:05 talk.avi")
    for path in (f"http:/{host}/12:30:05 talk.avi", f"http://{host}", "http:"):
        assert ask(path, picture_network)["emotion"].all()
    monkeypatch.chdir(inside)
    assert len(ask("12:30:05 talk.avi", picture_network, every=5)) == 2
    assert not received


def test_predict_works_without_a_network(tmp_path, drawn_face, picture_network):
    apart = ["unshare", "--map-root-user", "--net"]
    try:
        allowed = subprocess.run([*apart, "true"], capture_output=True).returncode == 0
    except OSError:
        allowed = False
    if not allowed:
        pytest.skip("this system allows no network namespaces")
    Image.fromarray(drawn_face[0]).save(tmp_path / "one.png")
    write_film(tmp_path / "film.avi", [WALL] * 3)
    out = tmp_path / "out.csv"
    command = [sys.executable, "-m", "ferkit", "predict", tmp_path, "--model", picture_network]
    environment = os.environ | {"PYTHONPATH": str(PROJECT)}
    done = subprocess.run(
        [*apart, *command, "--out", out], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert len(pd.read_csv(out)) == 2
