"""One contract for every normalization, fed from the registry; those of our own by numbers worked out by hand."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

from trainwright.errors import InputError
from trainwright.models.normalizations import (
    NORMALIZATIONS,
    BatchInstanceNorm2d,
    ChannelScale,
    InstanceNorm2d,
    group_norm,
    share_names,
)

every_normalization = pytest.mark.parametrize("name", sorted(NORMALIZATIONS))
AXES = {"batch": (0, 2, 3), "instance": (2, 3), "layer": (1, 2, 3), "batch-instance": (0, 2, 3)}
"""Over what the numbers that go out have mean 0 and deviation 1 in the first step."""


def maps(channels: int = 8) -> Tensor:
    return torch.randn(5, channels, 3, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64) * 3 + 2


@every_normalization
def test_numbers_go_out_with_mean_0_and_deviation_1(name):
    layer, before_NFHW = NORMALIZATIONS[name](8, 2).double(), maps()
    after_NFHW = layer(before_NFHW)
    if name == "none":
        assert after_NFHW is before_NFHW
        return
    if name == "group":
        after_NFHW = after_NFHW.reshape(5, 2, 4, 3, 4).movedim(1, 0)
        axes = (2, 3, 4)
    else:
        axes = AXES[name]
    torch.testing.assert_close(after_NFHW.mean(axes), torch.zeros_like(after_NFHW.mean(axes)), atol=1e-12, rtol=0)
    deviation = after_NFHW.std(axes, correction=0)
    torch.testing.assert_close(deviation, torch.ones_like(deviation), atol=1e-5, rtol=0)


@every_normalization
@pytest.mark.parametrize("training", [True, False])
def test_gradient(name, training):
    layer = NORMALIZATIONS[name](4, 2).double().train(training)
    if name == "batch-instance":
        layer.get_parameter("rho").data = torch.tensor([0.0, 0.3, 0.7, 1.0]).double()
    before_NFHW = maps(4)[:3].requires_grad_()
    assert torch.autograd.gradcheck(layer, before_NFHW)


@every_normalization
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_number_formats_and_memory_layout(name, dtype):
    layer = NORMALIZATIONS[name](8, 2)
    before_NFHW = maps().to(dtype).to(memory_format=torch.channels_last)
    with torch.autocast("cpu", torch.bfloat16):
        after_NFHW = layer(before_NFHW)
    expected_NFHW = NORMALIZATIONS[name](8, 2)(before_NFHW.float().contiguous())
    torch.testing.assert_close(after_NFHW.float(), expected_NFHW, atol=0.03, rtol=0.02)


@every_normalization
def test_channels_last_stays_so(name):
    layer = NORMALIZATIONS[name](8, 2).double()
    assert layer(maps().to(memory_format=torch.channels_last)).is_contiguous(memory_format=torch.channels_last)
    assert layer(maps()).is_contiguous()


def test_instance_normalization_is_torch_s():
    ours, theirs = InstanceNorm2d(8).double(), nn.InstanceNorm2d(8, affine=True).double()
    for layer in (ours, theirs):
        nn.init.uniform_(layer.weight, generator=torch.Generator().manual_seed(2))
        nn.init.uniform_(layer.bias, generator=torch.Generator().manual_seed(3))
    torch.testing.assert_close(ours(maps()), theirs(maps()), rtol=0, atol=0)


@every_normalization
def test_scale_and_shift_are_vectors(name):
    layer = NORMALIZATIONS[name](8, 2)
    assert all(parameter.shape == (8,) for parameter in layer.parameters())


def test_batch_instance_by_hand():
    layer = BatchInstanceNorm2d(1, eps=1e-12)
    layer.rho.data, layer.weight.data, layer.bias.data = torch.tensor([0.25]), torch.tensor([2.0]), torch.tensor([1.0])
    # Two pictures of two pixels, 0 2 and 4 6. Over all: mean 3, variance 5; over each: mean 1 and 5, variance 1.
    maps_NFHW = torch.tensor([0.0, 2.0, 4.0, 6.0]).reshape(2, 1, 1, 2)
    by_batch = [value / 5**0.5 for value in (-3.0, -1.0, 1.0, 3.0)]
    by_picture = [-1.0, 1.0, -1.0, 1.0]
    expected = [2 * (0.25 * b + 0.75 * i) + 1 for b, i in zip(by_batch, by_picture, strict=True)]
    assert layer(maps_NFHW).flatten().tolist() == pytest.approx(expected, rel=1e-6)


@given(st.lists(st.floats(0, 1), min_size=3, max_size=3))
def test_batch_instance_lies_between_both(shares):
    before_NFHW = maps(3)
    layer = BatchInstanceNorm2d(3).double()
    layer.rho.data = torch.tensor(shares, dtype=torch.float64)
    by_batch = F.batch_norm(before_NFHW, None, None, training=True)
    by_picture = F.instance_norm(before_NFHW)
    after_NFHW = layer(before_NFHW)
    assert (after_NFHW >= torch.minimum(by_batch, by_picture) - 1e-9).all()
    assert (after_NFHW <= torch.maximum(by_batch, by_picture) + 1e-9).all()


def test_batch_instance_begins_as_batch_normalization():
    before_NFHW = maps()
    ours, theirs = BatchInstanceNorm2d(8).double(), nn.BatchNorm2d(8).double()
    torch.testing.assert_close(ours(before_NFHW), theirs(before_NFHW))
    torch.testing.assert_close(ours.eval()(before_NFHW), theirs.eval()(before_NFHW))


def test_in_evaluation_batch_instance_judges_each_picture_alone():
    layer = BatchInstanceNorm2d(8).double()
    layer.rho.data.fill_(0.4)
    layer(maps())
    layer.eval()
    torch.testing.assert_close(layer(maps())[:1], layer(maps()[:1]))


def test_shares_are_found_by_name():
    net = nn.Sequential(nn.Conv2d(1, 4, 1), BatchInstanceNorm2d(4))
    assert share_names(net) == {"1.rho"}
    assert share_names(BatchInstanceNorm2d(2)) == {"rho"}
    assert share_names(nn.BatchNorm2d(2)) == set()


def test_a_channel_scale_multiplies():
    layer = ChannelScale(2)
    layer.weight.data = torch.tensor([2.0, 0.5])
    assert layer(torch.ones(1, 2, 1, 1)).flatten().tolist() == [2.0, 0.5]
    assert torch.autograd.gradcheck(layer.double(), maps(2).requires_grad_())


def test_groups_that_do_not_divide_get_those_that_do():
    with pytest.raises(InputError) as caught:
        group_norm(12, 8)
    assert caught.value.problem == "8 groups do not divide a layer of 12 channels"
    assert caught.value.expected == "one of 1, 2, 3, 4, 6, 12"
    assert caught.value.where == "model.norm_groups"
