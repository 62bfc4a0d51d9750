"""Each check of the ladder: silent where nothing is wrong, and right about what is."""

from __future__ import annotations

import copy
import dataclasses
import random

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

import trainwright as tw
from trainwright.errors import InputError
from trainwright.tuning import Check, climb, rungs_of_loop, step_time, subject_of_loop
from trainwright.tuning.at_rest import (
    check_determinism,
    check_inputs,
    check_optimizer_holds,
    check_regularization,
    check_separate_pictures,
)
from trainwright.tuning.by_heart import check_few_batches, check_few_pictures
from trainwright.tuning.flow import check_gradient_flow
from trainwright.tuning.gradients import check_gradients
from trainwright.tuning.rehearsal import check_rehearsal, neighbors_agree

from .loops import bars, batches_of, net, subject


def code(check: Check) -> str | None:
    return check.finding.code if check.finding else None


def test_a_healthy_loop_passes_every_check_and_stays_as_it_was():
    model = net()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-4)
    before, drawn = copy.deepcopy(model.state_dict()), torch.get_rng_state()
    made = list(climb(rungs_of_loop(subject(model, optimizer=optimizer))))
    assert {check.verdict for check in made} == {"passed"}, [check for check in made if check.verdict != "passed"]
    assert len({check.name for check in made}) == len(made) == 14
    assert torch.equal(torch.get_rng_state(), drawn)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert not optimizer.state
    assert all(parameter.grad is None for parameter in model.parameters())


@pytest.mark.parametrize(
    ("change", "verdict", "wanted"),
    [
        (lambda images: images * 100, "failed", "input-not-scaled"),
        (lambda images: images * 1e-3, "warned", "input-not-scaled"),
        (lambda images: images * 0, "failed", "input-channel-constant"),
        (lambda images: torch.cat([images, images * 0], dim=1), "warned", "input-channel-constant"),
        (lambda images: images / torch.tensor(0.0), "failed", "input-not-finite"),
    ],
)
def test_inputs_that_nets_are_not_built_for(change, verdict, wanted):
    images_NCHW, labels_N = bars()
    images_NCHW = change(images_NCHW)
    model = net(norm=False)
    model[0] = nn.Conv2d(images_NCHW.shape[1], 8, 3, padding=1)
    check = check_inputs(subject(model, loader=batches_of(images_NCHW, labels_N)))
    assert (check.verdict, code(check)) == (verdict, wanted)


def test_inputs_that_are_large_do_no_harm_behind_a_normalization_and_only_warn():
    images_NCHW, labels_N = bars()
    check = check_inputs(subject(loader=batches_of(images_NCHW * 100, labels_N)))
    assert (check.verdict, code(check)) == ("warned", "input-not-scaled")
    assert check.evidence["root_mean_square"] == pytest.approx(images_NCHW.mul(100).square().mean().sqrt().item())


def test_an_optimizer_that_holds_other_tensors_than_the_model_learns():
    model = net()
    some = torch.optim.SGD(model[0].parameters(), lr=0.1)
    assert code(check_optimizer_holds(subject(model, optimizer=some))) == "optimizer-misses-parameters"
    other = torch.optim.SGD(net().parameters(), lr=0.1)
    check = check_optimizer_holds(subject(model, optimizer=other))
    assert code(check) == "optimizer-holds-other-model"
    assert check.evidence["tensors_of_another_model"] == 6
    model.requires_grad_(False)
    assert code(check_optimizer_holds(subject(model, optimizer=other))) == "frozen-by-mistake"


def test_a_frozen_layer_that_the_optimizer_leaves_out_is_no_fault():
    model = net()
    model[0].requires_grad_(False)
    moved = [parameter for parameter in model.parameters() if parameter.requires_grad]
    assert check_optimizer_holds(subject(model, optimizer=torch.optim.SGD(moved, lr=0.1))).verdict == "passed"


def test_loss_rises_with_regularization_by_half_the_squared_weights():
    model = net()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, weight_decay=1e-4)
    check = check_regularization(subject(model, optimizer=optimizer))
    rise = 0.5e-3 * sum(parameter.double().square().sum().item() for parameter in model.parameters())
    assert check.evidence["loss_with_l2_of_0.001"] - check.evidence["loss"] == pytest.approx(rise)
    plain = torch.optim.SGD(model.parameters(), lr=0.1)
    assert check_regularization(subject(model, optimizer=plain)).verdict == "skipped"
    nn.init.zeros_(model[0].weight)
    first_alone = torch.optim.SGD([model[0].weight], lr=0.1, weight_decay=1e-4)
    assert check_regularization(subject(model, optimizer=first_alone)).verdict == "warned"


