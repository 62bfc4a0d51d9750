"""Turns parts of pictures and label numbers, as array files hold them, into a catalog."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any

import numpy as np

from trainwright.data.catalog import Arrays, Catalog, Split
from trainwright.errors import InputError


@dataclass(frozen=True)
class ArrayPart:
    """One part of array data, before its label numbers get their words.

    Args:
        split: the part that the file calls itself; None where it does not say.
        images: uint8, N H W or N H W 3.
        labels_N: the class number of each picture, or its class name.
        where: the file, for messages.
    """

    split: Split | None
    images: np.ndarray
    labels_N: np.ndarray
    where: str


def catalog_of_parts(
    parts: Sequence[ArrayPart],
    *,
    title: str,
    description: str,
    class_names: Sequence[str] | None = None,
    name_prefix: str = "",
    notes: Sequence[str] = (),
) -> Catalog:
    """Joins parts into one catalog whose pictures are called `train:00000`, `test:00000` and so on.

    Args:
        parts: at least one; their pictures must be equal in size and channels.
        class_names: the word for each label number; None: the number itself is the name.
        name_prefix: put before each name, `fashion-mnist:`.
    Raises:
        InputError: a count of labels that is not the count of pictures; parts of different sizes; a label number
            without a word; no pictures.
    Source: own choice
    """
    names: list[str] = []
    labels: list[str] = []
    splits: list[Split | None] = []
    for part in parts:
        if len(part.images) != len(part.labels_N):
            raise InputError(
                "not as many labels as pictures",
                expected=f"{len(part.images)} labels, one a picture",
                got=f"{len(part.labels_N)} labels",
                where=part.where,
            )
        if part.images.shape[1:] != parts[0].images.shape[1:]:
            raise InputError(
                "the parts of the data have pictures of different sizes",
                expected=f"{_size(parts[0].images)} as in {parts[0].where}",
                got=_size(part.images),
                where=part.where,
            )
        word = part.split or "picture"
        names += [f"{name_prefix}{word}:{index:05d}" for index in range(len(part.images))]
        labels += _words(part, class_names)
        splits.extend(repeat(part.split, len(part.images)))
    if not names:
        raise InputError("the data hold no pictures", got="0 pictures", where=parts[0].where)
    images = parts[0].images if len(parts) == 1 else np.concatenate([part.images for part in parts])
    return Catalog(
        names=tuple(names),
        labels=tuple(labels),
        splits=tuple(splits),
        groups=(None,) * len(names),
        weights=None,
        pictures=Arrays(images),
        title=title,
        description=description,
        notes=tuple(notes),
    )


def _words(part: ArrayPart, class_names: Sequence[str] | None) -> list[str]:
    values: list[Any] = part.labels_N.tolist()
    if class_names is None:
        return [str(value) for value in values]
    wrong = sorted({value for value in values if not 0 <= value < len(class_names)})
    if wrong:
        raise InputError(
            "label numbers without a class name",
            expected=f"0 to {len(class_names) - 1}, as there are {len(class_names)} class names",
            got=", ".join(map(str, wrong[:10])),
            where=part.where,
        )
    return list(map(class_names.__getitem__, values))


def _size(images: np.ndarray) -> str:
    channels = f" × {images.shape[3]} channels" if images.ndim == 4 else " gray"
    return f"{images.shape[1]}×{images.shape[2]}{channels}"
