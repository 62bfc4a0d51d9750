"""What curves of a known form come to: a range and a rate, or a refusal with its reason."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainwright.tuning import Sweep, Trace, suggest
from trainwright.tuning.range_test import first_level, record
from trainwright.tuning.rate_suggestion import noise_of_fall

LN_10 = math.log(10)


def traces(loss_of: Callable[[float, int], float], sweep: Sweep, noise: float = 0.02) -> list[Trace]:
    """Records a loss that is a function of the rate and the place, with noise of its own in every seed."""
    made = []
    for seed in range(sweep.seeds):
        rng = np.random.default_rng(seed)
        place = iter(range(sweep.steps))
        made.append(record(lambda rate: loss_of(rate, next(place)) + noise * rng.normal(), sweep, seed))  # noqa: B023
    return made


def valley(rate: float, low: float = 0.01, bottom: float = 0.1, edge: float = 1.0) -> float:
    """ln 10 up to `low`, a straight fall in the rate's logarithm to 0.5 at `bottom`, flat, and up from `edge`."""
    if rate > edge:
        return 0.5 + 3.0 * math.log(rate / edge)
    share = math.log(rate / low) / math.log(bottom / low)
    return LN_10 - (LN_10 - 0.5) * min(max(share, 0.0), 1.0)


def test_a_clean_valley_gives_the_rates_at_shares_of_its_fall():
    """Without noise and lag (a window of one step) the shares lie where the straight fall has them."""
    sweep = Sweep(low=1e-4, high=10.0, steps=101)
    rates = sweep.rates
    losses = tuple(valley(rate) for rate in rates)
    found = suggest(sweep, [Trace(0, losses, losses, "the last rate")])
    assert found.informative
    assert (found.lower, found.suggested, found.upper) == pytest.approx(
        [0.01 * 10**share for share in (0.1, 0.85, 0.95)], rel=0.01
    )


def test_smoothing_moves_the_rates_by_less_than_its_window():
    sweep = Sweep(low=1e-4, high=10.0, steps=101)
    found = suggest(sweep, traces(lambda rate, _: valley(rate), sweep))
    assert found.suggested is not None
    lag = (10.0 / 1e-4) ** (5 / 100)
    assert 0.01 * 10**0.85 < found.suggested < 0.01 * 10**0.85 * lag
    assert "over the mean of 3 seeds the loss falls from 2.3 to 0.5" in found.reason
    assert f"at {found.suggested:g}, where 85% is done" in found.reason


def test_the_curve_has_a_band_of_one_deviation_over_the_steps_that_all_seeds_made():
    sweep = Sweep(steps=40, seeds=2)
    losses = [tuple(3.0 - share / 20 + seed for share in range(count)) for seed, count in ((0, 40), (1, 30))]
    found = suggest(sweep, [Trace(seed, row, row, "the last rate") for seed, row in enumerate(losses)])
    assert len(found.rates) == len(found.mean) == len(found.low) == len(found.high) == 30
    assert found.mean[0] == 3.5
    assert found.high[0] - found.mean[0] == pytest.approx(np.std([3.0, 4.0], ddof=1))
    assert found.mean[0] - found.low[0] == pytest.approx(np.std([3.0, 4.0], ddof=1))


def test_seeds_that_came_to_the_same_curve_count_as_one():
    sweep = Sweep(low=1e-4, high=10.0, seeds=3)
    first, second, _ = traces(lambda rate, _: valley(rate), sweep)
    alone, all_the_same = (
        suggest(sweep, [first]),
        suggest(sweep, [first, replace(first, seed=1), replace(first, seed=2)]),
    )
    assert all_the_same.suggested == alone.suggested
    assert all_the_same.high == all_the_same.mean == alone.mean
    assert all_the_same.reason.startswith("over one seed, as 2 of 3 came to the same as another, the loss falls")
    two = suggest(sweep, [first, second, replace(second, seed=2)])
    assert two.reason.startswith("over the mean of 2 seeds, as 1 of 3 came to the same as another, the loss falls")


@pytest.mark.parametrize("draw", range(20))
def test_noise_of_one_seed_told_thrice_tells_no_more(draw):
    sweep, rng = Sweep(seeds=3), np.random.default_rng(1000 + draw)
    once = record(lambda _: LN_10 + 0.1 * rng.normal(), sweep, 0)
    told = suggest(sweep, [replace(once, seed=seed) for seed in range(3)])
    assert told.reason == suggest(sweep, [once]).reason


@pytest.mark.parametrize("seeds", [1, 3])
@pytest.mark.parametrize("draw", range(20))
def test_noise_alone_tells_nothing(seeds, draw):
    sweep = Sweep(seeds=seeds)
    rng = np.random.default_rng(1000 + draw)
    found = suggest(sweep, [record(lambda _: LN_10 + 0.1 * rng.normal(), sweep, seed) for seed in range(seeds)])
    assert (found.informative, found.suggested, found.lower, found.upper) == (False, None, None, None)
    assert "the loss never clearly falls" in found.reason


