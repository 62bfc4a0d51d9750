from __future__ import annotations

import dataclasses
import errno
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from trainwright.errors import InputError
from trainwright.reporting import read_view, render_report, write_report
from trainwright.reporting.report import read_picture
from trainwright.runs import RunFolder, WriteFailed

VOID = {"meta", "link", "input", "img", "br"}
EVIL = ("<script>alert(1)</script>", "\"quoted\" & 'co'", "\x1b[2J", "caf\udce9", "\u202egnp.exe", "{{ 7*7 }}")


class Page(HTMLParser):
    """Reads a page: its text, its tags with attributes, and whether every tag is closed in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text, self.tags, self.open, self.wrong = "", [], [], []
        self.feed(html)
        self.wrong += self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def page(folder: RunFolder) -> Page:
    return Page(write_report(folder).read_text("utf-8"))


@pytest.mark.parametrize("end", ["completed", "early-stopping", "interrupted", "non-finite-loss", "unfinished"])
def test_every_end_gives_a_whole_page(make_run: Callable[..., RunFolder], end: str) -> None:
    whole = page(make_run(epochs=3, end=end))
    assert whole.wrong == []
    ids = [attrs["id"] for _, attrs in whole.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    targets = [attrs["href"][1:] for tag, attrs in whole.tags if tag == "a"]
    assert set(targets) <= set(ids)
    assert [tag for tag, _ in whole.tags].count("h1") == 1
    assert all("alt" in attrs for tag, attrs in whole.tags if tag == "img")


@pytest.mark.parametrize(
    ("end", "words"),
    [
        ("interrupted", ["interrupted by SIGINT", "trainwright train --resume"]),
        ("non-finite-loss", ["Training broke down", "the loss became nan at step 41", "--lr RATE"]),
        ("unfinished", ["No end is on record", "trainwright train --resume"]),
    ],
)
def test_a_run_without_result_says_so(make_run: Callable[..., RunFolder], end: str, words: list[str]) -> None:
    text = page(make_run(epochs=3, end=end)).text
    for word in words:
        assert word in text
    assert "Skip to the result" in text


def test_all_that_was_promised_stands_in_it(make_run: Callable[..., RunFolder]) -> None:
    text = page(make_run()).text
    for word in (
        "97.5\xa0% of the test pictures are named correctly.",
        "between 95.3 and 98.7\xa0%",
        "The loss jumps from step to step",
        "--set optim.lr=0.01",
        "The schedule",
        "What is taken for what",
        "Class by class, the weakest first",
        "The surest mistakes",
        "What the net sees",
        "5 pictures in 2 groups; 2 test pictures with a twin in the training part",
        "stages.0.0.conv1",
        "a <fast> one",
        "user: --set training.patience=5",
        "auto: sgd with batches of 64",
        "trainwright train digits --set training.patience=5",
        "trainwright predict",
    ):
        assert word in text


def test_names_from_outside_are_text_and_nothing_else(make_run: Callable[..., RunFolder]) -> None:
    whole = page(make_run(labels=EVIL, epochs=2))
    assert whole.wrong == []
    assert "script" not in {tag for tag, _ in whole.tags}
    for shown in (
        "<script>alert(1)</script>",
        "\"quoted\" & 'co'",
        "\\x1b[2J",
        "caf\\xe9",
        "\\u202egnp.exe",
        "{{ 7*7 }}",
    ):
        assert shown in whole.text
    assert not any(name.startswith("on") for _, attrs in whole.tags for name in attrs)


def test_nothing_is_fetched_and_no_style_stands_outside_the_sheet(make_run: Callable[..., RunFolder]) -> None:
    html = write_report(make_run()).read_text("utf-8")
    whole = Page(html)
    addresses = [attrs[name] for _, attrs in whole.tags for name in ("src", "href") if name in attrs]
    assert all(address.startswith(("data:", "#")) for address in addresses)
    assert not any("style" in attrs for _, attrs in whole.tags)
    assert "url(" not in html
    assert "@import" not in html


@pytest.mark.parametrize(("classes", "tables"), [(25, 1), (26, 0)])
def test_a_matrix_of_many_classes_becomes_a_picture(
    make_run: Callable[..., RunFolder], classes: int, tables: int
) -> None:
    whole = page(make_run(labels=[f"c{n}" for n in range(classes)], epochs=1))
    assert sum(attrs.get("class") == "confusion roomy" for _, attrs in whole.tags) == tables
    assert sum(attrs.get("class") == "matrix" for _, attrs in whole.tags) == 1 - tables


def test_a_matrix_beyond_reading_is_left_out_aloud(make_run: Callable[..., RunFolder]) -> None:
    whole = page(make_run(labels=[f"c{n}" for n in range(201)], epochs=1, each=6))
    assert "A matrix of 201 classes cannot be read as a picture" in whole.text
    assert "The other 176 classes" in whole.text


def test_no_mistake_is_said(make_run: Callable[..., RunFolder]) -> None:
    assert "Not one mistake among 72 pictures." in page(make_run(labels=["a", "b"], epochs=1, wrong=0)).text


@pytest.mark.parametrize("figure", ["accuracy", "mean_average_precision", "pair_accuracy", "r2"])
def test_the_axis_of_a_share_ends_at_all(make_run: Callable[..., RunFolder], figure: str) -> None:
    view = read_view(make_run())
    all_right = tuple(1.0 for _ in view.curves.epochs)
    own = {"figure": figure, "valid_figure": all_right, "valid_accuracy": all_right, "train_accuracy": all_right}
    perfect = dataclasses.replace(view, curves=dataclasses.replace(view.curves, **own))
    html = render_report(perfect, datetime(2026, 1, 1, tzinfo=UTC))
    titles = {"accuracy": "Accuracy, %", "r2": "R²", "pair_accuracy": "Pairs in the right order, %"}
    chart = re.search(rf'aria-label="{titles.get(figure, "Mean average precision, %")}:.*?</svg>', html, re.DOTALL)
    assert chart is not None
    ticks = [float(text) for text in re.findall(r'text-anchor="end">([\d.]+)</text>', chart[0])]
    assert max(ticks) == (1 if figure == "r2" else 100)
    assert min(ticks) < max(ticks)


def test_the_same_run_gives_the_same_page(make_run: Callable[..., RunFolder]) -> None:
    view = read_view(make_run(epochs=2))
    now = datetime(2026, 11, 21, 10, 15, tzinfo=UTC)
    assert render_report(view, now) == render_report(view, now)
    assert "Written 2026-11-21 10:15 UTC by trainwright" in render_report(view, now)


def test_a_picture_that_is_none_is_named(make_run: Callable[..., RunFolder]) -> None:
    folder = make_run(epochs=1)
    picture = folder.plots / "first-batch.png"
    picture.write_bytes(b"GIF89a")
    with pytest.raises(InputError) as caught:
        write_report(folder)
    assert str(caught.value) == (
        "a picture of the run is damaged\n  expected: a PNG file\n  got: 6 bytes that begin with b'GIF89a'\n"
        f"  where: {picture}\n  try: move it away; the report is written without it"
    )


def test_pictures_keep_their_size(make_run: Callable[..., RunFolder]) -> None:
    picture = read_picture(make_run(epochs=1).plots / "first-batch.png")
    assert (picture.width, picture.height, picture.small) == (80, 40, True)
    assert picture.uri.startswith("data:image/png;base64,iVBOR")


def test_a_full_disk_says_so_and_keeps_the_old_report(
    make_run: Callable[..., RunFolder], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_run(epochs=1)
    old = write_report(folder).read_bytes()

    def full(path: Path, _data: bytes) -> Any:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(WriteFailed, match=r"report\.html could not be written\n  got: No space left on device"):
        write_report(folder)
    assert folder.report.read_bytes() == old


def test_a_place_that_cannot_be_written_says_so(make_run: Callable[..., RunFolder]) -> None:
    folder = make_run(epochs=1)
    folder.report.mkdir()
    with pytest.raises(WriteFailed, match=r"report\.html could not be written"):
        write_report(folder)


def test_a_report_needs_neither_torch_nor_scipy_nor_matplotlib(make_run: Callable[..., RunFolder]) -> None:
    folder = make_run(epochs=1)
    program = (
        "import sys; from trainwright.reporting import write_report, audit_lines, setting_lines, RunConsole;"
        "from trainwright.runs import open_run; setting_lines(); RunConsole();"
        f"write_report(open_run({str(folder.path)!r}));"
        "print([name for name in ('torch', 'scipy', 'matplotlib', 'PIL') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_class_that_a_template_uses_has_a_rule() -> None:
    templates = Path(sys.modules[write_report.__module__].__file__ or "").parent / "templates"
    style = (templates / "report.css").read_text("utf-8")
    used = set()
    for path in templates.glob("*.html"):
        for value in re.findall(r'class="([^"{}]+)"', path.read_text("utf-8")):
            used |= set(value.split())
    assert {name for name in used if not re.search(rf"\.{name}\b", style)} == set()
