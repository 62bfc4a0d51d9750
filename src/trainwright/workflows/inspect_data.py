"""`trainwright data`: what a set of pictures holds, before anything trains."""

from __future__ import annotations

from trainwright.data import PreparedData, prepare
from trainwright.recipe import Recipe, decided
from trainwright.reporting import RunConsole
from trainwright.training import choose_workers


def look_at_data(recipe: Recipe, console: RunConsole) -> PreparedData:
    """Reads, audits and divides the pictures as `train` would, and trains nothing."""
    workers = decided(recipe.decide(choose_workers(recipe.machine)).machine.workers)
    return prepare(recipe.data, seed=recipe.training.seed, workers=workers, progress=console.progress)
