"""The section `data` of a recipe → pictures that can be trained on: read, audited, divided, stored."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from trainwright.errors import InputError
from trainwright.recipe import Choice, DataSection, Task, task_of, why_task

from .audit import Audit, Rejected, take_stock
from .catalog import Catalog, Split
from .copies import Copies, find_copies
from .ingest import Progress, Reading
from .part import Part, emptied, joined, part_of
from .picture_records import PictureRecords
from .readable import check_readable
from .reading_choice import choose_reading
from .sources import open_catalog
from .sources.manifest_columns import USUAL_WORSE
from .sources.manifest_targets import USUAL_SEPARATOR
from .split_file import SplitRow, read_split, refuse_changed_data
from .splitting import PARTS, split_pictures
from .store import Store, open_store
from .target_checks import check_standardized, check_targets, held, strata
from .targets import Scale


@dataclass(frozen=True, eq=False)
class PreparedData:
    """Pictures ready for training, and all that is known of them.

    Args:
        title: a short name for the data.
        classes: what each number that a net gives stands for. Class names, of which a label is an index, sorted and
            fixed by the training part; in the task multi-label the labels.
        train, valid, test: the parts; valid and test may be empty.
        audit: what was found.
        rejected: pictures that cannot be used, each with its reason.
        split: which picture went where, sorted by name.
        fingerprint: sha256 over names, contents, labels, weights and parts, in hexadecimal.
        img_size, channels: of the stored pictures.
        choices: what `auto` became, for `data.task`, `data.img_size`, `data.color`, `data.cache` and others of `data`.
        task: what a net learns of them.
        scale: mean and deviation of numbers over the training part; None in tasks without.
    """

    title: str
    classes: tuple[str, ...]
    train: Part
    valid: Part
    test: Part
    audit: Audit
    rejected: tuple[Rejected, ...]
    split: tuple[SplitRow, ...]
    fingerprint: str
    img_size: int
    channels: int
    choices: tuple[Choice, ...]
    task: Task = "classification"
    scale: Scale | None = None

    def with_validation(self) -> PreparedData:
        """Gives the same data with the validation pictures in the training part, and none left for validation."""
        return replace(self, train=joined(self.train, self.valid), valid=emptied(self.valid))


def prepare(
    section: DataSection,
    *,
    seed: int,
    workers: int = 0,
    cache_dir: Path | None = None,
    progress: Progress | None = None,
    given_split: Path | None = None,
) -> PreparedData:
    """Reads, audits and divides the pictures that a recipe names.

    Args:
        section: the recipe's section `data`.
        seed: what the split is a function of.
        workers: threads that read pictures; 0 reads in the calling thread.
        cache_dir: where decoded pictures are kept; None: $TRAINWRIGHT_CACHE, else the user's cache folder.
        progress: told what is being done, how many are done, of how many.
        given_split: the `split.csv` of a run to go on with; used as it stands.

    Raises:
        InputError: no such data; nothing readable; nothing to learn; the data are not those of `given_split`.
    """
    return prepare_catalog(
        open_catalog(section),
        section,
        seed=seed,
        workers=workers,
        cache_dir=cache_dir,
        progress=progress,
        given_split=given_split,
    )


def prepare_catalog(
    catalog: Catalog,
    section: DataSection,
    *,
    seed: int,
    workers: int = 0,
    cache_dir: Path | None = None,
    progress: Progress | None = None,
    given_split: Path | None = None,
) -> PreparedData:
    """Does what `prepare` does, with a catalog that is open already."""
    read = read_catalog(catalog, section, workers=workers, cache_dir=cache_dir, progress=progress)
    if given_split is None:
        return built(read, divided(read, seed))
    return built(read, _given_parts(given_split, catalog, read.store.records, read.usable))


@dataclass(frozen=True, eq=False)
class ReadPictures:
    """Pictures that are read and not yet divided.

    Args:
        catalog, section: what was read, and how it was asked for.
        reading: size and color of the stored pictures.
        choices: what `auto` became.
        store: the pictures.
        usable: rows of the catalog that can be read, sorted by name.
        copies: which of them are alike.
    """

    catalog: Catalog
    section: DataSection
    reading: Reading
    choices: tuple[Choice, ...]
    store: Store
    usable: tuple[int, ...]
    copies: Copies


def read_catalog(
    catalog: Catalog,
    section: DataSection,
    *,
    workers: int = 0,
    cache_dir: Path | None = None,
    progress: Progress | None = None,
) -> ReadPictures:
    """Reads the pictures of a catalog once, and looks for copies; for arguments and errors see `prepare`."""
    reading, choices = choose_reading(section, catalog.pictures, workers)
    choices = (*choose_task(section), *choices)
    store = open_store(catalog, reading, cache=section.cache, cache_dir=cache_dir, workers=workers, progress=progress)
    if section.cache == "auto":
        choices = (*choices, Choice("data.cache", store.kind, store.reason))
    usable = sorted(np.flatnonzero(store.records.readable_N).tolist(), key=lambda row: catalog.names[row])
    check_readable(catalog, store.records, section)
    return ReadPictures(catalog, section, reading, choices, store, tuple(usable), find_copies(store, usable, progress))


def built(read: ReadPictures, parts: Sequence[Split]) -> PreparedData:
    """Gives pictures that are read in parts, with all that is measured on the training part.

    Args:
        parts: of each row of the catalog; those of unreadable ones are not looked at.

    Raises:
        InputError: see `check_targets` and `check_standardized`.
    """
    catalog, store, usable = read.catalog, read.store, read.usable
    records = store.records
    if catalog.targets is None:
        classes = tuple(sorted({catalog.labels[row] for row in usable if parts[row] == "train"}))
    else:
        check_targets(catalog, parts, unreadable=list(records.reasons))
        classes = catalog.targets.names
    scale = _scale(catalog, usable, parts)
    audit = take_stock(catalog, records, parts, classes, read.copies, read.reading)
    split = tuple(
        SplitRow(catalog.names[row], catalog.labels[row], parts[row], catalog.groups[row] or "", records.sha256(row))
        for row in usable
    )
    each = {part: _part(part, store, catalog, parts, usable, classes, scale) for part in PARTS}
    return PreparedData(
        title=catalog.title,
        classes=classes,
        **each,
        audit=audit,
        rejected=audit.rejected,
        split=split,
        fingerprint=_fingerprint(split, catalog, usable),
        img_size=read.reading.img_size,
        channels=read.reading.channels,
        choices=read.choices,
        task=task_of(read.section),
        scale=scale,
    )


def _scale(catalog: Catalog, usable: Sequence[int], parts: Sequence[Split]) -> Scale | None:
    """Measures the training part's numbers, and makes sure that all parts can be told in their measure."""
    targets = catalog.targets
    if targets is None or targets.task != "regression":
        return None
    scale = Scale.of(targets.take([row for row in usable if parts[row] == "train"]).values_NT)
    check_standardized(catalog, usable, scale)
    return scale


