"""The run on the terminal.

Comes in:   a RunPlan, then the run's frozen records as they happen
Goes out:   lines on standard output (standard error under --json); nothing is returned, nothing is decided
May import: runs, recipe, reporting.wording, reporting.views
Read next:  console.py, then opening.py, rows.py, closing.py
Example:    with RunConsole() as console: console.start(plan); console.epoch(record)
"""

from __future__ import annotations

from .ablation import ablation_lines as ablation_lines
from .activations import activation_lines as activation_lines
from .answers import prediction_lines as prediction_lines
from .audit import audit_lines as audit_lines
from .checks import check_lines as check_lines
from .closing import finding_lines as finding_lines
from .console import RunConsole as RunConsole
from .diagnosis import diagnosis_lines as diagnosis_lines
from .machine import machine_lines as machine_lines
from .opening import RunPlan as RunPlan
from .pages import page_lines as page_lines
from .rate_curve import rate_curve_lines as rate_curve_lines
from .search import border_lines as border_lines
from .search import border_words as border_words
from .search import importance_words as importance_words
from .search import search_result_lines as search_result_lines
from .search import stage_lines as stage_lines
from .search import trial_line as trial_line
from .settings import setting_lines as setting_lines
