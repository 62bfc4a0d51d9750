"""An audit → what is odd about its labels as such: mistyped, several in one name, never more than one, numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainwright.errors import shown_of
from trainwright.runs.records import Finding

from .catalog import quoted
from .label_lists import LabelLists, find_lists
from .label_numbers import read_like_numbers
from .label_typos import mistyped

if TYPE_CHECKING:
    from .audit import Audit

NAMED = 6


def label_findings(audit: Audit) -> list[Finding]:
    """Finds names that seem mistyped, and what is odd about all labels together."""
    return [*_mistyped(audit), *_of_all(audit)]


def _mistyped(audit: Audit) -> list[Finding]:
    pictures = {name: sum(by_part.values()) for name, by_part in audit.counts.items()}
    found = mistyped(pictures)
    if not found:
        return []
    most = shown_of(len(found), NAMED)
    shown = "; ".join(
        f"'{name}' ({pictures[name]}): did you mean '{other}' ({pictures[other]:,})?"
        for name, other in list(found.items())[:most]
    )
    more = f"; and {len(found) - most} more" if len(found) > most else ""
    things = "label" if audit.task == "multi-label" else "class"
    return [
        Finding(
            code="labels-mistyped",
            severity="note",
            summary=f"a {things} of very few pictures is named nearly like one of many: {shown}{more}",
            evidence={f"{things}_names_nearly_alike": len(found)},
            advice={"do": "write both alike if they are one"},
        )
    ]


def _of_all(audit: Audit) -> list[Finding]:
    """Finds classes that are numbers, labels joined in one name, and labels of which each picture has exactly one."""
    if audit.task == "classification" and audit.label_column and read_like_numbers(audit.counts, audit.pictures):
        return [_numeric(audit)]
    held = sum(sum(by_part.values()) for by_part in audit.counts.values())
    alone = held == audit.pictures - audit.unlabelled
    lists = find_lists(audit.counts) if audit.label_column and alone else None
    if lists is not None:
        return [_joined(audit, lists)]
    if audit.task != "multi-label" or not alone or audit.unlabelled:
        return []
    return [
        Finding(
            code="labels-exclusive",
            severity="note",
            summary="every picture has exactly one label: as classes they would be learned against each other",
            evidence={"pictures": audit.pictures},
            advice={"data.task": "classification"},
        )
    ]


def _numeric(audit: Audit) -> Finding:
    """Numbers that are learned as classes; a note, since classes can be called so."""
    return Finding(
        code="labels-numeric",
        severity="note",
        summary=f"all {len(audit.counts):,} classes of the column '{audit.label_column}' are numbers: as classes they "
        "have no order, and a near miss counts like any other; for a regression name the column as one of numbers",
        evidence={"classes": len(audit.counts), "pictures": audit.pictures, "first": quoted(list(audit.counts)[:3])},
        advice={"data.target_columns": audit.label_column},
    )


def _joined(audit: Audit, lists: LabelLists) -> Finding:
    """Names made of labels that each stand in several names; a warning unless it can be one label of each kind."""
    several, classes, labels = len(lists.names), len(audit.counts), len(lists.labels)
    things, one, alone = "classes", "class", "trained as single classes"
    if audit.task == "multi-label":
        things, one, alone = "labels", "label", "each taken for one label"
    return Finding(
        code="labels-joined",
        severity="note" if lists.crossed else "warn",
        summary=f"{several:,} of {classes:,} {things}, such as '{lists.names[0]}', read like lists: divided by "
        f"'{lists.separator}' all are made of {labels:,} labels; as they stand they are {alone}",
        evidence={
            f"{things}_with_separator": several,
            things: classes,
            "labels_when_divided": labels,
            f"pictures_of_such_a_{one}": sum(sum(audit.counts[name].values()) for name in lists.names),
            "first": quoted(lists.labels, 5),
        },
        advice=lists.settings(audit.task),
    )
