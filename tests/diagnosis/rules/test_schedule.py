from __future__ import annotations

import math

import pytest

from diagnosis.histories import BLIND, alarming, course, learning
from trainwright.diagnosis.rules.schedule import schedule_mismatch, warmup_missing


def test_a_schedule_that_is_over_early_is_found_where_the_net_was_not_done():
    def gone(step: int) -> float:
        return 0.1 * 0.9**step

    found = schedule_mismatch(course(rate=gone, loss=lambda step: max(1.2, learning(step))))
    assert found is not None
    assert alarming(found)
    assert "changes next to nothing" in found.summary
    assert not alarming(schedule_mismatch(course(rate=gone))), "the net was done"


@pytest.mark.parametrize(
    "rate",
    [
        lambda step: 0.05 * (1 + math.cos(math.pi * step / 400)),
        lambda step: 0.1 * 0.1 ** (step // 150),
        lambda step: 0.1,
        lambda step: 0.05 * (1 + math.cos(math.pi * (step % 100) / 100)),
    ],
)
def test_usual_schedules_are_none_of_it(rate: object):
    assert schedule_mismatch(course(rate=rate, loss=lambda step: max(1.2, learning(step)))) is None


def test_a_missing_warm_up_shows_in_a_spike_and_a_slow_recovery():
    def thrown(step: int) -> float:
        return BLIND if step == 1 else 2 + 8 * math.exp(-step / 60) if step < 200 else 1.0

    found = warmup_missing(course(loss=thrown))
    assert found is not None
    assert alarming(found)
    assert warmup_missing(course()) is None
    quick = course(loss=lambda step: 9.0 if step == 3 else learning(step))
    assert not alarming(warmup_missing(quick)), "it was back at once"
    assert warmup_missing(course(loss=thrown, rate=lambda step: 0.1 * min(1, step / 40))) is None
