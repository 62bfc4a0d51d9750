"""What a search looks through: one dimension a setting, each with a box that can be narrowed and widened."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from trainwright.errors import InputError, nearest, together
from trainwright.recipe import Setting, catalog, format_value, parse_plain

Scale = Literal["log", "linear", "choice"]

FIXED = {
    "training.epochs": "the stages say how long a trial trains (--stages)",
    "training.seed": "the luckiest seed is not a better recipe",
    "training.retrain": "trials are judged before a second stage",
    "training.retrain_rate": "trials are judged before a second stage",
    "training.checkpoint_every_s": "trials keep no checkpoints",
}
"""Settings that cannot be searched, and why."""

READING = ("data.img_size", "data.color", "data.fit", "data.scaled_decoding")
"""Settings of the section `data` that say how pictures are read, not which pictures judge."""

USUAL_BOXES = {
    "optim.momentum": (0.5, 0.99),
    "loss.label_smoothing": (0.0, 0.3),
    "training.ema": (0.9, 0.999),
    "model.dropout": (0.0, 0.6),
    "model.spatial_dropout": (0.0, 0.6),
    "model.stochastic_depth": (0.0, 0.5),
    "augment.rotate": (0.0, 30.0),
    "augment.shear": (0.0, 20.0),
    "augment.mixup": (0.0, 1.0),
    "augment.cutmix": (0.0, 1.0),
    "regularization.l1": (1e-7, 1e-3),
    "regularization.l2": (1e-7, 1e-2),
}
"""Key → the box of a setting that is named alone and that has no usual value to lay one around. Source: own choice."""

AROUND = 30.0
"""Factor to both sides of its usual value by which the box of a multiplicative setting reaches. Source: own choice."""


@dataclass(frozen=True)
class Dimension:
    """One searched setting with the box of values that are tried; places run from 0 to 1 along its scale.

    Attributes:
        key: of the recipe.
        scale: `log`, `linear`, or `choice` for a list of values without order.
        low, high: ends of the box, both in it; 0 of a choice.
        whole: whether values are whole numbers.
        choices: the values of a choice.
        limits: the setting's own range, beyond which no box grows.
    """

    key: str
    scale: Scale
    low: float = 0.0
    high: float = 0.0
    whole: bool = False
    choices: tuple[Any, ...] = ()
    limits: tuple[float, float] = (-math.inf, math.inf)

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> Dimension:
        """Reads a dimension from its attributes as plain data."""
        return cls(**{**kept, "choices": tuple(kept["choices"]), "limits": tuple(kept["limits"])})

    def place(self, value: float) -> float:
        """Gives where a number lies along the box: 0 at its low end, 1 at its high one, beyond them outside.

        >>> Dimension("optim.lr", "log", 0.01, 1.0).place(0.1)
        0.5
        """
        if self.low == self.high:
            return 0.5
        low, high, at = (math.log(x) if self.scale == "log" else x for x in (self.low, self.high, value))
        return (at - low) / (high - low)

    def value(self, place: float) -> float:
        """Gives the number at a place, which may lie outside the box but never outside the setting's own range."""
        if self.scale == "log":
            found = math.exp(math.log(self.low) + place * (math.log(self.high) - math.log(self.low)))
        else:
            found = self.low + place * (self.high - self.low)
        return min(max(found, self.limits[0]), self.limits[1])

    def holds(self, value: Any) -> bool:
        """Tells whether a value lies in the box."""
        if self.scale == "choice":
            return any(same(value, choice) for choice in self.choices)
        return self.low <= value <= self.high

    def middle(self) -> Any:
        """Gives a value from the middle of the box."""
        if self.scale == "choice":
            return self.choices[len(self.choices) // 2]
        return self.typed(self.value(0.5))

    def ends(self) -> tuple[Any, ...]:
        """Lists the extreme values; of a choice all."""
        return self.choices if self.scale == "choice" else (self.typed(self.low), self.typed(self.high))

    def typed(self, value: float) -> int | float:
        """Gives a number as the setting has it: whole, or not."""
        return round(value) if self.whole else float(value)

    @property
    def words(self) -> str:
        """Writes the box as `--space` takes it, without the key.

        >>> Dimension("optim.lr", "log", 1e-4, 1.0).words
        'log:0.0001:1'
        """
        if self.scale == "choice":
            return f"choice:{','.join(format_value(value) for value in self.choices)}"
        return f"{self.scale}:{self.low:.4g}:{self.high:.4g}"


def same(one: Any, other: Any) -> bool:
    """Tells whether two values of a setting are one; true is not 1."""
    return one == other and isinstance(one, bool) == isinstance(other, bool)


def parse_space(words: Iterable[str], usual: Mapping[str, Any]) -> tuple[Dimension, ...]:
    """Reads `KEY=log:LOW:HIGH`, `KEY=linear:LOW:HIGH`, `KEY=LOW:HIGH`, `KEY=choice:A,B,C` and `KEY`.

    Args:
        words: one text a dimension.
        usual: recipe key → the value that it would have without a search, where it is known; a box of a setting that
            is named alone is laid around it.

    Raises:
        InputError: lists every mistake: a key that does not exist, twice the same, or cannot be searched; values that
            do not fit its type or range; the lower end not below the upper one; a log scale through 0; no usual box.

    >>> parse_space(["optim.lr=log:1e-4:1", "model.width=choice:16,32"], {})[1].choices
    (16, 32)
    """
    found: dict[str, Dimension] = {}
    errors: list[InputError] = []
    for word in words:
        try:
            dimension = _dimension(word.strip(), usual)
            if dimension.key in found:
                raise InputError(f"{dimension.key} is searched twice", expected="one box", where=_where(word))
            found[dimension.key] = dimension
        except InputError as error:
            errors.append(error)
    if errors:
        raise together(errors)
    return tuple(found.values())


def _where(word: str) -> str:
    return f"--space {word}"


def _dimension(word: str, usual: Mapping[str, Any]) -> Dimension:
    key, given, text = word.partition("=")
    setting = catalog().get(key)
    if setting is None:
        near = nearest(key, catalog())
        hint = f"did you mean {near!r}?" if near else "`trainwright recipe --explain` lists all settings"
        raise InputError(f"there is no setting {key!r}", where=_where(word), hint=hint)
    reason = FIXED.get(key)
    if key.startswith("data.") and key not in READING:
        reason = "all trials are judged by the same pictures"
    elif key.startswith(("machine.", "logging.")):
        reason = "it is no part of what is learned"
    if reason is not None:
        raise InputError(f"{key} cannot be searched: {reason}", where=_where(word))
    if not given:
        return _usual_box(setting, usual.get(key), word)
    if text.startswith("choice:"):
        return _choice(setting, text.removeprefix("choice:"), word)
    return _range(setting, text, word)


def _choice(setting: Setting, text: str, word: str) -> Dimension:
    values = [parse_plain(part.strip()) for part in re.split(r",(?![^\[]*\])", text)]
    wrong = [value for value in values if not _fits(setting, value)]
    if wrong or len({(type(value), value) for value in values}) < len(values):
        shown = ", ".join(format_value(value) for value in wrong or values)
        problem = f"{setting.key} has no such value" if wrong else f"{setting.key} has a value twice to choose from"
        raise InputError(problem, expected=setting.expected, got=shown, where=_where(word))
    if setting.kind == "number":
        values = [float(value) if isinstance(value, int) else value for value in values]
    return Dimension(setting.key, "choice", choices=tuple(values))


def _range(setting: Setting, text: str, word: str) -> Dimension:
    found = re.fullmatch(r"(?:(log|linear):)?([^:]+):([^:]+)", text)
    if setting.kind not in ("number", "whole number") or found is None:
        form = "choice:A,B,C" if setting.kind not in ("number", "whole number") else "LOW:HIGH"
        raise InputError(
            f"{setting.key} is searched by {'a list of choices' if form[0] == 'c' else 'two ends or choices'}",
            expected=f"{setting.key}={form}" + ("" if form[0] == "c" else ", or log: or linear: before it"),
            got=text or "nothing",
            where=_where(word),
        )
    scale: Scale = "log" if (found[1] or setting.scale) == "log" else "linear"
    low, high = (parse_plain(part.strip()) for part in found.group(2, 3))
    wrong = [value for value in (low, high) if not _fits(setting, value) or not isinstance(value, int | float)]
    if wrong:
        shown = ", ".join(format_value(value) for value in wrong)
        raise InputError(f"{setting.key} cannot be so", expected=setting.expected, got=shown, where=_where(word))
    if low >= high:
        raise InputError(
            f"the box of {setting.key} holds nothing: its lower end is not below its upper one",
            expected="LOW:HIGH with LOW below HIGH",
            got=f"{low:g} to {high:g}",
            where=_where(word),
            hint=f"--space {setting.key}={scale}:{high:g}:{low:g}" if low > high else None,
        )
    if scale == "log" and low <= 0:
        raise InputError(
            f"a log scale of {setting.key} cannot begin at {low:g}: it never comes to 0",
            expected="a lower end above 0",
            got=text,
            where=_where(word),
            hint=f"--space {setting.key}=log:{high / 1e4:g}:{high:g}, or linear:{low:g}:{high:g}",
        )
    limits = _limits(setting, scale, low, high)
    return Dimension(setting.key, scale, low, high, setting.kind == "whole number", limits=limits)


def _usual_box(setting: Setting, usual: Any, word: str) -> Dimension:
    """Lays a box for a setting that was named alone."""
    if setting.kind == "switch":
        return Dimension(setting.key, "choice", choices=(False, True))
    if setting.kind == "choice":
        return Dimension(setting.key, "choice", choices=tuple(value for value in setting.choices if value != "auto"))
    scale: Scale = "log" if setting.scale == "log" else "linear"
    number = isinstance(usual, int | float) and not isinstance(usual, bool)
    whole = setting.kind == "whole number"
    least, most = _reach(setting, scale)
    if setting.key in USUAL_BOXES:
        low, high = USUAL_BOXES[setting.key]
    elif scale == "log" and number and usual > 0:
        factor = 4.0 if whole else AROUND
        low, high = max(usual / factor, least), min(usual * factor, most)
    elif setting.scale == "linear" and not whole and setting.high is not None and setting.high <= 1:
        low, high = least, min(most, 0.9)
    else:
        raise InputError(
            f"{setting.key} has no usual box",
            expected=f"{setting.key}=LOW:HIGH or {setting.key}=choice:A,B,C",
            where=_where(word),
        )
    if whole:
        low, high = math.floor(low), math.ceil(high)
    return Dimension(setting.key, scale, low, high, whole, limits=_limits(setting, scale, low, high))


def _limits(setting: Setting, scale: Scale, low: float, high: float) -> tuple[float, float]:
    """Gives the smallest and largest number that a box may grow to: the ends of the setting's own range, and where it
    cannot have such an end, a tenth of what the box leaves up to it, so that momentum from 0.5 to 0.99 ends at 0.999.

    Args:
        low, high: ends of the box.
    """
    least, most = _range_of(setting, scale)
    if scale != "log" and not setting.low_included and math.isfinite(least):
        least = low - 0.9 * (low - least)
    if not setting.high_included and math.isfinite(most):
        most = high + 0.9 * (most - high)
    return min(least, low), max(most, high)


def _reach(setting: Setting, scale: Scale) -> tuple[float, float]:
    """Gives the smallest and largest number of a usual box: a thousandth of the range away from an end that the setting
    cannot have."""
    least, most = _range_of(setting, scale)
    away = 1e-3 * (most - least) if math.isfinite(most - least) else 0.0
    low = least if scale == "log" or setting.low_included else least + away
    return low, most if setting.high_included else most - away


def _range_of(setting: Setting, scale: Scale) -> tuple[float, float]:
    """Gives the ends of the setting's own range; a log scale never comes to 0."""
    least = -math.inf if setting.low is None else setting.low
    if scale == "log":
        least = max(least, 1.0 if setting.kind == "whole number" else 1e-12)
    return least, math.inf if setting.high is None else setting.high


def _fits(setting: Setting, value: Any) -> bool:
    """Tells whether a setting can have a value, by its kind and range."""
    if isinstance(value, str) and value in setting.words:
        return value != "find"
    match setting.kind:
        case "switch":
            return isinstance(value, bool)
        case "choice":
            return value in setting.choices
        case "text":
            return isinstance(value, str) and bool(value)
        case "whole number" if not isinstance(value, int):
            return False
        case _:
            pass
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return False
    above = setting.low is None or value > setting.low or (setting.low_included and value == setting.low)
    below = setting.high is None or value < setting.high or (setting.high_included and value == setting.high)
    return above and below
