"""How the learning rate moves: a pure function of the step."""

from __future__ import annotations

from typing import Literal

from .section import Section, setting


class ScheduleSection(Section):
    """The section `schedule`."""

    name: Literal["one-cycle", "cosine", "constant"] = setting(
        "one-cycle",
        "`one-cycle`: cosine rise to the peak over the warm-up, cosine fall to the end. `cosine`: linear warm-up, then "
        "half a cosine. `constant`: linear warm-up, then the peak rate.",
        source="Smith & Topin 2018; Loshchilov & Hutter 2017",
    )
    warmup: float = setting(
        0.2,
        "Share of all steps in which the rate rises from the start rate to the peak. 0: none.",
        unit="share of all steps",
        source="Smith & Topin 2018",
        scale="linear",
        ge=0.0,
        lt=1.0,
    )
    start_factor: float = setting(
        0.04,
        "Start rate as a share of the peak rate. Needs a warm-up above 0.",
        unit="share of the peak",
        source="torch OneCycleLR, 1/div_factor",
        scale="log",
        needs="warmup",
        ge=0.0,
        le=1.0,
    )
    final_factor: float = setting(
        1e-4,
        "Last rate as a share of the peak rate.",
        unit="share of the peak",
        source="own choice",
        scale="log",
        applies={"name": ("one-cycle", "cosine")},
        ge=0.0,
        le=1.0,
    )
