"""Pictures listed in a table: a path and a class name a row, and perhaps a part, a group and a weight."""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from trainwright.data.catalog import Catalog, Files, Split, quoted
from trainwright.data.label_lists import find_lists
from trainwright.data.label_numbers import read_like_numbers
from trainwright.data.label_typos import mistyped
from trainwright.data.printable_names import class_label, printable
from trainwright.data.targets import Targets
from trainwright.errors import InputError, nearest
from trainwright.recipe.data import DataSection
from trainwright.recipe.tasks import target_columns, task_of

from .manifest_columns import column_of, find_columns
from .manifest_rows import find_groups, find_splits, locate, mistake
from .manifest_targets import PREDICTION_COLUMNS, number_hint, otherwise_divided, read_labels, read_numbers
from .pairs import open_pairs
from .table import Table, read_table

ROLES = ("path", "label", "split", "group", "weight")
REQUIRED = {
    "classification": ("path", "label"),
    "multi-label": ("path", "label"),
    "regression": ("path",),
}
"""Task → roles without whose column a manifest cannot be read."""


def open_manifest(path: Path, section: DataSection) -> Catalog:
    """Reads a manifest and checks every row; all mistakes are told at once.

    The paths of pictures: a relative path starts from the manifest's folder and must not leave it by `..`, so that a
    manifest from elsewhere names nothing but its own pictures by accident; an absolute path is read wherever it
    points. A picture is named in the catalog by its path below the manifest's folder, without `.` and `..`, or by its
    absolute path where it lies outside.

    Args:
        section: names the columns; a column that the user named must be there, the default names of the columns
            split, group and weight need not.
    Raises:
        InputError: missing columns; missing files; empty cells; unknown parts; bad weights; a picture in two rows; a
            group in two parts.
    Source: own choice
    """
    if task_of(section) == "ranking":
        return open_pairs(path, section)
    where = printable(str(path))
    roles = [role for role in ROLES if role != "label" or role in REQUIRED[task_of(section)]]
    wanted = {column_of(section, role) for role in ROLES}
    table = read_table(path, wanted | set(target_columns(section)))
    columns = find_columns(table, section, roles, required=REQUIRED[task_of(section)], where=where)
    if not table.places:
        raise InputError("a manifest without rows", expected="one row a picture", got="a header only", where=where)
    written = table.columns[columns["path"]]
    places = table.places
    names, locations, errors = locate(written, places, os.path.abspath(path.parent))
    targets = None
    if task_of(section) == "regression":
        targets, labels, label_errors = _numbers(table, section, where)
        errors += label_errors
    else:
        labels = [class_label(label) for label in table.columns[columns["label"]]]
        if task_of(section) == "multi-label":
            errors += otherwise_divided(labels, places, section)
            targets, labels = read_labels(labels, section)
        else:
            errors += _empty(labels, places, columns["label"], "a picture's class name")
    splits, split_errors = find_splits(table, columns)
    weights, weight_errors = _weights(table, columns, where)
    groups = find_groups(table, columns)
    errors += [*split_errors, *weight_errors, *_repeated(names, labels, splits, places)]
    errors += _spanning(groups, splits, places)
    if targets is None:
        errors += _lonely(labels, splits, places, section, others=bool(errors))
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise InputError.several(f"{len(errors)} kinds of mistakes in the manifest {where}", errors)
    unused = sorted(set(table.header) - set(columns.values()) - set(target_columns(section)))
    notes = [f"columns that are not used: {quoted([printable(name) for name in unused])}"] if unused else []
    if weights is not None:
        notes.append(f"pictures count in the loss by the column '{printable(columns['weight'])}'")
    return Catalog(
        names=tuple(names),
        labels=tuple(labels),
        splits=tuple(splits),
        groups=tuple(groups),
        weights=weights,
        pictures=Files(tuple(locations)),
        title=printable(path.stem),
        description=f"picture files listed in {where}",
        notes=tuple(notes),
        targets=targets,
        label_column=printable(columns.get("label", "")),
    )


def _numbers(table: Table, section: DataSection, where: str) -> tuple[Targets, list[str], list[InputError]]:
    """Reads the columns of numbers.

    Raises:
        InputError: a column is missing.
    """
    names = target_columns(section)
    for name in names:
        if name in table.header:
            continue
        match = nearest(name, table.header)
        raise InputError(
            f"the manifest has no column '{printable(name)}' of numbers",
            expected="names of columns, separated by commas (recipe key data.target_columns)",
            got=f"columns {quoted([printable(column) for column in table.header])}",
            where=where,
            hint=f"did you mean '{printable(match)}'?" if match else None,
        )
    taken = [name for name in names if name in PREDICTION_COLUMNS]
    if taken:
        raise InputError(
            f"a column of numbers cannot be called '{taken[0]}'",
            expected=f"names other than {' and '.join(PREDICTION_COLUMNS)}, which every table of predictions has",
            got=quoted(names),
            where=where,
            hint="rename the column",
        )
    targets, texts, bad = read_numbers({name: table.columns[name] for name in names})
    errors: list[InputError] = []
    for name, rows in bad.items():
        cells = table.columns[name]
        errors += mistake(
            rows,
            table.places,
            f"cells of the column '{printable(name)}' that are no numbers",
            expected="a finite number, such as 3.5 or 1e-3",
            got=lambda row, cells=cells: f"'{printable(cells[row])}'",
            hint=number_hint([cells[row] for row in rows]),
        )
    return targets, texts, errors


