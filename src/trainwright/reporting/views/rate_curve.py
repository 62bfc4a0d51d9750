"""A learning-rate range test in columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..wording import number, plural, printable


@dataclass(frozen=True, kw_only=True)
class RateCurve:
    """The mean loss of all seeds by rate, with the band of one standard deviation between seeds around it.

    `cycles` are the rates of short one-cycles, each with the loss that it ended with.
    `seeds` are the smoothed losses of each seed, as far as it came. `suggested`, `lower` and `upper` are None where the
    curve is not informative.
    """

    title: str
    subtitle: str
    reason: str
    logarithmic: bool
    rates: tuple[float, ...]
    mean: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    seeds: tuple[tuple[float, ...], ...]
    all_rates: tuple[float, ...]
    cycles: tuple[tuple[float, float], ...]
    suggested: float | None
    lower: float | None
    upper: float | None


def rate_curve(facts: Mapping[str, Any]) -> RateCurve:
    """Reads what `lr-find --json` prints.

    Args:
        facts: see `workflows.lr_find.RangeTest`.
    """
    curve, cycles = facts["curve"], facts.get("cycles") or {"rates": (), "losses": ()}
    grown = f"from {number(facts['from'])} to {number(facts['to'])}, {facts['growth']}"
    what = ", ".join(filter(None, [facts["model"], facts["optimizer"], facts["data"]]))
    return RateCurve(
        title=printable(f"Range test: {what}"),
        subtitle=f"{plural(len(facts['traces']), 'seed')}, {plural(facts['steps'], 'step')} each, {grown}",
        reason=printable(facts["reason"]),
        logarithmic=facts["growth"] == "exponential",
        rates=tuple(curve["rates"]),
        mean=tuple(curve["mean"]),
        low=tuple(curve["low"]),
        high=tuple(curve["high"]),
        seeds=tuple(tuple(trace["smoothed"]) for trace in facts["traces"]),
        all_rates=tuple(facts["rates"]),
        cycles=tuple(zip(cycles["rates"], cycles["losses"], strict=True)),
        suggested=facts["suggested"],
        lower=facts["lower"],
        upper=facts["upper"],
    )
