from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainwright.reporting.wording import (
    duration,
    interval,
    large,
    listed,
    number,
    percent,
    plural,
    printable,
    short_duration,
)


@given(st.text(alphabet=st.characters(codec=None, categories=None)), st.sampled_from(["utf-8", "ascii", "cp1252"]))
def test_printable_text_obeys_no_terminal_and_fits_the_encoding(text: str, encoding: str) -> None:
    safe = printable(text, encoding)
    safe.encode(encoding)
    assert not any(ord(character) < 32 or 0x7F <= ord(character) < 0xA0 for character in safe)
    assert printable(safe, encoding) == safe


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("plain name.jpg", "plain name.jpg"),
        ("été 猫 👩‍🔬", "été 猫 👩‍🔬"),
        ("a\nb\tc", "a\\x0ab\\x09c"),
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        (b"caf\xe9".decode("utf-8", "surrogateescape"), "caf\\xe9"),
        ("\ud800", "\\ud800"),
        ("\u2028", "\\u2028"),
    ],
)
def test_printable_cases(text: str, safe: str) -> None:
    assert printable(text) == safe


@pytest.mark.parametrize(
    ("share", "pictures", "words"),
    [(0.98611, 360, "98.6\xa0%"), (0.98611, 10_000, "98.61\xa0%"), (1.0, None, "100.0\xa0%"), (None, 3, "–")],
)
def test_percent(share: float | None, pictures: int | None, words: str) -> None:
    assert percent(share, pictures) == words


def test_percent_of_nothing_known() -> None:
    assert percent(math.nan) == "–"
    assert interval(0.95333, 0.98712, 5000) == "95.33 to 98.71\xa0%"


@pytest.mark.parametrize(
    ("value", "words"),
    [(0.0, "0.00"), (1e-5, "1e-05"), (0.000123, "0.000123"), (3.14159, "3.14"), (123.4, "123"), (1e9, "1e+09")],
)
def test_number(value: float, words: str) -> None:
    assert number(value) == words


def test_number_says_what_is_not_finite() -> None:
    assert (number(math.inf), number(-math.inf), number(math.nan), number(None)) == ("inf", "-inf", "nan", "–")


@pytest.mark.parametrize(
    ("seconds", "words", "short"),
    [
        (0.04, "0.0 s", "0:00"),
        (9.94, "9.9 s", "0:10"),
        (59.6, "1 min 00 s", "1:00"),
        (3599.6, "1 h 00 min", "1h00"),
        (86_399, "1 d 0 h", "23h59"),
        (None, "–", "–"),
        (math.inf, "–", "–"),
    ],
)
def test_durations(seconds: float | None, words: str, short: str) -> None:
    assert duration(seconds) == words
    assert short_duration(seconds) == short


def test_large_counts_never_show_a_thousand_of_a_unit() -> None:
    assert [large(value) for value in (0, 999, 999_600, 1_000_000, 25_557_032)] == [
        "0",
        "999",
        "1.00 M",
        "1.00 M",
        "25.6 M",
    ]


def test_sentences() -> None:
    assert listed([]) == ""
    assert listed(["a"]) == "a"
    assert listed(["a", "b"]) == "a and b"
    assert plural(0, "picture") == "0 pictures"
    assert plural(1200, "class", "classes") == "1,200 classes"
