"""When a figure is worth a complaint: each judge takes what was measured and returns the cause.

- Monotonic times come in as arguments: a jump of the wall clock is none here.
- A figure that swings about its limit is one state, not many.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from galago.edge.vitals.document import StoreFacts

COOLER_CELSIUS = 5.0  # below the limit, a machine is no longer hot
UNDERVOLTAGE_HOLD_S = 3600.0  # dips last milliseconds, and come with each load
THROTTLED_HOLD_S = 300.0
UNSYNCHRONISED_AFTER_S = 600.0  # a Pi has its time within a minute of having a network
SLOW_AFTER_S = 60.0  # as long as the rate is measured over
STUCK_AFTER_S = 10.0  # an SD card that tidies itself may take a second or two
LITTLE_MB = 20  # of the disk; the least that a database and its log need to go on

_NS = 1_000_000_000
_ENOUGH = 0.8  # of the room to be left free: pictures are only given up when new ones come


class Held:
    """Keeps a cause for `hold_s` after it was last given."""

    def __init__(self, hold_s: float) -> None:
        self._hold_ns = round(hold_s * _NS)
        self._cause: str | None = None
        self._until_ns = 0

    def look(self, cause: str | None, now_ns: int) -> str | None:
        """The cause, this one or the last."""
        if cause is not None:
            self._cause, self._until_ns = cause, now_ns + self._hold_ns
        elif now_ns >= self._until_ns:
            self._cause = None
        return self._cause


class Lasting:
    """Lets a cause through when there has been one for `after_s`."""

    def __init__(self, after_s: float) -> None:
        self._after_ns = round(after_s * _NS)
        self._since_ns: int | None = None

    def look(self, cause: str | None, now_ns: int) -> str | None:
        """The cause, once it has lasted."""
        if cause is None:
            self._since_ns = None
            return None
        if self._since_ns is None:
            self._since_ns = now_ns
        return cause if now_ns - self._since_ns >= self._after_ns else None


class Hot:
    """A machine is hot from a temperature on, until it is clearly cooler."""

    def __init__(self) -> None:
        self._told = False

    def look(self, celsius: float | None, limit: float) -> str | None:
        """None also where there is no thermometer."""
        self._told = celsius is not None and celsius >= limit - COOLER_CELSIUS * self._told
        return f"{celsius:.0f} °C, the limit is {limit:g} °C" if self._told else None


class Undervoltage:
    """The supply is too weak now, or has been at a moment between two looks.

    What happened before the first look is no state of health: it would stay until the next boot.
    """

    def __init__(self) -> None:
        self._held = Held(UNDERVOLTAGE_HOLD_S)
        self._before: frozenset[str] | None = None

    def look(self, words: Sequence[str] | None, now_ns: int) -> str | None:
        """`words` as of galago.edge.machine, None where nobody tells."""
        found = frozenset(words or ())
        new = found - (found if self._before is None else self._before)
        self._before = found
        if "undervoltage now" in found or "undervoltage since boot" in new:
            return self._held.look("the power supply gave too little voltage", now_ns)
        return self._held.look(None, now_ns)


class Throttled:
    """The processor is held back now, by heat or by the supply."""

    def __init__(self) -> None:
        self._held = Held(THROTTLED_HOLD_S)

    def look(self, words: Sequence[str] | None, now_ns: int) -> str | None:
        """As `Undervoltage.look`."""
        now = [word for word in words or () if word.endswith("now") and word[:5] != "under"]
        cause = f"the processor is held back: {', '.join(now)}" if now else None
        return self._held.look(cause, now_ns)


@dataclass(slots=True)
class Disk:
    """The disk of the state folder; `keep_free_mb`: 10⁶ bytes that pictures leave to others."""

    folder: Path
    keep_free_mb: float
    _told: bool = False

    def look(self) -> str | None:
        """Why it is as good as full.

        Raises:
            OSError: it cannot be asked.
        """
        # A folder that is not there yet, or may not be looked into, is on the disk of its parent.
        places = (self.folder, *self.folder.parents)
        disk = os.statvfs(next(path for path in places if os.access(path, os.F_OK)))
        free_mb = disk.f_bavail * disk.f_frsize / 1e6
        wanted_mb = max(self.keep_free_mb, LITTLE_MB)
        self._told = free_mb < wanted_mb * (1 if self._told else _ENOUGH)
        if not self._told:
            return None
        return f"{free_mb:.0f} MB of the disk are free, {wanted_mb:.0f} MB should be"


def stuck(store: StoreFacts | None) -> str | None:
    """A disk that neither writes nor fails: a card that dies, a network that is gone."""
    if store is None or store["busy_s"] < STUCK_AFTER_S:
        return None
    return f"the disk has not answered for {store['busy_s']:.0f} s, {store['pending']} events wait"


class Clock:
    """The time has not been had from elsewhere for some minutes."""

    def __init__(self) -> None:
        self._lasting = Lasting(UNSYNCHRONISED_AFTER_S)

    def look(self, synchronised: bool | None, now_ns: int) -> str | None:
        """None also where nobody tells."""
        cause = None
        if synchronised is False:
            cause = "the clock is not set from the network: times of events may be wrong"
        return self._lasting.look(cause, now_ns)


def slow(rate: float, min_rate: float | None) -> str | None:
    """`rate`: pictures per second over a whole minute."""
    if min_rate is None or rate >= min_rate:
        return None
    return f"{rate:.3g} pictures per second, at least {min_rate:g} are wanted"


def quiet(since_ns: int, now_ns: int, quiet_hours: float | None) -> str | None:
    """`since_ns`: when the last event was, or the start."""
    hours = (now_ns - since_ns) / _NS / 3600
    if quiet_hours is None or hours < quiet_hours:
        return None
    return f"no event for {hours:.1f} hours" if hours < 10 else f"no event for {hours:.0f} hours"
