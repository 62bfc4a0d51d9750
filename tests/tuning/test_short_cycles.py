"""The search for the rate whose short one-cycle ends lowest."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from trainwright.data import prepare
from trainwright.recipe import compose, parse_assignments
from trainwright.training import build
from trainwright.tuning import Suggestion, Sweep, cycles_of_loop, cycles_of_run, settled, subject_of_loop
from trainwright.tuning.short_cycles import BETWEEN, Cycles, search_rate
from trainwright.workflows.deciding import decide

BLIND = math.log(10)
WORDS = ["data.source=digits", "model.name=plain", "model.width=8", "model.depth=1", "machine.threads=1"]


def valley(best: float, width: float = 1.0):
    """A loss that is lowest at a rate, and rises with the square of the decades to it."""
    return lambda rate: 0.3 + (math.log10(rate / best) / width) ** 2


@given(best=st.floats(1e-4, 1.0), off=st.floats(-1.5, 1.5), width=st.floats(0.75, 2.0))  # narrower is out of sight
def test_the_lowest_place_of_a_valley_is_found_from_afar(best, off, width):
    cycles = search_rate(valley(best, width), best * 10**off, Sweep(cycles=100), 200, BLIND)
    assert cycles.informative
    assert abs(math.log(cycles.best / best)) <= math.log(BETWEEN) * 0.51
    lower, upper = cycles.near
    assert lower <= cycles.best <= upper


@given(best=st.floats(1e-5, 10.0), start=st.floats(1e-6, 100.0), most=st.integers(5, 20))
def test_no_more_is_tried_than_may_be_and_nothing_outside_of_the_ends(best, start, most):
    tried = []
    sweep = Sweep(low=1e-4, high=1.0, cycles=most)
    cycles = search_rate(lambda rate: tried.append(rate) or valley(best)(rate), start, sweep, 200, BLIND)
    assert len(tried) == len(set(tried)) == len(cycles.losses) <= most
    assert all(0.99e-4 <= rate <= 1.01 for rate in tried)
    if not 1e-4 <= best <= 1.0:
        assert cycles.best is None


def test_a_rate_beside_the_cliff_is_not_taken_though_it_is_the_lowest_by_itself():
    losses = {-2: 0.58, -1: 0.53, 0: 0.44, 1: 0.89, 2: math.inf}

    def judge(rate: float) -> float:
        return losses.get(round(math.log(rate / 1.05) / math.log(BETWEEN)), 1.2 if rate < 1.05 else math.inf)

    cycles = search_rate(judge, 1.05, Sweep(cycles=12), 200, BLIND)
    assert cycles.losses[1.05] == min(cycles.losses.values())
    assert cycles.best == pytest.approx(1.05 / BETWEEN, rel=0.01)
    assert max(cycles.losses.values()) == BLIND


def test_nothing_is_suggested_where_no_cycle_learns_or_the_best_lies_at_an_end():
    flat = search_rate(lambda _: BLIND * 0.99, 0.1, Sweep(), 200, BLIND)
    assert not flat.informative
    curve = Suggestion(0.1, 0.01, 0.2, True, "told by the curve", (), (), (), ())
    refused = settled(curve, flat)
    assert (refused.suggested, refused.informative) == (None, False)
    assert "no short training clearly learns" in refused.reason
    ended = search_rate(valley(10.0, 4.0), 0.1, Sweep(high=0.2), 200, BLIND)
    assert "lies at an end of the rates that may be tried" in settled(curve, ended).reason
    silent = replace(curve, suggested=None, lower=None, upper=None, informative=False, reason="never clearly falls")
    assert settled(silent, ended) == silent


def test_a_search_that_ran_out_of_cycles_says_so():
    far = search_rate(valley(5.0, 3.0), 1e-3, Sweep(cycles=5), 200, BLIND)
    assert (far.best, far.exhausted) == (None, True)
    curve = Suggestion(0.1, 0.01, 0.2, True, "told by the curve", (), (), (), ())
    assert settled(curve, far).reason.endswith("more --cycles")
    assert not search_rate(valley(5.0, 3.0), 1.0, Sweep(cycles=20), 200, BLIND).exhausted


def test_cycles_tell_where_the_curve_alone_does_not_and_give_the_range():
    silent = Suggestion(None, None, None, False, "never clearly falls", (), (), (), ())
    cycles = Cycles(200, {0.01: 1.0, 0.0178: 0.42, 0.0316: 0.4, 0.0562: 0.5, 0.1: 2.0}, BLIND, 0.0316)
    found = settled(silent, cycles)
    assert (found.suggested, found.lower, found.upper, found.informative) == (0.0316, 0.0178, 0.0562, True)
    assert "The curve alone does not tell: never clearly falls" in found.reason


def noise(count: int, seed: int = 0) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Gives batches of pictures of noise, whose labels are drawn at random."""
    generator = torch.Generator().manual_seed(seed)
    images_NCHW = torch.randn(count, 1, 8, 8, generator=generator)
    labels_N = torch.randint(0, 4, (count,), generator=generator)
    return list(zip(images_NCHW.split(32), labels_N.split(32), strict=True))


