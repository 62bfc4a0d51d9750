"""What a split and a training run ask of the targets of a catalog, whatever the task.

Legend: N pictures of the catalog, T numbers of a picture's target.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

import numpy as np

from trainwright.errors import InputError, shown_of

from .catalog import Catalog, Split, listed_labels_hint, quoted
from .targets import Scale, Targets

QUANTILES = 10
"""Groups that numbers are divided into, and the least pictures of one."""

FAR_SHOWN = 10
"""So many numbers that are too far from the others are listed; the rest are counted."""


def strata(catalog: Catalog) -> list[str]:
    """Names for each picture the group within which a split deals pictures out in proportion.

    A class; of several labels the rarest, so that those with few pictures come into all parts; of numbers the quantile,
    of several columns that of their first principal component.

    Source: own choice; after Sechidis et al. 2011, who take the rarest label first, too.
    """
    targets = catalog.targets
    if targets is None:
        return list(catalog.labels)
    if targets.task == "ranking":
        return [""] * len(targets)
    if targets.task == "regression":
        return _quantiles(targets.values_NT, catalog.names)
    pictures_T = targets.values_NT.sum(axis=0)
    rarest = np.argsort(pictures_T, kind="stable")
    held_NT = targets.values_NT[:, rarest] > 0
    return [targets.names[rarest[row.argmax()]] if row.any() else "" for row in held_NT]


def held(catalog: Catalog) -> list[tuple[str, ...]] | None:
    """Lists for each picture the labels that training must meet; None where a split sees to it by its strata."""
    targets = catalog.targets
    if targets is None or targets.task != "multi-label":
        return None
    return [tuple(targets.names[place] for place in np.flatnonzero(row)) for row in targets.values_NT]


def _quantiles(values_ND: np.ndarray, names: Sequence[str]) -> list[str]:
    """Names the tenth of the pictures that each is in, in the order of its numbers, and where these are equal of its
    name; fewer groups of few pictures."""
    order_N = np.array(sorted(range(len(names)), key=names.__getitem__))
    values_ND = values_ND[order_N]  # sums in another order are other sums
    # By powers of 2 nothing is rounded, and no square overflows.
    values_ND = np.ldexp(values_ND, -np.frexp(np.abs(values_ND).max(axis=0))[1])
    deviation_D = values_ND.std(axis=0)
    standardized_ND = (values_ND - values_ND.mean(axis=0)) / np.where(deviation_D > 0, deviation_D, 1.0)
    direction_D = np.linalg.eigh(standardized_ND.T @ standardized_ND)[1][:, -1]
    place_N = np.argsort(np.argsort(standardized_ND @ direction_D, kind="stable"), kind="stable")
    groups = max(1, min(QUANTILES, len(values_ND) // QUANTILES))
    group_N = np.empty_like(place_N)
    group_N[order_N] = place_N * groups // len(values_ND)
    return [f"{group:02d}" for group in group_N]


def check_targets(catalog: Catalog, parts: Sequence[Split | None], unreadable: Collection[int] = ()) -> None:
    """Refuses targets from which nothing can be learned.

    Args:
        catalog: with targets.
        parts: of each picture; None where it is still open.
        unreadable: rows whose pictures cannot be used.

    Raises:
        InputError: no training part; labels of which the training part has no picture, or that all or none carry; a
            column of numbers that are all the same, or whose mean or deviation no float holds; no pair within the
            training part.
    """
    targets = catalog.targets
    assert targets is not None
    train_N = np.array([part in ("train", None) for part in parts], bool)
    train_N[list(unreadable)] = False
    if not train_N.any():
        raise InputError("the data have no training part", expected="pictures to train on", where=catalog.title)
    if targets.task == "ranking":
        _check_pairs(targets, train_N, catalog.title)
    elif targets.task == "regression":
        _check_numbers(catalog, targets, train_N)
    else:
        _check_labels(catalog, targets, train_N, unreadable)


def _check_pairs(targets: Targets, train_N: np.ndarray, title: str) -> None:
    """Refuses pairs none of which can be learned.

    Raises:
        InputError: see `check_targets`.
    """
    assert targets.pairs_P2 is not None
    if not train_N[targets.pairs_P2].all(axis=1).any():
        raise InputError(
            "no pair has both its pictures in the training part",
            expected="pairs within the training part",
            got=f"{len(targets.pairs_P2):,} pairs",
            where=title,
            hint="smaller data.valid_share and data.test_share, or more pairs",
        )


def check_standardized(catalog: Catalog, rows: Sequence[int], scale: Scale) -> None:
    """Refuses numbers so far from those of the training part that the net's float32 cannot hold them, or whose squares
    no float holds, by which their errors are told.

    Args:
        catalog: with columns of numbers.
        rows: the pictures that can be used.
        scale: of the training part.

    Raises:
        InputError: see above; names the pictures.
    """
    targets = catalog.targets
    assert targets is not None
    values_ND = targets.values_NT[list(rows)]
    with np.errstate(over="ignore"):
        learned_ND = len(rows) * scale.standardized(values_ND).astype(np.float32) ** 2
        told_ND = len(rows) * (values_ND - np.array(scale.mean)) ** 2
    far_ND = ~(np.isfinite(learned_ND) & np.isfinite(told_ND))
    for column, name in enumerate(targets.names):
        far = [
            f"{values_ND[row, column]:g} of '{catalog.names[rows[row]]}'"
            for row in np.flatnonzero(far_ND[:, column]).tolist()
        ]
        if far:
            most = shown_of(len(far), FAR_SHOWN)
            raise InputError(
                f"numbers in the column '{name}' that are too far from those of the training pictures: {len(far):,}",
                expected=f"numbers like those of the training pictures: mean {scale.mean[column]:g}, "
                f"deviation {scale.deviation[column]:g}",
                got="; ".join(far[:most]) + (f" and {len(far) - most} more" if len(far) > most else ""),
                where=catalog.title,
                hint="correct them, or take their rows out",
            )


def _check_numbers(catalog: Catalog, targets: Targets, train_N: np.ndarray) -> None:
    """Refuses columns in which there is nothing to learn.

    Raises:
        InputError: see `check_targets`.
    """
    for name, values_N in zip(targets.names, targets.values_NT[train_N].T, strict=True):
        if values_N.min() == values_N.max():
            raise InputError(
                f"all training pictures have the same number in the column '{name}'; there is nothing to learn",
                expected="numbers that differ",
                got=f"{values_N[0]:g} in {len(values_N):,} rows",
                where=catalog.title,
            )
        with np.errstate(over="ignore", invalid="ignore", under="ignore"):
            mean, deviation = float(values_N.mean()), float(values_N.std())
        if not math.isfinite(mean) or not math.isfinite(deviation) or deviation == 0:
            largest = int(np.abs(values_N).argmax())
            picture = catalog.names[int(np.flatnonzero(train_N)[largest])]
            raise InputError(
                f"the numbers in the column '{name}' are too large, too small or too close to one another to be "
                "standardized",
                expected="a finite mean and a deviation above 0 over the training pictures",
                got=f"{values_N.min():g} to {values_N.max():g}, mean {mean:g}, deviation {deviation:g}; "
                f"farthest from 0: {values_N[largest]:g} of '{picture}'",
                where=catalog.title,
                hint="correct them, or give them in another unit, or from another zero",
            )


def _check_labels(catalog: Catalog, targets: Targets, train_N: np.ndarray, unreadable: Collection[int]) -> None:
    """Refuses labels that cannot be learned.

    Raises:
        InputError: see `check_targets`.
    """
    if len(targets.names) < 2:
        raise InputError(
            "fewer than two labels; there is nothing to tell apart",
            expected="at least two labels in the task multi-label",
            got=quoted(targets.names) or "no label at all",
            where=catalog.title,
            hint="for one question with two answers, name both: data.task=classification",
        )
    counts_T = targets.values_NT[train_N].sum(axis=0)
    strangers = [name for name, count in zip(targets.names, counts_T, strict=True) if not count]
    if strangers:
        wanted_T = counts_T == 0
        lost = [catalog.names[row] for row in unreadable if (targets.values_NT[row] * wanted_T).any()]
        raise InputError(
            "labels without a training picture, so they can never be recognized",
            expected="every label in the training part",
            got=quoted(strangers),
            where=catalog.title,
            hint=f"repair the files that cannot be read: {quoted(lost, 5)}"
            if lost
            else listed_labels_hint(catalog) or "give training pictures with these labels, or take the labels out",
        )
    if (counts_T == train_N.sum()).all():
        raise InputError(
            "all training pictures have all labels; there is nothing to tell apart",
            expected="pictures that lack some",
            got=quoted(targets.names),
            where=catalog.title,
        )
