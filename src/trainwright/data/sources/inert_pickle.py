"""Reads the pickles in which CIFAR is published without running anything that they name.

The standard library lists the instructions of a pickle without executing them (`pickletools.genops`). Here they are
played on a list, and only those that build None, numbers, strings, bytes, lists, tuples and dicts are known. A pickle
may name five things, which numpy and Python 2 strings need; each is answered by a small function of this file. Every
other name, and every other instruction, is refused, so nothing foreign is ever imported, called or allocated.
"""

from __future__ import annotations

import math
import pickletools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from trainwright.errors import InputError

PLAIN = frozenset(
    name
    for names in (
        "INT BININT BININT1 BININT2 LONG LONG1 LONG4 FLOAT BINFLOAT",
        "STRING BINSTRING SHORT_BINSTRING UNICODE BINUNICODE SHORT_BINUNICODE BINUNICODE8",
        "BINBYTES SHORT_BINBYTES BINBYTES8 BYTEARRAY8",
    )
    for name in names.split()
)
"""Instructions that push their own argument."""

MARK = object()
TYPES = ("uint8", "another type")
"""What stands for a numpy type, as only one of them matters."""


class _Refused(ValueError):
    """The pickle holds something that data never need; the text says what."""


@dataclass
class _PickledArray:
    """A numpy array on its way: made empty, filled by a later instruction."""

    array: np.ndarray | None = None

    def fill(self, state: Any) -> None:
        _, shape, kind, fortran, content = state
        self.array = _array(content, kind, shape, "F" if fortran else "C")


@dataclass(frozen=True)
class _Callable:
    """A name in a pickle that this file answers itself."""

    call: Callable[..., Any]


def _array(content: Any, kind: Any, shape: Any, order: str = "C") -> np.ndarray:
    """Makes a uint8 array of bytes that the pickle holds already; checks everything before it multiplies anything."""
    if not isinstance(content, str | bytes | bytearray) or kind != TYPES[0] or type(shape) is not tuple:
        raise _Refused("an array that is no uint8 array")
    data = content.encode("latin-1") if isinstance(content, str) else bytes(content)
    if not all(type(size) is int and 0 <= size <= len(data) for size in shape) or math.prod(shape) != len(data):
        raise _Refused("an array whose shape does not fit its content")
    return np.frombuffer(data, np.uint8).reshape(shape, order="F" if order == "F" else "C")


def _dtype(name: Any, *_: Any) -> str:
    return TYPES[0] if name in ("u1", "|u1", b"u1", b"|u1") else TYPES[1]


def _encode(text: Any, _codec: Any) -> bytes:
    if type(text) is not str:
        raise _Refused("the name _codecs.encode for something that is no text")
    return text.encode("latin-1")


KNOWN_NAMES = {
    "ndarray": _Callable(_PickledArray),
    "_reconstruct": _Callable(lambda *_: _PickledArray()),
    "dtype": _Callable(_dtype),
    "_frombuffer": _Callable(_array),
    "encode": _Callable(_encode),
}
KNOWN_PLACES = {
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy.core.numeric", "_frombuffer"),
    ("numpy._core.numeric", "_frombuffer"),
    ("_codecs", "encode"),
}


def read_inert_pickle(content: bytes, where: str) -> Any:
    """Builds what a pickle holds, if it is nothing but plain data and uint8 arrays.

    Strings of Python 2 pickles come as `str`, one character a byte.

    Args:
        content: the whole file.
        where: the file, for messages.
    Returns: dicts, lists, tuples, strings, bytes, numbers, None, and read-only uint8 arrays.
    Raises:
        InputError: the pickle names a class or function other than the array ones, uses other instructions, or is
            damaged. Nothing was executed.
    Source: Python, pickletools; own choice of instructions
    >>> read_inert_pickle(b"}q\\x01(U\\x01aK\\x01u.", "here")
    {'a': 1}
    """
    try:
        return _settled(_play(content))
    except _Refused as error:
        raise InputError(
            "a pickle with more in it than data was refused; nothing of it was executed",
            expected="dicts, lists, strings, numbers and uint8 arrays",
            got=str(error),
            where=where,
        ) from error
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise InputError("a pickle is damaged", got=f"{type(error).__name__}: {error}", where=where) from error


