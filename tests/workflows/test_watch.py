"""Loops that are not ours, watched: as somebody would write them."""

from __future__ import annotations

import copy
import json
import os
import random
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

import trainwright as tw
from trainwright.errors import InputError
from trainwright.runs import History, StepRecord, WriteFailed, is_run, open_run, read_records
from trainwright.workflows import watch_log
from trainwright.workflows.watch_epochs import BUNCH, Losses

SCRIPT = """
import torch
from torch import nn
from torch.nn import functional as F
import trainwright as tw

torch.manual_seed(0)
torch.set_num_threads(1)
x = torch.randn(96, 3, 8, 8)
y = x.mean((2, 3)).argmax(1)
train = [(x[first:first + 16], y[first:first + 16]) for first in range(0, 64, 16)]
valid = [(x[64:], y[64:])]
model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(288, 3))
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)

with tw.watch(model, optimizer, F.cross_entropy, run="runs/mine", probe=train[0], epochs=3) as w:
    for epoch in range(3):
        for images, labels in train:
            loss = F.cross_entropy(model(images), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            w.step(loss, images, labels)
            BREAK
        print(w.validate(model, valid))
"""


def data(pictures=48, classes=3):
    generator = torch.Generator().manual_seed(1)
    images = torch.randn(pictures, 3, 8, 8, generator=generator)
    return images, images.mean((2, 3)).argmax(1) % classes


def net(dropout=0.2):
    torch.manual_seed(0)
    layers = [nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6), nn.ReLU(inplace=True), nn.Dropout(dropout), nn.Flatten()]
    return nn.Sequential(*layers, nn.Linear(216, 3))


def sgd(model, rate=0.05):
    return torch.optim.SGD(model.parameters(), lr=rate, momentum=0.9)


def a_step(model, optimizer, images, labels):
    loss = F.cross_entropy(model(images), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss


def records(w):
    return History.of(read_records(open_run(w.path).events))


def refused(function, *arguments, **options) -> InputError:
    with pytest.raises(InputError) as caught:
        function(*arguments, **options)
    return caught.value


def run_script(tmp_path, text):
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", text], cwd=tmp_path, env=environment, capture_output=True, text=True
    )


def test_a_script_of_somebody_else_leaves_a_run(tmp_path):
    ended = run_script(tmp_path, SCRIPT.replace("BREAK", ""))
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.count("pictures=32") == 3
    assert "trainwright: watching Sequential: runs/mine" in ended.stderr
    assert ended.stderr.splitlines()[-1].endswith("trainwright diagnose runs/mine")
    run = tw.Run.open(tmp_path / "runs/mine")
    history = run.history
    assert history.steps["step"] == tuple(range(1, 13))
    assert history.epochs["step"] == (4, 8, 12)
    assert run.finished
    assert history.watch.steps_planned == 12
    assert (history.watch.batch_size, history.watch.classes, history.watch.missing) == (16, 3, ())
    assert all(loss > 0 for loss in history.epochs["valid_loss"])
    assert history.probes["step"][:4] == (1, 2, 3, 4)
    assert set(history.probes["mode"]) == {"train"}
    valid = [row for row in history.answers.rows if row.part == "valid"]
    assert [(row.pictures, row.step) for row in valid] == [(32, 4), (32, 8), (32, 12)]
    known = json.loads(run.folder.watched.read_text())
    assert (known["model"], known["optimizer"], known["parameters"]) == ("Sequential", "SGD", 1107)
    assert run.folder.metrics.read_text().count("\n") == 4


def test_a_script_that_raises_leaves_a_run_that_says_so(tmp_path):
    ended = run_script(tmp_path, SCRIPT.replace("BREAK", "1 / (3 - w._steps.made)"))
    assert ended.returncode == 1
    assert "ZeroDivisionError" in ended.stderr
    stop = tw.Run.open(tmp_path / "runs/mine").history.stop
    assert (stop.kind, stop.step) == ("interrupted", 3)
    assert stop.reason == "the loop raised ZeroDivisionError: division by zero"


def thirty_steps(tmp_path, watched):
    random.seed(0)
    np.random.seed(0)
    model, (images, labels) = net(), data()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    loader = DataLoader(TensorDataset(images, labels), 8, shuffle=True)
    w = tw.watch(model, optimizer, F.cross_entropy, run=tmp_path / "run", probe=(images, labels), first_steps=30)
    if watched:
        w.begin()
    for _ in range(5):
        for x, y in loader:
            loss = a_step(model, optimizer, x, y)
            if watched:
                w.step(loss, x, y)
        if watched:
            w.validate(model, loader)
    w.end()
    return model, optimizer, (torch.get_rng_state(), random.getstate(), np.random.get_state()[1].tolist())


