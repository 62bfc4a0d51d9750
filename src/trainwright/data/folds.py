"""The parts of k-fold cross-validation: training and validation pictures divided anew, the test part left apart."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from trainwright.errors import InputError
from trainwright.recipe import DataSection

from .catalog import Split, quoted
from .ingest import Progress
from .prepare import PreparedData, ReadPictures, built, divided, read_catalog, together
from .sources import open_catalog
from .splitting import connected
from .target_checks import strata


def prepare_folds(
    section: DataSection,
    *,
    folds: int,
    seed: int,
    workers: int = 0,
    cache_dir: Path | None = None,
    progress: Progress | None = None,
) -> tuple[PreparedData, ...]:
    """Reads pictures once, and gives them divided into training and validation part in several ways.

    Every picture outside the test part is in the validation part of exactly one fold. Classes are dealt out in
    proportion; groups and copies stay together. The test part is that of `prepare`, and the store is shared.

    Args:
        section, seed, workers, cache_dir, progress: as for `prepare`.
        folds: 2 or more.

    Raises:
        InputError: as for `prepare`; a fold would lack a class.
    Source: scikit-learn's StratifiedGroupKFold.
    """
    read = read_catalog(open_catalog(section), section, workers=workers, cache_dir=cache_dir, progress=progress)
    parts = divided(read, seed)
    return tuple(built(read, each) for each in _dealt(read, parts, folds, seed))


def _dealt(read: ReadPictures, parts: Sequence[Split], folds: int, seed: int) -> list[list[Split]]:
    """Gives the parts of all rows in each fold."""
    from sklearn.model_selection import StratifiedGroupKFold

    places = [place for place, row in enumerate(read.usable) if parts[row] != "test"]
    sets = connected(places, together(read))
    kinds = strata(read.catalog)
    kind_of = [kinds[read.usable[place]] for place in places]
    set_of = [sets[place] for place in places]
    if read.catalog.targets is None:
        _check_enough(read, kind_of, set_of, folds)
    if len(set(set_of)) < folds:
        raise InputError(
            "fewer pictures, or groups of pictures, than folds",
            expected=f"at least {folds} outside the test part",
            got=str(len(set(set_of))),
            where=f"--folds {folds}",
        )
    splitter = StratifiedGroupKFold(n_splits=folds, shuffle=True, random_state=seed)
    numbers = np.unique(kind_of, return_inverse=True)[1]
    dealt: list[list[Split]] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of other tasks a stratum may be rare
        for _, judged in splitter.split(places, numbers, set_of):
            fold: list[Split] = ["test" if part == "test" else "train" for part in parts]
            for index in judged.tolist():
                fold[read.usable[places[index]]] = "valid"
            if read.catalog.targets is None:
                _check_whole(read, fold, set(kind_of), len(dealt) + 1, folds)
            dealt.append(fold)
    return dealt


def _check_enough(read: ReadPictures, kinds: Sequence[str], sets: Sequence[int], folds: int) -> None:
    """Refuses classes with fewer pictures, or groups of pictures, than folds."""
    units = Counter(kind for kind, _ in set(zip(kinds, sets, strict=True)))
    few = {kind: count for kind, count in units.items() if count < folds}
    if few:
        least = min(few.values())
        raise InputError(
            f"with {folds} folds some fold would lack a class",
            expected=f"at least {folds} pictures, or groups of pictures, of each class outside the test part",
            got=f"{least} of {quoted(sorted(few))}",
            where=f"{read.catalog.title}, --folds {folds}",
            hint=f"--folds {least}" if least >= 2 else "more pictures of it, or no folds",
        )


def _check_whole(read: ReadPictures, fold: Sequence[Split], kinds: set[str], number: int, folds: int) -> None:
    """Refuses a fold whose training or validation part lacks a class, which large groups can bring about."""
    for part in ("train", "valid"):
        held = {read.catalog.labels[row] for row in read.usable if fold[row] == part}
        if missing := sorted(kinds - held):
            what = "training" if part == "train" else "validation"
            raise InputError(
                f"the {what} part of fold {number} lacks {'a class' if len(missing) == 1 else 'classes'}",
                expected="pictures of every class in both parts of every fold",
                got=f"none of {quoted(missing)}" + (", a single class is left" if len(held) == 1 else ""),
                where=f"{read.catalog.title}, --folds {folds}",
                hint="fewer folds, or smaller groups",
            )
