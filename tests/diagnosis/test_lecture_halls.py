"""The classical cases of the lecture halls: nets that are really trained for a moment, and what is said of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import trainwright as tw
from trainwright.runs import Finding

CLASSES, SIDE = 10, 8


def pictures(count: int, seed: int, blur: float = 1.0) -> tuple[Tensor, Tensor]:
    """Pictures of ten patterns under noise, that a small net learns in a moment."""
    patterns = torch.randn(CLASSES, 1, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    draw = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, CLASSES, (count,), generator=draw)
    return patterns[labels] + blur * torch.randn(count, 1, SIDE, SIDE, generator=draw), labels


def layers(widths: list[int], activation: type[nn.Module], deviation: float | None = None) -> nn.Sequential:
    """A net of linear layers with an activation between them, its weights drawn with some deviation."""
    torch.manual_seed(1)
    stack: list[nn.Module] = [nn.Flatten()]
    for inputs, outputs in zip([SIDE * SIDE, *widths], [*widths, CLASSES], strict=True):
        stack += [nn.Linear(inputs, outputs), activation()]
        if deviation is not None:
            nn.init.normal_(stack[-2].weight, 0, deviation)  # type: ignore[arg-type]
            nn.init.zeros_(stack[-2].bias)  # type: ignore[arg-type]
    return nn.Sequential(*stack[:-1])


def trained(
    folder: Path,
    model: nn.Module,
    rate: float,
    *,
    epochs: int = 8,
    train: tuple[Tensor, Tensor] | None = None,
    valid: tuple[Tensor, Tensor] | None = None,
    batch: int = 32,
    momentum: float = 0.9,
) -> list[Finding]:
    """Trains a net by a loop as anybody writes it, watched, and gives what was found, the first cause first."""
    images, labels = train or pictures(640, 1)
    other = valid or pictures(320, 2)
    optimizer, loss_of = torch.optim.SGD(model.parameters(), rate, momentum=momentum), nn.CrossEntropyLoss()
    seen = {"probe": (images[:512], labels[:512]), "epochs": epochs, "classes": CLASSES, "share": 1.0}
    with tw.watch(model, optimizer, loss_of, run=folder / "run", **seen) as watching:
        for _ in range(epochs):
            model.train()
            for rows in torch.randperm(len(labels)).split(batch):
                optimizer.zero_grad()
                loss = loss_of(model(images[rows]), labels[rows])
                loss.backward()
                optimizer.step()
                watching.step(loss, images[rows], labels[rows])
            watching.validate(model, [other])
    return list(watching.findings)


def alarms(findings: list[Finding]) -> list[str]:
    return [one.code for one in findings if one.severity != "note"]


def test_a_rate_that_suits_the_net_raises_no_alarm(tmp_path: Path):
    assert alarms(trained(tmp_path, layers([64, 64], nn.ReLU), 0.05)) == []


def test_a_rate_of_a_million_is_too_high(tmp_path: Path):
    first = trained(tmp_path, layers([64, 64], nn.ReLU), 1e6, epochs=2)[0]
    assert (first.code, first.severity) == ("learning-rate-too-high", "stop")
    assert "the learning rate is too high: the loss" in first.summary


def test_a_rate_of_a_ten_millionth_is_too_low(tmp_path: Path):
    first = trained(tmp_path, layers([64, 64], nn.ReLU), 1e-7)[0]
    assert (first.code, first.severity) == ("learning-rate-too-low", "warn")
    assert "1e-07 is too low" in first.summary
    assert "the loss hardly moves" in first.summary


def test_all_zero_weights_stay_equal(tmp_path: Path):
    first = trained(tmp_path, layers([64, 64], nn.ReLU, deviation=0.0), 0.05, epochs=4)[0]
    assert (first.code, first.severity) == ("symmetric-initialization", "stop")
    assert "all zero" in first.summary


def test_ten_layers_of_tanh_with_a_deviation_of_0_01_are_asleep(tmp_path: Path):
    first = trained(tmp_path, layers([100] * 9, nn.Tanh, deviation=0.01), 0.05, epochs=4)[0]
    assert (first.code, first.severity) == ("initialization-too-small", "warn")
    assert "signals shrink" in first.summary


def test_tanh_with_a_deviation_of_1_is_saturated(tmp_path: Path):
    findings = trained(tmp_path, layers([500] * 4, nn.Tanh, deviation=1.0), 0.05, epochs=4)
    assert (findings[0].code, findings[0].severity) == ("initialization-too-large", "warn")
    assert "its activations are saturated" in findings[0].summary


def test_a_relu_net_killed_by_its_rate_is_told_the_rate_first_and_the_dead_units_behind(tmp_path: Path):
    findings = trained(tmp_path, layers([64, 64, 64], nn.ReLU), 0.4, epochs=6)
    assert (findings[0].code, findings[0].severity) == ("learning-rate-too-high", "stop")
    dead = next(one for one in findings if one.code == "dead-units")
    assert dead.severity == "note"
    assert "are dead" in dead.summary


def test_a_big_gap_is_overfitting(tmp_path: Path):
    few, many = pictures(60, 1, blur=3.0), pictures(320, 2, blur=3.0)
    first = trained(tmp_path, layers([128, 128], nn.ReLU), 0.05, epochs=30, train=few, valid=many, batch=20)[0]
    assert (first.code, first.severity) == ("overfitting", "warn")
    assert "learns its pictures by heart" in first.summary


def test_no_gap_at_a_low_level_is_a_net_too_small(tmp_path: Path):
    few_units = trained(tmp_path, layers([2], nn.Tanh), 0.05, epochs=25)
    assert alarms(few_units) == ["model-too-small"]
    assert "at a low level and without a gap" in few_units[0].summary


def test_a_tiny_batch_makes_a_curve_too_noisy_to_read(tmp_path: Path):
    blurred = pictures(300, 1, blur=3.0)
    findings = trained(tmp_path, layers([32], nn.ReLU), 0.02, epochs=2, train=blurred, batch=2, momentum=0.0)
    noisy = next(one for one in findings if one.code == "batch-too-small")
    assert "too noisy to read" in noisy.summary


NETS: list[tuple[str, Callable[[], nn.Module]]] = [
    ("tanh at its usual deviation", lambda: layers([64, 64, 64], nn.Tanh)),
    ("sparse", lambda: layers([256, 256], nn.ReLU)),
]


@pytest.mark.parametrize(("what", "net"), NETS, ids=[what for what, _ in NETS])
def test_usual_nets_raise_no_alarm(tmp_path: Path, what: str, net: Callable[[], nn.Module]):
    assert alarms(trained(tmp_path, net(), 0.05, epochs=6)) == [], what
