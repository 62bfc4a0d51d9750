"""What a person can do next with a run, as commands to copy; one list for the terminal and the report."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from trainwright.runs import DEFAULT_OUT, Finding

from .evidence import advised
from .outcome import Outcome


@dataclass(frozen=True)
class NextStep:
    """A command and what it is good for."""

    command: str
    meaning: str


def next_steps(folder: Path, outcome: Outcome, findings: Sequence[Finding] = ()) -> tuple[NextStep, ...]:
    """Lists what to do next, the most useful first.

    Args:
        folder: the run's folder as the user would write it.
        outcome: how the run ended, if it did.
        findings: of the run; what a breakdown advises becomes commands.
    """
    run = shlex.quote(str(folder))
    if is_watched_loop(folder):
        return (NextStep(f"trainwright diagnose {run}", "say again what is wrong, and what shows it"),)
    recipe = shlex.quote(str(folder / "recipe.yaml"))
    go_on = NextStep(f"trainwright train --resume {run}", "go on from the last checkpoint; nothing is trained twice")
    use = (
        NextStep(f"trainwright predict {run} PICTURES…", "answer for new pictures: files, folders or patterns"),
        NextStep(f"trainwright evaluate {run} DATA", "judge the trained net on other pictures whose answers are known"),
    )
    vary = NextStep(
        f"trainwright train --recipe {recipe} --seed 1",
        "train the same recipe from another seed, to see how much is luck",
    )
    match outcome:
        case "completed" | "early-stopping":
            exploded = [finding for finding in findings if not finding.diagnosed]
            too_high = _last(exploded, "learning-rate-too-high")
            mend = _at_another_rate(folder, too_high) if too_high else as_advised(folder, findings)
            return (*mend, *use) if mend else (*use, vary)
        case "interrupted" | "unfinished":
            return (go_on,)
        case "non-finite-loss":
            return after_breakdown(folder, findings)
        case "check-failed":
            return (*_as_advised(folder, findings), NextStep(f"{go_on.command} --no-check", "train all the same"))


def as_advised(folder: Path, findings: Sequence[Finding]) -> tuple[NextStep, ...]:
    """Gives the command that trains the recipe anew, as a new run, as the gravest diagnosed finding advises.

    Args:
        folder: the run's folder as the user would write it.
        findings: of the run, of one gravity the first to read first.

    Returns: nothing where the first to follow is no setting of a recipe.
    """
    grave = [one for one in findings if one.diagnosed and one.withdrawn is None and one.severity != "note"]
    if not grave or is_watched_loop(folder):
        return ()
    first = next((finding for finding in grave if finding.severity == "stop"), grave[0])
    settings = [advised(key, value) for key, value in first.advice.items() if key != "do"]
    if not settings:
        return ()
    command = f"trainwright train --resume {shlex.quote(str(folder))} --apply {first.code}"
    return (NextStep(command, f"train the recipe anew, as a new run, with {' '.join(settings)}"),)


def is_watched_loop(folder: Path) -> bool:
    """Tells whether a folder is of a loop of somebody's own that was watched: it has records and no recipe."""
    return (folder / "watch.json").is_file()


def _as_advised(folder: Path, findings: Sequence[Finding]) -> tuple[NextStep, ...]:
    """Lists the commands that train the recipe anew as a failed check advises."""
    start, out = _anew(folder)
    advice = next((finding.advice for finding in reversed(findings) if finding.severity == "stop"), {})
    keys = [key for key in advice if key != "do"]
    return tuple(NextStep(f"{start} {advised(key, advice[key])}{out}", "train with this setting") for key in keys)


def _anew(folder: Path) -> tuple[str, str]:
    """Begins a command that trains the recipe of a run as a new one, and says how it ends."""
    out = "" if folder.parent == DEFAULT_OUT else f" --out {shlex.quote(str(folder.parent))}"
    return f"trainwright train --recipe {shlex.quote(str(folder / 'recipe.yaml'))}", out


def after_breakdown(folder: Path, findings: Sequence[Finding]) -> tuple[NextStep, ...]:
    """Lists the commands that train the recipe of a run that broke down anew, in a run of its own.

    Args:
        folder: the run's folder as the user would write it.
        findings: of the run; the last breakdown among them advises.
    """
    return _at_another_rate(folder, _last(findings, "non-finite-loss"))


def _at_another_rate(folder: Path, finding: Finding | None) -> tuple[NextStep, ...]:
    """Lists the commands that follow what a finding says of a rate that was too high."""
    start, out = _anew(folder)
    if finding is None or not finding.advice:
        return (NextStep(f"{start} --lr RATE{out}", "train again, as a new run, with a smaller learning rate"),)
    usual = finding.evidence.get("learning_rate_of_auto")
    again = "train again, as a new run, with"
    meanings = {"optim.clip_norm": f"{again} gradients cut to this length"}
    if finding.advice.get("optim.lr") == "auto":
        meanings["optim.lr"] = f"{again} the rate that auto takes" + (f": {usual:g}" if usual is not None else "")
    return tuple(
        NextStep(f"{start} {advised(key, value)}{out}", meanings.get(key, f"{again} a tenth of this learning rate"))
        for key, value in finding.advice.items()
    )


def _last(findings: Sequence[Finding], code: str) -> Finding | None:
    return next((finding for finding in reversed(findings) if finding.code == code), None)
