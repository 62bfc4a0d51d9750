"""What the folder of a run tells beside its records."""

from __future__ import annotations

import json

from trainwright.errors import InputError
from trainwright.recipe import compose, read_recipe_file
from trainwright.runs import RunFolder

from .course import Known


def known_of(folder: RunFolder) -> Known:
    """Reads the recipe of a run and the class shares of its training part; a folder without them gives nothing.

    Args:
        folder: of a run of ours, or of a loop that was watched.

    Raises:
        InputError: a file is damaged, or was written by a later version.
    """
    if not folder.recipe.is_file():
        return Known()
    recipe = dict(compose(read_recipe_file(folder.recipe)).items())
    shares = _class_shares(folder) if recipe["data.task"] in ("auto", "classification") else ()
    return Known(recipe=recipe, class_shares=shares)


def _class_shares(folder: RunFolder) -> tuple[float, ...]:
    if not folder.audit.is_file() or not folder.classes.is_file():
        return ()
    try:
        names = json.loads(folder.classes.read_text("utf-8"))
        counts = json.loads(folder.audit.read_text("utf-8"))["counts"]
        pictures = [int(counts[name].get("train", 0)) for name in names]
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise InputError(
            "a file of the run is damaged, or was written by another version of trainwright",
            got=f"{type(error).__name__}: {error}",
            where=str(folder.audit),
            hint="restore the file, or move it away; the run is then diagnosed without the shares of its classes",
        ) from None
    total = sum(pictures)
    return tuple(count / total for count in pictures) if total else ()
