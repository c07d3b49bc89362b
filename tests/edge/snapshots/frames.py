"""What the loop would hand over: frames that are counted back, and what was seen in them."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic_ns

import numpy as np

from galago.bundle.classifier import Scores
from galago.bundle.preprocess import Pixels
from galago.edge.camera import Frame
from galago.edge.decision import UNKNOWN, Decision
from galago.edge.event import Event, make_event
from galago.edge.loop import Seen
from galago.edge.record import Record
from galago.edge.regions import WHOLE, Region
from galago.edge.serving import Serving

CERTAIN = (0.02, 0.96, 0.02)
DOUBT = (0.48, 0.04, 0.48)
LOW = (0.34, 0.33, 0.33)


@dataclass
class Lent:
    """Counts frames that are out."""

    out: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def frame(self, pixels: Pixels, time_ns: int | None = None) -> Frame:
        """One that is held once, as the loop holds it."""
        with self.lock:
            self.out += 1
        return Frame(pixels, monotonic_ns() if time_ns is None else time_ns, 0, self._back)

    def _back(self) -> None:
        with self.lock:
            self.out -= 1


def scores(*values: float) -> Scores:
    return np.array(values, np.float32)


def seen(frame: Frame, values: tuple[float, ...] = CERTAIN, region: Region = WHOLE) -> Seen:
    """That these scores, three, have lasted for a second."""
    best = scores(*values)
    label = int(best.argmax()) if best.max() > 0.6 else UNKNOWN
    decision = Decision(best, label, frame.time_ns - 1_000_000_000, frame.time_ns)
    return Seen(frame, region, best, decision, None)


def event(what: Seen, serving: Serving) -> Event:
    return make_event(what, serving.classifier.labels, serving.sha256, "porch")


class Records:
    """Who is given records; a test may wait for them."""

    def __init__(self) -> None:
        self.all: list[Record] = []
        self._came = threading.Condition()

    def put(self, record: Record) -> None:
        with self._came:
            self.all.append(record)
            self._came.notify_all()

    def wait(self, enough: Callable[[list[Record]], bool], timeout_s: float = 30) -> list[Record]:
        """All that came, once they are enough."""
        with self._came:
            assert self._came.wait_for(lambda: enough(self.all), timeout_s), self.all
            return list(self.all)
