"""What the audit found in the pictures, laid out to be read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trainwright.errors import shown_of

from ..things import THINGS, Thing
from ..wording import count, listed, percent, plural

BLANK_NAMED = 5
PARTS = ("train", "valid", "test")
PART_WORDS = {"train": "training", "valid": "validation", "test": "test"}


@dataclass(frozen=True, kw_only=True)
class PartRow:
    """One part of the data. `given`: the data brought it themselves; else we made it."""

    part: str
    pictures: int
    given: bool


@dataclass(frozen=True, kw_only=True)
class ClassCounts:
    """Pictures of one class in each part."""

    label: str
    train: int
    valid: int
    test: int


@dataclass(frozen=True, kw_only=True)
class ColumnFacts:
    """A column of numbers over the training part."""

    name: str
    smallest: float
    median: float
    largest: float
    mean: float
    deviation: float


@dataclass(frozen=True, kw_only=True)
class DataSummary:
    """The data in numbers. `facts` are rows of a name and a sentence; `twins` names pictures that show the same.

    `classes` are the labels in the task multi-label; `task` says what a net learns of the pictures.
    """

    title: str
    description: str
    pictures: int
    parts: tuple[PartRow, ...]
    classes: tuple[ClassCounts, ...]
    rejected: tuple[tuple[str, str], ...]
    facts: tuple[tuple[str, str], ...]
    twins: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...]
    task: str = "classification"
    columns: tuple[ColumnFacts, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Names what the pictures are sorted by."""
        return tuple(row.label for row in self.classes) or tuple(column.name for column in self.columns)

    @property
    def things(self) -> Thing:
        """Gives the words for what the pictures are sorted by."""
        return THINGS[self.task]

    @property
    def largest_class(self) -> int:
        """Gives the training pictures of the class that has most of them."""
        return max((row.train for row in self.classes), default=0)


def data_summary(audit: Mapping[str, Any]) -> DataSummary:
    """Lays out an audit.

    Args:
        audit: what data/audit.json holds.
    """
    classes = tuple(ClassCounts(label=label, **counts) for label, counts in audit["counts"].items())
    sizes: Mapping[str, int] = audit.get("parts", {})  # audits of earlier versions have none
    parts = tuple(
        PartRow(
            part=part,
            pictures=sizes[part] if sizes else sum(getattr(row, part) for row in classes),
            given=part in audit["given_parts"],
        )
        for part in PARTS
    )
    return DataSummary(
        title=audit["title"],
        description=audit["description"],
        pictures=audit["pictures"],
        parts=parts,
        classes=classes,
        rejected=tuple((row["name"], row["reason"]) for row in audit["rejected"]),
        facts=tuple(_facts(audit)),
        twins=tuple(tuple(group) for group in audit["near"]["examples"]),
        notes=tuple(audit["notes"]),
        task=audit.get("task", "classification"),
        columns=tuple(ColumnFacts(**column) for column in audit.get("columns", ())),
    )


def _facts(audit: Mapping[str, Any]) -> list[tuple[str, str]]:
    color = {1: "gray", 3: "color"}.get(audit["channels"], f"{audit['channels']} channels")
    facts = [
        ("Size as they came", _sizes(audit)),
        ("Seen by the net as", f"{audit['img_size']}×{audit['img_size']}, {color}"),
        ("Kinds of file", listed([f"{kind} ({count(number)})" for kind, number in audit["kinds"].items()])),
        ("Same pixels", _duplicates(audit["identical"])),
        ("Same, or nearly so", _duplicates(audit["near"])),
    ]
    if audit.get("cut"):  # audits of earlier versions do not know
        facts.append(("Cut to squares", cut_words(audit["cut"], audit["cut_median_share"])))
    if audit.get("merged", {}).get("groups"):
        facts.append(("Equal once cut and resized", _duplicates(audit["merged"])))
    if audit["rejected"]:
        facts.append(("Cannot be used", plural(len(audit["rejected"]), "picture")))
    if audit["blank_pictures"]:
        blank = audit["blank_pictures"]
        names = audit["blank"][: shown_of(blank, BLANK_NAMED)]
        rest = [f"{count(blank - len(names))} more"] if blank > len(names) else []
        facts.append(("Of one single color", f"{plural(blank, 'picture')}: {listed([*names, *rest], BLANK_NAMED + 2)}"))
    if audit.get("task") == "ranking":
        pairs = audit["pairs"]
        words = [f"{count(pairs[part])} {PART_WORDS[part]}" for part in PARTS]
        facts.append(("Pairs", f"{', '.join(words)}; {count(pairs['across'])} across parts, left out"))
    if audit.get("task") == "multi-label":
        facts.append(("Without any label", plural(audit["unlabelled"], "picture")))
    if audit["animated"]:
        facts.append(("Animated", f"{plural(audit['animated'], 'picture')}; the first frame counts"))
    if audit["skipped"]:
        skipped = [f"{suffix} ({count(number)})" for suffix, number in audit["skipped"].items()]
        facts.append(("No pictures, passed over", listed(skipped)))
    return facts


def cut_words(pictures: int, share: float) -> str:
    """Says what is lost of pictures that are not square.

    Args:
        pictures: how many.
        share: the median of what each loses, share of its area.

    >>> cut_words(1, 0.25).replace("\\xa0", " ")
    '1 picture is not square: crop cuts off 25.0 % of the area (median); data.fit=pad or squash keeps all of it'
    """
    verb = "is" if pictures == 1 else "are"
    lost = f"{plural(pictures, 'picture')} {verb} not square: crop cuts off {percent(share)} of the area (median)"
    return f"{lost}; data.fit=pad or squash keeps all of it"


def _sizes(audit: Mapping[str, Any]) -> str:
    common: Sequence[Sequence[int]] = audit["commonest_sizes"]
    width, height, pictures = common[0]
    if pictures == audit["pictures"]:
        return f"all {width}×{height} pixels"
    wide, high = audit["width"], audit["height"]
    return (
        f"{wide['smallest']} to {wide['largest']} pixels wide, {high['smallest']} to {high['largest']} high; "
        f"most often {width}×{height} ({count(pictures)} of {count(audit['pictures'])})"
    )


def _duplicates(found: Mapping[str, Any]) -> str:
    if not found["groups"]:
        return "none"
    words = [f"{plural(found['pictures'], 'picture')} in {plural(found['groups'], 'group')}"]
    for pair, pictures in found["across"].items():
        first, _, second = pair.partition("+")
        words.append(f"{plural(pictures, f'{PART_WORDS[second]} picture')} with a twin in the {PART_WORDS[first]} part")
    if found["conflicts"]:
        words.append(f"{plural(found['conflicts'], 'group')} with more than one label")
    return "; ".join(words)