def test_watching_changes_nothing_that_training_goes_on_with(tmp_path):
    model, optimizer, randomness = thirty_steps(tmp_path, watched=True)
    plain, plain_optimizer, plain_randomness = thirty_steps(tmp_path, watched=False)
    assert len(History.of(read_records(tmp_path / "run/events.jsonl")).probes) == 30
    for name, tensor in plain.state_dict().items():
        assert torch.equal(tensor, model.state_dict()[name]), name
    for one, other in zip(plain.parameters(), model.parameters(), strict=True):
        assert torch.equal(one.grad, other.grad)
        for name, value in plain_optimizer.state[one].items():
            assert torch.equal(value, optimizer.state[other][name])
    assert torch.equal(randomness[0], plain_randomness[0])
    assert randomness[1:] == plain_randomness[1:]
    assert [module.training for module in model.modules()] == [module.training for module in plain.modules()]
    hooks = [module._forward_pre_hooks or module._forward_hooks for module in model.modules()]
    assert not any(hooks)
    assert not optimizer._optimizer_step_pre_hooks
    assert not optimizer._optimizer_step_post_hooks


@pytest.mark.parametrize("tell", [lambda w: w.step(0.5), lambda w: w.epoch(val_loss=0.5)], ids=["step", "epoch"])
def test_a_watch_that_nobody_began_says_so(tmp_path, tell):
    model = net()
    with pytest.raises(InputError, match="watching has not begun"):
        tell(tw.watch(model, sgd(model), run=tmp_path / "run"))


class Replacing(torch.nn.Module):
    """Keeps a running mean in a buffer that every pass replaces."""

    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.zeros(()))

    def forward(self, images):
        self.mean = 0.9 * self.mean + 0.1 * images.detach().mean()
        return images - self.mean


def test_a_buffer_that_passes_replace_is_the_loops_own(tmp_path):
    kept = []
    for watched in (True, False):
        torch.manual_seed(0)
        model, (images, labels) = torch.nn.Sequential(Replacing(), net()), data()
        optimizer = sgd(model)
        w = tw.watch(model, optimizer, F.cross_entropy, run=tmp_path / "run", probe=(images, labels))
        if watched:
            w.begin()
        for _ in range(4):
            loss = a_step(model, optimizer, images[:8], labels[:8])
            if watched:
                w.step(loss, images[:8], labels[:8])
        w.end()
        kept.append(model.state_dict())
    for name, tensor in kept[0].items():
        assert torch.equal(tensor, kept[1][name]), name


def test_a_look_leaves_graphs_whole_that_are_still_needed(tmp_path):
    model, (images, labels) = net(), data()
    optimizer = sgd(model)
    told = {"run": tmp_path / "run", "probe": (images, labels), "steps": 1}  # after the last step it looks in any case
    with tw.watch(model, optimizer, F.cross_entropy, **told) as w:
        loss = F.cross_entropy(model(images[:8]), labels[:8])
        loss.backward(retain_graph=True)
        optimizer.step()
        w.step(loss, images[:8], labels[:8])
        images.requires_grad_()
        late = model(images[8:16]).square().mean()
        w.epoch(val_loss=0.5)
        late.backward()
    assert records(w).units["step"] == (0, 1)
    assert images.grad[8:16].abs().sum() > 0


def test_a_loss_that_changes_later_is_no_longer_compared(tmp_path):
    model, (images, labels) = net(), data()
    optimizer = sgd(model)
    with tw.watch(model, optimizer, F.cross_entropy, run=tmp_path / "run", first_steps=12) as w:
        for number in range(12):
            optimizer.zero_grad()
            outputs = model(images[:8])
            loss = F.cross_entropy(outputs, labels[:8])
            if number >= 6:
                loss = loss + 0.3 * outputs.square().mean()
            loss.backward()
            optimizer.step()
            w.step(loss, images[:8], labels[:8])
    after = records(w).probes["loss_after"]
    assert all(one is not None for one in after[:6])
    assert set(after[6:]) == {None}


