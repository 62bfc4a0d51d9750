"""What the rows of a manifest say of files, parts and groups, and one error for all rows with the same mistake."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence

from trainwright.data.catalog import Split
from trainwright.data.printable_names import printable
from trainwright.errors import InputError, nearest, shown_of

from .split_words import SPLIT_WORDS, split_of
from .table import Table

SHOWN = 10
"""So many rows of one kind of mistake are listed; of the rest the number is told."""

MEANT = 3
"""Of so many missing files the nearest names are looked for."""


def locate(written: Sequence[str], places: Sequence[str], folder: str) -> tuple[list[str], list[str], list[InputError]]:
    """Finds the catalog name and the file of each row; both are "" where the row has no path."""
    names: list[str] = []
    locations: list[str] = []
    root = os.path.join(folder, "")
    leaving: list[int] = []
    for row, text in enumerate(written):
        location = os.path.normpath(root + text if not os.path.isabs(text) else text) if text else ""
        if location and not location.startswith(root) and not os.path.isabs(text):
            leaving.append(row)
        names.append(printable(location.removeprefix(root).replace(os.sep, "/")))
        locations.append(location)
    errors = mistake(
        leaving,
        places,
        "paths that leave the manifest's folder",
        expected="a relative path below the manifest's folder, or an absolute path; by .. it could name files that are "
        "no pictures of these data, and another folder's once it is moved",
        got=lambda row: printable(written[row]),
        hint="write absolute paths, or move the manifest to the folder that holds all pictures",
        shown=1,
    )
    empty = [row for row, text in enumerate(written) if not text]
    errors += mistake(empty, places, "rows without a path", expected="the path of a picture")
    skip = {*empty, *leaving}
    missing = [row for row, path in enumerate(locations) if row not in skip and not os.path.isfile(path)]
    backslashes = any("\\" in written[row] for row in missing)
    errors += mistake(
        missing,
        places,
        "pictures that are not there",
        expected=f"files, found from {printable(folder)}",
        got=lambda row: printable(written[row]) + (" (a folder)" if os.path.isdir(locations[row]) else ""),
        hint="write / between folders, not \\" if backslashes else _meant([locations[row] for row in missing], root),
    )
    return names, locations, errors


def _meant(missing: Sequence[str], root: str) -> str | None:
    """Asks for files that are there and named nearly like the first missing ones; None where there are none."""
    found: list[str] = []
    for location in missing[:MEANT]:
        folder, name = os.path.split(location)
        while folder.startswith(root) and not os.path.isdir(folder):
            folder, name = os.path.split(folder)
        if os.path.exists(location) or not os.path.isdir(folder):
            continue
        there = {entry.lower(): entry for entry in os.listdir(folder)}
        match = nearest(name, there)
        if match:
            found.append(printable(os.path.join(folder, there[match]).removeprefix(root).replace(os.sep, "/")))
    return f"did you mean {' and '.join(dict.fromkeys(found))}?" if found else None


def find_splits(table: Table, columns: Mapping[str, str]) -> tuple[list[Split | None], list[InputError]]:
    """Finds the part of each row; the words are checked."""
    words = table.columns[columns["split"]] if "split" in columns else [""] * len(table.places)
    splits: list[Split | None] = [split_of(word) for word in words]
    unknown = [row for row, (word, split) in enumerate(zip(words, splits, strict=True)) if word and split is None]
    return splits, mistake(
        unknown,
        table.places,
        "words that name no part of the data",
        expected=f"empty, or one of {', '.join(SPLIT_WORDS)}",
        got=lambda row: f"'{printable(words[row])}'",
    )


def find_groups(table: Table, columns: Mapping[str, str]) -> list[str | None]:
    """Finds the group of each row, None where it stands alone."""
    if "group" not in columns:
        return [None] * len(table.places)
    return [printable(group) or None for group in table.columns[columns["group"]]]


def mistake(
    rows: Iterable[int],
    places: Sequence[str],
    problem: str,
    *,
    expected: str,
    got: Callable[[int], str] | None = None,
    hint: str | None = None,
    shown: int = SHOWN,
) -> list[InputError]:
    """Makes one error of all rows with the same mistake, of which the first `shown` are named; none without rows."""
    rows = list(rows)
    if not rows:
        return []
    shown = shown_of(len(rows), shown)
    more = f" and {len(rows) - shown:,} more" if len(rows) > shown else ""
    return [
        InputError(
            f"{problem}: {len(rows)}",
            expected=expected,
            got="; ".join(got(row) for row in rows[:shown]) + more if got else None,
            where=", ".join(places[row] for row in rows[:shown]) + more,
            hint=hint,
        )
    ]