class Mixing(nn.Module):
    """Takes pictures for features in a view."""

    def __init__(self):
        super().__init__()
        self.body = net(4)

    def forward(self, images_NCHW):
        outputs_NK = self.body(images_NCHW)
        return outputs_NK.t().contiguous().view_as(outputs_NK)


def test_pictures_that_mix_within_a_batch():
    check = check_separate_pictures(subject(Mixing()))
    assert (check.verdict, code(check)) == ("failed", "pictures-mix")
    assert check.evidence["by_others"] > 0


def test_batch_normalization_mixes_in_training_alone_and_is_no_fault():
    assert check_separate_pictures(subject()).verdict == "passed"


def test_answers_that_are_fewer_than_pictures():
    class Folded(Mixing):
        def forward(self, images_NCHW):
            return self.body(images_NCHW).view(-1, 8)

    assert code(check_separate_pictures(subject(Folded()))) == "pictures-mix"


class Restless(nn.Module):
    """Multiplies by a number that no seed decides."""

    def __init__(self):
        super().__init__()
        self.own = torch.Generator().manual_seed(3)

    def forward(self, x):
        return x * (1 + torch.rand(1, generator=self.own))

    def __deepcopy__(self, memo):
        return self


def test_steps_that_no_seed_repeats_are_told_and_not_stopped():
    check = check_determinism(subject(nn.Sequential(net(), Restless())))
    assert (check.verdict, code(check)) == ("warned", "not-deterministic")
    assert check_determinism(subject(nn.Sequential(net(), nn.Dropout()))).verdict == "passed"


class HalfOfTheGradient(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, gradient):
        return gradient * ctx.saved_tensors[0]


class WronglySquared(nn.Module):
    def forward(self, x):
        return HalfOfTheGradient.apply(x)


class InPlace(nn.Module):
    def forward(self, x):
        return x.relu_() * 2


def test_a_wrong_backward_pass_is_found_and_named():
    check = check_gradients(subject(nn.Sequential(net(8), WronglySquared(), nn.Linear(8, 4))))
    assert (check.verdict, code(check)) == ("failed", "wrong-gradient")
    assert check.finding is not None
    assert check.finding.layers == ("1",)
    assert check.evidence["relative_error"] == pytest.approx(1 / 3, abs=0.01)


def test_a_wrong_gradient_of_the_nets_own_forward_is_found():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.body, self.head = net(8), nn.Linear(8, 4)

        def forward(self, x):
            return self.head(HalfOfTheGradient.apply(self.body(x)))

    check = check_gradients(subject(Net()))
    assert code(check) == "wrong-gradient"
    assert "whole net" in check.summary


def test_right_gradients_pass_also_on_kinks_in_place_and_behind_dropout():
    pool = nn.Sequential(
        nn.Conv2d(1, 4, 3), InPlace(), nn.ReLU(inplace=True), nn.MaxPool2d(2), nn.Dropout(), nn.Flatten()
    )
    check = check_gradients(subject(nn.Sequential(pool, nn.Linear(36, 4))))
    assert check.verdict == "passed", check
    assert check.evidence["largest_relative_error"] < 1e-4


def test_a_net_that_computes_in_float32_only_is_not_judged():
    class Single(nn.Module):
        def forward(self, x):
            return x.float()

    assert check_gradients(subject(nn.Sequential(net(), Single()))).verdict == "skipped"


class CutOff(nn.Module):
    def __init__(self, *, wholly: bool):
        super().__init__()
        self.body, self.head, self.spare = net(64), nn.Linear(64, 4), nn.Linear(3, 3)
        self.wholly = wholly

    def forward(self, images_NCHW):
        features_NF = self.body(images_NCHW)
        return self.head(features_NF.detach() if self.wholly else features_NF)


def test_weights_that_no_gradient_reaches():
    check = check_gradient_flow(subject(CutOff(wholly=True)))
    assert (check.verdict, code(check)) == ("failed", "frozen-by-mistake")
    spare = check_gradient_flow(subject(CutOff(wholly=False)))
    assert (spare.verdict, spare.evidence["numbers_without_gradient"]) == ("warned", 12)


def test_layers_that_begin_at_zero_get_their_gradient_a_step_later():
    model = net()
    nn.init.zeros_(model[-1].weight)
    assert check_gradient_flow(subject(model)).verdict == "passed"


