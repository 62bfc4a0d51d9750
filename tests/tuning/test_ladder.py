"""The ladder: nothing behind a failed rung, and no more time than there is."""

from __future__ import annotations

import dataclasses
import math

import pytest
from torch import nn
from torch.nn import functional as F

from trainwright.errors import InputError
from trainwright.tuning import Check, climb, rungs_of_loop
from trainwright.tuning.by_heart import AT_FIRST, check_few_pictures
from trainwright.tuning.gradients import check_gradients
from trainwright.tuning.ladder import Rung
from trainwright.tuning.rehearsal import check_rehearsal
from trainwright.tuning.subject import OutOfTime

from .loops import net, subject


def code(check: Check) -> str | None:
    return check.finding.code if check.finding else None


def test_nothing_is_climbed_after_a_failed_rung_and_nothing_beyond_the_budget():
    made = []

    def rung(name, steps, verdict):
        return Rung((name,), steps, lambda _: made.append(name) or [Check(name, verdict, name)])

    ladder = [rung("free", 0, "warned"), rung("cheap", 1, "passed"), rung("dear", 1000, "passed")]
    verdicts = [check.verdict for check in climb(ladder, budget_s=1.0, step_s=0.01)]
    assert (verdicts, made) == (["warned", "passed", "skipped"], ["free", "cheap"])
    made.clear()
    stopped = [check.verdict for check in climb([rung("first", 0, "failed"), rung("second", 0, "passed")])]
    assert (stopped, made) == (["failed", "skipped"], ["first"])


def test_a_check_that_breaks_is_told_as_not_made_and_the_others_go_on():
    def broken(until):
        raise RuntimeError("no memory\nfor it")

    made = list(climb([Rung(("one",), 0, broken), Rung(("two",), 0, lambda _: [Check("two", "passed", "")])]))
    assert [check.verdict for check in made] == ["skipped", "passed"]
    assert made[0].summary == "could not be made: RuntimeError: no memory"

    def refused(until):
        raise InputError("no")

    with pytest.raises(InputError):
        list(climb([Rung(("one",), 0, refused)]))


class Clock:
    """A clock that a step moves by its share of a batch of 64, and by a quarter at least."""

    def __init__(self, monkeypatch):
        self.time = 0.0
        monkeypatch.setattr("time.perf_counter", lambda: self.time)

    def loss(self, outputs_NK, labels_N):
        if len(outputs_NK) > 1:  # not the loss of a single picture, which judges and does not train
            self.time += max(0.25, len(outputs_NK) / 64)
        return F.cross_entropy(outputs_NK, labels_N)


@pytest.mark.parametrize("lr", [0.05, 1e-9])
@pytest.mark.parametrize("budget", [20, 80, 200, 400])
def test_checks_keep_to_their_time_whatever_is_wrong(lr, budget, monkeypatch):
    clock = Clock(monkeypatch)
    made = list(climb(rungs_of_loop(subject(lr=lr, loss=clock.loss)), budget_s=budget, step_s=1.0))
    assert clock.time <= budget + 1
    assert {check.verdict for check in made} <= {"passed", "warned", "skipped"}
    told = {check.name: check for check in made}
    if budget >= 200:
        rate = told["learning-rate"]
        assert (rate.verdict, code(rate)) == (("passed", None) if lr == 0.05 else ("warned", "nothing-learned"))
    if (lr, budget) == (1e-9, 200):
        assert "other rates were not all tried, for time" in told["learning-rate"].summary
        assert told["learning-rate"].causes[0] == "the learning rate is wrong"


def test_a_rung_that_takes_its_time_leaves_some_to_the_next(monkeypatch):
    clock, given = Clock(monkeypatch), []
    slow = Rung(("slow",), 10, lambda until: given.append(until) or [Check("slow", "passed", "")], most=20)
    fast = Rung(("fast",), 10, lambda until: given.append(until) or [Check("fast", "passed", "")])
    assert len(list(climb([slow, fast], budget_s=30, step_s=1.0))) == 2
    assert given == [clock.time + 20, 30]
    given.clear()
    assert len(list(climb([slow, fast]))) == 2
    assert given == [math.inf, math.inf]


def test_what_is_known_when_time_is_over_is_told(monkeypatch):
    clock = Clock(monkeypatch)
    until = dataclasses.replace(subject(loss=clock.loss), until=150)
    rate, blank = check_rehearsal(dataclasses.replace(until, until=120))
    assert (rate.verdict, blank.verdict) == ("passed", "skipped")
    assert blank.summary == "would take more than a tenth of the training"
    assert [check.verdict for check in check_rehearsal(subject())] == ["passed", "passed"]
    with pytest.raises(OutOfTime):
        check_rehearsal(dataclasses.replace(until, until=clock.time + 50))


def test_comparing_gradients_is_given_up_where_a_forward_pass_tells_that_it_takes_too_long(monkeypatch):
    clock = Clock(monkeypatch)

    class Slow(nn.Module):
        def forward(self, x):
            clock.time += 1.0
            return x

    given = subject(nn.Sequential(net(), Slow()), valid_loader=None)
    clock.time = 0.0
    with pytest.raises(OutOfTime):
        check_gradients(dataclasses.replace(given, until=10.0))
    assert clock.time == 1.0
    assert check_gradients(dataclasses.replace(given, until=100.0)).verdict == "passed"


def test_a_net_that_few_pictures_need_longer_for_at_the_chosen_rate_is_given_the_time(monkeypatch):
    monkeypatch.setattr("trainwright.tuning.by_heart.SAFE_RATES", ())
    check = check_few_pictures(subject(lr=5e-5))
    assert check.verdict == "passed"
    assert AT_FIRST < check.evidence["steps"] <= 200
