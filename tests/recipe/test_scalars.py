from __future__ import annotations

import math

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from trainwright.recipe.scalars import format_value, parse_plain, printable, quote


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("~", None),
        ("null", None),
        ("true", True),
        ("FALSE", False),
        ("0", 0),
        ("-12", -12),
        ("+12", 12),
        ("0o10", 8),
        ("0x1F", 31),
        ("1e-3", 1e-3),
        ("1E5", 1e5),
        ("1e+06", 1e6),
        (".5", 0.5),
        ("1.", 1.0),
        ("-0.25e2", -25.0),
        (".inf", math.inf),
        ("-.Inf", -math.inf),
    ],
)
def test_numbers_and_words_of_yaml_1_2(text, value):
    read = parse_plain(text)
    assert read == value
    assert type(read) is type(value)


def test_not_a_number_is_a_number():
    assert math.isnan(parse_plain(".nan"))


@pytest.mark.parametrize(
    "text",
    [
        "yes",
        "no",
        "on",
        "off",
        "y",
        "N",
        "12:30",
        "190:20:30",
        "2026-11-21",
        "1_000",
        "010",
        "-01.5",
        "0b11",
        "1e",
        "e3",
        ".",
        "-",
        "tRue",
    ],
)
def test_what_yaml_1_1_took_for_something_else_stays_text(text):
    assert parse_plain(text) == text


def test_an_absurd_number_of_digits_stays_text():
    assert parse_plain("9" * 5000) == "9" * 5000


def same(first: object, second: object) -> bool:
    return first == second and type(first) is type(second)


plain_values = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, width=64) | st.text()
)


@given(plain_values)
def test_what_is_formatted_reads_back(value):
    text = format_value(value)
    assert "\n" not in text
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    assert isinstance(node, yaml.ScalarNode)
    assert same(node.value if node.style else parse_plain(node.value), value)


@given(plain_values)
def test_readers_of_yaml_1_1_agree(value):
    assert same(yaml.safe_load(format_value(value)), value)


@pytest.mark.parametrize(
    "text",
    ["2026-11-21", "12:30:45", "1_000", "0b11", "017", "0x1F", "1e3", ".5", "=", "<<", "~", "NO", "Null", "-", "?"],
)
def test_texts_that_look_like_something_else_are_quoted(text):
    assert yaml.safe_load(format_value(text)) == text


def test_formats_of_values():
    assert format_value("resnet18.a1_in1k") == "resnet18.a1_in1k"
    assert format_value("my photos/") == '"my photos/"'
    assert format_value("no") == '"no"'
    assert format_value("007") == '"007"'
    assert format_value(5e-05) == "5.0e-05"
    assert format_value(0.1) == "0.1"
    assert format_value(math.nan) == ".nan"
    assert format_value(-math.inf) == "-.inf"
    assert format_value([1, "a b"]) == '[1, "a b"]'
    assert format_value({"a": None}) == "{a: null}"


def test_quotes_escape_what_cannot_be_printed():
    assert quote("tab\tbell\x07 \u2028 \udcff \U000e0001") == '"tab\\tbell\\x07 \\u2028 \\udcff \\U000e0001"'


@given(st.text())
def test_comments_are_one_line_that_yaml_allows(text):
    comment = printable(text)
    assert comment.isprintable()
    assert yaml.safe_load(f"1  # {comment}") == 1
