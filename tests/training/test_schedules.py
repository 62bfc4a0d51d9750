"""Each schedule against its formula, exact values, and torch's own; test_schedule_contract.py has the laws of all."""

from __future__ import annotations

import math

import pytest
import torch

from trainwright.errors import InputError
from trainwright.recipe import ScheduleSection
from trainwright.training.schedules import check_schedule
from trainwright.training.schedules import rate_factor as factor_of


def rate_factor(section: ScheduleSection, step: int, total: int, per_epoch: int = 10, drops: int = 0) -> float:
    return factor_of(section, step, total, per_epoch=per_epoch, drops=drops)


def test_first_step_has_the_start_rate():
    assert rate_factor(ScheduleSection(warmup=0.3, start_factor=0.04), 0, 100) == pytest.approx(0.04)


def test_without_warmup_the_first_step_has_the_peak_rate():
    assert rate_factor(ScheduleSection(warmup=0.0), 0, 100) == 1.0


@pytest.mark.parametrize("total", [20, 100])
def test_one_cycle_equals_torch(total):
    """torch's OneCycleLR counts the warm-up one step shorter; with its own boundary the curves are equal."""
    pct_start = 0.3
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([parameter], lr=1.0)
    theirs = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=1.0, total_steps=total, pct_start=pct_start, div_factor=25, final_div_factor=1e4 / 25
    )
    peak = pct_start * total - 1
    section = ScheduleSection(name="one-cycle", warmup=peak / total, start_factor=1 / 25, final_factor=1e-4)
    for step in range(total):
        assert rate_factor(section, step, total) == pytest.approx(theirs.get_last_lr()[0], rel=1e-9)
        optimizer.step()
        if step < total - 1:
            theirs.step()


def test_cosine_without_warmup_is_half_a_cosine():
    section = ScheduleSection(name="cosine", warmup=0.0, final_factor=0.0)
    for step in range(11):
        assert rate_factor(section, step, 11) == pytest.approx(0.5 * (1 + math.cos(math.pi * step / 10)), abs=1e-12)


@pytest.mark.parametrize(
    ("section", "expected"),
    [
        ({"name": "linear", "final_factor": 0.0}, {0: 1.0, 25: 0.75, 50: 0.5, 75: 0.25, 100: 0.0}),
        ({"name": "inverse-sqrt"}, {0: 1.0, 3: 0.5, 24: 0.2, 99: 0.1}),
        ({"name": "step", "drop_epochs": 2}, {0: 1.0, 19: 1.0, 20: 0.5, 39: 0.5, 40: 0.25, 100: 1 / 32}),
        ({"name": "step", "drop_epochs": 5, "drop_factor": 0.1}, {49: 1.0, 50: 0.1, 100: 0.01}),
        (
            {"name": "triangular", "cycles": 2, "final_factor": 0.1},
            {0: 1.0, 25: 0.325, 50: 0.55, 75: 0.775, 100: 0.1},
        ),
        (
            {"name": "cosine-restarts", "cycles": 4, "cycle_decay": 0.5, "final_factor": 0.0},
            {0: 1.0, 25: 0.5, 50: 0.25, 75: 0.125, 100: 0.0},
        ),
        ({"name": "cosine", "final_factor": 0.0}, {0: 1.0, 25: 0.8535533905932737, 50: 0.5, 100: 0.0}),
        ({"name": "constant"}, {0: 1.0, 100: 1.0}),
        ({"name": "plateau"}, {0: 1.0, 100: 1.0}),
    ],
)
def test_exact_values_of_every_course(section, expected):
    section = ScheduleSection(warmup=0.0, **section)
    for step, factor in expected.items():
        assert rate_factor(section, step, 101) == pytest.approx(factor, abs=1e-12)


def test_triangles_with_a_warm_up_are_smith_s():
    """Leslie Smith's triangles begin at the foot; the warm-up is the first rise of the first."""
    section = ScheduleSection(name="triangular", warmup=0.25, start_factor=0.2, final_factor=0.2, cycles=2)
    total = 41
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([parameter], lr=0.2)
    theirs = torch.optim.lr_scheduler.CyclicLR(
        optimizer, base_lr=0.2, max_lr=1.0, step_size_up=10, step_size_down=10, cycle_momentum=False
    )
    for step in range(total):
        assert rate_factor(section, step, total) == pytest.approx(theirs.get_last_lr()[0], rel=1e-9)
        optimizer.step()
        theirs.step()


def test_triangles_with_decay_are_smith_s_triangular2():
    section = ScheduleSection(
        name="triangular", warmup=0.25, start_factor=0.2, final_factor=0.2, cycles=2, cycle_decay=0.5
    )
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([parameter], lr=0.2)
    theirs = torch.optim.lr_scheduler.CyclicLR(
        optimizer, 0.2, 1.0, step_size_up=10, step_size_down=10, mode="triangular2", cycle_momentum=False
    )
    for step in range(41):
        assert rate_factor(section, step, 41) == pytest.approx(theirs.get_last_lr()[0], rel=1e-9)
        optimizer.step()
        theirs.step()


def test_the_inverse_root_goes_on_from_the_warm_up():
    """Vaswani et al. 2017, equation 3: min(1/sqrt(step), step / warm^1.5), here as a share of its peak."""
    section = ScheduleSection(name="inverse-sqrt", warmup=0.2, start_factor=0.0)
    for step in range(100):
        theirs = min(1 / math.sqrt(step), step / 20**1.5) * math.sqrt(20) if step else 0.0
        assert rate_factor(section, step, 100) == pytest.approx(theirs, abs=1e-12)


@pytest.mark.parametrize(
    ("section", "epochs", "fits"),
    [
        ({"name": "step", "warmup": 0.0}, 6, True),
        ({"name": "step", "warmup": 0.0}, 5, False),
        ({"name": "step", "warmup": 0.2}, 6, False),
        ({"name": "step", "warmup": 0.2}, 7, True),
        ({"name": "plateau", "warmup": 0.0}, 6, False),
        ({"name": "plateau", "warmup": 0.0}, 7, True),
        ({"name": "plateau", "warmup": 0.5}, 10, False),
        ({"name": "plateau", "warmup": 0.5}, 12, True),
        ({"name": "cosine-restarts", "warmup": 0.0, "cycles": 15}, 3, True),
        ({"name": "cosine-restarts", "warmup": 0.0, "cycles": 16}, 3, False),
        ({"name": "triangular", "warmup": 0.0, "cycles": 8}, 3, True),
        ({"name": "triangular", "warmup": 0.0, "cycles": 9}, 3, False),
        ({"name": "one-cycle"}, 1, True),
    ],
)
def test_a_schedule_without_room_is_refused(section, epochs, fits):
    section = ScheduleSection(**section)
    rates = {factor_of(section, step, 10 * epochs, per_epoch=10) for step in range(10 * epochs)}
    if fits:
        check_schedule(section, 10 * epochs, per_epoch=10)
        assert len(rates) > 1 or section.name == "plateau"
    else:
        with pytest.raises(InputError, match=r"longer than the training|more cycles than") as error:
            check_schedule(section, 10 * epochs, per_epoch=10)
        assert error.value.where in ("schedule.drop_epochs", "schedule.cycles")
