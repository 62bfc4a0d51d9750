"""Rules about labels, losses and pictures on nets that were really trained, each for a second, and watched."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import trainwright as tw
from trainwright.diagnosis.diagnose import Diagnosis, diagnose
from trainwright.runs import Finding, History, read_records

pytestmark = pytest.mark.slow

CLASSES = 6
Pair = tuple[Tensor, Tensor]


def pictures(count: int, seed: int) -> Pair:
    """Six kinds of pictures, told apart by where they are bright, under noise."""
    kinds = torch.randn(CLASSES, 1, 6, 6, generator=torch.Generator().manual_seed(1))
    draws = torch.Generator().manual_seed(seed)
    labels = torch.arange(count) % CLASSES
    return kinds[labels] + 0.7 * torch.randn(count, 1, 6, 6, generator=draws), labels


def learned(
    folder: Path,
    *,
    train: Callable[[Pair], Pair] = lambda pair: pair,
    valid: Callable[[Pair], Pair] = lambda pair: pair,
    loss: Callable[[Tensor, Tensor], Tensor] = F.cross_entropy,
    end: nn.Module | None = None,
    shuffled: bool = True,
    epochs: int = 6,
) -> Diagnosis:
    torch.manual_seed(0)
    x_train, y_train = train(pictures(360, seed=2))
    model = nn.Sequential(nn.Flatten(), nn.Linear(36, 32), nn.ReLU(), nn.Linear(32, CLASSES), end or nn.Identity())
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    probe = (x_train[:240], y_train[:240])
    with tw.watch(model, optimizer, loss, run=folder, probe=probe, epochs=epochs, share=0.3) as w:
        for _ in range(epochs):
            order = torch.randperm(len(x_train)) if shuffled else torch.argsort(y_train, stable=True)
            for rows in order.split(16):
                optimizer.zero_grad()
                value = loss(model(x_train[rows]), y_train[rows])
                value.backward()
                optimizer.step()
                w.step(value, x_train[rows], y_train[rows])
            w.validate(model, [valid(pictures(300, seed=3))])
    found = [row for row in read_records(folder / "events.jsonl") if not isinstance(row, Finding)]
    return diagnose(History.of(found))


def alarms(diagnosis: Diagnosis) -> list[str]:
    return [finding.code for finding in diagnosis.findings if finding.severity != "note"]


def wrong(share: float) -> Callable[[Pair], Pair]:
    def change(pair: Pair) -> Pair:
        draws = torch.Generator().manual_seed(5)
        moved = torch.where(torch.rand(len(pair[1]), generator=draws) < share, 1, 0)
        other = torch.randint(1, CLASSES, (len(pair[1]),), generator=draws)
        return pair[0], (pair[1] + moved * other) % CLASSES

    return change


def swapped(pair: Pair) -> Pair:
    names = torch.tensor([0, 4, 2, 3, 1, 5])
    return pair[0], names[pair[1]]


def test_a_net_that_learns_well_is_left_alone(tmp_path: Path):
    assert alarms(learned(tmp_path / "run")) == []


def test_wrong_labels_are_found_and_counted(tmp_path: Path):
    diagnosis = learned(tmp_path / "run", train=wrong(0.3))
    assert alarms(diagnosis)[:1] == ["labels-noisy"]
    assert diagnosis.findings[0].evidence["share_of_labels_wrong"] == pytest.approx(0.3, abs=0.08)


def test_exchanged_classes_are_named(tmp_path: Path):
    diagnosis = learned(tmp_path / "run", train=swapped)
    assert alarms(diagnosis)[:1] == ["classes-swapped"]
    assert diagnosis.findings[0].evidence["called_instead"] == {"1": 4, "4": 1}


def test_a_softmax_too_many(tmp_path: Path):
    assert alarms(learned(tmp_path / "run", end=nn.Softmax(1)))[:1] == ["softmax-twice"]


def test_a_sign_too_many(tmp_path: Path):
    diagnosis = learned(tmp_path / "run", loss=lambda outputs, labels: -F.cross_entropy(outputs, labels))
    assert alarms(diagnosis)[:1] == ["loss-sign-flipped"]


def test_validation_that_is_prepared_differently(tmp_path: Path):
    diagnosis = learned(tmp_path / "run", valid=lambda pair: (0.1 * pair[0] + 3.0, pair[1]))
    assert alarms(diagnosis)[:1] == ["preprocessing-differs"]


def test_pictures_sorted_by_class(tmp_path: Path):
    diagnosis = learned(tmp_path / "run", shuffled=False)
    found = next(finding for finding in diagnosis.findings if finding.code == "not-shuffled")
    assert found.evidence["classes_in_a_batch"] < 1.5


def test_pictures_in_both_parts(tmp_path: Path):
    def leaking(pair: Pair) -> Pair:
        x_train, y_train = pictures(360, seed=2)
        return torch.cat([pair[0][:200], x_train[:100]]), torch.cat([pair[1][:200], y_train[:100]])

    diagnosis = learned(tmp_path / "run", valid=leaking)
    assert alarms(diagnosis)[:1] == ["train-validation-leak"]
    assert diagnosis.findings[0].evidence["shared_pictures"] == 100
