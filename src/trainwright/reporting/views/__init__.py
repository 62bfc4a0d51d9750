"""A run as plain numbers, one view a figure of the report; dashboard and report draw the same ones.

Comes in:   a RunFolder: its records and the small files beside them
Goes out:   frozen dataclasses of numbers and words, no markup
May import: runs, diagnosis, errors, reporting.wording
Read next:  run.py, which puts them together; then any of the others
Example:    read_view(open_run("runs/digits")).headline.accuracy
"""

from __future__ import annotations

from .ablation import ablation_view as ablation_view
from .activations import ActivationsView as ActivationsView
from .activations import activations_view as activations_view
from .diagnosis import DiagnosisView as DiagnosisView
from .diagnosis import diagnosis_view as diagnosis_view
from .rate_curve import RateCurve as RateCurve
from .rate_curve import rate_curve as rate_curve
from .run import RunView as RunView
from .run import read_view as read_view
from .schedule import PlannedRates as PlannedRates
from .schedule import planned_rates as planned_rates
from .watch import WatchView as WatchView
from .watch import watch_view as watch_view
