"""How the learning rate moves: a pure function of the step, but for `plateau`, which looks at the validation."""

from __future__ import annotations

from typing import Literal

from .section import Section, setting


class ScheduleSection(Section):
    """The section `schedule`."""

    name: Literal[
        "one-cycle",
        "cosine",
        "cosine-restarts",
        "linear",
        "triangular",
        "step",
        "plateau",
        "inverse-sqrt",
        "constant",
    ] = setting(
        "one-cycle",
        "All begin with a warm-up to the peak rate: a straight line, in `one-cycle` half a cosine. Then `one-cycle`, "
        "`cosine`: half a cosine down to the end. `cosine-restarts`: several of them, each from a peak. `linear`: a "
        "straight line down to the end. `triangular`: straight lines down and up again, down at the end. `step`: "
        "constant, times a factor every few epochs. `plateau`: the same when the validation has not become better for "
        "a few epochs. `inverse-sqrt`: falls with the root of the steps, √(w/t) after w steps of warm-up. `constant`: "
        "the peak.",
        source="Smith & Topin 2018; Loshchilov & Hutter 2017; Smith 2017; Krizhevsky et al. 2012; Vaswani et al. 2017",
        also_called={
            "one-cycle": ("onecycle", "1cycle", "super-convergence"),
            "cosine": ("cos", "cosine-annealing"),
            "cosine-restarts": ("sgdr", "warm-restarts", "cosine-annealing-warm-restarts"),
            "triangular": ("cyclic", "cyclical", "clr"),
            "step": ("multistep", "multi-step", "steplr", "step-lr"),
            "plateau": ("reduce-on-plateau", "reduce-lr-on-plateau"),
            "inverse-sqrt": ("noam", "rsqrt", "inverse-square-root"),
            "constant": ("none", "fixed", "flat"),
        },
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
        "Last rate as a share of the peak rate; of schedules with cycles also the lowest rate of each.",
        unit="share of the peak",
        source="own choice",
        scale="log",
        applies={"name": ("one-cycle", "cosine", "cosine-restarts", "linear", "triangular")},
        ge=0.0,
        le=1.0,
    )
    cycles: int = setting(
        3,
        "How many times the rate falls from a peak to the lowest rate.",
        unit="cycles",
        source="Huang et al. 2017, Snapshot ensembles",
        applies={"name": ("cosine-restarts", "triangular")},
        ge=1,
        le=1000,
    )
    cycle_decay: float = setting(
        1.0,
        "Height of each peak above the lowest rate as a share of the one before; 0.5 is Smith's `triangular2`.",
        unit="share of the height before",
        source="Smith 2017",
        scale="linear",
        applies={"name": ("cosine-restarts", "triangular")},
        gt=0.0,
        le=1.0,
    )
    drop_epochs: int = setting(
        5,
        "`step`: epochs from one drop to the next, counted from the peak. `plateau`: epochs without a better "
        "validation since the warm-up or the last drop, before a drop.",
        unit="epochs",
        source="Krizhevsky et al. 2012",
        scale="log",
        applies={"name": ("step", "plateau")},
        ge=1,
        le=100_000,
    )
    drop_factor: float = setting(
        0.5,
        "What the rate is multiplied by at a drop.",
        unit="share of the rate before",
        source="Krizhevsky et al. 2012",
        scale="log",
        applies={"name": ("step", "plateau")},
        gt=0.0,
        lt=1.0,
    )
