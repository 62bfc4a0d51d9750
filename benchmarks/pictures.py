"""Draws the two pictures of the README from a real run of the default command: the terminal and the report.

uv run python benchmarks/pictures.py
"""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright
from rich.console import Console
from rich.text import Text

BAR = set("━╸╺")
"""What the moving line is drawn with; it goes away again on a terminal, and so it does here."""

PICTURES = Path(__file__).parents[1] / "docs" / "pictures"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        shown = run_on_a_terminal(["train", "--epochs=12", "--name=digits"], Path(folder))
        draw_terminal(shown)
        draw_report(Path(folder) / "runs" / "digits" / "report.html")


def run_on_a_terminal(words: list[str], folder: Path) -> str:
    """Runs a command on a pseudo-terminal of 88 columns and returns what stays on it."""
    parent, child = pty.openpty()
    environment = {**os.environ, "COLUMNS": "88", "LINES": "60", "TERM": "xterm-256color"}
    command = [sys.executable, "-m", "trainwright", *words]
    process = subprocess.Popen(command, cwd=folder, stdin=child, stdout=child, stderr=child, env=environment)
    os.close(child)
    blocks = []
    while True:
        try:
            block = os.read(parent, 65_536)
        except OSError:
            break
        if not block:
            break
        blocks.append(block)
    process.wait()
    text = b"".join(blocks).decode().replace("\r\n", "\n")
    lines = [line.rpartition("\x1b[2K")[2].rpartition("\r")[2] for line in text.split("\n")]
    return "\n".join(line for line in lines if not BAR & set(line))


def draw_terminal(shown: str) -> None:
    console = Console(record=True, width=88, file=open(os.devnull, "w"))  # noqa: SIM115
    console.print("[bold]$ uv run trainwright train --epochs 12")
    console.print(Text.from_ansi(shown))
    console.save_svg(str(PICTURES / "terminal.svg"), title="trainwright train")


def draw_report(page: Path) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        tab = browser.new_page(viewport={"width": 1000, "height": 1250})
        tab.goto(page.as_uri())
        tab.screenshot(path=str(PICTURES / "report.png"))
        browser.close()


if __name__ == "__main__":
    main()
