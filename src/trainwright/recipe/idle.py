"""Settings that have no effect beside the values of their siblings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
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
        for name, field in type(section).model_fields.items():
            extra = declared(field)
            applies: dict[str, tuple[str, ...]] = extra.get("applies", {})
            needs: str | None = extra.get("needs")
            key = f"{section_name}.{name}"
            for sibling, values in applies.items():
                if (value := getattr(section, sibling)) not in values:
                    idle[key] = Idle(f"{section_name}.{sibling}", value, f"one of {', '.join(values)}")
            # A switch that is off beside a sibling that is 0 says what happens anyway.
            is_off = getattr(section, name) is False
            if key not in idle and needs is not None and getattr(section, needs) == 0 and not is_off:
                idle[key] = Idle(f"{section_name}.{needs}", getattr(section, needs), "above 0")
    return idle
