"""What the numbers of a net stand for in each task, in words."""

from __future__ import annotations

from dataclasses import dataclass

from .wording import plural


@dataclass(frozen=True)
class Thing:
    """The word for one of them (empty where they are not counted), for many, and what joins it to pictures."""

    one: str
    many: str
    joint: str

    def counted(self, number: int) -> str:
        """Words how many there are.

        >>> THINGS["multi-label"].counted(3)
        'with 3 labels'
        """
        return f"{self.joint} {plural(number, self.one, self.many)}" if self.one else self.joint


THINGS = {
    "classification": Thing("class", "classes", "of"),
    "multi-label": Thing("label", "labels", "with"),
    "regression": Thing("column of numbers", "columns of numbers", "with"),
    "ranking": Thing("", "told", "in pairs"),
}
"""Task → its things."""
