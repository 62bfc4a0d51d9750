"""How this process was started: alone, or as one rank of several by torchrun. Reads variables; loads nothing heavy."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from ..errors import InputError

NEEDED = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
"""What torchrun tells every rank; `LOCAL_RANK` and `LOCAL_WORLD_SIZE` are 0 and 1 where nobody says them."""


@dataclass(frozen=True)
class Launch:
    """One rank among all.

    Attributes:
        rank: from 0.
        world: ranks in all; 1 for a process of its own.
        local_rank: from 0, on this machine.
        local_world: ranks on this machine.
    """

    rank: int = 0
    world: int = 1
    local_rank: int = 0
    local_world: int = 1

    @property
    def leads(self) -> bool:
        """Whether this is the rank that writes and speaks for all."""
        return self.rank == 0

    def command(self, *words: str) -> str:
        """Words a command line of trainwright so that it is started as this one was.

        >>> print(Launch().command("train", "--resume", "runs/my run"))
        trainwright train --resume 'runs/my run'
        >>> print(Launch(world=2, local_world=2).command("train", "digits"))
        torchrun --nproc-per-node 2 -m trainwright train digits
        """
        if self.world == 1:
            return shlex.join(["trainwright", *words])
        several = f"--nnodes {self.world // self.local_world} … " if self.world > self.local_world else ""
        return f"torchrun {several}--nproc-per-node {self.local_world} -m {shlex.join(['trainwright', *words])}"


def launched(variables: Mapping[str, str] | None = None) -> Launch:
    """Finds out how this process was started.

    Args:
        variables: of the environment; this process's own where left out.

    Raises:
        InputError: some of what torchrun sets is missing, or no number in range.

    >>> launched({})
    Launch(rank=0, world=1, local_rank=0, local_world=1)
    """
    told = os.environ if variables is None else variables
    if "RANK" not in told and "WORLD_SIZE" not in told:
        return Launch()
    if told.get("WORLD_SIZE") == "1" and told.get("RANK", "0") == "0":
        return Launch()
    missing = [name for name in NEEDED if not told.get(name)]
    if missing:
        raise InputError(
            "only some of the variables are set that make this process one rank of several",
            expected=", ".join(NEEDED),
            got=f"no {', '.join(missing)}",
            where="the environment",
            hint="start with torchrun, which sets them all, or unset RANK and WORLD_SIZE",
        )
    world = _number(told, "WORLD_SIZE", least=1)
    local_world = _number(told, "LOCAL_WORLD_SIZE", "1", least=1, below=world + 1)
    return Launch(
        rank=_number(told, "RANK", below=world),
        world=world,
        local_rank=_number(told, "LOCAL_RANK", "0", below=local_world),
        local_world=local_world,
    )


def refuse_ranks(command: str) -> None:
    """Refuses to run a command in several processes at once.

    Raises:
        InputError: this process is one rank of several.
    """
    launch = launched()
    if launch.world > 1:
        raise InputError(
            f"{command} works in one process; only train works in several",
            got=f"{launch.world} ranks",
            hint=f"trainwright {command} …, without torchrun",
        )


def _number(told: Mapping[str, str], name: str, default: str = "", *, least: int = 0, below: int | None = None) -> int:
    """Reads a whole number out of the environment."""
    text = told.get(name, default)
    number = int(text) if text.isascii() and text.isdecimal() else -1
    if number < least or (below is not None and number >= below):
        raise InputError(
            f"{name} is no number that can be right",
            expected=f"{least} or more" if below is None else f"{least} to {below - 1}",
            got=repr(text),
            where="the environment",
            hint="start with torchrun, which sets it",
        )
    return number
