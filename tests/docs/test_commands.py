"""Every command that a page shows can be given: its words exist, and its settings make a recipe."""

from __future__ import annotations

import ast
import inspect
import re
import shlex
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer

import trainwright as tw
from trainwright.cli.main import app
from trainwright.recipe.catalog import catalog
from trainwright.workflows.requests import recipe_from_python, recipe_from_words, short_words

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted(ROOT.glob("docs/**/*.md"))]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)


def blocks(language: str) -> list[tuple[Path, str]]:
    found = [(page, block) for page in PAGES for block in BLOCK.findall(page.read_text("utf-8"))]
    return [(page, text) for page, (name, text) in found if name == language]


def shown_commands() -> list[str]:
    """Lists the command lines of all pages, but for summaries of usage, which have brackets or dots for words."""
    lines = []
    for _, text in blocks(""):
        for line in text.splitlines():
            found = re.search(r"(?:^|\| |\$ |uv run )(trainwright .*)", line)
            if found and not re.search(r"[\[…]|RUN |FILE$", found[1].partition(" #")[0]):
                lines.append(found[1].partition(" #")[0].strip())
    return sorted(set(lines))


def shown_calls() -> list[str]:
    """Lists the calls of functions of ours that take a recipe's settings, in the Python blocks of all pages."""
    calls = set()
    for _, text in blocks("python"):
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call) and ast.unparse(node.func).removeprefix("tw.") in taking_settings():
                calls.add(ast.unparse(node))
    return sorted(calls)


@cache
def taking_settings() -> dict[str, set[str]]:
    """Gives the functions that take short names of settings, each with the words of its own."""
    found = {}
    for name in tw.__all__:
        function = getattr(tw, name)
        if inspect.isfunction(function):
            words = inspect.signature(function).parameters
            if "short" in words:
                found[name] = set(words) - {"short", "data", "recipe", "settings"}
    return found


def test_there_are_commands_and_calls_to_look_at():
    assert len(shown_commands()) > 25
    assert {call.partition("(")[0] for call in shown_calls()} >= {"tw.train", "tw.ablate", "tw.lr_find", "tw.check"}


@pytest.mark.parametrize("line", shown_commands())
def test_a_command_is_made_of_words_that_exist(line):
    group: Any = typer.main.get_command(app)
    _, name, *words = shlex.split(line.partition(" > ")[0])
    command = group.commands[name]
    given = command.make_context(name, words).params
    if "set_" in given:
        short = short_words(given)
        recipe = recipe_from_words(given.get("data"), None, short, given["set_"] or [])
        keys = [word.partition("=")[0] for word in given["set_"] or []]
        assert all(recipe.origin(key).kind == "user" for key in keys)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_settings_in_running_text_exist(page):
    for key in re.findall(r"--set\s+([a-z_0-9]+\.[a-z_0-9]+)=", page.read_text("utf-8")):
        assert key in catalog() or key == "section.key", key


@pytest.mark.parametrize("call", shown_calls())
def test_a_call_is_made_of_arguments_that_exist(call):
    node = ast.parse(call, mode="eval").body
    assert isinstance(node, ast.Call)
    own = taking_settings()[ast.unparse(node.func).removeprefix("tw.")]
    named = {word.arg: ast.literal_eval(word.value) for word in node.keywords if word.arg not in own}
    settings = named.pop("settings", {})
    recipe_from_python(ast.literal_eval(node.args[0]), None, named, settings)
