"""A recipe as YAML that a person can read: every value, and where it came from."""

from __future__ import annotations

from .recipe import Origin, Recipe
from .scalars import format_value, printable

_HEADER = "# A recipe of trainwright. Behind each value stands where it came from: user, file, default or auto."


def write_recipe(recipe: Recipe) -> str:
    """Writes every value with its source as a comment; settings without effect are commented out.

    Read again, the text gives an equal recipe.

    >>> write_recipe(Recipe()).splitlines()[2].split()
    ['source:', 'digits', '#', 'default']
    """
    idle = recipe.idle()
    blocks = [_HEADER]
    for section_name, section in recipe.sections().items():
        rows: list[tuple[str, str]] = []
        for name in type(section).model_fields:
            key = f"{section_name}.{name}"
            line = f"{name}: {format_value(getattr(section, name))}"
            if key in idle:
                rows.append((f"  # {line}", f"no effect: {idle[key]}"))
            else:
                rows.append((f"  {line}", source_words(recipe.origin(key))))
        width = min(max(len(line) for line, _ in rows), 40)
        blocks.append("\n".join([f"{section_name}:", *(f"{line:<{width}}  # {words}" for line, words in rows)]))
    return "\n".join(blocks) + "\n"


def source_words(origin: Origin) -> str:
    """Says a source on one line: `user: --lr 0.1`, `default`, `auto: small pictures`."""
    return printable(f"{origin.kind}: {origin.detail}" if origin.detail else origin.kind)
