"""A change of label, as it is stored and told to others."""

import json
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from galago.edge.decision import NOTHING, UNKNOWN

if TYPE_CHECKING:  # the page tells events, and has no need of OpenCV
    from galago.edge.loop import Seen


@dataclass(frozen=True, slots=True)
class Event:
    """One change of what is seen, as it is told: its `previous` is the `label` of the one before.

    `time`: UTC, ISO 8601 with milliseconds. `label`, `previous`: a class, "unknown", or None for
    `previous` at the start. `score`: 0–1, smoothed. `seconds`: how long `previous` lasted.
    `snapshot`: name of the picture that was kept, or None. `model`: sha256 of the model file.
    `device`: name of the camera's machine. `region`: name of the part of the picture, None for all.
    """

    time: str
    label: str
    score: float
    previous: str | None
    seconds: float
    snapshot: str | None
    model: str
    device: str
    region: str | None

    def to_json(self) -> str:
        """One line without its end."""
        return json.dumps(asdict(self), ensure_ascii=False)


def make_event(seen: "Seen", labels: tuple[str, ...], model: str, device: str) -> Event:
    """The event of a frame at which the label changed."""
    decision, before = seen.decision, NOTHING if seen.before is None else seen.before.told
    lasted_ns = 0 if before.time_ns is None else decision.time_ns - before.time_ns
    return Event(
        time=utc(decision.time_ns).isoformat(timespec="milliseconds"),
        label=name(decision.label, labels),
        score=round(decision.score, 4),
        previous=None if before.time_ns is None else name(before.label, labels),
        seconds=round(lasted_ns / 1e9, 3),
        snapshot=None,
        model=model,
        device=device,
        region=seen.region.name,
    )


def name(label: int, labels: tuple[str, ...]) -> str:
    """The label's name; "unknown" where there is none."""
    return "unknown" if label == UNKNOWN else labels[label]


def utc(time_ns: int) -> datetime:
    """The wall clock's reading at a monotonic time.

    From both clocks as they are now, not as they were at start: a Pi sets its clock late.
    """
    ago = timedelta(microseconds=(time.monotonic_ns() - time_ns) / 1000)
    return datetime.now(UTC) - ago
