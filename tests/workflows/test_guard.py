"""The guard: what it does where going on is pointless, and that it leaves a healthy run alone."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import pytest

import trainwright as tw
from trainwright.errors import InputError
from trainwright.recipe import compose, parse_assignments
from trainwright.runs import Finding
from trainwright.training import Ranks
from trainwright.workflows import diagnosing, guarding
from trainwright.workflows.guarding import refuse_guard_in_ranks
from workflows.conftest import TINY

WORDS = [*TINY, "--no-check", "--set=logging.step_every=1"]
HOT = ["--lr=60", "--epochs=5", "--sched=constant", "--set=schedule.warmup=0"]


def fault(since_step, **advice):
    return Finding(
        code="learning-rate-too-high",
        severity="stop",
        summary="it diverges",
        advice=advice or {"optim.lr": 0.01},
        since_step=since_step,
        diagnosed=True,
    )


@pytest.fixture
def finding(monkeypatch):
    """Lets the diagnosis say what a function of the history says: finding(lambda history: [fault(…)])."""

    def says(found):
        def look(self, history, **_):
            return tuple(one for one in found(history) if one not in history.findings)

        monkeypatch.setattr(diagnosing.LiveDiagnosis, "look", look)
        monkeypatch.setattr(diagnosing, "SHARE", 1e9)  # it looks after every epoch

    return says


def last_weights(run):
    return (run / "checkpoints/last/model.safetensors").read_bytes()


def test_a_rate_far_too_high_is_mended_from_the_start(cli, tmp_path):
    words = ["train", "digits", *WORDS, *HOT, "--guard", f"--out={tmp_path}", "--name=hot"]
    ended = cli(*words, "--json")
    assert ended.code == 0, ended.err
    figures = json.loads(ended.out)
    (back,) = figures["guard"]
    assert back["before"] == {"optim.lr": 60.0}
    assert back["after"]["optim.lr"] < 1
    assert figures["epochs"] == 5
    assert figures["test_accuracy"] > 0.5, "five epochs at the rate of auto for so few"
    assert not [one for one in figures["findings"] if one["severity"] == "stop"], "what was undone is not left standing"
    assert "the guard, 1 of at most 3 times, on " in ended.err
    assert "back to the start, with optim.lr 60.0 → " in ended.err
    run = tw.Run.open(tmp_path / "hot")
    assert run.recipe.optim.lr == back["after"]["optim.lr"]
    assert f"auto: the guard, on {back['code']} at step {back['step']}" in (run.path / "recipe.yaml").read_text()
    assert run.history.steps["step"] == tuple(range(1, 101))
    assert max(run.history.steps["learning_rate"]) == pytest.approx(back["after"]["optim.lr"])
    assert f"The guard left the run at step {back['step']}" in (run.path / "report.html").read_text("utf-8")
    again = cli(*words)
    assert again.code == 2
    assert "a finished run of this name exists" in again.err
    assert "another recipe" not in again.err


def test_a_healthy_run_is_not_touched(cli, tmp_path):
    for name, words in (("plain", []), ("guarded", ["--guard"])):
        ended = cli("train", "digits", *WORDS, "--lr=0.1", *words, f"--out={tmp_path}", f"--name={name}")
        assert ended.code == 0, ended.err
        assert "the guard" not in ended.out.replace("--guard", "")
    assert last_weights(tmp_path / "plain") == last_weights(tmp_path / "guarded")
    assert tw.Run.open(tmp_path / "guarded").history.guards == ()


def test_what_was_learned_before_the_sign_is_kept(cli, tmp_path, finding):
    finding(lambda history: [fault(50)] if len(history.epochs) == 3 and not history.guards else [])
    words = ["train", "digits", *WORDS, "--lr=0.1", "--epochs=4", "--sched=constant", "--set=schedule.warmup=0"]
    ended = cli(*words, "--guard", f"--out={tmp_path}", "--name=run")
    assert ended.code == 0, ended.err
    assert "back to the end of epoch 2, with optim.lr 0.1 → 0.01" in " ".join(ended.out.split())
    history = tw.Run.open(tmp_path / "run").history
    assert [(one.step, one.epoch, one.left_step, one.checkpoint) for one in history.guards] == [(40, 2, 60, "good")]
    assert history.epochs["epoch"] == (1, 2, 3, 4)
    assert history.steps["learning_rate"] == pytest.approx((0.1,) * 40 + (0.01,) * 40)
    untouched = ["--guard", f"--out={tmp_path}", "--name=whole"]
    finding(lambda history: [])
    assert cli(*words, *untouched).code == 0
    whole = tw.Run.open(tmp_path / "whole").history
    assert history.steps["loss"][:40] == whole.steps["loss"][:40]


def test_three_times_and_no_more(cli, tmp_path, finding):
    def always_lower(history):
        rate = history.steps["learning_rate"][-1]
        return [fault(1, **{"optim.lr": rate / 2})]

    finding(always_lower)
    ended = cli("train", "digits", *WORDS, *HOT[1:], "--lr=0.08", "--guard", f"--out={tmp_path}", "--name=run")
    assert ended.code == 0, ended.err
    run = tw.Run.open(tmp_path / "run")
    assert [one.after["optim.lr"] for one in run.history.guards] == pytest.approx([0.04, 0.02, 0.01])
    assert "the guard leaves learning-rate-too-high as it is; it has gone back 3 times already" in ended.out
    assert run.history.epochs["epoch"] == (1, 2, 3, 4, 5)


@pytest.mark.parametrize(
    ("advice", "says"),
    [
        ({"do": "build the optimizer last"}, "no setting mends it: build the optimizer last"),
        ({"optim.lr": 0.1}, "what is advised is set already"),
        ({"schedule.drop_epochs": 3}, "what is advised does not fit the recipe"),
    ],
)
def test_what_no_setting_mends_goes_on(cli, tmp_path, finding, advice, says):
    finding(lambda history: [fault(1, **advice)])
    ended = cli("train", "digits", *WORDS, "--lr=0.1", "--guard", f"--out={tmp_path}", "--name=run")
    assert ended.code == 0, ended.err
    assert says in " ".join(ended.out.split())
    assert tw.Run.open(tmp_path / "run").history.guards == ()


def test_killed_on_its_way_back_it_goes_back_when_it_is_resumed(cli, tmp_path, finding, monkeypatch):
    finding(lambda history: [fault(50)] if len(history.epochs) == 3 and not history.guards else [])
    go_back = guarding.Guard.go_back

    def killed(self, step, pictures):
        raise KeyboardInterrupt

    monkeypatch.setattr(guarding.Guard, "go_back", killed)
    words = ["train", "digits", *WORDS, "--lr=0.1", "--epochs=4", "--guard", f"--out={tmp_path}", "--name=run"]
    assert cli(*words).code == 130
    monkeypatch.setattr(guarding.Guard, "go_back", go_back)
    ended = cli(*words)
    assert ended.code == 0, ended.err
    history = tw.Run.open(tmp_path / "run").history
    assert [one.step for one in history.guards] == [40]
    assert history.epochs["epoch"] == (1, 2, 3, 4)


@pytest.mark.parametrize("place", ["_replace", "write_recipe"])
def test_killed_at_any_point_of_its_way_back_it_goes_the_rest_of_it(cli, tmp_path, finding, monkeypatch, place):
    finding(lambda history: [fault(50)] if len(history.epochs) == 3 and not history.guards else [])
    kept, calls = getattr(guarding, place), []

    def killed(*given):
        calls.append(given)
        if place == "write_recipe" or given[0].name == "last":
            raise KeyboardInterrupt
        return kept(*given)

    monkeypatch.setattr(guarding, place, killed)
    words = ["train", "digits", *WORDS, "--lr=0.1", "--epochs=4", "--guard", f"--out={tmp_path}", "--name=run"]
    assert cli(*words).code == 130
    monkeypatch.setattr(guarding, place, kept)
    ended = cli(*words)
    assert ended.code == 0, ended.err
    run = tw.Run.open(tmp_path / "run")
    assert [(one.step, one.after) for one in run.history.guards] == [(40, {"optim.lr": 0.01})]
    assert run.history.epochs["epoch"] == (1, 2, 3, 4)
    assert run.recipe.optim.lr == 0.01
    assert run.history.steps["learning_rate"][-1] < 0.02


def test_a_change_of_the_net_begins_anew(cli, tmp_path, finding):
    new = fault(50, **{"model.normalization": "none"})
    finding(lambda history: [new] if len(history.epochs) == 3 and not history.guards else [])
    ended = cli("train", "digits", *WORDS, "--lr=0.05", "--epochs=4", "--guard", f"--out={tmp_path}", "--name=run")
    assert ended.code == 0, ended.err
    run = tw.Run.open(tmp_path / "run")
    assert [(one.step, one.after) for one in run.history.guards] == [(0, {"model.normalization": "none"})]
    assert "running_mean" not in (run.path / "layers.json").read_text()
    assert run.evaluate()["accuracy"] == run.metrics["test_accuracy"]


def test_several_ranks_are_not_guarded():
    recipe = compose(parse_assignments(["training.guard=true"]))
    refuse_guard_in_ranks(recipe, Ranks())
    with pytest.raises(InputError, match="in one process"):
        refuse_guard_in_ranks(recipe, replace(Ranks(), world=2))


def test_python_and_the_recipe_ask_for_it_too(tmp_path):
    run = tw.train("digits", model="plain", epochs=1, guard=True, check=False, out=tmp_path, name="run")
    assert run.recipe.training.guard
    shutil.rmtree(run.path)
