"""What tricks are worth, in rows of numbers and words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..wording import count, plural, printable

FEWEST_FOR_A_GUESS = 3
"""Pairs below which nothing is said of how many are needed."""

NOT_A_SHARE = ("R²",)
"""Figures that are no share of something, and are not worded in points of a percentage."""


@dataclass(frozen=True, kw_only=True)
class TrickRow:
    """One trick. `effect`, `low` and `high` are in the unit of the axis; None where they are not known."""

    name: str
    compared: str
    effect: float | None
    low: float | None
    high: float | None
    verdict: str
    effect_words: str
    verdict_words: str
    cost_words: str
    also: str


@dataclass(frozen=True, kw_only=True)
class AblationView:
    """All tricks of an ablation, the most helpful first."""

    title: str
    subtitle: str
    axis: str
    caution: str
    rows: tuple[TrickRow, ...]


def ablation_view(facts: Mapping[str, Any]) -> AblationView:
    """Reads what `ablate --json` prints.

    Args:
        facts: see `workflows.ablate.Ablation`.
    """
    share = facts["figure"] not in NOT_A_SHARE
    scale, unit = (100.0, "points") if share else (1.0, facts["figure"])
    how = f"{plural(facts['seeds'], 'seed')}, {plural(facts['epochs'], 'epoch')} each"
    tricks = facts["tricks"]
    return AblationView(
        title=printable(f"What tricks are worth: {facts['model']}, {facts['data']}"),
        subtitle=f"{how}, {plural(facts['trials'], 'trial')}, judged by {count(facts['valid_pictures'])} "
        "validation pictures",
        axis=f"{facts['figure']} with the trick less without it, {unit}, with 95 % interval",
        caution=_caution(len(tricks)),
        rows=tuple(_row(row, scale, unit) for row in tricks),
    )


def _row(row: Mapping[str, Any], scale: float, unit: str) -> TrickRow:
    effect, low, high = (None if row[name] is None else scale * row[name] for name in ("effect", "low", "high"))
    return TrickRow(
        name=printable(row["name"]),
        compared=printable(f"{row['key']} {_plain(row['on'])} against {_plain(row['off'])}"),
        effect=effect,
        low=low,
        high=high,
        verdict=row["verdict"],
        effect_words=_effect(effect, low, high, unit),
        verdict_words=_verdict(row),
        cost_words=_cost(row),
        also=printable("; ".join(f"{key} {words}" for key, words in row["also"].items())),
    )


def _effect(effect: float | None, low: float | None, high: float | None, unit: str) -> str:
    decimals = 2 if unit == "points" else 3
    if effect is None:
        return "–"
    if low is None or high is None:
        return f"{effect:+.{decimals}f}"
    return f"{effect:+.{decimals}f} ({low:+.{decimals}f} to {high:+.{decimals}f})"


def _verdict(row: Mapping[str, Any]) -> str:
    if row["reason"]:
        told = f"{row['verdict']}: {row['reason']}"
        return told if row["needed"] is None else f"{told}; {row['needed']:,} such seeds would be needed"
    if row["verdict"] != "cannot tell":
        return row["verdict"]
    seeds = plural(row["seeds"], "seed")
    if row["needed"] is None:
        more = "more than 1,000 would be" if row["seeds"] >= FEWEST_FOR_A_GUESS else "more are"
        return f"cannot tell with {seeds}; {more} needed"
    return f"cannot tell with {seeds}; about {row['needed']:,} would be needed"


def _cost(row: Mapping[str, Any]) -> str:
    if row["cost"] is None:
        return "–"
    if row["cost_low"] < 0 < row["cost_high"]:
        return "no clear cost"
    return f"{100 * row['cost']:+.0f} % time"


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


def _caution(tricks: int) -> str:
    caution = "Intervals speak of other seeds on these pictures, not of other pictures."
    if tricks < 2:
        return caution
    return f"{caution} Of {tricks} tricks that do nothing, {tricks / 20:g} would be said to do something."