def test_what_goes_wrong_in_a_step_of_the_optimizer_ends_watching_alone(tmp_path, monkeypatch):
    model, (images, labels) = net(), data()
    optimizer = sgd(model)
    with tw.watch(model, optimizer, F.cross_entropy, run=tmp_path / "run") as w:
        w.step(a_step(model, optimizer, images[:8], labels[:8]), images[:8], labels[:8])
        monkeypatch.setattr(w._monitor.stepping, "_measure", lambda before: 1 / 0)
        with pytest.warns(RuntimeWarning, match="stops watching, and training goes on: ZeroDivisionError"):
            loss = a_step(model, optimizer, images[:8], labels[:8])
        w.step(loss, images[:8], labels[:8])
        a_step(model, optimizer, images[:8], labels[:8])
    assert not optimizer._optimizer_step_pre_hooks
    assert records(w).stop.kind == "interrupted"


def watched_steps(tmp_path, steps=3, **options):
    """Makes steps with the first pictures; gives what was recorded."""
    model, (images, labels) = net(), data()
    optimizer = sgd(model)
    with tw.watch(model, optimizer, run=tmp_path / "run", **options) as w:
        for _ in range(steps):
            w.step(a_step(model, optimizer, images[:8], labels[:8]), images[:8], labels[:8])
    return records(w)


def test_what_was_not_given_is_said(tmp_path):
    history = watched_steps(tmp_path)
    assert history.watch.missing == ("loss_fn", "probe")
    assert history.watch.classes == 3  # seen at the first step
    assert history.probes["loss_after"] == (None, None, None)
    assert len(history.units) == 0
    assert history.stop.kind == "completed"


def test_the_loss_of_a_step_is_computed_anew_with_its_dropout(tmp_path):
    model, (images, labels) = net(dropout=0.5), data()
    optimizer = sgd(model, rate=0.0)  # nothing moves, so that the loss after the step is that before it
    with tw.watch(model, optimizer, F.cross_entropy, run=tmp_path / "run") as w:
        for _ in range(3):
            w.step(a_step(model, optimizer, images[:8], labels[:8]), images[:8], labels[:8])
    rows = records(w).probes.rows
    assert [row.loss_after for row in rows] == pytest.approx([row.loss for row in rows], rel=1e-6)


def test_the_number_format_of_a_step_is_that_of_the_loop(tmp_path):
    model, (images, labels) = net(), data()
    optimizer = sgd(model, rate=0.0)
    with tw.watch(model, optimizer, F.cross_entropy, run=tmp_path / "run") as w:
        for _ in range(2):
            with torch.autocast("cpu", dtype=torch.bfloat16):
                loss = F.cross_entropy(model(images[:8]), labels[:8])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            w.step(loss, images[:8], labels[:8])
    rows = records(w).probes.rows
    assert [row.loss_after for row in rows] == pytest.approx([row.loss for row in rows], rel=1e-6)


def test_a_loss_that_is_another_than_that_of_the_loop_is_not_taken_for_it(tmp_path, capsys):
    model, (images, labels) = net(), data()
    optimizer = sgd(model)
    with tw.watch(model, optimizer, F.cross_entropy, run=tmp_path / "run") as w:
        for _ in range(3):
            penalty = sum(weight.square().sum() for weight in model.parameters())
            loss = F.cross_entropy(model(images[:8]), labels[:8]) + penalty
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            w.step(loss, images[:8], labels[:8])
    assert records(w).probes["loss_after"] == (None, None, None)
    assert capsys.readouterr().err.count("is not measured") == 1


def test_a_step_of_several_passes_is_not_computed_anew(tmp_path):
    model, (images, labels) = net(), data()
    optimizer = sgd(model)
    with tw.watch(model, optimizer, F.cross_entropy, run=tmp_path / "run") as w:
        for _ in range(2):
            optimizer.zero_grad()
            for half in (slice(0, 4), slice(4, 8)):
                loss = F.cross_entropy(model(images[half]), labels[half]) / 2
                loss.backward()
            optimizer.step()
            w.step(loss, images[:8], labels[:8])
    assert records(w).probes["loss_after"] == (None, None)


def test_steps_are_those_of_the_optimizer(tmp_path, capsys):
    model, (images, labels) = net(), data()
    optimizer = sgd(model)
    with tw.watch(model, optimizer, F.cross_entropy, run=tmp_path / "run") as w:
        loss = F.cross_entropy(model(images[:8]), labels[:8])
        w.step(loss)
        for _ in range(2):
            loss = a_step(model, optimizer, images[:8], labels[:8])
            w.step(loss, images[:8], labels[:8])
            w.step(loss, images[:8], labels[:8])
        for _ in range(3):
            loss = a_step(model, optimizer, images[:8], labels[:8])
        w.step(loss, images[:8], labels[:8])
    assert records(w).steps["step"] == (1, 2, 5)
    assert capsys.readouterr().err.count("without an optimizer step") == 1


