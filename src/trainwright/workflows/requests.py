"""What a person asked for, from the command line or from Python, as one recipe."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypedDict

from trainwright.errors import InputError, did_you_mean, together
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
from trainwright.runs import RunFolder, open_run, runs_at_hand


class ShortSettings(TypedDict, total=False):
    """The settings with names of their own, as timm and torchvision call them; all else goes by its dotted key."""

    model: str | None
    weights: str | Path | None
    epochs: int | None
    batch_size: int | None
    lr: float | str | None
    weight_decay: float | None
    opt: str | None
    sched: str | None
    img_size: int | None
    seed: int | None
    workers: int | None
    device: str | None
    init: str | None


class TrainSettings(ShortSettings, total=False):
    """Those, and what a training alone can be asked for."""

    guard: bool | None
    experiments: str | None


class SearchSettings(TypedDict, total=False):
    """Those of them that trials of a search have in common."""

    model: str | None
    weights: str | Path | None
    batch_size: int | None
    lr: float | str | None
    weight_decay: float | None
    opt: str | None
    sched: str | None
    img_size: int | None
    seed: int | None
    device: str | None
    init: str | None


SHORT_NAMES = {
    "model": "model.name",
    "weights": "model.weights",
    "epochs": "training.epochs",
    "batch_size": "optim.batch_size",
    "lr": "optim.lr",
    "weight_decay": "optim.weight_decay",
    "opt": "optim.name",
    "sched": "schedule.name",
    "init": "init.scheme",
    "img_size": "data.img_size",
    "seed": "training.seed",
    "workers": "machine.workers",
    "device": "machine.device",
}
"""Short name → recipe key."""

FLAGS = frozenset({"guard"})
"""Short names whose option takes no word."""

NAMES_OF_TRAIN = {**SHORT_NAMES, "guard": "training.guard", "experiments": "logging.experiments"}
"""The same with those that a training alone can be asked for."""

SPOKEN = {("lr", "auto"): "find", ("experiments", "auto"): "suspicion"}
"""(Short name, word) → the value that it stands for. Who leaves the rate to trainwright says nothing; who says `auto`
on purpose wants more than the rule. In recipes both have words of their own, so that one value has one meaning."""

PATHS = {"data.source": BUILT_IN_DATA, "model.weights": ("none", "pretrained")}
"""Recipe keys that take a path → the words that they take, too."""


def short_words(arguments: Mapping[str, Any]) -> dict[str, str | None]:
    """Picks the words of the options with short names out of a command's arguments."""
    words = {name: arguments[name] for name in NAMES_OF_TRAIN if name in arguments}
    return {name: ("true" if word else None) if name in FLAGS else word for name, word in words.items()}


def recipe_from_words(
    source: str | None,
    recipe: Path | None,
    short: Mapping[str, str | None],
    assignments: Sequence[str],
    *,
    firm: bool = True,
) -> Recipe:
    """Composes a recipe from the command line, whose words win over the recipe file; two words for one key must agree.

    Args:
        source: DATA, or None to leave it to the file or the default.
        recipe: a recipe file.
        short: short name → the word after the option; None where it was not given.
        assignments: the words after `--set`, `section.key=value`.
        firm: False lets values of the file give way that lose their effect by the words.

    Raises:
        InputError: lists every mistake.
    """
    named = {
        NAMES_OF_TRAIN[name]: Given(_meant(name, parse_plain(word)), Origin("user", _option(name, word)))
        for name, word in short.items()
        if word is not None
    }
    try:
        return _composed(recipe, source, named, parse_assignments(assignments), firm=firm)
    except InputError as error:
        broken = _unread(assignments)
        if not broken:
            raise
        whole = [word for word in assignments if not _unread([word])]
        try:
            _composed(recipe, source, named, parse_assignments(whole), firm=firm)
        except InputError as other:
            raise together([*broken, other]) from None
        raise error from None


def _unread(assignments: Sequence[str]) -> list[InputError]:
    """Finds the words after `--set` that cannot be read, each by itself."""
    errors: list[InputError] = []
    for word in assignments:
        try:
            parse_assignments([word])
        except InputError as error:
            errors.append(error)
    return errors


