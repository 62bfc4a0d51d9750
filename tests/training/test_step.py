import contextlib
import copy
import math
import weakref

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from trainwright.data import Batch, batches
from trainwright.recipe import LossSection, OptimSection
from trainwright.training.clipping import build_clip
from trainwright.training.losses import build_loss
from trainwright.training.machine import Machine
from trainwright.training.optimizers import OPTIMIZERS, build_optimizer
from trainwright.training.step import (
    Group,
    NonFiniteLoss,
    batch_sizes,
    batches_per_step,
    grouped,
    set_rate,
    steps_per_epoch,
    train_step,
)

CPU = Machine(torch.device("cpu"), torch.float32, channels_last=False)
HARD, SOFT = (build_loss(LossSection(name="cross-entropy", label_smoothing=smoothing)) for smoothing in (0.0, 0.1))


def net() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(4, 3))


def batch(count: int, seed: int, *, scale: float = 1.0) -> Batch:
    draw = torch.Generator().manual_seed(seed)
    images = (torch.rand(count, 1, 2, 2, generator=draw) * 255).to(torch.uint8)
    labels = torch.randint(3, (count,), generator=draw)
    return Batch(images, labels, torch.arange(count), torch.full((count,), scale) if scale != 1 else None)


def joined(batches: list[Batch]) -> Batch:
    return Batch(
        torch.cat([b.images_NCHW for b in batches]),
        torch.cat([b.labels_N for b in batches]),
        torch.cat([b.samples_N for b in batches]),
        None,
    )


class Part:
    """Black pictures of one class."""

    on_disk, weights_N, pairs_P2 = False, None, None

    def __init__(self, count: int) -> None:
        self.labels_N, self.samples_N = torch.zeros(count).long(), torch.arange(count)

    def __len__(self) -> int:
        return len(self.labels_N)

    def images(self, rows_N: torch.Tensor) -> torch.Tensor:
        return torch.zeros(len(rows_N), 1, 1, 1, dtype=torch.uint8)


def group_of(pieces: list[Batch]) -> Group:
    return Group(iter(pieces), [len(piece.labels_N) for piece in pieces])


def step(model: nn.Module, group: list[Batch], *, clip: float = 0.0, lr: float = 0.1, scale: float = 1 / 255):
    optimizer = build_optimizer(OptimSection(lr=lr, weight_decay=0.0, momentum=0.0, nesterov=False), model)
    return train_step(
        model,
        model,
        optimizer,
        None,
        group_of(group),
        lambda b: b.images_NCHW.float() * scale,
        CPU,
        loss_of=HARD,
        clip=build_clip(OptimSection(clip_norm=clip)),
    )


@given(st.integers(1, 5000), st.integers(1, 600), st.integers(1, 40))
def test_steps_an_epoch_for_every_count_of_batches(pictures, batch_size, accumulate):
    sizes = batch_sizes(pictures, batch_size, accumulate)
    count = pictures // batch_size
    assert sizes == [batch_size] * count
    groups = [(list(group.batches), group.sizes) for group in grouped(iter(range(count)), sizes, accumulate)]
    assert len(groups) == steps_per_epoch(pictures, batch_size, accumulate)
    assert [batch for group, _ in groups for batch in group] == list(range(count))
    assert all(len(group) == accumulate for group, _ in groups[:-1])
    assert all(0 < len(group) <= accumulate for group, _ in groups)
    assert all(len(group) == len(of_each) for group, of_each in groups)


@given(st.integers(1, 60), st.integers(1, 20), st.sampled_from([1, 3, "all"]))
def test_the_sizes_that_are_foretold_are_those_of_the_batches(pictures, batch_size, accumulate):
    walk = batches(Part(pictures), batch_size, seed=0, epoch=1, every_picture=accumulate == "all")
    assert [len(piece.labels_N) for piece in walk] == batch_sizes(pictures, batch_size, accumulate)


def test_the_batches_of_a_step_are_not_held_together():
    alive, most = weakref.WeakSet(), 0

    def walk():
        nonlocal most
        for seed in range(9):
            piece = batch(2, seed)
            alive.add(piece)
            most = max(most, len(alive))
            yield piece

    (group,) = grouped(walk(), [2] * 9, 9)
    model = net()
    optimizer = build_optimizer(OptimSection(lr=0.1, weight_decay=0.0), model)
    result = train_step(model, model, optimizer, None, group, lambda b: b.images_NCHW / 255, CPU, loss_of=SOFT)
    assert result.pictures == 18
    assert most <= 3, "the one that is computed on, and those that a generator hands over"


@settings(deadline=None, max_examples=20)
@given(st.integers(1, 4), st.integers(1, 8), st.integers(0, 100))
def test_accumulating_equals_one_large_batch(groups, size, seed):
    pieces = [batch(size, seed + i) for i in range(groups)]
    one, many = net(), net()
    step(one, [joined(pieces)])
    step(many, pieces)
    for a, b in zip(one.parameters(), many.parameters(), strict=True):
        assert torch.allclose(a, b, atol=1e-6)


