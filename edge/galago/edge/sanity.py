"""Is the picture itself believable? A pure judge, a few looks a second.

- It reports to `Health`: camera.frozen, dark, bright, torn, resized, blurred, moved.
- What is wrong must stay wrong for a while before it is told, and well for a while before it is
  over, so that nothing flickers; `SanitySettings` says for how long.
- Time is that of the frames: the same frames give the same states, however fast they are judged.
- A frame that is no picture is passed over; no frame, however odd, raises.

    sanity = Sanity(health, noisy=camera.noisy)
    sanity.look(frame.pixels, frame.time_ns)  # every period_s, the newest frame
"""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from galago.bundle.preprocess import Pixels
from galago.edge.glance import is_bright, is_dark, is_torn
from galago.edge.health import Health
from galago.edge.reference import Grey, Reference, Thumbnail
from galago.edge.view import Likeness, View

CAUSES: Mapping[str, str] = {
    "camera.frozen": (
        "the camera sends the same picture again and again: unplug it and plug it in again"
    ),
    "camera.dark": "the picture is black: uncover the lens, or give the scene some light at night",
    "camera.bright": (
        "the picture is white: keep sun and lamps out of the lens, or lower the exposure"
    ),
    "camera.torn": (
        "the lower part of the picture is missing: check the cable, and take a smaller size or"
        " fewer frames per second, so that the pictures have time to arrive"
    ),
    "camera.resized": (
        "the pictures have another size than at the start: if that is meant, restart galago"
    ),
    "camera.blurred": (
        "the picture has lost its detail: clean and uncover the lens, and focus it; if the picture"
        " is as it should be, delete the reference picture and restart galago"
    ),
    "camera.moved": (
        "the camera does not see the view that it saw at first: turn it back, or take away what"
        " stands before it; if it hangs as it should, delete the reference picture and restart"
        " galago"
    ),
}

_NS = 1_000_000_000
_LONGEST_S = 1.0  # between two looks: what nobody looked at is no evidence
_SAMPLED_ROWS = 64

# Chosen on photographs, reported on others: bench/false_alarms.py.
_LOST_ENTER, _LOST_LEAVE = 0.50, 0.35  # share of tiles; without a fault, at most 0.39 was lost
_THERE = 0.15  # twice what two unrelated views have in common
_HERE, _NOWHERE = 0.10, 0.08  # in place from there on; another view below
_UNSURE = 0.2  # weight of a view that is nowhere: a large subject may hide it for a while

_SETTLE_S = 1.0  # for exposure and colours of a camera that has just started
_LEARN_EVERY_S, _LEARN_LOOKS = 0.3, 9


@dataclass(frozen=True, slots=True)
class SanitySettings:
    """For how long a picture is wrong before it is told, and well before it is over: seconds.

    `frozen_s`: of a camera whose noise reaches us; `frozen_stream_s`: of a compressed one, which
    repeats the picture of a still scene. `moved_s`: of a view that is elsewhere; five times as long
    where it is nowhere, since a subject may hide it.
    """

    period_s: float = 0.25
    frozen_s: float = 2.0
    frozen_stream_s: float = 20.0
    enter_s: float = 1.5
    leave_s: float = 1.5
    blurred_s: float = 2.5
    moved_s: float = 2.0
    view_over_s: float = 2.0


class Sanity:
    """The judge of one camera's pictures.

    `noisy`: no two frames of this camera are alike, see `Camera`. Without a `reference` one is
    learnt from the first seconds in which nothing is wrong. One thread looks.
    """

    def __init__(
        self,
        health: Health,
        *,
        noisy: bool,
        settings: SanitySettings | None = None,
        reference: Reference | None = None,
    ) -> None:
        times = settings or SanitySettings()
        self._dark = _Evidence(health, "camera.dark", times.enter_s, times.leave_s)
        self._bright = _Evidence(health, "camera.bright", times.enter_s, times.leave_s)
        self._torn = _Evidence(health, "camera.torn", times.enter_s, times.leave_s)
        self._resized = _Evidence(health, "camera.resized", times.period_s, times.period_s)
        self._frozen = _Evidence(health, "camera.frozen", 0.0, times.period_s)
        self._blurred = _Evidence(health, "camera.blurred", times.blurred_s, times.view_over_s)
        self._moved = _Evidence(health, "camera.moved", times.moved_s, times.view_over_s)
        self._same = _Same(times.frozen_s if noisy else times.frozen_stream_s)
        self._clock = _Clock()
        self._shape: tuple[int, ...] = ()
        self._thumbnail = Thumbnail()
        self._learner = _Learner()
        self._view: View | None = None
        self.reference: Reference | None = None
        """What the view is compared with; None until it is learnt."""
        if reference is not None:
            self._compare_with(reference)

    def look(self, pixels: Pixels, time_ns: int) -> None:
        """Judge a frame, (H, W, 3) uint8 RGB; one that is no newer than the last is passed over."""
        if not _is_picture(pixels) or not self._clock.advance(time_ns):
            return
        self._shape = self._shape or pixels.shape
        grey = self._thumbnail(pixels)
        if self._is_whole(pixels, grey):
            self._look_at_view(grey)

    def _is_whole(self, pixels: Pixels, grey: Grey) -> bool:
        """Judge what needs no reference; false where the view cannot be told."""
        dark = self._dark.see(is_dark(grey, already=self._dark.told), self._clock)
        bright = self._bright.see(is_bright(grey, already=self._bright.told), self._clock)
        resized = self._resized.see(pixels.shape != self._shape, self._clock)
        torn = self._torn.see(is_torn(pixels, self.reference), self._clock)
        same = self._same.look(pixels, self._clock)
        frozen = self._frozen.see(same and not (dark or bright), self._clock)
        return not (dark or bright or resized or torn or frozen)

    def _look_at_view(self, grey: Grey) -> None:
        if self._view is None:
            learnt = self._learner.look(grey, self._clock)
            if learnt is not None:
                self._compare_with(learnt)
            return
        # This look alone: in the average of several, leaves that move have lost their detail.
        likeness = self._view.compare(grey.astype(np.float32))
        if likeness is None:
            return
        lost = _is_blurred(likeness, already=self._blurred.told)
        self._blurred.see(lost, self._clock)
        if self._view.tells_place:
            self._moved.see(_degree_moved(likeness, blurred=bool(lost)), self._clock)

    def _compare_with(self, reference: Reference) -> None:
        self.reference, self._view = reference, View(reference)


