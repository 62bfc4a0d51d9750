"""`trainwright recipe`."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import Annotated

import typer

from .options import RecipeFile, Set


def recipe(
    check: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Check a recipe file and say all its mistakes.")
    ] = None,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON Schema, for editors.")] = False,
    explain: Annotated[
        bool, typer.Option("--explain", help="Print every setting with range, meaning, source.")
    ] = False,
    recipe: RecipeFile = None,
    model: Annotated[str | None, typer.Option(help="Net to write into the recipe.")] = None,
    set_: Set = None,
) -> None:
    """Print a whole recipe with the source of each value, check one, or print its schema."""
    from trainwright.errors import InputError
    from trainwright.recipe import compose, json_schema, read_recipe_file, write_recipe
    from trainwright.workflows.requests import recipe_from_words

    modes = {"--check": check is not None, "--schema": schema, "--explain": explain}
    composing = {"--recipe": recipe is not None, "--model": model is not None, "--set": bool(set_)}
    chosen = [word for word, given in modes.items() if given]
    beside = [word for word, given in (modes if len(chosen) > 1 else composing).items() if given]
    if chosen and (len(chosen) > 1 or beside):
        raise InputError(
            f"{chosen[0]} stands alone",
            got=" ".join(dict.fromkeys([*chosen, *beside])),
            hint="one call for each",
        )

    if schema:
        print(json_module.dumps(json_schema(), indent=2))
    elif explain:
        from trainwright.reporting import setting_lines

        print("\n".join(setting_lines()))
    elif check is not None:
        compose(read_recipe_file(check))
        print(f"{check}: no mistakes")
    else:
        print(write_recipe(recipe_from_words(None, recipe, {"model": model}, set_ or [])), end="")
