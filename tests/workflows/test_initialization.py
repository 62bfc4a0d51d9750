"""Runs under other initializations: they go all the way, resume exactly, and can be asked afterwards."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from safetensors.torch import load_file

WORDS = [
    "train",
    "digits",
    "--model=small-resnet",
    "--epochs=2",
    "--batch-size=128",
    "--lr=0.25",
    "--set=model.width=4",
    "--set=model.depth=1",
    "--set=training.ema=0.9",
    "--set=machine.threads=1",
    "--name=run",
]
WAYS = {
    "centered": ["--set=init.centered_weight_norm=true"],
    "centered lsuv": ["--init=lsuv", "--set=init.centered_weight_norm=true", "--set=init.head=scheme"],
    "data-dependent": ["--init=data-dependent", "--set=init.class_prior=true"],
}


def weights(run: Path) -> list[bytes]:
    return [(run / "checkpoints" / name / "model.safetensors").read_bytes() for name in ("last", "best")]


@pytest.mark.parametrize("way", sorted(WAYS))
def test_stopped_in_the_middle_it_ends_with_the_same_weights(cli, tmp_path, interrupt, way):
    words = [*WORDS, *WAYS[way]]
    ended = cli(*words, f"--out={tmp_path / 'unbroken'}")
    assert ended.code == 0, ended.err
    interrupt(11)
    assert cli(*words, f"--out={tmp_path / 'stopped'}").code == 130
    assert cli("train", f"--resume={tmp_path / 'stopped' / 'run'}").code == 0
    assert weights(tmp_path / "stopped" / "run") == weights(tmp_path / "unbroken" / "run")


def test_a_centered_net_is_judged_and_used_like_any_other(cli, tmp_path):
    run = tmp_path / "run"
    ended = cli(*WORDS, *WAYS["centered"], f"--out={tmp_path}", "--json")
    assert ended.code == 0, ended.err
    best, last = (load_file(run / "checkpoints" / name / "model.safetensors") for name in ("best", "last"))
    assert not any("parametrizations" in name for name in best)
    assert "stem.0.parametrizations.weight.original1" in last
    again = cli("evaluate", run, "--json")
    assert json.loads(again.out)["accuracy"] == json.loads(ended.out)["test_accuracy"]
    layers = json.loads((run / "layers.json").read_text())
    assert sum(layer["parameters"] for layer in layers) == json.loads(ended.out)["parameters"]
    file = run / "checkpoints" / "best" / "model.safetensors"
    words = ["--model=small-resnet", "--set=model.width=4", "--set=model.depth=1", f"--weights={file}"]
    facts = json.loads(cli("activations", "digits", *words, "--json").out)
    assert facts["first_loss"] < 2.2


def test_a_net_of_zeros_is_told_before_it_trains(cli, tmp_path):
    ended = cli(*WORDS, "--init=zeros", f"--out={tmp_path}")
    assert ended.code == 3
    assert "no gradient reaches its weights" in ended.err
    assert "[no-gradient-at-start]" in ended.out
    assert "--set init.scheme=auto" in ended.err
