"""A daemon around the page, of real parts, whose camera shows what it is told to.

Real: the recorder, the shelf, what is live, the page. Played: the loop; it offers a picture thirty
times a second and decides what it is told.

    with Camera(folder, WebSettings(port=0), pictures) as camera:
        camera.see("bird")                # an event, with its picture
        camera.page.address
"""

import threading
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic_ns
from typing import Self

import cv2
import numpy as np

from galago.bundle.preprocess import Pixels, as_pixels
from galago.edge.camera import Frame
from galago.edge.decision import Decision
from galago.edge.event import Event
from galago.edge.health import Health
from galago.edge.live import Live
from galago.edge.loop import Seen
from galago.edge.record import Minute, Picture, PictureKind, Record
from galago.edge.regions import WHOLE
from galago.edge.snapshots.place import make_name
from galago.edge.snapshots.settings import SnapshotSettings
from galago.edge.snapshots.shelf import Shelf
from galago.edge.store.recorder import Recorder
from galago.edge.store.settings import StoreSettings
from galago.edge.vitals.document import StateFacts, Status
from galago.edge.vitals.levels import LEVELS, advice, level
from galago.edge.web.process import Page
from galago.edge.web.settings import WebSettings

MODEL = "3f" * 32
PERIOD_S = 1 / 30
READY_S = 20.0

Pictures = Mapping[str, Sequence[Pixels]]