def test_a_step_that_is_told_before_it_is_made(tmp_path, capsys):
    model, (images, labels) = net(), data()
    optimizer = sgd(model)
    with tw.watch(model, optimizer, F.cross_entropy, run=tmp_path / "run") as w:
        for _ in range(4):
            loss = F.cross_entropy(model(images[:8]), labels[:8])
            optimizer.zero_grad()
            loss.backward()
            w.step(loss, images[:8], labels[:8])
            optimizer.step()
    assert "put step(…) right after it" in capsys.readouterr().err
    assert records(w).probes["loss_after"] == (None, None, None)


def test_the_rate_is_the_one_that_the_step_was_made_with(tmp_path):
    model, (images, labels) = net(), data()
    optimizer = sgd(model, rate=0.5)
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.1)
    with tw.watch(model, optimizer, F.cross_entropy, run=tmp_path / "run") as w:
        for _ in range(3):
            loss = a_step(model, optimizer, images[:8], labels[:8])
            schedule.step()
            w.step(loss, images[:8], labels[:8])
    assert records(w).steps["learning_rate"] == pytest.approx((0.5, 0.05, 0.005))


def test_epochs_that_the_loop_measured_itself(tmp_path):
    model, (images, labels) = net(), data()
    optimizer = sgd(model)
    with tw.watch(model, optimizer, F.cross_entropy, run=tmp_path / "run") as w:
        for epoch in range(2):
            for _ in range(2):
                w.step(a_step(model, optimizer, images[:8], labels[:8]))
            with torch.no_grad():
                model.train(epoch == 0)
                model(images)
                model.train()
            w.epoch(train_accuracy=0.5, val_loss=2.0 - epoch, val_accuracy=torch.tensor(0.25))
    history = records(w)
    assert history.epochs["valid_loss"] == (2.0, 1.0)
    assert history.epochs["valid_accuracy"] == (0.25, 0.25)
    assert history.epochs["train_accuracy"] == (0.5, 0.5)
    assert history.epochs["best"] == (True, False)
    assert history.epochs["train_loss"] == pytest.approx([sum(history.steps["loss"][i : i + 2]) / 2 for i in (0, 2)])
    assert history.answers["called_in"] == ("train", "eval")
    assert history.probes["mode"] == ("train",) * 4


def test_a_step_that_float16_leaves_out_is_none(tmp_path):
    model, (images, labels) = net(), data()
    optimizer, scaler = sgd(model), torch.amp.GradScaler("cpu", init_scale=2.0**60)
    with tw.watch(model, optimizer, F.cross_entropy, run=tmp_path / "run", scaler=scaler) as w:
        for number in range(4):
            loss = F.cross_entropy(model(images[:8]), labels[:8])
            optimizer.zero_grad()
            scaler.scale(loss).backward()
            if number == 0:
                model[0].weight.grad.fill_(float("inf"))
            scaler.step(optimizer)
            scaler.update()
            w.step(loss, images[:8], labels[:8])
    history = records(w)
    assert history.steps["step"] == (1, 2, 3)
    assert history.probes["loss_after"][0] is None  # two passes lie before that step
    assert None not in history.probes["loss_after"][1:]


class Wrapped(torch.optim.Optimizer):
    """Hands on to another optimizer, as that of accelerate does."""

    def __init__(self, optimizer):
        self.optimizer = optimizer

    def step(self, closure=None):
        self.optimizer.step(closure)


def test_an_optimizer_in_another_is_the_one_that_steps(tmp_path):
    model, (images, labels) = net(), data()
    optimizer = sgd(model)
    wrapped = Wrapped(optimizer)
    with tw.watch(model, wrapped, F.cross_entropy, run=tmp_path / "run") as w:
        for _ in range(2):
            loss = F.cross_entropy(model(images[:8]), labels[:8])
            optimizer.zero_grad()
            loss.backward()
            wrapped.step()
            w.step(loss, images[:8], labels[:8])
    assert records(w).steps["step"] == (1, 2)
    assert records(w).watch.optimizer == "SGD"