def test_few_pictures_are_learned_whatever_the_rate():
    assert "by Adam" not in check_few_pictures(subject()).summary
    check = check_few_pictures(subject(lr=1e-9))
    assert check.verdict == "passed"
    assert "by Adam at 0.001, though not within 60 as chosen" in check.summary


def test_a_net_that_cannot_learn_even_a_few_pictures():
    blind = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1, 1), nn.Sigmoid(), nn.Linear(1, 4))
    check = check_few_pictures(subject(blind))
    assert (check.verdict, code(check)) == ("failed", "cannot-overfit")
    assert 0.2 < check.evidence["accuracy"] < 1
    assert len(check.causes) == 3


def test_soft_targets_whose_loss_never_goes_away_are_learned_all_the_same():
    images_NCHW, labels_N = bars()
    soft_NK = 0.05 + 0.8 * F.one_hot(labels_N, 4).float()
    given = subject(loader=batches_of(images_NCHW, soft_NK), valid_loader=None)
    assert check_few_pictures(given).verdict == "passed"


def test_the_same_picture_under_two_labels_lowers_what_can_be_reached():
    images_NCHW, labels_N = bars(20)
    images_NCHW[1], labels_N[0], labels_N[1] = images_NCHW[0], 0, 1
    assert check_few_pictures(subject(loader=[(images_NCHW, labels_N)])).verdict == "passed"


def test_few_pictures_of_numbers_are_learned_by_their_loss():
    images_NCHW, labels_N = bars()
    targets_N1 = (labels_N.float()[:, None] - 1.5) / 1.1
    given = subject(net(1), lr=1e-3, loader=batches_of(images_NCHW, targets_N1), loss=F.mse_loss, valid_loader=None)
    assert check_few_pictures(given).verdict == "passed"


def test_batches_that_are_not_learned_warn_and_do_not_stop():
    small = nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(4, 4))
    images_NCHW, labels_N = bars()
    noisy = torch.randint(0, 4, (len(labels_N),), generator=torch.Generator().manual_seed(0))
    check = check_few_batches(subject(small, loader=batches_of(images_NCHW, noisy)))
    assert (check.verdict, code(check)) == ("warned", "model-too-small")
    assert check_few_batches(subject()).verdict == "passed"


@pytest.mark.parametrize(("lr", "wanted"), [(1e3, "learning-rate-too-high"), (1e-9, "learning-rate-too-low")])
def test_a_wrong_rate_is_told_with_one_that_works(lr, wanted):
    rate, blank = check_rehearsal(subject(lr=lr))
    assert (rate.verdict, code(rate)) == ("failed", wanted)
    assert rate.finding is not None
    assert set(rate.finding.advice) == {"optim.lr"}
    assert (rate.finding.advice["optim.lr"] < lr) == (lr > 1)
    assert blank.verdict == "skipped"


def test_labels_of_other_pictures_are_found_by_blank_pictures_and_neighbors():
    images_NCHW, labels_N = bars(1024)
    mixed = labels_N[torch.randperm(1024, generator=torch.Generator().manual_seed(0))]
    given = subject(
        loader=batches_of(images_NCHW[:512], mixed[:512]), valid_loader=batches_of(images_NCHW[512:], mixed[512:])
    )
    _, blank = check_rehearsal(given)
    assert (blank.verdict, code(blank)) == ("failed", "labels-shuffled")
    assert blank.evidence["neighbors_of_one_class"] == pytest.approx(blank.evidence["by_chance"], abs=0.08)


def test_too_few_pictures_to_say_so_warn():
    images_NCHW, labels_N = bars(160)
    mixed = labels_N[torch.randperm(160, generator=torch.Generator().manual_seed(0))]
    given = subject(
        loader=batches_of(images_NCHW[:80], mixed[:80]), valid_loader=batches_of(images_NCHW[80:], mixed[80:])
    )
    _, blank = check_rehearsal(given)
    assert (blank.verdict, code(blank)) == ("warned", "nothing-learned")


def test_pictures_help_where_labels_are_theirs():
    rate, blank = check_rehearsal(subject())
    assert rate.verdict == blank.verdict == "passed"
    assert blank.evidence["loss_with_pictures"] < blank.evidence["loss_with_blank_pictures"]


def test_a_training_of_few_steps_is_not_rehearsed():
    assert {check.verdict for check in check_rehearsal(subject(steps=5))} == {"skipped"}


