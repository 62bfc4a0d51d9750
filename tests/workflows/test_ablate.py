"""`ablate` through the command line and from Python."""

from __future__ import annotations

import inspect
import json
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from PIL import Image

import trainwright as tw
from trainwright.cli.ablate import ablate as command
from trainwright.runs import TrialRecord, read_records
from trainwright.tuning.paired import FEWEST_BREAKDOWNS
from trainwright.workflows import ablate as workflow

TINY = ["--model=plain", "--epochs=3", "--set=model.width=8", "--set=model.depth=1", "--set=machine.threads=1"]
SETTINGS = {"model.width": 8, "model.depth": 1, "machine.threads": 1}
SVG = "{http://www.w3.org/2000/svg}"


def test_a_trick_that_matters_helps_and_the_picture_stands_beside_the_trials(cli, tmp_path):
    words = ["--tricks=momentum,mixup=0.2", "--seeds=3", f"--out={tmp_path}", "--name=x"]
    ended = cli("ablate", "digits", *TINY, *words)
    assert ended.code == 0, ended.err
    assert "What tricks are worth: plain, digits" in ended.out
    assert "3 seeds, 3 epochs each, 9 trials, judged by 144 validation pictures" in ended.out
    lines = ended.out.splitlines()
    momentum = next(line for line in lines if line.startswith("  momentum"))
    assert momentum.endswith("helps")
    assert lines.index(momentum) < next(place for place, line in enumerate(lines) if line.startswith("  mixup=0.2"))
    picture = ET.parse(tmp_path / "x/effects.svg").getroot()
    assert len(picture.findall(f"{SVG}circle")) == 2
    facts = json.loads((tmp_path / "x/ablation.json").read_text())
    trials = [record for record in read_records(tmp_path / "x/events.jsonl") if isinstance(record, TrialRecord)]
    row = next(row for row in facts["tricks"] if row["name"] == "momentum")
    values = {(*record.settings.items(), record.seed): record.value for record in trials}
    differences = [values[seed,] - values[("optim.momentum", 0.0), seed] for seed in (0, 1, 2)]
    assert row["effect"] == pytest.approx(sum(differences) / 3)
    assert row["low"] > 0


def test_a_trick_that_ruins_every_training_is_told_by_default_and_with_fewer_seeds_how_many_it_takes(cli, tmp_path):
    words = ["--tricks=optim.lr=100", "--seeds=2", f"--out={tmp_path}"]
    ended = cli("ablate", "digits", *TINY, *words, "--set=model.normalization=none")
    assert ended.code == 0, ended.err
    (line,) = [line for line in ended.out.splitlines() if line.startswith("  optim.lr=100")]
    assert line.endswith("cannot tell: broke down with it alone 2 of 2 times; 6 such seeds would be needed")
    python, command_line = (inspect.signature(function).parameters["seeds"] for function in (tw.ablate, command))
    assert python.default == command_line.default == FEWEST_BREAKDOWNS


def test_json_has_what_is_promised_and_python_gives_the_same(cli, tmp_path):
    ended = cli("ablate", "digits", *TINY, "--tricks=ema", "--seeds=2", f"--out={tmp_path}", "--json")
    facts = json.loads(ended.out)
    (row,) = facts["tricks"]
    assert {"name", "effect", "low", "high", "verdict", "seeds", "cost"} <= row.keys()
    found = tw.ablate("digits", model="plain", epochs=3, settings=SETTINGS, tricks=["ema"], seeds=2, out=tmp_path)
    times = dict.fromkeys(("cost", "cost_low", "cost_high"))
    assert {**found["ema"], **times} == {**row, **times}
    assert "What tricks are worth" in str(found)
    with pytest.raises(KeyError, match="ema"):
        found["mixup"]


def test_broken_off_it_goes_on_and_makes_no_trial_twice(cli, interrupt, tmp_path):
    words = ["ablate", "digits", *TINY, "--tricks=ema", "--seeds=2", f"--out={tmp_path}", "--name=x"]
    interrupt(300)
    ended = cli(*words)
    assert ended.code == 130
    assert "2 of 4 trials are kept" in ended.err
    assert f"--out '{tmp_path}' --name 'x' go on" in ended.err
    ended = cli(*words)
    assert ended.code == 0
    assert "2 of 4 trials were made before" in ended.out
    trials = [record for record in read_records(tmp_path / "x/events.jsonl") if isinstance(record, TrialRecord)]
    assert len(trials) == len({(str(record.settings), record.seed) for record in trials}) == 4
    assert [record.trial for record in trials] == [1, 2, 3, 4]
    more = cli(*words[:-3], "--seeds=3", *words[-2:])
    assert "3 seeds, 3 epochs each, 6 trials" in more.out


