"""What is the same in every picture that stands alone: size, style for light and dark, title and two lines of words."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from markupsafe import Markup

STYLE = Path(__file__).parent.parent / "templates" / "activations.css"


def standing_alone(
    width: int, height: int, *, title: str, lines: tuple[str, str], spoken: str, own_style: str, parts: Iterable[Markup]
) -> str:
    """Gives the text of an SVG file that needs nothing beside it.

    Args:
        width, height: pixels.
        title: large, on top.
        lines: beneath it.
        spoken: what is read aloud after the title.
        own_style: rules of the picture's own, after those that all have in common.
        parts: the picture.
    """
    head = Markup(
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {0} {1}" width="{0}" height="{1}" role="img" '
        'aria-label="{2}. {6}"><title>{2}. {6}</title><style>{3}</style>'
        '<rect class="paper" width="{0}" height="{1}"/>'
        '<text class="title" x="24" y="34">{2}</text><text class="tick" x="24" y="54">{4}</text>'
        '<text class="tick" x="24" y="72">{5}</text>'
    ).format(width, height, title, Markup(STYLE.read_text("utf-8") + own_style), *lines, spoken)
    return str(head + Markup("").join(parts) + Markup("</svg>\n"))
