"""Sparsity and noise of activations: against NumPy, through hooks that come off, and in a real run."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from trainwright.data import Batch
from trainwright.errors import InputError
from trainwright.models import build_model
from trainwright.models.activations import ACTIVATIONS
from trainwright.recipe import FIRING_ACTIVATIONS, MachineSection, ModelSection, OptimSection, RegularizationSection
from trainwright.training.activations import (
    FIRING,
    acting_on_activations,
    check_activations,
    hidden_activations,
    mean_firing,
    sparsity_penalty,
    with_noise,
)
from trainwright.training.machine import Machine, decide_machine, open_machine
from trainwright.training.optimizers import build_optimizer
from trainwright.training.step import Group, NonFiniteLoss, StepResult, train_step

CPU = Machine(torch.device("cpu"), torch.float32, channels_last=False)


def net(activation: nn.Module | None = None, seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Conv2d(1, 4, 3), activation or nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(16, 3))


def batch(seed: int = 0, count: int = 6) -> Batch:
    draw = torch.Generator().manual_seed(seed)
    images = (torch.rand(count, 1, 4, 4, generator=draw) * 255).to(torch.uint8)
    return Batch(images, torch.randint(3, (count,), generator=draw), torch.arange(count), None)


def prepared(piece: Batch) -> Tensor:
    return piece.images_NCHW.float() / 127.5 - 1


def no_loss(logits_NK: Tensor, labels_N: Tensor, weights_N: Tensor | None) -> Tensor:
    return 0.0 * logits_NK.sum() + 1.25


def step(
    model: nn.Module, group: list[Batch], *, rate: float = 0.1, loss_of=no_loss, machine: Machine = CPU, **settings
) -> StepResult:
    optimizer = build_optimizer(OptimSection(lr=rate, weight_decay=0.0, momentum=0.0, nesterov=False), model)
    return train_step(
        model,
        model,
        optimizer,
        None,
        Group(group, [len(piece.labels_N) for piece in group]),
        prepared,
        machine,
        loss_of=loss_of,
        regularization=RegularizationSection(**settings),
    )


def divergence(target: float, firing_F: np.ndarray) -> float:
    """KL of Bernoulli distributions, by hand."""
    on = target * np.log(target / firing_F)
    return float((on + (1 - target) * np.log((1 - target) / (1 - firing_F))).sum())


BY_HAND = {
    "Sigmoid": (nn.Sigmoid(), lambda z: 1 / (1 + np.exp(-z))),
    "Tanh": (nn.Tanh(), lambda z: (1 + np.tanh(z)) / 2),
    "ReLU": (nn.ReLU(), lambda z: 1 - np.exp(-np.maximum(z, 0))),
    "ReLU6": (nn.ReLU6(), lambda z: 1 - np.exp(-np.clip(z, 0, 6))),
    "Softplus": (nn.Softplus(), lambda z: 1 - np.exp(-np.log1p(np.exp(z)))),
    "Hardsigmoid": (nn.Hardsigmoid(), lambda z: np.clip(z / 6 + 0.5, 0, 1)),
}


@pytest.mark.parametrize("kind", sorted(BY_HAND))
def test_mean_firing_of_each_activation_equals_numpy(kind):
    module, firing = BY_HAND[kind]
    z_NFHW = torch.randn(5, 3, 4, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1)) * 2
    for z, axes in ((z_NFHW, (0, 2, 3)), (z_NFHW[..., 0, 0], (0,)), (z_NFHW[..., 0].transpose(1, 2), (0, 1))):
        assert mean_firing(kind, module(z)).numpy() == pytest.approx(firing(z.numpy()).mean(axes), rel=1e-12)


def test_every_defined_activation_is_checked():
    assert {kind.lower() for kind in FIRING} == {kind.lower() for kind in BY_HAND}


def test_the_recipe_names_the_activations_that_fire():
    kinds = {name: type(build(1, 0.1)).__name__ for name, build in ACTIVATIONS.items()}
    assert set(FIRING_ACTIVATIONS) == {name for name, kind in kinds.items() if kind in FIRING}


@given(st.floats(0.01, 0.99), st.lists(st.floats(0.001, 0.999), min_size=1, max_size=8))
def test_the_penalty_is_the_divergence_and_never_negative(target, firing):
    penalty = sparsity_penalty(torch.tensor(firing, dtype=torch.float64), target).item()
    assert penalty == pytest.approx(divergence(target, np.array(firing)), rel=1e-9, abs=1e-12)
    assert penalty >= -1e-12


def test_the_penalty_is_zero_at_the_target_alone():
    assert sparsity_penalty(torch.full((7,), 0.2, dtype=torch.float64), 0.2).item() == 0.0
    assert sparsity_penalty(torch.tensor([0.2, 0.21]), 0.2).item() > 1e-5


@pytest.mark.parametrize("target", [0.05, 0.5, 0.9])
@pytest.mark.parametrize("kind", sorted(BY_HAND))
def test_the_gradient_equals_finite_differences(kind, target):
    z_NF = torch.randn(4, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(2), requires_grad=True)
    module = BY_HAND[kind][0]
    assert torch.autograd.gradcheck(lambda z: sparsity_penalty(mean_firing(kind, module(z)), target), z_NF)


def test_dead_and_saturated_units_cost_a_finite_amount():
    z_NF = torch.tensor([[-5.0, 500.0], [-9.0, 900.0]], requires_grad=True)
    penalty = sparsity_penalty(mean_firing("ReLU", z_NF.relu()), 0.05)
    penalty.backward()
    assert 10 < penalty.item() < 30
    assert z_NF.grad is not None
    assert z_NF.grad.isfinite().all()


@pytest.mark.parametrize("inplace", [True, False])
def test_a_step_adds_the_penalty_to_the_loss_and_tells_it_apart(inplace):
    """w ← w − α ∂(λ Σ KL)/∂w, where the loss itself has no slope; in-place activations are seen after they acted."""
    ours, theirs = net(nn.ReLU(inplace=inplace)), net(nn.ReLU()).double()
    result = step(ours, [batch()], sparsity=0.5, sparsity_target=0.1)
    maps = theirs[:2](prepared(batch()).double())
    penalty = 0.5 * sparsity_penalty((1 - torch.exp(-maps)).mean((0, 2, 3)), 0.1)
    penalty.backward()
    assert result.loss == 1.25
    assert result.penalty == pytest.approx(penalty.item(), rel=1e-5)
    moved = theirs[0].weight - 0.1 * theirs[0].weight.grad
    assert ours[0].weight.detach().double().numpy() == pytest.approx(moved.detach().numpy(), abs=1e-6)
    assert torch.equal(ours[3].weight, net()[3].weight), "the head fires nothing"


def test_the_penalties_of_activations_and_weights_are_added_up():
    alone = step(net(), [batch()], sparsity=0.5).penalty
    weights = step(net(), [batch()], l2=0.1).penalty
    assert step(net(), [batch()], sparsity=0.5, l2=0.1).penalty == pytest.approx(alone + weights, rel=1e-6)
    assert step(net(), [batch()], sparsity=0.5, l2=0.1, decoupled=True).penalty == pytest.approx(alone, rel=1e-6)


def test_repeating_the_batch_leaves_the_step_as_it_was():
    once, thrice = net(), net()
    first, second = step(once, [batch()], sparsity=0.5), step(thrice, [batch()] * 3, sparsity=0.5)
    assert second.penalty == pytest.approx(first.penalty, rel=1e-6)
    assert torch.allclose(once[0].weight, thrice[0].weight, atol=1e-7)


def test_a_shared_module_counts_once_for_every_call():
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.act = nn.ReLU()

        def forward(self, z_NF: Tensor) -> Tensor:
            return self.act(self.act(z_NF) - 1)

    model, z_NF = Twice(), torch.rand(4, 3) + 1
    with acting_on_activations(RegularizationSection(sparsity=1.0), model) as penalties:
        model(z_NF)
    assert len(penalties) == 2
    expected = [sparsity_penalty((1 - torch.exp(-z)).mean(0), 0.05) for z in (z_NF, z_NF - 1)]
    assert torch.stack(penalties) == pytest.approx(torch.stack(expected), rel=1e-4)


def test_mixed_precision_sums_in_float32():
    machine = Machine(torch.device("cpu"), torch.bfloat16, channels_last=True)
    half = step(net(), [batch(count=300)], machine=machine, sparsity=0.5).penalty
    assert half == pytest.approx(step(net(), [batch(count=300)], sparsity=0.5).penalty, rel=0.01)
    with machine.autocast(), acting_on_activations(RegularizationSection(sparsity=1.0), model := net()) as penalties:
        assert model(prepared(batch())).dtype == torch.bfloat16
    assert [penalty.dtype for penalty in penalties] == [torch.float32]


def test_activations_that_are_no_numbers_are_told_before_any_weight_moves():
    model = net()
    with torch.no_grad():
        model[0].weight[0] = torch.nan
    with pytest.raises(NonFiniteLoss):
        step(model, [batch()], sparsity=0.5)
    assert model[3].weight.isfinite().all()


def test_units_learn_to_fire_as_far_as_wanted():
    model = net(nn.Sigmoid())
    pieces = [batch(seed, 50) for seed in range(5)]

    def firing() -> Tensor:
        with torch.no_grad():
            return mean_firing("Sigmoid", model[:2](torch.cat([prepared(piece) for piece in pieces])))

    before = firing()
    for _ in range(40):
        for piece in pieces:
            step(model, [piece], rate=1.0, sparsity=1.0, sparsity_target=0.1)
    assert (before - 0.1).abs().min() > 0.2
    assert firing().numpy() == pytest.approx(0.1, abs=0.02)


NOISE = RegularizationSection(activation_noise=0.5)


def test_noise_has_the_deviation_of_the_output_times_its_strength_and_no_mean():
    torch.manual_seed(0)
    output_NF = 3 * torch.rand(2000, 50) + 1
    noise = with_noise(output_NF, 0.5) - output_NF
    assert noise.std().item() == pytest.approx(0.5 * output_NF.std().item(), rel=0.02)
    assert noise.mean().item() == pytest.approx(0.0, abs=0.01)
    standard = noise / noise.std()
    assert (standard.abs() < 1).float().mean().item() == pytest.approx(0.6827, abs=0.01)
    assert (standard**4).mean().item() == pytest.approx(3.0, rel=0.05), "as heavy in the tails as a normal one"
    assert torch.corrcoef(torch.stack([noise[:, 0], noise[:, 1]]))[0, 1].abs() < 0.1


def test_noise_grows_with_the_output_so_that_a_layer_cannot_drown_it():
    output = torch.rand(500, 20)
    torch.manual_seed(0)
    small = with_noise(output, 0.5) - output
    torch.manual_seed(0)
    large = with_noise(100 * output, 0.5) - 100 * output
    assert torch.allclose(large, 100 * small, rtol=1e-3, atol=1e-3)


def test_noise_keeps_type_layout_and_gradient():
    output = torch.rand(2, 3, 4, 4, dtype=torch.bfloat16).to(memory_format=torch.channels_last).requires_grad_()
    noisy = with_noise(output, 0.5)
    assert noisy.dtype == torch.bfloat16
    assert noisy.is_contiguous(memory_format=torch.channels_last)
    noisy.float().sum().backward()
    assert (output.grad == 1).all(), "the deviation carries none"


def test_noise_is_there_in_a_step_and_nowhere_else():
    model = net()
    images = prepared(batch())
    still = model(images)
    with acting_on_activations(NOISE, model) as penalties:
        first, second = model(images), model(images)
        assert penalties == []
    assert not torch.equal(first, second)
    assert torch.equal(model(images), still), "the hooks are gone"
    twin = copy.deepcopy(model)
    step(model, [batch()], rate=1e-9, activation_noise=0.5, sparsity=1.0)
    assert not any(module._forward_hooks for module in model.modules())
    assert list(twin.state_dict()) == list(model.state_dict())


def test_the_hooks_are_gone_after_an_error_too():
    model = net()
    with pytest.raises(RuntimeError), acting_on_activations(NOISE, model):
        model(torch.zeros(2, 5, 4, 4))
    assert not any(module._forward_hooks for module in model.modules())


def test_the_same_generator_draws_the_same_noise():
    one, two, other = net(), net(), net()

    def crossed(logits_NK, labels_N, _):
        return nn.functional.cross_entropy(logits_NK, labels_N)

    for model, seed in ((one, 5), (two, 5), (other, 6)):
        torch.manual_seed(seed)
        step(model, [batch()], loss_of=crossed, activation_noise=0.5)
    assert torch.equal(one[3].weight, two[3].weight)
    assert not torch.equal(one[3].weight, other[3].weight)


def test_without_either_nothing_is_drawn_and_nothing_hooked():
    model = net()
    torch.manual_seed(3)
    expected = torch.get_rng_state()
    with acting_on_activations(RegularizationSection(), model) as penalties:
        assert not any(module._forward_hooks for module in model.modules())
        model(prepared(batch()))
    assert penalties == []
    assert torch.equal(torch.get_rng_state(), expected)


SMALL = {"classes": 3, "channels": 3, "img_size": 32}


@pytest.mark.parametrize("name", ["small-resnet", "plain", "resnet18", "regnety_002", "mobilenetv3_small_050"])
def test_activations_of_our_nets_and_timm_s_are_found_and_noise_goes_through(name):
    own = {"width": 8, "depth": 1} if name in ("small-resnet", "plain") else {}
    model = build_model(ModelSection(name=name, **own), **SMALL)
    found = hidden_activations(model)
    assert len(found) >= 3
    assert not any("gate" in path for path, module in model.named_modules() if module in found)
    machine = open_machine(decide_machine(MachineSection(threads=1), img_size=32))
    model = machine.place(model)
    with acting_on_activations(NOISE, model):
        model(torch.rand(2, 3, 32, 32)).sum().backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())


def test_sparsity_is_refused_where_firing_is_not_defined():
    section = RegularizationSection(sparsity=1e-3)
    for activation, name in ((nn.SiLU(), "silu"), (nn.LeakyReLU(), "leaky-relu"), (nn.CELU(), "CELU")):
        with pytest.raises(InputError, match="how far a unit fires is not defined") as error:
            check_activations(section, net(activation))
        assert error.value.got == name
        assert error.value.expected == "model.activation: relu, sigmoid, tanh, softplus, or a net that has them"
        assert error.value.where == "regularization.sparsity and model.activation"
        check_activations(NOISE, net(activation))
    check_activations(section, net())


@pytest.mark.parametrize("name", ["sparsity", "activation_noise"])
def test_a_net_without_activation_modules_is_refused(name):
    with pytest.raises(InputError, match=rf"regularization\.{name} needs activations that are modules"):
        check_activations(RegularizationSection(**{name: 0.1}), nn.Sequential(nn.Flatten(), nn.Linear(4, 2)))
    check_activations(RegularizationSection(), nn.Linear(4, 2))
