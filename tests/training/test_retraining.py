"""What the second stage begins with, and where it ends."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch.nn import functional as F

from trainwright.data import PreparedData, prepare
from trainwright.errors import InputError
from trainwright.recipe import compose, parse_assignments
from trainwright.runs import EpochRecord
from trainwright.training import (
    Before,
    Checkpoints,
    FirstStage,
    Goal,
    Interruption,
    Progress,
    Setup,
    build,
    build_second,
    fit,
    loop,
    losses_at_the_stop,
    rate_factor,
)
from trainwright.workflows.deciding import decide

WORDS = ["model.name=plain", "model.width=8", "model.depth=1", "training.epochs=5", "machine.threads=1"]
WORDS += ["machine.precision=float32", "optim.batch_size=64", "optim.lr=0.1"]


@pytest.fixture(scope="module")
def digits() -> PreparedData:
    return prepare(compose({}).data, seed=0)


def trained_setup(data: PreparedData, *words: str) -> Setup:
    """Gives a setup with weights that no seed draws."""
    recipe = decide(compose(parse_assignments([*WORDS, *words])), data)
    setup = build(recipe, data)
    with torch.no_grad():
        for model in {id(setup.model): setup.model, id(setup.judged): setup.judged}.values():
            model.head.bias.copy_(torch.arange(10) / 10)
    return setup


def first_stage(data: PreparedData, folder, *words: str, best_epoch: int = 3) -> FirstStage:
    """Gives a first stage that has ended after 7 epochs of 20 steps, with its best snapshot on disk."""
    setup = trained_setup(data, *words)
    Checkpoints(folder).save_best(setup, Progress(epoch=best_epoch))
    return FirstStage(setup.recipe, setup.preprocessor, data, folder / "best", best_epoch, Before(7, 140, 1.5))


def test_a_restart_has_the_first_weights_and_all_pictures(digits, tmp_path):
    first = first_stage(digits, tmp_path, "training.retrain=restart", "training.patience=2")
    second, both = build_second(first)
    fresh = build(first.recipe, digits)
    assert all(torch.equal(a, b) for a, b in zip(second.model.parameters(), fresh.model.parameters(), strict=True))
    assert (len(both.train), len(both.valid)) == (len(digits.train) + len(digits.valid), 0)
    assert second.recipe.training.patience == 0
    assert (second.epochs, second.steps_per_epoch) == (3, len(both.train) // 64)


def test_a_restart_fits_its_preprocessing_to_all_pictures_and_a_continuation_keeps_it(digits, tmp_path):
    first = first_stage(digits, tmp_path, "training.retrain=restart")
    pixels = digits.with_validation().train
    mean = pixels.images(torch.arange(len(pixels))).double().mean().item() / 255
    second, _ = build_second(first)
    assert second.preprocessor.mean_C.item() == pytest.approx(mean, rel=1e-6)
    assert second.preprocessor.mean_C != first.preprocessor.mean_C
    kept, _ = build_second(first_stage(digits, tmp_path, "training.retrain=continue"))
    assert torch.equal(kept.preprocessor.mean_C, first.preprocessor.mean_C)


def test_a_restart_lays_its_schedule_out_to_the_epoch_that_was_best(digits, tmp_path):
    second, _ = build_second(first_stage(digits, tmp_path, "training.retrain=restart"))
    factors = [
        rate_factor(second.recipe.schedule, step, second.total_steps, per_epoch=second.steps_per_epoch)
        for step in (0, second.total_steps - 1)
    ]
    assert factors == pytest.approx([0.04, 1e-4])
    assert second.total_steps == 3 * second.steps_per_epoch


def test_a_schedule_that_is_cut_before_its_first_drop_is_no_error(digits, tmp_path):
    words = ["training.retrain=restart", "schedule.name=step", "schedule.drop_epochs=3", "schedule.warmup=0"]
    second, _ = build_second(first_stage(digits, tmp_path, *words, best_epoch=1))
    assert second.epochs == 1


@pytest.mark.parametrize(
    "words", [[], ["training.ema=0"], ["init.centered_weight_norm=true"], ["model.dropconnect=0.3"]]
)
def test_a_continuation_has_the_weights_of_the_best_snapshot_and_a_steady_rate(digits, tmp_path, words):
    words = ["training.retrain=continue", "training.retrain_rate=0.25", *words]
    first, judged = first_stage(digits, tmp_path, *words), trained_setup(digits, *words).judged.eval()
    second, both = build_second(first)
    assert torch.equal(second.model.head.bias, torch.arange(10) / 10)
    expected = judged.head.weight
    assert torch.allclose(second.model.eval().head.weight, expected, atol=1e-7)
    images = second.augmenter.evaluate(digits.test.images(torch.arange(9)))
    for model in (second.model, second.judged):
        answers, expected = model.eval()(images), judged(images)
        assert torch.allclose(answers, expected, atol=1e-5)
    assert len(both.train) == len(digits.train) + len(digits.valid)
    assert second.recipe.optim.lr == pytest.approx(0.1 * 0.25)
    assert second.recipe.schedule.name == "constant"
    assert not second.optimizer.state, "the optimizer begins without memory"


@pytest.mark.parametrize(("way", "epochs"), [("restart", [1, 2, 3]), ("continue", [8, 9, 10])])
def test_a_continuation_draws_what_the_first_stage_of_seven_epochs_has_not_drawn(
    digits, tmp_path, monkeypatch, way, epochs
):
    drawn, order, prepare_train = [], loop.batches, Setup.prepare_train

    def ordered(*arguments, epoch, **named):
        drawn.append(epoch)
        return order(*arguments, epoch=epoch, **named)

    def prepared(self, batch, epoch):
        assert epoch == drawn[-1]
        return prepare_train(self, batch, epoch)

    for walker in ("loop", "setup"):
        monkeypatch.setattr(f"trainwright.training.{walker}.batches", ordered)
    monkeypatch.setattr(Setup, "prepare_train", prepared)
    words = ["model.dropout=0.5", "training.reestimate_batch_norm=true", "model.normalization=batch"]
    first = first_stage(digits, tmp_path, f"training.retrain={way}", *words)
    second, both = build_second(first)
    noise = torch.rand(4)
    fit(second, both, Progress(), Checkpoints(tmp_path), observers=[], interruption=Interruption())
    assert drawn == [epoch for epoch in epochs for _ in ("training", "statistics")]
    build_second(first)
    assert torch.equal(torch.rand(4), noise)
    torch.manual_seed(first.recipe.training.seed)
    assert torch.equal(torch.rand(4), noise) == (way == "restart")


def test_a_continuation_without_its_snapshot_is_an_error(digits, tmp_path):
    first = first_stage(digits, tmp_path, "training.retrain=continue")
    with pytest.raises(InputError, match="no checkpoint here"):
        build_second(replace(first, best=tmp_path / "none"))


def test_losses_at_the_stop_are_plain_cross_entropy_in_evaluation_mode(digits, tmp_path):
    first = first_stage(digits, tmp_path, "training.retrain=continue", "loss.label_smoothing=0.3")
    second, _ = build_second(first)
    measured = losses_at_the_stop(first, second)
    for part, loss in zip((digits.train, digits.valid), measured, strict=True):
        with torch.inference_mode():
            images_NCHW = second.augmenter.evaluate(part.images(torch.arange(len(part))))
            expected = F.cross_entropy(second.judged.eval()(images_NCHW), part.labels_N).item()
        assert loss == pytest.approx(expected, rel=1e-5)


def trained(first: FirstStage, folder, loss: float) -> tuple[Setup, list, Progress]:
    second, both = build_second(first)
    told, progress = [], Progress()
    goal = Goal(first.data.valid, loss)
    fit(second, both, progress, Checkpoints(folder), observers=[told.append], interruption=Interruption(), goal=goal)
    return second, told, progress


def test_training_ends_after_the_epoch_in_which_the_goal_is_reached(digits, tmp_path):
    first = first_stage(digits, tmp_path, "training.retrain=continue", "training.retrain_rate=1", best_epoch=9)
    _, told, progress = trained(first, tmp_path, loss=2.0)
    epochs = [record for record in told if isinstance(record, EpochRecord)]
    assert 1 <= len(epochs) < 9
    assert [record.added_loss <= 2.0 for record in epochs] == [*[False] * (len(epochs) - 1), True]
    assert all(record.valid_loss is None and record.valid_accuracy is None for record in epochs)
    assert progress.reached
    assert told[-1].kind == "completed"
    assert f"after {len(epochs)} of at most 9 epochs" in told[-1].reason
    assert "no more than the 2 of the training pictures" in told[-1].reason


def test_a_goal_that_is_out_of_reach_is_told_so_after_the_last_epoch(digits, tmp_path):
    _, told, progress = trained(first_stage(digits, tmp_path, "training.retrain=continue"), tmp_path, loss=1e-9)
    assert [record.epoch for record in told if isinstance(record, EpochRecord)] == [1, 2, 3]
    assert not progress.reached
    assert "after 3 of at most 3 epochs" in told[-1].reason
    assert "still more than the 1e-09 of the training pictures" in told[-1].reason