def test_neighbors_agree_more_than_chance_where_pictures_tell():
    agree, chance, error = neighbors_agree(subject(), subject().clean(512))
    assert agree > chance + 10 * error
    assert chance == pytest.approx(0.25, abs=0.02)


def test_a_loop_draws_what_it_would_have_drawn():
    dataset = torch.utils.data.TensorDataset(*bars())
    own = torch.Generator().manual_seed(5)
    loader = torch.utils.data.DataLoader(dataset, 64, shuffle=True, generator=own)
    plain = torch.utils.data.DataLoader(dataset, 64, shuffle=True)
    model, check_loop = net(), tw.check_loop  # some package that comes with it draws from `random` when it is imported
    for some in (loader, plain):
        before = torch.get_rng_state(), own.get_state(), random.getstate(), np.random.get_state()[1].copy()
        assert check_loop(model, some).passed
        after = torch.get_rng_state(), own.get_state(), random.getstate(), np.random.get_state()[1]
        assert torch.equal(before[0], after[0])
        assert torch.equal(before[1], after[1])
        assert before[2] == after[2]
        assert np.array_equal(before[3], after[3])


def test_labels_that_the_loss_leaves_out_are_left_out():
    images_NCHW, labels_N = bars()
    labels_N[::3] = -100
    given = subject(loader=batches_of(images_NCHW, labels_N))
    made = {check.name: check.verdict for check in climb(rungs_of_loop(given))}
    assert set(made.values()) <= {"passed", "skipped", "warned"}
    assert made["few-pictures"] == "passed"


def test_one_output_with_whole_labels_is_no_softmax():
    images_NCHW, labels_N = bars()
    halves_N = (labels_N > 1).long()

    def loss(outputs, labels):
        return F.binary_cross_entropy_with_logits(outputs.squeeze(1), labels.float())

    given = subject(net(1), loader=batches_of(images_NCHW, halves_N), valid_loader=None, loss=loss)
    assert {check.verdict for check in climb(rungs_of_loop(given))} <= {"passed", "skipped"}


def test_a_small_error_of_a_gradient_may_be_meant_and_warns():
    class Almost(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x

        @staticmethod
        def backward(ctx, gradient):
            return gradient * 1.05

    class StraightThrough(nn.Module):
        def forward(self, x):
            return Almost.apply(x)

    check = check_gradients(subject(nn.Sequential(net(8), StraightThrough(), nn.Linear(8, 4))))
    assert (check.verdict, code(check)) == ("warned", "wrong-gradient")


def test_batch_statistics_in_evaluation_mix_on_purpose_and_warn():
    model = net()
    model[1] = nn.BatchNorm2d(8, track_running_stats=False)
    assert check_separate_pictures(subject(model)).verdict == "warned"


def test_penalties_of_the_recipe_are_rehearsed():
    from trainwright.recipe import RegularizationSection

    strong = dataclasses.replace(subject(), regularization=RegularizationSection(l1=10.0))
    assert strong.optimizer is not None
    strong.optimizer.param_groups[0]["decays"] = True
    rate, _ = check_rehearsal(strong)
    assert rate.verdict != "passed"
    assert check_rehearsal(subject())[0].verdict == "passed"


def test_few_pictures_cannot_judge_a_rehearsal():
    given = subject(loader=batches_of(*bars(40), size=8))
    assert {check.verdict for check in check_rehearsal(given)} == {"skipped"}
    few_held_out = subject(valid_loader=batches_of(*bars(30)))
    assert [check.verdict for check in check_rehearsal(few_held_out)] == ["passed", "skipped"]


def test_without_an_optimizer_what_needs_one_is_skipped():
    made = {check.name: check.verdict for check in climb(rungs_of_loop(subject(optimizer=None)))}
    assert made["optimizer"] == made["learning-rate"] == made["few-batches"] == "skipped"
    assert made["few-pictures"] == made["gradients"] == "passed"
    assert step_time(subject(optimizer=None)) == 0.0
    with pytest.raises(ValueError, match="needs an optimizer"):
        subject(optimizer=None).twin()
    assert step_time(subject()) > 0


@pytest.mark.parametrize(
    ("loader", "got"),
    [
        ([], None),
        ([{"pixels": 1}], "dict"),
        ([(torch.zeros(2, 1, 8, 8), [0, 1])], "tuple of Tensor, list"),
        (iter([]), "list_iterator"),
    ],
)
def test_loaders_that_give_something_else_are_refused(loader, got):
    with pytest.raises(InputError) as caught:
        subject_of_loop(net(), loader)
    assert caught.value.got == got
    assert caught.value.where == "loader"