class Camera:
    """What is seen by label: `pictures`, (H, W, 3) uint8 RGB each, shown in turn."""

    def __init__(self, folder: Path, settings: WebSettings, pictures: Pictures) -> None:
        self.folder, self.pictures = folder, pictures
        self.labels = tuple(pictures)
        self.health, self.live = Health(), Live()
        shelf = Shelf(folder, SnapshotSettings(keep_free_mb=0), self.health)
        quick = StoreSettings(folder=folder, commit_s=0)
        self.recorder = Recorder(folder, quick, self.health, shelf)
        self.page = Page(settings, folder, self.live, self.status, self.health)
        self.frames = 0
        self.asked = 0
        self.is_stalled = False
        self.label, self.score = self.labels[0], 0.97
        self.started = datetime.now(UTC)
        self.since_ns = monotonic_ns()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="loop")
        self._open = ExitStack()

    def __enter__(self) -> Self:
        self._open.enter_context(self.recorder)
        self._open.enter_context(self.page)
        self._open.callback(self._thread.join)
        self._open.callback(self._stop.set)
        self._thread.start()
        if not self.page.wait(READY_S):
            self._open.close()
            raise RuntimeError(f"no page: {self.health.states}")
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    @property
    def address(self) -> str:
        address = self.page.address
        assert address is not None
        return address.rstrip("/")

    def see(self, label: str, score: float = 0.97, *, pictured: bool = True) -> str | None:
        """Decide on another label, now; returns the picture's name."""
        before, since_ns = self.label, self.since_ns
        self.label, self.score, self.since_ns = label, score, monotonic_ns()
        seconds = (self.since_ns - since_ns) / 1e9
        return self.record(label, score, before, seconds, pictured=pictured)

    def record(  # noqa: PLR0913 - an event has as many sides
        self,
        label: str,
        score: float,
        previous: str | None,
        seconds: float,
        time: datetime | None = None,
        *,
        pictured: bool = True,
    ) -> str | None:
        """Have an event written, of now or of another time."""
        time = time or datetime.now(UTC)
        picture = self._picture("event", label, score, time) if pictured else None
        name = picture.name if picture else None
        event = Event(
            time.isoformat(timespec="milliseconds"),
            label,
            score,
            previous,
            round(seconds, 3),
            name,
            MODEL,
            "feeder",
            None,
        )
        self.recorder.put(Record(event, picture))
        return name

    def wonder(self, label: str, score: float, time: datetime | None = None) -> str:
        """Have a picture kept for labelling."""
        picture = self._picture("uncertain", label, score, time or datetime.now(UTC))
        self.recorder.put(Record(None, picture))
        return picture.name

    def pass_time(self, hours: int, shares: Mapping[str, Sequence[float]]) -> None:
        """Have minutes written for past hours; `shares`: seconds in a minute, by hour of day."""
        now = datetime.now(UTC)
        for ago in range(hours * 60, 0, -5):
            then = now - timedelta(minutes=ago)
            seconds: dict[tuple[str | None, str], float] = {
                (None, label): 5 * by_hour[then.hour] for label, by_hour in shares.items()
            }
            minute = int(then.timestamp() // 60)
            self.recorder.put_minute(Minute(minute, 9000, 0, 900, 2100, 52.0, (), seconds))

    def status(self) -> Status:
        self.asked += 1
        scores = dict.fromkeys(self.labels, (1 - self.score) / max(len(self.labels) - 1, 1))
        scores[self.label] = self.score
        now = datetime.now(UTC)
        states = self._states(now)
        return {
            "device": "feeder",
            "version": "0.1.0",
            "time": now.isoformat(timespec="milliseconds"),
            "started": self.started.isoformat(timespec="milliseconds"),
            "uptime_s": (now - self.started).total_seconds(),
            "model": {
                "name": "feeder.tflite",
                "sha256": MODEL,
                "labels": list(self.labels),
                "size": [96, 96],
                "interpreter": "LiteRT 2.3.0",
                "accelerated": True,
                "accuracy": 0.993,
                "trained": "2026-11-20T10:12:00.000+00:00",
                "probation": None,
            },
            "camera": {"source": "picamera2", "detail": "1536 × 864, 30 fps", "live": True},
            "now": [
                {
                    "region": None,
                    "label": self.label,
                    "score": self.score,
                    "since": _ago(now, self.since_ns),
                    "scores": scores,
                }
            ],
            "loop": {
                "frames": self.frames,
                "dropped": 3,
                "rate": 30.0,
                "p50_ms": 6.2,
                "p99_ms": 11.8,
                "latency": {"le_s": [0.01, 0.1], "counts": [90, 100], "sum_s": 0.7, "count": 100},
            },
            "machine": {
                "model": "Raspberry Pi Zero 2 W Rev 1.0",
                "celsius": 52.1,
                "throttled": [],
                "memory_mb": 98.0,
                "available_mb": 180.0,
                "clock_synchronised": True,
            },
            "store": self.recorder.facts(),
            "publishers": [
                {
                    "name": "mqtt",
                    "kind": "mqtt",
                    "connected": True,
                    "backlog": 0,
                    "acknowledged": 41,
                    "dropped": 0,
                    "error": None,
                }
            ],
            "health": {
                "level": max((s["level"] for s in states), key=LEVELS.index, default="ok"),
                "states": states,
            },
        }

    def _states(self, now: datetime) -> list[StateFacts]:
        return [
            {
                "name": state.name,
                "level": level(state.name),
                "cause": state.cause,
                "advice": advice(state.name),
                "since": _ago(now, state.since_ns),
            }
            for state in self.health.states.values()
        ]

    def _run(self) -> None:
        while not self._stop.wait(PERIOD_S):
            if self.is_stalled:
                continue
            self.frames += 1
            shown = self.pictures[self.label]
            pixels = shown[self.frames // 15 % len(shown)].copy()
            pixels[-1, self.frames % pixels.shape[1]] = 255  # no two frames alike
            frame = Frame(pixels, monotonic_ns(), self.frames)
            scores = np.full(len(self.labels), 0.01, np.float32)
            index = self.labels.index(self.label) if self.label in self.labels else -1
            decision = Decision(scores, index, self.since_ns, frame.time_ns)
            self.live.offer(Seen(frame, WHOLE, scores, decision, None))
            frame.release()

    def _picture(self, kind: PictureKind, label: str, score: float, time: datetime) -> Picture:
        shown = self.pictures.get(label) or self.pictures[self.labels[0]]
        pixels = shown[int(time.timestamp()) % len(shown)]
        height, width = pixels.shape[:2]
        side, left = min(height, width), (width - min(height, width)) // 2
        crop = pixels[:side, left : left + side]
        small = cv2.resize(pixels, (160, max(1, 160 * height // width)))
        name = make_name(time, label, None)
        full, cropped, thumbnail = _jpeg(pixels), _jpeg(crop), _jpeg(as_pixels(small))
        time_ms = int(time.timestamp() * 1000)
        return Picture(name, kind, time_ms, label, score, None, MODEL, full, cropped, thumbnail)


def _ago(now: datetime, time_ns: int) -> str:
    then = now - timedelta(microseconds=(monotonic_ns() - time_ns) / 1000)
    return then.isoformat(timespec="milliseconds")


def _jpeg(pixels: Pixels) -> bytes:
    _, data = cv2.imencode(".jpg", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))
    return data.tobytes()


def colours(*labels: str) -> Pictures:
    """Pictures without a demo: one colour a label; some labels come first."""
    tones = {"empty": (90, 120, 90), "bird": (60, 90, 190), "squirrel": (180, 110, 60)}
    order = dict.fromkeys((*labels, *tones))
    return {label: [np.full((240, 320, 3), tones[label], np.uint8)] for label in order}
