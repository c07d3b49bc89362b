"""systemd's watchdog, fed by the loop's progress and by nothing else.

- A frame that has been looked at is a sign of life. There is no timer: a loop that hangs, in a
  driver or in the interpreter, is silent, and systemd starts the service anew.
- A camera that recovers, or a pause that was asked for, is no hang; but that excuse has an end.
- A frame costs one look at the clock.

    watchdog = Watchdog(notifier)
    watchdog.beat()       # after each frame
    watchdog.waiting()    # now and then while none comes
"""

import os
from collections.abc import Mapping
from time import monotonic_ns

from galago.edge.service.notify import Notifier

OPENING_S = 60.0  # a camera that is opened anew, with what it takes to let go of the old one

_NS = 1_000_000_000
_SIGNS = 4  # in the time that systemd allows: one or two may find no room
_NEVER_NS = 1 << 63


class Watchdog:
    """Tells systemd that the loop goes on, as often as $WATCHDOG_USEC asks for; else nothing.

    `patience_s`: how long the camera may give no frame (Camera.patience_s), to be set once it is
    open. `pause_s`: how long the loop itself may pause between two frames (1 / rate).
    """

    def __init__(
        self,
        notifier: Notifier,
        *,
        patience_s: float = 0.0,
        pause_s: float = 0.0,
        environment: Mapping[str, str] = os.environ,
    ) -> None:
        self.patience_s, self.pause_s = patience_s, pause_s
        self._notifier = notifier
        self._every_ns = _allowed_ns(environment) // _SIGNS if notifier.is_heard else 0
        self._due_ns = 0 if self._every_ns else _NEVER_NS
        self._waiting_since_ns = 0

    @property
    def is_on(self) -> bool:
        """Whether systemd waits for signs of life."""
        return self._every_ns > 0

    def beat(self) -> None:
        """A frame has been looked at."""
        now = monotonic_ns()
        self._waiting_since_ns = 0
        if now >= self._due_ns:
            self._feed(now)

    def waiting(self) -> None:
        """No frame yet, and that is in order: a sign of life, as long as it can be in order.

        The camera is lost after its patience, opened anew, and lost for good after the same again
        (galago.edge.feed). Whoever still waits then is not heard any more.
        """
        now = monotonic_ns()
        if not self._waiting_since_ns:
            self._waiting_since_ns = now
        excused_ns = round((2 * self.patience_s + OPENING_S + self.pause_s) * _NS)
        if now >= self._due_ns and now - self._waiting_since_ns <= excused_ns:
            self._feed(now)

    def _feed(self, now_ns: int) -> None:
        if self._notifier.alive():
            self._due_ns = now_ns + self._every_ns


def _allowed_ns(environment: Mapping[str, str]) -> int:
    """Within which time systemd wants a sign of life; 0: it does not, or not from this process.

    Source: sd_watchdog_enabled(3).
    """
    microseconds = environment.get("WATCHDOG_USEC", "")
    if environment.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return 0
    return int(microseconds) * 1000 if microseconds.isascii() and microseconds.isdigit() else 0
