"""The command table, and how a command ends."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from contextlib import AbstractContextManager, nullcontext
from typing import NoReturn

import typer

from trainwright.errors import TrainwrightError
from trainwright.runs import launched, refuse_ranks

from . import (
    ablate,
    activations,
    check,
    data,
    diagnose,
    doctor,
    evaluate,
    lr_find,
    predict,
    recipe,
    report,
    search,
    train,
)
from .usage import Command, Group

INTERRUPTED = 130

app = typer.Typer(
    name="trainwright",
    cls=Group,
    help="Trains convolutional image classifiers by the whole craft, shows its evidence, and tells the truth.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (
    train,
    check,
    lr_find,
    search,
    ablate,
    diagnose,
    evaluate,
    predict,
    report,
    data,
    activations,
    recipe,
    doctor,
):
    name = command.__name__.rpartition(".")[2]
    app.command(name.replace("_", "-"), cls=Command)(getattr(command, name))


@app.callback(invoke_without_command=True)
def root(
    context: typer.Context,
    version: bool = typer.Option(False, "--version", help="Print the version and exit.", is_eager=True),
) -> None:
    """Trains convolutional image classifiers by the whole craft, shows its evidence, and tells the truth."""
    if context.invoked_subcommand not in (None, "train"):
        refuse_ranks(context.invoked_subcommand)
    if version:
        from trainwright import __version__

        print(__version__)
        raise typer.Exit


def _beside_other_ranks() -> AbstractContextManager[object]:
    """Has all ranks that torchrun has started end alike; a process of its own loads nothing for it."""
    if launched().world == 1:
        return nullcontext()
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")  # torch's word on every connection that ends
    from trainwright.training import opened_ranks

    return opened_ranks()


def main() -> NoReturn:
    """Runs the command line and ends the process.

    Exit codes: 0 done, 1 a bug of ours, 2 the user's input is wrong, 3 training failed or a check did not pass,
    130 interrupted.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with _beside_other_ranks():
            app(prog_name="trainwright")
    except TrainwrightError as error:
        print(f"trainwright: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(INTERRUPTED)
    except Exception:
        traceback.print_exc()
        print("trainwright: this is a bug of ours; please report it with the lines above", file=sys.stderr)
        sys.exit(1)
    sys.exit(0)
