"""What there is of a run for rules to look at."""

from __future__ import annotations

import numpy as np

from .course import Course
from .suspicion import Need


def present(course: Course) -> frozenset[Need]:
    """Lists what a run has measured so far."""
    history = course.history
    there: dict[Need, bool] = {
        "steps": bool(np.isfinite(course.losses_S).any()) or len(history.steps) > 0,
        "epochs": len(history.epochs) > 0,
        "validation": any(row.valid_loss is not None for row in history.epochs.rows),
        "watch": history.watch is not None,
        "probes": len(history.probes) > 0,
        "trust": bool(np.isfinite(course.probes("loss_after")).any()),
        "units": len(history.units) > 0,
        "answers": bool(course.answers("train")),
        "valid answers": bool(course.answers("valid")),
        "recipe": bool(course.known.recipe),
    }
    return frozenset(need for need, is_there in there.items() if is_there)