def _is_picture(pixels: Pixels) -> bool:
    return (
        pixels.ndim == 3 and pixels.shape[2] == 3 and pixels.size > 0 and pixels.dtype == np.uint8
    )


def _is_blurred(likeness: Likeness, *, already: bool) -> bool | None:
    if likeness.lost is None:
        return None
    return likeness.lost >= (_LOST_LEAVE if already else _LOST_ENTER)


def _degree_moved(likeness: Likeness, *, blurred: bool) -> float | None:
    """How surely the view is another, 0–1; None: no telling."""
    if likeness.there >= _THERE and likeness.here < 0.5 * likeness.there:
        return 1.0
    if likeness.here >= _HERE:
        return 0.0
    return None if blurred or likeness.here > _NOWHERE else _UNSURE


class _Clock:
    """The time of the newest look, and how long after the one before it."""

    def __init__(self) -> None:
        self.time_ns: int | None = None
        self.elapsed_s = 0.0

    def advance(self, time_ns: int) -> bool:
        """False where the time is not later than before."""
        if self.time_ns is not None:
            if time_ns <= self.time_ns:
                return False
            self.elapsed_s = min((time_ns - self.time_ns) / _NS, _LONGEST_S)
        self.time_ns = time_ns
        return True


class _Evidence:
    """One state: evidence for it grows while a look finds it, and goes while a look does not."""

    def __init__(self, health: Health, name: str, enter_s: float, leave_s: float) -> None:
        self.told = False
        self._health, self._name = health, name
        self._enter_s, self._leave_s = enter_s, leave_s
        self._level = 0.0  # told at 1, over at 0

    def see(self, wrong: float | None, clock: _Clock) -> bool:
        """Take what a look finds: 0 to 1, None nothing; true where it finds the state."""
        if wrong is None:
            return False
        if wrong:
            self._level += 1.0 if not self._enter_s else wrong * clock.elapsed_s / self._enter_s
        else:
            self._level -= clock.elapsed_s / self._leave_s
        self._level = min(max(self._level, 0.0), 1.0)
        if self.told != (self._level > 0 if self.told else self._level >= 1):
            self.told = not self.told
            cause = CAUSES[self._name] if self.told else None
            self._health.report(self._name, cause, clock.time_ns or 0)
        return wrong > 0


class _Same:
    """Whether a camera has shown the same picture for `limit_s`."""

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s
        self._digest: int | None = None
        self._seconds = 0.0

    def look(self, pixels: Pixels, clock: _Clock) -> bool:
        digest = zlib.crc32(pixels[:: max(len(pixels) // _SAMPLED_ROWS, 1)].tobytes())
        if digest != self._digest:
            self._digest, self._seconds = digest, 0.0
            return False
        self._seconds += clock.elapsed_s
        return self._seconds >= self._limit_s


class _Learner:
    """Takes the reference from looks at a view in which nothing is wrong."""

    def __init__(self) -> None:
        self._first_ns: int | None = None
        self._looks: list[Grey] = []

    def look(self, grey: Grey, clock: _Clock) -> Reference | None:
        now = clock.time_ns or 0
        if self._first_ns is None:
            self._first_ns = now
        due_s = _SETTLE_S + len(self._looks) * _LEARN_EVERY_S
        if now - self._first_ns >= due_s * _NS:
            self._looks.append(grey.copy())
        if len(self._looks) < _LEARN_LOOKS:
            return None
        looks, self._looks = self._looks, []
        return Reference.of(looks)
