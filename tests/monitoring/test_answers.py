"""Answers about pictures that stay the same, against torch's and scikit-learn's figures."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from sklearn.metrics import confusion_matrix
from torch import nn

from monitoring.plain_loop import net_with_everything, pictures, trained
from trainwright.monitoring import Pictures
from trainwright.monitoring.looks import Looks
from trainwright.runs import AnswersRecord


def asked(net: nn.Module, shown: Pictures, *, valid: Pictures | None = None, modes=None, **named):
    given = {"loss_of": None, "classes": None, "batch_size": 32, **named}
    looks = Looks(net, None, shown, valid, **given)
    looks.get_to_know()
    return {(row.part, row.mode): row for row in looks.look(7, 2, modes, [None] * len(looks.layers))[1]}


@torch.no_grad()
def test_figures_of_a_classification():
    torch.manual_seed(0)
    net, shown = net_with_everything(), pictures(300)
    told = asked(net, shown)["train", "eval"]
    outputs = net.eval()(shown.images_NCHW)
    losses = F.cross_entropy(outputs, shown.labels, reduction="none").double()
    called = outputs.argmax(1)
    assert (told.step, told.epoch, told.pictures) == (7, 2, 300)
    assert told.loss == pytest.approx(float(losses.mean()), rel=1e-6)
    assert told.loss_error == pytest.approx(float(losses.std()) / math.sqrt(300), rel=1e-4)
    assert told.losses == pytest.approx(losses.tolist(), abs=6e-4)
    assert told.accuracy == pytest.approx(float((called == shown.labels).double().mean()))
    expected = confusion_matrix(shown.labels, called, labels=range(4))
    assert told.confusion_KK == tuple(tuple(row) for row in expected.tolist())
    assert (told.output_low, told.output_high) == pytest.approx((float(outputs.min()), float(outputs.max())), rel=1e-6)
    sums = outputs.sum(1)
    assert (told.sum_low, told.sum_high) == pytest.approx((float(sums.min()), float(sums.max())), rel=1e-4)
    assert told.input_mean == pytest.approx(shown.images_NCHW.mean((0, 2, 3)).tolist(), rel=1e-5)


@torch.no_grad()
def test_training_mode_normalizes_by_the_pictures_and_leaves_running_statistics_alone():
    net, shown = nn.Sequential(nn.BatchNorm2d(3, momentum=1.0), nn.Flatten(), nn.Linear(192, 4)), pictures(32)
    shown = Pictures(shown.images_NCHW * 5 + 9, shown.labels)
    net.eval()
    rows = asked(net, shown)
    expected = F.cross_entropy(net.train()(shown.images_NCHW), shown.labels)
    assert rows["train", "train"].loss == pytest.approx(float(expected), rel=1e-5)
    assert rows["train", "eval"].loss > 2 * rows["train", "train"].loss
    fresh = nn.Sequential(nn.BatchNorm2d(3, momentum=1.0)).eval()
    asked(fresh, shown)
    assert torch.equal(fresh[0].running_mean, torch.zeros(3))
    assert not fresh.training


@torch.no_grad()
def test_training_mode_is_that_of_the_steps_where_parts_are_held_in_evaluation():
    net, shown = nn.Sequential(nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(192, 4)), pictures(32)
    shown = Pictures(shown.images_NCHW * 5 + 9, shown.labels)
    rows = asked(net, shown, modes=[True, False, True, True])
    assert rows["train", "train"].loss == pytest.approx(rows["train", "eval"].loss)


@torch.no_grad()
def test_another_task_is_told_in_its_own_loss():
    net, images = nn.Linear(5, 2), torch.randn(300, 5)
    targets = torch.randn(300, 2)
    told = asked(net, Pictures(images, targets), loss_of=F.mse_loss)["train", "eval"]
    assert told.loss == pytest.approx(float(F.mse_loss(net(images), targets)), rel=1e-5)
    assert (told.accuracy, told.confusion_KK, told.losses, told.loss_error) == (None, (), (), None)
    silent = asked(net, Pictures(images, targets))["train", "eval"]
    assert silent.loss is None
    assert silent.output_high is not None


@torch.no_grad()
def test_labels_beyond_the_outputs_stop_nothing():
    net, images = nn.Linear(5, 3), torch.randn(8, 5)
    told = asked(net, Pictures(images, torch.tensor([0, 1, 2, 0, 1, 2, 7, -1])))["train", "eval"]
    assert math.isnan(told.loss)
    assert sum(map(sum, told.confusion_KK)) == 6


@torch.no_grad()
def test_many_classes_have_no_table():
    net, images = nn.Linear(5, 101), torch.randn(8, 5)
    told = asked(net, Pictures(images, torch.arange(8)))["train", "eval"]
    assert told.confusion_KK == ()
    assert told.accuracy is not None


def test_pictures_that_change_have_another_name():
    rows = asked(net_with_everything(), pictures(), valid=pictures(seed=3))
    assert rows["train", "eval"].inputs_id == rows["train", "train"].inputs_id == pictures().identity
    assert rows["valid", "eval"].inputs_id != pictures().identity


def test_losses_of_single_pictures_are_told_of_the_training_set_in_evaluation_alone():
    told = {(row.part, row.mode) for row in trained().of(AnswersRecord) if row.losses}
    assert told == {("train", "eval")}


def test_a_model_that_answers_with_no_tensor_is_refused():
    class Silent(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(1))

        def forward(self, x: torch.Tensor) -> str:
            return "yes"

    from trainwright.errors import InputError

    with pytest.raises(InputError, match="cannot take") as caught:
        asked(Silent(), pictures())
    assert "answers with str" in str(caught.value)