def test_a_closure_hides_the_pass_until_it_is_shown(tmp_path):
    model, (images, labels) = net(), data()
    optimizer = sgd(model)
    for shown in (False, True):
        with tw.watch(model, optimizer, F.cross_entropy, run=tmp_path / f"run-{shown}") as w:

            def closure(w=w, shown=shown):
                optimizer.zero_grad()
                loss = F.cross_entropy(model(images[:8]), labels[:8])
                loss.backward()
                if shown:
                    w.before_step()
                return loss

            for _ in range(2):
                w.step(optimizer.step(closure), images[:8], labels[:8])
        assert [after is not None for after in records(w).probes["loss_after"]] == [shown, shown]


def test_training_in_evaluation_mode_is_seen(tmp_path):
    model, (images, labels) = net(), data()
    optimizer = sgd(model)
    with tw.watch(model, optimizer, F.cross_entropy, run=tmp_path / "run") as w:
        model.eval()
        for _ in range(3):
            w.step(a_step(model, optimizer, images[:8], labels[:8]), images[:8], labels[:8])
        model.train()
    assert records(w).probes["mode"] == ("eval",) * 3


def test_a_validation_that_keeps_gradients_is_no_training(tmp_path):
    model, (images, labels) = net(), data()
    optimizer = sgd(model)
    with tw.watch(model, optimizer, F.cross_entropy, run=tmp_path / "run") as w:
        for _ in range(3):
            w.step(a_step(model, optimizer, images[:8], labels[:8]), images[:8], labels[:8])
            model.eval()
            model(images[8:16])
            model.train()
    assert records(w).probes["mode"] == ("train",) * 3
    assert all(after is not None for after in records(w).probes["loss_after"])


def test_copies_and_files_of_a_watched_net_know_nothing_of_it(tmp_path):
    model, (images, labels) = net(), data()
    optimizer = sgd(model)
    with tw.watch(model, optimizer, F.cross_entropy, run=tmp_path / "run") as w:
        w.step(a_step(model, optimizer, images[:8], labels[:8]), images[:8], labels[:8])
        twin = copy.deepcopy(model)
        torch.save(model, tmp_path / "model.pt")
        loaded = torch.load(tmp_path / "model.pt", weights_only=False)
        w.step(a_step(model, optimizer, images[:8], labels[:8]), images[:8], labels[:8])
        twin.eval()
        loaded.eval()
        w.epoch(val_loss=1.0)
        w.step(a_step(model, optimizer, images[:8], labels[:8]), images[:8], labels[:8])
        assert torch.equal(twin(images), loaded(images))
        w.epoch(val_loss=1.0)
    assert all(row.called_in is None for row in records(w).answers.rows)


def test_a_compiled_net_is_watched_by_the_names_of_its_own_layers(tmp_path):
    model, (images, labels) = net(dropout=0.0), data()
    compiled = torch.compile(model, backend="eager")
    optimizer = sgd(model)
    with tw.watch(compiled, optimizer, F.cross_entropy, run=tmp_path / "run") as w:
        for _ in range(3):
            w.step(a_step(compiled, optimizer, images[:8], labels[:8]), images[:8], labels[:8])
    history = records(w)
    assert history.watch.tensors[0].name == "0.weight"
    assert all(after is not None for after in history.probes["loss_after"])