def test_another_recipe_of_the_same_name_is_refused(cli, tmp_path):
    words = ["--tricks=ema", "--seeds=2", f"--out={tmp_path}", "--name=x"]
    assert cli("ablate", "digits", *TINY, *words).code == 0
    ended = cli("ablate", "digits", *TINY, *words, "--batch-size=32")
    assert ended.code == 2
    assert "optim.batch_size is another than in the ablation" in ended.err


def test_a_run_of_the_same_name_and_recipe_is_not_written_into(cli, tmp_path):
    assert cli("train", "digits", *TINY, "--no-check", f"--out={tmp_path}", "--name=r1").code == 0
    before = (tmp_path / "r1/events.jsonl").read_bytes()
    words = [f"--recipe={tmp_path / 'r1/recipe.yaml'}", "--tricks=ema", "--seeds=2", f"--out={tmp_path}", "--name=r1"]
    ended = cli("ablate", *words)
    assert ended.code == 2
    assert "a run of this name exists" in ended.err
    assert (tmp_path / "r1/events.jsonl").read_bytes() == before


def test_other_labels_under_the_same_name_are_refused(cli, tmp_path):
    rng = np.random.default_rng(0)
    for number in range(40):
        folder = tmp_path / "pictures" / ("dark" if number % 2 else "light")
        folder.mkdir(parents=True, exist_ok=True)
        pixels = rng.integers(0, 100, (12, 12), dtype=np.uint8) + 155 * (number % 2 == 0)
        Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{number}.png")
    words = ["ablate", tmp_path / "pictures", *TINY, "--tricks=ema", f"--out={tmp_path}", "--name=x"]
    assert cli(*words, "--seeds=2").code == 0
    (tmp_path / "pictures/dark/1.png").rename(tmp_path / "pictures/light/1.png")
    ended = cli(*words, "--seeds=3")
    assert ended.code == 2
    assert "the pictures, their labels or their parts are others" in ended.err


def test_what_auto_decides_otherwise_is_told(cli, tmp_path):
    ended = cli("ablate", "digits", *TINY, "--tricks=optim.name=adamw", "--seeds=2", f"--out={tmp_path}", "--json")
    (row,) = json.loads(ended.out)["tricks"]
    assert (row["on"], row["off"]) == ("adamw", "sgd")
    assert "optim.lr" in row["also"]


def test_a_recipe_without_a_trick_is_told_so(cli, tmp_path, monkeypatch):
    monkeypatch.setattr(workflow, "tricks_in_use", lambda _: [])
    ended = cli("ablate", "digits", *TINY, f"--out={tmp_path / 'kept'}")
    assert ended.code == 2
    assert "the recipe uses no trick that could be taken out" in ended.err
    assert not (tmp_path / "kept").exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--tricks=cutout"], "the recipe does not use augment.cutout"),
        (["--tricks=normalization", "--set=training.reestimate_batch_norm=true"], "without normalization: "),
        (["--tricks=ema", "--seeds=1"], "one pair says nothing about chance"),
        (["--tricks=ema", "--set=data.valid_share=0"], "judged by a validation part"),
        (["--tricks=mixup=-3"], "augment.mixup"),
        (["--tricks="], "there is no such trick"),
        (["--tricks=flip=auto"], "auto is no value to compare with"),
        (["--tricks=ema", "--lr=auto"], "trials need a learning rate before they begin"),
        (["--tricks=ema", "--set=training.patience=1"], "pairs are trained for the same number of epochs"),
        (["--tricks=ema", "--set=training.retrain=restart"], "judged before a second stage"),
    ],
)
def test_bad_input_is_one_message_and_leaves_no_folder(cli, tmp_path, words, told):
    ended = cli("ablate", "digits", *TINY, *words, f"--out={tmp_path / 'kept'}")
    assert ended.code == 2
    assert told in ended.err
    assert not (tmp_path / "kept").exists()
