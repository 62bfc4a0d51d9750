from __future__ import annotations

import contextlib
import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainwright.data.sources import idx_file
from trainwright.data.sources.idx_file import read_idx
from trainwright.errors import InputError

HEADER = bytes([0, 0, 8, 3]) + b"".join(size.to_bytes(4, "big") for size in (2, 3, 4))
GOOD = HEADER + bytes(range(24))


def refusal(path: Path, content: bytes, dimensions: tuple[int, ...] = (3, 4)) -> str:
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_idx(path, dimensions)
    return str(caught.value)


def test_plain_and_packed_files_hold_the_same_numbers(tmp_path: Path):
    (tmp_path / "a").write_bytes(GOOD)
    (tmp_path / "a.gz").write_bytes(gzip.compress(GOOD))
    expected = np.arange(24).reshape(2, 3, 4)
    for name in ("a", "a.gz"):
        images_NHW = read_idx(tmp_path / name, (3, 4))
        assert images_NHW.dtype == np.uint8
        assert np.array_equal(images_NHW, expected)


def test_a_plain_file_is_not_loaded(tmp_path: Path):
    (tmp_path / "a").write_bytes(GOOD)
    assert isinstance(read_idx(tmp_path / "a", (3,)), np.memmap)


@pytest.mark.parametrize("name", ["a", "a.gz"])
@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "not an IDX file\n  expected: two zero bytes at the start\n  got: an empty file"),
        (b"\x89PNG" + GOOD, "got: 89 50 4e 47"),
        (b"\0\0\x0d\x03" + GOOD[4:], "another type than uint8\n  expected: type 0x08 (uint8)\n  got: type 0x0d"),
        (b"\0\0\x08\x01" + GOOD[4:], "expected: 3 or 4 dimensions\n  got: 1"),
        (GOOD[:9], "ends within its header\n  got: 9 bytes"),
        (GOOD[:-1], "is cut off\n  expected: 40 bytes\n  got: 39 bytes"),
        (GOOD + b"x", "longer than its header says\n  expected: 40 bytes\n  got: more"),
    ],
)
def test_damaged_files(tmp_path: Path, name: str, content: bytes, words: str):
    message = refusal(tmp_path / name, gzip.compress(content) if name == "a.gz" else content)
    assert words in message
    assert f"where: {tmp_path / name}" in message


def test_a_gzip_bomb_is_not_unpacked(tmp_path: Path):
    bomb = gzip.compress(GOOD + bytes(50_000_000))
    assert "longer than its header says" in refusal(tmp_path / "a.gz", bomb)


def test_a_header_that_announces_more_than_gzip_can_hold(tmp_path: Path):
    huge = bytes([0, 0, 8, 3]) + b"\xff\xff\xff\xff" * 3 + bytes(1000)
    message = refusal(tmp_path / "a.gz", gzip.compress(huge))
    assert "announces more than it can hold" in message
    assert "is cut off" in refusal(tmp_path / "a", huge)


def test_more_than_the_free_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(idx_file, "free_memory", lambda: 39)
    message = refusal(tmp_path / "a.gz", gzip.compress(GOOD))
    assert "does not fit in memory\n  expected: at most the 39 bytes that are free\n  got: 40 bytes" in message


def test_a_file_that_is_no_gzip_or_a_damaged_one(tmp_path: Path):
    assert "cannot be read\n  got: Not a gzipped file" in refusal(tmp_path / "a.gz", GOOD)
    packed = bytearray(gzip.compress(GOOD))
    packed[-5] ^= 1
    assert "an IDX file cannot be read\n  got: CRC check failed" in refusal(tmp_path / "a.gz", bytes(packed))
    assert "an IDX file cannot be read" in refusal(tmp_path / "a.gz", bytes(packed[:-9]))


@given(st.binary(max_size=60), st.integers(0, 40))
def test_random_bytes_never_crash(tmp_path_factory: pytest.TempPathFactory, noise: bytes, kept: int):
    path = tmp_path_factory.getbasetemp() / "noise"
    path.write_bytes(GOOD[:kept] + noise)
    with contextlib.suppress(InputError):
        assert read_idx(path, (3,)).ndim == 3
