"""The table of all techniques: its settings exist, none is left out, and the page that a row names speaks of them."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from trainwright.recipe import OWN_MODELS, OWN_OPTIMIZERS
from trainwright.recipe.catalog import catalog

DOCS = Path(__file__).parents[2] / "docs"
SECTIONS = ("preprocess", "augment", "init", "model", "loss", "optim", "schedule", "regularization", "training")
SILENT = {"none", "auto"}
"""Values that turn nothing on."""


class Row(NamedTuple):
    """A technique with its settings, each with a value or "", options of commands, and the page it is explained on."""

    name: str
    settings: tuple[tuple[str, str], ...]
    options: tuple[str, ...]
    page: Path


@cache
def rows() -> tuple[Row, ...]:
    found = []
    for line in (DOCS / "tricks.md").read_text("utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if len(cells) == 3 and cells[2].startswith("["):
            settings = re.findall(r"`([a-z]+\.[a-z0-9_]+)(?:: ([^`]+))?`", cells[1])
            (page,) = re.findall(r"\]\(([^)]+)\)", cells[2])
            found.append(Row(cells[0], tuple(settings), tuple(re.findall(r"--[a-z]+", cells[1])), DOCS / page))
    return tuple(found)


def named() -> set[tuple[str, str]]:
    return {setting for row in rows() for setting in row.settings}


def choices(key: str) -> set[str]:
    """Lists the words that a setting knows and that do something."""
    known = {"optim.name": {*OWN_OPTIMIZERS, "timm:lion"}, "model.name": set(OWN_MODELS)}
    return (known.get(key) or set(catalog()[key].choices)) - SILENT


def test_every_row_says_what_turns_it_on():
    assert rows()
    assert not [row.name for row in rows() if not row.settings and not row.options]


def test_every_setting_of_the_table_exists():
    for key, value in named():
        assert key in catalog(), key
        assert not value or value in choices(key), (key, value)


@pytest.mark.parametrize("section", SECTIONS)
def test_every_setting_of_the_recipe_stands_in_the_table(section):
    keys = {key for key in catalog() if key.startswith(f"{section}.")}
    missing = keys - {key for key, _ in named()}
    assert not missing, f"docs/tricks.md needs a row for {sorted(missing)}"


@pytest.mark.parametrize("section", SECTIONS)
def test_every_choice_of_a_setting_stands_in_the_table(section):
    """Where a row names one of its values, all of them are techniques of their own."""
    of_values = {key for key, value in named() if value and key.startswith(f"{section}.")}
    for key in of_values:
        missing = choices(key) - {value for other, value in named() if other == key}
        assert not missing, f"docs/tricks.md needs a row for {key}: {sorted(missing)}"


@pytest.mark.parametrize(
    "page",
    ["preprocessing", "augmentation", "initialization", "layers", "optimizers", "schedules", "regularization"],
)
def test_a_section_s_page_has_a_picture_sources_and_says_when(page):
    text = (DOCS / f"{page}.md").read_text("utf-8")
    assert re.search(r"!\[[^]]+\]\(pictures/", text)
    assert re.search(r"\| (when|what for)\b|\*\*When\*?\*?", text)
    assert re.search(r"\b(19|20)\d\d\b", text)


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.name)
def test_the_page_of_a_row_speaks_of_its_settings(row):
    text = row.page.read_text("utf-8")
    for key, value in row.settings:
        said = rf"`[^`\n]*{re.escape(value)}[^`\n]*`" if value else rf"{re.escape(key)}\b|`{key.partition('.')[2]}\b"
        assert re.search(said, text), f"{row.page.name} does not say what {key} {value} is"
    for option in row.options:
        assert option in text, f"{row.page.name} does not say what {option} is"
