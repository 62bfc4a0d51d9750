"""From values that somebody gave to one valid recipe, or to one error with every mistake in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import ValidationError

from ..errors import InputError, nearest
from .catalog import Setting, catalog, section_class
from .dosing import is_dose
from .idle import idle_settings
from .recipe import Given, Origin, Recipe
from .rules import as_error, contradictions, joined
from .scalars import format_value, likely_numbers
from .section import Section

Layer = Mapping[str, Given]

_OTHER_NAMES = {
    "batchsize": "optim.batch_size",
    "bs": "optim.batch_size",
    "image_size": "data.img_size",
    "learning_rate": "optim.lr",
    "max_epochs": "training.epochs",
    "num_workers": "machine.workers",
    "opt": "optim.name",
    "optimizer": "optim.name",
    "sched": "schedule.name",
    "scheduler": "schedule.name",
    "wd": "optim.weight_decay",
}
"""What other programs call our settings."""

_CLASSES = ("classes", "class", "num_classes", "n_classes", "class_names")
_CLASSES_FOLLOW = (
    "classes follow from the data: the names of folders, or the cells of the column that data.label_column names; to "
    "train on some of them, leave the other pictures out"
)
"""What other programs ask for and the data tell themselves; why there is no such setting."""


def compose(*layers: Layer, firm: bool = True) -> Recipe:
    """Makes one recipe of layers of given values: what a later layer gives wins over an earlier one.

    Every layer must be right on its own, also where a later one overrules it. A value of an earlier layer that equals
    the default gives way where a later layer takes away its effect, so that a written recipe can be used with another
    optimizer; any other value without effect is a mistake.

    Args:
        layers: dotted key → what was given for it; usually the recipe file, then the words of the command line.
        firm: False lets any value of an earlier layer give way where a later one takes away its effect.

    Raises:
        InputError: every mistake of every layer, each with its place, what was expected, and the nearest valid name.
    """
    errors = [error for layer in layers for error in mistakes(layer)] + _given_twice(layers)
    wrong = {key for layer in layers for key, entry in layer.items() if _mistake(key, entry) is not None}
    given: dict[str, Given] = {}
    depth: dict[str, int] = {}
    for number, layer in enumerate(layers):
        for key, entry in layer.items():
            if key not in wrong:
                given[key], depth[key] = entry, number
    for key in _given_way(_sections(given), given, depth, firm):
        del given[key]
    sections = _sections(given)
    places = {key: _where(entry.origin) for key, entry in given.items()}
    errors += [as_error(rule, places.get) for rule in contradictions(sections) if wrong.isdisjoint(rule.keys)]
    if errors:
        raise joined(errors)
    return Recipe.model_validate(sections).with_origins({key: entry.origin for key, entry in given.items()})


def mistakes(layer: Layer) -> list[InputError]:
    """Finds every mistake that a layer has on its own: unknown names, wrong types, values out of range.

    Of an unknown section only the first key is reported.
    """
    found: dict[str, InputError] = {}
    for key, entry in layer.items():
        error = _mistake(key, entry)
        if error is not None:
            section = key.partition(".")[0]
            found.setdefault(key if section in Recipe.model_fields else section, error)
    return list(found.values())


def _mistake(key: str, entry: Given) -> InputError | None:
    """Judges one given value by itself."""
    setting = catalog().get(key)
    if setting is None:
        return _unknown(key, entry)
    section, _, name = key.partition(".")
    try:
        section_class(section).model_validate({name: entry.value})
    except ValidationError as error:
        return _misfit(setting, entry, {str(detail["type"]) for detail in error.errors(include_url=False)})
    return None


def _allows(key: str, value: Any) -> bool:
    return _mistake(key, Given(value, Origin("user"))) is None


def _unknown(key: str, entry: Given) -> InputError:
    section, dot, name = key.partition(".")
    where = _where(entry.origin)
    if not dot and section in Recipe.model_fields:
        first = next(other for other in catalog() if other.startswith(f"{section}."))
        return InputError(
            f"{section} is a section, not a setting",
            expected=f"settings under it, such as {first}",
            got=format_value(entry.value),
            where=where,
        )
    if dot and section not in Recipe.model_fields:
        match = nearest(section, Recipe.model_fields) or _elsewhere(name)
        what = f"there is no section {section!r}"
        options = Recipe.model_fields
    else:
        match = _in_section(section, name) if dot else _elsewhere(key)
        what = f"there is no setting {key!r}"
        options = [other for other in catalog() if other.startswith(f"{section}.")] or Recipe.model_fields
    hint = f"did you mean {match!r}?" if match else f"one of: {', '.join(options)}"
    return InputError(what, where=where, hint=_CLASSES_FOLLOW if _asks_for_classes(section, name) else hint)


def _asks_for_classes(section: str, name: str) -> bool:
    """Tells whether a setting that there is not was to name or count the classes.

    >>> _asks_for_classes("data", "clases"), _asks_for_classes("num_classes", ""), _asks_for_classes("loss", "classes")
    (True, True, False)
    """
    if name and section not in ("data", "model"):
        return False
    own = [key.partition(".")[2] for key in catalog() if name and key.startswith(f"{section}.")]
    return nearest(name or section, [*own, *_CLASSES]) in _CLASSES


def _in_section(section: str, name: str) -> str | None:
    """Finds the setting that a wrong name under a right section most likely meant: there first, then elsewhere."""
    own = [key.partition(".")[2] for key in catalog() if key.startswith(f"{section}.")]
    stands_elsewhere = any(key.endswith(f".{name}") for key in catalog())
    match = None if stands_elsewhere else nearest(name, own)
    return f"{section}.{match}" if match else _elsewhere(name)


def _elsewhere(name: str) -> str | None:
    """Finds the dotted key that a name without its section most likely meant.

    >>> _elsewhere("lr"), _elsewhere("epoch")
    ('optim.lr', 'training.epochs')
    """
    bare = name.rpartition(".")[2].replace("-", "_").lower()
    if bare in _OTHER_NAMES:
        return _OTHER_NAMES[bare]
    by_name: dict[str, str] = {}
    for key in catalog():
        by_name.setdefault(key.partition(".")[2], key)
    match = nearest(bare, by_name)
    return by_name[match] if match else nearest(name, catalog())


def _misfit(setting: Setting, entry: Given, kinds: set[str]) -> InputError:
    """Words a value that a setting cannot have; `kinds` are pydantic's names for what it found."""
    value = entry.value
    if setting.choices or setting.examples:
        problem = f"{setting.key} has no such choice"
    elif setting.dosed and isinstance(value, str) and "@" in value and not is_dose(value):
        problem = f"{setting.key} is not a number @ a probability from 0 to 1, such as 15 @ 0.5"
    elif "value_error" in kinds and (not isinstance(value, str) or (setting.dosed and "@" in value)):
        problem = f"{setting.key} is out of range"
    else:
        problem = f"{setting.key} is not {_article(setting)}"
    return InputError(
        problem, expected=setting.expected, got=_shown(value), where=_where(entry.origin), hint=_mend(setting, value)
    )


