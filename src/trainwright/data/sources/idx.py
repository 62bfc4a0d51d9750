"""IDX data: pairs of a picture file and a label file, one pair a part, as MNIST and its kin come."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from trainwright.data.catalog import Catalog, Split, quoted
from trainwright.data.printable_names import printable
from trainwright.errors import InputError

from .idx_file import read_idx
from .numbered_classes import ArrayPart, catalog_of_parts
from .split_words import SPLIT_WORDS

FILE_NAME = re.compile(r"(?P<prefix>.*?)(?P<kind>images|labels)[-.]idx[134]-ubyte(\.gz)?", re.IGNORECASE)


OTHER = {"images": "labels", "labels": "images"}


def idx_words(name: str) -> tuple[str, str] | None:
    """Takes the name of an IDX file apart: what stands before the kind, and the kind; None for other names.

    >>> idx_words("train-images-idx3-ubyte.gz")
    ('train-', 'images')
    """
    match = FILE_NAME.fullmatch(name)
    return (match["prefix"].lower(), match["kind"].lower()) if match else None


def is_idx_name(name: str) -> bool:
    """Tells by its name whether a file is one of an IDX pair.

    >>> is_idx_name("train-images-idx3-ubyte.gz"), is_idx_name("train.csv")
    (True, False)
    """
    return idx_words(name) is not None


def open_idx(
    files: Iterable[Path],
    *,
    title: str,
    description: str,
    class_names: Sequence[str] | None = None,
    name_prefix: str = "",
    notes: Iterable[str] = (),
) -> Catalog:
    """Reads IDX pairs: `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`, `t10k-…`, each plain or `.gz`.

    The words before `images` say which part a pair is; a single pair without such a word is divided by us. Where a
    file is there both plain and packed, the plain one is read.

    Args:
        files: IDX files by name; others are a mistake of the caller.
        class_names: the word for each label number; None: the number itself.
    Raises:
        InputError: pictures without labels or the other way round; two pairs for one part; damaged files.
    Source: Y. LeCun, the MNIST database
    """
    pairs: dict[str, dict[str, Path]] = {}
    notes = list(notes)
    for path in sorted(files, key=lambda path: (path.name.lower().endswith(".gz"), path.name)):
        prefix, kind = idx_words(path.name) or ("", "images")
        pair = pairs.setdefault(prefix, {})
        if kind in pair:
            notes.append(f"{printable(path.name)} is there twice, plain and packed; the plain one is read")
        else:
            pair[kind] = path
    parts: list[ArrayPart] = []
    for prefix, pair in sorted(pairs.items(), key=lambda item: _order(item[0])):
        for kind, other in OTHER.items():
            if kind not in pair:
                raise InputError(
                    f"an IDX file of {other} without its {kind}",
                    expected=f"both {prefix}images-idx3-ubyte and {prefix}labels-idx1-ubyte, plain or .gz",
                    got=printable(pair[other].name),
                    where=printable(str(pair[other].parent)),
                )
        where = printable(str(pair["images"]))
        parts.append(ArrayPart(_split(prefix), read_idx(pair["images"], (3, 4)), read_idx(pair["labels"], (1,)), where))
    words = [part.split for part in parts]
    if len(set(words)) != len(words):
        raise InputError(
            "several IDX pairs for one part of the data",
            expected="one pair each for train, valid and test, or a single pair",
            got=quoted([printable(Path(part.where).name) for part in parts]),
            where=printable(str(Path(parts[0].where).parent)),
        )
    return catalog_of_parts(
        parts,
        title=title,
        description=description,
        class_names=class_names,
        name_prefix=name_prefix,
        notes=notes,
    )


def _split(prefix: str) -> Split | None:
    for word in re.split(r"[^a-z0-9]+", prefix):
        if word in SPLIT_WORDS:
            return SPLIT_WORDS[word]
    return None


def _order(prefix: str) -> tuple[int, str]:
    return ("train", "valid", "test", None).index(_split(prefix)), prefix
