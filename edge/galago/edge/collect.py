"""Training pictures from the camera itself: training sees what the camera will see.

- Frames come the way the daemon gets them, and are cut into regions and, if wanted, brought to the
  model's size by the same functions.
- Pictures are taken in bursts, which names mark (galago.edge.album), so that training keeps frames
  of one moment together.
- A torn or frozen frame is left out and counted; what else is wrong with the picture is told.
- However it ends, by q, a signal, a full disk or a lost camera, what was taken is whole and told.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from galago.bundle.preprocess import Pixels
from galago.edge.album import Album, Form
from galago.edge.camera import Camera, Frame, open_camera
from galago.edge.event import utc
from galago.edge.feed import Feed
from galago.edge.glance import is_torn
from galago.edge.health import Health
from galago.edge.inspector import Inspector
from galago.edge.keyboard import Keyboard, has_terminal
from galago.edge.regions import WHOLE, Cutter, Region
from galago.edge.stopping import stop_on_signals
from galago.edge.tell import Screen
from galago.edge.trigger import Every, Keys, Motion, Taking, Trigger, next_due
from galago.errors import GalagoError, UsageError

_SETTLE_S = 1.0  # for exposure and colours of a camera that has just started
_BURST = 5  # pictures of what moves, or of the key for a burst
_PAUSE_S = 10.0
_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Occasion:
    """When pictures are taken: every `every_s` seconds, on `motion`, else at keys.

    `burst`: pictures each time; None is 1 at an interval, 5 otherwise. `burst_fps`: of them, per
    second. `pause_s`: between bursts of what moves.

    Raises:
        UsageError: more than one is wanted, or a pause without motion.
    """

    key: bool = False
    every_s: float | None = None
    motion: bool = False
    pause_s: float | None = None
    burst: int | None = None
    burst_fps: float = 5.0

    def __post_init__(self) -> None:
        wanted = {"--key": self.key, "--every": self.every_s is not None, "--motion": self.motion}
        named = [name for name, is_wanted in wanted.items() if is_wanted]
        if len(named) > 1:
            raise UsageError(
                f"pictures are taken by one of --key, --every and --motion, received "
                f"{' and '.join(named)}: leave one of them"
            )
        if self.pause_s is not None and not self.motion:
            raise UsageError("--pause is between bursts of what moves: add --motion, or leave it")

    @property
    def by_key(self) -> bool:
        """Whether a person takes them."""
        return self.every_s is None and not self.motion

    def trigger(self) -> Trigger:
        """What decides at each frame."""
        if self.every_s is not None:
            return Every(self.every_s, self.burst or 1)
        if self.motion:
            pause_s = _PAUSE_S if self.pause_s is None else self.pause_s
            return Motion(pause_s, self.burst or _BURST)
        return Keys()


@dataclass(frozen=True, slots=True)
class CaptureSettings:
    """What a user may choose. `count`: pictures after which it ends; None: when it is told to."""

    occasion: Occasion = field(default_factory=Occasion)
    form: Form = field(default_factory=Form)
    regions: tuple[Region, ...] = (WHOLE,)
    count: int | None = None
    keep_free_mb: int = 500


@dataclass(slots=True)
class Collection:
    """What was taken.

    `pictures`: files, in `bursts`, in the folder `out`. `left_out`: frames, by what was wrong.
    """

    out: Path
    pictures: int = 0
    bursts: int = 0
    left_out: Counter[str] = field(default_factory=Counter)

    def to_dict(self) -> dict[str, Any]:
        """The document of `galago capture --json`."""
        return {
            "pictures": self.pictures,
            "bursts": self.bursts,
            "left_out": self.left_out.total(),
            "out": str(self.out),
        }

    def as_text(self) -> str:
        """One line."""
        taken = f"{_n(self.pictures, 'picture')} in {_n(self.bursts, 'burst')} in {self.out}"
        if not self.left_out:
            return taken
        frames = ", ".join(_n(n, f"{what} frame") for what, n in self.left_out.items())
        return f"{taken}; left out: {frames}"


def capture(source: str, out: Path, settings: CaptureSettings | None = None) -> Collection:
    """Take pictures of what `source` shows until it is enough, it ends, or a person says so.

    Raises:
        UsageError: the source or a region is wrong, or keys are wanted and there is no terminal.
        CameraError: the camera cannot be opened, or is lost for good.
        OSError: the folder cannot be written, or its disk is full.
    """
    settings = settings or CaptureSettings()
    trigger = settings.occasion.trigger()
    if settings.occasion.by_key and not has_terminal():
        raise UsageError("capture needs a terminal for its keys: use --every 5 or --motion")
    with stop_on_signals() as stop, Screen() as screen:
        health = Health(screen.tell_change)
        with Feed(partial(open_camera, source), stop, health=health) as feed:
            album = Album(out, settings.form, settings.keep_free_mb)
            collector = _Collector(trigger, album, settings, health, screen)
            inspector = Inspector(feed.camera, health)
            with (
                _count_at_errors(collector.taken, screen),
                _keys(trigger, settings.occasion, stop, screen),
                inspector,
            ):
                _collect(feed, collector, inspector, settings.regions)
    return collector.taken


def _collect(
    feed: Feed, collector: "_Collector", inspector: Inspector, regions: tuple[Region, ...]
) -> None:
    cut, settling = Cutter(regions), _Settling()
    while not collector.has_enough and (prepared := feed.next()) is not None:
        frame = prepared.frame
        inspector.offer(frame)
        views = cut(frame.pixels)  # first, so that a wrong region is told at once
        if settling.is_over(feed.camera, frame.time_ns):
            collector.look(frame, views)
        frame.release()


@contextmanager
def _count_at_errors(taken: Collection, screen: Screen) -> Iterator[None]:
    """Before an error is told, tell what there is all the same."""
    try:
        yield
    except (GalagoError, OSError):
        if taken.pictures:
            screen.tell(taken.as_text())
        raise


@contextmanager
def _keys(
    trigger: Trigger, occasion: Occasion, stop: threading.Event, screen: Screen
) -> Iterator[None]:
    """Let keys take pictures, where they are to."""
    if not isinstance(trigger, Keys):
        yield
        return
    burst = occasion.burst or _BURST
    keys: dict[str, Callable[[], None]] = {
        " ": partial(trigger.press, 1),
        "b": partial(trigger.press, burst),
        "q": stop.set,
    }
    with Keyboard(keys, gone=stop.set):
        screen.tell(f"space takes a picture, b a burst of {burst}, q ends")
        yield


class _Settling:
    """The first second of a live camera, and of one that was opened again."""

    def __init__(self) -> None:
        self._camera: Camera | None = None
        self._until_ns = 0

    def is_over(self, camera: Camera, time_ns: int) -> bool:
        if camera is not self._camera:
            self._camera = camera
            self._until_ns = time_ns + round(_SETTLE_S * _NS) if camera.live else time_ns
        return time_ns >= self._until_ns


class _Burst:
    """Pictures that follow one another, `period_ns` apart.

    Their times are counted from one look at the wall clock: a Pi that sets its clock in between
    does not part them.
    """

    def __init__(self, taking: Taking, number: int, time_ns: int, period_ns: int) -> None:
        self.taking, self.number = taking, number
        self.frames = self.pictures = 0
        self._began, self._began_ns = utc(time_ns), time_ns
        self._due_ns, self._period_ns = time_ns, period_ns

    @property
    def is_over(self) -> bool:
        return self.frames >= self.taking.pictures

    def is_due(self, time_ns: int) -> bool:
        """Whether a frame of this time is one of them; if so, it is counted."""
        if time_ns < self._due_ns:
            return False
        self._due_ns = next_due(self._due_ns, self._period_ns, time_ns)
        self.frames += 1
        return True

    def time(self, time_ns: int) -> datetime:
        return self._began + timedelta(microseconds=(time_ns - self._began_ns) / 1000)


class _Collector:
    """Takes pictures out of frames."""

    def __init__(
        self,
        trigger: Trigger,
        album: Album,
        settings: CaptureSettings,
        health: Health,
        screen: Screen,
    ) -> None:
        self.taken = Collection(album.out)
        self._trigger, self._album, self._health, self._screen = trigger, album, health, screen
        self._regions = settings.regions
        self._period_ns = round(_NS / settings.occasion.burst_fps)
        self._count = settings.count
        self._burst: _Burst | None = None

    @property
    def has_enough(self) -> bool:
        return self._count is not None and self.taken.pictures >= self._count

    def look(self, frame: Frame, views: list[Pixels]) -> None:
        """Take what is due of a frame and its regions."""
        time_ns = frame.time_ns
        # Asked in a burst, too: what moves then, or is pressed, is no reason for another.
        taking = self._trigger(views, time_ns)
        if self._burst is None and taking is not None:
            self._burst = _Burst(taking, self._album.begin(), time_ns, self._period_ns)
        if self._burst is not None and self._burst.is_due(time_ns):
            self._take(self._burst, frame, views)

    def _take(self, burst: _Burst, frame: Frame, views: list[Pixels]) -> None:
        wrong = self._wrong(frame)
        if wrong is None:
            self._add(burst, views, burst.time(frame.time_ns))
        else:
            self.taken.left_out[wrong] += 1
        if burst.is_over or self.has_enough:
            self._tell(burst)
            self._burst = None
        elif self._screen.is_terminal:
            self._tell(burst)

    def _add(self, burst: _Burst, views: list[Pixels], taken: datetime) -> None:
        for index in burst.taking.regions:
            if self.has_enough:
                return
            name = self._regions[index].name if len(views) > 1 else None
            self._album.add(views[index], taken, burst.number, burst.frames, name)
            self.taken.bursts += not burst.pictures
            burst.pictures += 1
            self.taken.pictures += 1

    def _wrong(self, frame: Frame) -> str | None:
        """What makes a frame worthless, if anything."""
        if "camera.torn" in self._health.states or is_torn(frame.pixels, None):
            return "torn"
        return "frozen" if "camera.frozen" in self._health.states else None

    def _tell(self, burst: _Burst) -> None:
        if self._screen.is_terminal:
            self._screen.show(self.taken.as_text())
        else:
            pictures = _n(burst.pictures, "picture")
            self._screen.tell(f"burst {burst.number}: {pictures}, {self.taken.pictures} in all")


def _n(amount: int, thing: str) -> str:
    return f"{amount} {thing}" if amount == 1 else f"{amount} {thing}s"
