"""How fast the loop may go: as fast as it can, at a set rate, or on a set share of a core.

- Pauses end at once when `stop` is set.
- Time that was lost is not made up for by a burst.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

_LONGEST_PAUSE_S = 5.0  # also where the camera alone takes more than the share
_SIGN_S = 1.0
_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Pacing:
    """`rate`: looks per second at most. `max_cpu`: share of one core for the whole process, 0–1.

    Both None: as fast as possible. `max_cpu` counts all that the process does, so that it holds
    for heat and batteries: capture and decoding, too.
    """

    rate: float | None = None
    max_cpu: float | None = None

    @property
    def is_free(self) -> bool:
        """Whether there is no limit."""
        return self.rate is None and self.max_cpu is None


class Pacer:
    """Waits as a `Pacing` says."""

    def __init__(self, pacing: Pacing) -> None:
        self._pacing = pacing
        self._due_ns = 0
        self._wall_ns, self._cpu_ns = time.monotonic_ns(), time.process_time_ns()

    def wait(self, stop: threading.Event, waiting: Callable[[], None] = lambda: None) -> None:
        """Wait until the next look is allowed, or `stop` is set.

        `waiting`: called once a second meanwhile, to say that this is no hang.
        """
        now = time.monotonic_ns()
        if self._pacing.rate is not None:
            self._due_ns = max(self._due_ns + round(_NS / self._pacing.rate), now)
        if self._pacing.max_cpu is not None:
            self._due_ns = max(self._due_ns, now + self._rest_ns(now, self._pacing.max_cpu))
        while self._due_ns > now and not stop.wait(min((self._due_ns - now) / _NS, _SIGN_S)):
            waiting()
            now = time.monotonic_ns()

    def _rest_ns(self, now: int, share: float) -> int:
        """How long to pause so that the work since the last pause is `share` of the time."""
        cpu_ns = time.process_time_ns()
        rest = round((cpu_ns - self._cpu_ns) / share) - (now - self._wall_ns)
        # The pause belongs to the work before it; an idle stretch gives no credit for later.
        rest = min(max(rest, 0), round(_LONGEST_PAUSE_S * _NS))
        self._wall_ns, self._cpu_ns = now + rest, cpu_ns
        return rest
