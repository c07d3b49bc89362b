"""Pins that show what is seen: a lamp, a relay.

- The loop hands over a change and goes on; a thread of its own moves the pins.
- A pin is off at the start and at the end; what a kill leaves on is off at the next start.
- A pin that cannot be had is a state of health that says what to do; the others work.
"""

import queue
import threading
import warnings
from collections.abc import Callable, Mapping
from time import monotonic, monotonic_ns
from typing import Protocol, Self

from galago.edge.event import Event
from galago.edge.health import Health
from galago.edge.publish.settings import GpioSettings
from galago.edge.vitals.document import PublisherFacts

_ROOM = 256  # changes that wait; minutes of the busiest camera
_JOIN_S = 3.0


class Output(Protocol):
    """What is used of gpiozero's DigitalOutputDevice."""

    def on(self) -> None:
        """Set it."""

    def off(self) -> None:
        """Clear it."""

    def close(self) -> None:
        """Let go of the pin."""


class _Pin:
    """One pin and what it has seen."""

    def __init__(self, name: str, settings: GpioSettings, health: Health) -> None:
        self.name, self.error = f"gpio.{name}", None if settings.labels else "no labels are set"
        self.shown = 0
        self._settings, self._health = settings, health
        self._seen: dict[str | None, bool] = {}
        self._until_s: float | None = None
        self._output: Output | None = None

    @property
    def ends_s(self) -> float | None:
        """When its pulse is over, monotonic seconds; None: there is none."""
        return self._until_s

    def open(self) -> None:
        self._guarded(self._open)

    def change(self, event: Event) -> None:
        if self._settings.region not in {None, event.region}:
            return
        wanted = event.label in self._settings.labels
        self._seen[event.region] = wanted
        if self._settings.mode == "while":
            self._set(any(self._seen.values()))
        elif wanted:
            self._until_s = monotonic() + self._settings.pulse_s
            self._set(on=True)

    def end_pulse(self) -> None:
        if self._until_s is not None and monotonic() >= self._until_s:
            self._until_s = None
            self._set(on=False)

    def close(self) -> None:
        output, self._output = self._output, None
        if output is not None:
            self._guarded(output.off)
            self._guarded(output.close)

    def facts(self) -> PublisherFacts:
        return PublisherFacts(
            name=self.name,
            kind="gpio",
            connected=self._output is not None and self.error is None,
            backlog=0,
            acknowledged=self.shown,
            dropped=0,
            error=self.error,
        )

    def _open(self) -> None:
        # Only where a pin is configured; it ships no types.
        from gpiozero import DigitalOutputDevice  # type: ignore[import-untyped]  # noqa: PLC0415
        from gpiozero.exc import PinFactoryFallback  # type: ignore[import-untyped]  # noqa: PLC0415

        # It tries one way to the pins after the other, and complains of each; the last word counts.
        warnings.simplefilter("ignore", PinFactoryFallback)
        self._output = DigitalOutputDevice(
            self._settings.pin, active_high=self._settings.active_high, initial_value=False
        )

    def _set(self, on: bool) -> None:
        if self._output is not None:
            self._guarded(self._output.on if on else self._output.off)
            self.shown += 1

    def _guarded(self, act: Callable[[], None]) -> None:
        """Do it; what the pin's library raises, of whatever kind, becomes a state of health."""
        try:
            act()
        except Exception as error:  # noqa: BLE001 - each pin factory has errors of its own
            self.error = _cause(self._settings.pin, error)
        else:
            self.error = None
        self._health.report(f"publisher.{self.name}", self.error, monotonic_ns())


class Pins:
    """All pins that are configured."""

    def __init__(self, settings: Mapping[str, GpioSettings], health: Health) -> None:
        self._pins = [_Pin(name, it, health) for name, it in settings.items()]
        self._changes: queue.Queue[Event | None] = queue.Queue(_ROOM)
        self._thread = threading.Thread(target=self._run, name="gpio", daemon=True)

    def put(self, event: Event) -> None:
        """Show a change; never waits. A change that finds no room is not shown, the next one is."""
        if self._pins:
            try:
                self._changes.put_nowait(event)
            except queue.Full:
                return

    def facts(self) -> list[PublisherFacts]:
        """One for each pin."""
        return [pin.facts() for pin in self._pins]

    def __enter__(self) -> Self:
        if self._pins:
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        if not self._pins:
            return
        try:
            self._changes.put(None, timeout=_JOIN_S)
        except queue.Full:
            return  # it hangs in the system, which will take the pins back by itself
        self._thread.join(_JOIN_S)

    def _run(self) -> None:
        for pin in self._pins:
            pin.open()
        while (event := self._next()) is not None:
            for pin in self._pins:
                if isinstance(event, Event):
                    pin.change(event)
                pin.end_pulse()
        for pin in self._pins:
            pin.close()

    def _next(self) -> Event | bool | None:
        """The next change, True when a pulse is over, None for the end."""
        ends = [pin.ends_s for pin in self._pins if pin.ends_s is not None]
        timeout_s = max(min(ends) - monotonic(), 0.0) if ends else None
        try:
            return self._changes.get(timeout=timeout_s)
        except queue.Empty:
            return True


def _cause(pin: int, error: Exception) -> str:
    if type(error).__name__ == "BadPinFactory":  # an ImportError, too
        return (
            f"GPIO{pin} cannot be reached, this machine offers no pins: on a Raspberry Pi "
            "apt install python3-lgpio, and let the service's user into the group gpio"
        )
    if isinstance(error, ImportError):
        return f"GPIO{pin} needs the package gpiozero: pip install 'galago[gpio]'"
    return f"GPIO{pin} cannot be used: {str(error) or type(error).__name__}"
