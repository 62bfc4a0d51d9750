from __future__ import annotations

import io
import re
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from trainwright.reporting import RunConsole, RunPlan

PLAN = RunPlan(
    folder=Path("runs/first"),
    data="digits",
    parts={"train": 1294, "valid": 143, "test": 360},
    classes=("cat", "chien été"),
    img_size=8,
    channels=1,
    model="small-resnet",
    parameters=77_850,
    multiply_adds=None,
    epochs=3,
    steps_per_epoch=20,
    batch_size=64,
    device="cpu",
    precision="float32",
)


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


class Loss:
    """A number on a device: reading it is counted, because it would wait for the device."""

    def __init__(self) -> None:
        self.read = 0

    def __float__(self) -> float:
        self.read += 1
        return 0.5


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")


@pytest.fixture
def clock() -> Clock:
    return Clock()


def went(console: RunConsole, clock: Clock, invent: Any) -> None:
    """Plays a short run."""
    console.start(PLAN)
    for number in (1, 2, 3):
        for batch in range(1, 21):
            clock.now += 1.0
            console.batch(batch, 20, 1.0 / batch)
        console.epoch(invent.epoch_record(number, done=number / 3, last=number == 3))
    console.finding(invent.RATE_FINDING)
    console.stop(invent.stop_record("completed", 3))
    evaluations = {"test": invent.evaluation(["a", "b"])}
    console.result(PLAN.folder, evaluations, report=PLAN.folder / "report.html", findings=[invent.RATE_FINDING])


def screen(written: str) -> list[str]:
    """Plays what was written on a terminal that knows the few commands in use; returns its lines."""
    lines, y, x = [""], 0, 0
    for part in re.findall(r"\x1b\[[0-9;?]*[A-Za-z]|[^\x1b]", written):
        if part == "\r":
            x = 0
        elif part == "\n":
            y, x = y + 1, 0
            lines += [""] * (y + 1 - len(lines))
        elif part.endswith("A") and part.startswith("\x1b"):
            y -= int(part[2:-1] or 1)
        elif part == "\x1b[2K":
            lines[y] = ""
        elif part.startswith("\x1b"):
            assert part[-1] in "mhl", f"unknown command {part!r}"
        else:
            lines[y] = lines[y][:x].ljust(x) + part + lines[y][x + 1 :]
            x += 1
    return [line.rstrip() for line in lines]


def test_plain_lines_hold_no_control_character_and_one_row_an_epoch(clock: Clock, invent: Any) -> None:
    stream = io.StringIO()
    with RunConsole(stream=stream, clock=clock) as console:
        went(console, clock, invent)
    text = stream.getvalue()
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", text)
    assert max(map(len, text.split("\n"))) <= 80
    rows = [line for line in text.split("\n") if re.match(r" +\d/3 ", line)]
    assert [line.split()[0] for line in rows] == ["1/3", "2/3", "3/3"]
    assert "result    98.6 % of 72 test pictures right" in text
    assert "warning   The loss jumps" in text
    assert "  findings  1 warning, told above: " + invent.RATE_FINDING.code in text
    assert text.count("    epoch     rate") == 1


def test_the_table_has_the_columns_of_the_task(clock: Clock, invent: Any) -> None:
    stream = io.StringIO()
    console = RunConsole(stream=stream, clock=clock)
    console.start(replace(PLAN, task="regression"))
    none = {"train_accuracy": None, "valid_accuracy": None, "valid_figures": {"r2": 0.5}}
    console.epoch(replace(invent.epoch_record(1, done=0.5), **none))
    assert "0.3713  0.2706   0.5000*" in stream.getvalue()
    assert "acc %" not in stream.getvalue()


def test_plain_epochs_that_last_give_a_sign_once_a_minute(clock: Clock) -> None:
    stream = io.StringIO()
    console = RunConsole(stream=stream, clock=clock)
    console.start(PLAN)
    stream.truncate(0)
    stream.seek(0)
    for batch in range(1, 121):
        clock.now += 1.0
        console.batch(batch, 200, 0.5)
    assert stream.getvalue().splitlines() == [
        "  epoch 1  loss 0.500  left 2:20: 60 of 200",
        "  epoch 1  loss 0.500  left 1:20: 120 of 200",
    ]


def test_the_live_face_leaves_rows_and_nothing_else(clock: Clock, invent: Any) -> None:
    terminal = Terminal()
    with RunConsole(stream=terminal, clock=clock) as console:
        went(console, clock, invent)
    written = terminal.getvalue()
    assert "\x1b[" in written
    assert "epoch 2  loss 0.0500  left 0:00" in re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", written)
    plain = io.StringIO()
    clock.now = 100.0
    with RunConsole(stream=plain, clock=clock) as console:
        went(console, clock, invent)
    assert screen(written) == [line.rstrip() for line in plain.getvalue().split("\n")]
    assert written.rfind("\x1b[?25h") > written.rfind("\x1b[?25l")


