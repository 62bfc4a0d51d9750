from __future__ import annotations

from dataclasses import dataclass

from trainwright.reporting import prediction_lines


@dataclass(frozen=True)
class Answered:
    """What predict says of one picture."""

    path: str
    said: str
    error: str | None


def test_one_line_a_picture_in_order() -> None:
    answers = [
        Answered(path="a.png", said="cat 90.0 %, dog 10.0 %", error=None),
        Answered(path="evil\x1b[2J.png", said="", error="zero bytes"),
    ]
    assert prediction_lines(answers) == [
        "a.png            cat 90.0 %, dog 10.0 %",
        "evil\\x1b[2J.png  no answer: zero bytes",
    ]
    assert prediction_lines([]) == []
