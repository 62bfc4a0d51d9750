"""The learning rate drawn before training: from the command line, and in every run's folder."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
import typer

from trainwright.cli.main import app
from trainwright.errors import InputError
from trainwright.recipe import compose, parse_assignments
from trainwright.training import rate_factor
from trainwright.workflows.requests import SHORT_NAMES
from trainwright.workflows.schedule import plan_schedule
from workflows.conftest import TINY

SCHEDULES = ["one-cycle", "cosine", "cosine-restarts", "linear", "triangular", "inverse-sqrt", "constant"]


@pytest.mark.parametrize("pictures", [1280, 64_000])
@pytest.mark.parametrize("name", [*SCHEDULES, "step", "plateau"])
def test_points_are_the_rates_of_the_schedule(name, pictures):
    words = [f"schedule.name={name}", "optim.lr=0.3", "optim.batch_size=64", "training.epochs=8"]
    recipe = compose(parse_assignments(words))
    view = plan_schedule(recipe, pictures)
    per_epoch = pictures // 64
    total = 8 * per_epoch
    drawn = dict(zip(view.steps, view.rates, strict=True))
    for step in (0, total // 4, total // 2, 3 * total // 4, total - 1):
        assert drawn[step + 1] == 0.3 * rate_factor(recipe.schedule, step, total, per_epoch=per_epoch)
    assert view.peak_rate == 0.3
    assert (view.epochs, view.steps_per_epoch) == (8, per_epoch)


def test_auto_is_decided_as_for_training():
    view = plan_schedule(compose({}), 54_000)
    assert (view.epochs, view.steps_per_epoch, view.peak_rate) == (8, 421, 0.25)
    assert plan_schedule(compose(parse_assignments(["optim.accumulate=all"])), 54_000).steps_per_epoch == 1


def test_no_pictures_make_no_steps():
    with pytest.raises(InputError, match="a schedule needs training pictures"):
        plan_schedule(compose({}), 0)


def test_from_the_command_line(cli, tmp_path):
    path = tmp_path / "rate.svg"
    ended = cli("recipe", "--plot", path, "--pictures=54000", "--set=schedule.name=triangular")
    assert ended.code == 0, ended.err
    assert ended.out == f"{path}: triangular, 8 epochs of 421 steps, peak 0.25 at step 675\n"
    assert "Learning rate: triangular, 8 epochs of 421 steps" in "".join(ET.parse(path).getroot().itertext())


def test_settings_have_the_short_names_of_train(cli, tmp_path):
    words = ["--sched=step", "--epochs=90", "--lr=0.5", "--batch-size=500", "--opt=nesterov"]
    ended = cli("recipe", "--plot", tmp_path / "rate.svg", "--pictures=50000", *words)
    assert ended.code == 0, ended.err
    assert ended.out == f"{tmp_path / 'rate.svg'}: step, 90 epochs of 100 steps, peak 0.5 at step 1801\n"


def test_recipe_and_train_take_the_same_settings_in_the_same_words():
    group: Any = typer.main.get_command(app)
    options = [
        {option.name: (option.opts, option.help) for option in group.commands[name].params}
        for name in ("recipe", "train")
    ]
    options = [{name: named[name] for name in SHORT_NAMES} for named in options]
    assert options[0] == options[1]


def test_every_run_holds_its_plan_before_the_first_step(cli, tmp_path, monkeypatch):
    from trainwright.training import setup

    there: list[bool] = []
    step = setup.train_step

    def looking(*arguments, **named):
        there.append((tmp_path / "x/plots/schedule.svg").exists())
        return step(*arguments, **named)

    monkeypatch.setattr(setup, "train_step", looking)
    ended = cli("train", "digits", *TINY, "--name=x", f"--out={tmp_path}")
    assert ended.code == 0, ended.err
    assert all(there)
    assert "2 epochs of 20 steps" in (tmp_path / "x/plots/schedule.svg").read_text()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--plot=s.svg"], ["needs a file and the number of training pictures", "--pictures 50000"]),
        (["--pictures=9"], ["needs a file and the number of training pictures"]),
        (["--plot=s.png", "--pictures=900"], ["drawn as an SVG file", "--plot s.svg"]),
        (["--plot=s.svg", "--pictures=900", "--schema"], ["--schema stands alone", "--plot"]),
        (["--explain", "--batch-size=9"], ["--explain stands alone", "--batch-size"]),
        (["--plot=s.svg", "--pictures=10", "--set=optim.batch_size=11"], ["larger than the training part"]),
        (
            ["--plot=s.svg", "--pictures=900", "--set=schedule.name=step", "--set=training.epochs=3"],
            ["the schedule is longer than the training", "schedule.drop_epochs"],
        ),
        (["--plot=s.svg", "--pictures=900", "--set=optim.name=timm:lionn"], ["timm has no optimizer 'lionn'"]),
    ],
)
def test_what_cannot_be_drawn_is_told(cli, tmp_path: Path, monkeypatch, words, says):
    monkeypatch.chdir(tmp_path)
    ended = cli("recipe", *words)
    assert ended.code == 2
    assert all(text in ended.err for text in says), ended.err
    assert not list(tmp_path.iterdir())
