"""What a run tells a person: on the terminal while it goes, in one HTML file afterwards.

Comes in:   a run folder (finished, interrupted or still growing); frozen records as they happen
Goes out:   views (plain data), charts (SVG), report.html, lines on the terminal
May import: runs, recipe, diagnosis, errors; never torch, data, models or training
Read next:  views/run.py, then report.py; terminal/console.py for the live side
Example:    write_report(open_run("runs/digits"))
"""

from __future__ import annotations

from .charts import ablation_picture as ablation_picture
from .charts import activations_picture as activations_picture
from .charts import rate_curve_picture as rate_curve_picture
from .charts import schedule_file as schedule_file
from .pages import explained as explained
from .report import render_report as render_report
from .report import write_report as write_report
from .search_report import write_search_report as write_search_report
from .second_stage import second_stage as second_stage
from .steps import NextStep as NextStep
from .steps import after_breakdown as after_breakdown
from .steps import as_advised as as_advised
from .steps import next_steps as next_steps
from .terminal import RunConsole as RunConsole
from .terminal import RunPlan as RunPlan
from .terminal import ablation_lines as ablation_lines
from .terminal import activation_lines as activation_lines
from .terminal import audit_lines as audit_lines
from .terminal import border_lines as border_lines
from .terminal import check_lines as check_lines
from .terminal import diagnosis_lines as diagnosis_lines
from .terminal import finding_lines as finding_lines
from .terminal import machine_lines as machine_lines
from .terminal import page_lines as page_lines
from .terminal import prediction_lines as prediction_lines
from .terminal import rate_curve_lines as rate_curve_lines
from .terminal import search_result_lines as search_result_lines
from .terminal import setting_lines as setting_lines
from .terminal import stage_lines as stage_lines
from .terminal import trial_line as trial_line
from .views import DiagnosisView as DiagnosisView
from .views import PlannedRates as PlannedRates
from .views import RunView as RunView
from .views import ablation_view as ablation_view
from .views import activations_view as activations_view
from .views import diagnosis_view as diagnosis_view
from .views import planned_rates as planned_rates
from .views import rate_curve as rate_curve
from .views import read_view as read_view
