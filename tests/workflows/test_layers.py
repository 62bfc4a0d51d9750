"""Runs with other layers: they go all the way, resume exactly, and are judged with the weights as they are."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.torch import load_file

WORDS = [
    "train",
    "digits",
    "--model=small-resnet",
    "--epochs=2",
    "--batch-size=128",
    "--lr=0.1",
    "--set=model.width=8",
    "--set=model.depth=1",
    "--set=training.ema=0.9",
    "--set=machine.threads=1",
    "--name=run",
]
ALL = [
    "--set=model.activation=rrelu",
    "--set=model.normalization=batch-instance",
    "--set=model.dropconnect=0.1",
    "--set=model.dropout=0.1",
    "--set=model.spatial_dropout=0.1",
    "--set=model.stochastic_depth=0.2",
    "--set=model.aspp=1",
    "--set=training.reestimate_batch_norm=true",
]


def weights(run: Path) -> list[bytes]:
    return [(run / "checkpoints" / name / "model.safetensors").read_bytes() for name in ("last", "best")]


@pytest.mark.parametrize("ema", ["0.9", "0"])
def test_stopped_in_the_middle_it_ends_with_the_same_weights(cli, tmp_path, interrupt, ema):
    words = [word.replace("ema=0.9", f"ema={ema}") for word in [*WORDS, *ALL]]
    ended = cli(*words, f"--out={tmp_path / 'unbroken'}", "--json")
    assert ended.code == 0, ended.err
    interrupt(13)
    assert cli(*words, f"--out={tmp_path / 'stopped'}").code == 130
    assert cli("train", f"--resume={tmp_path / 'stopped' / 'run'}").code == 0
    assert weights(tmp_path / "stopped" / "run") == weights(tmp_path / "unbroken" / "run")
    run = tmp_path / "unbroken" / "run"
    best, last = (load_file(run / "checkpoints" / name / "model.safetensors") for name in ("best", "last"))
    assert "stem.0.parametrizations.weight.original" in last
    assert "stem.0.weight" in best
    shares = [value for kept in (best, last) for key, value in kept.items() if key.endswith("rho")]
    assert shares
    assert all(((share >= 0) & (share <= 1)).all() for share in shares)
    again = json.loads(cli("evaluate", run, "--json").out)
    assert again["accuracy"] == json.loads(ended.out)["test_accuracy"]


@pytest.fixture
def plain_run(cli, tmp_path) -> Path:
    words = ["train", "digits", "--model=plain", "--epochs=1", "--set=model.width=8", "--set=model.depth=1"]
    words += ["--set=model.activation=maxout", "--set=model.pooling=stride", "--set=machine.precision=float32"]
    ended = cli(*words, "--batch-size=64", "--name=run", f"--out={tmp_path}")
    assert ended.code == 0, ended.err
    return tmp_path / "run"


def test_a_folded_net_is_judged_and_answers_alike(cli, plain_run, photos):
    plain, folded = (json.loads(cli("evaluate", plain_run, "--json", *more).out) for more in ([], ["--fuse"]))
    assert folded["accuracy"] == plain["accuracy"]
    assert folded["loss"] == pytest.approx(plain["loss"], rel=1e-5)
    answers = [json.loads(cli("predict", plain_run, photos, "--json", *more).out) for more in ([], ["--fuse"])]
    for one, other in zip(*answers, strict=True):
        assert other["label"] == one["label"]
        assert other["probability"] == pytest.approx(one["probability"], rel=1e-4)


def test_statistics_counted_anew_are_those_that_are_kept(cli, tmp_path):
    runs = {}
    for word in ("true", "false"):
        words = [*WORDS, f"--set=training.reestimate_batch_norm={word}", f"--out={tmp_path / word}"]
        assert cli(*words).code == 0
        runs[word] = load_file(tmp_path / word / "run/checkpoints/best/model.safetensors")
    moved = {key.rpartition(".")[2] for key in runs["true"] if not runs["true"][key].equal(runs["false"][key])}
    assert moved == {"running_mean", "running_var"}


def test_a_picture_left_over_by_training_joins_others_when_statistics_are_counted_anew(cli, tmp_path):
    for part, count in (("train", 5), ("val", 2), ("test", 2)):
        for number, name in enumerate("ab"):
            (tmp_path / "data" / part / name).mkdir(parents=True)
            for index in range(count - number):
                pixels = np.random.default_rng([count, number, index]).integers(0, 256, (32, 32, 3), np.uint8)
                Image.fromarray(pixels).save(tmp_path / "data" / part / name / f"{index}.png")
    words = ["--model=test_resnet", "--img-size=32", "--batch-size=2", "--epochs=1", "--set=machine.threads=1"]
    words += ["--set=training.reestimate_batch_norm=true", "--name=run", f"--out={tmp_path}"]
    ended = cli("train", tmp_path / "data", *words)
    assert ended.code == 0, ended.err
    kept = load_file(tmp_path / "run/checkpoints/best/model.safetensors")
    assert all(value.isfinite().all() for key, value in kept.items() if "running" in key)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--set=model.activation=rellu"], "did you mean 'relu'"),
        (["--set=model.normalization=group", "--set=model.norm_groups=16"], "16 groups do not divide a layer of 8"),
        (["--set=model.leaky_slope=0.1"], "model.leaky_slope has no effect, since model.activation is native"),
        (["--set=model.pooling=average"], "model.pooling has no effect, since model.name is small-resnet"),
        (["--model=plain", "--set=model.stochastic_depth=0.1"], "plain has no way around its layers"),
        (["--model=resnet18", "--set=model.activation=maxout"], "timm's models take no model.activation: maxout"),
        (["--model=resnet18", "--set=model.aspp=1"], "model.aspp has no effect, since model.name is resnet18"),
        (
            ["--model=resnet18", "--weights=pretrained", "--set=model.normalization=group"],
            "the published weights were learned with the model's own normalization",
        ),
        (
            ["--set=training.reestimate_batch_norm=true", "--set=model.normalization=layer"],
            "no running statistics to count anew beside model.normalization layer",
        ),
        (
            ["--set=regularization.sparsity=0.1", "--set=model.activation=maxout"],
            "maxout has no value at which a unit rests",
        ),
        (["--set=model.dropconnect=1"], "expected: a number at least 0 and below 1 (probability)"),
    ],
)
def test_bad_input_is_told(cli, tmp_path, words, told):
    given = [word for word in WORDS if not any(other.startswith("--model") for other in words) or "model" not in word]
    ended = cli(*given, *words, f"--out={tmp_path}")
    assert ended.code == 2, ended.out
    assert told in " ".join(ended.err.split())
    assert not (tmp_path / "run").exists()


def test_nothing_to_fold_is_told(cli, tmp_path):
    words = [*WORDS[:3], "--epochs=1", *WORDS[4:], "--set=model.normalization=instance", f"--out={tmp_path}"]
    assert cli(*words).code == 0
    ended = cli("evaluate", tmp_path / "run", "--fuse")
    assert ended.code == 2
    assert "no batch normalization stands right behind a convolution" in ended.err
    assert "got: SmallResNet with model.normalization: instance (InstanceNorm2d)" in ended.err


@pytest.mark.parametrize(
    ("word", "net", "why"),
    [
        ("model.width=4", "small-resnet", "model.width is given, and only our own nets take it"),
        ("model.pooling=max", "plain", "model.pooling is given, and only plain has it"),
    ],
)
def test_auto_takes_a_net_that_has_what_was_given(cli, photos, tmp_path, word, net, why):
    words = ["--img-size=100", "--epochs=1", "--batch-size=16", "--set=model.depth=1", "--set=machine.threads=1"]
    width = [] if word == "model.width=4" else ["--set=model.width=4"]
    ended = cli("train", photos, *words, f"--set={word}", *width, "--name=x", f"--out={tmp_path}")
    assert ended.code == 0, ended.err
    recipe = (tmp_path / "x/recipe.yaml").read_text()
    assert f"name: {net} " in recipe
    assert why in recipe
    assert why in " ".join(ended.out.split())


def test_a_written_recipe_leaves_the_choice_to_auto(cli, photos, tmp_path):
    """It names the defaults of our own nets, too, and they give way to a net that has no such settings."""
    (tmp_path / "all.yaml").write_text(cli("recipe").out)
    words = ["--img-size=100", "--epochs=1", "--batch-size=16", "--set=machine.threads=1", "--device=cpu"]
    ended = cli("train", photos, "--recipe", tmp_path / "all.yaml", *words, "--name=x", f"--out={tmp_path}")
    assert ended.code == 0, ended.err
    recipe = (tmp_path / "x/recipe.yaml").read_text()
    assert "name: regnetx_002 " in recipe
    assert "# aspp: 0" in recipe
