"""An audit → what pictures lost when they were made square and of one size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trainwright.runs.records import Finding

from .catalog import quoted

if TYPE_CHECKING:
    from .audit import Audit

NAMED = 5


def fit_findings(audit: Audit) -> list[Finding]:
    """Finds pictures that became blank, or equal to others; a warning where equal ones have different labels."""
    blanked, merged = audit.blanked_pictures, audit.merged
    if not blanked + merged.groups:
        return []
    how = "cropped to a square and resized" if audit.lost_by_cut else "resized"
    words: list[str] = []
    if blanked:
        words.append(f"{blanked:,} {'picture shows' if blanked == 1 else 'pictures show'} a single color only")
    if merged.groups:
        conflicts = f", {merged.conflicts:,} of them with more than one label" if merged.conflicts else ""
        groups = "1 group" if merged.groups == 1 else f"{merged.groups:,} groups"
        words.append(f"{merged.pictures:,} different pictures are equal in {groups}{conflicts}")
    first = "; ".join(
        [quoted(audit.blanked, NAMED)] * bool(blanked)
        + [" = ".join(f"'{name}'" for name in group[:NAMED]) for group in merged.examples[:1]]
    )
    advice: dict[str, Any] = {"do": "pad keeps whole pictures; of small details a larger data.img_size shows more"}
    return [
        Finding(
            code="content-lost-by-fit",
            severity="warn" if merged.conflicts else "note",
            summary=f"as the net sees them, {how} to {audit.img_size}×{audit.img_size}: {'; '.join(words)}",
            evidence={
                "blanked_pictures": blanked,
                "merged_pictures": merged.pictures,
                "groups_with_conflicting_labels": merged.conflicts,
                "pictures_that_are_cut": audit.lost_by_cut,
                "first": first,
            },
            advice={"data.fit": "pad"} | advice if audit.lost_by_cut else {"do": "a larger data.img_size"},
        )
    ]
