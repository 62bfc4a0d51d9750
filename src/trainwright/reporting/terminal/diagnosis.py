"""A diagnosis on the terminal: what is wrong, how sure, what shows it, what to do first, and what was looked at."""

from __future__ import annotations

from collections import Counter

from ..views.diagnosis import DiagnosisView, withdrawn_words
from ..wording import listed, plural, printable
from .closing import finding_lines
from .lines import Line, labelled

NAMED = 100
"""Codes that are listed by name: all of them."""


def diagnosis_lines(view: DiagnosisView, width: int = 80, *, told: bool = False) -> list[Line]:
    """Writes a diagnosis; notes of what was found before training are named only.

    All that was looked at is named where nothing wrong was found.

    Args:
        view: the diagnosis.
        width: columns to wrap to.
        told: findings stand above already, and are named only.
    """
    quiet = [one for one in view.findings if one.severity == "note" and not one.diagnosed]
    lines = [Line()]
    for finding in view.findings:
        if finding not in quiet and not told:
            lines += [*finding_lines(finding, width), Line()]
    lines += labelled("diagnosis", [view.summary], width, "green" if view.healthy else "bold")
    looked = f"looked at {plural(len(view.looked_at), 'kind of fault', 'kinds of faults')} over {view.scope}"
    names = f": {listed(view.looked_at, NAMED)}" if view.looked_at and view.healthy else ""
    lines += labelled("", [looked + names], width)
    lines += labelled("withdrawn", [printable(withdrawn_words(finding)) for finding in view.withdrawn], width)
    lines += labelled("not seen", [f"{listed(codes, NAMED)}: needs {words}" for words, codes in view.gaps], width)
    if quiet:
        named = Counter(finding.code for finding in quiet)
        texts = [code + (f" ({times})" if times > 1 else "") for code, times in named.items()]
        lines += labelled("notes", [f"of data and checks: {printable(listed(texts, NAMED))}"], width)
    return [*lines, Line()]
