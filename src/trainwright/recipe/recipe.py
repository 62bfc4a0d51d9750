"""The recipe: every value that decides a run, where each came from, and the rules between them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import Field, PrivateAttr, ValidationError, model_validator

from ..errors import InputError, TrainwrightError, did_you_mean
from .augment import AugmentSection
from .data import DataSection
from .idle import idle_settings
from .init import InitSection
from .logging import LoggingSection
from .loss import LossSection
from .machine import MachineSection
from .model import ModelSection
from .optim import OptimSection
from .preprocess import PreprocessSection
from .regularization import RegularizationSection
from .rules import refuse_contradictions
from .schedule import ScheduleSection
from .section import OPEN, Section
from .training import TrainingSection

OriginKind = Literal["user", "file", "default", "auto"]


@dataclass(frozen=True)
class Origin:
    """Where a value came from: `user` (detail: the words, `--lr 0.1`), `file` (`recipe.yaml:12`), `default`, or
    `auto` (detail: the reason, in words)."""

    kind: OriginKind
    detail: str = ""


@dataclass(frozen=True)
class Given:
    """A value that somebody gave for one key, before it is validated."""

    value: Any
    origin: Origin


@dataclass(frozen=True)
class Choice:
    """What `auto` means in this run: the key, the value chosen for it, and why."""

    key: str
    value: Any
    reason: str


DEFAULT = Origin("default")


class Recipe(Section):
    """All settings of a run, one section a concern; frozen. `Recipe()` is all defaults.

    Equality compares values, not where they came from.
    """

    data: DataSection = Field(default_factory=DataSection)
    preprocess: PreprocessSection = Field(default_factory=PreprocessSection)
    augment: AugmentSection = Field(default_factory=AugmentSection)
    model: ModelSection = Field(default_factory=ModelSection)
    init: InitSection = Field(default_factory=InitSection)
    loss: LossSection = Field(default_factory=LossSection)
    optim: OptimSection = Field(default_factory=OptimSection)
    schedule: ScheduleSection = Field(default_factory=ScheduleSection)
    regularization: RegularizationSection = Field(default_factory=RegularizationSection)
    training: TrainingSection = Field(default_factory=TrainingSection)
    machine: MachineSection = Field(default_factory=MachineSection)
    logging: LoggingSection = Field(default_factory=LoggingSection)

    _origins: Mapping[str, Origin] = PrivateAttr(default_factory=dict)

    @model_validator(mode="after")
    def _hold_rules(self) -> Recipe:
        refuse_contradictions(self.sections(), dict[str, str]().get)
        return self

    def sections(self) -> dict[str, Section]:
        """Lists the sections by their names."""
        return {name: getattr(self, name) for name in type(self).model_fields}

    def items(self) -> Iterator[tuple[str, Any]]:
        """Walks through all settings as (dotted key, value), in the order of the sections."""
        for section_name, section in self.sections().items():
            for name in type(section).model_fields:
                yield f"{section_name}.{name}", getattr(section, name)

    def get(self, key: str) -> Any:
        """Looks up a value by its dotted key.

        Raises:
            InputError: no setting has this key.

        >>> Recipe().get("optim.momentum")
        0.9
        """
        section, name = self._found(key)
        return getattr(section, name)

    def origin(self, key: str) -> Origin:
        """Says where a value came from; what was set in Python without words counts as the user's.

        Raises:
            InputError: no setting has this key.

        >>> Recipe().origin("optim.momentum").kind
        'default'
        """
        section, name = self._found(key)
        if key in self._origins:
            return self._origins[key]
        return Origin("user", "Python") if name in section.model_fields_set else DEFAULT

    def _found(self, key: str) -> tuple[Section, str]:
        """Finds the section of a dotted key, and the setting's name in it."""
        section_name, _, name = key.partition(".")
        section: Section | None = getattr(self, section_name) if section_name in type(self).model_fields else None
        if section is None or name not in type(section).model_fields:
            raise InputError(f"there is no setting {key!r}", hint=did_you_mean(key, dict(self.items())))
        return section, name

    def with_origins(self, origins: Mapping[str, Origin]) -> Recipe:
        """Notes where values came from; values stay as they are."""
        noted = self.model_copy()
        noted._origins = {**self._origins, **origins}
        return noted

    def idle(self) -> dict[str, str]:
        """Lists the settings that have no effect in this recipe, each with the reason."""
        return {key: idle.reason for key, idle in idle_settings(self.sections()).items()}

    def asked_for(self) -> tuple[str, ...]:
        """Lists the keys that somebody gave on purpose: by words of their own, or other than the default in a file.

        A written recipe names every value, so that a default in a file says nothing; neither does the word `auto`.
        """
        theirs = dict(_DEFAULTS.items())
        kinds = {key: self.origin(key).kind for key in theirs}
        return tuple(
            key
            for key, value in self.items()
            if value != "auto" and (kinds[key] == "user" or (kinds[key] == "file" and value != theirs[key]))
        )

    def undecided(self) -> tuple[str, ...]:
        """Lists the keys that still say `auto` or `find`, without those that have no effect.

        >>> "optim.lr" in Recipe().undecided()
        True
        """
        idle = self.idle()
        return tuple(key for key, value in self.items() if value in OPEN and key not in idle)

    def decide(self, choices: Iterable[Choice]) -> Recipe:
        """Fills in values that are `auto` or to be found, each with the reason as its origin.

        Values that nobody asked for give way where a choice takes away their effect.

        Raises:
            TrainwrightError: a choice for a key that is unknown, decided or without effect, or with a value that
                the key cannot have: a bug of ours.
            InputError: what was chosen contradicts what the user gave.
        """
        values = dict(self.items())
        chosen: dict[str, Choice] = {}
        for choice in choices:
            if values.get(choice.key) not in OPEN or choice.key in chosen or choice.value in OPEN:
                raise _wrong_choice(choice, "a value, once, for a key that says auto")
            chosen[choice.key] = choice
        sections = {name: _replace(section, name, chosen) for name, section in self.sections().items()}
        idle = idle_settings(sections)
        for key in chosen.keys() & idle.keys():
            raise _wrong_choice(chosen[key], f"a key that has an effect, but {idle[key].reason}")
        asked_for, default = self.asked_for(), dict(_DEFAULTS.items())
        given_way = {key for key in idle if values[key] == default[key] and key not in asked_for}
        sections = {name: _without(section, name, given_way) for name, section in sections.items()}
        kept = {key: origin for key, origin in self._origins.items() if key not in given_way}
        origins = {**kept, **{key: Origin("auto", choice.reason) for key, choice in chosen.items()}}
        refuse_contradictions(sections, lambda key: _place(origins.get(key)))
        return Recipe.model_validate(sections).with_origins(origins)

    def differences(self, other: Recipe) -> list[tuple[str, Any, Any]]:
        """Lists where two recipes differ: (key, value here, value there).

        >>> Recipe().differences(Recipe())
        []
        """
        theirs = dict(other.items())
        return [(key, value, theirs[key]) for key, value in self.items() if value != theirs[key]]

    def __eq__(self, other: object) -> bool:
        return not self.differences(other) if isinstance(other, Recipe) else NotImplemented

    def __hash__(self) -> int:
        return hash(tuple(self.items()))

    def __repr__(self) -> str:
        set_values = [f"{key}={value!r}" for key, value, default in self.differences(_DEFAULTS) if value != default]
        return f"Recipe({', '.join(set_values)})"

    __str__ = __repr__