def test_a_fall_of_a_hundredth_is_no_learning_however_little_noise_there_is():
    sweep = Sweep()
    found = suggest(sweep, traces(lambda rate, _: LN_10 - 0.01 * LN_10 * (rate > 0.01), sweep, noise=0.0))
    assert not found.informative
    assert "the loss never clearly falls" in found.reason


def test_a_fall_to_the_last_rate_says_that_the_end_was_not_seen():
    sweep = Sweep(high=0.05)
    found = suggest(sweep, traces(lambda rate, _: valley(rate), sweep))
    assert (found.informative, found.suggested) == (False, None)
    assert "falls all the way to the last rate, 0.05" in found.reason
    assert "--to 5" in found.reason


def test_a_loss_that_explodes_in_the_first_steps_is_said_with_the_rate():
    sweep = Sweep(low=0.1)
    feed = iter([2.3, 9.0, 1e9, math.inf])
    found = suggest(sweep, [record(lambda _: next(feed), sweep, 0)])
    assert (found.informative, found.suggested) == (False, None)
    assert "the loss diverges at once" in found.reason
    assert "a loss that is not finite after 3 steps" in found.reason
    assert "--from 0.0001" in found.reason


def test_a_loss_that_is_never_finite_leaves_an_empty_curve():
    sweep = Sweep()
    found = suggest(sweep, [record(lambda _: None, sweep, seed) for seed in range(3)])
    assert (found.informative, found.rates, found.mean) == (False, (), ())
    assert "diverges at once" in found.reason


def test_a_rise_without_a_fall_before_it_is_told_as_such():
    sweep = Sweep()
    found = suggest(sweep, traces(lambda rate, _: LN_10 * (1 + 20 * rate), sweep))
    assert not found.informative
    assert "never clearly falls, before it diverges" in found.reason


def test_a_fall_with_the_first_rates_asks_for_lower_ones():
    sweep = Sweep(low=0.1)
    found = suggest(sweep, traces(lambda rate, place: valley(rate) if place else LN_10, sweep))
    assert (found.informative, found.suggested) == (False, None)
    assert "too early or too fast to place it: begin lower" in found.reason
    assert "--from 0.001" in found.reason


def test_a_fall_within_a_step_of_a_linear_sweep_asks_for_more_steps_or_a_lower_end():
    sweep = Sweep("linear", 1e-5, 10.0, 100)
    found = suggest(sweep, traces(lambda rate, _: valley(rate, edge=9.0), sweep))
    assert not found.informative
    assert "too early or too fast to place it: more --steps than 100, a lower end (--to" in found.reason
    assert "--growth exponential" in found.reason


@given(st.floats(1e-3, 1e3), st.floats(1e-2, 1e2))
def test_scaling_all_rates_scales_what_is_suggested_and_scaling_the_losses_leaves_it(by, losses_by):
    sweep = Sweep(low=1e-4, high=10.0, steps=100)
    scaled = Sweep(low=1e-4 * by, high=10.0 * by, steps=100)
    found = suggest(sweep, traces(lambda rate, _: valley(rate), sweep))
    rows = [
        Trace(row.seed, tuple(losses_by * x for x in row.losses), tuple(losses_by * x for x in row.smoothed), row.ended)
        for row in traces(lambda rate, _: valley(rate), sweep)
    ]
    other = suggest(scaled, rows)
    for mine, theirs in zip(
        (found.lower, found.suggested, found.upper), (other.lower, other.suggested, other.upper), strict=True
    ):
        assert mine is not None
        assert theirs == pytest.approx(mine * by, rel=0.01)


@given(
    st.floats(1e-3, 0.05),
    st.floats(2.0, 30.0),
    st.floats(3.0, 20.0),
    st.sampled_from(["exponential", "linear"]),
    st.integers(1, 4),
)
def test_what_is_suggested_lies_in_its_range_and_within_the_sweep(low, wide, above, growth, seeds):
    bottom = low * wide
    sweep = Sweep(growth, low / 20, bottom * above * 4, 200, seeds)
    found = suggest(sweep, traces(lambda rate, _: valley(rate, low, bottom, bottom * above), sweep))
    if found.informative:
        assert found.lower is not None
        assert found.suggested is not None
        assert found.upper is not None
        assert sweep.low <= found.lower <= found.suggested <= found.upper <= sweep.high
    else:
        assert growth == "linear", found.reason
        assert found.suggested is None


def test_noise_is_estimated_as_it_is():
    """The fall of pure noise from its first level to its smoothed value at a place, over many curves."""
    sweep, rng = Sweep(steps=100, seeds=2), np.random.default_rng(0)
    falls, told = [], []
    for _ in range(300):
        made = [record(lambda _: 2.0 + 0.1 * rng.normal(), sweep, seed) for seed in range(2)]
        mean_T = np.mean([trace.smoothed for trace in made], axis=0)
        falls.append(np.mean([first_level(trace.losses) for trace in made]) - mean_T[60])
        told.append(noise_of_fall(sweep, made, 60))
    assert np.mean(told) == pytest.approx(np.std(falls), rel=0.1)