def choose_task(section: DataSection) -> tuple[Choice, ...]:
    """Says what `auto` makes of the task, and of what belongs to it."""
    task = task_of(section)
    choices = [Choice("data.task", task, why_task(section))] if section.task == "auto" else []
    if task == "multi-label" and section.label_separator == "auto":
        choices.append(Choice("data.label_separator", USUAL_SEPARATOR, "usual"))
    if task == "ranking" and section.worse_column == "auto":
        choices.append(Choice("data.worse_column", USUAL_WORSE, "usual"))
    return tuple(choices)


def together(read: ReadPictures) -> list[list[int]]:
    """Lists the pictures that no division may tear apart, as places among the usable ones: groups and copies."""
    groups: dict[str, list[int]] = {}
    for row in read.usable:
        group = read.catalog.groups[row]
        if group is not None:
            groups.setdefault(group, []).append(row)
    near = read.section.near_duplicates == "together"
    alike = read.copies.stored_near if near else read.copies.stored_identical
    place = {row: position for position, row in enumerate(read.usable)}
    return [[place[row] for row in rows if row in place] for rows in (*groups.values(), *alike)]


def divided(read: ReadPictures, seed: int) -> list[Split]:
    """Splits the readable pictures; rows of the others are called `train` and never used."""
    catalog, usable = read.catalog, read.usable
    kinds, labels = strata(catalog), held(catalog)
    split = split_pictures(
        [catalog.names[row] for row in usable],
        [kinds[row] for row in usable],
        [catalog.splits[row] for row in usable],
        together(read),
        valid_share=read.section.valid_share,
        test_share=read.section.test_share,
        seed=seed,
        learned=None if labels is None else [labels[row] for row in usable],
    )
    parts: list[Split] = ["train"] * len(catalog)
    for row, part in zip(usable, split, strict=True):
        parts[row] = part
    return parts


