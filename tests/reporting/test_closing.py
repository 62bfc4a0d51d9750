from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from trainwright.reporting.terminal.closing import closing, evaluation_lines, finding_lines
from trainwright.reporting.terminal.lines import Line
from trainwright.runs import Finding

LABELS = [str(n) for n in range(10)]


def plain(lines: list[Line]) -> str:
    return "\n".join(line.plain() for line in lines)


def test_the_last_block_says_result_end_place_and_what_next(invent: Any) -> None:
    records = {"test": invent.evaluation(LABELS), "valid": invent.evaluation(LABELS, part="valid", wrong=0)}
    lines = closing(
        Path("runs/my run"),
        invent.stop_record("completed", 12),
        records,
        report=Path("runs/my run/report.html"),
        findings=[invent.RATE_FINDING],
    )
    assert (
        plain(lines)
        == """
  result    97.5 % of 360 test pictures right (95 % interval: 95.3 to 98.7 %)
            99.2 % of 360 valid pictures right (95 % interval: 97.6 to 99.7 %)
  stopped   all 12 epochs done; 240 steps in 12 s
            kept: the snapshot of epoch 11
  findings  warning: The loss jumps from step to step: the learning rate is too
            high.
  run       runs/my run
  report    runs/my run/report.html

  trainwright predict 'runs/my run' PICTURES…
      answer for new pictures: files, folders or patterns
  trainwright evaluate 'runs/my run' DATA
      judge the trained net on other pictures whose answers are known
  trainwright train --recipe 'runs/my run/recipe.yaml' --seed 1
      train the same recipe from another seed, to see how much is luck
"""
    )


def test_of_two_stages_the_first_says_why_it_stopped_and_the_second_what_it_did(invent: Any) -> None:
    last = replace(invent.stop_record("completed", 14), reason="all 2 epochs done")
    first = invent.stop_record("early-stopping", 12)
    did = ["Then the net was trained anew.", "These retrained weights are the result."]
    text = plain(closing(Path("r"), last, {}, report=None, retrained=did, first_stop=first))
    assert "  stopped   no better validation accuracy for 5 epochs; 240 steps in 12 s\n  retrained Then the net" in text
    assert "            Both stages: 280 steps in 12 s." in text
    assert "all 2 epochs done" not in text
    assert "kept" not in text


def test_notes_are_counted_in_the_last_block_and_not_said_again(invent: Any) -> None:
    note = Finding(code="label-conflict", severity="note", summary="Two equal pictures bear two labels.")
    text = plain(closing(Path("r"), None, {}, report=None, findings=[note, invent.RATE_FINDING, note]))
    assert "findings  warning: The loss jumps" in text
    assert "2 notes, in the report" in text
    assert "Two equal pictures" not in text


def test_warnings_that_stand_above_are_named_and_counted_and_others_said(invent: Any) -> None:
    small = [
        Finding(code="validation-too-small", severity="warn", summary=f"the {part} part is small", advice={"do": part})
        for part in ("valid", "test")
    ]
    leak = Finding(code="train-validation-leak", severity="warn", summary="a leak")
    end = Finding(code="non-finite-loss", severity="stop", summary="the loss became nan")
    findings = [*small, leak, invent.RATE_FINDING, end]
    text = plain(closing(Path("r"), None, {}, report=None, findings=findings, told=[*small, leak, end]))
    said = " ".join(text.split())
    assert "3 warnings, told above: validation-too-small (2), train-validation-leak run r" in said
    assert (
        "findings warning: The loss jumps from step to step: the learning rate is too high. problem: the loss" in said
    )
    assert "part is small" not in text


def test_without_a_judged_part_nothing_is_claimed(invent: Any) -> None:
    text = plain(closing(Path("r"), invent.stop_record("interrupted", 2), {}, report=None))
    assert "no test of the net is on record" in text
    assert "interrupted by SIGINT" in text
    assert "trainwright train --resume r" in text
    assert "report" not in text
    assert "not yet: no end is recorded" in plain(closing(Path("r"), None, {}, report=None))


def test_broken_training_is_shown_in_red_with_a_smaller_rate_to_try(invent: Any) -> None:
    lines = closing(Path("r"), invent.stop_record("non-finite-loss", 2), {}, report=None)
    assert [line.style for line in lines if line.label == "stopped"] == ["bold red"]
    assert "--lr RATE" in plain(lines)
    assert "kept: the snapshot of epoch 1" in plain(lines)
    assert "kept" not in plain(closing(Path("r"), invent.stop_record("non-finite-loss", 0), {}, report=None))


def test_a_finding_comes_with_its_numbers_and_advice(invent: Any) -> None:
    assert (
        plain(finding_lines(invent.RATE_FINDING))
        == """\
  warning   The loss jumps from step to step: the learning rate is too high.
            (since step 41) [rate-too-high]
              measured: loss_jump_ratio 3.21, steps 20
              try: --set optim.lr=0.01
              try: run trainwright lr-find to measure it"""
    )


def test_a_finding_obeys_no_evil_name() -> None:
    text = plain(finding_lines(Finding(code="c", severity="note", summary="\x1b[31m", evidence={"first": "\x07"})))
    assert text == "  note      \\x1b[31m [c]\n              measured: first \\x07"


def test_an_evaluation_is_listed_class_by_class_the_weakest_first(invent: Any) -> None:
    text = plain(evaluation_lines(invent.evaluation(["cat", "dog", "<eel>"], each=1000, wrong=10, part="test")))
    assert (
        text
        == """
  result    99.00 % of 3,000 test pictures right (95 % interval: 98.58 to
            99.30 %)
            balanced accuracy 99.00 %, loss 0.0531, calibration error 1.2 %

  class by class, the weakest first
  class  pictures   recall  precision       F1
  <eel>     1,000   98.9 %     99.0 %   98.9 %
  dog       1,000   99.0 %     99.1 %   99.0 %
  cat       1,000   99.1 %     98.9 %   99.0 %
"""
    )
