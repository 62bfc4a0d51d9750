from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from reporting.watched import write_loop
from trainwright.reporting import write_report
from trainwright.runs import RunFolder

EVIL = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(2)>',
    "' onmouseover='alert(3)",
    "a long class name that goes on and on without an end in sight/with/folders",
    "averylongclassnamewithoutanyplacetobreakitwhatsoeverbecausesomebodylikesunderscores",
    "caf\udce9",
    "猫",
)

FAINT = """
() => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const rgb = (color) => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = (c) => {
    const [r, g, b] = c.slice(0, 3).map(v => v / 255).map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
    return .2126 * r + .7152 * g + .0722 * b;
  };
  const ground = (node) => {
    for (; node; node = node.parentElement) {
      const color = rgb(getComputedStyle(node).backgroundColor);
      if (color[3] === 255) return color;
    }
    return rgb('white');
  };
  const faint = [];
  for (const node of document.querySelectorAll('body *')) {
    const own = [...node.childNodes].some(child => child.nodeType === 3 && child.textContent.trim());
    if (!own || node.closest('title')) continue;
    const style = getComputedStyle(node);
    const ink = light(rgb(node instanceof SVGElement ? style.fill : style.color)), paper = light(ground(node));
    const contrast = (Math.max(ink, paper) + .05) / (Math.min(ink, paper) + .05);
    const text = node.textContent.trim();
    if (contrast < 4.5 && text !== '·') faint.push(`${text.slice(0, 30)} ${contrast.toFixed(2)}`);
  }
  return faint;
}
"""


class Visit:
    """A page that notes all it says and asks for."""

    def __init__(self, browser: Any, folder: RunFolder, *, theme: str = "light", width: int = 1200) -> None:
        self.page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=theme)
        self.said: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("dialog", lambda dialog: (self.said.append(f"dialog {dialog.message}"), dialog.dismiss()))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.address = folder.report.as_uri()
        self.page.goto(self.address)

    def ground(self) -> str:
        """Reads the color behind the page."""
        return str(self.page.evaluate("getComputedStyle(document.body).backgroundColor"))


@pytest.fixture
def visit(browser: Any, make_run: Callable[..., RunFolder]) -> Iterator[Callable[..., Visit]]:
    """Gives a function that writes a report with evil names and opens it; closes all pages in the end."""
    folder = make_run(labels=EVIL, epochs=4, wrong=2)
    write_report(folder)
    visits: list[Visit] = []

    def open_page(**settings: Any) -> Visit:
        visits.append(Visit(browser, folder, **settings))
        return visits[-1]

    yield open_page
    for opened in visits:
        opened.page.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1200])
def test_it_says_nothing_asks_for_nothing_and_fits(visit: Callable[..., Visit], theme: str, width: int) -> None:
    opened = visit(theme=theme, width=width)
    for summary in opened.page.query_selector_all("summary"):
        summary.click()
    assert opened.page.evaluate("document.documentElement.scrollWidth") == width
    assert opened.said == []
    assert [url for url in opened.asked if not url.startswith("data:")] == [opened.address]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_word_can_be_read(visit: Callable[..., Visit], theme: str) -> None:
    opened = visit(theme=theme)
    for summary in opened.page.query_selector_all("summary"):
        summary.click()
    assert opened.page.evaluate(FAINT) == []
    opened.page.evaluate(
        "document.querySelector('h1').style.color = 'color-mix(in srgb, var(--paper), var(--ink) 35%)'"
    )
    (faint,) = opened.page.evaluate(FAINT)
    assert faint.startswith("9")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1200])
def test_what_went_on_inside_a_net_fits_and_can_be_read(browser: Any, tmp_path: Path, theme: str, width: int) -> None:
    folder = write_loop(tmp_path / "mine")
    write_report(folder)
    opened = Visit(browser, folder, theme=theme, width=width)
    assert opened.page.evaluate("document.documentElement.scrollWidth") == width
    assert opened.page.evaluate(FAINT) == []
    fills = opened.page.evaluate(
        "[...document.querySelectorAll('.heat.span path')].map(path => getComputedStyle(path).fill)"
    )
    assert len(set(fills)) == 9, "every level has a color of its own"
    assert opened.said == []
    opened.page.close()


def test_evil_names_are_text_and_run_nothing(visit: Callable[..., Visit]) -> None:
    opened = visit()
    opened.page.mouse.move(400, 400)
    text = opened.page.inner_text("body")
    for shown in (
        "<script>alert(1)</script>",
        '"><img src=x onerror=alert(2)>',
        "' onmouseover='alert(3)",
        "caf\\xe9",
        "猫",
    ):
        assert shown in text
    assert opened.page.query_selector_all("script") == []
    assert opened.said == []


def test_scripts_would_be_refused_even_if_one_got_in(visit: Callable[..., Visit]) -> None:
    opened = visit()
    opened.page.evaluate(
        "document.body.insertAdjacentHTML('beforeend', '<img src=\"data:,\" onerror=\"window.ran = 1\">')"
    )
    opened.page.wait_for_timeout(100)
    assert opened.page.evaluate("window.ran") is None
    assert any("Content Security Policy" in text for text in opened.said)


def test_the_system_decides_the_colors_until_somebody_chooses(visit: Callable[..., Visit]) -> None:
    light, dark = visit(theme="light"), visit(theme="dark")
    assert (light.ground(), dark.ground()) == ("rgb(253, 253, 251)", "rgb(22, 24, 28)")
    light.page.click("label[for=theme-dark]")
    assert light.ground() == dark.ground()
    dark.page.click("label[for=theme-light]")
    assert dark.ground() == "rgb(253, 253, 251)"


def test_pictures_and_charts_are_drawn(visit: Callable[..., Visit]) -> None:
    page = visit().page
    assert page.evaluate("[...document.images].every(image => image.complete && image.naturalWidth > 0)")
    assert page.evaluate("document.images.length") > 5
    sizes = page.evaluate("[...document.querySelectorAll('svg.chart')].map(svg => svg.getBoundingClientRect().height)")
    assert len(sizes) == 5
    assert min(sizes) > 150
    assert page.evaluate("getComputedStyle(document.querySelector('.line.valid')).stroke") == "rgb(26, 95, 180)"


def test_it_prints_without_its_buttons(visit: Callable[..., Visit]) -> None:
    opened = visit(theme="dark")
    opened.page.emulate_media(media="print")
    assert not opened.page.is_visible(".theme")
    assert opened.page.pdf(format="A4")[:5] == b"%PDF-"
