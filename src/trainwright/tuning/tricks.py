"""A trick as a pair of recipes: with it and without it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from trainwright.errors import InputError, did_you_mean, some_of, together
from trainwright.recipe import Recipe, Setting, catalog, parse_plain

NEUTRAL = {
    "init.head": "scheme",
    "model.dilation": 1,
    "optim.accumulate": 1,
    "optim.layer_decay": 1.0,
    "schedule.cycle_decay": 1.0,
    "schedule.name": "constant",
}
"""Recipe key → the value under which nothing is done, where it is neither false nor 0 nor the word `none`."""

NO_TRICKS = {
    "data.source": "it decides which pictures there are",
    "data.task": "it decides what is learned",
    "data.valid_share": "it decides by which pictures tricks are judged",
    "data.test_share": "it decides by which pictures tricks are judged",
    "data.near_duplicates": "it decides by which pictures tricks are judged",
    "training.seed": "pairs are made with several seeds anyway",
    "training.retrain": "its second stage is not judged by any picture",
    "training.retrain_rate": "its second stage is not judged by any picture",
    "training.checkpoint_every_s": "trials keep no checkpoints",
    "training.sync_batch_norm": "it changes nothing in one process, and trials are made in one",
    "training.patience": "pairs are trained for the same number of epochs",
}
"""Recipe key → why it cannot be judged by pairs."""

NO_SECTIONS = {
    "machine": "it changes what a step costs, not what is learned",
    "logging": "it changes what is written, not what is learned",
}

NICKNAMES = {"augmentation": "augment.policy", "clipping": "optim.clip_norm", "schedule": "schedule.name"}
"""What the field calls a trick whose key has another name."""

COLUMNS = "_column"


@dataclass(frozen=True)
class Trick:
    """Two ways to set a recipe that differ in one trick.

    Attributes:
        name: as it was asked for.
        key: of the recipe.
        on, off: its values.
        with_it, without_it: recipe key → value, to be set in the recipe that was asked for; empty for that recipe.
    """

    name: str
    key: str
    on: Any
    off: Any
    with_it: Mapping[str, Any] = field(default_factory=dict[str, Any])
    without_it: Mapping[str, Any] = field(default_factory=dict[str, Any])


def read_tricks(words: Sequence[str], recipe: Recipe) -> list[Trick]:
    """Reads what was asked for as pairs of settings.

    A name alone is a trick that the recipe uses, and the pair is the recipe and the recipe without it. NAME=VALUE is
    the recipe with that value and without the trick; of a setting that cannot be off (`optim.name`), and the recipe.

    Args:
        words: recipe keys, their last parts (`label-smoothing`), or words of a choice (`one-cycle`), each with or
            without `=VALUE`.
        recipe: decided, as it would be trained.

    Raises:
        InputError: lists every mistake: an unknown name, a value that does not fit, a trick that the recipe does not
            use, two words for one key.
    """
    tricks, errors = list[Trick](), list[InputError]()
    for word in words:
        try:
            trick = read_trick(word.strip(), recipe)
        except InputError as error:
            errors.append(error)
            continue
        double = next((other for other in tricks if (other.key, other.on) == (trick.key, trick.on)), None)
        if double is None:
            tricks.append(trick)
        else:
            errors.append(InputError("a trick is named twice", got=f"{double.name} and {trick.name}", where="--tricks"))
    if errors:
        raise together(errors)
    return tricks


def tricks_in_use(recipe: Recipe) -> list[Trick]:
    """Lists the tricks that a decided recipe uses and that can be taken out of it."""
    idle, found = recipe.idle(), list[Trick]()
    for key, setting in catalog().items():
        off = off_value(setting)
        if (
            setting.section != "data"
            and why_not(key) is None
            and key not in idle
            and off is not None
            and recipe.get(key) != off
        ):
            found.append(Trick(key, key, recipe.get(key), off, {}, {key: off}))
    return found


def read_trick(word: str, recipe: Recipe) -> Trick:
    """Reads one word of `--tricks`.

    Raises:
        InputError: see `read_tricks`.
    """
    name, given, text = word.partition("=")
    key, value = key_of(name)
    why = why_not(key)
    if why is not None:
        raise InputError(f"{key} is no trick: {why}", got=word, where="--tricks")
    setting, own = catalog()[key], recipe.get(key)
    off = off_value(setting)
    if given:
        if value is not None:
            raise InputError(
                f"{name!r} is a value of {key} already",
                expected=f"{name}, or {key}=VALUE",
                got=word,
                where="--tricks",
            )
        value = parse_plain(text)
        if value in ("auto", "find"):
            raise InputError(
                f"{value} is no value to compare with: it is decided anew in every trial",
                expected=f"a value of {key} ({setting.range})",
                got=word,
                where="--tricks",
            )
    if not given and key in recipe.idle():
        raise InputError(
            f"{key} has no effect in this recipe: {recipe.idle()[key]}",
            expected="a trick that the recipe uses",
            got=word,
            where="--tricks",
        )
    if given and value == off:
        raise InputError(
            "this is the trick switched off",
            expected="the value that it has when it is on",
            got=word,
            where="--tricks",
            hint=f"--tricks {name}" if own != off else f"--tricks {name}=VALUE ({setting.range})",
        )
    if value is None or (value == own and off is not None):
        if off is None:
            raise InputError(
                f"{key} cannot be off",
                expected="another value to compare the recipe's own with",
                got=word,
                where="--tricks",
                hint=f"--tricks {name}=VALUE ({setting.range})",
            )
        if own == off:
            raise _unused(word, key, setting, off)
        return Trick(word, key, own, off, {}, {key: off})
    if off is None and value == own:
        raise InputError(f"{key} is {own} in this recipe anyway", expected="another value", got=word, where="--tricks")
    return Trick(word, key, value, own if off is None else off, {key: value}, {} if off in (None, own) else {key: off})


def key_of(name: str) -> tuple[str, Any]:
    """Finds the setting that a name stands for, and the value where the name is a word of a choice.

    Raises:
        InputError: nothing has this name, or several settings have.

    >>> key_of("label-smoothing"), key_of("one-cycle")
    (('loss.label_smoothing', None), ('schedule.name', 'one-cycle'))
    """
    settings = catalog()
    plain = name.replace("-", "_")
    if plain in settings:
        return plain, None
    if name in NICKNAMES:
        return NICKNAMES[name], None
    by_last = [key for key in settings if key.partition(".")[2] == plain]
    by_choice = [key for key, setting in settings.items() if name in setting.choices and name not in ("auto", "none")]
    found = by_last or by_choice
    if len(found) == 1:
        return found[0], None if by_last else name
    if found:
        raise InputError(
            "several settings have this name", expected=" or ".join(found), got=name, where="--tricks", hint=found[0]
        )
    names = [*settings, *NICKNAMES, *(key.partition(".")[2].replace("_", "-") for key in settings)]
    raise InputError("there is no such trick", got=name, where="--tricks", hint=did_you_mean(name, names))


def off_value(setting: Setting) -> Any:
    """Gives the value under which a setting does nothing; None where there is no such value.

    >>> [off_value(catalog()[key]) for key in ("augment.mixup", "optim.nesterov", "model.normalization", "optim.lr")]
    [0.0, False, 'none', None]
    """
    if setting.key in NEUTRAL:
        return NEUTRAL[setting.key]
    if setting.kind == "switch":
        return False
    if "none" in setting.choices or (setting.kind == "text" and setting.default == "none"):
        return "none"
    if setting.low == 0 and setting.low_included:
        return 0.0 if setting.kind == "number" else 0
    return None


def why_not(key: str) -> str | None:
    """Says why a setting cannot be judged by pairs of trials; None where it can."""
    if key.startswith("data.") and key.endswith((COLUMNS, "_columns", "_separator")):
        return "it decides how the pictures are read"
    return NO_TRICKS.get(key) or NO_SECTIONS.get(key.partition(".")[0])


def _unused(word: str, key: str, setting: Setting, off: Any) -> InputError:
    """Says that there is nothing to take out of the recipe, and how to try the trick."""
    others = [choice for choice in setting.choices if choice not in ("auto", off)]
    values = f"such as {others[0]}: {some_of(others, 6)}" if others else setting.range or "a text"
    usual = setting.default if setting.default not in ("auto", off) else (others[0] if others else USUAL.get(key))
    hint = f"--tricks {word}={'VALUE' if usual is None else str(usual).lower()} tries it"
    return InputError(
        f"the recipe does not use {key}: it is {off}",
        expected=f"a trick that is on, or {word}=VALUE ({values})",
        got=word,
        where="--tricks",
        hint=hint,
    )


USUAL = {
    "augment.brightness": 0.2,
    "augment.contrast": 0.2,
    "augment.crop_padding": 4,
    "augment.cutmix": 1.0,
    "augment.cutout": 8,
    "augment.erase": 0.25,
    "augment.flip": 0.5,
    "augment.mixup": 0.2,
    "augment.rotate": 10,
    "augment.saturation": 0.2,
    "augment.scale": 0.1,
    "augment.shear": 5,
    "augment.translate": 0.1,
    "loss.label_smoothing": 0.1,
    "model.dropout": 0.5,
    "model.spatial_dropout": 0.1,
    "model.stochastic_depth": 0.1,
    "optim.clip_norm": 1.0,
    "optim.weight_decay": 5e-4,
    "regularization.l1": 1e-5,
    "regularization.l2": 5e-4,
    "regularization.max_norm": 3.0,
    "training.ema": 0.995,
}
"""Recipe key → a value to try first, for hints. Sources: the settings' own, in docs/recipe.md."""
