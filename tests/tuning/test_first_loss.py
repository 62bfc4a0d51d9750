"""The loss of an untrained net: as chance has it and of a sound form, or told."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from trainwright.data import prepare
from trainwright.recipe import compose, parse_assignments
from trainwright.training import build
from trainwright.tuning import subject_of
from trainwright.tuning.first_loss import check_first_loss
from trainwright.workflows.deciding import decide

from .loops import bars, batches_of, net, subject

WORDS = ["model.name=plain", "model.width=8", "model.depth=1", "model.dropout=0.5", "machine.threads=1"]


@pytest.fixture(scope="module")
def data():
    return prepare(compose({}).data, seed=0)


@pytest.fixture
def setup(data):
    return build(decide(compose(parse_assignments(WORDS)), data), data)


def test_a_healthy_start_passes_and_is_left_as_it_was(setup, data):
    before = {name: tensor.clone() for name, tensor in setup.model.state_dict().items()}
    check = check_first_loss(subject_of(setup, data))
    assert check.verdict == "passed"
    assert check.finding is None
    assert check.evidence["ln_classes"] == pytest.approx(math.log(10))
    assert check.evidence["first_loss"] == pytest.approx(math.log(10), rel=0.2)
    assert all(torch.equal(tensor, before[name]) for name, tensor in setup.model.state_dict().items())


def test_a_head_with_large_weights_is_told(setup, data):
    heads = [module for module in setup.model.modules() if isinstance(module, torch.nn.Linear)]
    with torch.no_grad():
        heads[-1].weight.normal_(std=100)
    check = check_first_loss(subject_of(setup, data))
    assert check.verdict == "warned"
    assert check.finding is not None
    assert (check.finding.code, check.finding.severity) == ("initialization-too-large", "warn")
    assert check.finding.evidence["first_loss"] > 2 * math.log(10)


def test_a_net_whose_numbers_overflow_fails():
    model = net(norm=False)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(1e25)
    check = check_first_loss(subject(model))
    assert (check.verdict, check.evidence["first_loss"]) == ("failed", None)


def test_the_loss_of_a_single_picture_has_no_error_and_raises_no_alarm():
    model = net()
    with torch.no_grad():
        model[-1].weight.mul_(100)
    images_NCHW, labels_N = bars(1)
    check = check_first_loss(subject(model, loader=[(images_NCHW.expand(1, 1, 8, 8), labels_N)]))
    assert check.verdict == "passed"
    assert check.evidence["standard_error"] is None
    assert "a single loss tells nothing" in check.summary
    assert "nan" not in check.summary


def test_a_net_of_zeros_fails(data):
    setup = build(decide(compose(parse_assignments([*WORDS, "init.scheme=zeros"])), data), data)
    check = check_first_loss(subject_of(setup, data))
    assert check.verdict == "failed"
    assert check.finding is not None
    assert (check.finding.code, check.finding.severity) == ("no-gradient-at-start", "stop")
    assert check.finding.advice == {"init.scheme": "auto"}
    assert check.evidence["first_loss"] == pytest.approx(math.log(10), rel=1e-6)


def test_a_head_of_zeros_alone_is_no_fault(setup, data):
    """All pictures get the same answer, but the head has a gradient, as in many of timm's nets."""
    heads = [module for module in setup.model.modules() if isinstance(module, torch.nn.Linear)]
    torch.nn.init.zeros_(heads[-1].weight)
    assert check_first_loss(subject_of(setup, data)).verdict == "passed"


@pytest.mark.parametrize(
    ("code", "severity", "model", "loss"),
    [
        ("head-size-mismatch", "stop", lambda: net(3), F.cross_entropy),
        ("negative-loss", "stop", net, lambda outputs, labels: -F.cross_entropy(outputs, labels)),
        ("softmax-twice", "stop", lambda: nn.Sequential(net(), nn.Softmax(dim=1)), F.cross_entropy),
        (
            "loss-reduction-sum",
            "warn",
            net,
            lambda outputs, labels: F.cross_entropy(outputs, labels, reduction="sum"),
        ),
    ],
)
def test_outputs_and_losses_of_a_wrong_form_are_told(code, severity, model, loss):
    check = check_first_loss(subject(model(), loss=loss))
    assert check.finding is not None
    assert (check.finding.code, check.finding.severity) == (code, severity)
    assert check.causes


def test_log_probabilities_with_their_own_loss_are_sound():
    check = check_first_loss(subject(nn.Sequential(net(), nn.LogSoftmax(dim=1)), loss=F.nll_loss))
    assert check.verdict == "passed"
    assert check.evidence["ln_outputs"] == pytest.approx(math.log(4))


def test_probabilities_with_a_loss_that_wants_them_are_sound():
    def nll(probabilities, labels):
        return F.nll_loss(probabilities.log(), labels)

    assert check_first_loss(subject(nn.Sequential(net(), nn.Softmax(dim=1)), loss=nll)).verdict == "passed"


def test_a_loss_that_is_below_0_by_right_is_no_fault():
    def margin(outputs, labels):
        return -outputs.softmax(dim=1).gather(1, labels[:, None]).mean()

    assert check_first_loss(subject(loss=margin)).verdict == "passed"


def test_sigmoids_that_happen_to_be_positive_are_no_probabilities_of_a_softmax():
    assert check_first_loss(subject(nn.Sequential(net(), nn.Sigmoid()))).verdict == "passed"


def test_a_loader_of_one_batch_is_enough():
    assert check_first_loss(subject(loader=batches_of(*bars(64)))).verdict == "passed"
