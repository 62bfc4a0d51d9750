"""Records as plain JSON values and back, without loss."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from ..errors import TrainwrightError
from .records import (
    AnswersRecord,
    EpochRecord,
    EvaluationRecord,
    ExperimentRecord,
    Finding,
    GuardRecord,
    MultiLabelRecord,
    ProbeRecord,
    RankingRecord,
    Record,
    RegressionRecord,
    ResumeRecord,
    RetrainRecord,
    StepRecord,
    StopRecord,
    TrialRecord,
    UnitsRecord,
    WatchRecord,
)

RECORD_TYPES: dict[str, type[Record]] = {
    "step": StepRecord,
    "epoch": EpochRecord,
    "evaluation": EvaluationRecord,
    "multi-label evaluation": MultiLabelRecord,
    "regression evaluation": RegressionRecord,
    "ranking evaluation": RankingRecord,
    "resume": ResumeRecord,
    "guard": GuardRecord,
    "retrain": RetrainRecord,
    "stop": StopRecord,
    "finding": Finding,
    "trial": TrialRecord,
    "watch": WatchRecord,
    "probe": ProbeRecord,
    "units": UnitsRecord,
    "answers": AnswersRecord,
    "experiment": ExperimentRecord,
}
"""The word in a line's `type` → the record that the line holds."""

_WORDS = {record_class: word for word, record_class in RECORD_TYPES.items()}
_NON_FINITE = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}
_FLOAT = "float"
_LARGEST_FLOAT = sys.float_info.max
_TOO_LARGE = 2**63
"""Integers from which on readers of JSON take them for floats."""


def to_plain(record: Record) -> dict[str, Any]:
    """Turns a record into values that JSON has; a number that is not finite becomes `{"float": "nan"}`.

    Raises:
        TrainwrightError: a value that is neither plain data nor a dataclass, such as a tensor; a bug of ours.

    >>> to_plain(ResumeRecord(step=2, epoch=1, checkpoint="last"))
    {'type': 'resume', 'step': 2, 'epoch': 1, 'checkpoint': 'last'}
    """
    return {"type": _WORDS[type(record)], **_plain(record)}


def to_json(value: Any, indent: int | None = None) -> str:
    """Writes figures for any reader of JSON, which knows no NaN and no infinity: what is not finite becomes null.

    >>> to_json({"loss": math.nan, "interval": (0.5, math.inf)})
    '{"loss": null, "interval": [0.5, null]}'
    """
    return json.dumps(_finite(value), allow_nan=False, indent=indent)


def from_plain(plain: Any) -> Record:
    """Builds a record from the values of its line.

    Raises:
        ValueError: not the values of a record that this version knows; the text says why.
    """
    return taken_from_plain(dict(plain) if isinstance(plain, dict) else plain)


def taken_from_plain(plain: Any) -> Record:
    """Does the same with values that nobody else holds; they may become the record's own, which is faster."""
    if not isinstance(plain, dict):
        raise ValueError("a line that is no JSON object")
    word = plain.pop("type", None)
    decode = _record_decoder(word) if isinstance(word, str) else None
    if decode is None:
        raise UnknownRecord(f"a record of the unknown type {word!r}")
    return decode(plain, word)


class UnknownRecord(ValueError):
    """A type or field that this version does not know, most likely from a newer one."""


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | str) or (isinstance(value, int) and abs(value) < _TOO_LARGE):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else {_FLOAT: str(float(value))}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    if isinstance(value, Mapping):
        if set(value) == {_FLOAT} or not all(isinstance(key, str) for key in value):
            raise _unstorable(value)
        return {key: _plain(entry) for key, entry in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    raise _unstorable(value)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list | tuple):
        return [_finite(entry) for entry in value]
    if isinstance(value, Mapping):
        return {key: _finite(entry) for key, entry in value.items()}
    return value


def _unstorable(value: Any) -> TrainwrightError:
    return TrainwrightError(
        "a record holds a value that cannot be stored; this is a bug of trainwright",
        expected="numbers, texts, true, false, nothing, and lists and mappings of them",
        got=f"{str(value)[:80]} ({type(value).__name__})",
    )


Decoder = Callable[[Any, str], Any]
"""Builds a value of one type from plain data; the second argument names the place for messages."""


@cache
def _record_decoder(word: str) -> Decoder | None:
    return _decoder(RECORD_TYPES[word]) if word in RECORD_TYPES else None


