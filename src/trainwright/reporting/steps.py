"""What a person can do next with a run, as commands to copy; one list for the terminal and the report."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

from .outcome import Outcome


@dataclass(frozen=True)
class NextStep:
    """A command and what it is good for."""

    command: str
    meaning: str


def next_steps(folder: Path, outcome: Outcome, *, continued: bool = False) -> tuple[NextStep, ...]:
    """Lists what to do next, the most useful first.

    Args:
        folder: the run's folder as the user would write it.
        outcome: how the run ended, if it did.
        continued: whether it went on from its best snapshot, at a rate of its own.
    """
    run = shlex.quote(str(folder))
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
            return (*use, vary)
        case "interrupted" | "unfinished":
            return (go_on,)
        case "non-finite-loss":
            setting, words = "--lr ", "learning rate"
            if continued:
                setting, words = "--set training.retrain_rate=", "rate of the second stage"
            gentler = NextStep(
                f"trainwright train --recipe {recipe} {setting}RATE",
                f"train again with a smaller {words}, a tenth of this one to begin with",
            )
            return (gentler,)
