"""A real Trainer of Hugging Face, watched."""

from __future__ import annotations

import sys

import pytest
import torch
from torch.utils.data import Dataset

import trainwright as tw
from trainwright.errors import InputError

transformers = pytest.importorskip("transformers")

pytestmark = [pytest.mark.filterwarnings("ignore")]  # those of transformers


class Pictures(Dataset):
    def __init__(self, seed=0, labelled=True):
        generator = torch.Generator().manual_seed(seed)
        self.images = torch.randn(16, 3, 8, 8, generator=generator)
        self.labels = self.images.mean((2, 3)).argmax(1)
        self.labelled = labelled

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        return {"pixel_values": self.images[index], "labels": self.labels[index]}


def net():
    torch.manual_seed(0)
    config = transformers.ResNetConfig(
        num_channels=3, embedding_size=4, hidden_sizes=[4, 8], depths=[1, 1], layer_type="basic", num_labels=3
    )
    return transformers.ResNetForImageClassification(config)


def accuracy(answers):
    return {"accuracy": float((answers.predictions.argmax(1) == answers.label_ids).mean())}


def train(tmp_path, model, callbacks, **options):
    arguments = transformers.TrainingArguments(
        output_dir=str(tmp_path / "out"),
        num_train_epochs=2,
        per_device_train_batch_size=4,
        eval_strategy="epoch",
        save_strategy="no",
        report_to=[],
        use_cpu=True,
        disable_tqdm=True,
        remove_unused_columns=False,
        **options,
    )
    trainer = transformers.Trainer(
        model=model,
        args=arguments,
        train_dataset=Pictures(),
        eval_dataset=Pictures(1),
        compute_metrics=accuracy,
        callbacks=callbacks,
    )
    trainer.train()
    return [float(line["loss"]) for line in trainer.state.log_history if "loss" in line]


def test_its_steps_epochs_and_evaluations_are_seen(tmp_path):
    pictures = Pictures()
    watching = tw.TransformersWatch(run=tmp_path / "run", probe=(pictures.images, pictures.labels))
    losses = train(tmp_path, net(), [watching], logging_steps=1)
    history = tw.Run.open(watching.path).history
    assert history.steps["step"] == tuple(range(1, 9))
    assert history.steps["loss"] == pytest.approx(losses, abs=1e-3)
    assert history.epochs["step"] == (4, 8)
    assert all(0 < loss < 5 for loss in history.epochs["valid_loss"])
    assert all(0 <= share <= 1 for share in history.epochs["valid_accuracy"])
    assert (history.watch.optimizer, history.watch.steps_planned, history.watch.classes) == ("AdamW", 8, 3)
    assert all(after is not None for after in history.probes["loss_after"])
    assert set(history.answers["called_in"]) == {None, "eval"}
    assert history.stop.kind == "completed"


def test_it_trains_as_without(tmp_path):
    plain, watched = net(), net()
    train(tmp_path, plain, [])
    train(tmp_path, watched, [tw.TransformersWatch(run=tmp_path / "run")])
    for name, tensor in plain.state_dict().items():
        assert torch.equal(tensor, watched.state_dict()[name]), name


def test_batches_that_are_added_up_are_one_step(tmp_path):
    watching = tw.TransformersWatch(run=tmp_path / "run")
    train(tmp_path, net(), [watching], gradient_accumulation_steps=2)
    assert tw.Run.open(watching.path).history.steps["step"] == (1, 2, 3, 4)


def test_without_a_loss_of_the_model_watching_ends_and_training_goes_on(tmp_path, monkeypatch):
    model = net()
    forward = model.forward

    def without_loss(*inputs, **named):
        outputs = forward(*inputs, **named)
        return outputs.logits if outputs.loss is None else (outputs.loss, outputs.logits)

    monkeypatch.setattr(model, "forward", without_loss)
    watching = tw.TransformersWatch(run=tmp_path / "run")
    with pytest.warns(RuntimeWarning, match="the model computes no loss") as caught:
        train(tmp_path, model, [watching])
    assert len([one for one in caught if "no loss" in str(one.message)]) == 1
    assert tw.Run.open(watching.path).history.stop is not None


def test_without_the_package_it_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers.trainer_callback", None)
    monkeypatch.delitem(sys.modules, "trainwright.workflows.watch_transformers", raising=False)
    with pytest.raises(InputError, match=r"trainwright\[transformers\]"):
        _ = tw.TransformersWatch
