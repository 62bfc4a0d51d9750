"""Tuning: whatever trains or measures on purpose to learn about training.

Comes in:   a setup that is about to train, and its data; or a loop that is not ours
Goes out:   checks with verdict, evidence and causes, findings; a learning rate, or why none
May import: errors, recipe, runs, data, models, training
Read next:  ladder.py, then subject.py; range_test.py, then rate_suggestion.py; space.py, stages.py, study.py
Example:    for check in climb(rungs_of_run(setup, data)): print(check.name, check.verdict)
"""

from .checks import Check
from .ladder import climb, rungs_of_loop, rungs_of_run, step_time
from .own_loop import kept_generators, refuse_rate_of_0, subject_of_loop
from .paired import Effect, effect_of
from .range_test import Sweep, Trace, blind_level, traces_of_loop, traces_of_run
from .rate_suggestion import Suggestion, suggest
from .short_cycles import Cycles, cycles_of_loop, cycles_of_run, settled
from .subject import subject_of, undisturbed
from .trial import Pruner, Watch, run_trial
from .tricks import Trick, read_tricks, tricks_in_use

__all__ = [
    "Check",
    "Cycles",
    "Effect",
    "Pruner",
    "Suggestion",
    "Sweep",
    "Trace",
    "Trick",
    "Watch",
    "blind_level",
    "climb",
    "cycles_of_loop",
    "cycles_of_run",
    "effect_of",
    "kept_generators",
    "read_tricks",
    "refuse_rate_of_0",
    "run_trial",
    "rungs_of_loop",
    "rungs_of_run",
    "settled",
    "step_time",
    "subject_of",
    "subject_of_loop",
    "suggest",
    "traces_of_loop",
    "traces_of_run",
    "tricks_in_use",
    "undisturbed",
]
