from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import timm
import torch
from huggingface_hub import constants
from huggingface_hub.errors import LocalEntryNotFoundError
from safetensors.torch import save_file

from trainwright.errors import InputError
from trainwright.models import pretrained
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


def point_to(monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    """Makes the hub's client look for the hub at a port of this machine."""
    endpoint = f"http://127.0.0.1:{port}"
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr(constants, "ENDPOINT", endpoint)
    template = f"{endpoint}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[tuple[Path, list[str]]]:
    """A hub on this machine: the folder of its files, and what it was asked."""
    folder, asked = tmp_path / "served", list[str]()
    folder.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Hub, folder, asked))
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    point_to(monkeypatch, server.server_port)
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


@pytest.mark.usefixtures("hub")
def test_a_hub_without_the_file_is_told() -> None:
    text = refusal(SMALLEST)
    assert f"the pretrained weights of '{SMALLEST}' are not on this machine and cannot be downloaded" in text
    assert "no such file there" in text


@pytest.mark.usefixtures("hub")
def test_a_connection_lost_halfway_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = list[str]()

    def lose(repository: str, file: str, *, revision: str | None) -> str:
        asked.append(f"{repository} {file} {revision}")
        raise LocalEntryNotFoundError("the line went dead")

    monkeypatch.setattr("huggingface_hub.hf_hub_download", lose)
    assert "got: the line went dead" in refusal("resnet18")
    assert asked == ["timm/resnet18.a1_in1k model.safetensors None"]


def test_no_network_gives_one_message_with_the_ways_on(monkeypatch: pytest.MonkeyPatch, empty_caches: Path) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    text = refusal("resnet18")
    assert "the pretrained weights of 'resnet18' are not on this machine and cannot be downloaded" in text
    assert f"the file in the cache {empty_caches / 'hub'}" in text
    assert "timm/resnet18.a1_in1k/resolve/main/model.safetensors" in text
    for way in ("--weights FILE", "HF_HOME", "HF_ENDPOINT", "--weights none"):
        assert way in text


def test_an_unreachable_hub_is_asked_once(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound but not listening: connections are refused at once
        point_to(monkeypatch, taken.getsockname()[1])
        start = time.monotonic()
        text = refusal("resnet18")
        took_s = time.monotonic() - start
    assert "got: [Errno 111] Connection refused" in text
    assert took_s < 4
    assert capfd.readouterr() == ("", "")
    assert caplog.messages == []


def test_a_silent_hub_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pretrained, "PROBE_TIMEOUT_S", 0.2)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        point_to(monkeypatch, silent.getsockname()[1])
        assert "got: timed out" in refusal("resnet18")


def test_a_model_without_weights_is_told() -> None:
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
    assert isinstance(config.url, str)
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    text = refusal("gcvit_xxtiny")
    assert config.url in text
    assert "TORCH_HOME" in text
    assert "HF_ENDPOINT" not in text
    cached = empty_caches / "torch" / "hub" / "checkpoints" / config.url.rpartition("/")[2]
    cached.parent.mkdir(parents=True)
    cached.write_bytes(b"weights")
    assert find_pretrained("gcvit_xxtiny") == cached