class TestValidate:
    def test_figures_against_ones_by_hand(self, tmp_path):
        model, (images, labels) = net(), data()
        optimizer = sgd(model)
        smooth = nn.CrossEntropyLoss(label_smoothing=0.1)
        with tw.watch(model, optimizer, smooth, run=tmp_path / "run") as w:
            for first in range(0, 24, 8):
                x, y = images[first : first + 8], labels[first : first + 8]
                optimizer.zero_grad()
                loss = smooth(model(x), y)
                loss.backward()
                optimizer.step()
                w.step(loss, x, y)
            judged = w.validate(model, [(images[16:36], labels[16:36]), (images[36:], labels[36:])])
        model.eval()
        with torch.no_grad():
            outputs, true = model(images[16:]), labels[16:]
        losses = F.cross_entropy(outputs, true, reduction="none").double()
        row = next(row for row in records(w).answers.rows if row.part == "valid")
        assert judged.accuracy == row.accuracy == (outputs.argmax(1) == true).double().mean().item()
        assert judged.loss == pytest.approx(smooth(outputs, true).item(), rel=1e-6)
        assert row.loss == pytest.approx(losses.mean().item(), rel=1e-6)
        assert row.loss_error == pytest.approx(losses.std().item() / 32**0.5, rel=1e-6)
        assert sum(map(sum, row.confusion_KK)) == 32
        assert (row.output_low, row.output_high) == pytest.approx((outputs.min().item(), outputs.max().item()))
        assert row.sum_high == pytest.approx(outputs.sum(1).max().item(), rel=1e-5)
        shown = images[16:].double().movedim(1, 0).flatten(1)
        assert row.input_mean == pytest.approx(shown.mean(1).tolist(), abs=1e-6)
        assert row.input_deviation == pytest.approx(shown.std(1, correction=0).tolist(), rel=1e-5)
        assert (row.shared, row.shared_of) == (8, 32)

    def test_a_loader_goes_on_as_if_nobody_had_asked(self, tmp_path):
        model, (images, labels) = net(), data()
        loader = DataLoader(TensorDataset(images), 8, shuffle=True, generator=torch.Generator().manual_seed(3))
        expected = [batch[0].clone() for batch in loader]
        loader.generator.manual_seed(3)
        pairs = DataLoader(TensorDataset(images, labels), 8, shuffle=True, generator=loader.generator)
        with tw.watch(model, sgd(model), run=tmp_path / "run") as w:
            w.validate(model, pairs)
        assert all(torch.equal(batch[0], other) for batch, other in zip(loader, expected, strict=True))

    @pytest.mark.parametrize(
        ("loader", "words"),
        [
            ([], "gives no batch"),
            ([torch.zeros(2, 3, 8, 8)], "no pair"),
            ([(torch.zeros(2, 3, 8, 8), [1, 2])], "no pair"),
            ([(torch.zeros(2, 3, 8, 8), torch.zeros(3))], "not as many labels"),
        ],
    )
    def test_loaders_that_give_something_else(self, tmp_path, loader, words):
        model = net()
        with tw.watch(model, sgd(model), run=tmp_path / "run") as w:
            assert words in str(refused(w.validate, model, loader))
            assert model.training

    def test_numbers_instead_of_classes(self, tmp_path):
        model = nn.Linear(4, 1)
        inputs, targets = torch.randn(16, 4), torch.randn(16, 1)
        optimizer = sgd(model)
        with tw.watch(model, optimizer, F.mse_loss, run=tmp_path / "run", probe=(inputs, targets)) as w:
            loss = F.mse_loss(model(inputs), targets)
            loss.backward()
            optimizer.step()
            w.step(loss, inputs, targets)
            judged = w.validate(model, [(inputs, targets)])
        assert judged.accuracy is None
        assert judged.loss == pytest.approx(F.mse_loss(model(inputs), targets).item())
        assert records(w).watch.classes is None


