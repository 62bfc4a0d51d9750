"""Words on the command line that no command knows, told in the form of all our messages."""

from __future__ import annotations

import re
from collections.abc import Callable
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
        errors: list[InputError] = []
        words = list(args)
        while True:
            try:
                left = super().parse_args(ctx, list(words))  # the parser takes its list apart
                break
            except UsageError as error:
                if errors and hasattr(error, "param_type"):
                    raise together(errors) from None  # what is missing may be what stood after a wrong option
                errors.append(_worded(error, ctx, words))
                rest = _without(error, ctx, words)
                if rest is None:
                    raise together(errors) from None
                words = rest
        if errors:
            raise together([*errors, *_other_mistakes(ctx.params)])
        if left:
            places = [param.metavar for param in ctx.command.params if param.param_type_name == "argument"]
            raise InputError(
                f"{ctx.info_name} has no place for {left[0]!r}",
                expected=f"at most {' '.join(places)}" if places else "options alone",
                hint=_help(ctx),
            )
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
            raise InputError(f"there is no command {args[0]!r}", hint=did_you_mean(args[0], self.commands))
        return super().resolve_command(ctx, args)


def _without(error: Any, ctx: Any, words: list[str]) -> list[str] | None:
    """Leaves an option out that there is not, and its value, so that the other words can be judged."""
    option = getattr(error, "option_name", None)
    places = [place for place, word in enumerate(words) if word.partition("=")[0] == option]
    if option is None or not places or any(option in param.opts for param in ctx.command.params):
        return None
    end = places[0] + (1 if _value(option, words) is None or "=" in words[places[0]] else 2)
    return words[: places[0]] + words[end:]


def _other_mistakes(params: dict[str, Any]) -> list[InputError]:
    """Finds what is wrong with the recipe and the data that the other words name."""
    if "set_" not in params:
        return []
    from trainwright.workflows.requests import SHORT_NAMES, missing_data, recipe_from_words

    short = {name: params[name] for name in SHORT_NAMES if name in params}
    missing = missing_data(params.get("data"))
    try:
        recipe_from_words(None, params.get("recipe"), short, params["set_"] or [])
    except InputError as error:
        return [error] if missing is None else [error, missing]
    return [] if missing is None else [missing]


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
        match = _meant(option, [*options, "--help"], _value(option, words))
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
