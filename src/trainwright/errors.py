"""What went wrong, said so that a person can mend it.

Every failure that trainwright foresees is one of these classes. Each carries up to five plain parts (what is wrong,
what was expected, what came, where, what to try) and prints them on lines of their own. Anything else that escapes
is a bug of ours.

Comes in:   plain strings
Goes out:   exceptions whose text is the whole message that the user reads
May import: the standard library only
Read next:  recipe/
Example:    raise InputError("no such data", got="phtos/", hint="did you mean 'photos/'?")
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from typing import ClassVar


class TrainwrightError(Exception):
    """Base of all foreseen failures; abstract, raise one of its kinds.

    Args:
        problem: one sentence that says what is wrong.
        expected: what would have been right.
        got: what came instead.
        where: file and line, recipe key, row, or step.
        hint: what to try next.
    """

    exit_code: ClassVar[int] = 1

    def __init__(
        self,
        problem: str,
        *,
        expected: str | None = None,
        got: str | None = None,
        where: str | None = None,
        hint: str | None = None,
    ) -> None:
        self.problem = problem
        self.expected = expected
        self.got = got
        self.where = where
        self.hint = hint
        parts = {"expected": expected, "got": got, "where": where, "try": hint}
        lines = [f"  {name}: {text}" for name, text in parts.items() if text is not None]
        super().__init__("\n".join([problem, *lines]))


class InputError(TrainwrightError):
    """What the user gave is wrong: data, recipe, path, argument. Exit code 2, no traceback."""

    exit_code = 2
    parts: tuple[InputError, ...] = ()

    @classmethod
    def several(cls, problem: str, errors: Iterable[InputError]) -> InputError:
        """Joins the errors of one file or command into a single one, so that all are seen at once.

        >>> print(InputError.several("2 mistakes", [InputError("first"), InputError("second", got="x")]))
        2 mistakes
        1. first
        2. second
             got: x
        """
        parts = tuple(errors)
        numbered = [str(error).replace("\n", "\n   ") for error in parts]
        joined = cls("\n".join([problem, *(f"{number}. {text}" for number, text in enumerate(numbered, 1))]))
        joined.parts = parts
        return joined


class TrainingError(TrainwrightError):
    """Training failed or a check did not pass; the run is kept. Exit code 3."""

    exit_code = 3


class Interrupted(TrainwrightError):
    """The user or the machine asked us to stop; the text says what was kept. Exit code 130."""

    exit_code = 130


def together(errors: Sequence[InputError]) -> InputError:
    """Joins errors of different places, such as the command line and the data; a single one stays as it is.

    What was joined before counts one by one.

    >>> twice = InputError.several("2 mistakes in the recipe", [InputError("first"), InputError("second")])
    >>> print(together([twice, InputError("third")]))
    3 mistakes
    1. first
    2. second
    3. third
    """
    if len(errors) == 1:
        return errors[0]
    each = [part for error in errors for part in (error.parts or (error,))]
    return InputError.several(f"{len(each)} mistakes", each)


def nearest(name: str, options: Iterable[str], likeness: float = 0.6) -> str | None:
    """Finds the option that a mistyped name most likely meant.

    Args:
        name: as it was typed.
        options: what it may have meant.
        likeness: least share of letters in common, 0 to 1.

    >>> nearest("otpim", ["optim", "model"])
    'optim'
    """
    matches = difflib.get_close_matches(name.lower(), list(options), n=1, cutoff=likeness)
    return matches[0] if matches else None


def did_you_mean(name: str, options: Iterable[str]) -> str:
    """Words a hint for a mistyped name: the nearest option, else all of them.

    >>> did_you_mean("sdg", ["sgd", "adamw"])
    "did you mean 'sgd'?"
    """
    names = sorted(options)
    match = nearest(name, names)
    return f"did you mean '{match}'?" if match else f"one of: {', '.join(names)}"


def some_of(names: Sequence[str], most: int = 3) -> str:
    """Words a list of names of which only the first are worth reading.

    >>> some_of(["a", "b", "c", "d", "e"])
    'a, b, c and 2 more'
    """
    most = shown_of(len(names), most)
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def shown_of(total: int, most: int) -> int:
    """Says how many of a list to show where `most` may be: all where no more than one would be left out.

    >>> shown_of(4, 3), shown_of(5, 3)
    (4, 3)
    """
    return total if total == most + 1 else most
