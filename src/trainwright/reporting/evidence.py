"""The numbers and the advice of a finding in words; the same in the terminal and in the report."""

from __future__ import annotations

import shlex

from .wording import count, number, printable


def shown(value: object) -> str:
    """Words a piece of evidence: numbers with three digits, the rest as it is."""
    if isinstance(value, float):
        return number(value)
    return count(value) if isinstance(value, int) and not isinstance(value, bool) else printable(str(value))


def advised(key: str, value: object) -> str:
    """Words a piece of advice: a recipe key becomes the words for the command line, `do` a sentence.

    >>> advised("optim.lr", 0.01), advised("do", "look at the pictures")
    ('--set optim.lr=0.01', 'look at the pictures')
    >>> advised("data.label_separator", "|")
    "--set data.label_separator='|'"
    """
    if key == "do":
        return printable(str(value))
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return f"--set {printable(key)}={shlex.quote(printable(text))}"
