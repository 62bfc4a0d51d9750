"""Running statistics counted anew equal those of all numbers together, and nothing else moves."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from trainwright.data import Batch
from trainwright.errors import InputError
from trainwright.models import build_model
from trainwright.models.normalizations import BatchInstanceNorm2d
from trainwright.recipe import ModelSection
from trainwright.training.machine import Machine
from trainwright.training.reestimation import check_reestimation, reestimate

MACHINE = Machine(torch.device("cpu"), torch.float32, channels_last=False)


def batches(images_NCHW: Tensor, *sizes: int) -> list[Batch]:
    zeros_N = torch.zeros(len(images_NCHW), dtype=torch.int64)
    return [
        Batch(images_NCHW=part, labels_N=zeros_N[: len(part)], samples_N=zeros_N[: len(part)], weights_N=None)
        for part in images_NCHW.split(sizes)
    ]


def as_it_is(batch: Batch) -> Tensor:
    return batch.images_NCHW


def test_statistics_are_those_of_all_numbers_together():
    torch.manual_seed(0)
    images_NCHW = torch.randn(23, 3, 4, 5) * torch.tensor([1.0, 5.0, 0.1])[:, None, None] + 7
    net = nn.Sequential(nn.BatchNorm2d(3))
    reestimate(net, batches(images_NCHW, 10, 10, 3), as_it_is, MACHINE)
    values_CM = images_NCHW.double().movedim(1, 0).flatten(1)
    torch.testing.assert_close(net[0].running_mean, values_CM.mean(dim=1).float())
    torch.testing.assert_close(net[0].running_var, values_CM.var(dim=1).float())


def test_behind_a_layer_batches_are_normalized_by_themselves_and_averaged():
    torch.manual_seed(0)
    images_NCHW = torch.randn(12, 1, 6, 6)
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.Conv2d(2, 2, 3), BatchInstanceNorm2d(2))
    parts = images_NCHW.split((8, 4))
    with torch.no_grad():
        first = [net[0](part) for part in parts]
        after = [net[3](net[2](nn.functional.batch_norm(maps, None, None, training=True))) for maps in first]
    reestimate(net, batches(images_NCHW, 8, 4), as_it_is, MACHINE)
    for norm, maps in ((net[1], first), (net[4].batch, after)):
        values_FM = torch.cat(maps).double().movedim(1, 0).flatten(1)
        torch.testing.assert_close(norm.running_mean, values_FM.mean(dim=1).float())
        torch.testing.assert_close(norm.running_var, values_FM.var(dim=1).float(), rtol=1e-4, atol=1e-6)


class WithoutFloat64(TorchFunctionMode):
    """Acts as Apple's GPU: a tensor has to be brought to the CPU before it can become float64."""

    def __init__(self) -> None:
        super().__init__()
        self.on_cpu: list[Tensor] = []

    def __torch_function__(self, func, types, args=(), kwargs=None):
        if func is Tensor.double and not any(args[0] is tensor for tensor in self.on_cpu):
            raise TypeError("this device has no float64")
        result = func(*args, **(kwargs or {}))
        if func is Tensor.cpu:
            self.on_cpu.append(result)
        return result


def test_float64_is_asked_of_the_cpu_alone():
    net = nn.Sequential(nn.BatchNorm2d(3))
    images_NCHW = torch.randn(6, 3, 4, 4) + 2
    with WithoutFloat64():
        reestimate(net, batches(images_NCHW, 4, 2), as_it_is, MACHINE)
    torch.testing.assert_close(net[0].running_mean, images_NCHW.mean((0, 2, 3)))


def test_nothing_else_moves():
    section = ModelSection(
        name="small-resnet", width=4, depth=1, activation="rrelu", dropconnect=0.5, dropout=0.5, stochastic_depth=0.5
    )
    model = build_model(section, classes=3, channels=1, img_size=8)
    model.eval()
    model.stem.train()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    modes = [module.training for module in model.modules()]
    torch.manual_seed(5)
    state = torch.get_rng_state()
    images_NCHW = torch.randn(8, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    reestimate(model, batches(images_NCHW, 4, 4), as_it_is, MACHINE)
    assert torch.equal(torch.get_rng_state(), state)
    assert [module.training for module in model.modules()] == modes
    moved = {key for key, value in model.state_dict().items() if not torch.equal(value, before[key])}
    assert moved == {key for key in before if key.endswith(("running_mean", "running_var"))}
    once = {key: value.clone() for key, value in model.state_dict().items()}
    reestimate(model, batches(images_NCHW, 4, 4), as_it_is, MACHINE)
    assert all(torch.equal(value, once[key]) for key, value in model.state_dict().items())
    assert model.stem[1].momentum == 0.1


def test_a_net_without_batch_normalization_has_nothing_to_count():
    check_reestimation(nn.Sequential(nn.BatchNorm2d(3)))
    check_reestimation(BatchInstanceNorm2d(3))
    with pytest.raises(InputError, match="no running statistics to count anew") as caught:
        check_reestimation(nn.Sequential(nn.InstanceNorm2d(3), nn.GroupNorm(1, 3)))
    assert caught.value.where == "training.reestimate_batch_norm"
