"""Pictures and labels in a numpy `.npz` archive, under the key names that people use."""

from __future__ import annotations

import math
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from trainwright.data.catalog import Catalog, Split, quoted
from trainwright.data.free_memory import free_memory
from trainwright.data.printable_names import class_label, printable
from trainwright.errors import InputError

from .numbered_classes import ArrayPart, catalog_of_parts

KEY_PAIRS: tuple[tuple[Split | None, str, str], ...] = (
    ("train", "x_train", "y_train"),
    ("valid", "x_val", "y_val"),
    ("valid", "x_valid", "y_valid"),
    ("test", "x_test", "y_test"),
    ("train", "train_images", "train_labels"),
    ("valid", "val_images", "val_labels"),
    ("valid", "valid_images", "valid_labels"),
    ("test", "test_images", "test_labels"),
    (None, "images", "labels"),
    (None, "x", "y"),
)
"""Part, key of the pictures, key of the labels, in small letters. The first six are those of Keras and MedMNIST."""

NAME_KEYS = ("class_names", "label_names", "classes")


def open_npz(path: Path) -> Catalog:
    """Reads an `.npz` archive. Python objects in it are refused, never loaded.

    Pictures are N H W, N H W C or N C H W with 1 or 3 channels, as uint8, as integers 0 … 255, as booleans, or as
    fractions 0 … 1, which become 0 … 255 by rounding. What could mean two things is refused. Labels are one number or
    one word a picture; `class_names` gives the words of the numbers, in their order.

    Raises:
        InputError: no known keys; pictures or labels of another or ambiguous form; a damaged archive.
    Source: own choice; key names from Keras' data sets and MedMNIST
    """
    where = printable(str(path))
    try:
        with zipfile.ZipFile(path) as archive:
            _check_room(archive, where)
        with np.load(path, allow_pickle=False) as stored:
            keys = _keys(list(stored.files), where)
            pairs = _pairs(keys, where)
            parts: list[tuple[Split | None, np.ndarray, np.ndarray, str]] = [
                (split, np.asarray(stored[keys[x]]), np.asarray(stored[keys[y]]), f"{where}: {printable(keys[x])}")
                for split, x, y in pairs
            ]
            used = {keys[key] for _, x, y in pairs for key in (x, y)}
            names_key, names = _class_names({keys[key]: stored[keys[key]] for key in NAME_KEYS if key in keys}, where)
            unused = sorted(set(stored.files) - used - {names_key})
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError, MemoryError) as error:
        raise InputError("an .npz archive cannot be read", got=str(error), where=where) from error
    return catalog_of_parts(
        [
            ArrayPart(split, _pictures(images, place), _labels(labels_N, names is not None, place), place)
            for split, images, labels_N, place in parts
        ],
        title=printable(path.stem),
        description=f"arrays of {where}",
        class_names=names,
        notes=[f"keys that are not used: {quoted([printable(key) for key in unused])}"] if unused else [],
    )


def _check_room(archive: zipfile.ZipFile, where: str) -> None:
    size = sum(member.file_size for member in archive.infolist())
    free = free_memory()
    if size > free:
        raise InputError(
            "an .npz archive does not fit in memory",
            expected=f"at most the {free:,} bytes that are free",
            got=f"{size:,} bytes when unpacked",
            where=where,
            hint="store the pictures as files in class folders",
        )


def _keys(stored: list[str], where: str) -> dict[str, str]:
    keys = {key.casefold(): key for key in stored}
    if len(keys) != len(stored):
        got = quoted(sorted(map(printable, stored)))
        raise InputError("keys of an .npz archive that differ by capital letters only", got=got, where=where)
    return keys


