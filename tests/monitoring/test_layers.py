"""Which layers are found, in which order, and that hooks come off."""

from __future__ import annotations

import pytest
import timm
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

from trainwright.monitoring.layers import Called, Names, candidates, walking

PICTURES = torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(0))


def walked(net: nn.Module, inputs: Tensor = PICTURES) -> tuple[list[Called], Names]:
    called, names = [], Names()

    def look(layer: Called) -> None:
        called.append(layer)
        names.look(layer)

    with torch.no_grad(), walking(net.eval(), look, names.normalized.add):
        net(inputs)
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in net.modules())
    return called, names


class Functional(nn.Module):
    """Calls one activation several times, and activations that are no modules."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Conv2d(3, 6, 3), nn.Conv2d(6, 6, 3, padding=1)
        self.act, self.head = nn.ReLU(inplace=True), nn.Linear(6, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.one(x))
        x = self.act(self.two(x) + x)
        x = F.hardtanh(self.act(self.two(x)), -2.0, 2.0)
        x = F.relu6(x, inplace=True)
        return torch.sigmoid(self.head(torch.tanh(x.mean((2, 3)))))


def test_shared_modules_and_functions_are_told_call_by_call():
    called, _ = walked(Functional())
    assert [layer.name for layer in called] == [
        "one",
        "relu()",
        "two",
        "act",
        "two#2",
        "act#2",
        "hardtanh()",
        "relu6()",
        "tanh()",
        "head",
        "sigmoid()",
    ]
    assert {layer.name: layer.bounds for layer in called if layer.bounds} == {"hardtanh()": (-2.0, 2.0)}


def test_an_output_is_seen_before_the_next_layer_writes_over_it():
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True))
    lowest = {}
    with torch.no_grad(), walking(net, lambda layer: lowest.update({layer.name: float(layer.output.min())})):
        net(PICTURES)
    assert lowest["0"] < 0 == lowest["1"]


class Attending(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 16, 8, 8)
        self.attention = nn.MultiheadAttention(16, 2, batch_first=True)
        self.block = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patches(x).flatten(2).mT
        return self.block(x + self.attention(x, x, x)[0])


def test_attention_is_one_layer_and_tokens_have_their_units_last():
    called, _ = walked(Attending())
    assert [layer.name for layer in called] == [
        "patches",
        "attention",
        "block.self_attn",
        "block.norm1",
        "block.linear1",
        "block.relu()",
        "block.linear2",
        "block.norm2",
    ]
    assert [layer.output.shape[layer.axis] for layer in called] == [16, 16, 16, 16, 32, 32, 16, 16]


def test_units_of_an_activation_lie_where_the_layer_before_has_them():
    called, _ = walked(nn.Sequential(nn.Conv1d(3, 7, 3), nn.ReLU(), nn.Conv1d(7, 4, 3)), torch.randn(4, 3, 9))
    assert [layer.axis for layer in called] == [1, 1, 1]
    called, _ = walked(nn.Sequential(nn.Linear(32, 6), nn.ReLU()))
    assert [layer.output.shape[layer.axis] for layer in called] == [6, 6]


def test_what_a_normalization_follows_is_known():
    _, names = walked(timm.create_model("resnet10t", num_classes=5))
    assert {"conv1.0", "conv1.6", "layer1.0.conv1", "layer4.0.downsample.1"} <= names.normalized
    assert "fc" not in names.normalized
    _, names = walked(timm.create_model("mobilenetv3_small_050", num_classes=5))
    assert "blocks.0.0.conv_dw" in names.normalized
    kinds = {layer.name: layer.kind for layer in names.watched()}
    assert kinds["blocks.0.0.bn1.act"] == "ReLU"
    assert "blocks.0.0.bn1" not in kinds, "what it gives out is what its activation gives out"


def test_a_layer_with_another_form_of_its_weight_is_one_layer():
    net = nn.Sequential(weight_norm(nn.Conv2d(3, 4, 3)), nn.ReLU())
    assert list(candidates(net)) == ["0", "1"]
    assert [layer.name for layer in walked(net)[0]] == ["0", "1"]


def test_what_passes_things_on_is_no_layer():
    net = nn.Sequential(
        nn.Identity(), nn.Conv2d(3, 4, 3), nn.Dropout(), nn.AvgPool2d(2), nn.Flatten(), nn.LazyLinear(2)
    )
    assert list(candidates(net)) == ["1", "5"]


def test_parts_that_were_compiled_run_as_they_were_written():
    net = nn.Sequential(
        nn.Conv2d(3, 4, 3), torch.compile(nn.Sequential(nn.ReLU(), nn.Conv2d(4, 2, 3)), backend="eager")
    )
    assert [layer.kind for layer in walked(net)[0]] == ["Conv2d", "ReLU", "Conv2d"]


def test_hooks_come_off_where_the_net_fails():
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Linear(5, 5))
    with pytest.raises(RuntimeError), walking(net, lambda _: None):
        net(PICTURES)
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in net.modules())


class TwoAnswers(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Conv2d(3, 4, 3)

    def forward(self, x: Tensor) -> dict[str, object]:
        return {"count": 3, "maps": (self.body(x), x)}


def test_the_first_tensor_of_an_answer_is_taken():
    called, _ = walked(nn.Sequential(TwoAnswers()))
    assert [layer.name for layer in called] == ["0.body"]
