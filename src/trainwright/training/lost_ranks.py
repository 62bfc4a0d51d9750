"""What a rank says where another one has ended."""

from __future__ import annotations

import re
import traceback
from collections.abc import Sequence

from trainwright.errors import Interrupted, TrainwrightError


class RankLost(TrainwrightError):
    """Another rank has ended without a word, or cannot be reached any more. Exit code 3.

    Args:
        who: says who is gone.
        reason: what the exchange failed of.
        gone: the ranks that have ended, as far as the others know.
        hint: how to go on.
    """

    exit_code = 3

    def __init__(self, who: str, reason: str, gone: Sequence[int], hint: str | None = None) -> None:
        super().__init__(who, got=reason, hint=hint)
        self.reason = reason
        self.gone = gone

    def with_advice(self, kept: str, hint: str) -> RankLost:
        """Adds what is kept, and how to go on."""
        return RankLost(f"{self.problem}; {kept}", self.reason, self.gone, hint)


class OfAnotherRank(TrainwrightError):
    """What made another rank end, with its exit code; rank 0 says it."""

    def __init__(self, text: str, code: int) -> None:
        super().__init__(text)
        self.exit_code = code  # pyright: ignore[reportAttributeAccessIssue] - of this one, not of its class


def first_sentence(error: Exception) -> str:
    """Gives what an exchange failed of, without the line of torch's source before it and the advice after it.

    >>> first_sentence(RuntimeError("[/gloo/pair.cc:5] Connection closed by peer [10.0.0.1]:7. This is typically so"))
    'Connection closed by peer [10.0.0.1]:7'
    """
    text = re.sub(r"^\[\S*:\d+\]\s*", "", str(error).strip())
    return re.split(r"\. |\n", text)[0] or type(error).__name__


def lost(gone: Sequence[int], world: int, reason: str) -> RankLost:
    who = f"rank {gone[0]} is" if len(gone) == 1 else f"ranks {', '.join(map(str, gone))} are"
    return RankLost(
        f"{who} gone, of {world}" if gone else f"the {world} ranks cannot reach each other any more", reason, gone
    )


def exit_code_of(error: BaseException) -> int:
    """Gives the exit code of a process that ends of an error."""
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else int(error.code is not None)
    if isinstance(error, KeyboardInterrupt):
        return Interrupted.exit_code
    return error.exit_code if isinstance(error, TrainwrightError) else 1


def words_of(error: BaseException, code: int) -> str:
    """Words for the others what this rank ended of."""
    if code == Interrupted.exit_code and not isinstance(error, Interrupted):
        return "interrupted"
    if isinstance(error, TrainwrightError | SystemExit):
        return str(error)
    return "".join(traceback.format_exception(error)).rstrip()
