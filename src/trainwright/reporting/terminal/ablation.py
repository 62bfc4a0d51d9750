"""What tricks are worth, as lines."""

from __future__ import annotations

from ..views.ablation import AblationView


def ablation_lines(view: AblationView) -> list[str]:
    """Writes a row a trick, the most helpful first: effect with interval, what it costs, what follows.

    Args:
        view: what was measured.
    """
    names, effects, costs = (
        max((len(getattr(row, name)) for row in view.rows), default=0)
        for name in ("name", "effect_words", "cost_words")
    )
    lines = ["", f"  {view.title}", f"  {view.subtitle}", f"  {view.axis}", ""]
    for row in view.rows:
        head = f"  {row.name:<{names}}  {row.effect_words:<{effects}}  {row.cost_words:>{costs}}"
        lines.append(f"{head}  {row.verdict_words}")
    lines += [f"  {row.name}: auto then decides otherwise, too: {row.also}" for row in view.rows if row.also]
    return [*lines, "", f"  {view.caution}"]
