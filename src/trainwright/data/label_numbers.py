"""Class names that are numbers, as if a column of measured values had been taken for classes."""

from __future__ import annotations

import math
from collections.abc import Collection

MANY = 20
FEW_EACH = 10


def read_like_numbers(names: Collection[str], pictures: int) -> bool:
    """Tells whether class names look like values of a measured number rather than numbered classes.

    They do where all are numbers, and some have decimals, or there are more than 20 with less than 10 pictures each on
    average, or as many as pictures.

    Args:
        names: of all classes.
        pictures: of all classes together.

    Source: own choice
    >>> read_like_numbers(["0.5", "1", "2,25"], 90), read_like_numbers([str(digit) for digit in range(10)], 90)
    (True, False)
    """
    values = [_value(name) for name in names]
    if len(values) < 2 or any(value is None for value in values):
        return False
    decimals = any(value is not None and not value.is_integer() for value in values)
    return decimals or len(values) == pictures or (len(values) > MANY and pictures < FEW_EACH * len(values))


def _value(name: str) -> float | None:
    try:
        value = float(name.replace(",", ".") if name.count(",") == 1 and "." not in name else name)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
