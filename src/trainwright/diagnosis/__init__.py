"""Diagnosis: columns of numbers become findings, in the order in which a person should read them. No torch.

Comes in:   the history of a run, and what is known of it beside
Goes out:   findings with their evidence and advice; what was looked at, and what could not be
May import: errors, recipe, runs
Read next:  course.py and suspicion.py, then diagnose.py, then the rules
Example:    diagnose(history, Known()).findings
"""

from __future__ import annotations

from .course import Course as Course
from .course import Known as Known
from .diagnose import Diagnosis as Diagnosis
from .diagnose import diagnose as diagnose
from .experiments import Wanted as Wanted
from .known import known_of as known_of
from .live import LiveDiagnosis as LiveDiagnosis
from .live import not_told_by_the_loop as not_told_by_the_loop
from .suspicion import Need as Need
