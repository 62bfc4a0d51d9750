"""The run on the terminal: a live table for a person, plain lines for a file or a pipe.

It draws what it is told and decides nothing. No thread: the live part is redrawn by the calls themselves, at most a few
times a second, so that nothing competes with training for the processor.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, SupportsFloat, TextIO

from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from trainwright.runs import EpochRecord, Evaluation, Finding, RetrainRecord, StopRecord

from ..second_stage import beginning
from ..steps import NextStep
from ..wording import count, duration, number, printable, short_duration
from .checks import checks_texts
from .closing import closing, evaluation_lines, finding_lines, step_lines
from .lines import Line, labelled
from .opening import RunPlan, opening
from .rows import head, row, time_left

REDRAW_EVERY_S = 0.2
PLAIN_EVERY_S = 60.0
PLAIN_PROGRESS_EVERY_S = 10.0
NARROW_GLYPHS = str.maketrans({"–": "-", "×": "x", "·": ",", "…": "...", "\N{NO-BREAK SPACE}": " "})


class Face(Protocol):
    """One way to draw: lines that stay, and one line beneath them that moves."""

    patience_s: float
    """Seconds that must pass between two drawings of the moving line."""

    @property
    def width(self) -> int:
        """Columns to wrap to."""
        ...

    def lines(self, lines: Iterable[Line]) -> None:
        """Writes lines that stay."""
        ...

    def moving(self, text: str, done: int, total: int) -> None:
        """Redraws the moving line."""
        ...

    def still(self) -> None:
        """Takes the moving line away."""
        ...


class PlainFace:
    """Lines without control characters, for files, pipes and terminals that know no more.

    A reader that goes away (`| head`) does not end a training run: from then on nothing is written, the run folder has
    it all.
    """

    patience_s = PLAIN_EVERY_S

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._encoding = stream.encoding or "utf-8"
        self._gone = False

    @property
    def width(self) -> int:
        return 80

    def lines(self, lines: Iterable[Line]) -> None:
        text = "".join(f"{line.plain()}\n" for line in lines)
        if "utf" not in self._encoding.lower():
            text = text.translate(NARROW_GLYPHS).encode(self._encoding, "backslashreplace").decode(self._encoding)
        if self._gone:
            return
        try:
            self._stream.write(text)
            self._stream.flush()
        except BrokenPipeError:
            self._gone = True

    def moving(self, text: str, done: int, total: int) -> None:
        self.lines([Line(f"  {text}: {count(done)} of {count(total)}")])

    def still(self) -> None:
        pass


class LiveFace:
    """Colors, and a bar beneath the lines that moves."""

    patience_s = REDRAW_EVERY_S

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live: Live | None = None

    @property
    def width(self) -> int:
        return min(self._console.width, 100)

    def lines(self, lines: Iterable[Line]) -> None:
        for line in lines:
            text = Text.assemble((line.start(), "dim"), (line.text, line.style))
            self._console.print(text, soft_wrap=True, highlight=False)

    def moving(self, text: str, done: int, total: int) -> None:
        grid = Table.grid(padding=(0, 1))
        share = f"{100 * done / total:.0f} %" if total else ""
        bar = ProgressBar(total=total or 1, completed=done, width=min(24, max(self.width - 54, 8)))
        grid.add_row("", bar, f"{share:>5}", Text(text, no_wrap=True, overflow="ellipsis"))
        if self._live is None:
            # What others print goes above the bar, but never from one stream into another: standard output may be
            # a file that waits for JSON while the bar moves on standard error.
            self._live = Live(
                grid,
                console=self._console,
                auto_refresh=False,
                transient=True,
                redirect_stdout=self._console.file is sys.stdout,
                redirect_stderr=sys.stderr.isatty(),
            )
            self._live.start()
        self._live.update(grid, refresh=True)

    def still(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None


class RunConsole:
    """Tells a person how a run goes, from frozen records only.

    On a terminal: one row an epoch that stays, a bar with the time left beneath. Elsewhere: aligned plain lines, one
    an epoch. Use it as a context manager, so that the terminal is tidy after an error too.

    Args:
        json: everything goes to standard error, because standard output belongs to the one JSON object.
        stream: where to write instead.
        clock: seconds that only ever grow.
    """

    def __init__(
        self, *, json: bool = False, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        target = stream or (sys.stderr if json else sys.stdout)
        console = Console(file=target, highlight=False)
        self._face: Face = (
            LiveFace(console) if console.is_terminal and not console.is_dumb_terminal else PlainFace(target)
        )
        self._clock = clock
        self._draw_at = 0.0
        self._epochs, self._task = 0, "classification"
        self._done: list[EpochRecord] = []
        self._head_shown = False
        self._epoch_began = clock()
        self._stop: StopRecord | None = None
        self._preparing: tuple[str, float] | None = None
        self._log: Path | None = None
        self._unkept: list[str] = []
        self._told: list[Finding] = []

    def __enter__(self) -> RunConsole:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Takes the moving line away; what was written stays."""
        self._face.still()

    def note(self, text: str) -> None:
        """Writes one line of news."""
        self._write([Line(f"  {printable(text)}")])

    def lines(self, lines: Iterable[Line]) -> None:
        """Writes lines that stay."""
        self._write(lines)

    def moving(self, text: str, done: int, total: int) -> None:
        """Moves the bar of whatever is under way, on a terminal only."""
        if isinstance(self._face, LiveFace):
            self._face.moving(printable(text), done, total)

    def progress(self, what: str, done: int, total: int) -> None:
        """Shows how far the preparation of data has come; the last call of one thing (done = total) is kept."""
        now = self._clock()
        if self._preparing is None or self._preparing[0] != what:
            self._preparing = (what, now)
            self._draw_at = now + (PLAIN_PROGRESS_EVERY_S if isinstance(self._face, PlainFace) else 0.0)
        began = self._preparing[1]
        if done >= total:
            self._write([Line(f"  {printable(what)}: {count(total)} in {duration(now - began)}")])
            self._preparing = None
        elif now >= self._draw_at:
            left = (now - began) / done * (total - done) if done else None
            self._face.moving(f"{printable(what)}, {short_duration(left)} left", done, total)
            self._draw_at = now + min(self._face.patience_s, PLAIN_PROGRESS_EVERY_S)

    def start(self, plan: RunPlan) -> None:
        """Writes what the run is about to do."""
        self._epochs, self._task = plan.epochs, plan.task
        self._write(opening(plan, self._face.width))
        self._epoch_began = self._clock()
        self._draw_at = self._epoch_began + self._face.patience_s

    def batch(self, done: int, total: int, loss: SupportsFloat, epoch: int | None = None) -> None:
        """Moves the bar of the epoch under way.

        Between two drawings it costs a glance at the clock: `loss` may be a tensor on a device, it is read only when
        it is drawn.

        Args:
            done: batches of this epoch that are done.
            total: batches of this epoch.
            loss: training loss of the last step.
            epoch: the epoch under way; left out, the one after the last that was shown.
        """
        now = self._clock()
        if now < self._draw_at:
            return
        self._draw_at = now + self._face.patience_s
        left = (now - self._epoch_began) / done * (total - done) if done else None
        if epoch is None:
            epoch = self._done[-1].epoch + 1 if self._done else 1
        whole = time_left(self._done, self._epochs)
        if whole is not None:
            whole -= now - self._epoch_began
        text = f"epoch {count(epoch)}  loss {number(float(loss))}  left {short_duration(left)}"
        self._face.moving(
            text if whole is None else f"{text} of {short_duration(max(whole, left or 0.0))}", done, total
        )

    def epoch(self, record: EpochRecord) -> None:
        """Writes the row of one epoch."""
        self._done.append(record)
        lines = [] if self._head_shown else head(self._task)
        self._head_shown = True
        text = row(record, self._epochs, time_left(self._done, self._epochs), self._task)
        lines.append(Line(text, "green" if record.best and record.valid_loss is not None else ""))
        if record.added_loss is not None:
            lines.append(Line(f"    loss of the added pictures: {record.added_loss:.4g}", "dim"))
        self._write(lines)
        self._epoch_began = self._clock()
        self._draw_at = self._epoch_began + self._face.patience_s

    def second_stage(self, told: RetrainRecord) -> None:
        """Says that a second stage begins, or goes on; its epochs count on from the first."""
        self._epochs = told.epoch + told.epochs
        self._write(labelled("retrain", [beginning(told)], self._face.width, "bold"))
        self._epoch_began = self._clock()

    def checks(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Sums up the checks before training; rows as in checks.json."""
        self._write(labelled("checks", map(printable, checks_texts(rows)), self._face.width))

    def finding(self, finding: Finding) -> None:
        """Writes what was found, with its numbers and what to try."""
        self._write(finding_lines(finding, self._face.width))
        self._told.append(finding)

    def stop(self, record: StopRecord) -> None:
        """Remembers why training ended; `result` says it."""
        self._stop = record
        self._face.still()

    def evaluation(self, record: Evaluation) -> None:
        """Writes how a snapshot did on one part, class by class."""
        self._write(evaluation_lines(record, self._face.width))

    def result(
        self,
        folder: Path,
        evaluations: Mapping[str, Evaluation],
        *,
        report: Path | None = None,
        findings: Sequence[Finding] = (),
        retrained: Sequence[str] = (),
        first_stop: StopRecord | None = None,
    ) -> None:
        """Writes the last block: the result and how sure it is, why it stopped, where all lies, what to do next.

        Args:
            folder: the run's folder, as the user would write it.
            evaluations: part → the judgement of the kept snapshot.
            report: the report, if one was written.
            findings: all findings of the run.
            retrained: what a second stage did, in sentences, where there was one.
            first_stop: how the stage before it ended.
        """
        lines = closing(
            folder,
            self._stop,
            evaluations,
            report=report,
            findings=findings,
            told=self._told,
            retrained=retrained,
            first_stop=first_stop,
            width=self._face.width,
        )
        self._write(lines)

    def steps(self, steps: Sequence[NextStep]) -> None:
        """Writes commands to copy, each with what it is good for."""
        self._write([line for step in steps for line in step_lines(step)])

    def log_to(self, path: Path) -> None:
        """Keeps all lines in a file from now on, those that were written before first; appends where it exists."""
        self._log = path
        self._keep([])

    def _write(self, lines: Iterable[Line]) -> None:
        shown = list(lines)
        self._face.still()
        self._face.lines(shown)
        self._keep(shown)

    def _keep(self, lines: Iterable[Line]) -> None:
        self._unkept += [line.plain() for line in lines]
        if self._log is not None and self._unkept:
            with self._log.open("a", encoding="utf-8") as file:
                file.writelines(f"{line}\n" for line in self._unkept)
            self._unkept.clear()
