"""The rules, one file a family; each is a pure function from the course of a run to a suspicion or None.

Comes in:   Course
Goes out:   Suspicion, or None
May import: diagnosis/course, suspicion, limits, curves
Read next:  optimization.py
Example:    for rule in RULES: print(rule.code, sorted(rule.needs))
"""

from __future__ import annotations

from trainwright.diagnosis.suspicion import Rule

from .labels import LABELS
from .machine import MACHINE
from .noise import NOISE
from .outputs import OUTPUTS
from .pictures import PICTURES

RULES: tuple[Rule, ...] = (*OUTPUTS, *LABELS, *PICTURES, *NOISE, *MACHINE)
"""All rules, in the order in which they are asked; a code may have several."""
