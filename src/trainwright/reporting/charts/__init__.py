"""Views drawn as inline SVG.

Comes in:   the views' columns of numbers
Goes out:   SVG markup, safe to stand in HTML: all text in it is escaped
May import: reporting.wording, markupsafe
Read next:  lines.py, then matrix.py
Example:    line_chart([Series("train", "train", epochs, losses)], title="Loss", x_label="epoch")

Drawn by hand, not by matplotlib: the browser applies the page's own colors and fonts to the shapes, so one picture
serves light and dark, print and phone; every value answers to the pointer through `<title>` without a script; and the
report of a run is written in hundredths of a second, where importing matplotlib alone takes about two.
"""

from __future__ import annotations

from .effects import ablation_picture as ablation_picture
from .heat import heat_map as heat_map
from .histograms import activations_picture as activations_picture
from .lines import Mark as Mark
from .lines import Series as Series
from .lines import line_chart as line_chart
from .matrix import matrix_chart as matrix_chart
from .rate_curve import rate_curve_picture as rate_curve_picture
from .scatter import scatter_chart as scatter_chart
from .schedule import schedule_chart as schedule_chart
from .schedule import schedule_file as schedule_file
from .whisker import whisker_chart as whisker_chart
