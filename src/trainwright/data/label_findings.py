"""An audit → what is odd about its labels as such: several in one name, or never more than one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainwright.runs.records import Finding

from .catalog import quoted
from .label_lists import LabelLists, find_lists

if TYPE_CHECKING:
    from .audit import Audit


def label_findings(audit: Audit) -> list[Finding]:
    """Finds labels that are joined in one name, else labels of which each picture has exactly one."""
    held = sum(sum(by_part.values()) for by_part in audit.counts.values())
    alone = held == audit.pictures - audit.unlabelled
    lists = find_lists(audit.counts) if audit.listed and alone else None
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
