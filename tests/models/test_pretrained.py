from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import timm
import torch
from huggingface_hub import constants
from safetensors.torch import save_file

from trainwright.errors import InputError
from trainwright.models.building import build
from trainwright.models.pretrained import find_pretrained
from trainwright.recipe.model import ModelSection

SMALLEST = "test_resnet"
"""A net of half a megabyte that timm keeps for tests."""


def refusal(name: str) -> str:
    with pytest.raises(InputError) as caught:
        find_pretrained(name)
    return str(caught.value)


class Hub(BaseHTTPRequestHandler):
    """Answers as the hub does: a file by its path, its checksum and commit in headers, else 404."""

    def __init__(self, folder: Path, asked: list[str], *arguments: object) -> None:
        self.folder, self.asked = folder, asked
        super().__init__(*arguments)  # pyright: ignore[reportArgumentType]

    def do_HEAD(self) -> None:
        self._answer(send=False)

    def do_GET(self) -> None:
        self._answer(send=True)

    def _answer(self, *, send: bool) -> None:
        self.asked.append(f"{self.command} {self.path}")
        file = self.folder / Path(self.path).name
        found = file.is_file()
        content = file.read_bytes() if found else b""
        self.send_response(200 if found or self.path == "/" else 404)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("ETag", f'"{len(content)}"')
        self.send_header("X-Repo-Commit", "0" * 40)
        if not found:
            self.send_header("X-Error-Code", "EntryNotFound")
        self.end_headers()
        if send:
            self.wfile.write(content)

    def log_message(self, format: str, *arguments: object) -> None:
        """Says nothing."""


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, empty_caches: Path) -> Iterator[tuple[Path, list[str]]]:
    """A hub on this machine: the folder of its files, and what it was asked."""
    folder, asked = tmp_path / "served", list[str]()
    folder.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Hub, folder, asked))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    url = f"http://127.0.0.1:{server.server_port}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", url)
    yield folder, asked
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("file", ["model.safetensors", "pytorch_model.bin"])
def test_weights_are_downloaded_once_and_then_found(hub: tuple[Path, list[str]], file: str) -> None:
    folder, asked = hub
    tensors = timm.create_model(SMALLEST, pretrained=False).state_dict()
    if file == "model.safetensors":
        save_file(tensors, folder / file)
    else:
        torch.save(tensors, folder / file)
    path = find_pretrained(SMALLEST)
    assert path.name == file
    assert path.read_bytes() == (folder / file).read_bytes()
    asked.clear()
    built = build(ModelSection(name=SMALLEST, weights="pretrained"), classes=10, channels=3, img_size=64, seed=0)
    assert asked == []
    assert torch.equal(built.model.state_dict()["conv1.0.weight"], tensors["conv1.0.weight"])
    assert built.weights is not None
    assert built.weights.missing == ()


def test_a_hub_without_the_file_is_told(hub: tuple[Path, list[str]]) -> None:
    text = refusal(SMALLEST)
    assert f"the pretrained weights of '{SMALLEST}' are not on this machine and cannot be downloaded" in text
    assert "no such file there" in text


def test_no_network_gives_one_message_with_the_ways_on(
    monkeypatch: pytest.MonkeyPatch, empty_caches: Path
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    text = refusal("resnet18")
    assert "the pretrained weights of 'resnet18' are not on this machine and cannot be downloaded" in text
    assert f"the file in the cache {empty_caches / 'hub'}" in text
    assert "timm/resnet18.a1_in1k/resolve/main/model.safetensors" in text
    for way in ("--set model.weights=FILE", "HF_HOME", "HF_ENDPOINT", "--set model.weights=none"):
        assert way in text


def test_an_unreachable_hub_is_asked_once(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound but not listening: connections are refused at once
        environment = {
            **os.environ,
            "HF_HUB_OFFLINE": "0",
            "HF_HOME": str(tmp_path),
            "HF_ENDPOINT": f"http://127.0.0.1:{taken.getsockname()[1]}",
        }
        program = (
            "import time\n"
            "from trainwright.errors import InputError\n"
            "from trainwright.models.pretrained import find_pretrained\n"
            "import timm, huggingface_hub\n"
            "start = time.monotonic()\n"
            "try:\n"
            "    find_pretrained('resnet18')\n"
            "except InputError as error:\n"
            "    print(error)\n"
            "print('took', time.monotonic() - start)\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment
        )
    assert done.stderr == ""
    assert "cannot be downloaded" in done.stdout
    assert "Connection refused" in done.stdout
    assert float(done.stdout.split("took ")[1]) < 4


def test_a_model_without_weights_is_told(empty_caches: Path) -> None:
    bare = next(name for name in timm.list_models() if not timm.is_model_pretrained(name))
    text = refusal(bare)
    assert f"timm has no pretrained weights for the model '{bare}'" in text
    assert "timm.list_pretrained()" in text


def test_weights_at_a_plain_address_go_through_torchs_cache(
    monkeypatch: pytest.MonkeyPatch, empty_caches: Path
) -> None:
    from timm.models import get_pretrained_cfg

    config = get_pretrained_cfg("gcvit_xxtiny")
    assert config is not None
    assert config.url is not None
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    text = refusal("gcvit_xxtiny")
    assert config.url in text
    assert "TORCH_HOME" in text
    assert "HF_ENDPOINT" not in text
    cached = empty_caches / "torch" / "hub" / "checkpoints" / config.url.rpartition("/")[2]
    cached.parent.mkdir(parents=True)
    cached.write_bytes(b"weights")
    assert find_pretrained("gcvit_xxtiny") == cached
