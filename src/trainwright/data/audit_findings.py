"""An audit → findings: what deserves attention, silent on healthy data.

A `warn` needs harm that the numbers show; everything else is a `note`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from trainwright.runs.records import Finding, Severity

from .catalog import quoted
from .fit_findings import fit_findings
from .label_findings import label_findings
from .label_typos import mistyped
from .outliers import outlier_findings

if TYPE_CHECKING:
    from .audit import Audit

UNUSABLE_SHARE = 0.01
DUPLICATED_SHARE = 0.1
CONFLICT_SHARE = 0.05
CONFLICT_GROUPS = 3
UNEQUAL = 3.0
FEW = 50
LARGE_SHARE = 0.2
"""Share of all pictures from which on a part cannot well be made larger."""
TYPICAL_ACCURACY = 0.9
PAIRS_ADVICE = (
    "name sets of pictures that are compared among themselves in data.group_column, or give parts of your own in "
    "data.split_column"
)


def findings_of(audit: Audit) -> tuple[Finding, ...]:
    """Lists what was found, most urgent first."""
    found = [
        *_unusable(audit),
        *_duplicated(audit),
        *_leaks(audit),
        *_noisy(audit),
        *fit_findings(audit),
        *_imbalance(audit),
        *label_findings(audit),
        *outlier_findings(audit.outlying),
        *_pairs(audit),
        *_constant_channels(audit),
        *_small_parts(audit),
        *_few_pairs(audit),
    ]
    return tuple(sorted(found, key=lambda finding: ("stop", "warn", "note").index(finding.severity)))


def standard_error(pictures: int) -> float:
    """Returns the binomial standard error of an accuracy of 90 % measured on some pictures.

    >>> round(standard_error(900), 3)
    0.01
    """
    return math.sqrt(TYPICAL_ACCURACY * (1 - TYPICAL_ACCURACY) / pictures)


def _unusable(audit: Audit) -> list[Finding]:
    """Unreadable and blank pictures; a warning above 1 % of all."""
    unreadable, blank = len(audit.rejected), audit.blank_pictures
    if not unreadable + blank:
        return []
    total = audit.pictures + unreadable
    words = []
    if unreadable:
        verb = "is" if unreadable == 1 else "are"
        words.append(f"{unreadable:,} of {total:,} pictures cannot be read and {verb} left out")
    if blank:
        words.append(f"{blank:,} {'picture shows' if blank == 1 else 'pictures show'} a single color only")
    names = [rejected.name for rejected in audit.rejected] + list(audit.blank)
    return [
        Finding(
            code="pictures-unusable",
            severity=_severity((unreadable + blank) / total > UNUSABLE_SHARE),
            summary="; ".join(words),
            evidence={"unreadable_pictures": unreadable, "blank_pictures": blank, "first": quoted(names, 5)},
            advice={"do": _look_at(unreadable, blank, len(audit.blank))},
        )
    ]


def _look_at(unreadable: int, blank: int, named: int) -> str:
    """Says where the names of unusable pictures stand, `named` of the blank ones, and what to do with the pictures."""
    both = []
    if unreadable:
        both.append(
            "look at those that cannot be read (a run lists all in data/rejected.csv); repair them or take them out"
        )
    if blank:
        some = "all" if blank == named else f"the first {named}"
        both.append(
            f"look at those of a single color (a run lists {some} in data/audit.json); take out what shows nothing"
        )
    return "; ".join(both)


def _duplicated(audit: Audit) -> list[Finding]:
    """Copies; a warning where more than a tenth of all pictures could go without loss."""
    surplus = audit.near.pictures - audit.near.groups
    if not surplus:
        return []
    same = audit.identical.pictures - audit.identical.groups
    return [
        Finding(
            code="pictures-duplicated",
            severity=_severity(surplus / audit.pictures > DUPLICATED_SHARE),
            summary=f"{surplus:,} of {audit.pictures:,} pictures repeat another one ({same:,} pixel for pixel)",
            evidence={
                "groups": audit.near.groups,
                "surplus_pictures": surplus,
                "identical_surplus_pictures": same,
                "first": quoted(audit.near.examples[0], 4),
            },
            advice={"do": "keep one of each; until then copies stay in the same part of a split that we make"},
            source="Barz & Denzler 2020",
        )
    ]


def _leaks(audit: Audit) -> list[Finding]:
    """Twins in two parts; a warning where they can move a measured accuracy by more than its standard error."""
    found = []
    for pair, leaked in audit.near.across.items():
        first, second = pair.split("+")
        pictures = audit.part_size(second)
        same = audit.identical.across.get(pair, 0)
        harm = leaked / pictures
        found.append(
            Finding(
                code="train-validation-leak",
                severity=_severity(harm > standard_error(pictures)),
                summary=f"{leaked:,} of {pictures:,} {second} pictures ({harm:.2%}) also stand in the {first} part",
                evidence={
                    "leaked_pictures": leaked,
                    "identical_pictures": same,
                    "share": harm,
                    "standard_error_at_90_percent": standard_error(pictures),
                    "first": "; ".join(f"'{name}' is '{twin}'" for name, twin in audit.near.leaks.get(pair, ())[:3]),
                },
                advice={"do": f"take them out of the {first} part, or let trainwright make the split"},
                source="Barz & Denzler 2020",
            )
        )
    return found


def _noisy(audit: Audit) -> list[Finding]:
    """Identical pictures with different labels; a warning from three groups and a twentieth of all groups on."""
    conflicts, groups = audit.identical.conflicts, audit.identical.groups
    if not conflicts:
        return []
    share = conflicts / groups
    verb = "carries" if conflicts == 1 else "carry"
    return [
        Finding(
            code="labels-noisy",
            severity=_severity(conflicts >= CONFLICT_GROUPS and share >= CONFLICT_SHARE),
            summary=f"{conflicts:,} of {groups:,} groups of identical pictures {verb} more than one "
            f"{'label' if audit.counts else 'number'}",
            evidence={"conflicting_groups": conflicts, "groups": groups, "share": share}
            | {"first": quoted(audit.identical.examples[0], 4)},
            advice={"do": "decide which one is right; the other one teaches a mistake"},
        )
    ]


def _imbalance(audit: Audit) -> list[Finding]:
    """Unequal classes are a note: whether it does harm only training can show."""
    if not audit.counts:
        return []
    sizes = {label: counts["train"] for label, counts in audit.counts.items()}
    smallest, largest = min(sizes, key=sizes.__getitem__), max(sizes, key=sizes.__getitem__)
    if sizes[largest] < UNEQUAL * sizes[smallest]:
        return []
    return [
        Finding(
            code="class-imbalance-harmful",
            severity="note",
            summary=f"{_things(audit)} are unequal: '{largest}' has {sizes[largest]:,} training pictures, "
            f"'{smallest}' {sizes[smallest]:,}; {_shown_by(audit)} show whether it harms",
            evidence={"largest_class_pictures": sizes[largest], "smallest_class_pictures": sizes[smallest]},
        )
    ]


def _things(audit: Audit) -> str:
    return "labels" if audit.task == "multi-label" else "classes"


def _shown_by(audit: Audit) -> str:
    if audit.task == "multi-label":
        return "macro F1 and the table by label"
    return "balanced accuracy and the table by class"


def _pairs(audit: Audit) -> list[Finding]:
    """Pairs that are left out, and pairs that contradict each other; a warning from a twentieth on."""
    if audit.task != "ranking":
        return []
    found = []
    used = sum(audit.pairs[part] for part in ("train", "valid", "test"))
    across, against = audit.pairs["across"], audit.pairs["contradicting"]
    if across:
        found.append(
            Finding(
                code="pairs-across-parts",
                severity="note",
                summary=f"{across:,} of {used + across:,} pairs have their pictures in two parts and are left out",
                evidence={"pairs_left_out": across, "pairs_used": used},
                advice={"do": "give pictures that are compared with each other one group, or one part"},
            )
        )
    if against:
        share = against / (used + across)
        found.append(
            Finding(
                code="pairs-contradict",
                severity=_severity(share >= CONFLICT_SHARE),
                summary=f"{against:,} of {used + across:,} pairs stand in the data the other way round, too; no net "
                "gets both right",
                evidence={"contradicting_pairs": against, "share": share},
                advice={"do": "look at them; where people disagree, the share of right pairs has a ceiling"},
            )
        )
    return found


def _constant_channels(audit: Audit) -> list[Finding]:
    constant = [
        channel
        for channel, (low, high) in enumerate(zip(audit.channel_low, audit.channel_high, strict=True))
        if low == high
    ]
    if not constant:
        return []
    names = ("gray",) if audit.channels == 1 else ("red", "green", "blue")
    words = " and ".join(names[channel] for channel in constant)
    value = audit.channel_low[constant[0]]
    return [
        Finding(
            code="input-channel-constant",
            severity="warn",
            summary=f"{words}: the same value {value} in every pixel of the training part; it tells nothing",
            evidence={"channels": words, "value": value},
            advice={"data.color": "gray"} if audit.channels == 3 else {"do": "look at the pictures"},
        )
    ]


def _small_parts(audit: Audit) -> list[Finding]:
    """Parts too small to tell models apart, and classes that a part does not have and that are no likely typos."""
    found = []
    typos = mistyped({label: sum(counts.values()) for label, counts in audit.counts.items()})
    for part in ("valid", "test"):
        pictures = audit.part_size(part)
        if not pictures:
            continue
        missing = [label for label, counts in audit.counts.items() if not counts[part] and label not in typos]
        if missing:
            found.append(
                Finding(
                    code="validation-too-small",
                    severity=_severity(len(missing) > 0.1 * len(audit.counts)),
                    summary=f"the {part} part has no picture of {quoted(missing, 5)}; nothing is measured there",
                    evidence={f"missing_{_things(audit)}": len(missing), _things(audit): len(audit.counts)},
                    advice={"do": f"add pictures of these {_things(audit)}"},
                )
            )
        if pictures < FEW and audit.task != "ranking":
            given = part in audit.given_parts or pictures >= LARGE_SHARE * audit.pictures
            found.append(
                Finding(
                    code="validation-too-small",
                    severity="warn",
                    summary=f"the {part} part has {pictures:,} pictures: {_how_sure(audit, pictures)}so small "
                    "differences mean nothing",
                    evidence={"pictures": pictures, "standard_error_at_90_percent": standard_error(pictures)}
                    if audit.task == "classification"
                    else {"pictures": pictures},
                    advice={"do": "add pictures"} if given else {f"data.{part}_share": 0.3},
                )
            )
    return found


def _few_pairs(audit: Audit) -> list[Finding]:
    """Parts with pictures, and none or too few pairs among them: these alone are measured."""
    found = []
    for part, unmeasured in (("valid", "nothing chooses the epoch"), ("test", "nothing is tested")):
        pictures = audit.part_size(part)
        if audit.task != "ranking" or not pictures or (pairs := audit.pairs[part]) >= FEW:
            continue
        large = part in audit.given_parts or pictures >= LARGE_SHARE * audit.pictures
        evidence = {"pairs": pairs, "pictures": pictures}
        advice = {"do": PAIRS_ADVICE} | ({} if large else {f"data.{part}_share": 0.3})
        if not pairs:
            found.append(
                Finding(
                    code="validation-without-pairs",
                    severity="warn",
                    summary=f"the {part} part has {pictures:,} pictures, but no pair within it: {unmeasured}",
                    evidence=evidence,
                    advice=advice,
                )
            )
            continue
        sure = f"a share of 90 % in the right order is known to ± {1.96 * standard_error(pairs):.0%} only"
        found.append(
            Finding(
                code="validation-too-small",
                severity="warn",
                summary=f"the {part} part has {pairs:,} {'pair' if pairs == 1 else 'pairs'} within it: {sure}",
                evidence=evidence,
                advice=advice,
            )
        )
    return found


def _how_sure(audit: Audit, pictures: int) -> str:
    if audit.task != "classification":
        return "its figures are rough, "
    return f"an accuracy of 90 % is known to ± {1.96 * standard_error(pictures):.0%} only, "


def _severity(harmful: bool) -> Severity:
    return "warn" if harmful else "note"
