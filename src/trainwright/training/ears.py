"""What SIGTERM and SIGINT do to a rank that is not yet, or no longer, at work."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Generator


@contextlib.contextmanager
def mortal() -> Generator[None]:
    """Lets signals end the process at once, which waits where Python cannot hear them and has nothing to save."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, signal.SIG_DFL) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def close_ears() -> None:
    """Lets signals pass from now on: this process is ending, and whoever started it may tell it to end, too."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
