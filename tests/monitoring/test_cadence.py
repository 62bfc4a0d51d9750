"""Looking costs no more than its share."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from trainwright.monitoring.cadence import CLOSE_EVERY, PROBE_PART, Cadence


def test_the_first_steps_and_then_every_k():
    cadence = Cadence(2, 0.04, 10)
    looked = []
    for step in range(11, 200):
        cadence.stepped(1.0)
        if cadence.due(step):
            looked.append(step)
            cadence.probed(step, 1.0)
    # A probe of one step, of which half of 4 % is there: every 50.
    assert looked == [11, 12, 62, 112, 162]


def test_one_slow_step_or_probe_changes_nothing():
    cadence = Cadence(0, 0.04, 0)
    for step in range(1, 12):
        cadence.stepped(100.0 if step == 5 else 1.0)
        every = cadence.probed(step, 100.0 if step == 7 else 1.0)
    assert every == 50


def test_closer_probes_are_paid_for_by_their_share():
    cadence = Cadence(0, 0.04, 0)
    for step in range(CLOSE_EVERY + 1):
        cadence.stepped(1.0)
        every = cadence.probed(step, 5.0 if cadence.close else 1.0)
    assert every == 75  # (1 + 4 / 8) / 0.02


@given(st.floats(1e-4, 10), st.floats(1e-4, 10), st.floats(0.005, 0.5), st.integers(200, 3000), st.floats(0.0, 3.0))
def test_what_probes_take_stays_within_their_part_of_the_share(step_s, cost_s, share, steps, closer):
    cadence, spent_s, last = Cadence(4, share, 0), 0.0, 0
    for step in range(1, steps + 1):
        cadence.stepped(step_s)
        if cadence.due(step):
            took_s = cost_s * (1 + closer * cadence.close)
            every = cadence.probed(step, took_s)
            if step > 4:
                spent_s, last = spent_s + took_s, step + every
    assert spent_s <= share * PROBE_PART * max(last, steps) * step_s + cost_s * (1 + closer) * (1 + CLOSE_EVERY)


def test_sets_wait_until_they_can_be_paid():
    cadence = Cadence(0, 0.04, 0)
    looked = []
    for step in range(1, 1001):
        cadence.stepped(1.0)
        if cadence.affords_sets(4.0):
            cadence.looked_at_sets(4.0)
            looked.append(step)
    assert looked == [200, 400, 600, 800, 1000]
    assert sum(4.0 for _ in looked) <= 0.04 * (1 - PROBE_PART) * 1000


def test_without_a_step_there_is_no_time_of_one():
    cadence = Cadence(0, 0.04, 0)
    assert cadence.step_s is None
    assert cadence.probed(1, 1.0) == 1
