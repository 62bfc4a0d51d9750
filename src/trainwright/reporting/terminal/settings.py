"""Every setting of a recipe, explained on the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainwright.errors import InputError, nearest

from .lines import labelled

if TYPE_CHECKING:
    from trainwright.recipe import Setting


def setting_lines(width: int = 80, what: str | None = None) -> list[str]:
    """Says of each setting what it may be, what it is when nobody says anything, what it does, and who says so.

    Args:
        width: columns to wrap to.
        what: a section, a setting with or without its section; None for all.

    Raises:
        InputError: there is no such section and no such setting.
    """
    # Reading the terminal's own parts should not cost the tenths of a second that the recipe's models take to load.
    from trainwright.recipe import describe

    lines: list[str] = []
    section = ""
    settings = describe()
    chosen = [one for one in settings if what in (None, one.section, one.key, one.key.partition(".")[2])]
    if what is not None and not chosen:
        names = {name for one in settings for name in (one.section, one.key, one.key.partition(".")[2])}
        match = nearest(what, names)
        raise InputError(
            f"there is no section and no setting {what!r}",
            hint=f"did you mean '{match}'?"
            if match
            else f"sections: {', '.join(dict.fromkeys(one.section for one in settings))}",
        )
    for setting in chosen:
        if setting.section != section:
            section = setting.section
            lines += ["", section.upper()] if lines else [section.upper()]
        lines.append(f"  {setting.key} = {_default(setting)}")
        for label, text in (("", setting.meaning), ("may be", _may_be(setting)), ("source", setting.source)):
            lines += [line.plain() for line in labelled(label, [text], width)]
    return lines


def _may_be(setting: Setting) -> str:
    only = [f"{key} is {' or '.join(values)}" for key, values in setting.applies.items()]
    only += [f"{setting.needs} is above 0"] if setting.needs else []
    return setting.expected + (f"; only where {' and '.join(only)}" if only else "")


def _default(setting: Setting) -> str:
    value = setting.default
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, float) else str(value)
