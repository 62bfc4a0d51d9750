"""Class names that may be another class's name, mistyped: `animls` beside `animals`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

FEW = 3
TIMES = 10
"""A mistyped name has at most 3 pictures, and the right one at least 10 times as many."""

SHORT, LONG = 4, 8
"""From so many characters on names that differ in one, and in two, read alike; shorter ones are words of their own."""


def mistyped(pictures: Mapping[str, int]) -> dict[str, str]:
    """Finds names of very few pictures that are nearly the name of a class of many.

    Numbers in names are no typos: `class_1` and `class_2` are two.

    Args:
        pictures: name of a class, or label → its pictures.

    Returns: mistyped name → what it is near to, each sorted.
    Source: own choice
    >>> mistyped({"animals": 60, "animls": 1, "plants": 2, "cat": 60, "bat": 1})
    {'animls': 'animals'}
    """
    found: dict[str, str] = {}
    for name, few in sorted(pictures.items()):
        if not 0 < few <= FEW:
            continue
        alike = [other for other, many in pictures.items() if many >= TIMES * few and _near(name, other)]
        if alike:
            found[name] = min(alike, key=lambda other: (_edits(name.casefold(), other.casefold()), other))
    return found


def _near(name: str, other: str) -> bool:
    one, two = name.casefold(), other.casefold()
    if _digits(one) != _digits(two):
        return False
    if _plain(one) == _plain(two):
        return len(one) > 1
    length = min(len(one), len(two))
    most = (length >= SHORT) + (length >= LONG)
    differ = Counter(one)
    differ.subtract(two)
    return sum(map(abs, differ.values())) <= 2 * most and abs(len(one) - len(two)) <= most and _edits(one, two) <= most


def _digits(name: str) -> str:
    return "".join(character for character in name if character.isdigit())


def _plain(name: str) -> str:
    return "".join(character for character in name if character.isalnum())


def _edits(one: str, two: str) -> int:
    """Counts the characters to insert, delete, replace or swap with their neighbor.

    >>> _edits("horse", "hosre"), _edits("elefant", "elephant")
    (1, 2)
    """
    before: list[int] = []
    row = list(range(len(two) + 1))
    for i, a in enumerate(one, 1):
        older, before, row = before, row, [i]
        for j, b in enumerate(two, 1):
            least = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == two[j - 2] and one[i - 2] == b:
                least = min(least, older[j - 2] + 1)
            row.append(least)
    return row[-1]
