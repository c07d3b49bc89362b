"""What Prometheus reads."""

import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable

from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from galago.edge.regions import Region
from galago.edge.vitals.document import PublisherFacts, StoreFacts
from galago.edge.vitals.metrics import exposition
from galago.edge.vitals.status import Reporter
from tests.edge.vitals.parts import Parts

NASTY = 'a "quoted" back\\slash\nand a line — ü'


def everything(parts: Parts) -> Reporter:
    """A document with something in every place."""
    parts.machine("sys/class/thermal/thermal_zone0/temp", "61835\n")
    parts.machine("sys/devices/platform/soc/soc:firmware/get_throttled", "50004\n")
    parts.machine("proc/meminfo", "MemTotal: 1000 kB\nMemAvailable: 512000 kB\n")
    parts.sees("circle", 5)
    parts.sees("unknown", 5, Region(NASTY, 0, 0, 1, 1))
    parts.health.report("camera.dark", "black", 5)
    parts.health.report("publisher.mqtt", "nobody answers", 5)
    for ms in (0.4, 3, 20, 20_000):
        parts.pulse.beat(parts.pulse.started_ns - round(ms * 1e6))
    parts.dropped = 3
    sources = parts.sources()
    sources.device = NASTY
    sources.store = lambda: StoreFacts(
        events=70,
        pending=1,
        lost=2,
        snapshots=5,
        snapshots_mb=1.5,
        keep_mb=2000,
        disk_free_mb=900.0,
        busy_s=0.0,
    )
    sources.publishers = lambda: [
        PublisherFacts(
            name="mqtt",
            kind="mqtt",
            connected=False,
            backlog=12,
            acknowledged=58,
            dropped=4,
            error="nobody answers",
        )
    ]
    return Reporter(sources)


def read(parts: Parts) -> dict[str, Metric]:
    text = exposition(everything(parts).document()).decode()
    return {family.name: family for family in text_string_to_metric_families(text)}


def values(family: Metric) -> dict[tuple[str, ...], float]:
    """By name of the sample and its labels' values, sorted by the labels' names."""
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for sample in family.samples
    }


def test_figures_of_the_document_are_found_again(parts: Parts) -> None:
    """Under the names and units that Prometheus asks for."""
    found = read(parts)
    single = {
        sample.name: sample.value
        for family in found.values()
        for sample in family.samples
        if not sample.labels
    }
    assert single["galago_frames_total"] == 4
    assert single["galago_frames_dropped_total"] == 3
    assert single["galago_machine_temperature_celsius"] == 61.835
    assert single["galago_machine_throttled"] == 1
    assert single["galago_machine_memory_available_bytes"] == 500 * 2**20
    assert single["galago_store_snapshots_bytes"] == 1_500_000
    assert single["galago_store_events_lost_total"] == 2
    assert single["galago_health_level"] == 1
    state = values(found["galago_health_state"])
    assert state["galago_health_state", "camera.dark"] == 1
    assert state["galago_health_state", "publisher.mqtt"] == 1
    assert state["galago_health_state", "camera.moved"] == 0
    backlog = values(found["galago_publisher_backlog"])
    assert backlog == {("galago_publisher_backlog", "mqtt", "mqtt"): 12}
    seen = values(found["galago_class_seen"])
    assert seen["galago_class_seen", "circle", ""] == 1
    assert seen["galago_class_seen", "unknown", ""] == 0


def test_the_histogram_is_one_to_prometheus(parts: Parts) -> None:
    """Cumulative, with +Inf for all, a count and a sum."""
    family = read(parts)["galago_capture_to_decision_seconds"]
    assert family.type == "histogram"
    found = values(family)
    name = "galago_capture_to_decision_seconds"
    buckets = [value for (sample, *_), value in found.items() if sample == f"{name}_bucket"]
    assert buckets == sorted(buckets)
    assert found[f"{name}_bucket", "0.0005"] <= 1
    assert found[f"{name}_bucket", "10.0"] == 3
    assert found[f"{name}_bucket", "+Inf"] == found[f"{name}_count",] == 4
    assert 20.02 < found[f"{name}_sum",] < 40


def test_any_text_is_carried_whole(parts: Parts) -> None:
    """Quotes, lines and letters of a device's or a region's name are escaped, and come back."""
    found = read(parts)
    assert {sample.labels["device"] for sample in found["galago_info"].samples} == {NASTY}
    assert {sample.labels["region"] for sample in found["galago_class_score"].samples} == {
        "",
        NASTY,
    }


def test_the_text_is_as_promtool_wants_it(parts: Parts) -> None:
    """Help and type for each, base units, counters that say so, no time, nothing twice."""
    text = exposition(everything(parts).document()).decode()
    assert text.endswith("\n")
    types = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE))
    assert set(re.findall(r"^# HELP (\S+) .+$", text, re.MULTILINE)) == set(types)
    for name, kind in types.items():
        assert re.fullmatch(r"galago(_[a-z]+)+", name)
        assert name.endswith("_total") == (kind == "counter"), name
        assert not re.search(r"_(ms|mb|percent|minutes|hours|count|sum|bucket)(_|$)", name)
    samples = [line for line in text.splitlines() if not line.startswith("#")]
    assert_unique(line.rpartition(" ")[0] for line in samples)
    for line in samples:
        assert re.fullmatch(r"[a-z_]+(\{.*\})? [-+.e0-9]+", line), line


def test_a_label_may_be_called_unknown(parts: Parts) -> None:
    """Then it is one sample, not two of one name, which Prometheus refuses."""
    document = everything(parts).document()
    document["now"][0]["scores"]["unknown"] = 0.1
    text = exposition(document).decode()
    assert_unique(line.rpartition(" ")[0] for line in text.splitlines() if line[0] != "#")


def test_what_is_not_known_is_left_out(parts: Parts) -> None:
    """No zero degrees where there is no thermometer, no store where nothing is kept."""
    text = exposition(Reporter(parts.sources()).document()).decode()
    for absent in ("temperature", "throttled", "store", "available"):
        assert f"galago_{absent}" not in text
        assert f"galago_machine_{absent}" not in text
    assert "galago_frames_total 0.0" in text


def test_a_document_of_parts_that_all_fail_is_still_told(parts: Parts) -> None:
    """The one time when somebody looks at the figures."""
    sources = parts.sources()

    def fail() -> int:
        raise OSError(5, "Input/output error")

    sources.dropped, sources.serving, sources.camera = fail, fail, fail  # type: ignore[assignment]
    text = exposition(Reporter(sources).document()).decode()
    assert 'galago_health_state{name="status.incomplete"} 1.0' in text


def test_the_document_does_without_prometheus() -> None:
    """It comes with the web extra; a camera without a page has it not."""
    program = (
        "import sys, galago.edge.vitals.status, galago.edge.vitals.watch;"
        "sys.exit('prometheus_client' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def assert_unique(things: Iterable[str]) -> None:
    assert [thing for thing, count in Counter(things).items() if count > 1] == []
