"""What a step did to the weights, against sums made by hand."""

from __future__ import annotations

import math

import pytest
import torch
from timm.optim import Lookahead
from torch import nn

from monitoring.plain_loop import trained
from trainwright.monitoring.stepping import Stepping
from trainwright.runs import SKETCH_HIGH, SKETCH_LOW, ProbeRecord, UnitsRecord, WatchRecord


def stepped(net: nn.Module, optimizer: torch.optim.Optimizer, *, closure=None, sketched: bool = False):
    """Makes one step that is looked at; returns its columns and what was fetched."""
    stepping = Stepping(dict(net.named_parameters()), optimizer, due=lambda: True, sketched=lambda: sketched)
    optimizer.step(closure) if closure else optimizer.step()
    assert stepping.seen()
    fetched = stepping.readings.fetch()
    columns = stepping.columns(fetched)
    stepping.close()
    return columns, fetched


def two_tensors() -> nn.Linear:
    """Weights (3, 4) and 0, gradients (1, 0) and none."""
    net = nn.Linear(2, 1)
    net.weight.data = torch.tensor([[3.0, 4.0]])
    net.bias.data.zero_()
    net.weight.grad = torch.tensor([[1.0, 0.0]])
    return net


def test_one_step_of_sgd_by_hand():
    net = two_tensors()
    columns, _ = stepped(net, torch.optim.SGD(net.parameters(), 0.5))
    assert columns.weights == (5.0, 0.0)
    assert columns.gradients == (1.0, None)
    assert columns.updates == (0.5, 0.0)
    assert columns.zero_gradients == (0.5, None)
    assert columns.predicted_change == -0.5
    # From (3, 4) to (2.5, 4).
    angle = math.atan2(4, 2.5) - math.atan2(4, 3)
    assert columns.turns == (pytest.approx(angle, rel=1e-6), None)
    assert columns.sketches == ()


def test_a_turn_of_a_millionth_is_not_lost_in_float32():
    net = two_tensors()
    net.weight.grad = torch.tensor([[-4.0, 3.0]])
    columns, _ = stepped(net, torch.optim.SGD(net.parameters(), 1e-4))
    assert columns.turns[0] == pytest.approx(1e-4, rel=1e-2)


def test_sketches_count_the_gradients():
    net = two_tensors()
    columns, _ = stepped(net, torch.optim.SGD(net.parameters(), 0.5), sketched=True)
    assert [len(row) for row in columns.sketches] == [SKETCH_HIGH - SKETCH_LOW + 2, 0]
    assert {place: count for place, count in enumerate(columns.sketches[0]) if count} == {0: 1, 1 - SKETCH_LOW: 1}


def test_momentum_and_decay_are_in_the_update_and_not_in_the_gradient():
    probes = trained(
        make_optimizer=lambda net: torch.optim.SGD(net.parameters(), 0.1, momentum=0.9, weight_decay=0.5), steps=2
    ).of(ProbeRecord)
    plain = trained(steps=2).of(ProbeRecord)
    assert probes[0].gradients == plain[0].gradients
    assert probes[0].updates[4] > 1.5 * plain[0].updates[4]


def test_norms_of_a_whole_training_are_those_of_weights_kept_aside():
    kept: list[list[torch.Tensor]] = []
    done = trained(between=lambda net: kept.append([tensor.detach().clone() for tensor in net.parameters()]), steps=3)
    probes = done.of(ProbeRecord)
    for before, after, probe in zip(kept, kept[1:], probes, strict=False):
        norms = [float((new.double() - old.double()).norm()) for old, new in zip(before, after, strict=True)]
        assert probe.updates == pytest.approx(norms, rel=1e-4, abs=1e-8)
        assert probe.weights == pytest.approx([float(old.double().norm()) for old in before], rel=1e-6)
        # Without momentum Δw = -0.1 g, so that g·Δw = -‖Δw‖² / 0.1.
        assert probe.predicted_change == pytest.approx(-sum(norm**2 for norm in norms) / 0.1, rel=1e-4)


def test_a_step_with_a_closure_is_seen_and_its_backwards_are_not_compared():
    net, data = nn.Linear(2, 1), torch.randn(8, 2)
    optimizer = torch.optim.LBFGS(net.parameters(), max_iter=2)

    def closure():
        optimizer.zero_grad()
        loss = net(data).square().mean()
        loss.backward()
        return loss

    columns, fetched = stepped(net, optimizer, closure=closure)
    assert columns.updates[0] > 0
    assert "sentinel" not in fetched


def test_an_optimizer_around_another_is_seen_inside_and_predicts_nothing():
    done = trained(make_optimizer=lambda net: Lookahead(torch.optim.SGD(net.parameters(), 0.1)))
    probe = done.of(ProbeRecord)[0]
    assert probe.updates[0] > 0
    assert probe.predicted_change is None


def test_half_precision_norms_do_not_overflow():
    net = nn.Linear(2, 1).half()
    net.weight.data = torch.tensor([[300.0, 400.0]]).half()
    net.weight.grad = torch.tensor([[30000.0, 40000.0]]).half()
    columns, _ = stepped(net, torch.optim.SGD(net.parameters(), 0.0))
    assert (columns.weights[0], columns.gradients[0]) == (500.0, 50000.0)


def test_gradients_that_are_not_numbers_are_told_as_such():
    net = two_tensors()
    net.weight.grad = torch.tensor([[math.nan, 1.0]])
    columns, _ = stepped(net, torch.optim.SGD(net.parameters(), 0.5))
    assert math.isnan(columns.gradients[0])
    assert columns.turns[0] is None


def test_units_without_a_gradient_at_their_weights_are_unfed():
    def some_dead() -> nn.Module:
        net = nn.Sequential(nn.Flatten(), nn.Linear(192, 8), nn.ReLU(), nn.Linear(8, 4))
        with torch.no_grad():
            net[1].bias[:2] = -1000.0
        return net

    done = trained(make=some_dead)
    kinds = [layer.kind for layer in done.of(WatchRecord)[0].layers]
    assert kinds == ["Linear", "ReLU", "Linear"]
    assert [record.unfed for record in done.of(UnitsRecord)] == [(None, None, None), (0.25, None, 0.0)]
