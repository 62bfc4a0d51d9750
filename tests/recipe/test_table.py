from __future__ import annotations

from pathlib import Path

from trainwright.recipe import catalog, settings_table

PAGE = Path(__file__).parents[2] / "docs" / "recipe.md"


def test_every_setting_has_one_line():
    lines = settings_table().splitlines()
    assert [line.split("`")[1] for line in lines if line.startswith("| `")] == list(catalog())
    assert all(line.count(" | ") == 5 for line in lines if line.startswith("| "))


def test_a_line_in_full():
    assert (
        "| `optim.momentum` | `0.9` |  | [0, 1) | Share of the last velocity that is kept. "
        "Only where optim.name is sgd or momentum or nesterov. | Sutskever et al. 2013 |"
    ) in settings_table()
    assert "| `optim.lr` | `auto` | learning rate | (0, 100], or auto, or find |" in settings_table()
    assert "| `optim.accumulate` | `1` | batches | [1, 4096], or all |" in settings_table()
    assert "| `machine.compile` | `false` |  | true, false |" in settings_table()
    assert "Only where schedule.warmup is above 0." in settings_table()


def test_the_page_has_the_table_of_today():
    written = PAGE.read_text(encoding="utf-8").partition("settings_table -->\n\n")[2].strip()
    assert written == settings_table(), "paste anew what settings_table() returns into docs/recipe.md"
