"""Words on the command line that no command knows, told in the form of all our messages."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import typer
from typer.core import TyperCommand, TyperGroup

from trainwright.errors import InputError, Interrupted, did_you_mean, nearest, together

NUMBER = re.compile(r"-[\d.]+(e-?\d+)?")
"""A word that begins like an option and is a value."""

UsageError = cast(type[Exception], typer.BadParameter.__mro__[1])
"""What the parser raises for all of them; typer keeps it in other places from version to version."""


class Command(TyperCommand):
    """A command whose mistaken words are InputErrors."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        ctx.allow_extra_args = True
        words, errors = _assigned(list(args)) if _takes(ctx, "--set") else (list(args), [])
        while True:
            try:
                left = super().parse_args(ctx, list(words))  # the parser takes its list apart
                break
            except UsageError as error:
                if errors and hasattr(error, "param_type"):
                    raise together(errors) from None  # what is missing may be what stood after a wrong option
                errors.append(_worded(error, ctx, words))
                rest = _without(error, words)
                if rest is None:
                    raise together(errors) from None
                words = rest
        if left:
            places = [param.metavar for param in ctx.command.params if param.param_type_name == "argument"]
            expected = f"at most {' '.join(places)}" if places else "options alone"
            errors += [
                InputError(f"{ctx.info_name} has no place for {word!r}", expected=expected, hint=_help(ctx))
                for word in left
            ]
        if errors:
            raise together([*errors, *_other_mistakes(ctx.params)])
        return left

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise Interrupted(f"{ctx.info_name} was interrupted before it was done") from None


