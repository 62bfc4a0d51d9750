"""A real lightning Trainer, watched."""

from __future__ import annotations

import sys

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

import trainwright as tw
from trainwright.errors import InputError

pl = pytest.importorskip("lightning.pytorch")

pytestmark = [pytest.mark.filterwarnings("ignore")]  # those of lightning


class Module(pl.LightningModule):
    def __init__(self, closes_with=None):
        super().__init__()
        torch.manual_seed(0)
        self.net = nn.Sequential(nn.Flatten(), nn.Linear(12, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3))
        self.closes_with = closes_with

    def forward(self, x):
        return self.net(x)

    def training_step(self, batch, index):
        if self.closes_with is not None and index == 2:
            raise self.closes_with
        return F.cross_entropy(self(batch[0]), batch[1])

    def validation_step(self, batch, _index):
        outputs = self.net(batch[0])
        self.log("val_loss", F.cross_entropy(outputs, batch[1]))
        self.log("val_acc", (outputs.argmax(1) == batch[1]).float().mean())

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)


def loader(seed=0):
    generator = torch.Generator().manual_seed(seed)
    images = torch.randn(32, 3, 2, 2, generator=generator)
    return DataLoader(TensorDataset(images, images.mean((2, 3)).argmax(1)), 8)


def fit(tmp_path, module, callbacks, **options):
    trainer = pl.Trainer(
        max_epochs=2,
        accelerator="cpu",
        callbacks=callbacks,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=tmp_path,
        **options,
    )
    trainer.fit(module, loader(), loader(1))


def test_its_steps_epochs_and_validations_are_seen(tmp_path):
    module, batch = Module(), next(iter(loader()))
    watching = tw.LightningWatch(F.cross_entropy, run=tmp_path / "run", probe=batch)
    fit(tmp_path, module, [watching])
    history = tw.Run.open(watching.path).history
    assert history.steps["step"] == tuple(range(1, 9))
    assert history.epochs["step"] == (4, 8)
    assert all(0 < loss < 3 for loss in history.epochs["valid_loss"])
    assert all(0 <= share <= 1 for share in history.epochs["valid_accuracy"])
    assert history.watch.tensors[0].name == "1.weight"
    assert history.watch.steps_planned == 8
    assert set(history.probes["mode"]) == {"train"}
    assert all(after is not None for after in history.probes["loss_after"])
    assert set(history.answers["called_in"]) == {None, "eval"}
    assert history.stop.kind == "completed"


def test_it_trains_as_without(tmp_path):
    plain, watched = Module(), Module()
    fit(tmp_path, plain, [])
    fit(tmp_path, watched, [tw.LightningWatch(F.cross_entropy, run=tmp_path / "run")])
    for name, tensor in plain.state_dict().items():
        assert torch.equal(tensor, watched.state_dict()[name]), name


def test_batches_that_are_added_up_are_one_step(tmp_path):
    watching = tw.LightningWatch(F.cross_entropy, run=tmp_path / "run")
    fit(tmp_path, Module(), [watching], accumulate_grad_batches=2)
    assert tw.Run.open(watching.path).history.steps["step"] == (1, 2, 3, 4)


def test_a_training_that_raises_says_so(tmp_path):
    watching = tw.LightningWatch(run=tmp_path / "run", net="net")
    with pytest.raises(ValueError, match="so it is"):
        fit(tmp_path, Module(ValueError("so it is")), [watching])
    stop = tw.Run.open(watching.path).history.stop
    assert (stop.kind, stop.step) == ("interrupted", 2)
    assert "so it is" in stop.reason


def test_a_net_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match="no net of this name"):
        fit(tmp_path, Module(), [tw.LightningWatch(run=tmp_path / "run", net="backbone")])


def test_without_the_package_it_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "lightning.pytorch", None)
    monkeypatch.delitem(sys.modules, "trainwright.workflows.watch_lightning", raising=False)
    with pytest.raises(InputError, match=r"trainwright\[lightning\]"):
        _ = tw.LightningWatch
