"""The rules, one file a family; each is a pure function from the course of a run to a suspicion or None.

Comes in:   Course
Goes out:   Suspicion, or None
May import: diagnosis/course, suspicion, limits, curves, measures, harm, advising
Read next:  optimization.py
Example:    for rule in RULES: print(rule.code, sorted(rule.needs))
"""

from __future__ import annotations

from trainwright.diagnosis.suspicion import Rule

from .architecture import ARCHITECTURE
from .augmenting import AUGMENTING
from .classes import CLASSES
from .fitting import FITTING
from .flow import FLOW
from .initialization import INITIALIZATION
from .labels import LABELS
from .machine import MACHINE
from .modes import MODES
from .noise import NOISE
from .optimization import OPTIMIZATION
from .outputs import OUTPUTS
from .pace import PACE
from .pictures import PICTURES
from .precision import PRECISION
from .schedule import SCHEDULE
from .steps import STEPS
from .updating import UPDATING

RULES: tuple[Rule, ...] = (
    *UPDATING,
    *OPTIMIZATION,
    *PACE,
    *SCHEDULE,
    *STEPS,
    *PRECISION,
    *INITIALIZATION,
    *FLOW,
    *ARCHITECTURE,
    *MODES,
    *FITTING,
    *OUTPUTS,
    *LABELS,
    *CLASSES,
    *PICTURES,
    *AUGMENTING,
    *NOISE,
    *MACHINE,
)
"""All rules, in the order in which they are asked; a code may have several."""
