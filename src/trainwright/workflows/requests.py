"""What a person asked for, from the command line or from Python, as one recipe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict, get_type_hints

from trainwright.errors import InputError, did_you_mean
from trainwright.recipe import (
    BUILT_IN_DATA,
    Given,
    MachineSection,
    Origin,
    Recipe,
    compose,
    parse_assignments,
    parse_plain,
    read_recipe_file,
)


class ShortSettings(TypedDict, total=False):
    """The settings with names of their own, as timm and torchvision call them; all else goes by its dotted key."""

    model: str | None
    weights: str | Path | None
    epochs: int | None
    batch_size: int | None
    lr: float | None
    weight_decay: float | None
    opt: str | None
    sched: str | None
    img_size: int | None
    seed: int | None
    workers: int | None
    device: str | None


SHORT_NAMES = {
    "model": "model.name",
    "weights": "model.weights",
    "epochs": "training.epochs",
    "batch_size": "optim.batch_size",
    "lr": "optim.lr",
    "weight_decay": "optim.weight_decay",
    "opt": "optim.name",
    "sched": "schedule.name",
    "img_size": "data.img_size",
    "seed": "training.seed",
    "workers": "machine.workers",
    "device": "machine.device",
}
"""Short name → recipe key."""


def recipe_from_words(
    source: str | None, recipe: Path | None, short: Mapping[str, str | None], assignments: Sequence[str]
) -> Recipe:
    """Composes a recipe from the command line, whose words win over the recipe file; two words for one key must agree.

    Args:
        source: DATA, or None to leave it to the file or the default.
        recipe: a recipe file.
        short: short name → the word after the option; None where it was not given.
        assignments: the words after `--set`, `section.key=value`.

    Raises:
        InputError: lists every mistake.
    """
    named = {
        SHORT_NAMES[name]: Given(
            _file(word) if name == "weights" else parse_plain(word),
            Origin("user", f"--{name.replace('_', '-')} {word}"),
        )
        for name, word in short.items()
        if word is not None
    }
    return compose(
        {} if recipe is None else read_recipe_file(recipe), _source(source), named, parse_assignments(assignments)
    )


def recipe_from_python(
    source: str | Path | None, recipe: Path | str | None, short: ShortSettings, settings: Mapping[str, Any] | None
) -> Recipe:
    """Composes a recipe from keywords and dotted `settings`, which win over the recipe file and must agree.

    Raises:
        InputError: lists every mistake.
    """
    unknown = [name for name in short if name not in SHORT_NAMES]
    if unknown:
        raise InputError(
            f"train() has no setting named {unknown[0]!r}",
            hint=did_you_mean(unknown[0], get_type_hints(ShortSettings)) + ", or settings={'section.key': value}",
        )
    named = {
        SHORT_NAMES[name]: Given(
            _file(value) if isinstance(value, Path) else value, Origin("user", f"{name}={value!r}")
        )
        for name, value in short.items()
        if value is not None
    }
    dotted = {key: Given(value, Origin("user", f"settings[{key!r}]")) for key, value in (settings or {}).items()}
    file = {} if recipe is None else read_recipe_file(Path(recipe))
    return compose(file, _source(source), named, dotted)


def refuse_name_beside_resume(resume: Path | str | None, out: Path | str | None, name: str | None) -> None:
    """Refuses to rename or move a run while resuming it.

    Raises:
        InputError: a name or an output folder is given beside a run to resume.
    """
    if resume is not None and (out is not None or name is not None):
        raise InputError(
            "a resumed run keeps its folder",
            expected="resume alone",
            got="resume with " + " and ".join(word for word, given in (("out", out), ("name", name)) if given),
            hint="leave --out and --name out",
        )


def machine_from_words(device: str | None) -> MachineSection:
    """Gives the machine section for a word after `--device`.

    Raises:
        InputError: no such kind of device.
    """
    if device is None:
        return MachineSection()
    return compose({"machine.device": Given(device, Origin("user", f"--device {device}"))}).machine


def _file(word: str | Path) -> str:
    """Makes the path of a file of weights absolute, so that the run can be resumed from any folder."""
    return str(word) if str(word) in ("none", "pretrained") else str(Path(word).expanduser().absolute())


def _source(source: str | Path | None) -> dict[str, Given]:
    """Gives DATA as a setting; a path becomes absolute, so that the run can be resumed from any folder."""
    if source is None:
        return {}
    value = str(source) if str(source) in BUILT_IN_DATA else str(Path(source).expanduser().absolute())
    return {"data.source": Given(value, Origin("user", f"DATA {source}"))}
