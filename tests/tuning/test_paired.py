"""What a trick is worth, against scipy's t-test and by hand."""

from __future__ import annotations

import math
import statistics

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import t, ttest_1samp

from trainwright.runs import TrialRecord
from trainwright.tuning import effect_of
from trainwright.tuning.paired import MOST_SEEDS, seeds_needed

scores = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=2, max_size=30)


def trial(value: float | None, *, ended: str = "completed", time_s: float = 1.0) -> TrialRecord:
    return TrialRecord(
        trial=1,
        settings={},
        seed=0,
        epochs=1,
        figure="accuracy",
        value=value,
        best_epoch=1,
        ended=ended,
        reason="",
        scores=(value,),
        train_losses=(1.0,),
        first_loss=2.3,
        epochs_spent=1.0,
        time_s=time_s,
    )


def pairs_of(rows):
    return [(trial(on), trial(off)) for on, off in rows]


@given(scores)
def test_the_interval_is_that_of_the_paired_t_test(rows):
    differences = [on - off for on, off in rows]
    assume(statistics.stdev(differences) > 1e-6)
    effect = effect_of(pairs_of(rows))
    interval = ttest_1samp(differences, 0).confidence_interval(0.95)
    assert effect.mean == pytest.approx(statistics.fmean(differences))
    assert (effect.low, effect.high) == pytest.approx((interval.low, interval.high))
    clear = interval.low > 0 or interval.high < 0
    assert (effect.verdict == "cannot tell") == (not clear)
    if clear:
        assert effect.verdict == ("helps" if effect.mean > 0 else "hurts")


@given(scores)
def test_turned_around_it_says_the_opposite(rows):
    one, other = effect_of(pairs_of(rows)), effect_of(pairs_of([(off, on) for on, off in rows]))
    assert one.mean == -other.mean
    assert (one.low, one.high) == (-other.high, -other.low)
    opposite = {"helps": "hurts", "hurts": "helps", "cannot tell": "cannot tell"}
    assert opposite[one.verdict] == other.verdict


@given(st.lists(st.floats(-1, 1), min_size=3, max_size=10))
def test_the_seeds_needed_are_the_fewest_that_would_be_clear(differences):
    assume(statistics.stdev(differences) > 1e-6)
    needed = seeds_needed(differences)

    def clear(seeds: int) -> bool:
        reach = (t.ppf(0.975, seeds - 1) + t.ppf(0.8, seeds - 1)) * statistics.stdev(differences) / math.sqrt(seeds)
        return reach < abs(statistics.fmean(differences))

    if needed is None:
        assert not clear(MOST_SEEDS)
    else:
        assert clear(needed)
        assert needed == 2 or not clear(needed - 1)


def test_with_the_seeds_that_are_needed_four_of_five_such_experiments_are_clear():
    rng = np.random.default_rng(0)
    pattern = np.array([0.01, 0.03, -0.01])
    needed = seeds_needed(pattern.tolist())
    drawn = rng.normal(pattern.mean(), pattern.std(ddof=1), (4_000, needed))
    clear = np.abs(drawn.mean(axis=1)) > t.ppf(0.975, needed - 1) * drawn.std(axis=1, ddof=1) / math.sqrt(needed)
    assert clear.mean() == pytest.approx(0.8, abs=0.02)


def test_two_pairs_are_no_ground_for_a_guess():
    effect = effect_of(pairs_of([(0.9, 0.8), (0.8, 0.9)]))
    assert (effect.verdict, effect.needed) == ("cannot tell", None)


def test_a_small_effect_in_much_noise_says_how_many_seeds_it_takes():
    effect = effect_of(pairs_of([(0.91, 0.90), (0.93, 0.90), (0.89, 0.90)]))
    assert (effect.verdict, effect.seeds, effect.needed) == ("cannot tell", 3, 34)


def test_equal_differences_are_not_sure_beyond_the_rounding_of_the_score():
    rows = [(0.51, 0.50), (0.51, 0.50)]
    assert effect_of(pairs_of(rows)).verdict == "helps"
    rounded = effect_of(pairs_of(rows), grain=0.01)
    assert rounded.verdict == "cannot tell"
    assert rounded.high - rounded.low == pytest.approx(2 * 12.7062 * 0.01 / math.sqrt(6) / math.sqrt(2), rel=1e-4)


def test_pairs_that_all_came_to_the_same_say_so():
    effect = effect_of(pairs_of([(0.5, 0.5), (0.6, 0.6)]))
    assert (effect.verdict, effect.needed, effect.reason) == ("cannot tell", None, "every pair came to the same score")


def test_one_broken_trial_proves_nothing_and_hides_the_interval_of_the_others():
    whole, broken = trial(0.95), trial(None, ended="diverged")
    effect = effect_of([(broken, whole), *[(trial(0.9 + place / 1000), trial(0.85)) for place in range(9)]])
    assert (effect.verdict, effect.reason) == ("cannot tell", "broke down with it alone 1 of 10 times")
    assert (effect.seeds, effect.low > 0) == (9, True)


@pytest.mark.parametrize("count", [5, 6])
def test_six_that_break_down_on_one_side_alone_are_a_verdict(count):
    whole, broken = trial(0.9), trial(None, ended="diverged")
    hurts = effect_of([(broken, whole)] * count + [(broken, broken)])
    helps = effect_of([(whole, broken)] * count)
    assert (hurts.verdict, helps.verdict) == (("hurts", "helps") if count == 6 else ("cannot tell", "cannot tell"))
    assert hurts.reason == f"broke down with it alone {count}, both ways 1 of {count + 1} times"


@pytest.mark.parametrize("count", [2, 5, 6])
def test_a_trick_that_ruins_every_training_says_how_many_seeds_make_it_sure(count):
    pairs = [(trial(None, ended="diverged"), trial(0.9))] * count
    for some in (pairs, [(off, on) for on, off in pairs]):
        effect = effect_of(some)
        assert (effect.verdict == "cannot tell") == (count < 6)
        assert effect.needed == (6 if count < 6 else None)
    mixed = effect_of([*pairs, (trial(0.8), trial(0.9))])
    assert mixed.needed is None


def test_where_every_trial_breaks_down_nothing_is_said():
    broken = trial(None, ended="diverged")
    neither = effect_of([(broken, broken), (broken, broken)])
    assert (neither.verdict, neither.seeds, neither.mean) == ("cannot tell", 0, None)


def test_the_cost_is_the_median_of_the_pairs_with_the_least_and_the_most():
    effect = effect_of([(trial(0.9, time_s=on), trial(0.8, time_s=2.0)) for on in (2.4, 2.6, 18.0)])
    assert (effect.cost_low, effect.cost, effect.cost_high) == pytest.approx((0.2, 0.3, 8.0))