def _given_parts(path: Path, catalog: Catalog, records: PictureRecords, usable: Sequence[int]) -> list[Split]:
    """Takes the split that a run began with, if the data still are what they were."""
    stored = read_split(path)
    now = [(catalog.names[row], catalog.labels[row], records.sha256(row)) for row in usable]
    refuse_changed_data(stored, now, path)
    part_of_name: dict[str, Split] = {row.name: row.part for row in stored}
    return [part_of_name.get(name, "train") for name in catalog.names]


def _part(
    part: Split,
    store: Store,
    catalog: Catalog,
    parts: Sequence[Split],
    usable: Sequence[int],
    classes: Sequence[str],
    scale: Scale | None,
) -> Part:
    """Gathers the columns of one part; weights get mean 1 over it."""
    sample_of = {row: sample for sample, row in enumerate(usable) if parts[row] == part}
    within = list(sample_of) if catalog.targets is None else catalog.targets.paired(list(sample_of))
    chosen = [(sample_of[row], row) for row in within]
    rows = [row for _, row in chosen]
    weights, mean = None, 1.0
    if catalog.weights is not None and rows:
        weights = np.array([catalog.weights[row] for row in rows], np.float64)
        mean = float(weights.mean())
        if mean == 0 and part == "train":
            raise InputError(
                "all pictures of the training part have weight 0",
                expected="at least one picture with a weight above 0",
                where=catalog.title,
            )
        mean = mean or 1.0
        weights = weights / mean
    return part_of(
        store.images_SCHW,
        np.array(rows, np.int64),
        true_of(catalog, rows, classes, scale),
        np.array([sample for sample, _ in chosen], np.int64),
        [catalog.names[row] for row in rows],
        weights,
        on_disk=store.kind == "disk",
        mean_weight=mean,
        pairs=None if catalog.targets is None else catalog.targets.take(rows).pairs_P2,
    )


def true_of(catalog: Catalog, rows: Sequence[int], classes: Sequence[str], scale: Scale | None) -> np.ndarray:
    """Gives what is true of some pictures: int64 N, the index of the class; in other tasks float32 N T.

    Args:
        classes: the class names, or what the T numbers are called; all of the targets' own are among them.
        scale: by which numbers are standardized; None leaves them.
    """
    index = {label: number for number, label in enumerate(classes)}
    if catalog.targets is None:
        return np.array([index[catalog.labels[row]] for row in rows], np.int64)
    values_NT = np.zeros((len(rows), len(classes)))
    values_NT[:, [index[name] for name in catalog.targets.names]] = catalog.targets.take(rows).values_NT
    return (values_NT if scale is None else scale.standardized(values_NT)).astype(np.float32)


def _fingerprint(split: Sequence[SplitRow], catalog: Catalog, usable: Sequence[int]) -> str:
    digest = hashlib.sha256()
    for row, place in zip(split, usable, strict=True):
        weight = "" if catalog.weights is None else repr(catalog.weights[place])
        digest.update("\0".join((row.name, row.label, row.part, row.group, row.sha256, weight)).encode() + b"\n")
    return digest.hexdigest()
