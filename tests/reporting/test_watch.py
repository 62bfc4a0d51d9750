"""What went on inside a net: as plain numbers, as figures, and in the report of a loop that was watched."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from reporting.watched import (
    answers,
    probe,
    units,
    watch_record,
    watched_records,
    write_loop,
)
from trainwright.reporting import read_view, write_report
from trainwright.reporting.charts.heat import LEVELS, RELATIVE_UPDATES, SHARES, heat_map, log_scale
from trainwright.reporting.figures import PICTURE_OF, figures, picture_of, sketch_figure
from trainwright.reporting.views.watch import MOST_COLUMNS, MOST_LAYERS, MOST_SKETCHES, TRUST_LOW, watch_view
from trainwright.runs import Finding, History, StopRecord

ENDED = StopRecord(reason="the loop ended", kind="completed", epoch=1, step=80, best_epoch=0, train_time_s=3.0)


def view_of(*records):
    view = watch_view(History.of(records))
    assert view is not None
    return view


def test_updates_and_gradients_are_those_of_weights_layer_by_layer():
    view = view_of(*watched_records())
    assert view.updates is not None
    assert view.updates.layers == ("stem.weight", "body.weight", "head.weight"), "no bias"
    assert [row[0] for row in view.updates.values_LC] == pytest.approx([1e-5, 1e-4, 1e-3])
    assert view.updates.steps == tuple(range(10, 90, 10))
    assert view.gradients is not None
    assert [row[-1] for row in view.gradients.values_LC] == pytest.approx([0.01, 0.1, 1.0])


def test_units_are_those_that_were_measured():
    view = view_of(*watched_records())
    assert view.units is not None
    assert view.units.layers == ("stem.relu", "body.relu", "head.relu")
    assert view.units.kinds == ("dead",) * 3
    assert view.units.values_LC[0] == (0.0, *[0.1] * 4, *[0.9] * 4)


def test_the_trust_ratio_is_actual_over_predicted_and_ends_where_it_is_drawn():
    view = view_of(watch_record(), probe(1, trust=0.8), probe(2, trust=-7.0), replace(probe(3), predicted_change=0.0))
    assert view.trust is not None
    assert view.trust.ratios == pytest.approx((0.8, TRUST_LOW))
    assert view.trust.beyond == 1


def test_three_losses_stand_at_the_same_steps():
    view = view_of(*watched_records())
    assert view.gap is not None
    assert view.gap.steps == tuple(range(0, 90, 10))
    assert (view.gap.trained[0], view.gap.valid[0]) == (None, None)
    assert view.gap.trained[1] == pytest.approx(1.0 - 0.001 * 5.5)
    assert (view.gap.clean[-1], view.gap.valid[-1]) == (pytest.approx(0.82), 1.1)


def test_sketches_are_shares_of_the_bins_that_hold_something():
    (first, *_) = view_of(*watched_records()).sketches
    assert first.layer == "stem.relu"
    assert first.has_zeros
    assert [row[0] for row in first.shares_BC] == [0.5, 0.4, 0.1]
    assert first.powers[1:] == (0, 1)


def test_of_many_layers_and_looks_some_are_shown_the_first_and_last_among_them():
    names = tuple(f"layer{number}" for number in range(100))
    looks = [probe(step, 100) for step in range(1, 301)]
    view = view_of(watch_record(names), *looks, units(300, layers=100))
    assert view.updates is not None
    assert len(view.updates.layers) == MOST_LAYERS
    assert (view.updates.layers[0], view.updates.layers[-1]) == ("layer0.weight", "layer99.weight")
    assert view.updates.layers_in_all == 100
    assert len(view.updates.steps) == MOST_COLUMNS
    assert len(view.sketches) == MOST_SKETCHES


def test_the_cost_is_that_of_a_look_over_the_steps_between_two():
    assert view_of(*watched_records()).cost_share == pytest.approx(0.02)


def test_where_nothing_was_watched_there_is_nothing_to_see():
    assert watch_view(History()) is None
    assert watch_view(History.of([watch_record()])) is None


def test_numbers_that_are_not_finite_stay_empty():
    broken = replace(probe(2), gradients=(float("nan"),) * 4, loss_after=float("inf"))
    view = view_of(watch_record(), probe(1), broken, answers(1, float("nan")), answers(2, 1.0))
    assert view.gradients is not None
    assert [row[-1] for row in view.gradients.values_LC] == [None] * 3
    assert view.trust is None
    assert view.gap is not None
    assert view.gap.clean == (None, 1.0)


def test_colors_are_gray_where_updates_are_usual_and_end_at_both_ends():
    levels = [RELATIVE_UPDATES.level(10.0**power) for power in (-9, -7, -5, -3, -2, -1, 2)]
    assert levels == [0, 0, 2, 4, 6, 8, 8]
    assert [SHARES.level(share) for share in (0.0, 0.5, 1.0)] == [0, 4, LEVELS - 1]
    scale = log_scale([0.01, 0.1, 1.0])
    assert [scale.level(value) for value in (0.01, 0.1, 1.0)] == [0, 4, LEVELS - 1]
    assert log_scale([2.0]).level(2.0) == 0


def test_a_map_draws_equal_neighbors_as_one_box_and_names_every_row():
    picture = heat_map(["a", "<b>"], [1, 2, 3], [[0.0, 0.0, 1.0], [None, 0.5, 0.5]], SHARES, title="Shares")
    boxes = re.findall(r'<path class="l(\d)" d="((?:M[^"M]+z)+)"/>', picture.partition("</text>")[2])
    drawn = {level: path.count("M") for level, path in boxes[LEVELS:]}
    assert drawn == {"0": 1, "4": 1, "8": 1}
    assert "&lt;b&gt;" in picture
    assert "a: 0.00 at step 1, 1.00 at step 3, between 0.00 and 1.00." in picture
    assert heat_map([], [], [], SHARES, title="nothing") == ""


def test_every_code_has_one_picture_at_most():
    codes = [code for names in PICTURE_OF.values() for code in names]
    assert len(codes) == len(set(codes))
    assert set(PICTURE_OF) == set(figures(view_of(*watched_records())))


def test_a_finding_is_shown_with_its_layers_pointed_out():
    view = view_of(*watched_records())
    dead = Finding(code="dead-units", severity="warn", summary="s", layers=("stem.relu",))
    picture = picture_of(dead, view)
    assert "Share of units that are dead" in picture
    assert re.findall(r'<text class="row strong"[^>]*>([^<]+)<', picture) == ["stem.relu"]
    assert picture_of(replace(dead, code="data-starved"), view) == ""
    assert picture_of(dead, None) == ""


def test_a_finding_in_the_report_says_what_is_often_taken_for_it_and_what_mends_it(tmp_path):
    dead = Finding(code="dead-units", severity="warn", summary="s", since_step=8)
    other = Finding(code="of-nobody", severity="warn", summary="s", since_step=8)
    folder = write_loop(tmp_path / "mine", records=[*watched_records(), dead, other], end=ENDED)
    html = write_report(folder).read_text("utf-8")
    pattern = r"<details>\s*<summary>False alarms and Fix of ([^<]+)</summary>(.*?)</details>"
    details = re.findall(pattern, html, re.DOTALL)
    words = dict(details)["dead-units"]
    assert "False alarms: Sparsity is not death" in words
    assert "<code>model.activation: leaky-relu</code>" in words
    assert "of-nobody" not in [code for code, _ in details]


def test_the_report_of_a_watched_loop_has_no_recipe_and_no_data(tmp_path):
    folder = write_loop(tmp_path / "mine", end=ENDED)
    html = write_report(folder).read_text("utf-8")
    assert "A watched training came to its end." in html
    assert "OwnNet with 1,234 parameters, moved by SGD" in html
    assert "a, &lt;b&gt;, c" in html
    for title in ("Update of a step", "Norm of the gradient", "Trust ratio", "Three losses", "Share of units"):
        assert title in html
    assert "trainwright diagnose" in html
    for word in ('id="recipe"', 'id="data"', "unknown", "--resume", "weights of epoch"):
        assert word not in html


def test_a_watched_loop_that_is_under_way_or_broke_off_says_so(tmp_path):
    broken = replace(ENDED, kind="interrupted", reason="ValueError: labels are missing")
    assert read_view(write_loop(tmp_path / "a", end=broken)).headline.verdict == "A watched training broke off."
    under_way = read_view(write_loop(tmp_path / "b", records=[]))
    assert under_way.headline.verdict == "A watched training has not recorded its end yet."
    assert under_way.diagnosis.summary == "There is nothing to look at yet."


def test_a_layer_drawn_alone_names_its_powers():
    picture = sketch_figure(view_of(*watched_records()).sketches[0])
    assert "stem.relu (ReLU)" in picture
    assert re.findall(r'class="row"[^>]*>([^<]+)<', picture) == ["up to 2.0", "up to 1.0", "about 0"]