def test_no_color_leaves_colors_out(clock: Clock, invent: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    terminal = Terminal()
    with RunConsole(stream=terminal, clock=clock) as console:
        went(console, clock, invent)
    codes = {code for codes in re.findall(r"\x1b\[([0-9;]*)m", terminal.getvalue()) for code in codes.split(";")}
    assert not any(re.fullmatch(r"[349]\d|10\d", code) for code in codes)


def test_a_terminal_that_knows_no_commands_gets_plain_lines(monkeypatch: pytest.MonkeyPatch, invent: Any) -> None:
    monkeypatch.setenv("TERM", "dumb")
    terminal = Terminal()
    with RunConsole(stream=terminal) as console:
        went(console, Clock(), invent)
    assert "\x1b" not in terminal.getvalue()


def test_an_error_leaves_the_terminal_tidy(clock: Clock) -> None:
    terminal = Terminal()

    def interrupted() -> None:
        with RunConsole(stream=terminal, clock=clock) as console:
            console.start(PLAN)
            clock.now += 10
            console.batch(1, 20, 1.0)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert terminal.getvalue().rstrip().endswith(("\x1b[2K", "\x1b[?25h"))
    assert not any("epoch 1" in line for line in screen(terminal.getvalue()))


def test_json_keeps_standard_output_clean(capsys: pytest.CaptureFixture[str]) -> None:
    RunConsole(json=True).note("hello")
    RunConsole().note("world")
    assert capsys.readouterr() == ("  world\n", "  hello\n")


def test_the_bar_on_standard_error_leaves_standard_output_alone(
    clock: Clock, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stderr", Terminal())
    with RunConsole(json=True, clock=clock) as console:
        console.start(PLAN)
        clock.now += 1
        console.batch(1, 20, 0.5)
        print("{}")
    assert capsys.readouterr().out == "{}\n"
    monkeypatch.undo()


def test_an_encoding_that_cannot_hold_a_name_gets_an_escape(invent: Any) -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    with RunConsole(stream=stream) as console:
        console.start(PLAN)
        went(console, Clock(), invent)
    text = raw.getvalue().decode("ascii")
    assert "seen as 8x8 gray" in text
    assert "cat and chien \\xe9t\\xe9" in text


def test_a_reader_that_went_away_does_not_end_the_run(invent: Any) -> None:
    class Gone(io.StringIO):
        calls = 0

        def write(self, _text: str) -> int:
            self.calls += 1
            raise BrokenPipeError

    stream = Gone()
    with RunConsole(stream=stream) as console:
        went(console, Clock(), invent)
    assert stream.calls == 1


def test_preparation_is_shown_and_its_end_is_kept(clock: Clock) -> None:
    stream = io.StringIO()
    console = RunConsole(stream=stream, clock=clock)
    for done in range(31):
        console.progress("reading pictures", done, 30)
        clock.now += 1.0
    console.progress("splitting", 5, 5)
    assert stream.getvalue().splitlines() == [
        "  reading pictures, 0:20 left: 10 of 30",
        "  reading pictures, 0:10 left: 20 of 30",
        "  reading pictures: 30 in 30 s",
        "  splitting: 5 in 0.0 s",
    ]


def test_preparation_on_a_terminal_is_a_bar_that_goes_away(clock: Clock) -> None:
    terminal = Terminal()
    with RunConsole(stream=terminal, clock=clock) as console:
        for done in range(11):
            console.progress("reading pictures", done, 10)
            clock.now += 1.0
    assert "50 %" in terminal.getvalue()
    assert [line for line in screen(terminal.getvalue()) if line] == ["  reading pictures: 10 in 10 s"]


def test_an_evaluation_alone(invent: Any) -> None:
    stream = io.StringIO()
    RunConsole(stream=stream).evaluation(invent.evaluation(["a", "b"]))
    assert "result    98.6 % of 72 test pictures right" in stream.getvalue()


def test_a_resumed_run_counts_on(clock: Clock, invent: Any) -> None:
    stream = io.StringIO()
    console = RunConsole(stream=stream, clock=clock)
    console.start(replace(PLAN, epochs=10, resumed_at=(7, 120)))
    clock.now += 60
    console.batch(10, 20, 0.5, epoch=7)
    console.epoch(invent.epoch_record(7, done=0.7))
    assert "epoch 7  loss 0.500  left 1:00: 10 of 20" in stream.getvalue()
    assert re.search(r"7/10 .* 0:03\n", stream.getvalue())


@pytest.mark.parametrize("stream", [io.StringIO(), Terminal()], ids=["plain", "live"])
def test_a_batch_between_two_drawings_costs_next_to_nothing(stream: io.StringIO, clock: Clock) -> None:
    console = RunConsole(stream=stream, clock=clock)
    console.start(PLAN)
    loss = Loss()
    began = time.perf_counter()
    for batch in range(10_000):
        console.batch(batch, 10_000, loss)
    cost_us = (time.perf_counter() - began) / 10_000 * 1e6
    assert loss.read == 0
    assert cost_us < 20
    console.close()


@pytest.fixture(autouse=True)
def same_streams() -> Iterator[None]:
    """Holds that drawing never leaves standard output or error replaced."""
    before = sys.stdout, sys.stderr
    yield
    assert (sys.stdout, sys.stderr) == before
