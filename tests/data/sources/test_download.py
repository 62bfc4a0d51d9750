from __future__ import annotations

import hashlib
import io
import threading
import urllib.error
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from trainwright.data.sources import download
from trainwright.data.sources.download import RemoteFile, fetch
from trainwright.errors import InputError

CONTENT = bytes(range(256)) * 2000


def file_of(content: bytes, name: str = "a.gz") -> RemoteFile:
    return RemoteFile(name, len(content), hashlib.sha256(content).hexdigest())


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/a.gz" else 404)
            self.end_headers()
            if self.path == "/a.gz":
                self.wfile.write(CONTENT)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Answers) as http:
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{http.server_port}/"
        http.shutdown()
        thread.join()


def refusal(file: RemoteFile, base: str, folder: Path, **options: object) -> str:
    with pytest.raises(InputError) as caught:
        fetch(file, base, folder, **options)  # pyright: ignore
    assert not folder.is_dir() or not list(folder.iterdir())
    return str(caught.value)


def test_a_file_arrives_whole_and_alone(server: str, tmp_path: Path):
    path = fetch(file_of(CONTENT), server, tmp_path / "new" / "cache")
    assert path.read_bytes() == CONTENT
    assert [entry.name for entry in path.parent.iterdir()] == ["a.gz"]


def test_another_content(server: str, tmp_path: Path):
    message = refusal(file_of(b"x" * len(CONTENT)), server, tmp_path)
    assert "a download has another content\n  expected: sha256" in message
    assert f"got: {hashlib.sha256(CONTENT).hexdigest()}" in message
    assert f"where: {server}a.gz" in message


def test_another_size(server: str, tmp_path: Path):
    assert "another size\n  expected: 10 bytes\n  got: more" in refusal(file_of(b"x" * 10), server, tmp_path)
    assert "expected: 600,000 bytes\n  got: 512,000" in refusal(file_of(b"x" * 600_000), server, tmp_path)


def test_an_endless_answer_is_cut_off(tmp_path: Path):
    class Endless(io.RawIOBase):
        taken = 0

        def read(self, size: int = -1) -> bytes:
            Endless.taken += size
            return b"x" * size

    assert "got: more" in refusal(file_of(b"x" * 10), "", tmp_path, open_url=lambda *_, **__: Endless())
    assert Endless.taken == download.CHUNK


def test_too_slow(server: str, tmp_path: Path):
    message = refusal(file_of(CONTENT), server, tmp_path, limit_s=-1.0)
    assert "a download takes too long\n  expected: at most -1 s" in message


def test_not_there_and_not_reachable(server: str, tmp_path: Path):
    assert "a download failed\n  got: HTTP Error 404" in refusal(file_of(b"", "b.gz"), server, tmp_path)

    def unreachable(*_: object, **__: object) -> io.BytesIO:
        raise urllib.error.URLError("no route to host")

    message = refusal(file_of(CONTENT), server, tmp_path, open_url=unreachable)
    assert "a download failed\n  got: <urlopen error no route to host>" in message


def test_a_folder_that_cannot_be_written(server: str, tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"a download failed\n  got: .*file"):
        fetch(file_of(CONTENT), server, tmp_path / "file")
