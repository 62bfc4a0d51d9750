"""What a learning-rate range test came to, for the command of its own and for a training that begins with one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainwright.data import PreparedData
from trainwright.errors import TrainingError
from trainwright.recipe import Choice, Recipe
from trainwright.reporting import RunConsole, rate_curve, rate_curve_picture
from trainwright.runs import RunFolder, write_atomic
from trainwright.training import build, rate_of_auto
from trainwright.tuning import (
    Cycles,
    Suggestion,
    Sweep,
    Trace,
    blind_level,
    cycles_of_run,
    settled,
    subject_of,
    suggest,
    traces_of_run,
)

from .requests import refuse_other_suffix


@dataclass(frozen=True)
class RangeTest:
    """What a learning-rate range test came to.

    Attributes:
        facts: what `lr-find --json` prints: `suggested, lower, upper, informative, reason`; `data` (None of a loop that
            is not ours), `model, optimizer, growth, from, to, steps, rates`; `curve`, columns `rates, mean, low, high`
            over the steps that every seed has made; and `traces`, rows of `seed, ended, losses, smoothed`.
    """

    facts: Mapping[str, Any]

    @property
    def suggested(self) -> float | None:
        """The peak rate for one-cycle; None where the curve does not tell."""
        return self.facts["suggested"]

    @property
    def lower(self) -> float | None:
        """The rate at which the loss begins to fall."""
        return self.facts["lower"]

    @property
    def upper(self) -> float | None:
        """The rate at which it ceases to fall."""
        return self.facts["upper"]

    @property
    def informative(self) -> bool:
        """Whether the curve tells anything."""
        return self.facts["informative"]

    @property
    def reason(self) -> str:
        """Why this rate, or why none, and what to change."""
        return self.facts["reason"]

    def draw(self, file: Path | str) -> Path:
        """Writes a picture of the curve with the band of its seeds. Returns its path.

        Raises:
            InputError: the file's name does not end in .svg.
        """
        path = Path(file)
        refuse_other_curves(path)
        write_atomic(path, rate_curve_picture(rate_curve(self.facts)))
        return path


def range_test(recipe: Recipe, data: PreparedData, sweep: Sweep, console: RunConsole) -> RangeTest:
    """Makes the test for a recipe in which all is decided but, perhaps, the rate."""
    setup = build(with_any_rate(recipe), data, progress=console.progress)
    names = {"data": data.title, "model": recipe.model.name, "optimizer": recipe.optim.name}
    traces = _shown(traces_of_run(setup, data, sweep), sweep, console)
    by_curve = suggest(sweep, traces, blind_level(subject_of(setup, data)))
    if not sweep.cycles:
        return summed_up(sweep, names, traces, by_curve, None)
    start = by_curve.suggested or rate_of_auto(recipe, pictures=data.train.drawn)
    console.note(f"short one-cycles around {start:.3g}, at most {sweep.cycles}")
    return summed_up(sweep, names, traces, by_curve, cycles_of_run(setup, data, sweep, start))


def decide_rate(recipe: Recipe, data: PreparedData, console: RunConsole) -> tuple[Recipe, RangeTest | None]:
    """Finds the learning rate by a range test where the recipe asks for it; all else must be decided.

    Raises:
        TrainingError: the test finds none.
    """
    if recipe.optim.lr != "find":
        return recipe, None
    test = range_test(recipe, data, Sweep(), console)
    return recipe.decide([found_rate(test)]), test


def with_any_rate(recipe: Recipe) -> Recipe:
    """Fills in a learning rate that is still to be found, for what does not depend on it."""
    if recipe.optim.lr != "find":
        return recipe
    return recipe.decide([Choice("optim.lr", Sweep.low, "not used")])


def was_found(folder: RunFolder, key: str, value: Any) -> bool:
    """Tells whether a setting is asked to be found that the run has found, and whose value its recipe holds."""
    return (key, value) == ("optim.lr", "find") and folder.range_test.is_file()


def found_rate(test: RangeTest) -> Choice:
    """Gives what a range test says of `optim.lr`.

    Raises:
        TrainingError: it says nothing.
    """
    if test.suggested is None:
        raise TrainingError(
            "the range test found no learning rate",
            got=test.reason,
            hint="--lr with a number, or no --lr to have the rate by optimizer and batch size",
        )
    return Choice("optim.lr", test.suggested, f"range test: {test.reason}")


def refuse_other_curves(file: Path) -> None:
    """Makes sure that a picture can be written in the form that its name asks for.

    Raises:
        InputError: the name does not end in .svg.
    """
    refuse_other_suffix(file, ".svg", "the curve of a range test is drawn as an", "--out")


def _shown(traces: Iterator[Trace], sweep: Sweep, console: RunConsole) -> list[Trace]:
    made: list[Trace] = []
    for trace in traces:
        made.append(trace)
        console.progress("range test, seeds", len(made), sweep.seeds)
    return made


def summed_up(
    sweep: Sweep,
    names: Mapping[str, str | None],
    traces: Sequence[Trace],
    by_curve: Suggestion,
    cycles: Cycles | None,
) -> RangeTest:
    """Puts all that is known into plain data.

    Args:
        names: `data, model, optimizer`.
        by_curve: what the curves of all seeds say.
        cycles: short one-cycles, where they were made; they choose the rate.
    """
    found = by_curve if cycles is None else settled(by_curve, cycles)
    return RangeTest(
        {
            "suggested": found.suggested,
            "lower": found.lower,
            "upper": found.upper,
            "informative": found.informative,
            "reason": found.reason,
            **names,
            "growth": sweep.growth,
            "from": sweep.low,
            "to": sweep.high,
            "steps": sweep.steps,
            "rates": list(sweep.rates),
            "by_curve": by_curve.suggested,
            "cycles": None
            if cycles is None
            else {"steps": cycles.steps, "rates": list(cycles.losses), "losses": list(cycles.losses.values())},
            "curve": {
                "rates": list(found.rates),
                "mean": list(found.mean),
                "low": list(found.low),
                "high": list(found.high),
            },
            "traces": [
                {
                    "seed": trace.seed,
                    "ended": trace.ended,
                    "losses": list(trace.losses),
                    "smoothed": list(trace.smoothed),
                }
                for trace in traces
            ],
        }
    )
