"""The batch after the step, and its halves."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from monitoring.plain_loop import pictures, trained
from trainwright.monitoring import Monitor
from trainwright.runs import ProbeRecord
from trainwright.training import Seen


def line() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(192, 4, bias=False))


def one_step(loss_of, seen_labels: bool = True, rate: float = 0.1):
    """One step on the squared outputs of a linear net; returns its probe, the net's weight before and the batch."""
    torch.manual_seed(1)
    net, data, records = line(), pictures(16), []
    before = net[1].weight.detach().clone()
    optimizer = torch.optim.SGD(net.parameters(), rate)
    with Monitor(net, optimizer, tell=records.append, loss_of=loss_of, classes=4) as monitor:
        monitor.begin()

        def again():
            return net(data.images_NCHW).square().mean()

        loss = again()
        loss.backward()
        optimizer.step()
        seen = Seen(loss.item(), data.images_NCHW, data.labels if seen_labels else None, again)
        monitor.step(1, 1, seen)
    return next(record for record in records if isinstance(record, ProbeRecord)), before, data


def test_loss_after_and_predicted_change_of_a_quadratic():
    probe, before, data = one_step(None)
    rows = data.images_NCHW.flatten(1).double()
    weight = before.double().requires_grad_()
    loss = (rows @ weight.T).square().mean()
    (gradient,) = torch.autograd.grad(loss, weight)
    moved = (rows @ (weight - 0.1 * gradient).T).square().mean()
    assert probe.loss == pytest.approx(float(loss.detach()))
    assert probe.loss_after == pytest.approx(float(moved.detach()), rel=1e-5)
    assert probe.predicted_change == pytest.approx(-0.1 * float(gradient.square().sum()), rel=1e-5)


def test_halves_of_a_batch_by_hand():
    probe, _, data = one_step(F.cross_entropy, rate=0.0)
    torch.manual_seed(1)
    net = line()
    sides = []
    for half in (slice(0, 8), slice(8, 16)):
        loss = F.cross_entropy(net(data.images_NCHW[half]), data.labels[half])
        sides.append(torch.autograd.grad(loss, net[1].weight)[0].flatten())
    assert probe.half_cosine == pytest.approx(float(F.cosine_similarity(*sides, dim=0)), rel=1e-4)


def test_halves_are_left_alone_where_there_is_no_loss_or_no_label():
    assert one_step(None)[0].half_cosine is None
    assert one_step(F.cross_entropy, seen_labels=False)[0].half_cosine is None


def test_halves_are_looked_at_now_and_then():
    probes = trained(steps=10, first_steps=10).of(ProbeRecord)
    assert [probe.step for probe in probes if probe.half_cosine is not None] == [1, 9]
    assert [probe.step for probe in probes if probe.sketches] == [1, 9]


def test_the_batch_is_described():
    probe, _, data = one_step(None)
    assert probe.label_counts == tuple(torch.bincount(data.labels, minlength=4).tolist())
    flat = data.images_NCHW.movedim(1, 0).flatten(1)
    assert probe.input_mean == pytest.approx(flat.mean(1).tolist(), rel=1e-5, abs=1e-7)
    assert probe.input_deviation == pytest.approx(flat.std(1, correction=0).tolist(), rel=1e-5)
    assert (probe.input_low, probe.input_high) == (pytest.approx(float(flat.min())), pytest.approx(float(flat.max())))


def test_dropout_and_batch_statistics_are_those_of_the_step():
    """With a rate of 0 the loss after the step is the loss of the step, whatever was drawn and normalized."""
    done = trained(make_optimizer=lambda net: torch.optim.SGD(net.parameters(), 0.0))
    for probe in done.of(ProbeRecord):
        assert probe.loss_after == pytest.approx(probe.loss, rel=1e-6)
        assert probe.predicted_change == 0


def test_without_the_loss_anew_there_is_no_trust_to_tell():
    probe = trained(accumulate=2).of(ProbeRecord)[0]
    assert (probe.loss_after, probe.predicted_change) == (None, None)
