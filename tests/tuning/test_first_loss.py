"""The loss of an untrained net: as chance has it, or told."""

from __future__ import annotations

import math

import pytest
import torch

from trainwright.data import prepare
from trainwright.recipe import compose, parse_assignments
from trainwright.training import build
from trainwright.tuning import check_first_loss, first_loss
from trainwright.workflows.train import decide

WORDS = ["model.name=plain", "model.width=8", "model.depth=1", "model.dropout=0.5", "machine.threads=1"]


@pytest.fixture(scope="module")
def data():
    return prepare(compose({}).data, seed=0)


@pytest.fixture
def setup(data):
    return build(decide(compose(parse_assignments(WORDS)), data), data)


def test_a_healthy_start_passes_and_is_left_as_it_was(setup, data):
    before = {name: tensor.clone() for name, tensor in setup.model.state_dict().items()}
    drawn = torch.get_rng_state()
    check = check_first_loss(setup, data)
    assert check.passed
    assert check.finding is None
    assert check.evidence["ln_classes"] == pytest.approx(math.log(10))
    assert check.evidence["first_loss"] == pytest.approx(math.log(10), rel=0.2)
    assert torch.equal(torch.get_rng_state(), drawn)
    assert all(torch.equal(tensor, before[name]) for name, tensor in setup.model.state_dict().items())


def test_a_head_with_large_weights_is_told(setup, data):
    heads = [module for module in setup.model.modules() if isinstance(module, torch.nn.Linear)]
    with torch.no_grad():
        heads[-1].weight.normal_(std=100)
    check = check_first_loss(setup, data)
    assert not check.passed
    assert check.finding is not None
    assert check.finding.code == "initialization-too-large"
    assert check.finding.severity == "warn"
    assert check.finding.evidence["first_loss"] > 2 * math.log(10)


def test_the_loss_of_a_single_picture_has_no_error_and_raises_no_alarm(setup, data, monkeypatch):
    monkeypatch.setattr(first_loss, "eval_batch", lambda _: 1)
    with torch.no_grad():
        for parameter in setup.model.parameters():
            parameter.mul_(10)
    check = check_first_loss(setup, data)
    assert check.passed
    assert set(check.evidence) == {"first_loss", "ln_classes"}
    assert check.verdict == "a single loss tells nothing"
    assert "of a single one" in check.summary
    assert "nan" not in check.summary


def test_a_net_of_zeros_is_told(data):
    setup = build(decide(compose(parse_assignments([*WORDS, "init.scheme=zeros"])), data), data)
    drawn = torch.get_rng_state()
    check = check_first_loss(setup, data)
    assert check.verdict == "no gradient reaches the weights"
    assert check.finding is not None
    assert (check.finding.code, check.finding.severity) == ("no-gradient-at-start", "warn")
    assert check.finding.advice == {"init.scheme": "auto"}
    assert check.evidence["first_loss"] == pytest.approx(math.log(10), rel=1e-6)
    assert torch.equal(torch.get_rng_state(), drawn)


def test_a_head_of_zeros_alone_is_no_fault(setup, data):
    """All pictures get the same answer, but the head has a gradient, as in many of timm's nets."""
    heads = [module for module in setup.model.modules() if isinstance(module, torch.nn.Linear)]
    torch.nn.init.zeros_(heads[-1].weight)
    assert check_first_loss(setup, data).passed
