"""A rule between settings that is broken, as data; `rules.py` words it as an error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .idle import Sections


@dataclass(frozen=True)
class Contradiction:
    """A rule that is broken; `keys` are the settings in it, first the one to change."""

    keys: tuple[str, ...]
    problem: str
    expected: str | None = None
    got: str | None = None
    hint: str | None = None


def value_of(sections: Sections, key: str) -> Any:
    """Looks up a value by its dotted key."""
    section, _, name = key.partition(".")
    return getattr(sections[section], name)
