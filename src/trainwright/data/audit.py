"""What stands in the data, counted before anything trains. Plain numbers and names; no pictures, no tensors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from trainwright.recipe.data import Task
from trainwright.runs.records import Finding

from .audit_findings import findings_of
from .catalog import Catalog, Split
from .copies import Copies
from .ingest import Reading
from .outliers import Outlying, find_outlying
from .picture_records import PictureRecords
from .splitting import PARTS

SHOWN = 20
"""Examples kept of each kind of thing; the counts are complete."""


@dataclass(frozen=True)
class Rejected:
    """A picture that cannot be used: its name and the reason, as one clause."""

    name: str
    reason: str


@dataclass(frozen=True)
class Spread:
    """Smallest, median and largest of a number of pixels."""

    smallest: int
    median: float
    largest: int


@dataclass(frozen=True)
class ColumnSpread:
    """A column of numbers over the training part, in its own unit."""

    name: str
    smallest: float
    median: float
    largest: float
    mean: float
    deviation: float


@dataclass(frozen=True)
class Duplicates:
    """Groups of pictures that show the same.

    Args:
        groups: how many.
        pictures: in all groups together.
        conflicts: groups whose pictures do not all have one label.
        across: two parts, `train+test` → how many pictures of the second have a twin in the first.
        examples: names of the pictures of the first groups, those across parts and with conflicts first.
        leaks: two parts, as in `across` → the first pairs of names, a picture of the second and its twin in the first.
    """

    groups: int
    pictures: int
    conflicts: int
    across: Mapping[str, int]
    examples: tuple[tuple[str, ...], ...]
    leaks: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Audit:
    """All that was found in the data.

    Args:
        title, description: what the data are called and where they come from.
        pictures: that can be used.
        counts: class, or label, → part → pictures.
        given_parts: parts that the data brought themselves; the others are ours.
        rejected: pictures that cannot be used.
        width, height: of the pictures as they came, upright, in pixels.
        commonest_sizes: (width, height, pictures), at most 10.
        kinds: format and mode → pictures.
        animated: pictures that are the first of several in their file.
        blank: names of pictures that as a whole show one single color, at most 20, and their number.
        identical, near: duplicates with the same pixels as whole pictures, and nearly the same; a near group holds
            identical ones too.
        channel_low, channel_high: smallest and largest value of each channel over the training part, 0…255.
        skipped: suffix → files that were seen and are no pictures.
        notes: what the reader of the files had to say.
        img_size, channels: as the pictures are stored.
        task: what a net learns of them.
        parts: part → pictures; empty where a picture counts once in `counts`.
        unlabelled: pictures without any label, in the task multi-label.
        columns: what the numbers of the training part are, in the task regression.
        outlying: columns with training numbers far from the others, in the task regression.
        pairs: in the task ranking part → pairs within it, `across` → those with pictures in two parts, which are not
            used, and `contradicting` → those that stand in the data the other way round, too.
        unpaired: in the task ranking the names of all pictures in no pair of their part, which are not used.
        label_column: of a manifest, that of the classes or labels; empty where there is none.
        cut: pictures that are not square and of which the middle alone is kept.
        cut_median_share: the median of what each of them loses, share of its area.
        blanked: names of pictures that show one single color only as the net sees them, at most 20, and their number.
        merged: pictures that differ as a whole, and are equal as the net sees them; one of each whole picture.
        lost_by_cut: how many of the blanked and merged pictures are cut; the others lose what tells them by their size.
    """

    title: str
    description: str
    pictures: int
    counts: Mapping[str, Mapping[str, int]]
    given_parts: tuple[str, ...]
    rejected: tuple[Rejected, ...]
    width: Spread
    height: Spread
    commonest_sizes: tuple[tuple[int, int, int], ...]
    kinds: Mapping[str, int]
    animated: int
    blank: tuple[str, ...]
    blank_pictures: int
    identical: Duplicates
    near: Duplicates
    channel_low: tuple[int, ...]
    channel_high: tuple[int, ...]
    skipped: Mapping[str, int]
    notes: tuple[str, ...]
    img_size: int
    channels: int
    task: Task = "classification"
    parts: Mapping[str, int] = field(default_factory=dict)
    unlabelled: int = 0
    columns: tuple[ColumnSpread, ...] = ()
    outlying: tuple[Outlying, ...] = ()
    pairs: Mapping[str, int] = field(default_factory=dict)
    unpaired: tuple[str, ...] = ()
    label_column: str = ""
    cut: int = 0
    cut_median_share: float = 0.0
    blanked: tuple[str, ...] = ()
    blanked_pictures: int = 0
    merged: Duplicates = Duplicates(0, 0, 0, {}, ())
    lost_by_cut: int = 0

    def to_json(self) -> dict[str, Any]:
        """Returns everything as dictionaries, lists, words and numbers."""
        return asdict(self)

    def part_size(self, part: str) -> int:
        """Returns the number of pictures in a part."""
        return self.parts[part] if self.parts else sum(by_part[part] for by_part in self.counts.values())

    def findings(self) -> tuple[Finding, ...]:
        """Says what deserves attention, with the numbers that show it."""
        return findings_of(self)


def take_stock(
    catalog: Catalog,
    records: PictureRecords,
    parts: Sequence[Split],
    classes: Sequence[str],
    copies: Copies,
    reading: Reading,
) -> Audit:
    """Counts what stands in the data.

    Args:
        catalog: every picture, unreadable ones too.
        records: what reading them told.
        parts: the part of each row; of an unreadable picture it does not matter.
        classes: all class names, in order.
        copies: groups of rows that show the same.
        reading: how they were read.
    """
    usable = np.flatnonzero(records.readable_N)
    task: Task = "classification" if catalog.targets is None else catalog.targets.task
    sorted_by = () if task in ("regression", "ranking") else classes
    counts: dict[str, dict[str, int]] = {label: dict.fromkeys(map(str, PARTS), 0) for label in sorted_by}
    for row in usable.tolist():
        for label in _held(catalog, row):
            counts[label][parts[row]] += 1
    sizes_of_parts = Counter(parts[row] for row in usable.tolist())
    sizes = Counter(zip(records.width_N[usable].tolist(), records.height_N[usable].tolist(), strict=True))
    kinds = Counter(records.kind_N[usable].tolist())
    blank = usable[records.blank_N[usable]]
    blanked = usable[records.one_color_N[usable] & ~records.blank_N[usable]]
    train = [row for row in usable.tolist() if parts[row] == "train"]
    sides_2U = np.stack([records.width_N[usable], records.height_N[usable]])
    lost_U = 1 - sides_2U.min(axis=0) / sides_2U.max(axis=0)
    cut = lost_U[lost_U > 0] if reading.fit == "crop" else lost_U[:0]
    lost = [*blanked.tolist(), *(row for group in copies.merged for row in group)]
    return Audit(
        title=catalog.title,
        description=catalog.description,
        pictures=len(usable),
        counts=counts,
        given_parts=tuple(part for part in PARTS if part in catalog.splits),
        rejected=tuple(Rejected(catalog.names[row], reason) for row, reason in records.reasons.items()),
        width=_spread(records.width_N[usable]),
        height=_spread(records.height_N[usable]),
        commonest_sizes=tuple((*size, count) for size, count in _ranked(sizes)[:10]),
        kinds={records.kinds[kind]: count for kind, count in _ranked(kinds)},
        animated=int(records.animated_N[usable].sum()),
        blank=tuple(catalog.names[row] for row in blank[:SHOWN]),
        blank_pictures=len(blank),
        identical=_duplicates(copies.identical, catalog, parts),
        near=_duplicates(copies.near, catalog, parts),
        channel_low=tuple(records.low_NC[train].min(axis=0).tolist()),
        channel_high=tuple(records.high_NC[train].max(axis=0).tolist()),
        skipped=dict(catalog.skipped),
        notes=catalog.notes,
        img_size=reading.img_size,
        channels=reading.channels,
        task=task,
        parts={} if catalog.targets is None else {part: sizes_of_parts[part] for part in PARTS},
        unlabelled=sum(not _held(catalog, row) for row in usable.tolist()) if task == "multi-label" else 0,
        columns=_columns(catalog, train) if task == "regression" else (),
        outlying=_outlying(catalog, train) if task == "regression" else (),
        pairs=_pairs(catalog, usable.tolist(), parts) if task == "ranking" else {},
        unpaired=_unpaired(catalog, usable.tolist(), parts) if task == "ranking" else (),
        label_column=catalog.label_column,
        cut=len(cut),
        cut_median_share=float(np.median(cut)) if len(cut) else 0.0,
        blanked=tuple(catalog.names[row] for row in blanked[:SHOWN]),
        blanked_pictures=len(blanked),
        merged=_duplicates(copies.merged, catalog, parts),
        lost_by_cut=int((records.width_N[lost] != records.height_N[lost]).sum()) if reading.fit == "crop" else 0,
    )


def _unpaired(catalog: Catalog, usable: Sequence[int], parts: Sequence[Split]) -> tuple[str, ...]:
    """Names the pictures whose partners all are in other parts or cannot be read."""
    targets = catalog.targets
    assert targets is not None
    within = [[row for row in usable if parts[row] == part] for part in PARTS]
    paired = {row for rows in within for row in targets.paired(rows)}
    return tuple(catalog.names[row] for row in usable if row not in paired)


def _pairs(catalog: Catalog, usable: Sequence[int], parts: Sequence[Split]) -> dict[str, int]:
    """Counts pairs of readable pictures by part."""
    targets = catalog.targets
    assert targets is not None
    assert targets.pairs_P2 is not None
    readable = set(usable)
    pairs = [(one, other) for one, other in targets.pairs_P2.tolist() if one in readable and other in readable]
    within = Counter(parts[one] if parts[one] == parts[other] else "across" for one, other in pairs)
    known = set(pairs)
    against = sum((other, one) in known for one, other in pairs)
    return {**{part: within[part] for part in PARTS}, "across": within["across"], "contradicting": against}


def _columns(catalog: Catalog, train: Sequence[int]) -> tuple[ColumnSpread, ...]:
    targets = catalog.targets
    assert targets is not None
    return tuple(
        ColumnSpread(
            name=name,
            smallest=float(values_N.min()),
            median=float(np.median(values_N)),
            largest=float(values_N.max()),
            mean=float(values_N.mean()),
            deviation=float(values_N.std()),
        )
        for name, values_N in zip(targets.names, targets.take(train).values_NT.T, strict=True)
    )


def _outlying(catalog: Catalog, train: Sequence[int]) -> tuple[Outlying, ...]:
    targets = catalog.targets
    assert targets is not None
    names = [catalog.names[row] for row in train]
    columns = zip(targets.names, targets.take(train).values_NT.T, strict=True)
    return tuple(one for name, values_N in columns if (one := find_outlying(name, values_N, names)) is not None)


def _held(catalog: Catalog, row: int) -> list[str]:
    """Names the class of a picture, or all its labels."""
    targets = catalog.targets
    if targets is None:
        return [catalog.labels[row]]
    if targets.task in ("regression", "ranking"):
        return []
    return [targets.names[place] for place in np.flatnonzero(targets.values_NT[row])]


def _ranked(counter: Counter[Any]) -> list[tuple[Any, int]]:
    """Orders by count, then by value, so that equal data give equal audits."""
    return sorted(counter.items(), key=lambda item: (-item[1], item[0]))


def _spread(values: np.ndarray) -> Spread:
    return Spread(int(values.min()), float(np.median(values)), int(values.max()))


def _duplicates(groups: Sequence[Sequence[int]], catalog: Catalog, parts: Sequence[Split]) -> Duplicates:
    across: Counter[str] = Counter()
    leaks: dict[str, list[tuple[str, str]]] = {}
    conflicts = 0
    ranked = []
    for group in groups:
        in_parts = Counter(parts[row] for row in group)
        for place, first in enumerate(PARTS):
            for second in PARTS[place + 1 :]:
                if first in in_parts and second in in_parts:
                    across[f"{first}+{second}"] += in_parts[second]
                    twin = next(row for row in group if parts[row] == first)
                    leaks.setdefault(f"{first}+{second}", []).extend(
                        (catalog.names[row], catalog.names[twin]) for row in group if parts[row] == second
                    )
        ranked_alone = catalog.targets is not None and catalog.targets.task == "ranking"
        conflict = not ranked_alone and len({catalog.labels[row] for row in group}) > 1
        conflicts += conflict
        ranked.append(((not conflict, len(in_parts) == 1), [catalog.names[row] for row in group]))
    ranked.sort(key=lambda item: item[0])
    return Duplicates(
        groups=len(groups),
        pictures=sum(map(len, groups)),
        conflicts=conflicts,
        across=dict(sorted(across.items())),
        examples=tuple(tuple(names[:SHOWN]) for _, names in ranked[:SHOWN]),
        leaks={pair: tuple(twins[:SHOWN]) for pair, twins in sorted(leaks.items())},
    )