def bright(count: int, seed: int = 0) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Gives batches of pictures that are the brighter the higher their class."""
    return [(images + labels.view(-1, 1, 1, 1), labels) for images, labels in noise(count, seed)]


@pytest.mark.parametrize("kind", [noise, bright])
@pytest.mark.parametrize("held_out", [0, 64, 512])
def test_what_is_learned_by_heart_is_no_learning(kind, held_out):
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 64), torch.nn.ReLU(), torch.nn.Linear(64, 4))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    given = subject_of_loop(model, kind(128), valid_loader=kind(held_out, 1) if held_out else None, optimizer=optimizer)
    cycles = cycles_of_loop(given, Sweep(steps=60, cycles=7), 0.03, [])
    assert cycles.by_heart == (held_out == 0 or (held_out == 64 and kind is noise))
    assert cycles.learns == (kind is bright or held_out < 512)
    silent = Suggestion(None, None, None, False, "never clearly falls", (), (), (), ())
    found = settled(silent, cycles)
    if cycles.by_heart or not cycles.learns:
        assert (found.suggested, found.informative) == (None, False)
        assert ("Short trainings do not tell either" in found.reason) == cycles.by_heart
    telling = replace(silent, suggested=0.03, lower=0.01, upper=0.1, informative=True)
    assert settled(telling, replace(cycles, best=0.03, losses={0.03: 0.1}, by_heart=True)).suggested == 0.03


def test_the_range_of_the_curve_grows_to_hold_the_rate():
    curve = Suggestion(0.1, 0.01, 0.2, True, "told by the curve", (), (), (), ())
    found = settled(curve, Cycles(200, {0.2: 0.6, 0.4: 0.4, 0.8: 0.5}, BLIND, 0.4))
    assert (found.suggested, found.lower, found.upper) == (0.4, 0.01, 0.4)


def test_a_built_recipe_stays_as_it_was_and_the_same_cycles_come_out_again():
    asked = compose(parse_assignments(WORDS))
    data = prepare(asked.data, seed=0)
    setup = build(decide(asked, data), data)
    before = {name: tensor.clone() for name, tensor in setup.model.state_dict().items()}
    sweep, drawn = Sweep(steps=40, cycles=5), torch.get_rng_state()
    first = cycles_of_run(setup, data, sweep, 0.2)
    assert torch.equal(torch.get_rng_state(), drawn)
    assert all(torch.equal(tensor, before[name]) for name, tensor in setup.model.state_dict().items())
    assert first == cycles_of_run(setup, data, sweep, 0.2)
    assert first.blind <= math.log(10) + 1e-6
    assert min(first.losses.values()) < 0.6 * first.blind  # 40 steps; how far below hangs on a processor's rounding


def test_a_loop_of_one_s_own_is_tried_and_left_alone():
    generator = torch.Generator().manual_seed(0)
    images_NCHW, labels_N = torch.randn(96, 1, 6, 6, generator=generator), torch.arange(96) % 2
    images_NCHW[labels_N == 1] += 1.0
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(36, 2))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    pictures = torch.utils.data.TensorDataset(images_NCHW, labels_N)
    drawn = torch.Generator().manual_seed(3)
    loader = torch.utils.data.DataLoader(pictures, batch_size=16, shuffle=True, generator=drawn)
    state = drawn.get_state()
    before = [parameter.detach().clone() for parameter in model.parameters()]
    cycles = cycles_of_loop(subject_of_loop(model, loader, optimizer=optimizer), Sweep(steps=30), 0.1, loader)
    assert min(cycles.losses.values()) < 0.3 < cycles.blind
    assert all(torch.equal(old, new) for old, new in zip(before, model.parameters(), strict=True))
    assert not optimizer.state
    drawn.set_state(state)
    again = cycles_of_loop(subject_of_loop(model, loader, optimizer=optimizer), Sweep(steps=30), 0.1, loader)
    assert again == cycles
