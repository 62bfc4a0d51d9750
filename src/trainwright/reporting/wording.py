"""Numbers and names in words that a person reads at a glance; the same in the terminal and in the report."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence

from trainwright.errors import shown_of

NBSP = "\N{NO-BREAK SPACE}"
BIDI_CONTROLS = frozenset("\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def printable(text: str, encoding: str = "utf-8") -> str:
    """Makes text from outside safe to show: what a terminal would obey or an encoding cannot hold becomes an escape.

    File and class names are anybody's bytes: they may hold terminal commands, line breaks, marks that turn the
    writing direction, or bytes that are no UTF-8 (which Python reads as lone surrogates).

    >>> printable("cat\\x1b[2J")
    'cat\\\\x1b[2J'
    >>> printable("caf\\udce9")
    'caf\\\\xe9'
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_shown(character) for character in text).encode(encoding, "backslashreplace").decode(encoding)


def _shown(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    if unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} or character in BIDI_CONTROLS:
        return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
    return character


def percent(share: float | None, pictures: int | None = None) -> str:
    """Words a share as a percentage, with as many decimals as `pictures` pictures can support.

    >>> percent(0.98611, 360), percent(0.935, 10_000), percent(None)
    ('98.6\\xa0%', '93.50\\xa0%', '–')
    """
    if share is None or math.isnan(share):
        return "–"
    return f"{100 * share:.{percent_decimals(pictures)}f}{NBSP}%"


def percent_decimals(pictures: int | None) -> int:
    """Tells how many decimals of a percentage one picture more or less can move: one, or two above 2,000 pictures."""
    return 2 if pictures is not None and pictures > 2000 else 1


def interval(low: float, high: float, pictures: int | None = None) -> str:
    """Words an interval of shares.

    >>> interval(0.9679, 0.9940, 360)
    '96.8 to 99.4\\xa0%'
    """
    return f"{100 * low:.{percent_decimals(pictures)}f} to {percent(high, pictures)}"


def number(value: float | None, digits: int = 3) -> str:
    """Words a measured number with at least `digits` significant digits; what is not finite is said, not hidden.

    >>> number(0.09213), number(1e-05), number(12345.6), number(float("nan")), number(2.0)
    ('0.0921', '1e-05', '12,346', 'nan', '2.00')
    """
    if value is None:
        return "–"
    if not math.isfinite(value):
        return str(float(value))
    size = abs(value)
    if size and not 1e-4 <= size < 1e7:
        return f"{value:.{digits}g}"
    power = math.floor(math.log10(float(f"{size:.{digits - 1}e}"))) if size else 0
    return f"{value:,.{max(digits - 1 - power, 0)}f}"


def count(value: int) -> str:
    """Words a whole number with commas between thousands.

    >>> count(60000)
    '60,000'
    """
    return f"{value:,}"


def large(value: float) -> str:
    """Words a large count in thousands (k), millions (M) or billions (G).

    >>> large(950), large(77_860), large(11_689_512), large(4.1e9)
    ('950', '77.9 k', '11.7 M', '4.10 G')
    """
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if value >= 0.9995 * size:
            return f"{number(value / size)} {unit}"
    return f"{value:,.0f}"


def plural(value: int, thing: str, things: str | None = None) -> str:
    """Words a count with its noun.

    >>> plural(1, "picture"), plural(2, "class", "classes")
    ('1 picture', '2 classes')
    """
    return f"{count(value)} {thing if value == 1 else things or thing + 's'}"


def duration(seconds: float | None) -> str:
    """Words a span of time in at most two units.

    >>> duration(0.84), duration(42.4), duration(185), duration(7620), duration(273_600)
    ('0.8 s', '42 s', '3 min 05 s', '2 h 07 min', '3 d 4 h')
    """
    if seconds is None or not math.isfinite(seconds):
        return "–"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    minutes = round(seconds / 60)
    if minutes < 24 * 60:
        return f"{minutes // 60} h {minutes % 60:02d} min"
    hours = round(seconds / 3600)
    return f"{hours // 24} d {hours % 24} h"


def short_duration(seconds: float | None) -> str:
    """Words a span of time in at most six characters, for a column.

    >>> short_duration(42.4), short_duration(185), short_duration(7620), short_duration(273_600)
    ('0:42', '3:05', '2h07', '3d04')
    """
    if seconds is None or not math.isfinite(seconds):
        return "–"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02d}"
    if whole < 86_400:
        return f"{whole // 3600}h{whole % 3600 // 60:02d}"
    return f"{whole // 86_400}d{whole % 86_400 // 3600:02d}"


def figure_name(name: str) -> str:
    """Words the key of a figure as the field writes it.

    >>> figure_name("r2"), figure_name("mae_width"), figure_name("exact_match")
    ('R²', 'MAE width', 'exact match')
    """
    if name == "r2":
        return "R²"
    first, _, rest = name.partition("_")
    return " ".join([first.upper() if first in ("mae", "rmse", "f1") else first, *rest.split("_")]).strip()


def listed(words: Sequence[str], limit: int = 5) -> str:
    """Joins words as a sentence does; beyond `limit` the rest is counted.

    >>> listed(["a", "b", "c"]), listed(["a", "b", "c"], 1)
    ('a, b and c', 'a and 2 more')
    """
    limit = shown_of(len(words), limit)
    shown = list(words[:limit])
    if len(words) > limit:
        shown.append(f"{count(len(words) - limit)} more")
    return " and ".join(filter(None, [", ".join(shown[:-1]), *shown[-1:]]))