def _play(content: bytes) -> Any:
    stack: list[Any] = []
    memo: dict[int, Any] = {}
    for opcode, argument, _ in pickletools.genops(content):
        name = opcode.name
        if name in PLAIN:
            stack.append(argument)
        elif name in ("BINPUT", "LONG_BINPUT", "PUT", "MEMOIZE"):
            memo[len(memo) if name == "MEMOIZE" else argument] = stack[-1]  # pyright: ignore[reportArgumentType]
        elif name in ("BINGET", "LONG_BINGET", "GET"):
            stack.append(memo[argument])  # pyright: ignore[reportArgumentType]
        elif name in CONSTANTS:
            stack.append(CONSTANTS[name]())
        elif name == "GLOBAL":
            stack.append(_known(*str(argument).split(" ", 1)))
        elif name in MOVES:
            MOVES[name](stack)
        elif name == "STOP":
            break
        elif name not in ("PROTO", "FRAME"):
            raise _Refused(f"the instruction {name}")
    return stack.pop()


def _known(module: str, name: str) -> _Callable:
    if (module, name) not in KNOWN_PLACES:
        raise _Refused(f"the name {module}.{name}")
    return KNOWN_NAMES[name]


def _since_mark(stack: list[Any]) -> list[Any]:
    index = len(stack) - 1
    while stack[index] is not MARK:
        index -= 1
    items = stack[index + 1 :]
    del stack[index:]
    return items


def _extend(stack: list[Any], items: list[Any]) -> None:
    target = stack[-1]
    if type(target) is not list:
        raise _Refused("a list operation on something else")
    target.extend(items)


def _update(stack: list[Any], items: list[Any]) -> None:
    target = stack[-1]
    if type(target) is not dict:
        raise _Refused("a dict operation on something else")
    target.update(_pairs(items))


def _last(stack: list[Any], count: int) -> list[Any]:
    items = stack[len(stack) - count :]
    del stack[len(stack) - count :]
    return items


def _reduce(stack: list[Any]) -> None:
    function, arguments = _last(stack, 2)
    if type(function) is not _Callable:
        raise _Refused("a call of something that is no function")
    stack.append(function.call(*arguments))


def _build(stack: list[Any]) -> None:
    target, state = _last(stack, 2)
    if type(target) is _PickledArray:
        target.fill(state)
    elif target not in TYPES:
        raise _Refused("a state for something that is no array")
    stack.append(target)


def _pairs(items: list[Any]) -> dict[Any, Any]:
    if any(type(key) not in (str, bytes, int) for key in items[::2]):
        raise _Refused("a dict with keys that are neither text nor numbers")
    return dict(zip(items[::2], items[1::2], strict=True))


CONSTANTS: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_LIST": list,
    "EMPTY_DICT": dict,
    "EMPTY_TUPLE": tuple,
    "MARK": lambda: MARK,
}
MOVES: dict[str, Callable[[list[Any]], None]] = {
    "APPEND": lambda stack: _extend(stack, _last(stack, 1)),
    "APPENDS": lambda stack: _extend(stack, _since_mark(stack)),
    "SETITEM": lambda stack: _update(stack, _last(stack, 2)),
    "SETITEMS": lambda stack: _update(stack, _since_mark(stack)),
    "LIST": lambda stack: stack.append(_since_mark(stack)),
    "DICT": lambda stack: stack.append(_pairs(_since_mark(stack))),
    "TUPLE": lambda stack: stack.append(tuple(_since_mark(stack))),
    "TUPLE1": lambda stack: stack.append(tuple(_last(stack, 1))),
    "TUPLE2": lambda stack: stack.append(tuple(_last(stack, 2))),
    "TUPLE3": lambda stack: stack.append(tuple(_last(stack, 3))),
    "POP": lambda stack: stack.__delitem__(-1),
    "STACK_GLOBAL": lambda stack: stack.append(_known(*_last(stack, 2))),
    "REDUCE": _reduce,
    "BUILD": _build,
}


def _settled(value: Any) -> Any:
    """Puts the finished arrays in the place of their stand-ins, in the top dict where CIFAR keeps them."""
    if isinstance(value, dict):
        return {key: item.array if isinstance(item, _PickledArray) else item for key, item in value.items()}
    return value
