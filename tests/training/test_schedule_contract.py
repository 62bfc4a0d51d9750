"""What every schedule keeps to; a new one is tested by standing in COURSES."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from trainwright.recipe import ScheduleSection
from trainwright.recipe.catalog import catalog
from trainwright.training.schedules import COURSES, rate_factor, warmup_steps


def names_with(setting: str) -> tuple[str, ...]:
    """Lists the schedules that a setting is for, as the recipe says."""
    return catalog()[f"schedule.{setting}"].applies["schedule.name"]


WITH_END, WITH_CYCLES, WITH_DROPS = names_with("final_factor"), names_with("cycles"), names_with("drop_epochs")
FALLING = sorted(set(COURSES) - set(WITH_CYCLES))

totals = st.integers(1, 500)
every_schedule = pytest.mark.parametrize("name", sorted(COURSES))


@st.composite
def sections(draw: Any, names: tuple[str, ...] = tuple(sorted(COURSES))) -> ScheduleSection:
    """Draws a schedule with every setting that it has."""
    name = draw(st.sampled_from(names))
    given: dict[str, Any] = {"warmup": draw(st.floats(0, 0.99)), "start_factor": draw(st.floats(0, 1))}
    if name in WITH_END:
        given["final_factor"] = draw(st.floats(0, 1))
    if name in WITH_CYCLES:
        given |= {"cycles": draw(st.integers(1, 6)), "cycle_decay": draw(st.floats(0.1, 1))}
    if name in WITH_DROPS:
        given |= {"drop_epochs": draw(st.integers(1, 5)), "drop_factor": draw(st.floats(0.05, 0.95))}
    return ScheduleSection(name=name, **given)


def factors(section: ScheduleSection, total: int, per_epoch: int = 10) -> list[float]:
    return [rate_factor(section, step, total, per_epoch=per_epoch) for step in range(total)]


@given(sections(), totals)
def test_factors_are_shares_of_a_peak_that_is_reached(section, total):
    found = factors(section, total)
    assert all(0 <= factor <= 1 + 1e-12 for factor in found)
    assert max(found) == pytest.approx(1.0)


@given(sections(), totals, st.randoms(use_true_random=False))
def test_a_rate_hangs_on_its_step_alone(section, total, chance: random.Random):
    """So a run that goes on at any step has the rates of one that was never stopped."""
    in_order = factors(section, total)
    steps = list(range(total))
    chance.shuffle(steps)
    again = ScheduleSection(**section.model_dump())
    assert {step: rate_factor(again, step, total, per_epoch=10) for step in steps} == dict(enumerate(in_order))


@given(sections(), totals)
def test_the_warm_up_rises_from_the_start_rate_to_the_peak(section, total):
    found, rising = factors(section, total), warmup_steps(section, total)
    if rising:
        assert found[0] == pytest.approx(section.start_factor)
    assert found[:rising] == sorted(found[:rising])
    assert found[rising] == pytest.approx(1.0)


@given(sections(tuple(FALLING)), totals)
def test_what_has_no_cycles_never_rises_after_the_peak(section, total):
    after = factors(section, total)[warmup_steps(section, total) :]
    assert after == sorted(after, reverse=True)


@given(sections(WITH_END), st.integers(3, 300))
def test_what_has_a_last_rate_ends_on_it(section, total):
    assume(warmup_steps(section, total) < total - 1)
    assert factors(section, total)[-1] == pytest.approx(section.final_factor, abs=1e-12)


@every_schedule
@pytest.mark.parametrize("total", [4, 5, 101, 100_000])
def test_first_quarter_half_and_last_step_have_rates_without_a_warm_up(name, total):
    section = ScheduleSection(name=name, warmup=0.0)
    steps = (0, total // 4, total // 2, 3 * total // 4, total - 1)
    found = [rate_factor(section, step, total, per_epoch=10) for step in steps]
    assert found[0] == 1.0
    assert all(0 <= factor <= 1 for factor in found)


@every_schedule
def test_a_run_of_one_step_has_the_peak_rate(name):
    assert factors(ScheduleSection(name=name, warmup=0.9), 1) == [1.0]


@given(sections(), st.integers(1, 50), st.integers(0, 6))
def test_each_drop_of_the_loop_multiplies_the_rate(section, total, drops):
    """The loop counts them for `plateau`; they work alike on any course."""
    plain = rate_factor(section, total - 1, total, per_epoch=10)
    dropped = rate_factor(section, total - 1, total, per_epoch=10, drops=drops)
    assert dropped == pytest.approx(plain * section.drop_factor**drops)
