import math

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from trainwright.recipe import ScheduleSection
from trainwright.training.schedules import FALLS, RISES, rate_factor, warmup_steps

names = st.sampled_from(sorted(FALLS))


@given(names, st.integers(1, 500), st.floats(0, 0.99), st.floats(0, 1), st.floats(0, 1))
def test_factors_stay_in_range_and_reach_the_peak(name, total, warmup, start, final):
    section = ScheduleSection(name=name, warmup=warmup, start_factor=start)
    if name != "constant":
        section = section.model_copy(update={"final_factor": final})
    factors = [rate_factor(section, step, total) for step in range(total)]
    assert all(0 <= factor <= 1 + 1e-12 for factor in factors)
    assert max(factors) == pytest.approx(1.0)
    rising = warmup_steps(section, total)
    assert factors[:rising] == sorted(factors[:rising])
    assert factors[rising:] == sorted(factors[rising:], reverse=True)


@given(st.sampled_from(["one-cycle", "cosine"]), st.integers(3, 300), st.floats(0, 0.5), st.floats(0, 1))
def test_falling_schedules_end_where_they_say(name, total, warmup, final):
    section = ScheduleSection(name=name, warmup=warmup, final_factor=final)
    assume(warmup_steps(section, total) < total - 1)
    assert rate_factor(section, total - 1, total) == pytest.approx(final, abs=1e-12)


def test_first_step_has_the_start_rate():
    assert rate_factor(ScheduleSection(warmup=0.3, start_factor=0.04), 0, 100) == pytest.approx(0.04)


def test_without_warmup_the_first_step_has_the_peak_rate():
    assert rate_factor(ScheduleSection(warmup=0.0), 0, 100) == 1.0


def test_a_run_of_one_step_has_the_peak_rate():
    assert rate_factor(ScheduleSection(warmup=0.9), 0, 1) == 1.0


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


def test_every_schedule_of_the_recipe_has_both_halves():
    choices = set(ScheduleSection.model_fields["name"].annotation.__args__)
    assert set(RISES) == set(FALLS) == choices
