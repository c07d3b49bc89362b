"""The status document, made of what the daemon's parts say of themselves.

- Any part may fail: its place is then empty, and "status.incomplete" says why.
- Making it costs the loop nothing; it may be asked for by several threads.

    reporter = Reporter(sources)
    json.dumps(reporter.document())
"""

from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from time import monotonic_ns

from galago.edge.event import name, utc
from galago.edge.vitals.asking import Asking
from galago.edge.vitals.document import (
    CameraFacts,
    HealthFacts,
    Latency,
    LoopFacts,
    MachineFacts,
    ModelFacts,
    NowSeen,
    PublisherFacts,
    StateFacts,
    Status,
    StoreFacts,
)
from galago.edge.vitals.levels import advice, level, ranked
from galago.edge.vitals.sources import Sources

INCOMPLETE = "status.incomplete"


class Reporter:
    """Makes the document."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources

    def document(self) -> Status:
        """Everything as it is now."""
        sources, asking = self._sources, Asking()
        started_ns, now_ns = sources.pulse.started_ns, monotonic_ns()
        loop = asking.of("the loop's pace", self._loop, _no_loop())
        now = asking.of("what is seen", self._now, list[NowSeen]())
        model = asking.of("the model", self._model, _no_model())
        camera = asking.of("the camera", self._camera, _no_camera())
        machine = asking.of("the machine's state", sources.sensors.read, _no_machine())
        store = asking.of("the store's figures", self._store, None)
        publishers = asking.of("who is told", sources.publishers, list[PublisherFacts]())
        sources.health.report(INCOMPLETE, asking.cause, now_ns)
        return Status(
            device=sources.device,
            version=_version(),
            time=_iso(datetime.now(UTC)),
            started=_iso(utc(started_ns)),
            uptime_s=round((now_ns - started_ns) / 1e9, 3),
            model=model,
            camera=camera,
            now=now,
            loop=loop,
            machine=machine,
            store=store,
            publishers=publishers,
            health=self._health(),
        )

    def _model(self) -> ModelFacts:
        serving = self._sources.serving()
        spec = serving.classifier.spec
        return ModelFacts(
            name=serving.facts.name,
            sha256=serving.sha256,
            labels=list(serving.classifier.labels),
            size=[spec.height, spec.width],
            interpreter=serving.verification.interpreter,
            accelerated=serving.verification.accelerated,
            accuracy=serving.facts.accuracy,
            trained=serving.facts.trained,
            probation=self._sources.probation(),
        )

    def _camera(self) -> CameraFacts:
        camera = self._sources.camera()
        return CameraFacts(source=camera.source, detail=camera.detail, live=camera.live)

    def _now(self) -> list[NowSeen]:
        labels = self._sources.serving().classifier.labels
        return [
            NowSeen(
                region=region,
                label=name(decision.label, labels),
                score=round(decision.score, 4),
                since=_iso(utc(decision.since_ns)),
                scores={
                    label: round(float(score), 4)
                    for label, score in zip(labels, decision.scores, strict=True)
                },
            )
            for region, decision in self._sources.live.decisions.items()
            if len(decision.scores) == len(labels)  # of the model before, for one more picture
        ]

    def _loop(self) -> LoopFacts:
        pulse = self._sources.pulse
        minute = pulse.last_minute()
        return LoopFacts(
            frames=pulse.frames,
            dropped=self._sources.dropped(),
            rate=round(minute.rate, 3),
            p50_ms=minute.p50_ms,
            p99_ms=minute.p99_ms,
            latency=pulse.latency(),
        )

    def _store(self) -> StoreFacts | None:
        return None if self._sources.store is None else self._sources.store()

    def _health(self) -> HealthFacts:
        states = [
            StateFacts(
                name=state.name,
                level=level(state.name),
                cause=state.cause,
                advice=advice(state.name),
                since=_iso(utc(state.since_ns)),
            )
            for state in ranked(self._sources.health.states.values())
        ]
        return HealthFacts(level=states[0]["level"] if states else "ok", states=states)


def _no_model() -> ModelFacts:
    return ModelFacts(
        name="",
        sha256="",
        labels=[],
        size=[],
        interpreter="",
        accelerated=False,
        accuracy=None,
        trained=None,
        probation=None,
    )


def _no_camera() -> CameraFacts:
    return CameraFacts(source="", detail="", live=False)


def _no_loop() -> LoopFacts:
    nothing = Latency(le_s=[], counts=[], sum_s=0.0, count=0)
    return LoopFacts(frames=0, dropped=0, rate=0.0, p50_ms=0.0, p99_ms=0.0, latency=nothing)


def _no_machine() -> MachineFacts:
    return MachineFacts(
        model="",
        celsius=None,
        throttled=None,
        memory_mb=0.0,
        available_mb=None,
        clock_synchronised=None,
    )


def _iso(time: datetime) -> str:
    return time.isoformat(timespec="milliseconds")


@cache
def _version() -> str:
    try:
        return version("galago")
    except PackageNotFoundError:  # run from a copy of the sources
        return "unknown"
