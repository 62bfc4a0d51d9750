"""Writes file names and class names so that they print on one line and stay different where the files differ."""

from __future__ import annotations

import unicodedata

JOINERS = {"\u200c", "\u200d"}
"""Zero-width (non-)joiners: invisible, yet ordinary letters of Persian, the Indic scripts and emoji."""


def printable(name: str) -> str:
    """Escapes whatever in a name does not print: bytes that are no UTF-8, line breaks, tabs, control characters.

    Two different names never become the same one: a byte that is no UTF-8 reads `\\xff`, another character that does
    not print `\\u000a`, and a backslash is doubled. Markup such as `<script>` prints, so it stays; a page that shows
    it must escape it.

    Args:
        name: as the operating system gives it, bytes that are no UTF-8 as surrogates (`os.fsdecode`).
    Source: own choice
    >>> print(printable("caf\\udce9/line\\nbreak"), printable("plain name.jpg"))
    caf\\xe9/line\\u000abreak plain name.jpg
    """
    if name.isprintable() and "\\" not in name:
        return name
    return "".join(_escaped(character) for character in name)


def class_label(name: str) -> str:
    """Names a class: printable, and composed (NFC), so that é typed on a Mac and on Linux is one class.

    Source: Unicode Standard Annex 15
    >>> class_label("cafe\\u0301") == "caf\\u00e9"
    True
    """
    return printable(name if name.isascii() else unicodedata.normalize("NFC", name))


def _escaped(character: str) -> str:
    code = ord(character)
    if character == "\\":
        return "\\\\"
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    if character.isprintable() or character in JOINERS:
        return character
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
