"""The daemon: start up, look until told to stop, leave cleanly.

- It looks through nobody's eyes but a verified model's: the golden frames come first.
- Standard output carries events, one JSON line each, and nothing else; a slow reader of it does not
  slow the loop.
- What is wrong is told on standard error when it begins and when it is over.
- SIGHUP reads configuration and model anew. What cannot serve changes nothing.
"""

import gc
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import TextIO

from galago.bundle.verify import Verification
from galago.edge.activation.probation import RETURNED, Probation
from galago.edge.camera import Camera, open_camera
from galago.edge.company import Company, Printer
from galago.edge.config.schema import Config
from galago.edge.event import make_event
from galago.edge.health import Health
from galago.edge.inspector import Inspector
from galago.edge.loop import Loop, Seen
from galago.edge.plan import loop_settings
from galago.edge.reload import Reloader, Renewal
from galago.edge.rules import Rules
from galago.edge.service.journal import is_journal
from galago.edge.service.notify import Notifier
from galago.edge.service.watchdog import Watchdog
from galago.edge.serving import Serving
from galago.edge.stopping import Stop, asked_by_hangup, stop_on_signals
from galago.edge.tell import tell, tell_change
from galago.edge.vitals.levels import summed_up
from galago.errors import StoppedError, UsageError


def run(load: Callable[[], Config], out: TextIO, *, keep: bool) -> None:
    """Classify what a camera shows until it ends or a signal comes; write events to `out`.

    `load` reads the configuration, also when SIGHUP asks for it anew. `keep`: whether events are
    stored, with all that lives from them: pictures, publishers, page, a reload.

    Raises:
        UsageError: the configuration cannot be.
        ModelFileError: the model is damaged or fails its golden frames.
        CameraError: the camera cannot be opened, or is lost for good.
        BrokenPipeError: nobody reads `out` any more.
    """
    with ExitStack() as stack:
        stop = stack.enter_context(stop_on_signals())
        asked = stack.enter_context(asked_by_hangup()) if keep else threading.Event()
        config = load()
        probation = stack.enter_context(Probation(asked.set))
        new: Renewal | None = Renewal(config, probation.open(config.model), anew=True)
        while new is not None:
            new = _Watch(new, probation, stop, out, keep=keep).look(load, asked)
            gc.collect()  # what is over leaves a model and frames in cycles
            if not stop.again():
                return


class _Watch:
    """The time from the opening of a camera to its end."""

    def __init__(
        self, begin: Renewal, probation: Probation, stop: Stop, out: TextIO, *, keep: bool
    ) -> None:
        self._config, self._serving = begin.config, begin.serving
        self._probation = probation
        self._stop, self._out, self._keep = stop, out, keep
        self._health = Health(tell_change)
        self._notifier = Notifier()
        self._watchdog = Watchdog(self._notifier)
        self._renewal: Renewal | None = None
        self._events = 0

    def look(self, load: Callable[[], Config], asked: threading.Event) -> Renewal | None:
        """Look until the end; returns with what to begin anew, if a reload asks for that."""
        try:
            with self._loop() as loop, self._company(loop) as self._around:
                self._running = loop
                inspector = Inspector(loop.camera, self._health, self._config.camera.reference)
                reloader = Reloader(asked, load, self._config, self._health, self)
                self._say_ready(loop)
                with inspector, reloader:
                    for seen in loop:
                        inspector.offer(seen.frame)
                        self._use(seen, loop)
                self._say_why(loop)
        except StoppedError as error:
            tell(str(error))
        return self._renewal if self._renewal and self._renewal.anew else None

    def begin(self) -> None:
        """As Reloading says."""
        self._notifier.reloading()

    def open(self, config: Config) -> Serving:
        """As Reloading says."""
        return self._probation.open(config.model)

    def renew(self, renewal: Renewal) -> None:
        """As Reloading says; a new model that does not suit is not kept."""
        try:
            self._prepare(renewal)
        except UsageError as error:
            self._probation.reject(str(error))
            raise
        self._renewal = renewal
        if renewal.anew:
            self._stop.set()

    def end(self) -> None:
        """As Reloading says."""
        self._tell_of_models()
        self._notifier.ready(self._status)

    def _prepare(self, renewal: Renewal) -> None:
        if renewal.anew:
            Rules.of(renewal.config.decision, renewal.serving.classifier)
            return
        self._running.check(renewal.serving.classifier, loop_settings(renewal.config))
        self._around.renew(renewal.config)

    def _loop(self) -> Loop:
        return Loop(
            partial(open_camera, self._config.camera.source),
            self._serving.classifier,
            self._stop,
            loop_settings(self._config),
            health=self._health,
            waiting=self._watchdog.waiting,
        )

    def _company(self, loop: Loop) -> Company:
        printer = Printer(self._out, self._stop.set, wait=not loop.camera.live)
        if not self._keep:
            return printer
        # Loaded only here: a person who tries a model waits for none of it.
        from galago.edge.station import Station  # noqa: PLC0415

        # The journal is for people; whoever wants events has the store, the page and publishers.
        heard = None if is_journal(1) else printer
        facts = self._probation.facts
        return Station(self._config, self._serving, loop, self._health, heard, facts)

    def _use(self, seen: Seen, loop: Loop) -> None:
        """One region of one frame, in the loop's thread."""
        self._probation.judge(seen)
        self._around.look(seen, self._serving)
        if seen.changed:
            self._events += 1
            device, sha256 = self._config.device, self._serving.sha256
            self._around.tell(seen, make_event(seen, loop.labels, sha256, device), self._serving)
        if seen.region is loop.last_region:
            self._watchdog.beat()
            if self._renewal is not None:
                self._follow(self._renewal, loop)

    def _follow(self, renewal: Renewal, loop: Loop) -> None:
        """Look with another model, or otherwise, from the next frame on."""
        if renewal.anew:
            return
        self._config, self._serving, self._renewal = renewal.config, renewal.serving, None
        loop.replace(renewal.serving.classifier, loop_settings(renewal.config))
        self._allow_for(loop)
        self._say_what(loop.camera)

    def _tell_of_models(self) -> None:
        self._health.report(RETURNED, self._probation.complaint, time.monotonic_ns())

    def _say_ready(self, loop: Loop) -> None:
        self._tell_of_models()
        self._allow_for(loop)
        self._say_what(loop.camera)
        self._notifier.ready(self._status)

    def _allow_for(self, loop: Loop) -> None:
        rate = self._config.loop.rate
        self._watchdog.patience_s = loop.camera.patience_s
        self._watchdog.pause_s = 1 / rate if rate else 0.0

    def _say_what(self, camera: Camera) -> None:
        what = f"{camera.source} ({camera.detail})" if camera.detail else camera.source
        self._status = f"{self._serving.facts.name} looks at {what}"
        tell(f"{self._status}, {_how(self._serving.verification)}")

    def _say_why(self, loop: Loop) -> None:
        why = f"{loop.camera.source} has ended"
        if self._stop.by_signal:
            why = "stopped by a signal"
        elif self._renewal is not None:
            why = "another camera or store is configured"
        elif self._stop.is_set():
            return  # nobody reads standard output any more, and so nobody is told
        self._notifier.stopping(why)
        tell(f"{why}: {loop.frames} frames, {loop.dropped} dropped, {self._events} events")
        if wrong := summed_up(self._health.states.values()):
            tell(f"still wrong: {wrong}", "warning")


def _how(verification: Verification) -> str:
    speed = "" if verification.accelerated else ", WITHOUT acceleration"
    return f"{verification.n} golden frames passed with {verification.interpreter}{speed}"
