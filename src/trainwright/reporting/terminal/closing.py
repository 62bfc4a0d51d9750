"""What came out of a run: the last block on the terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from trainwright.runs import Evaluation, EvaluationRecord, Finding, StopRecord

from ..evidence import advised, how_sure, shown
from ..outcome import outcome_of
from ..pages import page_of
from ..steps import NextStep, next_steps
from ..views.diagnosis import withdrawn_words
from ..views.task_judgement import LAID_OUT, TaskJudgement
from ..wording import NBSP, count, duration, interval, number, percent, plural, printable
from .lines import Line, labelled

SEVERITY_STYLES = {"note": "", "warn": "yellow", "stop": "bold red"}
SEVERITY_WORDS = {"note": "note", "warn": "warning", "stop": "problem"}


def closing(
    folder: Path,
    stop: StopRecord | None,
    evaluations: Mapping[str, Evaluation],
    *,
    report: Path | None,
    findings: Sequence[Finding] = (),
    told: Sequence[Finding] = (),
    retrained: Sequence[str] = (),
    first_stop: StopRecord | None = None,
    width: int = 80,
) -> list[Line]:
    """Says how good the net is and how sure that is, why training stopped, where all of it lies, and what to do next.

    Args:
        folder: the run's folder.
        stop: the run's last record of training, None if it still goes on.
        evaluations: part → the judgement of the kept snapshot on it; the test part speaks first.
        report: the report, if one was written.
        findings: what was found; notes, which were said where they arose, are only counted.
        told: those that stand above on the same terminal; of them warnings are named, and not said again.
        retrained: what a second stage of training did, in sentences, where there was one.
        first_stop: the last record of the stage before it.
        width: columns to wrap to.
    Returns:
        the lines, an empty one first and last.
    """
    lines = [Line()]
    judged = [evaluations[part] for part in ("test", "valid") if part in evaluations]
    texts = [_judgement(record) for record in judged]
    lines += labelled("result", texts[:1] or ["no test of the net is on record"], width, "bold")
    lines += labelled("", texts[1:], width)
    if stop is None:
        lines += labelled("stopped", ["not yet: no end is recorded"], width)
    else:
        ended = first_stop or stop
        took = f"{printable(ended.reason)}; {_work(ended)}"
        style = "bold red" if stop.kind in ("non-finite-loss", "check-failed") else ""
        kept = [f"kept: the snapshot of epoch {count(stop.best_epoch)}"] if stop.best_epoch and not retrained else []
        lines += labelled("stopped", [took, *kept], width, style)
        both = [f"Both stages: {_work(stop)}."] if first_stop else []
        lines += labelled("retrained", map(printable, [*retrained, *both]), width)
    if findings:
        texts = _found(findings, told)
        standing = [finding.severity for finding in findings if finding.withdrawn is None]
        worst = max(standing, key=list(SEVERITY_STYLES).index, default="note")
        lines += labelled("findings", texts, width, SEVERITY_STYLES[worst])
    lines += labelled("run", [printable(str(folder))], width)
    if report is not None:
        lines += labelled("report", [printable(str(report))], width)
    lines.append(Line())
    for step in next_steps(folder, outcome_of(stop), findings):
        lines += step_lines(step)
    return [*lines, Line()]


def step_lines(step: NextStep) -> list[Line]:
    """Writes a command to copy, and below it what it is good for."""
    return [Line(f"  {printable(step.command)}", "cyan"), Line(f"      {step.meaning}", "dim")]


def _found(findings: Sequence[Finding], told: Sequence[Finding]) -> list[str]:
    """Says what was found: problems, and warnings that nobody saw yet, in full; the others by name and number."""
    gone = [printable(finding.code) for finding in findings if finding.withdrawn is not None]
    findings = [finding for finding in findings if finding.withdrawn is None]
    known = [finding.code for finding in findings if finding.severity == "warn" and finding in told]
    full = [f for f in findings if f.severity == "stop" or (f.severity == "warn" and f not in told)]
    texts = [f"{SEVERITY_WORDS[finding.severity]}: {printable(finding.summary)}" for finding in full]
    if known:
        codes = [printable(code) + (f" ({times})" if times > 1 else "") for code, times in Counter(known).items()]
        texts.append(f"{plural(len(known), 'warning')}, told above: {', '.join(codes)}")
    notes = sum(finding.severity == "note" for finding in findings)
    texts += [f"{plural(notes, 'note')}, in the report"] if notes else []
    return [*texts, f"{plural(len(gone), 'sign')} gone again: {', '.join(gone)}"] if gone else texts


def finding_lines(finding: Finding, width: int = 80) -> list[Line]:
    """Says one finding: what is wrong, the numbers that show it, how sure that is, and what to try.

    Args:
        finding: what was found, or withdrawn.
        width: columns to wrap to.
    """
    if finding.withdrawn is not None:
        return labelled("withdrawn", [printable(withdrawn_words(finding))], width, "green")
    when = "" if finding.since_step is None else f" (since step {count(finding.since_step)})"
    texts = [f"{printable(finding.summary)}{when} [{printable(finding.code)}]"]
    if finding.evidence:
        measured = ", ".join(f"{printable(name)} {shown(value)}" for name, value in finding.evidence.items())
        texts.append(f"  measured: {measured}")
    if finding.diagnosed:
        texts.append(f"  sure: {how_sure(finding)}")
    texts += [f"  try: {advised(key, value)}" for key, value in finding.advice.items()]
    if finding.severity != "note" and page_of(finding.code) is not None:
        texts.append(f"  more: trainwright diagnose --explain {finding.code}")
    return labelled(SEVERITY_WORDS[finding.severity], texts, width, SEVERITY_STYLES[finding.severity])


def evaluation_lines(record: Evaluation, width: int = 80) -> list[Line]:
    """Says how a snapshot did on one part: the whole, then class by class with the weakest first.

    In other tasks the task's figures, then label by label or column by column.

    Args:
        record: the judgement.
        width: columns to wrap to.
    """
    if not isinstance(record, EvaluationRecord):
        return _task_lines(LAID_OUT[type(record)](record, None), width)
    texts = [
        f"balanced accuracy {percent(record.balanced_accuracy, record.pictures)}, "
        f"loss {number(record.loss)}, calibration error {percent(record.calibration_error)}"
    ]
    lines = [Line(), *labelled("result", [_judgement(record)], width, "bold"), *labelled("", texts, width)]
    new = record.unseen
    if record.trained_on and new is not None and new.accuracy is not None and new.accuracy_interval is not None:
        right, sure = percent(new.accuracy, new.pictures), interval(*new.accuracy_interval, new.pictures)
        whom = f"{plural(new.pictures, 'picture')} right (95 % interval: {sure}): those that it has not learned"
        lines += labelled("unseen", [f"{right} of {whom}"], width, "bold")
    scores = sorted(record.per_class, key=lambda score: (score.recall is None, score.recall or 0.0, score.label))
    labels = [printable(score.label) for score in scores]
    size = max([len("class"), *map(len, labels)])
    lines += [
        Line(),
        Line("  class by class, the weakest first"),
        Line(f"  {'class':<{size}}  pictures   recall  precision       F1", "bold"),
    ]
    for label, score in zip(labels, scores, strict=True):
        cells = [_share(value) for value in (score.recall, score.precision, score.f1)]
        row = f"  {label:<{size}}  {count(score.pictures):>8}  {cells[0]:>7}  {cells[1]:>9}  {cells[2]:>7}"
        lines.append(Line(row))
    return [*lines, Line()]


def _task_lines(view: TaskJudgement, width: int) -> list[Line]:
    texts = [f"{fact.name}: {fact.value} ({fact.note})" for fact in view.facts]
    kind = "picture" if view.part == "other" else f"{view.part} picture"
    lines = [Line(), *labelled("result", [plural(view.pictures, kind), *texts], width)]
    if not view.table.rows:
        return [*lines, Line()]
    rows = [view.table.head, *((printable(row[0]), *row[1:]) for row in view.table.rows)]
    sizes = [max(len(row[column]) for row in rows) for column in range(len(view.table.head))]
    lines += [Line(), Line(f"  {view.table.title[:1].lower()}{view.table.title[1:]}")]
    for number_of_row, row in enumerate(rows):
        cells = [cell.rjust(size) for cell, size in zip(row[1:], sizes[1:], strict=True)]
        text = f"  {row[0]:<{sizes[0]}}  {'  '.join(cells)}".replace(NBSP, " ")
        lines.append(Line(text, "" if number_of_row else "bold"))
    return [*lines, Line()]


def _work(stop: StopRecord) -> str:
    return f"{plural(stop.step, 'step')} in {duration(stop.train_time_s)}"


def _judgement(record: Evaluation) -> str:
    if not isinstance(record, EvaluationRecord):
        view = LAID_OUT[type(record)](record, None)
        return f"{view.verdict} {view.sentences[0]}"
    right = percent(record.accuracy, record.pictures)
    sure = interval(*record.accuracy_interval, record.pictures)
    kind = "picture" if record.part == "other" else f"{record.part} picture"
    return f"{right} of {plural(record.pictures, kind)} right (95 % interval: {sure})"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f} %"
