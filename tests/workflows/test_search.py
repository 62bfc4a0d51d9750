"""`search` through the command line and from Python: stages, folds, kills, budgets, and all that cannot be."""

from __future__ import annotations

import csv
import json
import re
import signal
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import trainwright as tw
from trainwright.recipe import compose, read_recipe_file
from trainwright.runs import open_search, write_atomic
from trainwright.workflows import search_stages

TINY = [
    "--model=plain",
    "--batch-size=64",
    "--set=model.width=8",
    "--set=model.depth=1",
    "--set=machine.threads=1",
]
SPACE = ["--space=optim.lr=log:0.01:3", "--space=model.dropout=0:0.4"]
SHORT = ["--trials=7", "--stages=1,2,3"]
SETTINGS = {"model.width": 8, "model.depth": 1, "machine.threads": 1}


def searched(folder: Path) -> list[tuple]:
    """Lists what the trials of a search came to, without the time that they took."""
    return [
        (one.trial, one.stage, dict(one.settings), one.value, one.ended) for one in open_search(folder).read_trials()
    ]


def test_a_search_goes_from_short_trials_to_long_ones_and_its_recipe_comes_to_the_same_figure(cli, tmp_path):
    ended = cli("search", "digits", *TINY, *SPACE, *SHORT, f"--out={tmp_path}", "--name=s")
    assert ended.code == 0, ended.err
    assert "stage 1/3 4 trials of 1 epoch, quasi-random, none is given up early" in ended.out
    assert "stage 3/3 1 trial of 3 epochs, tpe, hopeless ones given up by median" in ended.out
    assert f"trainwright train --recipe {tmp_path / 's' / 'best.yaml'}" in " ".join(ended.out.split())
    records = open_search(tmp_path / "s").read_trials()
    assert [(one.trial, one.stage, one.epochs) for one in records] == [
        (1, 1, 1), (2, 1, 1), (3, 1, 1), (4, 1, 1), (5, 2, 2), (6, 2, 2), (7, 3, 3),
    ]  # fmt: skip
    best = json.loads((tmp_path / "s" / "search.json").read_text())["best"]
    run = cli("train", f"--recipe={tmp_path / 's' / 'best.yaml'}", f"--out={tmp_path}", "--name=r")
    assert run.code == 0, run.err
    rows = list(csv.DictReader((tmp_path / "r" / "metrics.csv").read_text().splitlines()))
    assert max(float(row["valid_accuracy"]) for row in rows) == best["value"]
    recipe = read_recipe_file(tmp_path / "s" / "best.yaml")
    assert recipe["optim.lr"].value == best["settings"]["optim.lr"]
    assert recipe["training.epochs"].value == best["epochs"]


def test_the_best_of_a_stage_is_repeated_for_more_epochs_and_boxes_narrow(cli, tmp_path):
    cli("search", "digits", *TINY, *SPACE, "--trials=21", "--stages=1,2", f"--out={tmp_path}", "--name=s")
    facts = json.loads((tmp_path / "s" / "search.json").read_text())
    records = open_search(tmp_path / "s").read_trials()
    first, second = ([one for one in records if one.stage == stage] for stage in (1, 2))
    best = max(first, key=lambda one: one.value)
    assert second[0].settings == best.settings
    boxes = [{one["key"]: (one["low"], one["high"]) for one in stage["dimensions"]} for stage in facts["stages"]]
    assert boxes[1] != boxes[0]
    for one in second:
        assert all(low <= one.settings[key] <= high for key, (low, high) in boxes[1].items())
    told = {border["key"] for border in facts["borders"]}
    grown = {key for key in boxes[0] if boxes[1][key][0] < boxes[0][key][0] or boxes[1][key][1] > boxes[0][key][1]}
    assert grown <= told
    assert facts["importance"]["stage"] == 1
    assert set(facts["importance"]["shares"]) == {"optim.lr", "model.dropout"}


