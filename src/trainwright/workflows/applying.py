"""`train --resume RUN --apply FINDING`: the recipe of a run once more, as a finding advises."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainwright.errors import InputError, did_you_mean
from trainwright.recipe import Recipe, compose, format_value, parse_assignments, read_recipe_file
from trainwright.runs import Finding, open_run, refuse_watched

from .diagnose import diagnosed


@dataclass(frozen=True)
class Applied:
    """A recipe to train anew.

    Attributes:
        recipe: the file to start from.
        words: `key=value` of each setting that the finding advises.
        out: the folder in which the run lies, and the new one will.
        note: says what is done.
    """

    recipe: Path
    words: list[str]
    out: Path
    note: str


def applied(run: Path | None, code: str, recipe: Path | None = None) -> Applied:
    """Looks up what a finding of a run advises.

    The run itself is left as it is: a run that is resumed keeps its recipe. What follows is a new one, from the start,
    since the weights of a run with a fault carry it on.

    Args:
        run: its folder; None where nobody named it.
        code: of the finding.
        recipe: another one that somebody asked for, which has no place here.

    Raises:
        InputError: no run, or one without a recipe; no such finding in it; or one that advises no setting.
    """
    if run is None:
        raise InputError(
            "--apply needs the run that the finding is of", hint=f"trainwright train --resume RUN --apply {code}"
        )
    if recipe is not None:
        raise InputError(
            "--apply trains the recipe of the run", got=f"--recipe {recipe} beside it", hint="leave --recipe out"
        )
    folder = open_run(run)
    refuse_watched(folder)
    findings: dict[str, Finding] = {}
    for finding in diagnosed(folder).findings:
        findings.setdefault(finding.code, finding)  # of a code the first is the clearest
    if code not in findings:
        raise InputError(
            "the run has no such finding",
            expected=", ".join(findings) if findings else "a run in which something was found",
            got=repr(code),
            where=str(folder.path),
            hint=did_you_mean(code, findings) if findings else f"trainwright diagnose {folder.path}",
        )
    settings: dict[str, Any] = {key: value for key, value in findings[code].advice.items() if key != "do"}
    if not settings:
        raise InputError(
            f"what {code} advises is no setting of a recipe",
            got=str(findings[code].advice.get("do", "no advice")),
            where=str(folder.path),
        )
    words = [f"{key}={format_value(value)}" for key, value in settings.items()]
    note = f"a new run from the start, with the recipe of {folder.path} and {', '.join(words)}, as {code} advises"
    given = read_recipe_file(folder.recipe)
    changed = compose(given, parse_assignments(words), firm=False).idle()
    gone = [key for key in given if key in changed and given[key].value != Recipe().get(key)]
    if gone:
        note += f"; {', '.join(gone)} of that recipe then has no effect and is left out"
    return Applied(folder.recipe, words, folder.path.parent, note)
