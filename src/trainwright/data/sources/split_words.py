"""The words by which people name the three parts of a data set."""

from __future__ import annotations

from trainwright.data.catalog import Split

SPLIT_WORDS: dict[str, Split] = {
    "train": "train",
    "training": "train",
    "trn": "train",
    "valid": "valid",
    "val": "valid",
    "validate": "valid",
    "validation": "valid",
    "dev": "valid",
    "development": "valid",
    "test": "test",
    "testing": "test",
    "tst": "test",
    "eval": "test",
    "evaluation": "test",
    "holdout": "test",
    "t10k": "test",
}
"""Word, in small letters → part. `t10k` is what the MNIST files call their test part."""


def split_of(word: str) -> Split | None:
    """Tells which part of the data a word names, in small or capital letters; None if it names none.

    >>> split_of("Validation"), split_of("cats")
    ('valid', None)
    """
    return SPLIT_WORDS.get(word.strip().casefold())
