import pytest
import torch
from torch import nn

from trainwright.training.machine import Machine
from trainwright.training.non_finite import first_non_finite

CPU = Machine(torch.device("cpu"), torch.float32, channels_last=False)


@pytest.fixture
def net() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2), nn.ReLU(), nn.Flatten(), nn.Linear(8, 2))


def test_names_the_first_layer_whose_output_is_not_finite(net):
    with torch.no_grad():
        net[4].weight.fill_(float("inf"))
    assert first_non_finite(net, torch.ones(3, 1, 2, 2), CPU) == "4"
    with torch.no_grad():
        net[0].weight.fill_(float("nan"))
    assert first_non_finite(net, torch.ones(3, 1, 2, 2), CPU) == "0"


def test_says_when_it_was_the_input_or_the_loss(net):
    assert first_non_finite(net, torch.full((3, 1, 2, 2), float("nan")), CPU) == "input"
    assert first_non_finite(net, torch.ones(3, 1, 2, 2), CPU) == "loss"


def test_looks_without_touching_the_model(net):
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    first_non_finite(net, torch.randn(3, 1, 2, 2), CPU)
    assert all(torch.equal(before[name], tensor) for name, tensor in net.state_dict().items())
    assert not any(module._forward_hooks for module in net.modules())


@pytest.mark.parametrize(("broken", "name"), [(None, "loss"), ("0", "0")])
def test_looks_as_far_as_one_picture_goes_which_is_too_few_to_normalize_by(net, broken, name):
    if broken is not None:
        with torch.no_grad():
            net.get_submodule(broken).weight.fill_(float("nan"))
    one = torch.ones(1, 1, 1, 1)
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        net(one)
    assert first_non_finite(net, one, CPU) == name
