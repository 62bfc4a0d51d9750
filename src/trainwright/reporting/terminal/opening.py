"""What a run is about to do: the first block on the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from trainwright.errors import shown_of

from ..things import THINGS
from ..views.audit import cut_words
from ..wording import count, large, listed, plural, printable
from .lines import Line, labelled, table

if TYPE_CHECKING:
    from trainwright.recipe import Choice

REJECTED_SHOWN = 5


@dataclass(frozen=True, kw_only=True)
class RunPlan:
    """All that is known when training is about to begin; plain data.

    `parts` maps train, valid and test to their pictures. `rejected` are the names of pictures that cannot be used,
    each with its reason. `multiply_adds` are those of one picture forward. `choices` are what `auto` settled on.
    `resumed_at` is the (epoch, step) of the checkpoint that this run goes on from. `classes` name what each number of
    the net stands for in the `task`. `weighted` says whether pictures count in the loss by weights of their own. Of
    `cut` pictures the middle square alone is kept; `cut_median_share` of their area is lost on median.
    """

    folder: Path
    data: str
    parts: Mapping[str, int]
    classes: tuple[str, ...]
    img_size: int
    channels: int
    model: str
    parameters: int
    multiply_adds: int | None
    epochs: int
    steps_per_epoch: int
    batch_size: int
    device: str
    precision: str
    rejected: tuple[tuple[str, str], ...] = ()
    choices: tuple[Choice, ...] = ()
    warnings: tuple[str, ...] = field(default=())
    resumed_at: tuple[int, int] | None = None
    task: str = "classification"
    weighted: bool = False
    cut: int = 0
    cut_median_share: float = 0.0


def opening(plan: RunPlan, width: int = 80) -> list[Line]:
    """Says what was found in the data, which model learns it on what machine, and what `auto` chose and why.

    Args:
        plan: what is about to happen.
        width: columns to wrap to.
    Returns:
        the lines, an empty one first and last.
    """
    lines = [Line()]
    lines += labelled("run", [printable(str(plan.folder))], width)
    lines += labelled("data", _data(plan), width)
    if plan.rejected:
        lines += labelled("rejected", _rejected(plan), width, "yellow")
    for text in plan.warnings:
        lines += labelled("warning", [printable(text)], width, "yellow")
    lines += labelled("model", [_model(plan)], width)
    lines += labelled("training", _training(plan), width)
    if plan.choices:
        lines += [Line(), Line("  chosen by auto", "bold")]
        rows = [(printable(c.key), printable(_value(c.value)), printable(c.reason)) for c in plan.choices]
        lines += table(rows, width)
    return [*lines, Line()]


def _data(plan: RunPlan) -> list[str]:
    color = {1: "gray", 3: "color"}.get(plan.channels, f"{plan.channels} channels")
    total = sum(plan.parts.values())
    size = f"{plan.img_size}×{plan.img_size} {color}"
    what = f"{plural(total, 'picture')} {THINGS[plan.task].counted(len(plan.classes))}, seen as {size}"
    parts = " · ".join(
        f"{part} {count(pictures)}" if pictures else f"no {part}" for part, pictures in plan.parts.items()
    )
    names = listed([printable(name) for name in plan.classes], 10)
    lines = [f"{printable(plan.data)}: {what}", parts, f"{THINGS[plan.task].many}: {names}"]
    lines += [cut_words(plan.cut, plan.cut_median_share)] if plan.cut else []
    return [*lines, "pictures count in the loss by weights of their own"] if plan.weighted else lines


def _rejected(plan: RunPlan) -> list[str]:
    total = len(plan.rejected)
    head = f"{plural(total, 'picture')} cannot be used and {'is' if total == 1 else 'are'} left out:"
    most = shown_of(total, REJECTED_SHOWN)
    shown = [f"  {printable(name)}: {printable(reason)}" for name, reason in plan.rejected[:most]]
    if total > most:
        shown.append(f"  and {count(total - most)} more, all listed in data/rejected.csv")
    return [head, *shown]


def _model(plan: RunPlan) -> str:
    work = "" if plan.multiply_adds is None else f", {large(plan.multiply_adds)} multiply-adds a picture"
    return f"{printable(plan.model)}: {count(plan.parameters)} parameters{work}"


def _training(plan: RunPlan) -> list[str]:
    steps = plural(plan.steps_per_epoch, "step")
    drawn = "pair" if plan.task == "ranking" else "picture"
    lines = [
        f"{plural(plan.epochs, 'epoch')} of {steps}, batches of {plural(plan.batch_size, drawn)}",
        f"on {plan.device}, {plan.precision}",
    ]
    if plan.resumed_at is not None:
        epoch, step = plan.resumed_at
        lines.append(f"goes on in epoch {count(epoch)}, after step {count(step)} of the run")
    return lines


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, float) else str(value)
