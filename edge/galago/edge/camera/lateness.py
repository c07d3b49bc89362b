"""Which pictures of a live stream are of the present, and which have waited in some buffer."""

LATE_NS = 500_000_000  # what is later than this is not worth looking at

_WAITS = 3  # in a row
_WAITS_WITHOUT_CLOCK = 10  # the first two pictures often have the same time


class Lateness:
    """How much later than a fresh picture one has come, by the clock that the stream carries.

    Pictures are fresh that are waited for, several in a row, each for about as long as the stream
    runs from one to the next. Those that come at once have themselves waited; after a longer wait
    the network may have stood still. Of a stream without a clock everything is fresh.
    """

    def __init__(self) -> None:
        self._clip_ns: int | None = None
        self._waits = 0
        self._ahead_ns = 0  # our clock less the stream's
        self._fresh_ns: int | None = None  # the same, of the last fresh picture

    def of(self, asked_ns: int, came_ns: int, clip_ns: int) -> int:
        """Nanoseconds, for a picture of `clip_ns` in the stream; both others are monotonic.

        Too late, until the first has been waited for: what came while opening comes at once.
        """
        waited_ns = came_ns - asked_ns
        ran_ns = None if self._clip_ns is None else clip_ns - self._clip_ns
        self._clip_ns, self._ahead_ns = clip_ns, came_ns - clip_ns
        self._waits = self._waits + 1 if ran_ns is not None and _is_usual(waited_ns, ran_ns) else 0
        if self._fresh_ns is None:
            if self._waits < (1 if ran_ns else _WAITS_WITHOUT_CLOCK):
                return 2 * LATE_NS
            self.settle()
        elif self._ahead_ns < self._fresh_ns or self._waits >= _WAITS:
            self.settle()
        return self._ahead_ns - (self._fresh_ns or 0)

    def settle(self) -> None:
        """Take the last picture for fresh."""
        self._fresh_ns = self._ahead_ns


def _is_usual(waited_ns: int, ran_ns: int) -> bool:
    return ran_ns <= 0 or ran_ns <= 2 * waited_ns <= 2 * (ran_ns + LATE_NS)
