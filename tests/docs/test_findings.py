"""Every finding that the code can tell has its entry, and every entry is of such a finding."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

import pytest

from trainwright.diagnosis.rules import RULES

ROOT = Path(__file__).parents[2]


def codes_of(source: Path) -> set[str]:
    """Reads the codes out of all calls that make a finding; a name stands for what the sources assign to it."""
    found = set()
    for node in ast.walk(ast.parse(source.read_text("utf-8"))):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            continue
        if node.func.id == "alarm":  # of tuning/checks.py, which hands its second argument on
            chosen = ast.walk(node.args[1])
            found |= {part.value for part in chosen if isinstance(part, ast.Constant) and isinstance(part.value, str)}
        elif node.func.id == "Finding" and source.name not in (
            "checks.py",
            "diagnose.py",
        ):  # which word what others say
            (code,) = (keyword.value for keyword in node.keywords if keyword.arg == "code")
            found.add(constants()[code.id] if isinstance(code, ast.Name) else ast.literal_eval(code))
    return found


@cache
def constants() -> dict[str, str]:
    """Gives the words that stand in the sources under a name in capitals."""
    text = "\n".join(path.read_text("utf-8") for path in ROOT.glob("src/**/*.py"))
    return dict(re.findall(r'^([A-Z_]+) = "([^"]*)"$', text, flags=re.MULTILINE))


@cache
def entries() -> dict[str, str]:
    """Gives the text of each entry of the page by its code."""
    parts = re.split(r"^### (.+)$", (ROOT / "docs/findings.md").read_text("utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_every_code_has_an_entry_and_every_entry_a_code():
    codes = set().union(*map(codes_of, ROOT.glob("src/**/*.py")))
    assert len(codes) > 10
    assert codes == set(entries())


@pytest.mark.parametrize("code", entries())
def test_an_entry_says_what_was_measured_and_what_to_do(code):
    assert re.findall(r"^- \*\*(\w+)\*\*: \S", entries()[code], flags=re.MULTILINE) == ["Says", "Measured", "Do"]


PAGES = sorted((ROOT / "docs/findings").glob("*.md"))


def test_every_rule_has_a_page_and_every_page_a_rule():
    assert {rule.code for rule in RULES} == {page.stem for page in PAGES}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_says_sign_evidence_false_alarms_fix_and_source(page):
    text = page.read_text("utf-8")
    assert text.startswith(f"# {page.stem}\n")
    parts = re.findall(r"^- \*\*([\w ]+)\*\*: \S", text, flags=re.MULTILINE)
    assert parts == ["Sign", "Evidence", "False alarms", "Fix", "Source"]


CASE = re.compile(r"^<!-- case -->\n(.*?)^<!-- /case -->\n", re.DOTALL | re.MULTILINE)
PICTURES = ROOT / "docs/pictures/findings"
UNMEASURED = {"precision-overflow", "resume-mismatch"}
"""Codes that no run was found to show."""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_shows_a_real_case_or_says_that_there_is_none(page):
    (case,) = CASE.findall(page.read_text("utf-8"))
    picture = PICTURES / f"{page.stem}.svg"
    assert picture.is_file() == (page.stem not in UNMEASURED)
    if page.stem in UNMEASURED:
        assert case == "No picture: no real case of it has been measured yet.\n"
        return
    shown, words = case.split("\n", 1)
    assert re.fullmatch(rf"!\[[^]]+\]\(\.\./pictures/findings/{page.stem}\.svg\)", shown)
    sentence = r"\*\*A real case\*\*: .+: .+ As a (note|warning|problem) it is told: .+\."
    assert re.fullmatch(sentence, " ".join(words.split()))


@pytest.mark.parametrize("picture", sorted(PICTURES.glob("*")), ids=lambda picture: picture.stem)
def test_a_picture_is_a_small_drawing_that_stands_alone(picture):
    root = ElementTree.fromstring(picture.read_text("utf-8"))
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert root.get("aria-label")
    assert sum(len(list(root.iter(f"{{http://www.w3.org/2000/svg}}{shape}"))) for shape in ("path", "rect")) > 2
    assert picture.stat().st_size <= 12_000
    assert "script" not in picture.read_text("utf-8")


@pytest.mark.slow
def test_pictures_and_their_words_are_what_the_records_say():
    script = ROOT / "benchmarks/faults/draw_cases.py"
    checked = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True)
    assert (checked.returncode, checked.stdout.strip()) == (0, ""), checked.stderr


def test_the_list_of_findings_leads_to_every_page():
    listed = (ROOT / "docs/findings.md").read_text("utf-8")
    assert [page.stem for page in PAGES if f"[`{page.stem}`](findings/{page.name})" not in listed] == []
