"""Single values as text: the scalars of YAML 1.2, read and written without the surprises of YAML 1.1."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, cast

_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INTEGER = re.compile(r"[-+]?[0-9]+")
_OCTAL = re.compile(r"0o[0-7]+")
_HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_LEADING_ZERO = re.compile(r"[-+]?0[0-9]")
_INFINITE = re.compile(r"([-+]?)\.(?:inf|Inf|INF)")
_NAN = frozenset({".nan", ".NaN", ".NAN"})
_MOST_DIGITS = 400
"""More digits than any number of a recipe; beyond Python's own limit (4,300) `int` would raise."""

_PLAIN = re.compile(r"[A-Za-z0-9_./][A-Za-z0-9_./+-]*")
_OLD_YAML_WORDS = frozenset({"y", "n", "yes", "no", "on", "off"})


def parse_plain(text: str) -> Any:
    """Reads an unquoted scalar by the core schema of YAML 1.2.

    `yes`, `on`, dates and `12:30` stay texts, `1e-3` is a number. Other than there, so does what begins with a zero
    and another digit: `01` may have been 0.1 or 1.

    Source: YAML 1.2.2, section 10.3.2; the zeros are our own choice.

    >>> [parse_plain(text) for text in ("1e-3", "01", "yes", "true", "2026-11-21")]
    [0.001, '01', 'yes', True, '2026-11-21']
    """
    if text in _NULL:
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if len(text) <= _MOST_DIGITS and not _LEADING_ZERO.match(text):
        if _INTEGER.fullmatch(text):
            return int(text)
        if _OCTAL.fullmatch(text):
            return int(text[2:], 8)
        if _HEXADECIMAL.fullmatch(text):
            return int(text[2:], 16)
        if _FLOAT.fullmatch(text):
            return float(text)
    if infinite := _INFINITE.fullmatch(text):
        return float(infinite[1] + "inf")
    return float("nan") if text in _NAN else text


def likely_numbers(text: str) -> list[int | float]:
    """Lists the numbers that a text may have been meant to be, the likeliest first; none where it is no such slip.

    A comma is a point unless it stands between thousands; underscores between digits say nothing; a zero before other
    digits has lost its point, or says nothing.

    >>> [likely_numbers(text) for text in ("0,05", "1,000", "1_000", "005", "ten")]
    [[0.05], [1000, 1.0], [1000], [0.05, 5], []]
    """
    plain = re.sub(r"(?<=[0-9])_(?=[0-9])", "", text)
    written = [plain]
    if "," in plain:
        written = [plain.replace(",", "")] if re.fullmatch(r"[-+]?[1-9][0-9]{0,2}(,[0-9]{3})+", plain) else []
        written += [plain.replace(",", ".")] if plain.count(",") == 1 else []
    elif zeros := re.fullmatch(r"([-+]?0)([0-9]+)", plain):
        written = [f"{zeros[1]}.{zeros[2]}", plain]
    numbers = [parse_plain(re.sub(r"^([-+]?)0+(?=[0-9])", r"\1", word)) for word in written]
    return [number for number in numbers if isinstance(number, int | float) and not isinstance(number, bool)]


def format_value(value: Any) -> str:
    """Writes one value on one line so that `parse_plain`, or YAML's quotes, give it back.

    Texts are quoted wherever this or an older reader of YAML could take them for anything else.

    >>> print(format_value(1e-8), format_value("sgd"), format_value("1e-8"), format_value(True), format_value(None))
    1.0e-08 sgd "1e-8" true null
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _format_float(value)
    if isinstance(value, str):
        return value if _is_plain(value) else quote(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(format_value(entry) for entry in cast(Sequence[Any], value))}]"
    if isinstance(value, dict):
        pairs = cast(dict[Any, Any], value).items()
        return f"{{{', '.join(f'{format_value(key)}: {format_value(entry)}' for key, entry in pairs)}}}"
    return str(value)


def quote(text: str) -> str:
    r"""Puts a text in YAML's double quotes on one line, escaping all that cannot be printed.

    >>> print(quote('a "b"\n'))
    "a \"b\"\n"
    """
    return f'"{"".join(_escape(letter) for letter in text)}"'


def printable(text: str) -> str:
    """Makes a text fit for a comment: one line, and no character that YAML or UTF-8 forbids.

    >>> printable("two\\nlines")
    'two lines'
    """
    return "".join(letter if letter.isprintable() else _escape(letter) for letter in " ".join(text.split()))


def _format_float(value: float) -> str:
    if value != value:
        return ".nan"
    if value in (float("inf"), float("-inf")):
        return ".inf" if value > 0 else "-.inf"
    mantissa, mark, exponent = repr(value).partition("e")
    if not mark:
        return mantissa
    # PyYAML and other readers of YAML 1.1 take a number with an exponent for a text unless it has a point and a sign.
    return f"{mantissa if '.' in mantissa else mantissa + '.0'}e{exponent}"


def _is_plain(text: str) -> bool:
    if not _PLAIN.fullmatch(text) or text.lower() in _OLD_YAML_WORDS:
        return False
    return isinstance(parse_plain(text), str) and not text[0].isdigit() and not text.startswith(".")


def _escape(letter: str) -> str:
    short = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}.get(letter)
    if short is not None:
        return short
    if letter.isprintable():
        return letter
    code = ord(letter)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
