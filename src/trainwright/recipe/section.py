"""The form that every section of a recipe has, and the one way to declare a setting in it."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypeVar, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator
from pydantic.fields import FieldInfo

from .dosing import PATTERN, dose, written

Auto = Literal["auto"]
Find = Literal["find"]
"""A value that is to be found by trying on the data, when training is about to begin."""

OPEN = ("auto", "find")
"""Words that stand for a value which is still to be decided."""

Value = TypeVar("Value")

BOUNDS: Mapping[str, tuple[str, Callable[[float, float], bool]]] = {
    "minimum": ("at least", operator.ge),
    "exclusiveMinimum": ("above", operator.gt),
    "maximum": ("at most", operator.le),
    "exclusiveMaximum": ("below", operator.lt),
}
"""JSON Schema's names of bounds, which speak of numbers only and so leave the word `auto` alone."""


class Section(BaseModel):
    """A frozen group of settings; unknown keys, values of another type and values out of range are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    @field_validator("*")
    @classmethod
    def _within_range(cls, value: Any, info: ValidationInfo) -> Any:
        """Holds numbers and texts to what their field declares (pydantic cannot bound one arm of a union)."""
        extra = declared(cls.model_fields[info.field_name or ""])
        if isinstance(value, str):
            if not value or ("pattern" in extra and not re.fullmatch(str(extra["pattern"]), value)):
                raise ValueError(
                    "a text that is not empty" if not value else f"a text like {extra.get('examples', '15 @ 0.5')}"
                )
            if not extra.get("dosed") or value == "auto":
                return value
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            return value
        if isinstance(value, str):
            value = written(dose(value))
        number = value if not isinstance(value, str) else dose(value).strength
        for name, (words, holds) in BOUNDS.items():
            bound = extra.get(name)
            if bound is not None and not holds(number, bound):
                raise ValueError(f"a number {words} {bound:g}")
        return value


def declared(field: FieldInfo) -> dict[str, Any]:
    """Gives what `setting` noted of a field beyond pydantic's own columns: unit, source, bounds, when it applies."""
    extra: Any = field.json_schema_extra
    return extra or {}


def setting(
    default: Any,
    meaning: str,
    *,
    source: str,
    unit: str = "",
    scale: Literal["linear", "log"] | None = None,
    applies: dict[str, Sequence[str]] | None = None,
    needs: str | None = None,
    pattern: str | None = None,
    examples: Sequence[str] = (),
    dosed: bool = False,
    also_called: Mapping[str, Sequence[str]] | None = None,
    ge: float | None = None,
    gt: float | None = None,
    le: float | None = None,
    lt: float | None = None,
) -> Any:
    """Declares one setting with all that a person needs to choose its value.

    Args:
        default: the value when nobody says anything.
        meaning: what the setting does, special values included; one or two sentences.
        source: the paper, book or library that the meaning or default comes from, or "own choice".
        unit: unit of the value; empty for a bare number, a name or a switch.
        scale: how a search should walk the range; "log" where effects are multiplicative.
        applies: sibling key → the values of it under which this setting has an effect. Given by the user under any
            other value, the setting is an error, because it would silently do nothing.
        needs: sibling key that must be above 0, or true, for this setting to have an effect.
        pattern: regular expression that a text must match; without one any text but the empty one will do.
        examples: texts that match the pattern, for messages and editors.
        dosed: whether `STRENGTH @ PROBABILITY` is a value too.
        also_called: choice → what others call it, in small letters with hyphens; suggested in messages, never taken.
        ge, gt, le, lt: bounds of the range of a number.
    """
    extra: dict[str, Any] = {"unit": unit, "source": source}
    bounds = {"minimum": ge, "exclusiveMinimum": gt, "maximum": le, "exclusiveMaximum": lt}
    extra |= {name: bound for name, bound in bounds.items() if bound is not None}
    if scale is not None:
        extra["scale"] = scale
    if applies is not None:
        extra["applies"] = {key: list(values) for key, values in applies.items()}
    if needs is not None:
        extra["needs"] = needs
    if pattern is not None:
        extra |= {"pattern": pattern, "examples": list(examples)}
    if also_called is not None:
        extra["also_called"] = {choice: list(names) for choice, names in also_called.items()}
    if dosed:
        extra |= {"pattern": PATTERN, "dosed": True}
    return Field(default, description=meaning, json_schema_extra=extra)


def decided(value: Value | Auto | Find) -> Value:
    """Narrows a setting that may be `auto` or `find` to its value, in code that runs after everything was decided.

    >>> decided(3)
    3
    """
    assert value not in OPEN, "this setting should have been decided before it is used"
    return cast(Value, value)
