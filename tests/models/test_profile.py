from __future__ import annotations

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from trainwright.models.building import build_model
from trainwright.models.profile import LayerRow, layer_table
from trainwright.recipe.model import ModelSection


def own(name: str, img_size: int = 28) -> nn.Module:
    return build_model(ModelSection(name=name, width=8, depth=2), classes=10, channels=3, img_size=img_size)


def counted_by_torch(model: nn.Module, channels: int, img_size: int) -> int:
    """Returns torch's own count; it takes a multiplication with an addition for two."""
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        copy.deepcopy(model).eval()(torch.zeros(1, channels, img_size, img_size))
    return counter.get_total_flops() // 2


@pytest.mark.parametrize("name", ["small-resnet", "plain", "resnet18", "mobilenetv3_small_100", "vit_tiny_patch16_224"])
def test_sums_are_those_of_the_net(name: str) -> None:
    if name in ("small-resnet", "plain"):
        model = own(name, 64)
    else:
        model = build_model(ModelSection(name=name), classes=10, channels=3, img_size=64)
    rows = layer_table(model, channels=3, img_size=64)
    assert sum(row.multiply_adds for row in rows) == counted_by_torch(model, 3, 64)
    assert sum(row.parameters for row in rows) == sum(parameter.numel() for parameter in model.parameters())
    assert len({row.name for row in rows}) == len(rows)


def test_resnet18_has_the_published_numbers() -> None:
    """1.8 billion multiply-adds: He et al. 2016, table 1. 435 pixels: Araujo et al. 2019, table 1."""
    model = build_model(ModelSection(name="resnet18"), classes=1000, channels=3, img_size=224)
    rows = layer_table(model, channels=3, img_size=224)
    assert sum(row.parameters for row in rows) == 11_689_512
    assert sum(row.multiply_adds for row in rows) == 1_814_073_344
    by_name = {row.name: row for row in rows}
    assert by_name["conv1"] == LayerRow("conv1", "Conv2d", (64, 112, 112), 9_408, 118_013_952, (7, 7))
    assert by_name["layer4.1.act2"].receptive_field == (435, 435)
    assert by_name["fc"].output_shape == (1000,)
    assert by_name["fc"].multiply_adds == 512_000


def test_a_small_net_by_hand() -> None:
    model = nn.Sequential(
        nn.Conv2d(3, 8, 5, stride=2, padding=2),
        nn.ReLU(),
        nn.Conv2d(8, 16, 3, padding=2, dilation=2, groups=4),
        nn.MaxPool2d(2),
        nn.Identity(),
        nn.Flatten(),
        nn.Linear(256, 10),
    )
    assert layer_table(model, channels=3, img_size=16) == [
        LayerRow("0", "Conv2d", (8, 8, 8), 5 * 5 * 3 * 8 + 8, 64 * 5 * 5 * 3 * 8, (5, 5)),
        LayerRow("1", "ReLU", (8, 8, 8), 0, 0, (5, 5)),
        LayerRow("2", "Conv2d", (16, 8, 8), 3 * 3 * 2 * 16 + 16, 64 * 3 * 3 * 2 * 16, (13, 13)),
        LayerRow("3", "MaxPool2d", (16, 4, 4), 0, 0, (15, 15)),
        LayerRow("5", "Flatten", (256,), 0, 0, (27, 27)),
        LayerRow("6", "Linear", (10,), 2570, 2560, (27, 27)),
    ]


@settings(max_examples=40, deadline=None)
@given(
    groups=st.integers(1, 3),
    maps=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    kernel=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    stride=st.integers(1, 3),
    dilation=st.integers(1, 2),
    transposed=st.booleans(),
)
def test_every_convolution_is_counted_as_torch_does(
    groups: int, maps: tuple[int, int], kernel: tuple[int, int], stride: int, dilation: int, transposed: bool
) -> None:
    kind = nn.ConvTranspose2d if transposed else nn.Conv2d
    model = kind(maps[0] * groups, maps[1] * groups, kernel, stride, dilation=dilation, groups=groups)
    (row,) = layer_table(model, channels=maps[0] * groups, img_size=9)
    assert row.multiply_adds == counted_by_torch(model, maps[0] * groups, 9)


class Batched(nn.Module):
    """Multiplies matrices in the ways that attention does by hand, and holds a parameter of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))
        self.act = nn.ReLU()
        self.unused = nn.Linear(3, 2)

    def forward(self, images_NCHW: Tensor) -> Tensor:
        rows_NHW = self.act(images_NCHW[:, 0]) * self.scale
        mixed_NHH = torch.bmm(rows_NHW, rows_NHW.transpose(1, 2))
        mixed_NHH = torch.baddbmm(mixed_NHH, mixed_NHH, mixed_NHH)
        attended_NHH = nn.functional.scaled_dot_product_attention(
            mixed_NHH[:, None], mixed_NHH[:, None], mixed_NHH[:, None]
        )
        return attended_NHH.flatten(1)


def test_products_outside_of_layers_belong_to_the_module_around_them() -> None:
    rows = {row.name: row for row in layer_table(Batched(), channels=1, img_size=4)}
    assert rows[""].multiply_adds == 4**3 + 4**3 + 2 * 4**3
    assert rows[""].parameters == 1
    assert rows["unused"] == LayerRow("unused", "Linear", None, 8, 0, None)
    assert rows[""].receptive_field is None


def test_shared_layers_count_their_parameters_once_and_their_work_twice() -> None:
    layer = nn.Conv2d(2, 2, 3, padding=1, bias=False)
    rows = layer_table(nn.Sequential(layer, nn.ReLU(), layer), channels=2, img_size=4)
    assert [(row.name, row.parameters, row.multiply_adds) for row in rows] == [("0", 36, 2 * 36 * 16), ("1", 0, 0)]


class Tied(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.one = nn.Conv2d(1, 1, 3)
        self.two = nn.Conv2d(1, 1, 3)
        self.two.weight = self.one.weight

    def forward(self, images_NCHW: Tensor) -> Tensor:
        return self.two(self.one(images_NCHW))


def test_shared_parameters_count_once() -> None:
    assert [row.parameters for row in layer_table(Tied(), channels=1, img_size=8)] == [10, 1]


def test_the_net_is_left_as_it_was() -> None:
    model = own("small-resnet")
    model.get_submodule("stages.1").eval()
    before = copy.deepcopy(model.state_dict())
    modes = [module.training for module in model.modules()]
    torch.manual_seed(0)
    random_state = torch.get_rng_state()
    layer_table(model, channels=3, img_size=28)
    assert [module.training for module in model.modules()] == modes
    assert torch.equal(torch.get_rng_state(), random_state)
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())
    assert all(parameter.grad is None for parameter in model.parameters())


def test_the_net_is_left_as_it_was_even_when_it_fails() -> None:
    model = own("plain")
    with pytest.raises(RuntimeError):
        layer_table(model, channels=1, img_size=28)
    assert model.training
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())


def test_the_number_format_and_memory_layout_of_the_net_do_not_matter() -> None:
    model = own("small-resnet")
    expected = layer_table(model, channels=3, img_size=28)
    model.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    assert layer_table(model, channels=3, img_size=28) == expected
    assert layer_table(model.bfloat16(), channels=3, img_size=28) == expected