def _pairs(keys: Mapping[str, str], where: str) -> list[tuple[Split | None, str, str]]:
    pairs = [pair for pair in KEY_PAIRS if pair[1] in keys and pair[2] in keys]
    splits = [split for split, _, _ in pairs]
    if not pairs or len(set(splits)) != len(splits) or (None in splits and len(pairs) > 1):
        raise InputError(
            "an .npz archive whose keys do not say what is what",
            expected="x_train, y_train, x_test, y_test, or train_images, train_labels …, or images, labels, or X, y",
            got=quoted([printable(key) for key in keys.values()]) or "no keys",
            where=where,
            hint="np.savez('data.npz', images=pictures, labels=classes)",
        )
    return pairs


def _class_names(stored: Mapping[str, Any], where: str) -> tuple[str | None, list[str] | None]:
    """Finds the key that holds words for the label numbers; a key of that name with numbers in it is not meant."""
    for key, words in stored.items():
        if isinstance(words, np.ndarray) and words.ndim == 1 and words.dtype.kind == "U":
            names = [class_label(word) for word in words.tolist()]
            if len(set(names)) != len(names):
                raise InputError(
                    "class names that repeat",
                    expected="a different name for each number",
                    got=quoted(names),
                    where=where,
                )
            return key, names
    return None, None


def _labels(labels_N: np.ndarray, named: bool, where: str) -> np.ndarray:
    if labels_N.ndim == 2 and labels_N.shape[1] == 1:
        labels_N = labels_N[:, 0]
    kinds = "iub" if named else "iubU"
    if labels_N.ndim != 1 or labels_N.dtype.kind not in kinds:
        raise InputError(
            "labels that are not one class a picture",
            expected="one whole number a picture" if named else "one whole number or one word a picture",
            got=f"{labels_N.dtype} of shape {labels_N.shape}",
            where=where,
            hint="for one-hot rows: labels.argmax(1)",
        )
    if labels_N.dtype.kind == "U":
        words: list[Any] = [class_label(word.strip()) for word in labels_N.tolist()]
        if "" in words:
            raise InputError("a label is empty", got=f"picture {words.index('')} has no label", where=where)
        return np.asarray(words, object)
    return labels_N.astype(np.int64)


def _pictures(images: np.ndarray, where: str) -> np.ndarray:
    return _as_uint8(_channels_last(images, where), where)


def _channels_last(images: np.ndarray, where: str) -> np.ndarray:
    """Brings pictures into the shape N H W or N H W 3, if there is but one way to read their shape."""
    if images.ndim == 3:
        return images
    last = images.ndim == 4 and images.shape[3] in (1, 3)
    first = images.ndim == 4 and images.shape[1] in (1, 3)
    if last == first:
        raise InputError(
            "pictures of an ambiguous shape" if last else "pictures of an unknown shape",
            expected="N H W, N H W C or N C H W with C = 1 or 3",
            got=f"{' × '.join(map(str, images.shape)) or 'a single number'}",
            where=where,
            hint="for flattened pictures: images.reshape(-1, height, width)" if images.ndim == 2 else None,
        )
    if first:
        images = images.transpose(0, 2, 3, 1)
    return images[..., 0] if images.shape[3] == 1 else images


def _as_uint8(images: np.ndarray, where: str) -> np.ndarray:
    """Turns numbers into 0 … 255, if there is but one way to read their range."""
    if images.dtype == np.bool_:
        return images.astype(np.uint8) * np.uint8(255)
    low, high = (images.min(), images.max()) if math.prod(images.shape) else (0, 0)
    if images.dtype.kind in "iu" and low >= 0 and (1 < high <= 255 or high == 0):
        return np.ascontiguousarray(images, np.uint8)
    if images.dtype.kind == "f" and low >= 0 and 1 / 255 < high <= 1:
        return np.rint(images * 255).astype(np.uint8)
    raise InputError(
        "pictures whose numbers could mean more than one thing",
        expected="uint8, whole numbers 0 … 255, booleans, or fractions 0 … 1",
        got=f"{images.dtype} from {low} to {high}",
        where=where,
        hint="store them as uint8 with black 0 and white 255",
    )
