"""Every activation beside every normalization in every net of ours, and the further layers, fed from the registries."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import Tensor, nn

from trainwright.errors import InputError
from trainwright.models import build_model, fit_to_pictures, layer_numbers, layer_table
from trainwright.models.activations import ACTIVATIONS
from trainwright.models.building import OWN_BUILDERS
from trainwright.models.initialization import SCHEMES
from trainwright.models.normalizations import NORMALIZATIONS
from trainwright.models.parts import Parts
from trainwright.models.plain import POOLINGS
from trainwright.models.small_resnet import ResidualBlock, SmallResNet
from trainwright.recipe import InitSection, ModelSection

NETS = sorted(OWN_BUILDERS)
GRID = list(itertools.product(NETS, ACTIVATIONS, NORMALIZATIONS))
FURTHER = [
    {"aspp": 1},
    {"aspp": 2, "dilation": 2, "activation": "maxout"},
    {"spatial_dropout": 0.3, "dropconnect": 0.2},
    {"name": "small-resnet", "stochastic_depth": 0.5},
    *({"name": "plain", "pooling": name} for name in POOLINGS),
]


def net(init: InitSection | None = None, **settings: object) -> nn.Module:
    section = ModelSection(**{"width": 4, "depth": 1, "norm_groups": 2, **settings})  # pyright: ignore[reportArgumentType]
    return build_model(section, classes=3, channels=1, img_size=16, init=init or InitSection(scheme="native"))


def pictures(count: int = 6) -> Tensor:
    return torch.randn(count, 1, 16, 16, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(("name", "activation", "normalization"), GRID)
def test_any_activation_goes_with_any_normalization(name, activation, normalization):
    model = net(name=name, activation=activation, normalization=normalization)
    kinds = {type(module) for module in model.modules()}
    assert type(ACTIVATIONS[activation](4, 0.01)) in kinds
    assert type(NORMALIZATIONS[normalization](4, 2)) in kinds or normalization == "none"
    assert normalization in ("batch", "batch-instance") or nn.BatchNorm2d not in kinds
    assert activation == "relu" or nn.ReLU not in kinds
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for _ in range(2):
        with torch.autocast("cpu", torch.bfloat16):
            logits_NK = model(pictures().to(memory_format=torch.channels_last))
        optimizer.zero_grad()
        nn.functional.cross_entropy(logits_NK.float(), torch.arange(6) % 3).backward()
        optimizer.step()
    assert all(tensor.isfinite().all() for tensor in model.state_dict().values())
    still = [key for key, value in model.named_parameters() if value.grad is None]
    assert still == []


@pytest.mark.parametrize("further", FURTHER, ids=str)
@pytest.mark.parametrize("normalization", ["batch", "instance", "none"])
def test_further_layers_are_built_reported_and_trained(further, normalization):
    settings = {"name": "small-resnet", "normalization": normalization, **further}
    model = net(**settings)
    rows = layer_table(model, channels=1, img_size=16)
    assert all(row.output_shape is not None and row.receptive_field is not None for row in rows)
    assert sum(row.parameters for row in rows) == sum(parameter.numel() for parameter in model.parameters())
    numbers = layer_numbers(model)
    assert set(numbers) == {name for name, _ in model.named_parameters()}
    assert list(numbers.values()) == sorted(numbers.values())
    model(pictures()).sum().backward()
    assert model.eval()(pictures()).isfinite().all()
    assert torch.equal(model(pictures()), model(pictures()))


@pytest.mark.parametrize("scheme", sorted(set(SCHEMES) - {"zeros"}))
@pytest.mark.parametrize(
    "settings",
    [
        {"activation": "maxout", "normalization": "batch-instance"},
        {"activation": "prelu", "normalization": "none", "dropconnect": 0.2},
        {"activation": "rrelu", "normalization": "group", "aspp": 1},
        {"activation": "sigmoid", "normalization": "layer"},
    ],
    ids=str,
)
@pytest.mark.parametrize("name", NETS)
def test_every_initialization_draws_every_kind_of_net(name, settings, scheme):
    section = InitSection(scheme=scheme)
    model = net(section, name=name, **settings)
    fit_to_pictures(model, section, pictures(16), seed=0)
    assert model(pictures()).isfinite().all()
    assert model.training


@pytest.mark.parametrize("activation", ["relu", "maxout"])
@pytest.mark.parametrize("normalization", sorted(NORMALIZATIONS))
def test_a_fresh_block_passes_its_input_on(activation, normalization):
    parts = Parts(activation=activation, normalization=normalization, norm_groups=2)
    maps_NFHW = torch.rand(2, 8, 6, 6)
    assert torch.equal(ResidualBlock(8, 8, stride=1, parts=parts)(maps_NFHW), maps_NFHW)


@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize("normalization", ["none", "batch-instance", "instance"])
def test_a_handful_of_pictures_is_learned_by_heart(name, normalization):
    model = net(name=name, width=16, normalization=normalization)
    images_NCHW, labels_N = pictures(12), torch.arange(12) % 3
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    for _ in range(40):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(images_NCHW), labels_N).backward()
        optimizer.step()
    assert (model(images_NCHW).argmax(1) == labels_N).all()


def test_convolutions_have_biases_only_where_no_normalization_is():
    def biases(**settings: object) -> set[bool]:
        return {module.bias is not None for module in net(**settings).modules() if isinstance(module, nn.Conv2d)}

    for name in NETS:
        assert biases(name=name) == {False}
        assert biases(name=name, normalization="none") == {True}


def test_convolutions_in_front_of_maxout_have_twice_the_channels():
    shapes = {row.name: row.output_shape for row in layer_table(net(name="plain"), channels=1, img_size=16)}
    doubled = net(name="plain", activation="maxout")
    for row in layer_table(doubled, channels=1, img_size=16):
        channels, *size = shapes[row.name] or ()
        in_front = row.kind in ("Conv2d", "BatchNorm2d")
        assert row.output_shape == (2 * channels if in_front else channels, *size), row.name


@pytest.mark.parametrize(("pooling", "size"), [("max", 6), ("average", 6), ("stride", 7)])
def test_maps_of_plain_halve(pooling, size):
    model = build_model(
        ModelSection(name="plain", width=4, depth=1, pooling=pooling), classes=3, channels=1, img_size=13
    )
    # ⌊(N + 2·pad − K)/stride⌋ + 1: ⌊(13 − 2)/2⌋ + 1 = 6 for poolings, ⌊(13 + 2 − 3)/2⌋ + 1 = 7 for the convolution.
    shapes = [row.output_shape for row in layer_table(model, channels=1, img_size=13)]
    assert (4, size, size) in shapes


@pytest.mark.parametrize("name", NETS)
def test_dilation_widens_what_the_last_stage_sees_with_as_many_weights(name):
    def seen(dilation: int) -> tuple[int, int]:
        rows = layer_table(net(name=name, dilation=dilation), channels=1, img_size=16)
        convolution = [row for row in rows if row.kind == "Conv2d"][-1 if name == "plain" else -2]
        assert convolution.receptive_field is not None
        return convolution.receptive_field[0], sum(row.parameters for row in rows)

    plain, wide = seen(1), seen(3)
    # A 3×3 convolution with 3 instead of 1 pixel from tap to tap sees 4 positions more: of `plain` those of maps of a
    # quarter of the size, 4·4 pixels; of the residual net the first convolution sees maps of half the size, 4·2 more.
    assert wide[0] - plain[0] == (16 if name == "plain" else 16 + 8)
    assert wide[1] == plain[1]


def test_the_probability_to_skip_a_block_grows_with_depth():
    parts = Parts(stochastic_depth=0.4)
    model = SmallResNet(classes=3, channels=1, img_size=28, width=4, depth=2, parts=parts)
    drops = [block.drop.probability for block in model.modules() if isinstance(block, ResidualBlock)]
    assert drops == pytest.approx([0.4 * number / 6 for number in range(1, 7)])


def test_a_skipped_block_takes_the_shortcut_alone():
    block = ResidualBlock(4, 4, stride=1, dropped=0.999999)
    nn.init.ones_(block.norm2.weight)
    maps_NFHW = torch.rand(8, 4, 5, 5)
    assert torch.equal(block(maps_NFHW), maps_NFHW)
    assert not torch.equal(block.eval()(maps_NFHW), maps_NFHW)


def test_groups_must_divide_the_channels_of_every_layer():
    with pytest.raises(InputError, match="8 groups do not divide a layer of 4 channels"):
        net(name="plain", normalization="group", norm_groups=8)
