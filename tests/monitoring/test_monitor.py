"""A monitor changes nothing, tells what it sees in order, works on what torch has, and lets go of everything."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from monitoring.plain_loop import net_with_everything, pictures, trained
from trainwright.errors import InputError
from trainwright.monitoring import Monitor, Pictures
from trainwright.runs import AnswersRecord, ProbeRecord, UnitsRecord, WatchRecord
from trainwright.training import Seen


def sgd(net):
    return torch.optim.SGD(net.parameters(), 0.1, momentum=0.9, weight_decay=1e-3)


def adam(net):
    return torch.optim.Adam(net.parameters(), 1e-2)


LOOPS = {
    "plain": {"make_optimizer": sgd},
    "adam": {"make_optimizer": adam},
    "accumulating": {"make_optimizer": sgd, "accumulate": 3},
    "half": {"make_optimizer": adam, "half": True},
    "clipped": {"make_optimizer": sgd, "between": lambda net: nn.utils.clip_grad_norm_(net.parameters(), 0.1)},
}


@pytest.mark.parametrize("loop", LOOPS)
def test_weights_buffers_gradients_and_random_numbers_are_those_of_an_unwatched_loop(loop):
    watched = trained(steps=30, share=0.5, **LOOPS[loop])
    alone = trained(steps=30, watched=False, **LOOPS[loop])
    mine, other = watched.model.state_dict(), alone.model.state_dict()
    assert all(torch.equal(mine[name], other[name]) for name in mine)
    pairs = zip(watched.model.parameters(), alone.model.parameters(), strict=True)
    assert all(torch.equal(one.grad, two.grad) for one, two in pairs)
    assert torch.equal(watched.random, alone.random)
    assert len(watched.of(ProbeRecord)) >= 4


def test_the_first_steps_are_seen_and_the_sets_before_and_after():
    done = trained(first_steps=3, share=1e-9, steps=5)
    kinds = [type(record) for record in done.records]
    sets = [UnitsRecord, AnswersRecord, AnswersRecord, AnswersRecord]
    assert kinds == [WatchRecord, *sets, ProbeRecord, ProbeRecord, ProbeRecord, *sets]
    assert [record.step for record in done.of(ProbeRecord)] == [1, 2, 3]
    assert [record.every for record in done.of(ProbeRecord)][:2] == [1, 1]
    assert done.of(ProbeRecord)[2].every > 100, "a share of next to nothing"
    assert [record.step for record in done.of(UnitsRecord)] == [0, 5]
    assert [(record.part, record.mode) for record in done.of(AnswersRecord)][:3] == [
        ("train", "eval"),
        ("train", "train"),
        ("valid", "eval"),
    ]


def test_sets_are_looked_at_after_an_epoch_where_the_share_allows_it_and_always_after_the_last():
    net, records = net_with_everything(), []
    with Monitor(net, sgd(net), tell=records.append, probe=pictures(), share=1e-9, steps_planned=9) as monitor:
        monitor.begin()
        monitor.epoch(3, 1)
        monitor.epoch(9, 3)
        monitor.finish(9, 3)
        monitor.cadence.share, monitor.cadence.trained_s = 1.0, 1e6
        monitor.epoch(10, 4)
    assert [record.step for record in records if isinstance(record, UnitsRecord)] == [0, 9, 10]


def test_what_is_watched_is_named():
    watch = trained(make_optimizer=sgd, missing=["val_loader"], batch_size=16, steps_planned=6).of(WatchRecord)[0]
    assert [layer.kind for layer in watch.layers] == ["Conv2d", "BatchNorm2d", "ReLU", "Conv2d", "Tanh", "Linear"]
    assert [(layer.units, layer.shape) for layer in watch.layers[2:4]] == [(8, (8, 8, 8)), (12, (12, 8, 8))]
    assert [tensor.name for tensor in watch.tensors if tensor.normalized] == ["0.weight", "0.bias"]
    assert (watch.optimizer, watch.settings["lr"], watch.settings["momentum"]) == ("SGD", 0.1, 0.9)
    assert (watch.classes, watch.batch_size, watch.steps_planned, watch.probe_pictures) == (4, 16, 6, 64)
    assert watch.class_counts == tuple(torch.bincount(pictures(seed=1).labels).tolist())
    assert (watch.affine, watch.dtype, watch.missing, watch.strangers) == (False, "float32", ("val_loader",), 0)


def test_mode_is_that_of_the_steps_since_the_last_probe():
    assert {record.mode for record in trained().of(ProbeRecord)} == {"train"}
    assert {record.mode for record in trained(call=lambda net: net.eval()).of(ProbeRecord)} == {"eval"}


def test_without_sets_of_pictures_steps_are_seen_alone():
    done = trained(probe=None, valid=None)
    assert {type(record) for record in done.records} == {WatchRecord, ProbeRecord}
    assert done.of(WatchRecord)[0].layers == ()


def test_validation_alone_names_the_layers():
    done = trained(probe=None)
    assert len(done.of(WatchRecord)[0].layers) == 6
    assert {record.part for record in done.of(AnswersRecord)} == {"valid"}


@pytest.mark.parametrize("wrap", [nn.DataParallel, lambda net: torch.compile(net, backend="eager")])
def test_what_torch_puts_around_a_net_is_looked_through(wrap):
    done = trained(call=wrap, steps=3)
    assert done.of(WatchRecord)[0].tensors[0].name == "0.weight"
    assert all(record.fresh == pytest.approx(1) for record in done.of(ProbeRecord))
    assert len(done.of(UnitsRecord)) == 2


def test_no_hook_is_left():
    done = trained()
    for module in done.model.modules():
        assert not module._forward_hooks
        assert not module._forward_pre_hooks
    assert not done.optimizer._optimizer_step_pre_hooks
    assert not done.optimizer._optimizer_step_post_hooks
    assert not any(tensor._backward_hooks for tensor in done.model.parameters())


def test_an_optimizer_of_another_model_is_told():
    done = trained(make_optimizer=lambda net: torch.optim.SGD(net_with_everything().parameters(), 0.1))
    watch = done.of(WatchRecord)[0]
    assert watch.strangers == 8
    assert not any(tensor.moved for tensor in watch.tensors)
    probe = done.of(ProbeRecord)[0]
    assert set(probe.updates) == {0.0}
    assert min(probe.weights[:3]) > 0
    assert (probe.backwards, probe.kept, probe.fresh) == (None, None, None)


def test_a_model_without_parameters_is_refused():
    with pytest.raises(InputError, match="no parameters"):
        Monitor(nn.ReLU(), torch.optim.SGD([torch.zeros(1, requires_grad=True)]), tell=print)


def test_a_model_that_is_made_at_its_first_call_is_refused():
    net = nn.Sequential(nn.LazyLinear(3))
    with pytest.raises(InputError, match="shape from the first batch"):
        Monitor(net, torch.optim.SGD([torch.zeros(1, requires_grad=True)]), tell=print)


@pytest.mark.parametrize("images", [torch.zeros(5, 7, 8, 8), torch.zeros(5), torch.zeros(5, 3, 8, 8).double()])
def test_pictures_that_the_model_cannot_take_are_refused(images):
    net = net_with_everything()
    with Monitor(net, sgd(net), tell=print, probe=Pictures(images)) as monitor, pytest.raises(InputError) as caught:
        monitor.begin()
    assert str(tuple(images.shape)) in str(caught.value)
    assert not any(module._forward_hooks for module in net.modules())


def test_a_step_that_the_optimizer_left_out_is_looked_at_later():
    net, records, data = nn.Linear(4, 4), [], torch.randn(8, 4)
    optimizer = sgd(net)
    with Monitor(net, optimizer, tell=records.append, first_steps=1) as monitor:
        monitor.begin()
        for step in (1, 2, 3):
            optimizer.zero_grad()
            loss = F.mse_loss(net(data), data)
            loss.backward()
            if step > 1:
                optimizer.step()
            monitor.step(step, 1, Seen(loss.item(), None, None, None))
    probes = [record for record in records if isinstance(record, ProbeRecord)]
    assert probes[0].step == 2
    assert probes[0].fresh is None, "the backward of the step that was left out is in the sum"


def test_a_thousand_layers():
    net = nn.Sequential(*(nn.Linear(2, 2) for _ in range(1000)))
    data, records = torch.randn(8, 2), []
    optimizer = torch.optim.SGD(net.parameters(), 0.1)
    with Monitor(net, optimizer, tell=records.append, probe=Pictures(data)) as monitor:
        monitor.begin()
        net(data).sum().backward()
        optimizer.step()
        monitor.step(1, 1, Seen(0.0, data, None, None))
    watch, units, probe = (
        next(record for record in records if isinstance(record, kind))
        for kind in (WatchRecord, UnitsRecord, ProbeRecord)
    )
    assert len(watch.layers) == len(units.mean) == 200
    assert (watch.layers[0].name, watch.layers[-1].name) == ("0", "999")
    assert len(watch.tensors) == len(probe.updates) == 2000
