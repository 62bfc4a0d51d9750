"""Penalties and the ball of max-norm, through the real step function."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from trainwright.data import Batch
from trainwright.models.normalizations import BatchInstanceNorm2d
from trainwright.recipe import OptimSection, RegularizationSection
from trainwright.training.averaging import WeightAverage
from trainwright.training.clipping import build_clip
from trainwright.training.machine import Machine
from trainwright.training.optimizers import OPTIMIZERS, build_optimizer
from trainwright.training.regularization import hold_norms
from trainwright.training.step import Group, StepResult, train_step

CPU = Machine(torch.device("cpu"), torch.float32, channels_last=False)
BFLOAT16 = Machine(torch.device("cpu"), torch.bfloat16, channels_last=True)
RATE = 0.1


def net(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.PReLU(4), nn.Flatten(), nn.Linear(16, 3))


def batch(seed: int, count: int = 6) -> Batch:
    draw = torch.Generator().manual_seed(seed)
    images = (torch.rand(count, 1, 4, 4, generator=draw) * 255).to(torch.uint8)
    return Batch(images, torch.randint(3, (count,), generator=draw), torch.arange(count), None)


def flat(count: int = 1) -> list[Batch]:
    """Batches of black pictures."""
    return [Batch(torch.zeros(2, 1, 4, 4), torch.zeros(2).long(), torch.arange(2), None)] * count


def no_loss(logits_NK: torch.Tensor, labels_N: torch.Tensor, weights_N: torch.Tensor | None) -> torch.Tensor:
    return 0.0 * logits_NK.sum() + 1.25


def step(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    group: list[Batch],
    *,
    loss_of=lambda logits_NK, labels_N, _: nn.functional.cross_entropy(logits_NK.float(), labels_N),
    machine: Machine = CPU,
    clip: float = 0.0,
    scaler: torch.amp.GradScaler | None = None,
    **regularization: float,
) -> StepResult:
    return train_step(
        model,
        model,
        optimizer,
        scaler,
        Group(group, [len(piece.labels_N) for piece in group]),
        lambda b: b.images_NCHW.to(next(model.parameters()).dtype) / 255,
        machine,
        loss_of=loss_of,
        clip=build_clip(OptimSection(clip_norm=clip)),
        regularization=RegularizationSection(**regularization),
    )


def plain(model: nn.Module, **settings: object) -> torch.optim.Optimizer:
    given = {"momentum": 0.0, "nesterov": False, **settings}
    return build_optimizer(OptimSection(lr=RATE, weight_decay=0.0, **given), model)


def values(model: nn.Module) -> dict[str, np.ndarray]:
    return {name: parameter.detach().double().numpy().copy() for name, parameter in model.named_parameters()}


WEIGHTS = {"0.weight", "4.weight"}


@given(st.sampled_from([0.0, 0.03, 0.5]), st.sampled_from([0.0, 0.02, 0.4]))
def test_terms_add_their_gradient_to_filters_and_matrices_only(l1, l2):
    """w ← w - α (λ₁ sign w + λ₂ w), where the loss itself has no slope."""
    model = net()
    before = values(model)
    result = step(model, plain(model), flat(), loss_of=no_loss, l1=l1, l2=l2)
    for name, after in values(model).items():
        w = before[name]
        expected = w - RATE * (l1 * np.sign(w) + l2 * w) if name in WEIGHTS else w
        assert after == pytest.approx(expected, abs=1e-6)
    weights = np.concatenate([before[name].ravel() for name in sorted(WEIGHTS)])
    penalty = l1 * np.abs(weights).sum() + l2 / 2 * (weights**2).sum()
    if l1 or l2:
        assert result.penalty == pytest.approx(penalty, rel=1e-5)
    else:
        assert result.penalty is None
    assert result.loss == 1.25, "the penalty is told apart from the loss"


def test_the_gradient_is_that_of_the_penalty_as_autograd_finds_it():
    ours, theirs = net(), net()
    step(ours, plain(ours), [batch(1)], l1=0.03, l2=0.2)

    def penalized(logits_NK, labels_N, _):
        loss = nn.functional.cross_entropy(logits_NK, labels_N)
        weights = [parameter for parameter in theirs.parameters() if parameter.ndim > 1]
        return loss + sum(0.03 * w.abs().sum() + 0.1 * w.square().sum() for w in weights)

    step(theirs, plain(theirs), [batch(1)], loss_of=penalized)
    for name, after in values(ours).items():
        assert after == pytest.approx(values(theirs)[name], abs=1e-6)


def test_the_l2_term_equals_the_weight_decay_of_sgd():
    ours, theirs = net(), net()
    mine = build_optimizer(OptimSection(lr=RATE, weight_decay=0.0), ours)
    other = build_optimizer(OptimSection(lr=RATE, weight_decay=0.3), theirs)
    for seed in range(4):
        step(ours, mine, [batch(seed)], l2=0.3)
        step(theirs, other, [batch(seed)])
    for name, after in values(ours).items():
        assert after == pytest.approx(values(theirs)[name], abs=1e-6)


def test_decoupled_l2_beside_adam_equals_adamw():
    ours, theirs = net(), net()
    mine = build_optimizer(OptimSection(name="adam", lr=RATE, weight_decay=0.0), ours)
    other = build_optimizer(OptimSection(name="adamw", lr=RATE, weight_decay=0.3), theirs)
    for seed in range(4):
        assert step(ours, mine, [batch(seed)], l2=0.3, decoupled=True).penalty is None
        step(theirs, other, [batch(seed)])
    for name, after in values(ours).items():
        assert after == pytest.approx(values(theirs)[name], abs=1e-5)


def test_decoupled_l1_is_the_soft_threshold():
    """w ← sign(w) max(|w| - αλ₁, 0), so that small weights become exactly 0."""
    model = net()
    before = values(model)
    step(model, plain(model), flat(), loss_of=no_loss, l1=1.0, decoupled=True)
    for name, after in values(model).items():
        w = before[name]
        expected = np.sign(w) * np.maximum(np.abs(w) - RATE, 0) if name in WEIGHTS else w
        assert after == pytest.approx(expected, abs=1e-6)
    assert (values(model)["4.weight"] == 0).mean() > 0.2


def test_decoupled_penalties_follow_each_layer_s_rate():
    model = net()
    before = values(model)
    optimizer = plain(model, layer_decay=0.5)
    for group in optimizer.param_groups:
        group["lr"] = RATE * group["lr_scale"]
    step(model, optimizer, flat(), loss_of=no_loss, l2=0.4, decoupled=True)
    after = values(model)
    assert after["4.weight"] == pytest.approx(before["4.weight"] * (1 - RATE * 0.4), abs=1e-6)
    lower = optimizer.param_groups[-1]["lr"]
    assert lower < RATE
    assert after["0.weight"] == pytest.approx(before["0.weight"] * (1 - lower * 0.4), abs=1e-6)


def infinite_slope(logits_NK: torch.Tensor, labels_N: torch.Tensor, weights_N: torch.Tensor | None) -> torch.Tensor:
    return (logits_NK.sum() * 0.0).abs().sqrt()


@pytest.mark.parametrize("name", ["sgd", "adamw", "adagrad"])
@pytest.mark.parametrize("clip", [0.0, 1.0])
def test_nothing_moves_where_the_scaler_leaves_the_step_out(name, clip):
    """Neither weights nor momentum; of the one-pass optimizers torch leaves the skipping to themselves."""
    penalties = {"l1": 0.1, "l2": 0.4, "decoupled": True, "max_norm": 10.0}
    model, scaler = net(), torch.amp.GradScaler("cpu", init_scale=1024.0)
    optimizer = build_optimizer(OptimSection(name=name, lr=RATE, weight_decay=0.0), model)
    before = values(model)
    step(model, optimizer, [batch(0)], loss_of=infinite_slope, scaler=scaler, clip=clip, **penalties)
    assert scaler.get_scale() == 512
    assert all((after == before[key]).all() for key, after in values(model).items())
    step(model, optimizer, flat(), loss_of=no_loss, scaler=scaler, clip=clip, **penalties)
    for key, after in values(model).items():
        w = before[key]
        shrunk = w * (1 - RATE * 0.4)
        expected = np.sign(w) * np.maximum(np.abs(shrunk) - RATE * 0.1, 0) if key in WEIGHTS else w
        assert after == pytest.approx(expected, abs=1e-6)


def test_the_penalty_counts_once_however_many_batches_make_a_step():
    one, many = net(), net()
    first = step(one, plain(one), flat(1), loss_of=no_loss, l1=0.1, l2=0.1)
    second = step(many, plain(many), flat(3), loss_of=no_loss, l1=0.1, l2=0.1)
    assert first.penalty == second.penalty
    assert all((values(one)[name] == values(many)[name]).all() for name in WEIGHTS)


def test_the_penalty_is_clipped_with_the_rest_of_the_gradient():
    model = net()
    before = values(model)
    step(model, plain(model), flat(), loss_of=no_loss, l2=5.0, clip=0.01)
    moved = np.concatenate([(values(model)[name] - before[name]).ravel() for name in WEIGHTS])
    assert np.linalg.norm(moved) == pytest.approx(RATE * 0.01, rel=1e-3)


def test_mixed_precision_leaves_the_penalty_in_float32():
    model = net()
    before = values(model)
    step(model, plain(model), flat(), loss_of=no_loss, machine=BFLOAT16, l1=0.03, l2=0.2)
    for name in WEIGHTS:
        w = before[name]
        assert values(model)[name] == pytest.approx(w - RATE * (0.03 * np.sign(w) + 0.2 * w), abs=1e-6)


def norms(model: nn.Module) -> np.ndarray:
    """Gives the norm of every unit's incoming weights."""
    weights = [w for w in values(model).values() if w.ndim > 1]
    return np.concatenate([np.linalg.norm(w.reshape(len(w), -1), axis=1) for w in weights])


