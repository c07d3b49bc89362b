"""The status document for Prometheus, in its text format.

- Names and units follow prometheus.io/docs/practices/naming: base units, counters end in _total.
- Nothing is measured here: what the page shows and what Prometheus stores cannot differ.
- What is not known here is left out; no zero stands for it.

    exposition(reporter.document())
"""

from collections.abc import Iterator
from datetime import datetime

from prometheus_client import generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from galago.edge.vitals.document import Status
from galago.edge.vitals.levels import LEVELS, STATES

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_MB = 1_000_000  # as in the document, of disks
_MIB = 1 << 20  # of memory


def exposition(status: Status) -> bytes:
    """What /metrics answers, UTF-8, with CONTENT_TYPE."""
    return generate_latest(_Document(status))


class _Document(Collector):
    """The document as metrics, for one answer."""

    def __init__(self, status: Status) -> None:
        self._status = status

    def collect(self) -> Iterator[Metric]:
        status = self._status
        yield from _about(status)
        yield from _loop(status)
        yield from _seen(status)
        yield from _health(status)
        yield from _machine(status)
        yield from _store(status)
        yield from _publishers(status)


def _about(status: Status) -> Iterator[Metric]:
    model, camera = status["model"], status["camera"]
    yield _gauges(
        "galago_info",
        "What runs here, always 1.",
        {
            "version": status["version"],
            "device": status["device"],
            "model": model["name"],
            "model_sha256": model["sha256"],
            "interpreter": model["interpreter"],
            "camera": camera["source"],
        },
        1,
    )
    started = datetime.fromisoformat(status["started"]).timestamp()
    yield GaugeMetricFamily("galago_start_time_seconds", "When the daemon began, UTC.", started)
    yield GaugeMetricFamily("galago_uptime_seconds", "For how long it runs.", status["uptime_s"])


def _loop(status: Status) -> Iterator[Metric]:
    loop = status["loop"]
    yield CounterMetricFamily("galago_frames", "Pictures looked at.", loop["frames"])
    yield CounterMetricFamily(
        "galago_frames_dropped",
        "Pictures that the camera gave and nobody looked at.",
        loop["dropped"],
    )
    yield GaugeMetricFamily(
        "galago_frame_rate_hertz", "Pictures per second, over the last minute.", loop["rate"]
    )
    latency = loop["latency"]
    buckets = [
        (str(le), count) for le, count in zip(latency["le_s"], latency["counts"], strict=True)
    ]
    yield HistogramMetricFamily(
        "galago_capture_to_decision_seconds",
        "From the capture of a picture to the decision on it.",
        [*buckets, ("+Inf", latency["count"])],
        latency["sum_s"],
    )


def _seen(status: Status) -> Iterator[Metric]:
    scores = GaugeMetricFamily(
        "galago_class_score",
        "Score of each class now, smoothed, 0 to 1; region is empty for the whole picture.",
        labels=["region", "label"],
    )
    seen = GaugeMetricFamily(
        "galago_class_seen", "1 for the label that is seen now.", labels=["region", "label"]
    )
    for now in status["now"]:
        region = now["region"] or ""
        for label, score in now["scores"].items():
            scores.add_metric([region, label], score)
        for label in dict.fromkeys((*now["scores"], "unknown")):  # a class may have that name
            seen.add_metric([region, label], float(label == now["label"]))
    yield scores
    yield seen


def _health(status: Status) -> Iterator[Metric]:
    health = status["health"]
    wrong = {state["name"] for state in health["states"]}
    states = GaugeMetricFamily("galago_health_state", "1 while it is wrong.", labels=["name"])
    for name in sorted(wrong | set(STATES)):
        states.add_metric([name], float(name in wrong))
    yield states
    level = LEVELS.index(health["level"])
    yield GaugeMetricFamily("galago_health_level", "0 ok, 1 warning, 2 error.", level)


def _machine(status: Status) -> Iterator[Metric]:
    machine = status["machine"]
    yield GaugeMetricFamily(
        "galago_resident_memory_bytes", "Memory of the daemon.", machine["memory_mb"] * _MIB
    )
    if machine["available_mb"] is not None:
        yield GaugeMetricFamily(
            "galago_machine_memory_available_bytes",
            "Memory that the machine could still give.",
            machine["available_mb"] * _MIB,
        )
    if machine["celsius"] is not None:
        yield GaugeMetricFamily(
            "galago_machine_temperature_celsius", "The hottest sensor.", machine["celsius"]
        )
    if machine["throttled"] is not None:
        now = any(word.endswith("now") for word in machine["throttled"])
        yield GaugeMetricFamily(
            "galago_machine_throttled", "1 while heat or voltage holds it back.", float(now)
        )
    if machine["clock_synchronised"] is not None:
        yield GaugeMetricFamily(
            "galago_clock_synchronised",
            "Whether the time is had from elsewhere.",
            float(machine["clock_synchronised"]),
        )


def _store(status: Status) -> Iterator[Metric]:
    store = status["store"]
    if store is None:
        return
    yield GaugeMetricFamily("galago_store_events", "Events that are kept.", store["events"])
    yield GaugeMetricFamily(
        "galago_store_events_pending", "Events that wait for the disk.", store["pending"]
    )
    yield CounterMetricFamily(
        "galago_store_events_lost", "Events that found no room to wait.", store["lost"]
    )
    yield GaugeMetricFamily("galago_store_snapshots", "Pictures that are kept.", store["snapshots"])
    for name, help_, key in (
        ("galago_store_snapshots_bytes", "What they take.", "snapshots_mb"),
        ("galago_store_snapshots_limit_bytes", "What they may take.", "keep_mb"),
        ("galago_store_disk_free_bytes", "What the disk has left.", "disk_free_mb"),
    ):
        yield GaugeMetricFamily(name, help_, store[key] * _MB)  # type: ignore[literal-required]


def _publishers(status: Status) -> Iterator[Metric]:
    names = ["publisher", "kind"]
    backlog = GaugeMetricFamily(
        "galago_publisher_backlog", "Events that wait for it.", labels=names
    )
    connected = GaugeMetricFamily(
        "galago_publisher_connected", "Whether it can be reached.", labels=names
    )
    acknowledged = GaugeMetricFamily(
        "galago_publisher_acknowledged_number",
        "Number of the event up to which all have arrived.",
        labels=names,
    )
    dropped = CounterMetricFamily(
        "galago_publisher_dropped",
        "Events given up because too many waited.",
        labels=names,
    )
    for facts in status["publishers"]:
        labels = [facts["name"], facts["kind"]]
        backlog.add_metric(labels, facts["backlog"])
        connected.add_metric(labels, float(facts["connected"]))
        acknowledged.add_metric(labels, facts["acknowledged"])
        dropped.add_metric(labels, facts["dropped"])
    yield from (backlog, connected, acknowledged, dropped)


def _gauges(name: str, help_: str, labels: dict[str, str], value: float) -> Metric:
    family = GaugeMetricFamily(name, help_, labels=list(labels))
    family.add_metric(list(labels.values()), value)
    return family
