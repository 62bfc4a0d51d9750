"""Every scheme against its formula, on layers of all kinds; today's nets bit for bit; the figures of the lecture.
test_initialization_contract.py has the laws of all schemes."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
import timm
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from trainwright.errors import InputError, TrainwrightError
from trainwright.models import Plain, SmallResNet, build_model, choose_init, initialize, layer_signals, set_class_prior
from trainwright.models.data_driven import fit_to_pictures
from trainwright.models.gains import gain
from trainwright.models.heads import affine_layers, head_layers
from trainwright.models.initialization import SCHEMES, describe_layer
from trainwright.recipe import InitSection, ModelSection

GOLDEN = json.loads((Path(__file__).parents[1] / "reference" / "golden.json").read_text())
LAYERS = {
    "linear": (lambda: nn.Linear(600, 300), 600, 300),
    "conv": (lambda: nn.Conv2d(64, 48, 3), 64 * 9, 48 * 9),
    "grouped": (lambda: nn.Conv2d(64, 96, 3, groups=4), 16 * 9, 24 * 9),
    "depthwise": (lambda: nn.Conv2d(1200, 1200, 5, groups=1200), 25, 25),
    "oblong": (lambda: nn.Conv2d(80, 60, (1, 5), stride=2), 80 * 5, 60 * 5),
    "one axis": (lambda: nn.Conv1d(128, 64, 3), 128 * 3, 64 * 3),
}
DEVIATIONS = {
    "normal": lambda fan_in, fan_out: 0.02,
    "uniform": lambda fan_in, fan_out: 0.02,
    "lecun": lambda fan_in, fan_out: math.sqrt(1 / (3 * fan_in)),
    "xavier": lambda fan_in, fan_out: math.sqrt(2 / (fan_in + fan_out)),
    "xavier-caffe": lambda fan_in, fan_out: math.sqrt(1 / fan_in),
    "kaiming": lambda fan_in, fan_out: math.sqrt(2 / fan_in),
    "kaiming-fan-out": lambda fan_in, fan_out: math.sqrt(2 / fan_out),
    "kaiming-average": lambda fan_in, fan_out: math.sqrt(4 / (fan_in + fan_out)),
    "data-dependent": lambda fan_in, fan_out: math.sqrt(1 / fan_in),
}
NETS = {
    "small-resnet": ModelSection(name="small-resnet", width=8, depth=1),
    "plain": ModelSection(name="plain", width=8, depth=1),
    "resnet18": ModelSection(name="resnet18"),
}
every_scheme = pytest.mark.parametrize("scheme", sorted(SCHEMES))


def section(scheme: str, **others: object) -> InitSection:
    if scheme in ("normal", "uniform"):
        others = {"std": 0.02, **others}
    return InitSection(scheme=scheme, **others)  # pyright: ignore[reportArgumentType]


def drawn_as_ever(name: str) -> nn.Module:
    """Draws a net as the version before there were schemes did, by torch's own functions."""
    torch.manual_seed(0)
    if name == "resnet18":
        return timm.create_model(name, num_classes=10, in_chans=1)
    sizes = {"classes": 10, "channels": 1, "img_size": 28, "width": 32, "depth": 2}
    net = SmallResNet(**sizes) if name == "small-resnet" else Plain(**sizes)
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    nn.init.normal_(net.head.weight, std=0.01)
    nn.init.zeros_(net.head.bias)
    return net


@pytest.mark.parametrize("name", sorted(NETS))
def test_auto_draws_the_weights_that_it_drew_before_there_were_schemes(name):
    """Bit for bit; the scales that start at 0 and the small head are among them."""
    section = ModelSection(name=name, **({} if name == "resnet18" else {"width": 32, "depth": 2}))
    (choice,) = choose_init(InitSection(), section)
    expected = drawn_as_ever(name).state_dict()
    for init in (InitSection(scheme=choice.value), InitSection(scheme="native")):
        net = build_model(section, classes=10, channels=1, img_size=28 if name != "resnet18" else 32, init=init)
        state = net.state_dict()
        assert state.keys() == expected.keys()
        assert all(torch.equal(state[key], expected[key]) for key in expected)


@pytest.mark.parametrize("kind", sorted(LAYERS))
@pytest.mark.parametrize("scheme", sorted(DEVIATIONS))
def test_the_deviation_is_that_of_the_formula(scheme, kind):
    make, fan_in, fan_out = LAYERS[kind]
    torch.manual_seed(0)
    layer = make()
    initialize(nn.Sequential(layer, nn.ReLU()), section(scheme))
    numbers = layer.weight.numel()
    assert layer.weight.std().item() == pytest.approx(
        DEVIATIONS[scheme](fan_in, fan_out), rel=4 / math.sqrt(2 * numbers)
    )
    assert layer.weight.mean().item() == pytest.approx(0, abs=4 * layer.weight.std().item() / math.sqrt(numbers))
    assert not layer.bias.any()


