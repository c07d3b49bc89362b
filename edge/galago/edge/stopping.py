"""What signals ask for: SIGTERM and SIGINT to stop, one way for both; SIGHUP to read anew."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


class Stop(threading.Event):
    """Set when the loop is to end. `by_signal`: for good, since a person or systemd has said so."""

    by_signal = False

    def again(self) -> bool:
        """Whether to begin anew after it was set; it is not set then."""
        self.clear()
        return not self.by_signal  # asked for last: a signal may come at any moment


@contextmanager
def stop_on_signals() -> Iterator[Stop]:
    """Yield an event that SIGTERM and SIGINT set; the former handlers come back at the end."""
    stop = Stop()

    def handle(_number: int, _frame: FrameType | None) -> None:
        stop.by_signal = True
        stop.set()

    with _handled(handle, signal.SIGTERM, signal.SIGINT):
        yield stop


@contextmanager
def asked_by_hangup() -> Iterator[threading.Event]:
    """Yield an event that SIGHUP sets, as systemctl reload sends it."""
    asked = threading.Event()
    with _handled(lambda _number, _frame: asked.set(), signal.SIGHUP):
        yield asked


@contextmanager
def _handled(
    handler: Callable[[int, FrameType | None], None], *numbers: signal.Signals
) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, former in before.items():
            signal.signal(number, former)
