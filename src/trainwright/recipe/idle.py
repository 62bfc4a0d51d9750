"""Settings that have no effect beside the values of their siblings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from .scalars import format_value
from .section import Section, declared

Sections = Mapping[str, Section]
"""The sections of a recipe by their names, each valid on its own."""


@dataclass(frozen=True)
class Idle:
    """Why a setting has no effect: the sibling that decides it, the sibling's value, and what would be needed."""

    sibling: str
    value: Any
    needed: str

    @property
    def reason(self) -> str:
        """Says it in words, for a comment or a message."""
        return f"{self.sibling} is {format_value(self.value)}"


def idle_settings(sections: Sections) -> dict[str, Idle]:
    """Finds the settings that have no effect beside the values of their siblings, whoever gave them."""
    idle: dict[str, Idle] = {}
    for section_name, section in sections.items():
        for name, applies, needs in _conditions(type(section)):
            key = f"{section_name}.{name}"
            for sibling, values in applies.items():
                if (value := getattr(section, sibling)) not in values:
                    idle[key] = Idle(f"{section_name}.{sibling}", value, f"one of {', '.join(values)}")
            # A switch that is off beside a sibling that is 0 or off says what happens anyway.
            is_off = getattr(section, name) in (False, "never")
            if key not in idle and needs is not None and getattr(section, needs) == 0 and not is_off:
                value = getattr(section, needs)
                idle[key] = Idle(f"{section_name}.{needs}", value, "true" if value is False else "above 0")
    return idle


@cache
def _conditions(kind: type[Section]) -> tuple[tuple[str, dict[str, tuple[str, ...]], str | None], ...]:
    """Lists the settings of a section that hang on siblings, with what they declare of them."""
    extras = {name: declared(field) for name, field in kind.model_fields.items()}
    return tuple(
        (name, extra.get("applies", {}), extra.get("needs"))
        for name, extra in extras.items()
        if extra.get("applies") or extra.get("needs")
    )