def test_every_scheme_has_its_formula_here():
    """Or a test of its own: what draws nothing, and what is orthonormal."""
    assert set(SCHEMES) == {*DEVIATIONS, "native", "zeros", "orthogonal", "lsuv"}


def test_a_uniform_draw_ends_at_root_three_deviations():
    layer = nn.Linear(300, 300)
    initialize(layer, section("uniform"))
    assert layer.weight.abs().max().item() == pytest.approx(0.02 * math.sqrt(3), rel=1e-3)


def test_pytorchs_own_start_has_the_deviation_of_lecun():
    layer = nn.Linear(600, 300)
    assert layer.weight.std().item() == pytest.approx(DEVIATIONS["lecun"](600, 300), rel=0.01)


@pytest.mark.parametrize("scheme", ["kaiming", "kaiming-fan-out", "kaiming-average", "orthogonal"])
def test_the_gain_is_that_of_the_nets_activation(scheme):
    deviations = []
    for activation in (nn.Identity(), nn.Tanh()):
        torch.manual_seed(0)
        layer = nn.Linear(200, 100)
        initialize(nn.Sequential(layer, activation), section(scheme))
        deviations.append(layer.weight.std().item())
    # A net without a known activation is taken for one of rectifiers.
    assert deviations[1] / deviations[0] == pytest.approx(gain("tanh") / gain("relu"), rel=1e-5)


@settings(max_examples=30)
@given(
    outputs=st.integers(1, 12), inputs=st.integers(1, 6), kernel=st.integers(1, 3), groups=st.sampled_from([1, 2, 3])
)
def test_orthogonal_rows_or_columns_whichever_are_fewer(outputs, inputs, kernel, groups):
    layer = nn.Conv2d(inputs * groups, outputs * groups, kernel, groups=groups)
    initialize(nn.Sequential(layer, nn.ReLU()), section("orthogonal"))
    for part in layer.weight.detach().chunk(groups):
        rows = part.flatten(1).double()
        product = rows @ rows.T if rows.shape[0] <= rows.shape[1] else rows.T @ rows
        torch.testing.assert_close(product, 2 * torch.eye(len(product)).double(), rtol=0, atol=1e-5)


def test_zeros_are_zero_everywhere():
    net = build_model(NETS["plain"], classes=3, channels=1, img_size=8, init=section("zeros"))
    assert not any(layer.weight.any() for layer in affine_layers(net).values())


@every_scheme
@pytest.mark.parametrize("name", sorted(NETS))
def test_every_scheme_draws_every_net(scheme, name):
    """All but the last layer by the scheme, the last as `init.head` says; scales of normalizations stay."""
    native = build_model(NETS[name], classes=5, channels=3, img_size=32, seed=1).state_dict()
    for head in ("small", "scheme"):
        init = section(scheme, **({} if scheme in ("native", "zeros") else {"head": head}))
        net = build_model(NETS[name], classes=5, channels=3, img_size=32, seed=1, init=init)
        fit_to_pictures(net, init, torch.randn(16, 3, 32, 32, generator=torch.Generator().manual_seed(0)), seed=0)
        layers, heads = affine_layers(net), head_layers(net)
        assert len(heads) == 1
        for key, layer in layers.items():
            if scheme in DEVIATIONS and scheme != "data-dependent" and (key not in heads or head == "scheme"):
                fans = describe_layer(layer, 1.0, 0.02)
                expected = DEVIATIONS[scheme](fans.fan_in, fans.fan_out)
                assert layer.weight.std().item() == pytest.approx(expected, rel=4 / math.sqrt(2 * layer.weight.numel()))
        if scheme not in ("native", "zeros") and head == "small":
            (last,) = heads.values()
            assert last.weight.std().item() == pytest.approx(0.01, rel=0.2)
            assert not last.bias.any()
        state = net.state_dict()
        others = [key for key in native if key.rpartition(".")[0] not in layers]
        assert any(key.endswith("running_mean") for key in others)
        assert all(torch.equal(state[key], native[key]) for key in others)


def test_timm_is_left_alone_by_native_and_drawn_by_a_scheme():
    native = build_model(NETS["resnet18"], classes=3, channels=1, img_size=32, seed=2)
    drawn = build_model(NETS["resnet18"], classes=3, channels=1, img_size=32, seed=2, init=section("kaiming"))
    assert not torch.equal(native.state_dict()["conv1.weight"], drawn.state_dict()["conv1.weight"])


