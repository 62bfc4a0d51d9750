"""Pictures listed in pairs: a row names the better one and the worse one, and perhaps a part and a group of both."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np

from trainwright.data.catalog import Catalog, Files, quoted
from trainwright.data.printable_names import printable
from trainwright.data.targets import Targets
from trainwright.errors import InputError
from trainwright.recipe.data import DataSection

from .manifest_columns import column_of, find_columns, plain
from .manifest_rows import find_groups, find_splits, locate, mistake
from .table import Table, read_table

ROLES = ("path", "worse", "split", "group")
Value = TypeVar("Value")


def open_pairs(path: Path, section: DataSection) -> Catalog:
    """Reads a manifest of pairs; its pictures are those of both columns, each once. All mistakes are told at once.

    A part or group in a row is that of both its pictures. A pair may stand in several rows, also the other way round:
    each row is one judgement.

    Args:
        section: names the columns.
    Raises:
        InputError: missing columns; missing files; a picture beside itself; unknown parts; a picture in two parts or
            two groups; weights, which pairs do not have.
    Source: own choice
    """
    where = printable(str(path))
    _check_two_columns(section, where)
    table = read_table(path, {column_of(section, role) for role in (*ROLES, "weight")})
    columns = find_columns(table, section, ROLES, required=("path", "worse"), where=where)
    _check_rows(table, section, where)
    places = table.places
    better, where_better, errors = locate(table.columns[columns["path"]], places, os.path.abspath(path.parent))
    worse, where_worse, more = locate(table.columns[columns["worse"]], places, os.path.abspath(path.parent))
    errors += more
    selves = [row for row, (one, other) in enumerate(zip(better, worse, strict=True)) if one and one == other]
    errors += mistake(selves, places, "pairs of a picture with itself", expected="two pictures", got=better.__getitem__)
    splits, split_errors = find_splits(table, columns)
    groups = find_groups(table, columns)
    errors += split_errors
    split_of_name, twice = _one_each(better, worse, splits, places, "parts of the data")
    group_of_name, twice_grouped = _one_each(better, worse, groups, places, "groups")
    errors += [*twice, *twice_grouped]
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise InputError.several(f"{len(errors)} kinds of mistakes in the manifest {where}", errors)
    locations = dict(zip((*better, *worse), (*where_better, *where_worse), strict=True))
    names = tuple(locations)
    index = {name: row for row, name in enumerate(names)}
    pairs_P2 = np.array([(index[one], index[other]) for one, other in zip(better, worse, strict=True)], np.int64)
    unused = sorted(set(table.header) - set(columns.values()))
    return Catalog(
        names=names,
        labels=tuple(_standings(names, pairs_P2)),
        splits=tuple(split_of_name[name] for name in names),
        groups=tuple(group_of_name[name] for name in names),
        weights=None,
        pictures=Files(tuple(locations.values())),
        title=printable(path.stem),
        description=f"pairs of picture files listed in {where}",
        notes=(f"columns that are not used: {quoted([printable(name) for name in unused])}",) if unused else (),
        targets=Targets("ranking", ("score",), np.zeros((len(names), 1)), pairs_P2),
    )


def _check_two_columns(section: DataSection, where: str) -> None:
    """Refuses one column for both pictures.

    Raises:
        InputError: see above.
    """
    if column_of(section, "path") == column_of(section, "worse"):
        raise InputError("one column cannot name both pictures of a pair", got=section.path_column, where=where)


def _check_rows(table: Table, section: DataSection, where: str) -> None:
    """Refuses weights, and a table without rows.

    Raises:
        InputError: see above.
    """
    weights = [column for column in table.header if plain(column) == plain(section.weight_column)]
    if weights:
        raise InputError(
            "pairs have no weights",
            expected=f"no column '{printable(weights[0])}'",
            where=where,
            hint="a pair counts more if it stands in several rows; data.weight_column names another column",
        )
    if not table.places:
        raise InputError("a manifest without rows", expected="one row a pair", got="a header only", where=where)


def _one_each(
    better: Sequence[str], worse: Sequence[str], values: Sequence[Value], places: Sequence[str], what: str
) -> tuple[dict[str, Value], list[InputError]]:
    """Finds the part or group of each picture, and the pictures that have two."""
    found: dict[str, Value] = {}
    first: dict[str, int] = {}
    torn: dict[int, str] = {}
    for row, value in enumerate(values):
        for name in filter(None, (better[row], worse[row])):
            if found.setdefault(name, value) != value:
                torn.setdefault(row, name)
            first.setdefault(name, row)
    got: Callable[[int], str] = lambda row: f"{torn[row]}, first in {places[first[torn[row]]]}"  # noqa: E731
    return found, mistake(torn, places, f"pictures in two {what}", expected="one for each picture", got=got)


def _standings(names: Sequence[str], pairs_P2: np.ndarray) -> list[str]:
    """Says how often each picture is the better and the worse one, with a digest of which it is compared with."""
    said: list[list[str]] = [[] for _ in names]
    for one, other in pairs_P2.tolist():
        said[one].append(f">{names[other]}")
        said[other].append(f"<{names[one]}")
    return [
        f"{sum(word[0] == '>' for word in words)} better, {sum(word[0] == '<' for word in words)} worse "
        f"({hashlib.sha256(chr(0).join(sorted(words)).encode()).hexdigest()[:8]})"
        for words in said
    ]
