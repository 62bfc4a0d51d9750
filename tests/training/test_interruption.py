import os
import signal
import threading

import pytest

from trainwright.training.interruption import listening


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_raises_the_flag_and_nothing_else(number):
    before = signal.getsignal(number)
    with listening() as interruption:
        assert not interruption
        os.kill(os.getpid(), number)
        assert interruption
        assert interruption.signal_name == signal.Signals(number).name
    assert signal.getsignal(number) is before


def test_a_second_signal_acts_as_before():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with listening() as interruption:
            os.kill(os.getpid(), signal.SIGINT)
            assert interruption
            with pytest.raises(KeyboardInterrupt):
                os.kill(os.getpid(), signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)


def test_outside_the_main_thread_the_flag_stays_down():
    seen = []

    def work() -> None:
        with listening() as interruption:
            seen.append(bool(interruption))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [False]
