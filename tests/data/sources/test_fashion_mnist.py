from __future__ import annotations

import gzip
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from trainwright.data import Arrays
from trainwright.data.sources import fashion_mnist
from trainwright.data.sources.download import RemoteFile
from trainwright.data.sources.fashion_mnist import CLASS_NAMES, DEBIAN_FOLDER, FILES, open_fashion_mnist
from trainwright.errors import InputError

Make = Callable[..., Path]


def unreachable(file: RemoteFile, base: str, _: Path) -> Path:
    raise InputError("a download failed", got="no network", where=base + file.name)


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Gives an empty cache, no variable and no Debian package; returns the cache folder."""
    monkeypatch.setenv("TRAINWRIGHT_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("TRAINWRIGHT_DATA", raising=False)
    monkeypatch.setattr(fashion_mnist, "DEBIAN_FOLDER", tmp_path / "debian")
    return tmp_path / "cache" / "fashion-mnist"


@pytest.mark.parametrize(("place", "packed"), [("env/fashion-mnist", True), ("env", False), ("debian", True)])
def test_found_where_it_may_lie(
    make_idx: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, packed: bool
):
    make_idx({"train": 12, "t10k": 6}, packed=packed, root="made").rename(tmp_path / "rest")
    (tmp_path / place).parent.mkdir(exist_ok=True)
    (tmp_path / "rest").rename(tmp_path / place)
    monkeypatch.setenv("TRAINWRIGHT_DATA", str(tmp_path / "env"))
    catalog = open_fashion_mnist(unreachable)
    assert len(catalog) == 18
    assert catalog.names[0] == "fashion-mnist:train:00000"
    assert catalog.names[12] == "fashion-mnist:test:00000"
    assert catalog.labels[:3] == ("T-shirt/top", "Trouser", "Pullover")
    assert str(tmp_path / place) in catalog.description
    assert bool(catalog.notes) == (place == "debian")


def test_a_variable_that_leads_nowhere_is_told(make_idx: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    make_idx({"train": 6, "t10k": 6}, root="debian")
    monkeypatch.setenv("TRAINWRIGHT_DATA", "/nowhere")
    assert open_fashion_mnist(unreachable).notes == (
        f"TRAINWRIGHT_DATA is set to /nowhere, which holds no fashion-mnist; it is read from {tmp_path / 'debian'}",
    )


def test_downloaded_into_the_cache_once(make_idx: Make, places: Path):
    source = make_idx({"train": 6, "t10k": 6}, packed=True)
    asked: list[str] = []

    def copy(file: RemoteFile, base: str, folder: Path) -> Path:
        asked.append(base + file.name)
        folder.mkdir(parents=True, exist_ok=True)
        return Path(shutil.copy(source / file.name, folder))

    assert len(open_fashion_mnist(copy)) == 12
    assert asked == [fashion_mnist.ADDRESS + file.name for file in FILES]
    assert fashion_mnist.ADDRESS.startswith("https://")
    assert len(open_fashion_mnist(unreachable)) == 12
    (places / FILES[1].name).unlink()
    asked.clear()
    open_fashion_mnist(copy)
    assert asked == [fashion_mnist.ADDRESS + FILES[1].name]


def test_nowhere_to_be_had_tells_all_ways(places: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TRAINWRIGHT_DATA", str(tmp_path / "env"))
    with pytest.raises(InputError) as caught:
        open_fashion_mnist(unreachable)
    message = str(caught.value)
    assert "could not be downloaded" in message
    assert "apt install dataset-fashion-mnist" in message
    assert "set TRAINWRIGHT_DATA to a folder" in message
    assert f"put the four files into {places}" in message
    assert "train-images-idx3-ubyte.gz" in message
    assert "no network" in message
    for place in (tmp_path / "env" / "fashion-mnist", tmp_path / "env", places, tmp_path / "debian"):
        assert str(place) in message


def test_a_number_without_a_word(make_idx: Make):
    root = make_idx({"train": 6, "t10k": 6}, root="debian")
    path = root / "t10k-labels-idx1-ubyte"
    path.write_bytes(path.read_bytes()[:-1] + b"\x0a")
    with pytest.raises(InputError, match=r"label numbers without a class name\n  expected: 0 to 9.*\n  got: 10"):
        open_fashion_mnist(unreachable)


@pytest.mark.skipif(not DEBIAN_FOLDER.is_dir(), reason="needs Debian's package dataset-fashion-mnist")
def test_the_real_files(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(fashion_mnist, "DEBIAN_FOLDER", DEBIAN_FOLDER)
    catalog = open_fashion_mnist(unreachable)
    assert isinstance(catalog.pictures, Arrays)
    assert catalog.pictures.images.shape == (70_000, 28, 28)
    assert catalog.splits.count("train") == 60_000
    assert {label: catalog.labels.count(label) for label in CLASS_NAMES} == dict.fromkeys(CLASS_NAMES, 7000)
    raw = gzip.decompress((DEBIAN_FOLDER / FILES[2].name).read_bytes())
    assert np.array_equal(catalog.pictures.read(69_999).ravel(), np.frombuffer(raw[-784:], np.uint8))
