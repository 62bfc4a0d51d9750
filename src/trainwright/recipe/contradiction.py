"""What a broken rule between settings is, as plain data."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Contradiction:
    """A rule that is broken; `keys` are the settings in it, first the one to change."""

    keys: tuple[str, ...]
    problem: str
    expected: str | None = None
    got: str | None = None
    hint: str | None = None
