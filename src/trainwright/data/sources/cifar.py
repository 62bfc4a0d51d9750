"""CIFAR-10 and CIFAR-100 as their publisher packs them: python batches (pickles) or binary batches."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from trainwright.data.catalog import Catalog, Split, quoted
from trainwright.data.printable_names import printable
from trainwright.errors import InputError

from .inert_pickle import read_inert_pickle
from .numbered_classes import ArrayPart, catalog_of_parts

PIXELS = 3 * 32 * 32
FILE_NAME = re.compile(
    r"(data_batch_\d+|test_batch)(\.bin)?|batches\.meta(\.txt)?|(train|test)(\.bin)?|meta|fine_label_names\.txt"
)


@dataclass(frozen=True)
class CifarLayout:
    """Which files of a folder are which: training files in order, test files, and the file with the class names."""

    form: Literal["python", "binary"]
    classes: Literal[10, 100]
    train: tuple[str, ...]
    test: tuple[str, ...]
    names: str | None


def cifar_layout(folder: Path, names: Sequence[str]) -> CifarLayout | None:
    """Recognizes CIFAR by the names of the files in a folder; None if it is none.

    Source: A. Krizhevsky 2009, the CIFAR-10 and CIFAR-100 pages
    """
    there = {name for name in names if FILE_NAME.fullmatch(name) and (folder / name).is_file()}
    batches = sorted((name for name in there if re.fullmatch(r"data_batch_\d+", name)), key=_number)
    binaries = sorted((name for name in there if re.fullmatch(r"data_batch_\d+\.bin", name)), key=_number)
    if batches or "test_batch" in there:
        return CifarLayout(
            "python",
            10,
            tuple(batches),
            _kept(there, "test_batch"),
            "batches.meta" if "batches.meta" in there else None,
        )
    if binaries or "test_batch.bin" in there:
        return CifarLayout(
            "binary",
            10,
            tuple(binaries),
            _kept(there, "test_batch.bin"),
            "batches.meta.txt" if "batches.meta.txt" in there else None,
        )
    if "meta" in there and there & {"train", "test"}:
        return CifarLayout("python", 100, _kept(there, "train"), _kept(there, "test"), "meta")
    if "fine_label_names.txt" in there and there & {"train.bin", "test.bin"}:
        return CifarLayout("binary", 100, _kept(there, "train.bin"), _kept(there, "test.bin"), "fine_label_names.txt")
    return None


def open_cifar(folder: Path, layout: CifarLayout, *, title: str, notes: Sequence[str] = ()) -> Catalog:
    """Reads all batches of a CIFAR folder: 32×32 rgb, the split of the files, fine labels for CIFAR-100.

    Raises:
        InputError: a damaged or malicious batch, no class names, a label number out of range, a batch that is missing.
    Source: A. Krizhevsky 2009, Learning multiple layers of features from tiny images
    """
    where = printable(str(folder))
    if layout.names is None:
        raise InputError(
            "CIFAR batches without their class names",
            expected="batches.meta" if layout.form == "python" else "batches.meta.txt",
            where=where,
        )
    numbers = [_number(name) for name in layout.train] if layout.classes == 10 else []
    if numbers != list(range(1, len(numbers) + 1)):
        raise InputError(
            "a CIFAR batch is missing",
            expected=f"data_batch_1 to data_batch_{max(numbers)}, all of them",
            got=", ".join(layout.train),
            where=where,
        )
    read = _read_pickle if layout.form == "python" else _read_binary
    files: list[tuple[Split, tuple[str, ...]]] = [("train", layout.train), ("test", layout.test)]
    parts = []
    for split, names in files:
        batches = [read(folder / name, layout.classes) for name in names]
        if batches:
            images_NHWC = np.concatenate([images for images, _ in batches])
            labels_N = np.concatenate([labels for _, labels in batches])
            parts.append(ArrayPart(split, images_NHWC, labels_N, where))
    return catalog_of_parts(
        parts,
        title=title,
        description=f"CIFAR-{layout.classes} {layout.form} batches in {where}",
        class_names=_class_names(folder / layout.names, layout),
        notes=notes,
    )


def _read_pickle(path: Path, classes: int) -> tuple[np.ndarray, np.ndarray]:
    batch = _read_dict(path)
    rows, labels = batch.get("data"), batch.get("labels" if classes == 10 else "fine_labels")
    where = printable(str(path))
    if not isinstance(rows, np.ndarray) or rows.ndim != 2 or rows.shape[1] != PIXELS:
        got = f"shape {rows.shape}" if isinstance(rows, np.ndarray) else f"the keys {quoted(sorted(batch)) or 'none'}"
        raise InputError("a CIFAR batch without pictures", expected=f"data: uint8, N × {PIXELS}", got=got, where=where)
    if not isinstance(labels, list) or len(labels) != len(rows) or not all(map(_is_label, labels)):
        got = f"{len(labels)} entries" if isinstance(labels, list) else "no list"
        raise InputError("a CIFAR batch without labels", expected=f"{len(rows)} class numbers", got=got, where=where)
    return _upright(rows), np.asarray(labels, np.int64)


def _read_binary(path: Path, classes: int) -> tuple[np.ndarray, np.ndarray]:
    head = 1 if classes == 10 else 2
    content = np.frombuffer(_content(path), np.uint8)
    if not len(content) or len(content) % (head + PIXELS):
        raise InputError(
            "a CIFAR batch is cut off or is none",
            expected=f"a whole number of records of {head + PIXELS} bytes",
            got=f"{len(content)} bytes",
            where=printable(str(path)),
        )
    records = content.reshape(-1, head + PIXELS)
    return _upright(records[:, head:]), records[:, head - 1].astype(np.int64)


def _upright(rows: np.ndarray) -> np.ndarray:
    """Turns rows of 3×32×32 numbers into pictures: N 32 32 3."""
    return np.ascontiguousarray(rows.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1))


def _class_names(path: Path, layout: CifarLayout) -> list[str]:
    if layout.form == "binary":
        stored: Any = _content(path).decode("utf-8", "surrogateescape").split()
    else:
        stored = _read_dict(path).get("label_names" if layout.classes == 10 else "fine_label_names")
    names = [_text(name) for name in stored if isinstance(name, str | bytes)] if isinstance(stored, list) else []
    if not names or len(names) != len(stored) or len(set(names)) != len(names):
        raise InputError(
            "a CIFAR file without class names",
            expected=f"a list of {layout.classes} names, all different",
            where=printable(str(path)),
        )
    return names


def _read_dict(path: Path) -> dict[str, Any]:
    content = read_inert_pickle(_content(path), printable(str(path)))
    if not isinstance(content, dict):
        raise InputError("a CIFAR batch that is no dict", got=type(content).__name__, where=printable(str(path)))
    return {_text(key) if isinstance(key, str | bytes) else str(key): value for key, value in content.items()}


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError("a CIFAR file cannot be read", got=error.strerror, where=printable(str(path))) from error


def _text(name: str | bytes) -> str:
    return printable(name if isinstance(name, str) else name.decode("utf-8", "surrogateescape"))


def _is_label(value: Any) -> bool:
    return type(value) is int and 0 <= value < 256


def _kept(there: set[str], name: str) -> tuple[str, ...]:
    return (name,) if name in there else ()


def _number(name: str) -> int:
    return int("".join(filter(str.isdigit, name)))
