from __future__ import annotations

import shlex
from pathlib import Path
from typing import get_args

import pytest

from trainwright.reporting.outcome import Outcome
from trainwright.reporting.steps import next_steps


@pytest.mark.parametrize("outcome", get_args(Outcome))
def test_every_command_names_the_run_so_that_a_shell_understands_it(outcome: Outcome) -> None:
    folder = Path("runs/it's; rm -rf $HOME")
    steps = next_steps(folder, outcome)
    assert steps
    for step in steps:
        said = shlex.split(step.command)
        assert said[0] == "trainwright"
        assert str(folder) in said or str(folder / "recipe.yaml") in said
