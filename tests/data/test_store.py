"""Where pixels lie, that numbers are not copied, and that data larger than the memory can be used."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from trainwright.data import store as store_module
from trainwright.data.catalog import Arrays, Catalog, Files
from trainwright.data.ingest import Reading
from trainwright.data.store import Store, open_store


def of_pictures(pictures: Files | Arrays) -> Catalog:
    count = len(pictures)
    names = tuple(f"{number:05d}" for number in range(count))
    return Catalog(names, ("a", "b") * (count // 2), (None,) * count, (None,) * count, None, pictures, "made", "")


def stored(pictures: Files | Arrays, tmp_path: Path, size: int = 8, channels: int = 1, cache: str = "auto") -> Store:
    reading = Reading(img_size=size, channels=channels, fit="crop", scaled_decoding=True, max_pixels=10_000)
    return open_store(
        of_pictures(pictures),
        reading,
        cache=cache,
        cache_dir=tmp_path,
        workers=0,
        progress=None,  # pyright: ignore
    )


def numbers(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def test_gray_numbers_are_used_without_a_copy(tmp_path: Path) -> None:
    images = numbers(10, 8, 8)
    store = stored(Arrays(images), tmp_path)
    assert store.images_SCHW.data_ptr() == images.ctypes.data
    assert store.images_SCHW.shape == (10, 1, 8, 8)
    assert store.reason == "the data are numbers of the right size already"
    assert list(tmp_path.iterdir()) == []


def test_rgb_numbers_become_planes(tmp_path: Path) -> None:
    images = numbers(10, 8, 8, 3)
    store = stored(Arrays(images), tmp_path, channels=3)
    assert np.array_equal(store.images_SCHW.numpy(), images.transpose(0, 3, 1, 2))
    assert store.images_SCHW.is_contiguous()


@pytest.mark.parametrize("shape", [(10, 8, 8), (10, 8, 8, 3)])
def test_numbers_are_known_again_wherever_they_are_kept(tmp_path: Path, shape: tuple[int, ...]) -> None:
    images = numbers(*shape)
    mapped = np.memmap(tmp_path / "numbers", np.uint8, "w+", shape=shape)
    mapped[:] = images
    channels = 3 if len(shape) == 4 else 1
    stores = [
        stored(Arrays(given), tmp_path, channels=channels, cache=cache)
        for given in (images, mapped)
        for cache in ("memory", "disk")
    ]
    assert stores[2].kind == ("memory" if channels == 3 else "disk"), "rgb numbers are copied to planes"
    for store in stores:
        assert np.array_equal(store.images_SCHW.numpy(), stores[0].images_SCHW.numpy())
        assert np.array_equal(store.records.sha256_ND, stores[0].records.sha256_ND)
        assert np.array_equal(store.records.pixels_ND, stores[0].records.pixels_ND)


def test_numbers_of_another_size_are_resized_in_memory(tmp_path: Path) -> None:
    store = stored(Arrays(numbers(10, 8, 8)), tmp_path, size=4)
    assert store.images_SCHW.shape == (10, 1, 4, 4)
    assert store.kind == "memory"
    assert list(tmp_path.iterdir()) == []


def test_numbers_go_to_the_disk_when_asked(tmp_path: Path) -> None:
    images = numbers(10, 8, 8)
    store = stored(Arrays(images), tmp_path, cache="disk")
    assert store.kind == "disk"
    assert np.array_equal(store.images_SCHW.numpy()[:, 0], images)
    assert stored(Arrays(images), tmp_path, cache="disk").reason == "as asked; read from the cache"


def test_numbers_mapped_from_a_file_stay_there(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", numbers(10, 8, 8))
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    store = stored(Arrays(mapped), tmp_path / "cache", cache="disk")
    assert store.kind == "disk"
    assert store.images_SCHW.data_ptr() == mapped.ctypes.data


def files(tmp_path: Path, count: int = 4) -> Files:
    paths = tuple(tmp_path / f"{number}.png" for number in range(count))
    for number, path in enumerate(paths):
        Image.fromarray(np.full((8, 8), number, np.uint8)).save(path)
    return Files(paths)


@pytest.mark.parametrize("cache", ["memory", "disk"])
def test_files_are_decoded_once(tmp_path: Path, cache: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = files(tmp_path)
    first = stored(data, tmp_path / "cache", cache=cache)

    def never(*_: object, **__: object) -> None:
        raise AssertionError("decoded again")

    monkeypatch.setattr("trainwright.data.picture_cache.ingest", never)
    second = stored(data, tmp_path / "cache", cache=cache)
    assert torch.equal(first.images_SCHW, second.images_SCHW)
    assert first.kind == second.kind == cache
    assert (first.reason, second.reason) == ("as asked", "as asked; read from the cache")


def test_a_damaged_cache_is_rebuilt_and_told(tmp_path: Path) -> None:
    data = files(tmp_path)
    stored(data, tmp_path / "cache")
    (path,) = (tmp_path / "cache").glob("pictures/*/pictures.u8")
    path.write_bytes(b"\0" * 17)
    again = stored(data, tmp_path / "cache", cache="memory")
    assert again.reason == "as asked; rebuilt, the cache was damaged (pictures.u8 has 17 bytes)"
    assert again.images_SCHW[3].max() == 3


def test_what_does_not_fit_goes_to_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "free_memory", lambda: 4 * 2**20)
    small, large = Arrays(numbers(64, 8, 8)), Arrays(numbers(64, 8, 8))
    assert stored(small, tmp_path, size=16).kind == "memory"
    store = stored(large, tmp_path, size=160)
    assert store.kind == "disk"
    assert store.reason == "2 MiB; a quarter of the free memory is 1 MiB"


LARGER_THAN_MEMORY = """
import resource, sys
from pathlib import Path
import numpy as np, torch
from trainwright.data.catalog import Arrays, Catalog
from trainwright.data.prepare import prepare_catalog
from trainwright.data import batches
from trainwright.recipe import DataSection

torch.set_num_threads(1)

def train(count, side):
    images = np.random.default_rng(0).integers(0, 256, (count, 8, 8), dtype=np.uint8)
    names = tuple(f"{number:05d}" for number in range(count))
    columns = (names, ("a", "b") * (count // 2), (None,) * count, (None,) * count, None)
    section = DataSection(img_size=side, cache="disk")
    catalog = Catalog(*columns, Arrays(images), "large", "")
    data = prepare_catalog(catalog, section, seed=0, cache_dir=Path(sys.argv[1]))
    read = sum(len(batch.images_NCHW) for batch in batches(data.train, 8, seed=0, epoch=1))
    return read, len(data.train)

train(200, 16)  # libraries take their buffers before the limit stands
used = int(Path("/proc/self/status").read_text().split("VmData:")[1].split()[0]) * 1024
count, side = 6400, 224
allowed = used + count * side * side // 10
resource.setrlimit(resource.RLIMIT_DATA, (allowed, allowed))
print(*train(count, side))
"""


@pytest.mark.slow
def test_data_of_ten_times_the_memory_train(tmp_path: Path) -> None:
    words = [sys.executable, "-c", LARGER_THAN_MEMORY, str(tmp_path)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    read, train = map(int, done.stdout.split())
    assert train == 6400 - 1280 - 512
    assert read == train
