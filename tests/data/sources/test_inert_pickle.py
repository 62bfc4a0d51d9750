from __future__ import annotations

import builtins
import collections
import contextlib
import os
import pickle
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainwright.data.sources.inert_pickle import read_inert_pickle
from trainwright.errors import InputError

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(min_size=1),
    lambda inner: (
        st.lists(inner, max_size=4) | st.tuples(inner, inner) | st.dictionaries(st.text() | st.integers(), inner)
    ),
    max_leaves=12,
)

PLAIN_TYPES = {type(None), bool, int, float, str, bytes, bytearray, list, tuple, dict, np.ndarray}


def refusal(content: bytes) -> str:
    with pytest.raises(InputError) as caught:
        read_inert_pickle(content, "batch")
    return str(caught.value)


@given(PLAIN, st.integers(0, 5))
def test_plain_data_come_back(value: Any, protocol: int):
    assert read_inert_pickle(pickle.dumps({"value": value}, protocol), "batch") == {"value": value}


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays_come_back(protocol: int, order: Any):
    rows = np.asarray(np.random.default_rng(0).integers(0, 256, (4, 6), np.uint8), order=order)
    read = read_inert_pickle(pickle.dumps({"data": rows, "n": 4}, protocol), "batch")
    assert np.array_equal(read["data"], rows)
    assert read["n"] == 4


def test_pickles_of_python_2_come_back():
    content = (
        b"\x80\x02}q\x01(U\x04dataq\x02cnumpy.core.multiarray\n_reconstruct\nq\x03cnumpy\nndarray\nq\x04K\x00\x85U\x01b"
        b"\x87Rq\x05(K\x01K\x02K\x03\x86cnumpy\ndtype\nq\x06U\x02u1K\x00K\x01\x87Rq\x07(K\x03U\x01|NNNJ\xff\xff\xff\xff"
        b"J\xff\xff\xff\xffK\x00tb\x89U\x06abcdefq\x08tbU\x06labelsq\x09]q\x0a(K\x06K\x09eu."
    )
    read = read_inert_pickle(content, "batch")
    assert read["data"].tolist() == [[97, 98, 99], [100, 101, 102]]
    assert read["labels"] == [6, 9]


class Calls:
    def __init__(self, function: Any, *arguments: Any) -> None:
        self.reduced = function, arguments

    def __reduce__(self):
        return self.reduced


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
@pytest.mark.parametrize(
    ("attack", "words"),
    [
        (Calls(os.system, "touch ran"), "posix.system"),
        (Calls(builtins.eval, "open('ran','w')"), "eval"),
        (Calls(builtins.getattr, os, "system"), "getattr"),
        (collections.OrderedDict(a=1), "collections.OrderedDict"),
        (np.float64(3), "scalar"),
    ],
)
def test_whatever_names_something_else_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, attack: Any, words: str, protocol: int
):
    monkeypatch.chdir(tmp_path)
    try:
        content = pickle.dumps({"data": attack}, protocol)
    except TypeError:  # a module as an argument cannot be written
        content = pickle.dumps({"data": Calls(builtins.getattr, "os", "system")}, protocol)
    message = refusal(content)
    assert "refused; nothing of it was executed" in message
    assert words in message
    assert not (tmp_path / "ran").exists()


NUMPY = b"cnumpy.core.multiarray\n_reconstruct\n(tR"
BYTE = b"cnumpy\ndtype\n(U\x02u1tR"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (pickle.dumps({"a": np.zeros(3, np.float32)}, 2), "no uint8 array"),
        (pickle.dumps({"a": np.zeros(3, "O")}, 2), "no uint8"),
        (NUMPY + b"(K\x01K\x02\x85" + BYTE + b"\x89I9999999999\ntb.", "no uint8 array"),
        (NUMPY + b"(K\x01K\x02\x85" + BYTE + b"\x89U\x03abctb.", "shape does not fit"),
        (NUMPY + b"(K\x01K\x02I-1\nI-1\n\x87" + BYTE + b"\x89U\x02abtb.", "shape does not fit"),
        (NUMPY + b"(K\x01U\x01a\x85" + BYTE + b"\x89U\x02abtb.", "shape does not fit"),
        (b"c_codecs\nencode\n(K\x01U\x06latin1tR.", "_codecs.encode for something that is no text"),
        (b"cos\nsystem\n.", "the name os.system"),
        (b"(U\x01ai__main__\nThing\n.", "the instruction INST"),
        (b"Pname\n.", "the instruction PERSID"),
        (b"\x82\x01.", "the instruction EXT1"),
        (b"K\x01K\x02a.", "a list operation on something else"),
        (b"]K\x01K\x02s.", "a dict operation on something else"),
        (b"}(]K\x01u.", "a dict with keys that are neither text nor numbers"),
        (b"K\x01)R.", "a call of something that is no function"),
        (b"]}b.", "a state for something that is no array"),
    ],
)
def test_instructions_that_data_never_need_are_refused(content: bytes, words: str):
    message = refusal(content)
    assert "a pickle with more in it than data was refused" in message
    assert words in message
    assert "where: batch" in message


@pytest.mark.parametrize(
    "content", [b"", b"nonsense", b"K\x01", b"h\x07.", b"K\x01e.", b"R.", b"\x80\x02.", b"}(K\x01u."]
)
def test_damaged_pickles(content: bytes):
    assert "a pickle is damaged" in refusal(content)


def test_a_pickle_cannot_make_us_allocate_or_hang():
    started = time.perf_counter()
    assert "damaged" in refusal(b"r\xff\xff\xff\x7f.")  # a memo of two thousand million places
    assert "damaged" in refusal(b"\x96" + (1 << 62).to_bytes(8, "little") + b".")
    nested = b"]q\x00" + b"".join(b"(h\x00h\x00t0]q\x00" for _ in range(3))
    shared = b")" + b"".join(bytes([ord("q"), n, ord("h"), n, ord("\x86")]) for n in range(100))
    assert "keys" in refusal(b"}" + shared + b"K\x01s.")
    assert read_inert_pickle(nested + b".", "batch") == []
    assert time.perf_counter() - started < 2


@given(st.binary(max_size=80))
def test_random_bytes_are_refused_or_read(noise: bytes):
    value = None
    with contextlib.suppress(InputError):
        value = read_inert_pickle(noise, "batch")
    assert type(value) in PLAIN_TYPES
