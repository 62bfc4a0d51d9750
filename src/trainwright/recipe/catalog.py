"""Every setting of a recipe as one row of plain data: key, kind, range, meaning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType
from typing import Any, Literal, get_args, get_origin

from .recipe import Recipe
from .scalars import format_value
from .section import Section, declared

Kind = Literal["number", "whole number", "switch", "text", "choice"]

_KINDS: dict[type, Kind] = {float: "number", int: "whole number", bool: "switch", str: "text"}


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One setting: what it is called, what it may be, what it does.

    `words` are values beside the numbers, such as `auto`; `choices` the words of a choice. Bounds are None where there
    are none; `low_included` and `high_included` tell `at least` from `above`. `applies` maps a sibling's dotted key to
    the values under which this setting has an effect; `needs` is the dotted key that must be `needed` for it, above 0
    or true. `dosed` says whether `STRENGTH @ PROBABILITY` is a value too. `also_called` maps what others call a choice
    to the choice.
    """

    key: str
    kind: Kind
    default: Any
    unit: str
    meaning: str
    source: str
    words: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    low: float | None = None
    low_included: bool = True
    high: float | None = None
    high_included: bool = True
    scale: Literal["linear", "log"] | None = None
    applies: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    needs: str | None = None
    needed: str = "above 0"
    examples: tuple[str, ...] = ()
    dosed: bool = False
    also_called: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def section(self) -> str:
        """Names the section that the setting stands in."""
        return self.key.partition(".")[0]

    @property
    def auto(self) -> bool:
        """Says whether the setting may be left to trainwright."""
        return "auto" in self.words

    @property
    def type(self) -> str:
        """Says the kind of value in a word or two: `number or auto`."""
        return self.kind if self.kind == "choice" else " or ".join([self.kind, *self.words])

    @property
    def range(self) -> str:
        """Says which values are allowed: `(0, 100]` as in mathematics, or the words of a choice."""
        if self.kind == "switch":
            return "true, false"
        if self.choices or self.examples:
            return ", ".join(self.choices or self.examples)
        if self.low is None and self.high is None:
            return ""
        low = "(-∞" if self.low is None else f"{'[' if self.low_included else '('}{_number(self.low)}"
        high = "∞)" if self.high is None else f"{_number(self.high)}{']' if self.high_included else ')'}"
        return f"{low}, {high}, or such `@` a probability" if self.dosed else f"{low}, {high}"

    @property
    def expected(self) -> str:
        """Says in words what a value must be, for messages: `a whole number at least 4 (pixels), or auto`."""
        if self.kind == "switch":
            words = "true or false"
        elif self.choices or self.examples:
            return f"one of {', '.join(self.choices or self.examples)}"
        elif self.kind == "text":
            words = "a text that is not empty"
        else:
            low = None if self.low is None else f"{'at least' if self.low_included else 'above'} {_number(self.low)}"
            high = None if self.high is None else f"{'at most' if self.high_included else 'below'} {_number(self.high)}"
            bounds = " and ".join(bound for bound in (low, high) if bound)
            words = " ".join([f"a {self.kind}", bounds, *([f"({self.unit})"] if self.unit else [])])
        dosed = ["such a number @ a probability"] if self.dosed else []
        return ", or ".join([words, *dosed, *self.words])


@cache
def catalog() -> Mapping[str, Setting]:
    """Lists all settings by their dotted keys, in the order of the recipe."""
    rows: dict[str, Setting] = {}
    for section in Recipe.model_fields:
        for name, info in section_class(section).model_fields.items():
            key = f"{section}.{name}"
            rows[key] = _row(section, key, info)
    return MappingProxyType(rows)


def section_class(name: str) -> type[Section]:
    """Finds the class of a section by the section's name."""
    found: Any = Recipe.model_fields[name].annotation
    return found


def describe() -> list[Setting]:
    """Lists all settings as rows, for the documentation and for `trainwright recipe`."""
    return list(catalog().values())


def _is_switch(section: str, name: str) -> bool:
    return section_class(section).model_fields[name].annotation is bool


def _row(section: str, key: str, info: Any) -> Setting:
    kind, words, choices = _kind(info.annotation)
    extra = declared(info)
    low = extra.get("minimum", extra.get("exclusiveMinimum"))
    high = extra.get("maximum", extra.get("exclusiveMaximum"))
    applies = {f"{section}.{sibling}": tuple(values) for sibling, values in extra.get("applies", {}).items()}
    needs = extra.get("needs")
    return Setting(
        key=key,
        kind=kind,
        default=info.default,
        unit=extra["unit"],
        meaning=info.description,
        source=extra["source"],
        words=words,
        choices=choices,
        low=low,
        low_included="minimum" in extra,
        high=high,
        high_included="maximum" in extra,
        scale=extra.get("scale"),
        applies=applies,
        needs=None if needs is None else f"{section}.{needs}",
        needed="true" if needs is not None and _is_switch(section, needs) else "above 0",
        examples=tuple(extra.get("examples", ())),
        dosed=bool(extra.get("dosed", False)),
        also_called={name: choice for choice, names in extra.get("also_called", {}).items() for name in names},
    )


def _kind(annotation: Any) -> tuple[Kind, tuple[str, ...], tuple[str, ...]]:
    """Reads kind, words beside numbers, and choices off an annotation such as `float | Literal["auto"]`."""
    if get_origin(annotation) is Literal:
        choices = get_args(annotation)
        return "choice", ("auto",) if "auto" in choices else (), choices
    arm, *others = get_args(annotation) or (annotation,)
    return _KINDS[arm], tuple(word for other in others for word in get_args(other)), ()


def _number(value: float) -> str:
    return format_value(int(value) if float(value).is_integer() else value)
