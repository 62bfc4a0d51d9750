from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from trainwright.reporting.terminal.lines import labelled, table

words = st.text(st.characters(codec="ascii", categories=["L", "N", "P"]), min_size=1, max_size=12)


@given(st.lists(words, min_size=1, max_size=30), st.integers(30, 100))
def test_no_word_is_lost_and_no_line_too_long(parts: list[str], width: int) -> None:
    lines = [line.plain() for line in labelled("label", [" ".join(parts)], width)]
    assert " ".join(" ".join(lines).split()) == " ".join(["label", *parts])
    assert max(map(len, lines)) <= width


def test_no_text_no_line() -> None:
    assert labelled("notes", [], 80) == []
    assert table([], 80) == []


def test_lines_without_a_label_stand_in_the_same_column() -> None:
    first, second = (line.plain() for line in [*labelled("a", ["x"], 80), *labelled("", ["x"], 80)])
    assert first.index("x") == second.index("x")


def test_the_last_column_wraps_within_itself() -> None:
    assert [line.plain() for line in table([("key", "1", "so many words that they do not fit")], 36)] == [
        "    key  1  so many words that they",
        "            do not fit",
    ]
