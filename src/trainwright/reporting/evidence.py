"""The numbers and the advice of a finding in words; the same in the terminal and in the report."""

from __future__ import annotations

import shlex

from trainwright.runs import Finding

from .wording import NBSP, count, number, percent, printable


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


def how_sure(finding: Finding) -> str:
    """Words how often a finding of this kind is right.

    >>> how_sure(Finding(code="negative-loss", severity="warn", summary="", confidence=1.0))
    'checked exactly'
    """
    if finding.confidence is None:
        return "how often such a finding is right was not measured"
    if finding.confidence == 1.0:
        return "checked exactly"
    return (
        f"right in {percent(finding.confidence).replace(NBSP, ' ')} of such cases, as the benchmark of faults measured"
    )