def test_json_is_one_object_and_python_gives_the_same(cli, tmp_path):
    ended = cli("search", "digits", *TINY, *SPACE, *SHORT, f"--out={tmp_path}", "--name=s", "--json")
    facts = json.loads(ended.out)
    assert {"value", "recipe"} <= facts["best"].keys()
    assert (facts["trials"], facts["study"], facts["ended"]) == (7, "s", "all trials done")
    assert facts["epochs_spent"] == sum(one.epochs_spent for one in open_search(tmp_path / "s").read_trials())
    found = tw.search(
        "digits",
        space={"optim.lr": "log:0.01:3", "model.dropout": "0:0.4"},
        model="plain",
        batch_size=64,
        settings=SETTINGS,
        trials=7,
        stages=(1, 2, 3),
        out=tmp_path,
        name="python",
    )
    assert searched(tmp_path / "python") == searched(tmp_path / "s")
    assert found.best == facts["best"]["value"]
    assert dict(found.settings) == facts["best"]["settings"]
    assert found.report.is_file()
    assert found.recipe.is_file()
    assert len(found.trials) == 7
    resumed = tw.search(resume=tmp_path / "python")
    assert resumed.best == found.best


@pytest.mark.parametrize(
    "flushes", [pytest.param(25, marks=pytest.mark.slow), 60, pytest.param(100, marks=pytest.mark.slow)]
)
def test_a_search_that_was_killed_goes_on_and_comes_to_the_same(cli, run_killed, tmp_path, flushes):
    words = ["search", "digits", *TINY, *SPACE, *SHORT, "--sampler=tpe", f"--out={tmp_path}"]
    assert cli(*words, "--name=whole").code == 0
    assert run_killed([*words, "--name=broken"], flushes) == -signal.SIGKILL
    before = searched(tmp_path / "broken") if (tmp_path / "broken" / "trials.jsonl").exists() else []
    again = cli(*words, "--name=broken")
    assert again.code == 0, again.err
    after = searched(tmp_path / "broken")
    assert after[: len(before)] == before
    assert after == searched(tmp_path / "whole")


def test_interrupted_in_a_trial_it_says_how_to_go_on(cli, interrupt, tmp_path):
    words = ["search", "digits", *TINY, *SPACE, *SHORT, "--sampler=random", f"--out={tmp_path}"]
    assert cli(*words, "--name=whole").code == 0
    interrupt(50)
    ended = cli(*words, "--name=broken")
    assert ended.code == 130
    assert "interrupted in trial 3, which begins anew; 2 trials are kept" in ended.err
    assert f"trainwright search --resume {tmp_path / 'broken'}" in ended.err
    assert len(searched(tmp_path / "broken")) == 2
    resumed = cli("search", "--resume", tmp_path / "broken")
    assert resumed.code == 0, resumed.err
    assert searched(tmp_path / "broken") == searched(tmp_path / "whole")


