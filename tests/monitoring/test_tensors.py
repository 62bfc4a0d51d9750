"""What is known of tensors before the first step."""

from __future__ import annotations

import pytest
import timm
import torch
from torch import nn
from torch.nn.utils.parametrizations import weight_norm

from trainwright.monitoring.tensors import parameters_of, settings_of, twins, unwrapped, watched_tensors


def described(net: nn.Module, optimizer: torch.optim.Optimizer | None = None):
    optimizer = optimizer or torch.optim.SGD(net.parameters(), 0.1)
    return {tensor.name: tensor for tensor in watched_tensors(net, parameters_of(net), optimizer, frozenset())}


def test_kinds():
    net = nn.ModuleDict({"conv": nn.Conv2d(3, 4, 3), "norm": nn.GroupNorm(2, 4), "attn": nn.MultiheadAttention(4, 2)})
    net.register_parameter("token", nn.Parameter(torch.zeros(1, 4)))
    kinds = {name: tensor.kind for name, tensor in described(net).items()}
    assert kinds == {
        "token": "other",
        "conv.weight": "weight",
        "conv.bias": "bias",
        "norm.weight": "scale",
        "norm.bias": "scale",
        "attn.in_proj_weight": "weight",
        "attn.in_proj_bias": "bias",
        "attn.out_proj.weight": "weight",
        "attn.out_proj.bias": "bias",
    }


def test_kinds_in_a_net_of_timm():
    tensors = described(timm.create_model("convnext_atto", num_classes=3))
    assert tensors["stages.0.blocks.0.norm.weight"].kind == "scale"
    assert tensors["stages.0.blocks.0.gamma"].kind == "other"
    assert tensors["stages.0.blocks.0.mlp.fc1.weight"].kind == "weight"
    assert tensors["head.fc.bias"].layer == "head.fc"


def test_another_form_of_a_weight_belongs_to_its_layer():
    tensors = described(nn.Sequential(weight_norm(nn.Linear(3, 4))))
    assert {tensor.layer for tensor in tensors.values()} == {"0"}
    assert tensors["0.parametrizations.weight.original1"].kind == "weight"


def test_who_moves_and_decays_what():
    net = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 4), nn.Linear(4, 2))
    net[1].requires_grad_(False)
    groups = [{"params": net[0].parameters(), "weight_decay": 0.25}, {"params": [net[1].weight]}]
    tensors = described(net, torch.optim.SGD(groups, 0.1))
    assert [tensors[name].moved for name in ("0.weight", "1.weight", "1.bias", "2.weight")] == [
        True,
        True,
        False,
        False,
    ]
    assert [tensors[name].trainable for name in ("0.weight", "1.weight", "2.weight")] == [True, False, True]
    assert [tensors[name].weight_decay for name in ("0.weight", "1.weight", "2.weight")] == [0.25, 0.0, 0.0]


def test_twins_are_equal_rows():
    weight = torch.randn(6, 3, 3, 3)
    assert twins(weight) == 0.0
    weight[4] = weight[1]
    assert twins(weight) == pytest.approx(2 / 6)
    assert twins(torch.zeros(5, 2)) == 1.0
    assert twins(torch.zeros(1, 5)) == twins(torch.zeros(7)) == 0.0
    # Equal sums along other ways are no equal rows.
    assert twins(torch.tensor([[1.0, 0.0], [0.0, 1.0]])) == 0.0


def test_a_tensor_that_two_layers_share_is_one():
    net = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    net[1].weight = net[0].weight
    assert list(described(net)) == ["0.weight", "0.bias", "1.bias"]


def test_settings_are_plain_numbers():
    net = nn.Linear(2, 2)
    told = settings_of(torch.optim.AdamW(net.parameters(), lr=torch.tensor(0.5), betas=(0.9, 0.99), foreach=False))
    assert (told["lr"], told["betas"], told["foreach"]) == (0.5, [0.9, 0.99], False)
    assert "params" not in told


def test_wrappers_come_off():
    net = nn.Linear(2, 2)
    assert unwrapped(nn.DataParallel(torch.compile(net, backend="eager"))) is net
    assert unwrapped(net) is net
