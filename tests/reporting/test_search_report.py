"""The report of a search: its numbers, and pictures that are well-formed and show all trials."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import asdict, replace
from datetime import UTC, datetime

import pytest

from trainwright.reporting import border_lines, search_result_lines, stage_lines, trial_line, write_search_report
from trainwright.reporting.charts.parallel import parallel_chart
from trainwright.reporting.charts.projection import projection_chart
from trainwright.reporting.charts.trials import history_chart, losses_chart, slice_chart
from trainwright.reporting.search_report import render_search, weightiest
from trainwright.reporting.terminal.search import importance_words
from trainwright.reporting.views.search import SearchView, read_search
from trainwright.runs import SearchFolder, TrialRecord

RATE = {"key": "optim.lr", "scale": "log", "low": 0.001, "high": 1.0, "whole": False, "choices": [], "limits": [0, 100]}
NAME = {**RATE, "key": "optim.name", "scale": "choice", "low": 0.0, "high": 0.0, "choices": ["<sgd>", "adamw"]}
DROP = {**RATE, "key": "model.dropout", "scale": "linear", "low": 0.0, "high": 0.5}


def record(number: int, rate: float, value: float | None, *, stage: int = 1, ended: str = "completed") -> TrialRecord:
    epochs = stage * 2
    losses = tuple(2.0 / (epoch + 1) for epoch in range(epochs))
    return TrialRecord(
        trial=number,
        settings={"optim.lr": rate, "optim.name": ["<sgd>", "adamw"][number % 2], "model.dropout": 0.05 * number},
        seed=0,
        epochs=epochs,
        figure="accuracy",
        value=value,
        best_epoch=1,
        ended=ended,  # type: ignore[arg-type]
        reason="the loss rose & rose" if ended == "diverged" else "",
        scores=(value,) * epochs,
        train_losses=() if value is None else losses,
        first_loss=2.3,
        epochs_spent=float(epochs),
        time_s=1.0,
        stage=stage,
    )


RECORDS = [
    record(1, 0.001, 0.2),
    record(2, 0.1, 0.7),
    record(3, 0.9, None, ended="diverged"),
    record(4, 0.1, 0.9, stage=2),
    record(5, 0.05, 0.95, stage=2, ended="pruned"),
]


def stage(number: int, low: float) -> dict:
    dimensions = [{**RATE, "low": low}, NAME, DROP]
    return {
        "number": number,
        "epochs": 2 * number,
        "trials": 3,
        "fixed": {"training.epochs": 2 * number} | ({"schedule.name": "constant"} if number == 1 else {}),
        "sampler": "tpe",
        "pruner": "median" if number > 1 else "none",
        "box": {"optim.lr": f"log:{low}:1", "optim.name": "choice:sgd,adamw", "model.dropout": "linear:0:0.5"},
        "dimensions": dimensions,
    }


BORDER = {"key": "optim.lr", "side": "upper", "value": 0.9, "stage": 1, "own": False, "grown_to": 3.0}
FACTS = {
    "best": {
        "value": 0.9, "recipe": "s/best.yaml", "trial": 4, "stage": 2, "epochs": 4, "best_epoch": 4,
        "settings": {"optim.lr": 0.1, "optim.name": "<sgd>", "model.dropout": 0.2}, "fold_values": [],
    },
    "trials": 5, "epochs_spent": 14.0, "time_s": 5.0, "study": "s", "borders": [BORDER],
    "importance": {"stage": 1, "shares": {"model.dropout": 0.7, "optim.lr": 0.2, "optim.name": 0.1}},
    "ended": "all trials done", "stages": [stage(1, 0.001), stage(2, 0.01)], "data": "digits", "model": "plain",
    "task": "classification", "figure": "accuracy", "folds": 0, "seed": 0,
    "space": {"optim.lr": "log:0.001:1", "optim.name": "choice:sgd,adamw", "model.dropout": "linear:0:0.5"},
}  # fmt: skip


@pytest.fixture
def folder(tmp_path) -> SearchFolder:
    folder = SearchFolder(tmp_path / "s")
    folder.write_facts(FACTS)
    folder.write_trials(RECORDS)
    return folder


@pytest.fixture
def view(folder) -> SearchView:
    return read_search(folder)


def classes(svg: ET.Element, tag: str) -> list[str]:
    return [found.get("class", "") for found in svg.iter(tag)]


def test_the_view_holds_the_numbers_of_the_pictures(view):
    assert view.title == "Accuracy 90.00\xa0% on validation pictures"
    assert view.sentences[1] == "5 trials: 1 given up as hopeless, 1 diverged; all trials done."
    assert [axis.key for axis in view.axes] == ["optim.lr", "optim.name", "model.dropout"]
    rate, name, _ = view.axes
    assert rate.log
    assert rate.boxes == ((0.001, 1.0), (0.01, 1.0))
    assert (rate.distinct, rate.distinct_on_a_grid) == (4, 2)
    assert name.values == (1.0, 0.0, 1.0, 0.0, 1.0)
    assert name.words == ("<sgd>", "adamw")
    assert [trial.rank for trial in view.trials] == [1.0, 2 / 3, None, 1 / 3, 0.0]
    assert view.so_far == (0.2, 0.7, 0.7, 0.9, 0.9)  # one that was given up is never the best


def test_all_losses_are_in_one_frame_the_best_on_top(view):
    svg = ET.fromstring(losses_chart(view.trials))
    lines = [name for name in classes(svg, "path") if name.startswith("trial")]
    assert len(lines) == 4
    assert lines[-1] == "trial first"
    assert losses_chart(view.trials[2:3]) == ""


def test_parallel_coordinates_have_an_axis_a_setting_and_a_line_a_judged_trial(view):
    svg = ET.fromstring(parallel_chart(view))
    names = [text.text for text in svg.iter("text") if text.get("class") == "name"]
    assert names == ["optim.lr", "optim.name", "model.dropout", "validation accuracy"]
    assert sum(name.startswith("trial") for name in classes(svg, "path")) == 4
    assert all(
        path.get("d", "").count("L") == 3 for path in svg.iter("path") if path.get("class", "").startswith("trial")
    )
    assert "<sgd>" in [text.text for text in svg.iter("text")]
    assert parallel_chart(replace(view, trials=view.trials[2:3])) == ""


def test_a_slice_has_a_dot_a_judged_trial_and_a_bar_a_stage(view):
    for axis in view.axes:
        svg = ET.fromstring(slice_chart(axis, view))
        assert sum(name.startswith("try") for name in classes(svg, "circle")) == 4
        assert classes(svg, "rect").count("box") == 2
    words = [text.text for text in ET.fromstring(slice_chart(view.axes[1], view)).iter("text")]
    assert "adamw" in words
    assert slice_chart(view.axes[0], replace(view, trials=view.trials[2:3])) == ""


def test_the_best_so_far_never_falls(view):
    svg = ET.fromstring(history_chart(view))
    path = next(path.get("d", "") for path in svg.iter("path") if path.get("class") == "line plain")
    heights = [float(height) for height in re.findall(r"V([\d.]+)", path)]
    assert heights == sorted(heights, reverse=True)
    assert classes(svg, "path").count("mark") == 1
    assert history_chart(replace(view, trials=view.trials[2:3])) == ""


def test_random_points_have_more_values_on_the_edges_than_a_grid(view):
    pair = weightiest(view)
    assert [axis.key for axis in pair] == ["model.dropout", "optim.lr"]
    svg = ET.fromstring(projection_chart(*pair))
    words = [text.text for text in svg.iter("text")]
    assert "5 values of model.dropout" in words
    assert "a grid of 2 × 2" in words
    assert classes(svg, "path").count("edge") == 5 + 4 + 2 + 2
    assert weightiest(replace(view, axes=view.axes[:1])) is None


def test_the_page_stands_alone_and_escapes_all_words(folder):
    page = write_search_report(folder, datetime(2026, 11, 22, tzinfo=UTC)).read_text()
    assert "&lt;sgd&gt;" in page
    assert "<sgd>" not in page
    assert "<script" not in page
    assert not re.search(r'(?:src|href)="http', page)
    assert page.count('<svg class="chart"') == 7
    assert "grows to 3.00" in page
    assert "the loss rose &amp; rose" in page
    assert "model.dropout 70.0\xa0%" in page


def test_a_search_without_a_best_has_a_page_too(folder):
    folder.write_facts({**FACTS, "best": None, "importance": None, "ended": "under way"})
    folder.write_trials(RECORDS[2:3])
    page = render_search(read_search(folder), datetime(2026, 11, 22, tzinfo=UTC))
    assert "No trial came to its end" in page
    assert "cannot tell: too few trials" in page


def test_the_terminal_says_stage_trial_border_and_result():
    lines = [line.plain() for line in stage_lines(FACTS["stages"][0], 2, "accuracy")]
    assert "  stage 1/2 3 trials of 2 epochs, at a constant rate, tpe, none is given up early" in lines
    assert "hopeless ones given up by median" in stage_lines(FACTS["stages"][1], 2, "accuracy")[1].plain()
    assert "diverged" in trial_line(RECORDS[2], best=False).plain()
    best = trial_line(RECORDS[3], best=True)
    assert "90.00\xa0% *" in best.plain()
    assert best.style == "green"
    assert [line.plain() for line in border_lines([])] == []
    told = " ".join(
        line.plain() for line in border_lines([BORDER, {**BORDER, "own": True}, {**BORDER, "grown_to": None}])
    )
    told = " ".join(told.split())
    assert "which grows to 3.00" in told
    assert "the setting can have none beyond it" in told
    assert "values beyond it may be better" in told
    result = " ".join(" ".join(line.plain() for line in search_result_lines(FACTS, "s")).split())
    assert "best validation accuracy 90.00 %: trial 4 of stage 2, 4 epochs" in result
    assert "trainwright train --recipe s/best.yaml" in result
    assert "next" not in " ".join(line.plain() for line in search_result_lines({**FACTS, "best": None}, "s"))
    assert importance_words(None).startswith("cannot tell")
    assert asdict(best)["text"]