def recipe_from_python(
    source: str | Path | None,
    recipe: Path | str | None,
    short: ShortSettings | SearchSettings | TrainSettings,
    settings: Mapping[str, Any] | None,
    names: Mapping[str, str] = SHORT_NAMES,
) -> Recipe:
    """Composes a recipe from keywords and dotted `settings`, which win over the recipe file and must agree.

    Args:
        names: of the keywords that are taken, with their keys.

    Raises:
        InputError: lists every mistake.
    """
    unknown = [name for name in short if name not in names]
    if unknown:
        raise InputError(
            f"train() has no setting named {unknown[0]!r}",
            hint=did_you_mean(unknown[0], names) + ", or settings={'section.key': value}",
        )
    named = {
        names[name]: Given(_meant(name, value), Origin("user", f"{name}={value!r}"))
        for name, value in short.items()
        if value is not None
    }
    dotted = {key: Given(value, Origin("user", f"settings[{key!r}]")) for key, value in (settings or {}).items()}
    return _composed(recipe, source, named, dotted)


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


def refuse_other_suffix(path: Path, suffix: str, what: str, option: str) -> None:
    """Makes sure that a picture can be written in the form that its name asks for.

    Args:
        path: of the picture.
        suffix: the one that it must end in, such as `.svg`.
        what: is drawn, in words that begin the message.
        option: of the command line that gave the path.

    Raises:
        InputError: the name ends in another suffix, or its folder is not there.
    """
    if path.suffix.lower() != suffix:
        raise InputError(
            f"{what} {suffix[1:].upper()} file",
            expected=f"a name that ends in {suffix}",
            got=str(path),
            where=option,
            hint=f"{option} {path.with_suffix(suffix)}",
        )
    refuse_missing_folder(path, option)


def refuse_missing_folder(path: Path, option: str) -> None:
    """Makes sure that the folder is there in which a command is to write a file.

    Raises:
        InputError: it is not.
    """
    if not path.absolute().parent.is_dir():
        raise InputError(
            "the folder of the file to write is not there",
            expected="a folder that exists",
            got=str(path),
            where=option,
            hint="make the folder, or choose another",
        )


def open_run_before(run: Path, pictures: Sequence[str]) -> RunFolder:
    """Opens the run that a command names before pictures.

    Raises:
        InputError: a picture stands in its place, or see `open_run`.
    """
    try:
        return open_run(run)
    except InputError:
        from trainwright.data import PICTURE_SUFFIXES  # loads torch

        if run.suffix.lower() not in PICTURE_SUFFIXES:
            raise
        at_hand = runs_at_hand()
        raise InputError(
            "the run is missing: it stands before the pictures",
            expected="RUN PICTURES…",
            got=str(run),
            hint=f"trainwright predict RUN {shlex.join([str(run), *pictures])}" + (f"; {at_hand}" if at_hand else ""),
        ) from None


def machine_from_words(device: str | None) -> MachineSection:
    """Gives the machine section for a word after `--device`.

    Raises:
        InputError: no such kind of device.
    """
    if device is None:
        return MachineSection()
    return compose({"machine.device": Given(device, Origin("user", f"--device {device}"))}).machine


def _composed(
    recipe: Path | str | None, source: str | Path | None, *layers: Mapping[str, Given], firm: bool = True
) -> Recipe:
    """Composes a recipe of a file, DATA and further layers; paths become absolute."""
    file = {} if recipe is None else read_recipe_file(Path(recipe))
    data = {} if source is None else {"data.source": Given(source, Origin("user", f"DATA {source}"))}
    try:
        return compose(*(_absolute(layer) for layer in (file, data, *layers)), firm=firm)
    except InputError as error:
        missing = missing_data(source)
        raise error if missing is None else together([error, missing]) from None


def _option(name: str, word: str) -> str:
    return f"--{name}" if name in FLAGS else f"--{name.replace('_', '-')} {word}"


def _meant(name: str, value: Any) -> Any:
    return SPOKEN.get((name, value), value) if isinstance(value, str) else value


def missing_data(source: str | Path | None) -> InputError | None:
    """Tells whether DATA is neither built in nor there, so that this is told beside other mistakes."""
    if source is None or source in BUILT_IN_DATA or Path(source).expanduser().exists():
        return None
    from trainwright.data.sources.recognition import no_such_data  # loads torch

    return no_such_data(str(source), Path(source).expanduser())


def _absolute(layer: Mapping[str, Given]) -> dict[str, Given]:
    """Makes paths absolute, as seen from here, so that the run can be resumed from any folder."""
    given = dict(layer)
    for key, words in PATHS.items():
        if key in given and isinstance(given[key].value, str | Path) and given[key].value not in words:
            path = Path(given[key].value).expanduser().absolute()
            given[key] = replace(given[key], value=str(path.resolve() if ".." in path.parts else path))
    return given
