"""The daemon's own code over a recorded clip, scored against what was really there.

- Every frame is looked at, or so many a second, and time is the clip's own: the same clip gives the
  same result.
- An event is found when its label is announced while it lasts, or just before.

    told = record(classifier, Path("clip.mp4"), DecisionSettings()).announcements
    print(as_text(score(told, read_truth(Path("clip.json")))))
"""

import json
import statistics
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from galago.bundle.classifier import Classifier, Scores
from galago.edge.camera import Camera, Frame, open_camera
from galago.edge.decision import NOTHING, UNKNOWN, Decision, DecisionSettings, decide
from galago.edge.loop import Loop, LoopSettings
from galago.edge.rules import Rules
from galago.errors import UsageError

EARLY_S = 0.5  # an announcement so long before the truth's start is about the same thing
_ROUNDING_NS = 1000  # of times in clips


@dataclass(frozen=True, slots=True)
class Interval:
    """What is to be seen from `start_s` to `end_s` of the clip."""

    label: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Announcement:
    """A change of label that the daemon made, at a time of the clip."""

    label: str
    time_s: float


@dataclass(frozen=True, slots=True)
class Score:
    """How well announcements fit the truth.

    `precision`: share of the announcements that are right. `recall`: share of the true events that
    were announced. `median_delay_s`: None where nothing was found.
    """

    precision: float
    recall: float
    false_per_hour: float
    median_delay_s: float | None
    n_truth: int
    n_found: int
    n_false: int

    def to_dict(self) -> dict[str, Any]:
        """The document that `galago replay --json` prints."""
        return asdict(self)


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """What the model made of a clip, once: the decision on it can be tried again and again.

    `looks`: nanoseconds since the clip's start, and scores (classes,) float32. `announcements`: of
    the daemon's loop itself.
    """

    looks: list[tuple[int, Scores]]
    announcements: list[Announcement]


def record(
    classifier: Classifier, clip: Path, settings: DecisionSettings, rate: float | None = None
) -> Record:
    """Let the daemon's loop look at a clip: every frame, or `rate` a second.

    Raises:
        CameraError: the clip cannot be played.
        UsageError: the settings do not suit the model.
    """
    looks: list[tuple[int, Scores]] = []
    announcements: list[Announcement] = []

    def opener() -> Camera:
        camera = open_camera(f"file:{clip}?pace=max")
        return camera if rate is None else Sparse(camera, rate)

    with Loop(opener, classifier, threading.Event(), LoopSettings(decision=settings)) as loop:
        start_ns: int | None = None
        for seen in loop:
            start_ns = seen.frame.time_ns if start_ns is None else start_ns
            time_ns = seen.frame.time_ns - start_ns
            looks.append((time_ns, seen.scores))
            if seen.changed:
                announcements += _announced(seen.decision, time_ns, classifier.labels)
    return Record(looks, announcements)


def announce(
    looks: list[tuple[int, Scores]], rules: Rules, labels: tuple[str, ...]
) -> list[Announcement]:
    """What the daemon would have announced by other rules."""
    announcements: list[Announcement] = []
    told, state = NOTHING, None
    for time_ns, scores in looks:
        state = decide(state, scores, time_ns, rules)
        if state.told.label != told.label:
            announcements += _announced(state, time_ns, labels)
        told = state.told
    return announcements


class Sparse:
    """A recording of which only so many frames a second are looked at, by the clip's own time."""

    def __init__(self, camera: Camera, rate: float) -> None:
        self.source, self.detail, self.live = camera.source, camera.detail, camera.live
        self.noisy, self.patience_s = camera.noisy, camera.patience_s
        self._camera, self._period_ns = camera, 1e9 / rate
        self._due_ns: float | None = None

    def __iter__(self) -> Iterator[Frame]:
        for frame in self._camera:
            due_ns = frame.time_ns if self._due_ns is None else self._due_ns
            if frame.time_ns < due_ns - _ROUNDING_NS:
                frame.release()
                continue
            late = (frame.time_ns - due_ns + _ROUNDING_NS) // self._period_ns
            self._due_ns = due_ns + (late + 1) * self._period_ns
            yield frame

    def close(self) -> None:
        """Close the recording."""
        self._camera.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def as_text(score: Score) -> str:
    """The same for a terminal."""
    delay = "none" if score.median_delay_s is None else f"{score.median_delay_s:.2f} s"
    return (
        f"{score.n_found} of {score.n_truth} events found (recall {score.recall:.1%}), "
        f"precision {score.precision:.1%}\n"
        f"{score.false_per_hour:.1f} false alarms per hour, median delay {delay}"
    )


def score(announcements: list[Announcement], truth: list[Interval]) -> Score:
    """Match announcements with true events, each at most once."""
    delays_s: list[float] = []
    unmatched = list(announcements)
    for interval in truth:
        match = next((found for found in unmatched if _is_about(found, interval)), None)
        if match is not None:
            unmatched.remove(match)
            delays_s.append(match.time_s - interval.start_s)
    hours = (truth[-1].end_s - truth[0].start_s) / 3600
    return Score(
        precision=len(delays_s) / len(announcements) if announcements else 0.0,
        recall=len(delays_s) / len(truth),
        false_per_hour=len(unmatched) / hours,
        median_delay_s=round(statistics.median(delays_s), 3) if delays_s else None,
        n_truth=len(truth),
        n_found=len(delays_s),
        n_false=len(unmatched),
    )


def read_truth(path: Path) -> list[Interval]:
    """Read what is to be seen: `{"events": [{"label", "start_s", "end_s"}, …]}`.

    Raises:
        UsageError: the file has another form.
        OSError: it cannot be read.
    """
    try:
        events = json.loads(path.read_text(encoding="utf-8"))["events"]
        truth = [
            Interval(str(event["label"]), float(event["start_s"]), float(event["end_s"]))
            for event in events
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(
            f'{path} is not a truth file: expected {{"events": [{{"label", "start_s", "end_s"}}, '
            f"…]}}, as galago sample writes it ({error})"
        ) from error
    if not truth or truth[-1].end_s <= truth[0].start_s:
        raise UsageError(f"{path} names no event of any length")
    return truth


def _announced(decision: Decision, time_ns: int, labels: tuple[str, ...]) -> list[Announcement]:
    """One, or none where it is only told that nothing is certain."""
    label = decision.told.label
    return [] if label == UNKNOWN else [Announcement(labels[label], round(time_ns / 1e9, 3))]


def _is_about(found: Announcement, interval: Interval) -> bool:
    starts_s = interval.start_s - EARLY_S
    return found.label == interval.label and starts_s <= found.time_s < interval.end_s
