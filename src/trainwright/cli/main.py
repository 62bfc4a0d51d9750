"""The command table, and how a command ends."""

from __future__ import annotations

import signal
import sys
import traceback
from typing import NoReturn

import typer

from trainwright.errors import TrainwrightError

from . import activations, check, data, doctor, evaluate, lr_find, predict, recipe, report, search, train
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
for command in (train, check, lr_find, search, evaluate, predict, report, data, activations, recipe, doctor):
    name = command.__name__.rpartition(".")[2]
    app.command(name.replace("_", "-"), cls=Command)(getattr(command, name))


@app.callback(invoke_without_command=True)
def root(version: bool = typer.Option(False, "--version", help="Print the version and exit.", is_eager=True)) -> None:
    """Trains convolutional image classifiers by the whole craft, shows its evidence, and tells the truth."""
    if version:
        from trainwright import __version__

        print(__version__)
        raise typer.Exit


def main() -> NoReturn:
    """Runs the command line and ends the process.

    Exit codes: 0 done, 1 a bug of ours, 2 the user's input is wrong, 3 training failed or a check did not pass,
    130 interrupted.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
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
