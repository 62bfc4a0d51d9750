from __future__ import annotations

import os

from hypothesis import given
from hypothesis import strategies as st

from trainwright.data.printable_names import class_label, printable


def test_what_prints_stays_as_it_is():
    for name in ("cats", "T-shirt/top", "<script>alert('x')</script>", 'a "b"', "猫", "=1+1", "naïve"):
        assert printable(name) == name


def test_what_does_not_print_is_escaped():
    assert printable("two\nlines\tand\x00") == r"two\u000alines\u0009and\u0000"
    assert printable(os.fsdecode(b"caf\xe9")) == r"caf\xe9"
    assert printable("back\\slash") == r"back\\slash"
    assert printable("right\u202eleft") == r"right\u202eleft"
    assert printable("\U000e0001") == r"\U000e0001"


def test_joiners_of_scripts_and_emoji_stay():
    assert printable("می\u200cخواهم") == "می\u200cخواهم"


@given(st.binary(max_size=12), st.binary(max_size=12))
def test_different_file_names_stay_different(one: bytes, other: bytes):
    first, second = os.fsdecode(one), os.fsdecode(other)
    assert (printable(first) == printable(second)) == (first == second)


@given(st.text(st.characters(), max_size=20))
def test_a_printable_name_is_one_line_and_valid_utf8(name: str):
    text = printable(name)
    assert len(text.splitlines()) <= 1
    assert text.encode("utf-8").decode("utf-8") == text


def test_composed_and_decomposed_letters_are_one_class():
    assert class_label("cafe\u0301") == class_label("café") == "café"
