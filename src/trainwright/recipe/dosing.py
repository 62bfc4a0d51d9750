"""How strongly and how often: the values of a trick that happens to some pictures only."""

from __future__ import annotations

import re
from typing import NamedTuple

PATTERN = r"auto|[0-9]+(\.[0-9]+)? *@ *(0|1|0?\.[0-9]+|1\.0+)"
"""`15 @ 0.5`: strength 15, for half of the pictures."""


class Dose(NamedTuple):
    """A trick's strength, in its own unit, and the probability that it happens to a picture."""

    strength: float
    probability: float

    @property
    def on(self) -> bool:
        return self.strength > 0 and self.probability > 0


def is_dose(text: str) -> bool:
    """Tells whether a text has the form of a dose.

    >>> is_dose("15 @ 0.5"), is_dose("15@"), is_dose("15 @ 2")
    (True, False, False)
    """
    return re.fullmatch(PATTERN, text) is not None


def written(given: Dose) -> float | str:
    """Writes a dose in the one way in which a recipe keeps it, so that equal doses are equal.

    >>> written(Dose(15.0, 0.5)), written(Dose(15.0, 1.0))
    ('15 @ 0.5', 15.0)
    """
    return given.strength if given.probability == 1 else f"{given.strength:g} @ {given.probability:g}"


def dose(value: float | str) -> Dose:
    """Reads a decided dose; a bare number happens to every picture.

    >>> dose("15 @ 0.5"), dose(15)
    (Dose(strength=15.0, probability=0.5), Dose(strength=15.0, probability=1.0))
    """
    if not isinstance(value, str):
        return Dose(float(value), 1.0)
    assert re.fullmatch(PATTERN, value), value
    assert value != "auto", "this setting should have been decided before it is used"
    strength, _, probability = value.partition("@")
    return Dose(float(strength), float(probability))
