"""`trainwright data`: what a set of pictures holds, before anything trains."""

from __future__ import annotations

from trainwright.data import PreparedData, prepare
from trainwright.recipe import Recipe
from trainwright.reporting import RunConsole
from trainwright.training import choose_machine


def look_at_data(recipe: Recipe, console: RunConsole) -> PreparedData:
    """Reads, audits and divides the pictures as `train` would, and trains nothing."""
    workers = recipe.machine.workers
    if workers == "auto":
        workers = next(c.value for c in choose_machine(recipe.machine) if c.key == "machine.workers")
    return prepare(recipe.data, seed=recipe.training.seed, workers=workers, progress=console.progress)
