"""Which column of a manifest is what: those that the settings name, and none that is named nearly so."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from trainwright.data.catalog import quoted
from trainwright.data.printable_names import printable
from trainwright.errors import InputError, nearest
from trainwright.recipe.data import DataSection
from trainwright.recipe.tasks import target_columns

from .table import Table

USUAL_WORSE = "worse"


def column_of(section: DataSection, role: str) -> str:
    """Names the column of a role.

    >>> column_of(DataSection(), "path"), column_of(DataSection(), "worse")
    ('path', 'worse')
    """
    name: str = getattr(section, f"{role}_column")
    return USUAL_WORSE if role == "worse" and name == "auto" else name


def find_columns(
    table: Table, section: DataSection, roles: Sequence[str], *, required: Collection[str], where: str
) -> dict[str, str]:
    """Finds the column of each role; optional roles without a column are left out.

    A column that is to be predicted has no other role by its usual name alone.

    Args:
        roles: words before `_column` in the settings of `data`.
        required: the roles without which nothing can be read.
        where: the manifest, for errors.

    Raises:
        InputError: a required column, or one that somebody named, is not there; an optional one is there under a name
            that is nearly the same; one column is asked to be two things.
    """
    targets = target_columns(section)
    found: dict[str, str] = {}
    missing: list[InputError] = []
    for role in roles:
        name = column_of(section, role)
        usual = getattr(section, f"{role}_column") == DataSection.model_fields[f"{role}_column"].default
        if usual and role not in required and name in targets:
            continue
        if name in table.header:
            found[role] = name
            continue
        alike = [column for column in table.header if plain(column) == plain(name) and column not in targets]
        if role in required or not usual or alike:
            missing.append(_missing(table, section, role, name, alike, where))
    if missing:
        raise missing[0] if len(missing) == 1 else InputError.several(f"{where} lacks columns", missing)
    asked = [*found.values(), *targets]
    if len(set(asked)) != len(asked):
        doubled = {name for name in asked if asked.count(name) > 1}
        settings = [f"data.{role}_column={printable(name)}" for role, name in found.items() if name in doubled]
        settings += [f"data.target_columns={section.target_columns}"] if doubled.intersection(targets) else []
        raise InputError("one column of the manifest is asked to be two things", got=", ".join(settings), where=where)
    return found


def _missing(table: Table, section: DataSection, role: str, name: str, alike: Sequence[str], where: str) -> InputError:
    key = f"data.{role}_column"
    match = alike[0] if alike else nearest(name, table.header)
    hint = f"did you mean '{printable(match)}'? --set {key}={printable(match)}" if match else None
    if not match and len(table.header) == 1:
        hint = "cells of a .csv are separated by commas, of a .tsv by tabs"
    open_task = role == "label" and section.task == "auto"
    numbers = "; for a regression --set data.target_columns=NAME names one of numbers" if open_task else ""
    return InputError(
        f"the manifest has no column '{printable(name)}'",
        expected=f"a column '{printable(name)}' (recipe key {key})",
        got=f"columns {quoted([printable(column) for column in table.header])}",
        where=where,
        hint=hint or f"--set {key}=NAME names another column{numbers}",
    )


def plain(column: str) -> str:
    """Leaves of a name what does not depend on case, edges and number.

    >>> plain("Splits"), plain(" split_")
    ('split', 'split')
    """
    return column.casefold().strip(" _").removesuffix("s")