@given(
    st.sampled_from(sorted(OPTIMIZERS)),
    st.floats(1e-3, 3.0),
    st.floats(1e-3, 3.0),
    st.sampled_from([0.0, 0.9, 0.999]),
    st.integers(0, 1000),
)
def test_no_unit_s_norm_is_ever_above_max_norm(name, limit, rate, ema, seed):
    """After any step of any optimizer, and in the running average, which stays in the ball because balls are convex."""
    model = net(seed)
    section = RegularizationSection(max_norm=limit)
    optimizer = build_optimizer(OptimSection(name=name, lr=rate, weight_decay=0.0), model)
    hold_norms(section, optimizer)
    average = WeightAverage(model, ema)
    for t in range(1, 6):
        step(model, optimizer, [batch(seed + t)], max_norm=limit)
        average.update(model, t)
        assert norms(model).max() <= limit * (1 + 1e-6)
        assert norms(average.model).max() <= limit * (1 + 1e-6)


def test_units_are_shortened_and_keep_their_direction_and_shorter_ones_stay():
    model = nn.Sequential(nn.Linear(2, 3)).to(memory_format=torch.channels_last)
    with torch.no_grad():
        model[0].weight.copy_(torch.tensor([[3.0, 4.0], [0.3, 0.4], [0.0, 0.0]]))
        model[0].bias.fill_(100.0)
    hold_norms(RegularizationSection(max_norm=2.0), plain(model))
    expected = torch.tensor([[1.2, 1.6], [0.3, 0.4], [0.0, 0.0]])
    assert torch.allclose(model[0].weight, expected, atol=1e-6)
    assert torch.equal(model[0].weight[1:], expected[1:])
    assert (model[0].bias == 100).all(), "biases are free"


