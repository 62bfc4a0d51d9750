"""What becomes of gradients between backward and the optimizer."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from monitoring.plain_loop import trained
from trainwright.monitoring.sentinel import Sentinel
from trainwright.runs import ProbeRecord


def last(**named) -> ProbeRecord:
    return trained(steps=4, first_steps=4, **named).of(ProbeRecord)[-1]


def test_of_a_plain_step_everything_comes_through():
    probe = last()
    assert (probe.backwards, probe.kept, probe.fresh) == (1, 1.0, pytest.approx(1.0, abs=1e-6))


def test_gradients_that_are_never_zeroed_are_not_fresh():
    probe = last(zero=False)
    assert probe.backwards == 1
    assert probe.fresh < 0.99


def test_batches_of_an_accumulated_step_are_counted():
    probe = last(accumulate=3)
    assert (probe.backwards, probe.kept, probe.fresh) == (3, pytest.approx(1.0), pytest.approx(1.0))


def test_clipped_gradients_are_kept_in_part():
    norms = []
    probe = last(between=lambda net: norms.append(float(nn.utils.clip_grad_norm_(net.parameters(), 0.01))))
    assert probe.kept == pytest.approx(0.01 / norms[-1], rel=1e-3)
    assert probe.fresh == pytest.approx(1.0)


def test_noise_in_the_gradients_turns_them():
    def noise(net: nn.Module) -> None:
        for tensor in net.parameters():
            tensor.grad += torch.ones_like(tensor) * tensor.grad.abs().max()

    assert last(between=noise).fresh < 0.9


def measured(came: torch.Tensor, got: torch.Tensor, scaler=None, alone: bool = True):
    from trainwright.monitoring.readings import Readings

    net = nn.Linear(9, 1, bias=False)
    sentinel = Sentinel(dict(net.named_parameters()), {id(net.weight)}, scaler)
    (net.weight * came).sum().backward()
    net.weight.grad = got
    readings = Readings()
    sentinel.read(readings)
    told = sentinel.told(readings.fetch(), alone=alone)
    sentinel.close()
    return told


def test_a_scale_of_float16_is_taken_out_whether_it_is_known_or_not():
    gradient = torch.randn(1, 9)
    assert measured(gradient * 65536, gradient)[1] == pytest.approx(1.0)
    scaler = torch.amp.GradScaler("cpu", init_scale=1000.0)
    scaler.scale(torch.zeros(1))
    assert measured(gradient * 1000, gradient / 2, scaler)[1] == pytest.approx(0.5)


def test_what_was_left_before_backward_is_measured():
    from trainwright.monitoring.readings import Readings

    net = nn.Linear(9, 1, bias=False)
    sentinel = Sentinel(dict(net.named_parameters()), {id(net.weight)})
    lefts = []
    for left in (None, torch.zeros(1, 9), torch.full((1, 9), 2.0)):
        net.weight.grad = left
        for _ in range(2):
            net.weight.sum().backward()
        net.weight.grad += 0.1
        readings = Readings()
        sentinel.read(readings)
        lefts.append(sentinel.told(readings.fetch(), alone=True)[3])
        sentinel.begin_anew()
    sentinel.close()
    assert lefts == pytest.approx([0.0, 0.0, 1.0])


def test_a_tensor_that_got_nothing_and_several_processes_tell_nothing():
    gradient = torch.randn(1, 9)
    assert measured(gradient, torch.zeros(1, 9)) == (1, None, None, None)
    assert measured(gradient, gradient, alone=False) == (1, None, None, None)


def test_the_smallest_tensor_that_tells_angles_apart_is_taken():
    net = nn.Sequential(nn.Linear(4, 9), nn.Linear(9, 9), nn.Linear(9, 2))
    named = dict(net.named_parameters())
    held = {id(tensor) for tensor in named.values()}

    def taken(named, held):
        sentinel = Sentinel(named, held)
        sentinel.close()
        return next((name for name, tensor in named.items() if tensor is sentinel.tensor), None)

    assert taken(named, held) == "1.bias"
    assert taken({"2.bias": named["2.bias"]}, held) == "2.bias"
    assert taken(named, set()) is None