class Group(TyperGroup):
    """The commands together."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return _told(super().parse_args, ctx, args)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args[0] not in self.commands:
            raise InputError(f"there is no command {args[0]!r}", hint=_data_to_train_on(args) or _command(self, args))
        return super().resolve_command(ctx, args)


def _command(group: Group, args: list[str]) -> str:
    return did_you_mean(args[0], group.commands)


def _data_to_train_on(args: list[str]) -> str | None:
    """Words the command that was meant where data stand in its place."""
    from trainwright.recipe import BUILT_IN_DATA

    is_data = args[0] in BUILT_IN_DATA or Path(args[0]).expanduser().exists()
    return f"trainwright train {shlex.join(args)}" if is_data else None


def _takes(ctx: Any, option: str) -> bool:
    return any(option in param.opts for param in ctx.command.params)


def _assigned(words: list[str]) -> tuple[list[str], list[InputError]]:
    """Mends `--set KEY VALUE` and `--set KEY = VALUE`, so that the other words can be judged, and tells each.

    >>> words, errors = _assigned(["--set", "optim.lr", "=", "0.1", "--json"])
    >>> words, errors[0].hint
    (['--set', 'optim.lr=0.1', '--json'], '--set optim.lr=0.1')
    """
    mended: list[str] = []
    errors: list[InputError] = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        mended.append(word)
        if word != "--set" or not rest:
            continue
        taken = [rest.pop(0)]
        key = taken[0].removesuffix("=")
        if "=" not in key and "." in key:
            if "=" not in taken[0] and rest and rest[0].startswith("="):
                taken.append(rest.pop(0))
            given = taken[-1].startswith("=") and taken[-1] != "="
            if rest and not given and (not rest[0].startswith("-") or NUMBER.fullmatch(rest[0])):
                taken.append(rest.pop(0))
        if len(taken) == 1:
            mended += taken
            continue
        whole = f"{key}={taken[-1].removeprefix('=')}"
        mended.append(whole)
        errors.append(
            InputError(
                "--set takes the key and the value in one word",
                expected="section.key=value",
                got=" ".join(taken),
                hint=f"--set {shlex.quote(whole)}",
            )
        )
    return mended, errors


def _without(error: Any, words: list[str]) -> list[str] | None:
    """Leaves out an option that there is not or that has a wrong value, so that the other words can be judged.

    Returns: None where what is wrong is no option.
    """
    param = getattr(error, "param", None)
    option = getattr(error, "option_name", None) or (param.opts[0] if param is not None else None)
    places = [place for place, word in enumerate(words) if word.partition("=")[0] == option]
    if option is None or not option.startswith("-") or not places:
        return None
    end = places[0] + (1 if _value(option, words) is None or "=" in words[places[0]] else 2)
    return words[: places[0]] + words[end:]


def _other_mistakes(params: dict[str, Any]) -> list[InputError]:
    """Finds what is wrong with the recipe and the data that the other words name."""
    from trainwright.workflows.requests import missing_data, recipe_from_words, short_words

    if "set_" not in params:
        return _mistakes_of_a_run(params)
    missing = missing_data(params.get("data"))
    try:
        recipe_from_words(None, params.get("recipe"), short_words(params), params["set_"] or [])
    except InputError as error:
        return [error] if missing is None else [error, missing]
    return [] if missing is None else [missing]


def _mistakes_of_a_run(params: dict[str, Any]) -> list[InputError]:
    """Finds whether the run, the data and the device that a command names are not there."""
    from trainwright.runs import open_run
    from trainwright.workflows.requests import machine_from_words, missing_data

    checks: list[Callable[[], object]] = []
    if params.get("run") is not None:
        checks.append(lambda: open_run(params["run"]))
    checks.append(lambda: machine_from_words(params.get("device")))
    errors: list[InputError] = []
    for check in checks:
        try:
            check()
        except InputError as error:
            errors.append(error)
    missing = missing_data(params.get("data"))
    return errors if missing is None else [*errors, missing]


def _told(parse: Callable[[Any, list[str]], list[str]], ctx: Any, args: list[str]) -> list[str]:
    words = list(args)
    try:
        return parse(ctx, args)
    except UsageError as error:
        raise _worded(error, ctx, words) from None


def _worded(error: Any, ctx: Any, words: list[str]) -> InputError:
    """Words what the parser says: an unknown option, a missing argument, a value too few, too many or wrong."""
    options = {name: option for option in ctx.command.params for name in option.opts if name.startswith("-")}
    option = getattr(error, "option_name", None)
    if option in options:
        takes = "takes no value" if options[option].is_flag else "needs a value"
        form = None if options[option].is_flag else f"{option} {options[option].metavar or 'VALUE'}"
        return InputError(f"{option} {takes}", expected=form, hint=_help(ctx))
    if option is not None:
        value = _value(option, words)
        bare = [p for p in ctx.command.params if p.param_type_name == "argument" and p.name == option.lstrip("-")]
        if bare:
            metavar = bare[0].metavar.strip("[]")
            form = f"{ctx.command_path} {metavar if value is None else shlex.quote(value)}"
            return InputError(f"there is no option {option!r}", hint=f"{metavar} stands without an option: {form}")
        match = _meant(option, [*options, "--help"], value)
        hint = _help(ctx) if match is None else f"did you mean '{match}'? otherwise {_help(ctx)}"
        return InputError(f"there is no option {option!r}", hint=hint)
    param = getattr(error, "param", None)
    if param is None:
        return InputError(error.format_message(), hint=_help(ctx))
    if hasattr(error, "param_type"):
        return InputError(f"{ctx.info_name} needs {param.metavar}", expected=_said(param.help), hint=_help(ctx))
    name = param.opts[0]
    expected = "a whole number" if "integer" in error.message else error.message
    return InputError(f"{name} has no such value", expected=expected, got=_value(name, words), hint=_help(ctx))


def _meant(option: str, options: list[str], value: str | None) -> str | None:
    """Finds what a wrong option most likely meant: settings of that name, by their dotted keys, or another option."""
    if "--set" in options:
        from trainwright.recipe import catalog

        name = option.lstrip("-").replace("-", "_")
        keys = [key for key in catalog() if key.partition(".")[2] == name]
        if keys:
            return "' or '".join(f"--set {key}={value or '…'}" for key in keys[:3])
    named = {known.lstrip("-"): known for known in options}
    match = nearest(option.lstrip("-"), named)
    return None if match is None else named[match]


def _said(help_text: str) -> str:
    return help_text[:1].lower() + help_text[1:].rstrip(".")


def _value(option: str, words: list[str]) -> str | None:
    """Finds the word that was given for an option."""
    for word, after in zip(words, [*words[1:], None], strict=True):
        if word == option:
            return None if after is None or (after.startswith("-") and not NUMBER.fullmatch(after)) else after
        if word.startswith(f"{option}="):
            return word.partition("=")[2]
    return None


def _help(ctx: Any) -> str:
    return f"{ctx.command_path} --help"