def test_a_convolution_s_unit_is_a_filter_in_any_memory_layout():
    for layout in (torch.contiguous_format, torch.channels_last):
        model = nn.Sequential(nn.Conv2d(3, 4, 3)).to(memory_format=layout)
        before = values(model)["0.weight"]
        limit = float(np.median(np.linalg.norm(before.reshape(4, -1), axis=1)))
        hold_norms(RegularizationSection(max_norm=limit), plain(model))
        lengths = np.linalg.norm(before.reshape(4, -1), axis=1)
        expected = before * np.minimum(1, limit / lengths)[:, None, None, None]
        assert values(model)["0.weight"] == pytest.approx(expected, rel=1e-5)


@given(st.lists(st.floats(-30, 30), min_size=4, max_size=4), st.sampled_from(sorted(OPTIMIZERS)))
def test_shares_stay_between_0_and_1_in_the_weights_and_in_their_average(pulls, name):
    model = nn.Sequential(nn.Conv2d(1, 4, 3), BatchInstanceNorm2d(4), nn.Flatten(), nn.Linear(16, 3))
    optimizer = build_optimizer(OptimSection(name=name, lr=0.5, weight_decay=0.1), model)
    average = WeightAverage(model, 0.9)
    rho_F = model[1].rho
    rho_F.register_hook(lambda _: torch.tensor(pulls))
    for step in range(1, 4):
        group = Group([batch(step)], [6])
        train_step(
            model,
            model,
            optimizer,
            None,
            group,
            lambda b: b.images_NCHW.float() / 255,
            CPU,
            loss_of=lambda logits_NK, labels_N, _: nn.functional.cross_entropy(logits_NK, labels_N),
        )
        average.update(model, step)
        assert ((rho_F >= 0) & (rho_F <= 1)).all()
        assert ((average.model[1].rho >= 0) & (average.model[1].rho <= 1)).all()
    moved = [share for share, pull in zip(rho_F.tolist(), pulls, strict=True) if pull >= 1]
    assert all(share < 1 for share in moved)


def test_shares_do_not_decay():
    groups = build_optimizer(OptimSection(name="sgd", lr=0.5, weight_decay=0.1), BatchInstanceNorm2d(4)).param_groups
    assert [(group["decays"], group["shares"], len(group["params"])) for group in groups] == [
        (False, False, 2),
        (False, True, 1),
    ]
