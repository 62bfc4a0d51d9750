"""`trainwright check`: whether training can work at all, before it is tried."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Unpack

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from trainwright.errors import did_you_mean
from trainwright.recipe import Recipe
from trainwright.reporting import RunConsole, check_lines
from trainwright.training import build
from trainwright.tuning import (
    Check,
    climb,
    kept_generators,
    refuse_rate_of_0,
    rungs_of_loop,
    rungs_of_run,
    subject_of_loop,
    undisturbed,
)

from .deciding import decide, refuse_early
from .inspect_data import look_at_data
from .range_test import decide_rate
from .requests import ShortSettings, recipe_from_python


@dataclass(frozen=True)
class Checks:
    """What the checks said.

    Attributes:
        all: in the order in which they were made.
    """

    all: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        """Whether none failed; warnings and skipped checks pass."""
        return all(check.passed for check in self.all)

    @property
    def facts(self) -> dict[str, Any]:
        """What `check --json` prints: `passed`, and `checks`, rows of `name, verdict, summary, evidence, causes`."""
        return {"passed": self.passed, "checks": [check.plain() for check in self.all]}

    @property
    def in_words(self) -> str:
        """Says in one sentence what follows."""
        failed = [check for check in self.all if not check.passed]
        if failed:
            return f"Training cannot work so. First: {failed[0].name}: perhaps {failed[0].causes[0]}."
        warned = [check.name for check in self.all if check.verdict == "warned"]
        said = f"Nothing speaks against training{', but look at ' + ', '.join(warned) if warned else ''}"
        left_out = sum(check.verdict == "skipped" for check in self.all)
        return f"{said}; {left_out} of {len(self.all)} checks were not made." if left_out else f"{said}."

    def __getitem__(self, name: str) -> Check:
        """Gives the check of a name.

        Raises:
            KeyError: there is none.
        """
        by_name = {check.name: check for check in self.all}
        if name not in by_name:
            raise KeyError(f"no check {name!r}: {did_you_mean(name, by_name)}")
        return by_name[name]

    def __str__(self) -> str:
        return "\n".join(line for check in self.all for line in check_lines(check.plain()))


def check(
    data: str | Path | None = None,
    *,
    recipe: Path | str | None = None,
    settings: Mapping[str, Any] | None = None,
    **short: Unpack[ShortSettings],
) -> Checks:
    """Checks whether training can work as a recipe has it, on a set of pictures; trains nothing that is kept.

    Args:
        data: built-in data (`digits`, `fashion-mnist`) or a path to pictures.
        recipe: a recipe file to start from.
        settings: dotted recipe key → value.
        **short: as for `train`.

    Raises:
        InputError: data or recipe are wrong.
    """
    with RunConsole(json=True) as console:
        return check_recipe(recipe_from_python(data, recipe, short, settings), console, lambda _: None)


def check_loop(
    model: nn.Module,
    loader: Iterable[Any],
    *,
    valid_loader: Iterable[Any] | None = None,
    loss: Callable[[Tensor, Tensor], Tensor] = F.cross_entropy,
    optimizer: torch.optim.Optimizer | None = None,
    steps: int | None = None,
) -> Checks:
    """Checks a training loop of one's own; the model stays as it was.

    Args:
        model: on its device, N C H W → outputs N K.
        loader: gives pairs of inputs and labels, and can be walked through again, as a DataLoader can.
        valid_loader: the same of pictures that are not trained on.
        loss: (outputs, labels) → scalar.
        optimizer: over the model's parameters; checks that train are skipped without it.
        steps: that training will make, where known.

    Raises:
        InputError: a loader gives nothing, or something else than pairs of tensors; the optimizer's rate is 0.
    """
    if optimizer is not None:
        refuse_rate_of_0(optimizer, "check_loop")
    with kept_generators(loader, valid_loader), undisturbed():
        subject = subject_of_loop(model, loader, valid_loader=valid_loader, loss=loss, optimizer=optimizer, steps=steps)
        return Checks(tuple(climb(rungs_of_loop(subject))))


def check_recipe(asked: Recipe, console: RunConsole, tell: Callable[[Check], None]) -> Checks:
    """Builds what `train` would train and makes every check.

    Args:
        tell: is told each check as it is made.
    """
    refuse_early(asked)
    data = look_at_data(asked, console)
    recipe, _ = decide_rate(decide(asked, data), data, console)
    setup = build(recipe, data, progress=console.progress)
    made: list[Check] = []
    for one in climb(rungs_of_run(setup, data)):
        tell(one)
        made.append(one)
    return Checks(tuple(made))