@pytest.mark.parametrize(
    ("name", "weights", "activation", "scheme"),
    [
        ("plain", "none", "relu", "kaiming-fan-out"),
        ("small-resnet", "none", "leaky-relu", "kaiming-fan-out"),
        ("plain", "none", "tanh", "xavier"),
        ("plain", "none", "sigmoid", "xavier"),
        ("plain", "none", "selu", "xavier-caffe"),
        ("plain", "none", "maxout", "kaiming"),
        ("plain", "none", "native", "kaiming-fan-out"),
        ("resnet18", "none", "relu", "native"),
        ("resnet18", "pretrained", "relu", "native"),
        ("plain", "weights.safetensors", "relu", "native"),
    ],
)
def test_auto_chooses_by_activation_and_leaves_others_work_alone(name, weights, activation, scheme):
    (choice,) = choose_init(InitSection(), ModelSection(name=name, weights=weights, activation=activation))
    assert (choice.key, choice.value) == ("init.scheme", scheme)
    assert choice.reason
    assert choose_init(InitSection(scheme="lsuv"), ModelSection(name=name, activation=activation)) == []


def test_an_undecided_scheme_is_our_bug():
    with pytest.raises(TrainwrightError, match=r"init\.scheme is still 'auto'"):
        build_model(NETS["plain"], classes=3, channels=1, img_size=8, init=InitSection())


def test_a_class_prior_answers_with_the_shares():
    shares = [0.5, 0.3, 0.2]
    for name in ("plain", "resnet18"):
        net = build_model(NETS[name], classes=3, channels=1, img_size=32, init=section("kaiming")).eval()
        set_class_prior(net, shares)
        (head,) = head_layers(net).values()
        nn.init.zeros_(head.weight)
        probabilities_NK = net(torch.randn(4, 1, 32, 32)).softmax(dim=1)
        torch.testing.assert_close(probabilities_NK, torch.tensor(shares).expand(4, 3))


def test_a_class_prior_needs_a_bias_for_each_class():
    with pytest.raises(InputError, match="the last layer of this model has no bias for each class") as caught:
        set_class_prior(nn.Sequential(nn.Linear(3, 2)), [0.5, 0.5])
    assert "no last layer by the name that the model gives" in str(caught.value)
    net = build_model(NETS["plain"], classes=3, channels=1, img_size=8)
    with pytest.raises(InputError, match="expected: a linear layer with 2 biases\n  got: head"):
        set_class_prior(net, [0.5, 0.5])


def deep_net(activation: type[nn.Module]) -> nn.Sequential:
    """Ten layers of 500 units without biases, as the figures were made with."""
    return nn.Sequential(*[layer for _ in range(10) for layer in (nn.Linear(500, 500, bias=False), activation())])


@pytest.mark.parametrize(
    ("key", "activation", "init"),
    [
        ("tanh, sigma 0.01", nn.Tanh, InitSection(scheme="normal", std=0.01)),
        ("tanh, sigma 1.0", nn.Tanh, InitSection(scheme="normal", std=1.0)),
        ("tanh, sigma sqrt(1/fan_in)", nn.Tanh, InitSection(scheme="xavier-caffe")),
        ("relu, sigma sqrt(1/fan_in)", nn.ReLU, InitSection(scheme="xavier-caffe")),
        ("relu, sigma sqrt(2/fan_in)", nn.ReLU, InitSection(scheme="kaiming")),
    ],
)
def test_activations_of_the_lecture(key, activation, init):
    """Its one net lies within the spread of 20 of ours, in every layer."""
    torch.manual_seed(0)
    measured: list[list[tuple[float, float]]] = []
    for _ in range(20):
        net = deep_net(activation)
        initialize(net, init)
        rows = layer_signals(net, torch.randn(1000, 500))
        measured.append([(row.std, row.mean) for row in rows if row.kind == activation.__name__])
    measured_SL2 = torch.tensor(measured, dtype=torch.float64)
    golden = {0: GOLDEN["activation_std_by_layer"][key], 1: GOLDEN["activation_mean_by_layer"].get(key)}
    for which, values in golden.items():
        if values is not None:
            values_L = torch.tensor(values, dtype=torch.float64)
            center_L, spread_L = measured_SL2[:, :, which].mean(dim=0), measured_SL2[:, :, which].std(dim=0)
            # Published with six decimals; 20 nets know the spread to a sixth, and 10 layers are looked at.
            assert ((values_L - center_L).abs() <= 3.5 * spread_L + 1e-6).all(), (values_L - center_L) / spread_L
            assert (spread_L <= 0.25 * center_L + 1e-6).all()


def test_saturation_of_the_lecture_is_seen():
    torch.manual_seed(0)
    net = deep_net(nn.Tanh)
    initialize(net, InitSection(scheme="normal", std=1.0))
    last = layer_signals(net, torch.randn(200, 500))[-1]
    assert last.saturated is not None
    assert last.saturated > 0.8


def test_the_docstring_of_a_scheme_names_its_source():
    for name, draw in SCHEMES.items():
        assert draw.__doc__, name
        assert "Source" in draw.__doc__ or name in ("native", "zeros")