def _weights(table: Table, columns: dict[str, str], where: str) -> tuple[tuple[float, ...] | None, list[InputError]]:
    if "weight" not in columns:
        return None, []
    cells = table.columns[columns["weight"]]
    weights = [_number(cell) for cell in cells]
    bad = [row for row, weight in enumerate(weights) if weight is None]
    if bad:
        return None, mistake(
            bad,
            table.places,
            "weights that are none",
            expected="a number, at least 0",
            got=lambda row: f"'{printable(cells[row])}'",
        )
    if not any(weights):
        return None, [InputError("all weights are 0", expected="a weight above 0", where=where)]
    return tuple(weight for weight in weights if weight is not None), []


def _number(cell: str) -> float | None:
    try:
        value = float(cell)
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None


def _empty(cells: Sequence[str], places: Sequence[str], column: str, meaning: str) -> list[InputError]:
    rows = [row for row, cell in enumerate(cells) if not cell]
    return mistake(rows, places, f"empty cells in the column '{printable(column)}'", expected=meaning)


def _lonely(
    labels: Sequence[str],
    splits: Sequence[Split | None],
    places: Sequence[str],
    section: DataSection,
    *,
    others: bool,
) -> list[InputError]:
    """Finds classes of a single picture that look like typos, or that are to be told beside other mistakes.

    Any others are found where the whole catalog is looked at, and so are numbers and lists of labels.

    Args:
        others: whether the manifest has other mistakes.
    """
    pictures = Counter(label for label in labels if label)
    alone = [row for row, label in enumerate(labels) if pictures[label] == 1 and splits[row] is None]
    if not alone or section.valid_share == section.test_share == 0:
        return []
    meant = mistyped(pictures)
    typos = [row for row in alone if labels[row] in meant]
    if not (typos or others) or read_like_numbers(pictures, len(labels)) or find_lists(pictures):
        return []
    if len(alone) == len(pictures):
        return []
    words = ", which cannot be in the training part and in the test part"
    if typos:
        some = "one looks like a typo" if len(typos) == 1 else f"{len(typos)} look like typos"
        words = " that look like typos" if len(typos) == len(alone) else f", of which {some}"
    return mistake(
        alone,
        places,
        f"classes with a single picture{words}",
        expected="at least two pictures of each class",
        got=lambda row: (
            f"'{labels[row]}'" + (f" (did you mean '{meant[labels[row]]}'?)" if labels[row] in meant else "")
        ),
        hint=None if len(typos) == len(alone) else "add pictures, or take these classes out",
    )


def _repeated(
    names: Sequence[str], labels: Sequence[str], splits: Sequence[Split | None], places: Sequence[str]
) -> list[InputError]:
    """Refuses a picture that is listed twice, and says what its rows disagree in."""
    first: dict[str, int] = {}
    again = [(row, start) for row, name in enumerate(names) if name and (start := first.setdefault(name, row)) != row]
    kinds: dict[str, list[int]] = {}
    for row, start in again:
        if splits[row] != splits[start]:
            kind = "pictures listed twice, in different parts of the data"
        elif labels[row] != labels[start]:
            kind = "pictures listed twice, with different classes"
        else:
            kind = "pictures listed twice"
        kinds.setdefault(kind, []).append(row)
    errors: list[InputError] = []
    for kind, rows in sorted(kinds.items()):
        errors += mistake(
            rows,
            places,
            kind,
            expected="one row a picture",
            got=lambda row: f"{names[row]}, first in {places[first[names[row]]]}",
            hint="to make a picture count more, give it a weight" if kind == "pictures listed twice" else None,
        )
    return errors


def _spanning(groups: Sequence[str | None], splits: Sequence[Split | None], places: Sequence[str]) -> list[InputError]:
    """Refuses groups whose rows are given to more than one part, or partly to none."""
    seen: dict[str, dict[Split | None, int]] = {}
    for row, (group, split) in enumerate(zip(groups, splits, strict=True)):
        if group is not None:
            seen.setdefault(group, {}).setdefault(split, row)
    spanning = {group: parts for group, parts in seen.items() if len(parts) > 1}
    rows = {min(parts.values()): (group, parts) for group, parts in spanning.items()}

    def words(row: int) -> str:
        group, parts = rows[row]
        return f"'{group}' in " + " and ".join(f"{split or 'no part'} ({places[at]})" for split, at in parts.items())

    return mistake(
        sorted(rows),
        places,
        "groups that span parts of the data",
        expected="all pictures of a group in one part",
        got=words,
        hint="give each group one part, or leave the part of all its rows empty",
    )