def test_interrupted_between_trials_it_says_so_too(cli, monkeypatch, tmp_path):
    def stopped(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(search_stages, "good_of", stopped)
    ended = cli("search", "digits", *TINY, *SPACE, *SHORT, f"--out={tmp_path}", "--name=s")
    assert ended.code == 130
    assert f"trainwright search --resume {tmp_path / 's'}" in ended.err


def test_a_search_of_the_same_name_that_asks_for_something_else_is_refused_with_the_difference(cli, tmp_path):
    words = ["search", "digits", *TINY, "--trials=1", "--stages=1", f"--out={tmp_path}", "--name=s"]
    assert cli(*words, *SPACE).code == 0
    other = cli(*words, "--space=optim.lr=log:0.01:1", "--sampler=random", "--set=optim.momentum=0.5")
    assert other.code == 2
    assert "the search s exists and asks for something else" in other.err
    assert re.search(
        r"--space optim.lr is another than in the search\n +expected: log:0.01:3\n +got: log:0.01:1", other.err
    )
    assert re.search(
        r"--space model.dropout is another than in the search\n +expected: linear:0:0.4\n +got: None", other.err
    )
    assert re.search(r"sampler is another than in the search\n +expected: auto\n +got: random", other.err)
    assert re.search(r"optim.momentum is another than in the search\n +expected: 0.9\n +got: 0.5", other.err)
    assert cli(*words, *SPACE).code == 0


def test_folds_judge_by_all_pictures_outside_the_test_part(cli, tmp_path):
    words = [*TINY, "--space=optim.lr=log:0.1:1", "--trials=2", "--stages=1", f"--out={tmp_path}"]
    ended = cli("search", "digits", *words, "--folds=3", "--name=s")
    assert ended.code == 0, ended.err
    assert "mean over 3 folds" in ended.out
    for one in open_search(tmp_path / "s").read_trials():
        assert len(one.fold_values) == 3
        assert one.value == pytest.approx(sum(one.fold_values) / 3)
        assert one.epochs_spent == 3


def test_a_class_that_a_fold_would_lack_is_told(cli, photos, tmp_path):
    ended = cli("search", photos, *TINY[:1], "--trials=1", "--stages=1", "--folds=30", f"--out={tmp_path}")
    assert ended.code == 2
    assert "with 30 folds some fold would lack a class" in ended.err


def test_all_trials_that_diverge_say_that_the_range_is_too_high(cli, tmp_path):
    words = [
        "search",
        "digits",
        *TINY,
        "--set=model.normalization=none",
        "--trials=3",
        "--stages=1",
        f"--out={tmp_path}",
    ]
    ended = cli(*words, "--name=s", "--space=optim.lr=log:50:100")
    assert ended.code == 2
    assert (
        "all 3 trials ended before they learned anything, 3 of them diverged: the range of the learning rate"
        in ended.err
    )
    assert "try: --space optim.lr=log:0.05:50" in ended.err
    assert "got: optim.lr from 50 to 100; 3 diverged, the first: the loss " in ended.err
    other = cli(*words, "--name=t", "--lr=100", "--space=optim.momentum=0.5:0.9")
    assert other.code == 2
    assert "a smaller rate with --lr" in other.err


def test_a_budget_of_epochs_and_of_minutes_is_kept(cli, tmp_path):
    words = ["search", "digits", *TINY, *SPACE, f"--out={tmp_path}", "--stages=1,2,3"]
    facts = json.loads(cli(*words, "--name=e", "--max-epochs=12", "--json").out)
    assert facts["epochs_spent"] <= 12
    assert len(facts["stages"]) == 3
    facts = json.loads(cli(*words, "--name=m", "--minutes=0.0001", "--json").out)
    assert facts["ended"] == "out of time"
    assert facts["trials"] == 3  # one of each stage, so that there is a best
    more = cli(*words, "--name=m", "--minutes=1")
    assert more.code == 2
    assert re.search(r"minutes is another than in the search\n +expected: 0.0001\n +got: 1.0", more.err)
    assert json.loads(cli("search", "--resume", tmp_path / "m", "--json").out)["trials"] == 3


def test_without_decay_the_last_stage_but_one_is_constant(cli, tmp_path):
    assert cli("search", "digits", *TINY, *SPACE, *SHORT, "--no-decay", f"--out={tmp_path}", "--name=s").code == 0
    stages = json.loads((tmp_path / "s" / "search.json").read_text())["stages"]
    assert [stage["fixed"].get("schedule.name") for stage in stages] == [None, "constant", None]


def test_a_database_holds_a_search_and_its_report_is_written_anew(cli, tmp_path):
    words = ["search", "digits", *TINY, *SPACE, *SHORT, "--sampler=tpe", f"--out={tmp_path}"]
    ended = cli(*words, "--name=database", f"--storage=sqlite:///{tmp_path / 'trials.db'}")
    assert ended.code == 0, ended.err
    assert cli(*words, "--name=journal").code == 0
    assert searched(tmp_path / "database") == searched(tmp_path / "journal")
    report = tmp_path / "database" / "report.html"
    report.unlink()
    assert cli("report", tmp_path / "database").out.strip() == str(report)
    assert "What the settings do" in report.read_text()


def test_a_journal_of_ones_own_holds_several_searches(cli, tmp_path):
    words = ["search", "digits", *TINY, *SPACE, "--trials=1", "--stages=1", f"--out={tmp_path}"]
    storage = f"--storage={tmp_path / 'shared.log'}"
    for name in ("a", "b"):
        assert cli(*words, f"--name={name}", storage).code == 0
    assert not (tmp_path / "a" / "journal.log").exists()
    whole = (tmp_path / "shared.log").read_bytes()
    for again in (["--resume", tmp_path / "a"], ["worker", "a", storage]):
        (tmp_path / "shared.log").write_bytes(whole + b'{"op_code":8,"wor')  # torn
        ended = cli("search", *again)
        assert ended.code == 0, ended.err
        assert (tmp_path / "shared.log").read_bytes().startswith(whole.rstrip())
    (tmp_path / "shared.log").write_bytes(whole.replace(b"}\n", b"\n", 1))
    assert "the journal of the search is damaged" in cli("search", "worker", "a", storage).err
    unreachable = cli(*words, "--name=c", "--storage=postgresql://nobody@127.0.0.1:1/x")
    assert unreachable.code == 2
    assert "the storage of the search cannot be reached" in unreachable.err


def test_settings_that_do_not_fit_each_other_are_told_before_the_first_trial_or_noted_in_one(cli, tmp_path):
    words = ["search", "digits", *TINY[:1], *TINY[2:], "--trials=2", "--stages=1", f"--out={tmp_path}"]
    ended = cli(*words, "--space=optim.batch_size=64:30000")
    assert ended.code == 2
    assert "trials with optim.batch_size=30000 cannot be made" in ended.err
    assert not list(tmp_path.iterdir())


def test_a_trial_whose_settings_do_not_fit_is_noted_and_the_search_goes_on(cli, monkeypatch, tmp_path):
    build, calls = search_stages.TrialBench.build, 0

    def refusing(self, settings, *rest, **named):
        nonlocal calls
        calls += "training.epochs" in settings
        if calls == 7:  # after four ends of the box, the first trial, and its recipe as the best
            raise tw.InputError("these do not go together")
        return build(self, settings, *rest, **named)

    monkeypatch.setattr(search_stages.TrialBench, "build", refusing)
    ended = cli("search", "digits", *TINY, *SPACE, "--trials=3", "--stages=1", f"--out={tmp_path}", "--name=s")
    assert ended.code == 0, ended.err
    assert "settings do not fit" in ended.out
    (refused,) = (one for one in open_search(tmp_path / "s").read_trials() if one.ended == "refused")
    assert refused.reason == "these do not go together"


def test_all_that_is_wrong_with_the_words_is_one_message(cli, tmp_path):
    ended = cli(
        "search", "digits", "--lr=0.1", "--space=optim.lr=log:0.01:1", "--space=optim.lrr", "--sampler=sobol",
        "--pruner=median2", "--minutes=0", "--folds=1", "--set=training.epochs=3", "--trials=1",
        "--space=schedule.warmup", "--no-decay", f"--out={tmp_path}",
    )  # fmt: skip
    assert ended.code == 2
    for told in (
        "9 mistakes", "optim.lr is both given and searched", "there is no setting 'optim.lrr'", "no sampler 'sobol'",
        "did you mean 'median'?", "a budget of nothing", "one fold judges nothing", "try: --stages 3",
        "fewer trials than stages", "--no-decay sets the schedule",
    ):  # fmt: skip
        assert told in ended.err
    assert "a search finds the rate by trials" in cli("search", "digits", "--lr=auto").err
    assert "the stages are whole numbers of epochs" in cli("search", "digits", "--stages=a").err
    nothing = cli("search", "digits", *TINY, "--lr=0.1", "--weight-decay=0", f"--out={tmp_path}")
    assert "nothing is left to search" in nothing.err


def test_a_resumed_search_is_named_alone_and_must_be_there(cli, tmp_path):
    ended = cli("search", "--resume", tmp_path, "--trials=3")
    assert "a resumed search keeps all that it was asked for" in ended.err
    assert "got: also --trials\n" in ended.err
    assert "a resumed search keeps" in cli("search", "--resume", tmp_path, "--trials=63").err
    assert "there is no search" in cli("search", "--resume", tmp_path / "none").err
    for given in ({"data": "digits"}, {"out": "elsewhere"}, {"seed": 0}, {"trials": 3}, {"name": "t"}):
        with pytest.raises(tw.InputError, match="a resumed search keeps"):
            tw.search(resume=tmp_path, **given)


def test_a_given_rate_is_not_searched_by_who_goes_on_or_joins_in(cli, interrupt, tmp_path):
    words = ["search", "digits", *TINY, "--lr=0.1", "--trials=4", "--stages=2", f"--out={tmp_path}", "--name=s"]
    interrupt(30)
    assert cli(*words).code == 130
    ended = cli("search", "worker", tmp_path / "s")
    assert ended.code == 0, ended.err
    ended = cli("search", "--resume", tmp_path / "s")
    assert ended.code == 0, ended.err
    facts = json.loads((tmp_path / "s/search.json").read_text())
    assert list(facts["best"]["settings"]) == ["optim.weight_decay"]
    assert compose(read_recipe_file(tmp_path / "s/best.yaml")).optim.lr == 0.1


def test_epochs_of_folds_count_each(cli, tmp_path):
    words = ["search", "digits", *TINY, *SPACE, "--stages=1,2", "--trials=20", "--folds=3", f"--out={tmp_path}"]
    assert json.loads(cli(*words, "--max-epochs=12", "--json").out)["epochs_spent"] <= 12
    few = cli(*words, "--max-epochs=8")
    assert "too few epochs for one trial of each stage in 3 folds" in few.err
    assert re.search(r"expected: at least 9\n +got: 8\n +where: --max-epochs", few.err)


def test_other_pictures_are_another_search(cli, tmp_path):
    rng = np.random.default_rng(0)
    for number in range(160):
        folder = tmp_path / "pictures" / ("dark" if number % 2 else "light")
        folder.mkdir(parents=True, exist_ok=True)
        pixels = rng.integers(0, 100, (12, 12)) + 155 * (number % 2 == 0)
        Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{number}.png")
    words = ["--trials=2", "--stages=1", f"--out={tmp_path}", "--name=s"]
    assert cli("search", tmp_path / "pictures", *TINY, *SPACE, *words).code == 0
    (tmp_path / "pictures/dark/1.png").unlink()
    for again in (["--resume", tmp_path / "s"], ["worker", tmp_path / "s"]):
        ended = cli("search", *again)
        assert ended.code == 2
        assert "the pictures" in ended.err
        assert "their labels or their parts" in ended.err


def test_what_a_killed_leader_left_is_its_own(cli, tmp_path):
    words = ["search", "digits", *TINY, *SPACE, "--trials=2", "--stages=1", f"--out={tmp_path}", "--name=s"]
    assert cli(*words).code == 0
    (tmp_path / "s/search.json").unlink()
    (tmp_path / "s/worker-1.txt").touch()
    assert cli(*words).code == 0


def test_a_folder_with_other_files_is_not_searched_in(cli, tmp_path):
    write_atomic(tmp_path / "s" / "novel.txt", "x")
    ended = cli("search", "digits", *TINY, *SPACE, *SHORT, f"--out={tmp_path}", "--name=s")
    assert ended.code == 2
    assert "the search's folder holds other files" in ended.err
    assert "novel.txt" in ended.err


def test_a_resumed_search_has_its_trials_where_they_were(cli, tmp_path):
    words = ["--trials=1", "--stages=1", f"--storage=sqlite:///{tmp_path}/a.db?timeout=9", f"--out={tmp_path}"]
    assert cli("search", "digits", *TINY, *SPACE, *words, "--name=s").code == 0
    assert cli("search", "--resume", tmp_path / "s", words[2]).code == 0
    ended = cli("search", "--resume", tmp_path / "s", f"--storage=sqlite:///{tmp_path}/b.db")
    assert ended.code == 2
    assert "the trials of the search are in another storage" in ended.err
