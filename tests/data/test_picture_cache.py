"""The cache on disk: found again, built anew when it must be, and never half."""

from __future__ import annotations

import errno
import json
import os
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from trainwright.data import picture_cache
from trainwright.data.catalog import Arrays, Catalog, Files
from trainwright.data.ingest import Reading
from trainwright.data.picture_cache import CachedPictures, build_cache, cache_place, cache_root, open_cache
from trainwright.errors import InputError

READING = Reading(img_size=8, channels=3, fit="crop", scaled_decoding=True, max_pixels=10_000)
COUNT = 6
SHAPE = (COUNT, 3, 8, 8)


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    folder = tmp_path / "photos"
    folder.mkdir()
    paths = []
    for number in range(COUNT):
        paths.append(folder / f"{number}.png")
        Image.fromarray(np.full((8, 8, 3), 10 * number, np.uint8)).save(paths[-1])
    return catalog_of_files(tuple(paths))


def catalog_of_files(paths: tuple[Path, ...]) -> Catalog:
    count = len(paths)
    names = tuple(path.name for path in paths)
    return Catalog(names, ("a", "b") * (count // 2), (None,) * count, (None,) * count, None, Files(paths), "photos", "")


def built(catalog: Catalog, root: Path) -> CachedPictures:
    place = cache_place(catalog, READING, root)
    return build_cache(place, SHAPE, catalog.pictures, READING, workers=0, progress=None)


def opened(catalog: Catalog, root: Path, check_all: bool = True) -> CachedPictures:
    return open_cache(cache_place(catalog, READING, root), SHAPE, check_all=check_all)


def test_what_was_built_is_found_again(catalog: Catalog, tmp_path: Path) -> None:
    assert opened(catalog, tmp_path).because == ""
    fresh = built(catalog, tmp_path)
    found = opened(catalog, tmp_path)
    assert found.because == "read from the cache"
    assert fresh.images is not None
    assert np.array_equal(found.images, fresh.images)
    assert found.images[3].tolist() == np.full((3, 8, 8), 30).tolist()
    assert found.records.readable_N.all()
    assert [entry.name for entry in (tmp_path / "pictures").iterdir()] == [
        cache_place(catalog, READING, tmp_path).folder.name
    ]


def test_other_settings_are_another_cache(catalog: Catalog, tmp_path: Path) -> None:
    other = Reading(img_size=8, channels=3, fit="pad", scaled_decoding=True, max_pixels=10_000)
    first, second = cache_place(catalog, READING, tmp_path), cache_place(catalog, other, tmp_path)
    assert first.folder != second.folder
    assert first.content == second.content


@pytest.mark.parametrize("change", ["touched", "grown", "removed"])
def test_a_changed_file_is_read_again(catalog: Catalog, tmp_path: Path, change: str) -> None:
    built(catalog, tmp_path)
    path = catalog.pictures.paths[2]
    if change == "touched":
        os.utime(path, ns=(0, 0))
    elif change == "grown":
        path.write_bytes(path.read_bytes() + b"x")
    else:
        path.unlink()
    assert opened(catalog, tmp_path).because == "rebuilt, files were added, removed or changed"
    rebuilt = built(catalog, tmp_path)
    assert rebuilt.records.readable_N[2] == (change != "removed")
    assert len(list((tmp_path / "pictures").iterdir())) == 1


def test_files_that_could_not_be_opened_are_tried_again(catalog: Catalog, tmp_path: Path) -> None:
    catalog.pictures.paths[0].unlink()
    built(catalog, tmp_path)
    assert opened(catalog, tmp_path).because == "rebuilt, some files could not be opened last time"


@pytest.mark.parametrize(
    ("name", "spoil", "because"),
    [
        ("pictures.u8", lambda blob: blob[:-10], r"pictures.u8 has 1,142 bytes"),
        ("pictures.u8", lambda blob: b"\xff" + blob[1:], r"picture 0 has another checksum"),
        ("records.npz", lambda blob: blob[:-1] + b"?", r"records.npz has another checksum"),
        ("manifest.json", lambda blob: blob[:20], r"the cache was damaged \("),
    ],
)
def test_damage_is_noticed(catalog: Catalog, tmp_path: Path, name: str, spoil: object, because: str) -> None:
    built(catalog, tmp_path)
    path = cache_place(catalog, READING, tmp_path).folder / name
    path.write_bytes(spoil(path.read_bytes()))  # pyright: ignore
    found = opened(catalog, tmp_path, check_all=False)
    assert found.images is None
    assert re.search(because, found.because)
    built(catalog, tmp_path)
    assert opened(catalog, tmp_path).because == "read from the cache"


def test_a_missing_piece_is_no_cache(catalog: Catalog, tmp_path: Path) -> None:
    built(catalog, tmp_path)
    (cache_place(catalog, READING, tmp_path).folder / "records.npz").unlink()
    assert opened(catalog, tmp_path).records is None


def test_a_killed_build_leaves_nothing_that_is_taken_for_whole(
    catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(picture_cache, "ingest", killed)
    with pytest.raises(KeyboardInterrupt):
        built(catalog, tmp_path)
    assert list((tmp_path / "pictures").iterdir()) == []
    monkeypatch.undo()
    place = cache_place(catalog, READING, tmp_path).folder
    orphan = place.with_name(f".{place.name}.{os.uname().nodename}.999999999.abcdef01")
    elsewhere = place.with_name(f".{place.name}.another-machine.999999999.abcdef01")
    orphan.mkdir()
    elsewhere.mkdir()
    built(catalog, tmp_path)
    assert not orphan.exists()
    assert elsewhere.exists()


def test_a_reader_keeps_the_cache_that_is_replaced(catalog: Catalog, tmp_path: Path) -> None:
    before = built(catalog, tmp_path).images
    Image.fromarray(np.full((8, 8, 3), 99, np.uint8)).save(catalog.pictures.paths[0])
    after = built(catalog, tmp_path).images
    assert before[0].max() == 0
    assert after[0].min() == 99


def test_a_full_disk_is_told(catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(InputError) as caught:
        built(catalog, tmp_path)
    lines = str(caught.value).splitlines()
    assert lines[0] == "no space left for the cache of decoded pictures"
    assert lines[1] == "  expected: 0.0 MiB free"
    assert lines[2].startswith("  got: ")
    assert lines[2].endswith(" MiB free")
    assert lines[4] == (
        "  try: free some space, set TRAINWRIGHT_CACHE to a folder on another disk, or lower data.img_size"
    )
    assert list((tmp_path / "pictures").iterdir()) == []


def test_a_disk_that_fills_up_midway_is_told(catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    monkeypatch.delattr(os, "posix_fallocate")
    with pytest.raises(InputError, match=r"^no space left for the cache"):
        built(catalog, tmp_path)


def test_a_folder_that_cannot_be_written_is_told(catalog: Catalog, tmp_path: Path) -> None:
    (tmp_path / "pictures").write_text("a file where the folder should be")
    with pytest.raises(InputError) as caught:
        built(catalog, tmp_path)
    assert str(caught.value) == (
        "the cache of decoded pictures cannot be written\n"
        "  expected: a folder that can be written\n"
        "  got: Not a directory\n"
        f"  where: {tmp_path / 'pictures'}\n"
        "  try: set TRAINWRIGHT_CACHE to a folder that you can write to"
    ) or "File exists" in str(caught.value)


def test_another_failed_rename_is_told(catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(InputError, match="Permission denied"):
        built(catalog, tmp_path)


def test_a_write_in_pieces_arrives_whole(catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda file, data, offset: whole(file, bytes(data[:100]), offset))
    assert built(catalog, tmp_path).images[5].min() == 50
    assert opened(catalog, tmp_path).because == "read from the cache"


def test_where_caches_stand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRAINWRIGHT_CACHE", str(tmp_path / "here"))
    assert cache_root(None) == tmp_path / "here"
    assert cache_root(tmp_path) == tmp_path
    monkeypatch.delenv("TRAINWRIGHT_CACHE")
    assert cache_root(None).name == "trainwright"


def test_numbers_are_known_by_their_values(tmp_path: Path) -> None:
    numbers = np.zeros((COUNT, 4, 4), np.uint8)

    def place(images: np.ndarray) -> str:
        columns = (tuple("abcdef"), ("x", "y") * 3, (None,) * COUNT, (None,) * COUNT, None)
        return cache_place(Catalog(*columns, Arrays(images), "numbers", ""), READING, tmp_path).content

    changed = numbers.copy()
    changed[-1, 0, 0] = 1
    assert place(numbers) == place(numbers.copy())
    assert place(numbers) != place(changed)


def test_the_manifest_says_how_it_was_read(catalog: Catalog, tmp_path: Path) -> None:
    built(catalog, tmp_path)
    manifest = json.loads((cache_place(catalog, READING, tmp_path).folder / "manifest.json").read_text())
    assert manifest["shape"] == [COUNT, 3, 8, 8]
    assert manifest["reading"]["fit"] == "crop"