@given(st.lists(st.integers(1, 9), min_size=1, max_size=5), st.integers(0, 100))
def test_a_picture_counts_alike_in_batches_of_any_size(sizes, seed):
    pieces = [batch(size, seed + i) for i, size in enumerate(sizes)]
    one, many = net(), net()
    whole, parts = step(one, [joined(pieces)]), step(many, pieces)
    assert parts.loss == pytest.approx(whole.loss, rel=1e-5)
    assert (parts.pictures, parts.correct) == (whole.pictures, whole.correct)
    for a, b in zip(one.parameters(), many.parameters(), strict=True):
        assert torch.allclose(a, b, atol=1e-6)


@given(st.sampled_from(sorted(OPTIMIZERS)), st.integers(1, 8), st.integers(2, 4), st.integers(0, 100))
def test_repeating_the_batch_leaves_the_step_as_it_was(name, size, times, seed):
    """Gradients are divided by the batch size, whether the repetition is one large batch or several small ones."""
    once = batch(size, seed)
    steps = {"once": [once], "in one batch": [joined([once] * times)], "in a group": [once] * times}
    moved = {}
    for way, group in steps.items():
        model = net().double()
        train_step(
            model,
            model,
            build_optimizer(OptimSection(name=name, lr=0.1, weight_decay=0.01), model),
            None,
            group_of(group),
            lambda b: b.images_NCHW.double() / 255,
            CPU,
            loss_of=lambda logits_NK, labels_N, _: nn.functional.cross_entropy(logits_NK, labels_N),
        )
        moved[way] = torch.cat([parameter.detach().flatten() for parameter in model.parameters()])
    assert torch.allclose(moved["in one batch"], moved["once"], rtol=0, atol=1e-7)
    assert torch.allclose(moved["in a group"], moved["once"], rtol=0, atol=1e-7)


def test_all_pictures_make_one_step_an_epoch():
    assert batches_per_step(129, 64, "all") == 3
    assert steps_per_epoch(129, 64, "all") == 1
    assert batches_per_step(129, 64, 2) == 2


def test_a_step_by_hand():
    model = net()
    before = copy.deepcopy(model)
    group = [batch(5, 1)]
    result = step(model, group, lr=0.5)
    x, labels = group[0].images_NCHW.float().flatten(1) / 255, group[0].labels_N
    p = (x @ before[1].weight.T + before[1].bias).softmax(dim=1)
    gradient = (p - nn.functional.one_hot(labels, 3)).T @ x / 5
    assert torch.allclose(model[1].weight, before[1].weight - 0.5 * gradient, atol=1e-6)
    assert result.pictures == 5
    assert result.loss == pytest.approx(-p[range(5), labels].log().mean().item(), rel=1e-5)
    assert result.correct == int((p.argmax(dim=1) == labels).sum())


def test_clipping_shortens_the_gradient_and_reports_its_length_before():
    free, clipped = net(), net()
    start = free[1].weight.detach().clone()
    step(free, [batch(6, 2)], lr=1.0)
    result = step(clipped, [batch(6, 2)], lr=1.0, clip=0.01)
    moved = torch.cat([(clipped[1].weight - start).flatten(), clipped[1].bias - net()[1].bias])
    assert moved.norm().item() == pytest.approx(0.01, rel=1e-3)
    free_move = torch.cat([(free[1].weight - start).flatten(), free[1].bias - net()[1].bias])
    assert result.gradient_norm_before_clip == pytest.approx(free_move.norm().item(), rel=1e-4)


def test_a_loss_that_is_not_finite_moves_nothing():
    model = net()
    before = copy.deepcopy(model.state_dict())
    with pytest.raises(NonFiniteLoss) as error:
        step(model, [batch(3, 0), batch(4, 1)], scale=math.inf)
    assert not math.isfinite(error.value.value)
    assert len(error.value.batch.labels_N) == 3
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())


def test_the_rate_is_set_in_every_group():
    model = nn.Sequential(nn.Conv2d(1, 1, 1), nn.BatchNorm2d(1))
    optimizer = build_optimizer(OptimSection(lr=0.5, weight_decay=0.1), model)
    assert set_rate(optimizer, OptimSection(lr=0.5), 0.25) == 0.125
    assert [group["lr"] for group in optimizer.param_groups] == [0.125, 0.125]


def test_autocast_is_off_in_float32_and_on_in_bfloat16():
    assert isinstance(CPU.autocast(), contextlib.nullcontext)
    machine = Machine(torch.device("cpu"), torch.bfloat16, channels_last=True)
    with machine.autocast():
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.bfloat16


def test_a_gradient_that_is_not_finite_moves_no_weight():
    model = net()
    before = copy.deepcopy(model.state_dict())
    with pytest.raises(NonFiniteLoss) as error:
        train_step(
            model,
            model,
            build_optimizer(OptimSection(lr=0.1, weight_decay=0.0, momentum=0.0, nesterov=False), model),
            None,
            group_of([batch(8, 0)]),
            lambda b: b.images_NCHW.float() / 255,
            CPU,
            loss_of=lambda logits_NK, labels_N, weights_N: (logits_NK * 0).sum().sqrt(),
            clip=build_clip(OptimSection(clip_norm=1.0)),
        )
    assert error.value.what == "gradient norm"
    assert error.value.parameter in dict(model.named_parameters())
    assert not math.isfinite(error.value.value)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
