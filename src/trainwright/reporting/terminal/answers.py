"""What a net says of pictures, as lines for a person."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from ..wording import printable


class Answer(Protocol):
    """One answer, in words, or why there is none."""

    @property
    def path(self) -> str: ...
    @property
    def said(self) -> str: ...
    @property
    def error(self) -> str | None: ...


def prediction_lines(answers: Iterable[Answer]) -> list[str]:
    """Writes one line a picture, in order: its path, then what is said of it, or what is wrong."""
    rows = [(printable(answer.path), _said(answer)) for answer in answers]
    width = max((len(path) for path, _ in rows), default=0)
    return [f"{path:<{width}}  {said}" for path, said in rows]


def _said(answer: Answer) -> str:
    if answer.error is not None:
        return f"no answer: {printable(answer.error)}"
    return printable(answer.said)
