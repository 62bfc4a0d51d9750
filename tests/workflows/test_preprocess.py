"""Centers, scales and whitening through the whole program: trained, kept, evaluated, predicted, resumed, refused."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path

import pytest
import torch
from PIL import Image

from trainwright.data import batches, eval_batches, prepare
from trainwright.data.preprocess import whitening
from trainwright.recipe import MachineSection, compose, read_recipe_file
from trainwright.training import build, open_snapshot

WORDS = ["--model=plain", "--epochs=2", "--batch-size=64", "--set=model.width=8", "--set=machine.threads=1"]
IMAGE = ["--set=preprocess.center=image", "--set=preprocess.scale=image"]
MINMAX = ["--set=preprocess.scale=minmax"]
ZCA = ["--set=preprocess.whiten=zca"]
PCA = ["--set=preprocess.whiten=pca", "--set=preprocess.epsilon=0.1"]


@pytest.mark.parametrize("ways", [IMAGE, MINMAX, ZCA, PCA], ids=["image", "minmax", "zca", "pca"])
def test_evaluation_and_prediction_see_what_training_saw(cli, tmp_path, ways):
    ended = cli("train", "digits", *WORDS, *ways, "--name=x", f"--out={tmp_path}", "--json")
    assert ended.code == 0, ended.err
    figures, run = json.loads(ended.out), tmp_path / "x"
    assert "3 of 64 dimensions" in ended.err
    for told in ("how 64 values of a picture vary together: 1,294", "the directions to whiten along: 64"):
        assert (told in ended.err) == (ways in (ZCA, PCA))

    recipe = compose(read_recipe_file(run / "recipe.yaml"))
    data = prepare(recipe.data, seed=recipe.training.seed)
    setup, snapshot = build(recipe, data), open_snapshot(run / "checkpoints", MachineSection(threads=1))
    for batch in eval_batches(data.test, 100):
        assert torch.equal(snapshot.prepare(batch), setup.prepare_eval(batch))
    shown = Image.open(run / "plots" / "first-batch.png")
    first = next(batches(data.train, 64, seed=recipe.training.seed, epoch=1))
    assert torch.equal(setup.preprocessor.invert(setup.prepare_train(first, 1))[0, 0], first.images_NCHW[0, 0])
    assert shown.crop((0, 0, 8, 8)).tobytes() == first.images_NCHW[0, 0].numpy().tobytes()

    said = json.loads(cli("evaluate", run, "--json").out)
    assert said["accuracy"] == figures["test_accuracy"]
    files = []
    for row, picture in enumerate(data.test.images(torch.arange(len(data.test)))):
        files.append(tmp_path / f"{row:03d}.png")
        Image.fromarray(picture[0].numpy()).save(files[-1])
    answers = json.loads(cli("predict", run, *files, "--top=10", "--json").out)
    truth = [data.classes[label] for label in data.test.labels_N.tolist()]
    losses = [-math.log(dict(answer["top"])[label]) for answer, label in zip(answers, truth, strict=True)]
    assert sum(losses) / len(losses) == pytest.approx(said["loss"], rel=1e-4)
    assert [answer["label"] for answer in answers].count(None) == 0


def end_of(run: Path) -> tuple[bytes, bytes]:
    return tuple((run / "checkpoints" / name / "model.safetensors").read_bytes() for name in ("last", "best"))


@pytest.mark.parametrize("ways", [IMAGE, ZCA, PCA], ids=["image", "zca", "pca"])
def test_a_resumed_run_goes_on_with_the_preprocessing_that_it_began_with(cli, tmp_path, monkeypatch, interrupt, ways):
    words = ["digits", *WORDS, *ways, "--set=augment.crop_padding=1", "--set=augment.cutout=2"]
    assert cli("train", *words, "--name=unbroken", f"--out={tmp_path}").code == 0
    interrupt(9)
    assert cli("train", *words, "--name=broken", f"--out={tmp_path}").code == 130

    def fitted_again(*arguments, **named):
        raise AssertionError("fitted again, on another machine perhaps another way")

    monkeypatch.setattr(sys.modules[build.__module__], "fit_preprocessor", fitted_again)
    ended = cli("train", "--resume", tmp_path / "broken")
    assert ended.code == 0, ended.err
    assert end_of(tmp_path / "broken") == end_of(tmp_path / "unbroken")


def test_too_large_to_whiten_is_told_and_leaves_no_run(cli, tmp_path, monkeypatch):
    monkeypatch.setattr(whitening, "free_memory", lambda: 100_000)
    ended = cli("train", "digits", *WORDS, *ZCA, f"--out={tmp_path}")
    assert ended.code == 2
    assert "these pictures are too large to be whitened" in ended.err
    assert "expected: at most 6×6 pixels" in ended.err
    assert "got: 8×8×1: 64 dimensions" in ended.err
    assert not list(tmp_path.glob("*"))


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["preprocess.whiten=zac"], ["preprocess.whiten has no such choice", "none, pca, zca", "did you mean 'zca'"]),
        (["preprocess.whiten=zca", "preprocess.center=channel"], ["turns pictures about their mean image"]),
        (["preprocess.scale=minmax", "preprocess.center=image"], ["has a center of its own"]),
        (["preprocess.epsilon=0.1"], ["preprocess.epsilon has no effect, since preprocess.whiten is none"]),
        (["preprocess.whiten=pca", "preprocess.epsilon=0"], ["preprocess.epsilon is out of range", "at least 1.0e-08"]),
    ],
)
def test_mistakes(cli, tmp_path, words, says):
    ended = cli("train", "digits", *WORDS, *(f"--set={word}" for word in words), f"--out={tmp_path}")
    assert ended.code == 2
    assert all(word in ended.err for word in says), ended.err
