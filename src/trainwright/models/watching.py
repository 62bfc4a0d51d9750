"""Sees every operation that torch runs, below autograd."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

from torch.utils._python_dispatch import TorchDispatchMode


@dataclass(frozen=True)
class Operation:
    """An operation that ran.

    Attributes:
        kind: of torch.ops.aten, whatever its overload.
        arguments, named: what it was called with.
        result: what it gave out.
    """

    kind: Any
    arguments: tuple[Any, ...]
    named: dict[str, Any]
    result: Any


class Watch(TorchDispatchMode, ABC):
    """Is told of each operation after it ran, as long as it is open as a context."""

    @abstractmethod
    def note(self, ran: Operation) -> None:
        """Takes note of an operation."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        # Torch would import its whole compiler, for seconds, only to keep it away from the method below.
        return False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        named = kwargs or {}
        result = func(*args, **named)
        self.note(Operation(func.overloadpacket, args, named, result))
        return result