@cache
def _decoder(expected: Any) -> Decoder:
    """Makes the function that checks plain data against a type and builds its value."""
    origin, arguments = get_origin(expected), get_args(expected)
    if expected is Any:
        return _any
    if is_dataclass(expected):
        assert isinstance(expected, type)
        return _dataclass_decoder(expected)
    if origin in (Union, UnionType):
        arms = [_decoder(arm) for arm in arguments if arm is not NoneType]
        assert len(arms) == 1
        return lambda value, place: None if value is None else arms[0](value, place)
    if origin is Literal:
        return lambda value, place: value if value in arguments else _refuse(value, f"one of {arguments}", place)
    if origin is tuple:
        return _tuple_decoder(arguments)
    if origin is not None and issubclass(origin, Mapping):
        entry = _decoder(arguments[1])

        def mapping(value: Any, place: str) -> dict[str, Any]:
            if not isinstance(value, dict):
                _refuse(value, "a mapping", place)
            return {key: entry(inner, f"{place}.{key}") for key, inner in value.items()}

        return mapping
    if expected is float:
        return _float
    return lambda value, place: value if type(value) is expected else _refuse(value, expected.__name__, place)


def _dataclass_decoder(record_class: type) -> Decoder:
    hints = get_type_hints(record_class)
    decoders = {field.name: _decoder(hints[field.name]) for field in fields(record_class)}
    as_it_is = {name: _plain_types(hints[name]) for name in decoders}
    usual: set[tuple[Any, ...]] = set()
    required = frozenset(
        field.name for field in fields(record_class) if field.default is MISSING and field.default_factory is MISSING
    )

    defaults: dict[str, Any] = {}
    for field in fields(record_class):
        if field.name not in required:
            defaults[field.name] = field.default if field.default_factory is MISSING else field.default_factory()

    def decode(value: Any, place: str) -> Any:
        if not isinstance(value, dict):
            _refuse(value, "a mapping", place)
        look = (*value, *map(type, value.values()))
        if look in usual:  # nothing to decode in a line of such names and types, of which a log has thousands
            record = object.__new__(record_class)  # as its constructor does, which sets each field by a call
            object.__setattr__(record, "__dict__", value if len(value) == len(decoders) else {**defaults, **value})
            return record
        if missing := required - value.keys():
            raise ValueError(f"no {', '.join(sorted(missing))} in {place}")
        if unknown := value.keys() - decoders.keys():
            raise UnknownRecord(f"an unknown field {', '.join(sorted(unknown))} in {place}")
        other = [name for name, entry in value.items() if type(entry) not in as_it_is[name]]
        if not other:
            usual.add(look)
        decoded = {name: decoders[name](value[name], f"{place}.{name}") for name in other}
        return record_class(**{**value, **decoded})

    return decode


def _plain_types(expected: Any) -> frozenset[type]:
    """Lists the types of values that need no decoding, only this look: most of a long log."""
    if expected in (bool, int, float, str):
        return frozenset({expected})
    if get_origin(expected) in (Union, UnionType):
        arms = [_plain_types(arm) if arm is not NoneType else frozenset({NoneType}) for arm in get_args(expected)]
        return frozenset().union(*arms)
    return frozenset()


def _tuple_decoder(arguments: tuple[Any, ...]) -> Decoder:
    length = None if arguments[1:] == (...,) else len(arguments)
    entry, as_it_is = _decoder(arguments[0]), _plain_types(arguments[0])

    def decode(value: Any, place: str) -> tuple[Any, ...]:
        if not isinstance(value, list) or (length is not None and len(value) != length):
            _refuse(value, "a list" if length is None else f"a list of {length}", place)
        if as_it_is.issuperset(map(type, value)):
            return tuple(value)
        return tuple(entry(inner, place) for inner in value)

    return decode


def _float(value: Any, place: str) -> float:
    if type(value) is float or (type(value) is int and abs(value) < _LARGEST_FLOAT):
        return float(value)
    if isinstance(value, dict) and value.keys() == {_FLOAT} and value[_FLOAT] in tuple(_NON_FINITE):
        return _NON_FINITE[value[_FLOAT]]
    return _refuse(value, "a number", place)


def _any(value: Any, place: str) -> Any:
    if isinstance(value, list):
        return tuple(_any(entry, place) for entry in value)
    if isinstance(value, dict):
        if value.keys() == {_FLOAT}:
            return _float(value, place)
        return {key: _any(entry, place) for key, entry in value.items()}
    return value


def _refuse(value: Any, expected: str, place: str) -> Any:
    raise ValueError(f"{place} is {str(value)[:40]!r}, not {expected}")