class TestBadInput:
    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({"model": "a net"}, "no net"),
            ({"model": nn.ReLU()}, "no parameters"),
            ({"model": nn.LazyLinear(3)}, "made at its first call"),
            ({"optimizer": [1]}, "no optimizer"),
            ({"loss_fn": 3}, "cannot be called"),
            ({"forward": 3}, "cannot be called"),
            ({"share": 0}, "above 0"),
            ({"epochs": 0}, "whole number from 1"),
            ({"steps": -1}, "whole number from 1"),
        ],
    )
    def test_what_cannot_be_watched(self, tmp_path, change, words):
        model = net()
        given = {"model": model, "optimizer": sgd(model), "run": tmp_path / "run", **change}
        assert words in str(refused(tw.watch, **given))
        assert not (tmp_path / "run").exists()

    @pytest.mark.parametrize(
        ("probe", "words"),
        [
            (torch.zeros(4, 1, 8, 8), "cannot take the pictures"),
            ((torch.zeros(4, 3, 8, 8), torch.zeros(3)), "not as many labels"),
            ((torch.zeros(0, 3, 8, 8),), "empty"),
            (3, "no probe set"),
            ((torch.zeros(4, 3, 8, 8), [1, 2, 3, 4]), "no probe set"),
            ((torch.zeros(4, 3, 8, 8), torch.zeros(4, 7)), "loss_fn cannot take"),
        ],
    )
    def test_probe_sets_that_do_not_fit(self, tmp_path, probe, words):
        model = net()
        w = tw.watch(model, sgd(model), F.cross_entropy, run=tmp_path / "run", probe=probe)
        assert words in str(refused(w.begin))
        assert not (tmp_path / "run").exists()
        assert model.training

    def test_a_loss_that_is_no_scalar(self, tmp_path):
        model, (images, labels) = net(), data()
        each = nn.CrossEntropyLoss(reduction="none")
        w = tw.watch(model, sgd(model), each, run=tmp_path / "run", probe=(images, labels))
        assert "gives no scalar" in str(refused(w.begin))
        with tw.watch(model, sgd(model), run=tmp_path / "run") as w:
            assert "shape (2,)" in str(refused(w.step, torch.zeros(2)))
            assert "str" in str(refused(w.step, "0.5"))
            assert "percentage" not in str(refused(w.epoch, val_accuracy=93.5))

    def test_a_run_that_exists(self, tmp_path):
        model = net()
        with tw.watch(model, sgd(model), run=tmp_path / "run") as w:
            assert "watched already" in str(refused(w.begin))
        error = refused(tw.watch(model, sgd(model), run=tmp_path / "run").begin)
        assert "not written over" in str(error)
        assert "run=" in str(error)

    def test_names_are_made_where_none_is_given(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        model = net()
        paths = []
        for _ in range(2):
            with tw.watch(model, sgd(model)) as w:
                paths.append(w.path)
        assert len(set(paths)) == 2
        assert all(path.parent.name == "runs" and "Sequential" in path.name and is_run(path) for path in paths)

    def test_an_optimizer_of_another_net_is_told_and_watching_goes_on(self, tmp_path):
        model, other, (images, labels) = net(), net(), data()
        optimizer = sgd(other)
        with tw.watch(model, optimizer, F.cross_entropy, run=tmp_path / "run") as w:
            for _ in range(3):
                w.step(a_step(model, optimizer, images[:8], labels[:8]), images[:8], labels[:8])
        history = records(w)
        assert history.watch.strangers == 6
        assert not any(tensor.moved for tensor in history.watch.tensors)
        assert history.steps["step"] == (1, 2, 3)

    def test_a_disk_that_fills_up_ends_watching_and_not_training(self, tmp_path, monkeypatch):
        model, (images, labels) = net(), data()
        optimizer = sgd(model)
        with tw.watch(model, optimizer, F.cross_entropy, run=tmp_path / "run") as w:
            w.step(a_step(model, optimizer, images[:8], labels[:8]), images[:8], labels[:8])

            def full(*_, **__):
                raise WriteFailed("events.jsonl could not be written", got="No space left on device")

            monkeypatch.setattr(watch_log.EventWriter, "write", full)
            with pytest.warns(RuntimeWarning, match="training goes on.*No space left") as told:
                w.step(a_step(model, optimizer, images[:8], labels[:8]), images[:8], labels[:8])
            assert told[0].filename == __file__
            w.step(a_step(model, optimizer, images[:8], labels[:8]), images[:8], labels[:8])
            assert w.validate(model, [(images, labels)]).pictures == 48
            w.epoch(val_loss=1.0)
        assert not model._forward_pre_hooks
        assert records(w).steps["step"] == (1,)

    def test_a_fault_of_watching_itself_ends_it_and_not_training(self, tmp_path, monkeypatch):
        model, (images, labels) = net(), data()
        optimizer = sgd(model)
        with tw.watch(model, optimizer, F.cross_entropy, run=tmp_path / "run") as w:
            monkeypatch.setattr(w._monitor, "step", lambda *_: 1 / 0)
            with pytest.warns(RuntimeWarning, match="ZeroDivisionError"):
                w.step(a_step(model, optimizer, images[:8], labels[:8]), images[:8], labels[:8])
            w.step(a_step(model, optimizer, images[:8], labels[:8]), images[:8], labels[:8])
        stop = records(w).stop
        assert stop.kind == "interrupted"
        assert "watching ended before training" in stop.reason

    def test_an_epoch_without_a_step_is_passed_over(self, tmp_path, capsys):
        model = net()
        with tw.watch(model, sgd(model), run=tmp_path / "run") as w:
            w.epoch(val_loss=1.0)
        assert len(records(w).epochs) == 0
        assert "no step was told" in capsys.readouterr().err

    def test_a_torn_line_and_a_later_version(self, tmp_path):
        history = watched_steps(tmp_path)
        log = tmp_path / "run/events.jsonl"
        with log.open("ab") as file:
            file.write(b'{"type":"step","st')
        assert History.of(read_records(log)) == history
        log.write_bytes(log.read_bytes().replace(b'"type":"stop"', b'"type":"pause"'))
        assert "newer trainwright" in str(refused(read_records, log))


class TestFindings:
    def test_they_are_told_once_as_they_are_made(self, tmp_path, capsys):
        model, (images, labels) = net(), data()
        optimizer = sgd(model)

        def loss_of(outputs, labels):
            return F.nll_loss(outputs.softmax(1), labels)  # the logarithm is missing

        with tw.watch(model, optimizer, loss_of, run=tmp_path / "run") as w:
            for _ in range(3):
                for _ in range(2):
                    optimizer.zero_grad()
                    loss = loss_of(model(images[:8]), labels[:8])
                    loss.backward()
                    optimizer.step()
                    w.step(loss, images[:8], labels[:8])
                w.validate(model, [(images[8:], labels[8:])])
            told = capsys.readouterr().err
            assert "negative-loss" in told  # before the end
            assert w.findings[0].code == "negative-loss"
        ended = capsys.readouterr().err
        assert (told + ended).count(": negative-loss: ") == 1
        assert "found: negative-loss" in ended
        written = json.loads((tmp_path / "run/findings.json").read_text())
        assert [finding["code"] for finding in written if finding["code"] == "negative-loss"] == ["negative-loss"]
        diagnosed = tw.diagnose(tmp_path / "run")
        assert "negative-loss" in [finding.code for finding in diagnosed.findings]

    def test_nothing_wrong_is_said_too(self, tmp_path, capsys):
        watched_steps(tmp_path)
        assert "nothing wrong was found; to see what went on" in capsys.readouterr().err

    def test_the_report_is_written_without_a_recipe(self, tmp_path):
        watched_steps(tmp_path)
        page = tw.Run.open(tmp_path / "run").report().read_text()
        assert "Sequential" in page or "run" in page

    def test_a_validation_in_training_mode_is_found(self, tmp_path):
        model, (images, labels) = net(), data()
        optimizer = sgd(model)
        with tw.watch(model, optimizer, F.cross_entropy, run=tmp_path / "run") as w:
            for _ in range(3):
                w.step(a_step(model, optimizer, images[:8], labels[:8]), images[:8], labels[:8])
                with torch.no_grad():
                    loss = F.cross_entropy(model(images[8:]), labels[8:])
                w.epoch(val_loss=loss)
        assert "evaluated-in-train-mode" in [finding.code for finding in w.findings]


def test_losses_on_a_device_are_fetched_in_bunches():
    losses = Losses()
    for number in range(BUNCH):
        assert not losses.full
        losses.add(StepRecord(step=number, epoch=1, learning_rate=0.1, loss=float("nan")), torch.tensor(number / 2))
    assert losses.full
    assert [(step.step, step.loss) for step in losses.fetch()] == [(number, number / 2) for number in range(BUNCH)]
    assert losses.fetch() == []


def test_a_thousand_layers(tmp_path):
    torch.manual_seed(0)
    model = nn.Sequential(*[nn.Linear(4, 4) for _ in range(1000)])
    for layer in model:
        nn.init.eye_(layer.weight)
    inputs, targets = torch.randn(8, 4), torch.randint(4, (8,))
    optimizer = sgd(model, rate=1e-4)
    with tw.watch(model, optimizer, F.cross_entropy, run=tmp_path / "run", first_steps=1) as w:
        w.step(a_step(model, optimizer, inputs, targets), inputs, targets)
    history = records(w)
    assert len(history.watch.tensors) == 2000
    assert len(history.probes.rows[0].updates) == 2000


class TestOtherCommands:
    @pytest.mark.parametrize("words", [("evaluate",), ("predict", "x.png"), ("train", "--resume")])
    def test_what_needs_a_recipe_says_that_there_is_none(self, cli, tmp_path, words):
        watched_steps(tmp_path)
        run = tmp_path / "run"
        command, *rest = words
        ended = cli(command, *rest, run) if command in ("train",) else cli(command, run, *rest)
        assert ended.code == 2
        assert "watched in a loop that is not trainwright's" in ended.err
        assert f"trainwright diagnose {run}" in ended.err.replace("\n", "")

    def test_a_run_knows_its_figures_without_a_recipe(self, tmp_path):
        watched_steps(tmp_path)
        run = tw.Run.open(tmp_path / "run")
        assert run.finished
        assert "no recipe" in str(refused(lambda: run.recipe))

    def test_training_under_the_name_of_a_watched_run(self, cli, tmp_path):
        watched_steps(tmp_path)
        ended = cli("train", "digits", f"--out={tmp_path}", "--name=run")
        assert ended.code == 2
        assert "not written over" in ended.err
        assert "--resume" not in ended.err


def test_records_keep_their_order_by_step(tmp_path):
    watched_steps(tmp_path, steps=6)
    steps = [record.step for record in read_records(tmp_path / "run/events.jsonl") if isinstance(record, StepRecord)]
    assert steps == sorted(steps) == list(range(1, 7))