def _article(setting: Setting) -> str:
    return {"switch": "true or false", "text": "a text"}.get(setting.kind, f"a {setting.kind}")


def _shown(value: Any) -> str:
    text = "nothing" if value is None else format_value(value)
    return text if len(text) <= 120 else f"{text[:117]}..."


def _mend(setting: Setting, value: Any) -> str | None:
    """Finds what the user most likely wanted to write."""
    options = [*(setting.choices or setting.examples), *setting.words]
    if isinstance(value, str):
        if (setting.key, value.lower()) == ("optim.batch_size", "all"):
            return "for full-batch gradient descent: --set optim.accumulate=all"
        if setting.kind == "switch" and value.lower() in ("yes", "on", "y", "1", "true"):
            return "write true"
        if setting.kind == "switch" and value.lower() in ("no", "off", "n", "0", "false"):
            return "write false"
        numbers = likely_numbers(value) if setting.kind in ("number", "whole number") else []
        allowed = dict.fromkeys(format_value(number) for number in numbers if _allows(setting.key, number))
        if allowed:
            return f"write {', or '.join(allowed)}"
        name = value.lower().replace("_", "-").replace(" ", "-")
        match = setting.also_called.get(name) or nearest(name, options)
        return f"did you mean {match!r}?" if match else None
    if setting.kind == "whole number" and isinstance(value, float) and value.is_integer():
        return f"write {int(value)}"
    if setting.kind == "switch" and value in (0, 1):
        return f"write {'true' if value else 'false'}"
    if setting.kind == "text" and isinstance(value, bool | int | float):
        return "put it in quotes"
    return None


def _given_twice(layers: Iterable[Layer]) -> list[InputError]:
    """Finds keys that the command line gives two different values."""
    first: dict[str, Given] = {}
    errors: list[InputError] = []
    for layer in layers:
        for key, entry in layer.items():
            if entry.origin.kind != "user":
                continue
            earlier = first.setdefault(key, entry)
            if earlier.value != entry.value:
                errors.append(
                    InputError(
                        f"{key} is given twice",
                        expected="one value",
                        got=f"{_shown(earlier.value)} and {_shown(entry.value)}",
                        where=f"{_where(earlier.origin)} and {_where(entry.origin)}",
                    )
                )
    return errors


def _given_way(sections: Mapping[str, Section], given: Layer, depth: Mapping[str, int], firm: bool) -> list[str]:
    """Finds given values that lost their effect to a later layer; firm ones only where they equal the default."""
    return [
        key
        for key, idle in idle_settings(sections).items()
        if key in given
        and not (firm and given[key].value != catalog()[key].default)
        and depth.get(idle.sibling, -1) > depth[key]
    ]


def _sections(given: Layer) -> dict[str, Section]:
    values: dict[str, dict[str, Any]] = {name: {} for name in Recipe.model_fields}
    for key, entry in given.items():
        section, _, name = key.partition(".")
        values[section][name] = entry.value
    return {name: section_class(name).model_validate(entries) for name, entries in values.items()}


def _where(origin: Origin) -> str:
    return origin.detail or origin.kind