def _place(origin: Origin | None) -> str | None:
    """Names the place of a value in a message, where it has one."""
    if origin is None or origin.kind == "default":
        return None
    return f"auto: {origin.detail}" if origin.kind == "auto" else origin.detail or None


def _replace(section: Section, section_name: str, chosen: Mapping[str, Choice]) -> Section:
    mine = {key.partition(".")[2]: choice for key, choice in chosen.items() if key.startswith(f"{section_name}.")}
    if not mine:
        return section
    values = section.model_dump(exclude_unset=True) | {name: choice.value for name, choice in mine.items()}
    try:
        return type(section).model_validate(values)
    except ValidationError as error:
        name = str(error.errors()[0]["loc"][0])
        raise _wrong_choice(mine[name], "a value that the key can have") from error


def _without(section: Section, section_name: str, keys: Set[str]) -> Section:
    """Takes out of a section that somebody gave values which equal the default."""
    given = section.model_dump(exclude_unset=True)
    left = {name: value for name, value in given.items() if f"{section_name}.{name}" not in keys}
    return section if left.keys() == given.keys() else type(section).model_validate(left)


def _wrong_choice(choice: Choice, expected: str) -> TrainwrightError:
    return TrainwrightError(
        f"auto chose wrongly for {choice.key}; this is a bug of trainwright",
        expected=expected,
        got=f"{choice.value!r} ({type(choice.value).__name__})",
        hint="please report it with the command that you gave",
    )


_DEFAULTS = Recipe()
