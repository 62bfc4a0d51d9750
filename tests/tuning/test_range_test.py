"""The range test: how the rate grows, how the loss is smoothed, when it stops, and that nothing else is touched."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from trainwright.data import prepare
from trainwright.errors import InputError
from trainwright.recipe import compose, parse_assignments
from trainwright.training import build
from trainwright.tuning import Sweep, subject_of_loop, traces_of_loop, traces_of_run
from trainwright.tuning.range_test import FIRST, first_level, record, smooth, weight_of
from trainwright.workflows.deciding import decide

TINY = ["model.name=plain", "model.width=8", "model.depth=1", "machine.threads=1"]


@pytest.fixture(scope="module")
def data():
    return prepare(compose({}).data, seed=0)


def setup_of(data, *words):
    return build(decide(compose(parse_assignments([*TINY, *words])), data), data)


def test_an_exponential_rate_grows_by_the_same_factor():
    rates = np.array(Sweep("exponential", 1e-4, 1.0, 81).rates)
    assert (rates[0], rates[-1]) == (1e-4, 1.0)
    assert rates[1:] / rates[:-1] == pytest.approx(10 ** (4 / 80), rel=1e-6)


def test_a_linear_rate_grows_by_the_same_amount():
    rates = np.array(Sweep("linear", 0.001, 0.5, 50).rates)
    assert (rates[0], rates[-1]) == (0.001, 0.5)
    assert np.diff(rates) == pytest.approx((0.5 - 0.001) / 49, rel=1e-5)


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=60), st.floats(0.0, 0.99))
def test_smoothing_is_the_mean_with_weights_that_fall_by_the_same_factor(losses, weight):
    """Bias-corrected, the exponential mean after t steps is Σ wᵗ⁻ⁱ lᵢ / Σ wᵗ⁻ⁱ (Kingma & Ba 2015, section 3)."""
    expected = []
    for t in range(1, len(losses) + 1):
        weights = weight ** np.arange(t - 1, -1, -1.0)
        expected.append((weights * losses[:t]).sum() / weights.sum())
    assert smooth(losses, weight) == pytest.approx(expected, rel=1e-6, abs=1e-6)


def stop_by_formula(losses: list[float], steps: int) -> int:
    """The steps that are made where the smoothed loss must not exceed twice the mean of the first five."""
    weight = 1 - 1 / (0.05 * steps)
    for t in range(1, len(losses) + 1):
        weights = weight ** np.arange(t - 1, -1, -1.0)
        if t > 5 and (weights * losses[:t]).sum() / weights.sum() > 2 * np.mean(losses[:5]):
            return t
    return len(losses)


def test_it_stops_where_the_smoothed_loss_is_twice_its_start():
    losses = [2.3] * 40 + [2.3 * 1.1**step for step in range(60)]
    feed = iter(losses)
    trace = record(lambda rate: next(feed), Sweep(steps=100), seed=7)
    assert (trace.seed, trace.ended) == (7, "a loss above its start")
    assert len(trace.losses) == stop_by_formula(losses, 100) < 60
    assert trace.smoothed[-1] > 4.6 >= trace.smoothed[-2]


def test_a_low_loss_that_rises_again_does_not_stop_it():
    """Four times the lowest, at which others stop, is little where a task is easy."""
    losses = [2.3] * 10 + [0.01] * 50 + [1.0] * 40
    feed = iter(losses)
    trace = record(lambda rate: next(feed), Sweep(steps=100), seed=0)
    assert (trace.ended, len(trace.losses)) == ("the last rate", 100)


@pytest.mark.parametrize("value", [None, math.inf, math.nan])
def test_a_loss_that_is_not_finite_stops_it_and_is_not_kept(value):
    feed = iter([2.3, 2.2, value])
    trace = record(lambda rate: next(feed), Sweep(), seed=0)
    assert (trace.ended, trace.losses) == ("a loss that is not finite", (2.3, 2.2))


def test_a_loss_below_zero_has_room_above_its_start():
    feed = iter([-1.0] * 100)
    assert record(lambda rate: next(feed), Sweep(steps=100), seed=0).ended == "the last rate"


def test_every_step_is_made_at_the_rate_of_its_place():
    asked: list[float] = []
    record(lambda rate: asked.append(rate) or 1.0, Sweep(steps=40), seed=0)
    assert tuple(asked) == Sweep(steps=40).rates


def test_the_first_level_is_the_mean_of_five():
    assert FIRST == 5
    assert first_level([1.0, 2.0, 3.0, 4.0, 5.0, 100.0]) == 3.0
    assert weight_of(40) == 0.5


def test_a_recipe_s_net_optimizer_and_random_numbers_stay_as_they_were(data):
    setup = setup_of(data, "model.dropout=0.5")
    before = {name: tensor.clone() for name, tensor in setup.model.state_dict().items()}
    drawn = torch.get_rng_state()
    traces = list(traces_of_run(setup, data, Sweep(steps=30, seeds=2)))
    assert torch.equal(torch.get_rng_state(), drawn)
    assert all(torch.equal(tensor, before[name]) for name, tensor in setup.model.state_dict().items())
    assert not setup.optimizer.state
    assert [trace.seed for trace in traces] == [0, 1]
    assert traces[0].losses != traces[1].losses


def test_a_seed_is_the_recipe_s_own_counted_up_and_gives_the_same_losses_again(data):
    sweep = Sweep(steps=30, seeds=2)
    first = list(traces_of_run(setup_of(data, "training.seed=4"), data, sweep))
    again = list(traces_of_run(setup_of(data, "training.seed=5"), data, Sweep(steps=30, seeds=1)))
    assert [trace.seed for trace in first] == [4, 5]
    assert first[1] == again[0]


def test_accumulated_batches_make_one_step(data):
    """Two batches of 16 see the pictures of one of 32; the mean of their losses is the loss of both, without a
    normalization that looks at a batch."""
    words = ("model.normalization=none", "augment.policy=none")
    one = setup_of(data, *words, "optim.batch_size=32")
    two = setup_of(data, *words, "optim.batch_size=16", "optim.accumulate=2")
    sweep = Sweep(steps=30, seeds=1, high=0.01)
    (whole,), (halves,) = (list(traces_of_run(setup, data, sweep)) for setup in (one, two))
    assert halves.losses == pytest.approx(whole.losses, rel=1e-4)


def own_loop(count: int = 96):
    generator = torch.Generator().manual_seed(0)
    images_NCHW, labels_N = torch.randn(count, 1, 6, 6, generator=generator), torch.arange(count) % 2
    images_NCHW[labels_N == 1] += 1.0
    pictures = torch.utils.data.TensorDataset(images_NCHW, labels_N)
    torch.manual_seed(1)
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(36, 2)), torch.utils.data.DataLoader(
        pictures, batch_size=16, shuffle=True
    )


def test_a_loop_of_one_s_own_is_left_alone_and_shuffles_otherwise_with_every_seed():
    model, loader = own_loop()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    before = [parameter.detach().clone() for parameter in model.parameters()]
    subject = subject_of_loop(model, loader, optimizer=optimizer)
    drawn = torch.get_rng_state()
    first, second = traces_of_loop(subject, Sweep(steps=40, seeds=2))
    assert torch.equal(torch.get_rng_state(), drawn)
    assert all(torch.equal(old, new) for old, new in zip(before, model.parameters(), strict=True))
    assert (optimizer.state, optimizer.param_groups[0]["lr"]) == ({}, 0.1)
    assert first.losses != second.losses


def test_groups_of_a_loop_keep_their_shares_of_the_rate(monkeypatch):
    model, loader = own_loop()
    groups = [{"params": [model[1].weight], "lr": 0.1}, {"params": [model[1].bias], "lr": 0.02}]
    optimizer = torch.optim.SGD(groups)
    seen = []
    step = torch.optim.SGD.step

    def looking(self, *arguments, **named):
        seen.append([group["lr"] for group in self.param_groups])
        return step(self, *arguments, **named)

    monkeypatch.setattr(torch.optim.SGD, "step", looking)
    sweep = Sweep(steps=30, seeds=1, low=1e-3, high=1e-2)
    list(traces_of_loop(subject_of_loop(model, loader, optimizer=optimizer), sweep))
    assert [rates[0] for rates in seen] == pytest.approx(sweep.rates)
    assert all(rates[1] == pytest.approx(rates[0] / 5) for rates in seen)


@pytest.mark.parametrize(
    ("words", "problem", "hint"),
    [
        ({"growth": "exponental"}, "there is no such growth", "did you mean 'exponential'?"),
        ({"low": 1.0, "high": 1.0}, "the rate cannot grow so", "--from 1e-5 --to 10"),
        ({"low": 0.0}, "got: from 0 to 10", "--from 1e-5 --to 10"),
        ({"high": math.inf}, "got: from 1e-05 to inf", "--from 1e-5 --to 10"),
        ({"low": math.nan}, "got: from nan to 10", "--from 1e-5 --to 10"),
        ({"steps": 29}, "steps: too few to see a curve", "--steps 200"),
        ({"steps": 10_001}, "steps: out of range", "--steps 200"),
        ({"seeds": 0}, "seeds: out of range", "--seeds 3"),
    ],
)
def test_what_no_test_can_be_made_of_is_refused(words, problem, hint):
    with pytest.raises(InputError) as told:
        Sweep(**words)
    assert problem in str(told.value)
    assert f"try: {hint}" in str(told.value)


def test_all_that_is_wrong_is_told_at_once():
    with pytest.raises(InputError) as told:
        Sweep("cubic", 2.0, 1.0, 3, 0)
    assert "4 mistakes" in str(told.value)
