"""One step of training: what raises in it is told with its place."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import trainwright as tw
from trainwright.tuning.one_step import check_one_step

from .loops import bars, batches_of, net, subject


class BreaksInTraining(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = net()

    def forward(self, images_NCHW):
        if self.training:
            raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")
        return self.body(images_NCHW)


def refusing(outputs_NK, labels_N):
    raise ValueError("boom")


def apart(outputs_NK, labels_N):
    """Computes a loss without a way back."""
    return F.cross_entropy(outputs_NK.detach(), labels_N)


@pytest.mark.parametrize(
    ("model", "labels", "loss", "place"),
    [
        (net, lambda labels_N: labels_N.int(), F.cross_entropy, "the loss"),
        (net, lambda labels_N: F.one_hot(labels_N, 4), F.cross_entropy, "the loss"),
        (net, lambda labels_N: labels_N, refusing, "the loss"),
        (net, lambda labels_N: labels_N, apart, "the way back"),
        (BreaksInTraining, lambda labels_N: labels_N, F.cross_entropy, "the net"),
    ],
)
def test_a_loop_whose_every_step_raises_cannot_train(model, labels, loss, place):
    images_NCHW, labels_N = bars()
    own = model()
    optimizer = torch.optim.SGD(own.parameters(), lr=0.1)
    checks = tw.check_loop(own, batches_of(images_NCHW, labels(labels_N)), loss=loss, optimizer=optimizer)
    assert not checks.passed
    check = checks["one-step"]
    assert (check.verdict, check.finding and check.finding.code, check.evidence["place"]) == (
        "failed",
        "step-raises",
        place,
    )
    assert f"raises in {place}: {check.evidence['error']}: " in check.summary
    assert checks.in_words.startswith("Training cannot work so. First: one-step: perhaps ")


def test_a_lack_of_memory_is_no_fault_of_the_loop():
    def too_much(outputs_NK, labels_N):
        raise torch.OutOfMemoryError("no room for a copy")

    checks = tw.check_loop(net(), batches_of(*bars()), loss=too_much)
    assert checks.passed
    assert checks["one-step"].summary == "could not be made: OutOfMemoryError: no room for a copy"
    skipped = sum(check.verdict == "skipped" for check in checks.all)
    assert checks.in_words == f"Nothing speaks against training; {skipped} of 14 checks were not made."


def test_a_loss_that_is_not_finite_is_the_matter_of_other_checks():
    check = check_one_step(subject(loss=lambda outputs, labels: F.cross_entropy(outputs, labels) * math.nan))
    assert (check.verdict, check.summary) == ("skipped", "the loss is not finite")
