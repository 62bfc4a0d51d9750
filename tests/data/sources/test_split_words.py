from __future__ import annotations

import pytest

from trainwright.data.sources.split_words import SPLIT_WORDS, split_of


@pytest.mark.parametrize("word", SPLIT_WORDS)
def test_every_word_in_any_letters(word: str):
    assert split_of(word) == split_of(word.upper()) == split_of(f" {word.title()} ") == SPLIT_WORDS[word]


@pytest.mark.parametrize("word", ["", "cats", "trains", "tests", "1"])
def test_other_words_name_no_part(word: str):
    assert split_of(word) is None
