"""The list of all pictures that the user named, before any of them is decoded."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import numpy as np

from trainwright.errors import InputError, TrainwrightError, shown_of
from trainwright.recipe.data import DataSection

from .label_lists import find_lists
from .label_numbers import read_like_numbers
from .label_typos import mistyped
from .targets import Targets

Split = Literal["train", "valid", "test"]


@dataclass(frozen=True)
class Files:
    """Pictures that still are encoded files.

    Args:
        locations: where each file lies. Plain strings do: a `Path` for each of a million files costs seconds.
    """

    locations: tuple[str | Path, ...]

    def __len__(self) -> int:
        return len(self.locations)

    @cached_property
    def paths(self) -> tuple[Path, ...]:
        """Gives all locations as paths, made when first asked for."""
        return tuple(Path(location) for location in self.locations)

    def read(self, index: int) -> bytes:
        """Reads one encoded picture.

        Raises:
            OSError: as the file system gives it; the catalog does not open files.
        """
        with open(self.locations[index], "rb") as stream:
            return stream.read()


@dataclass(frozen=True, eq=False)
class Arrays:
    """Pictures that come as numbers.

    Args:
        images: uint8, N H W (gray) or N H W 3 (rgb); may be memory-mapped, so read it in slices.
    """

    images: np.ndarray

    def __len__(self) -> int:
        return len(self.images)

    def read(self, index: int) -> np.ndarray:
        """Reads one picture: uint8, H W or H W 3."""
        return np.asarray(self.images[index])


@dataclass(frozen=True)
class Catalog:
    """Every picture by name, with what is known of it without decoding. Row i of each column is picture i.

    Args:
        names: unique, stable and printable: the path relative to the data's root with `/`, or `digits:0007`.
        labels: class name of each picture, printable; in other tasks its target, as a text that tells it from others.
        splits: the part that the data itself puts a picture in; None where the split is ours to make.
        groups: pictures of one group must stay in one part; None for a picture that stands alone.
        weights: at least 0, of any scale, not all 0; None where the data bring none.
        pictures: the encoded files or the numbers.
        title: a short name for the data, printable.
        description: one sentence on where the data come from.
        skipped: what was seen and is no picture, by suffix, in files: `{".txt": 3, "hidden": 1}`.
        notes: sentences that the user should read: links not followed, columns not used.
        targets: what is true of each picture; None where that is the name of one class.
        label_column: of a manifest, whose cells settings can read in another way; empty where there is none.
    Source: own choice
    """

    names: tuple[str, ...]
    labels: tuple[str, ...]
    splits: tuple[Split | None, ...]
    groups: tuple[str | None, ...]
    weights: tuple[float, ...] | None
    pictures: Files | Arrays
    title: str
    description: str
    skipped: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    notes: tuple[str, ...] = ()
    targets: Targets | None = None
    label_column: str = ""

    def __post_init__(self) -> None:
        weights = self.names if self.weights is None else self.weights
        targets = self.names if self.targets is None else self.targets
        columns = (self.names, self.labels, self.splits, self.groups, weights, targets, self.pictures)
        lengths = [len(column) for column in columns]
        if len(set(lengths)) != 1 or len(set(self.names)) != len(self.names):
            raise TrainwrightError(
                "a catalog's columns must be equally long and its names unique",
                expected=f"{len(self.names)} names, all different, and as many in each column",
                got=f"{len(set(self.names))} different names; columns of {lengths}",
            )

    def __len__(self) -> int:
        return len(self.names)


def check_trainable(catalog: Catalog, section: DataSection) -> None:
    """Refuses data from which no classifier can be learned and tested, whatever the pictures show.

    A class with a single picture is refused where the split is ours to make: it cannot be in the training part and
    in another one. Where the data bring their own split it may stand, because nothing is moved.

    Raises:
        InputError: no training part; fewer than two classes; numbers, each of one picture, as classes; a class without
            a picture to train on; a class with a single picture while `valid_share` or `test_share` ask for more parts.
    Source: own choice
    """
    to_learn = Counter(
        label for label, split in zip(catalog.labels, catalog.splits, strict=True) if split in ("train", None)
    )
    if not to_learn:
        parts = sorted({split for split in catalog.splits if split is not None})
        raise InputError(
            "the data have no training part",
            expected="pictures to train on",
            got=f"only {' and '.join(parts)} pictures",
            where=catalog.title,
        )
    strangers = sorted(set(catalog.labels) - set(to_learn))
    if strangers:
        raise InputError(
            "classes without a training picture, so they can never be recognized",
            expected="every class of the validation and test parts in the training part too",
            got=quoted(strangers),
            where=catalog.title,
            hint=listed_labels_hint(catalog)
            or _meant(catalog, strangers)
            or "add training pictures of them, or take them out of the other parts",
        )
    if len(to_learn) == len(catalog) > 1 and catalog.label_column and read_like_numbers(to_learn, len(catalog)):
        raise InputError(
            "every picture has a number of its own as its class; there is nothing to learn",
            expected="classes of several pictures each",
            got=quoted(sorted(to_learn)),
            where=catalog.title,
            hint=listed_labels_hint(catalog),
        )
    if len(to_learn) < 2:
        raise InputError(
            "one class only; there is nothing to tell apart",
            expected="pictures of at least two classes",
            got=f"{len(catalog)} pictures, all {quoted(list(to_learn))}",
            where=catalog.title,
        )
    undivided = Counter(label for label, split in zip(catalog.labels, catalog.splits, strict=True) if split is None)
    lonely = sorted(label for label, count in undivided.items() if count == 1 and to_learn[label] == 1)
    if lonely and (section.valid_share > 0 or section.test_share > 0):
        raise InputError(
            "classes with a single picture, which cannot be in the training part and in the test part",
            expected="at least two pictures of each class",
            got=quoted(lonely),
            where=catalog.title,
            hint=listed_labels_hint(catalog)
            or _meant(catalog, lonely)
            or "add pictures, take these classes out, or set data.valid_share and data.test_share to 0",
        )


def _meant(catalog: Catalog, names: Sequence[str]) -> str | None:
    """Words what some names of classes may be meant to be; None where they are like no other."""
    found = mistyped(Counter(catalog.labels))
    words = [f"did you mean '{found[name]}' by '{name}'?" for name in names if name in found]
    return " ".join(words[:3]) or None


def listed_labels_hint(catalog: Catalog) -> str | None:
    """Words what to do about the names of a manifest that are numbers or lists of labels; None where they are none."""
    targets = catalog.targets
    if catalog.label_column and targets is None and read_like_numbers(set(catalog.labels), len(catalog)):
        return f"these are numbers: for a regression --set data.target_columns={shlex.quote(catalog.label_column)}"
    names, task = (catalog.labels, "classification") if targets is None else (targets.names, targets.task)
    divided = targets is not None and (targets.values_NT.sum(axis=1) > 1).any()
    lists = find_lists(set(names)) if catalog.label_column and not divided else None
    if lists is None:
        return None
    settings = " ".join(f"--set {key}={shlex.quote(value)}" for key, value in lists.settings(task).items())
    return f"'{lists.names[0]}' reads like a list of labels: {settings}"


def quoted(names: Sequence[str], limit: int = 10) -> str:
    """Lists names for a message, at most `limit` of them and the number of the rest.

    >>> quoted(["a", "b", "c", "d"], limit=2)
    "'a', 'b' and 2 more"
    """
    limit = shown_of(len(names), limit)
    shown = ", ".join(f"'{name}'" for name in names[:limit])
    rest = len(names) - limit
    return f"{shown} and {rest} more" if rest > 0 else shown
