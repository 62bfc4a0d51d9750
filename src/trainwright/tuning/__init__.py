"""Tuning: whatever trains or measures on purpose to learn about training.

Comes in:   a setup that is about to train, and its data; or a loop that is not ours
Goes out:   checks with verdict, evidence and causes, findings
May import: errors, recipe, runs, data, models, training
Read next:  ladder.py, then subject.py
Example:    for check in climb(rungs_of_run(setup, data)): print(check.name, check.verdict)
"""

from .checks import Check
from .ladder import climb, rungs_of_loop, rungs_of_run, step_time
from .own_loop import kept_generators, subject_of_loop
from .subject import subject_of, undisturbed

__all__ = [
    "Check",
    "climb",
    "kept_generators",
    "rungs_of_loop",
    "rungs_of_run",
    "step_time",
    "subject_of",
    "subject_of_loop",
    "undisturbed",
]
