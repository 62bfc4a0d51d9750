"""What a split and a training run ask of the targets of a catalog, whatever the task.

Legend: N pictures of the catalog, T numbers of a picture's target.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from trainwright.errors import InputError

from .catalog import Catalog, Split, quoted
from .targets import Targets


def strata(catalog: Catalog) -> list[str]:
    """Names for each picture the group within which a split deals pictures out in proportion.

    A class; of several labels the rarest, so that those with few pictures come into all parts.

    Source: own choice; after Sechidis et al. 2011, who take the rarest label first, too.
    """
    targets = catalog.targets
    if targets is None:
        return list(catalog.labels)
    pictures_T = targets.values_NT.sum(axis=0)
    rarest = np.argsort(pictures_T, kind="stable")
    held_NT = targets.values_NT[:, rarest] > 0
    return [targets.names[rarest[row.argmax()]] if row.any() else "" for row in held_NT]


def check_targets(catalog: Catalog, parts: Sequence[Split | None]) -> None:
    """Refuses targets from which nothing can be learned.

    Args:
        catalog: with targets.
        parts: of each picture; None where it is still open.

    Raises:
        InputError: no training part; labels of which the training part has no picture, or that all or none carry.
    """
    targets = catalog.targets
    assert targets is not None
    train_N = np.array([part in ("train", None) for part in parts], bool)
    if not train_N.any():
        raise InputError("the data have no training part", expected="pictures to train on", where=catalog.title)
    _check_labels(targets, train_N, catalog.title)


def _check_labels(targets: Targets, train_N: np.ndarray, title: str) -> None:
    """Refuses labels that cannot be learned.

    Raises:
        InputError: see `check_targets`.
    """
    if len(targets.names) < 2:
        raise InputError(
            "fewer than two labels; there is nothing to tell apart",
            expected="at least two labels in the task multi-label",
            got=quoted(targets.names) or "no label at all",
            where=title,
            hint="for one question with two answers, name both: data.task=classification",
        )
    counts_T = targets.values_NT[train_N].sum(axis=0)
    strangers = [name for name, count in zip(targets.names, counts_T, strict=True) if not count]
    if strangers:
        raise InputError(
            "labels without a training picture, so they can never be recognized",
            expected="every label in the training part",
            got=quoted(strangers),
            where=title,
            hint="add pictures with these labels, or take the labels out",
        )
    if (counts_T == train_N.sum()).all():
        raise InputError(
            "all training pictures have all labels; there is nothing to tell apart",
            expected="pictures that lack some",
            got=quoted(targets.names),
            where=title,
        )
