"""Pages of findings as the terminal and the report say them."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from trainwright.diagnosis.rules import RULES
from trainwright.errors import InputError
from trainwright.reporting import explained, page_lines
from trainwright.reporting import pages as module
from trainwright.reporting.pages import as_html, page_of, pages

ROOT = Path(__file__).parents[2]


def test_every_rule_has_a_page_with_help():
    assert {rule.code for rule in RULES} <= set(pages())
    for rule in RULES:
        page = explained(rule.code)
        assert page.title.endswith(".")
        assert list(page.help) == ["False alarms", "Fix"]
        assert not page.case.startswith(("*", "!", "No picture"))
        assert "](" not in "".join([page.case, *page.parts.values()]), "no link leads anywhere from here"


def test_a_code_of_data_is_explained_by_its_entry_alone():
    page = explained("labels-joined")
    assert (page.title, page.case) == ("", "")
    assert list(page.parts) == ["Says", "Measured", "Do"]
    assert list(page.help) == ["Do"]


def test_the_last_entry_of_a_section_ends_where_the_next_section_begins():
    assert "Optimization" not in page_of("preprocessing-differs").parts["Sign"]
    assert all("##" not in text for page in pages().values() for text in page.parts.values())


def test_an_unknown_code_gets_the_nearest():
    with pytest.raises(InputError, match="did you mean 'dead-units'"):
        explained("dead-unit")


def test_a_package_without_pages_says_nothing_more(monkeypatch, tmp_path):
    monkeypatch.setattr(module, "PLACES", (tmp_path,))
    pages.cache_clear()
    try:
        assert page_of("dead-units") is None
    finally:
        pages.cache_clear()


def test_words_are_escaped_and_code_is_marked():
    assert as_html("<b> of `x & y`") == "&lt;b&gt; of <code>x &amp; y</code>"


def test_a_page_without_a_case_has_no_row_for_it():
    page = explained("resume-mismatch")
    assert page.case == ""
    assert "A real case" not in "\n".join(line.plain() for line in page_lines(page))


def test_lines_say_the_whole_page():
    text = " ".join("\n".join(line.plain() for line in page_lines(explained("dead-units"))).split())
    page = explained("dead-units")
    assert text.startswith(f"dead-units: {page.title}")
    for name, words in page.parts.items():
        assert f"{name} {words}" in text
    assert f"A real case {page.case}" in text


def test_the_package_carries_the_pages_where_they_are_looked_for():
    build = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["hatch"]["build"]["targets"]["wheel"]
    carried = {ROOT / source: ROOT / "src" / target for source, target in build["force-include"].items()}
    assert all(source.exists() for source in carried)
    found = {target.relative_to(ROOT / "src" / "trainwright" / "reporting") for target in carried.values()}
    assert found == {Path("docs", "findings"), Path("docs", "findings.md")}
    assert module.PLACES[0].parts[-2:] == ("reporting", "docs")
