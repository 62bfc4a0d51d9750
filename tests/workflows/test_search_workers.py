"""Several processes at one search: what they share, who takes what, and what becomes of those that end."""

from __future__ import annotations

import json
import os

import pytest

from trainwright.recipe import Choice, MachineSection
from trainwright.runs import open_search
from trainwright.training import choose_machine
from trainwright.workflows import search_stages, search_workers

from .test_search import SPACE, TINY, searched


def test_a_worker_takes_no_other_words(cli, tmp_path):
    ended = cli(
        "search", "worker", tmp_path / "s", "--lr=0.5", "--name=zz", "--trials=63", "--minutes=5", "--workers=4",
        "--set=seed=1", "--storage=x",
    )  # fmt: skip
    assert ended.code == 2
    assert "a worker does what the search was asked for" in ended.err
    assert "got: also --lr, --trials, --minutes, --name, --workers, --set\n" in ended.err


def test_a_worker_takes_the_trials_that_another_left(cli, interrupt, tmp_path):
    words = ["search", "digits", *TINY, *SPACE, "--trials=5", "--stages=1", "--sampler=random", f"--out={tmp_path}"]
    assert cli(*words, "--name=whole").code == 0
    interrupt(30)
    assert cli(*words, "--name=s").code == 130
    worked = cli("search", "worker", tmp_path / "s", "--json")
    assert worked.code == 0, worked.err
    facts = json.loads(worked.out)
    assert (facts["study"], facts["trials"], facts["request"]["trials"]) == ("s", 5, 5)
    assert facts["best"]["recipe"] == str(tmp_path / "s/best.yaml")
    assert len(searched(tmp_path / "s")) == 1  # files are written by who leads
    assert cli("search", "--resume", tmp_path / "s").code == 0
    assert searched(tmp_path / "s") == searched(tmp_path / "whole")
    by_name = cli("search", "worker", "s", f"--storage={tmp_path / 's' / 'journal.log'}", "--json")
    assert by_name.code == 0, by_name.err
    assert json.loads(by_name.out)["best"] == {**facts["best"], "recipe": None}


def test_workers_share_the_cores_and_the_gpus(monkeypatch):
    monkeypatch.setattr(search_workers, "cores", lambda: 7)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    with search_workers.sharing_cores(3):
        (threads,) = choose_threads()
        assert threads.value == 2
    assert "OMP_NUM_THREADS" not in os.environ
    with search_workers.sharing_cores(20):
        assert choose_threads()[0].value == 1
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    with search_workers.sharing_cores(3):
        assert choose_threads()[0].value == 5
    seen = [search_workers.gpu_of(worker, "cuda", {"CUDA_VISIBLE_DEVICES": "GPU-a, GPU-b"}, 2) for worker in (1, 2, 3)]
    assert [one["CUDA_VISIBLE_DEVICES"] for one in seen] == ["GPU-b", "GPU-a", "GPU-b"]
    assert search_workers.gpu_of(1, "cuda:1", {}, 4) == search_workers.gpu_of(1, "cpu", {}, 4) == {}


def choose_threads() -> list[Choice]:
    choices = choose_machine(MachineSection(device="cpu"), img_size=32)
    return [choice for choice in choices if choice.key == "machine.threads"]


def test_a_worker_that_is_killed_is_told_and_the_search_goes_on(cli, monkeypatch, tmp_path):
    ask, started = search_stages.StageStudy.ask, []
    popen = search_workers.subprocess.Popen

    def opened(words, **named):
        started.append(popen(words, **named))
        return started[-1]

    def killing(study):
        if len(study.records()) == 1:
            started[0].kill()
            started[0].wait()
        return ask(study)

    monkeypatch.setattr(search_workers.subprocess, "Popen", opened)
    monkeypatch.setattr(search_stages.StageStudy, "ask", killing)
    words = [*TINY, *SPACE, "--trials=3", "--stages=1", "--sampler=random", f"--out={tmp_path}", "--name=s"]
    ended = cli("search", "digits", *words, "--workers=2")
    assert ended.code == 0, ended.err
    assert ended.out.count("worker-1 was killed by signal 9, see ") == 1
    assert [one.trial for one in open_search(tmp_path / "s").read_trials()] == [1, 2, 3]


@pytest.mark.slow
def test_two_workers_share_a_search_and_no_trial_is_lost_or_run_twice(cli, tmp_path):
    words = ["search", "digits", *TINY, *SPACE, "--trials=9", "--stages=8,9", f"--out={tmp_path}"]
    ended = cli(*words, "--name=s", "--workers=2", "--sampler=random", "--pruner=none")
    assert ended.code == 0, ended.err
    assert [one[0] for one in searched(tmp_path / "s")] == list(range(1, 10))
    alone = cli(*words, "--name=alone", "--sampler=random", "--pruner=none")
    assert alone.code == 0
    first = [one for one in searched(tmp_path / "s") if one[1] == 1]
    assert first == [one for one in searched(tmp_path / "alone") if one[1] == 1]
    said = (tmp_path / "s" / "worker-1.txt").read_text()
    too_late = "search was interrupted before it was done" in said  # on a busy machine all may be done before it is up
    assert len(said.splitlines()) > 3 or too_late


def test_a_worker_whose_leader_is_gone_ends(cli, monkeypatch, tmp_path):
    words = ["search", "digits", *TINY, *SPACE, "--trials=1", "--stages=1", f"--out={tmp_path}", "--name=s"]
    assert cli(*words).code == 0
    monkeypatch.setattr(search_stages.StageStudy, "lay_out", lambda *_, **named: named["leads"])
    monkeypatch.setenv(search_stages.LEADER, str(os.getpid()))  # never that of its own parent
    ended = cli("search", "worker", tmp_path / "s")
    assert ended.code == 130
    assert "the process that led the search s is gone" in ended.err


def test_a_worker_needs_a_search_to_work_for(cli, tmp_path):
    assert "there is no search to work for" in cli("search", "worker", tmp_path / "none").err
    (tmp_path / "journal.log").touch()
    told = cli("search", "worker", "s", f"--storage={tmp_path / 'journal.log'}").err
    assert "the storage holds no search 's'" in told
    assert "search has no place for 'photos'" in cli("search", "digits", "photos").err
    assert "1 worker or more" in cli("search", "digits", *TINY, "--workers=0").err
