"""The thread that judges the daemon and its machine, and writes each minute down."""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from galago.edge.event import Event
from galago.edge.record import Minute, Record
from galago.edge.regions import Region
from galago.edge.store.reader import Reader
from galago.edge.store.recorder import Recorder
from galago.edge.store.settings import StoreSettings
from galago.edge.vitals.judges import Disk
from galago.edge.vitals.settings import HealthSettings
from galago.edge.vitals.watch import Watch
from tests.edge.vitals.parts import NS, Parts

NOON = 1_795_608_000.0  # 2026-11-25 12:00:00 UTC
YEAR_S = 365 * 86_400
QUIET = HealthSettings(quiet_hours=2.0)


class Life:
    """A watch that looks once a second; monotonic time begins at its start, UTC where it is set."""

    def __init__(self, parts: Parts, settings: HealthSettings | None = None) -> None:
        self.minutes: list[Minute] = []
        self.parts, self.utc_s = parts, NOON + 20
        self.now_ns = parts.pulse.started_ns
        self.sources = parts.sources()
        self.watch = Watch(self.sources, settings or HealthSettings(), None, self.minutes.append)

    def goes_on(self, seconds: int, rate: int = 0) -> None:
        for _ in range(seconds):
            self.now_ns += NS
            self.utc_s += 1
            for _ in range(rate):
                self.parts.pulse.beat(time.monotonic_ns() - 20_000_000)
            self.watch.look(self.now_ns, self.utc_s)

    @property
    def wrong(self) -> set[str]:
        return set(self.parts.health.states)


def eventually(what: Callable[[], bool]) -> bool:
    """Whether it comes true within a few seconds."""
    deadline = time.monotonic() + 10
    while not what() and time.monotonic() < deadline:
        time.sleep(0.02)
    return what()


def test_each_minute_has_its_row(parts: Parts) -> None:
    """Pictures, seconds by region and label, pace, heat: named by the UTC minute that ended."""
    parts.machine("sys/class/thermal/thermal_zone0/temp", "51500\n")
    life = Life(parts)
    parts.sees("circle", life.now_ns)
    life.goes_on(40, rate=3)  # 12:00:20 to 12:01
    parts.sees("square", life.now_ns)
    parts.sees("empty", life.now_ns, Region("door", 0, 0, 1, 1))
    parts.dropped = 7
    life.goes_on(60, rate=2)
    first, second = life.minutes
    assert (first.minute, second.minute) == (round(NOON) // 60, round(NOON) // 60 + 1)
    assert (first.frames, second.frames) == (120, 120)
    assert (first.dropped, second.dropped) == (0, 7)
    assert set(first.seconds) == {(None, "circle")}
    assert first.seconds[None, "circle"] == pytest.approx(39, abs=1)
    assert second.seconds == {(None, "square"): 60, ("door", "empty"): 60}
    assert (first.celsius, first.health) == (51.5, ())
    assert 19_000 < first.p50_us <= first.p99_us


def test_what_was_wrong_for_a_moment_is_in_its_minute(parts: Parts) -> None:
    """Also what came and went between two looks; not in the next one."""
    life = Life(parts)
    life.goes_on(10)
    parts.health.report("camera.dark", "black", 1)
    parts.health.report("camera.dark", None, 2)
    parts.health.report("web.failed", "killed", 3)
    life.goes_on(90)
    parts.health.report("web.failed", None, 4)
    life.goes_on(120)
    assert [minute.health for minute in life.minutes] == [
        ("camera.dark", "web.failed"),
        ("web.failed",),
        ("web.failed",),  # for the first second of it
        (),
    ]


@pytest.mark.parametrize("jump_s", [YEAR_S, -YEAR_S, 3600, -90, 17])
def test_a_clock_that_jumps_changes_names_and_nothing_else(parts: Parts, jump_s: int) -> None:
    """Half a day with a jump in it: no picture and no second is lost or twice, nothing is told."""
    life = Life(parts, QUIET)
    parts.sees("circle", life.now_ns)
    life.goes_on(1000, rate=1)
    life.utc_s += jump_s
    life.goes_on(1000, rate=1)
    minutes = life.minutes
    assert 30 <= len(minutes) <= 34
    assert sum(minute.frames for minute in minutes) == pytest.approx(2000, abs=60)
    seconds = [minute.seconds[None, "circle"] for minute in minutes]
    assert sum(seconds) == pytest.approx(2000, abs=60)
    assert all(29 <= lasted <= 91 for lasted in seconds)
    assert abs(minutes[-1].minute - life.utc_s // 60) <= 1
    assert {*life.wrong} <= {"clock.unsynchronised"}


def test_silence_is_measured_without_the_wall_clock(parts: Parts) -> None:
    """A year that only the clock has seen is no silence; two hours are, until the next event."""
    life = Life(parts, QUIET)
    parts.sees("circle", life.now_ns)
    life.goes_on(5)
    life.utc_s += YEAR_S
    life.goes_on(60)
    assert "events.quiet" not in life.wrong
    life.now_ns += 2 * 3600 * NS
    life.goes_on(5)
    assert "events.quiet" in life.wrong
    parts.sees("square", life.now_ns)
    life.goes_on(5)
    assert "events.quiet" not in life.wrong


def test_a_silence_is_one_line_in_the_log(parts: Parts) -> None:
    """How long it lasts is read where the state is shown."""
    told: list[str] = []
    parts.health.listen(lambda change: told.append(change.state.name))
    life = Life(parts, QUIET)
    causes = set()
    for _ in range(10):
        life.now_ns += 3600 * NS
        life.goes_on(5)
        causes |= {s.cause for s in parts.health.states.values() if s.name == "events.quiet"}
    assert told.count("events.quiet") == 1
    assert len(causes) > 5


def test_a_camera_that_gives_nothing_sees_nothing(parts: Parts) -> None:
    """The last label does not go on being seen, and the loop is not called slow for it."""
    life = Life(parts, HealthSettings(min_rate=1.0))
    parts.sees("circle", life.now_ns)
    parts.health.report("camera.stalled", "gives no frame", life.now_ns)
    life.goes_on(200)
    assert [minute.seconds for minute in life.minutes] == [{}] * len(life.minutes)
    assert "loop.slow" not in life.wrong
    parts.health.report("camera.stalled", None, life.now_ns)
    life.goes_on(50)
    assert "loop.slow" not in life.wrong
    life.goes_on(15)
    assert "loop.slow" in life.wrong


def test_a_loop_that_has_just_begun_is_not_slow(parts: Parts) -> None:
    """Its rate is of a whole minute; then it is."""
    life = Life(parts, HealthSettings(min_rate=1.0))
    life.goes_on(59)
    assert "loop.slow" not in life.wrong
    life.goes_on(6)
    assert "loop.slow" in life.wrong


def test_a_machine_that_is_hot_and_held_back_is_told(parts: Parts) -> None:
    """From what its kernel shows, and over when it says so."""
    life = Life(parts)
    parts.machine("sys/class/thermal/thermal_zone0/temp", "84000\n")
    parts.machine("sys/devices/platform/soc/soc:firmware/get_throttled", "8\n")
    life.goes_on(5)
    assert {"machine.hot", "machine.throttled"} <= life.wrong
    parts.machine("sys/class/thermal/thermal_zone0/temp", "60000\n")
    parts.machine("sys/devices/platform/soc/soc:firmware/get_throttled", "80000\n")
    life.goes_on(310)
    assert not {"machine.hot", "machine.throttled"} & life.wrong


def test_settings_may_be_replaced(parts: Parts) -> None:
    """As a reload does."""
    life = Life(parts)
    parts.machine("sys/class/thermal/thermal_zone0/temp", "70000\n")
    life.goes_on(5)
    assert "machine.hot" not in life.wrong
    life.watch.settings = HealthSettings(hot_celsius=65)
    life.goes_on(5)
    assert "machine.hot" in life.wrong


def test_a_part_that_fails_keeps_nothing_else_from_being_judged(parts: Parts) -> None:
    """It is named, and what it would have said is as it was before."""
    life = Life(parts)
    parts.machine("sys/class/thermal/thermal_zone0/temp", "84000\n")

    def fail() -> int:
        raise OSError(5, "Input/output error")

    life.sources.dropped, life.sources.serving = fail, fail  # type: ignore[assignment]
    parts.sees("circle", life.now_ns)
    life.goes_on(100)
    assert {"machine.hot", "vitals.failed"} <= life.wrong
    cause = parts.health.states["vitals.failed"].cause
    assert "what is seen cannot be had" in cause
    assert cause.count("what is seen") == 1
    life.sources.dropped = lambda: 0
    life.sources.serving = lambda: parts.serving
    life.goes_on(100)
    assert "vitals.failed" not in life.wrong
    assert life.minutes


def test_the_last_day_is_taken_up_after_a_restart(parts: Parts, tmp_path: Path) -> None:
    """Through the real store: what was seen before counts, and drift is told at once."""
    folder = tmp_path / "state"
    folder.mkdir()
    now_s = time.time()
    event = Event(
        time=datetime.fromtimestamp(now_s - 600, UTC).isoformat(timespec="milliseconds"),
        label="circle",
        score=0.9,
        previous=None,
        seconds=0.0,
        snapshot=None,
        model="0" * 64,
        device="porch",
        region=None,
    )
    row = Minute(0, 60, 0, 1, 1, None, (), {(None, "circle"): 60.0})
    with Recorder(folder, StoreSettings(commit_s=0), parts.health, None) as recorder:
        recorder.put(Record(event))
        for ago in range(20 * 60):
            recorder.put_minute(replace(row, minute=int(now_s // 60) - ago))
    with Reader(folder) as reader:
        assert reader.last() == 1
        kept = len(reader.minutes(0, 1 << 40))
    assert kept == 20 * 60
    watch = Watch(parts.sources(), HealthSettings(drift=0.4), Disk(folder, 0))
    watch.recall(time.monotonic_ns(), now_s)
    watch.look(time.monotonic_ns(), now_s)
    assert 'too much "circle"' in parts.health.states["classes.drift"].cause


def test_a_store_that_cannot_be_read_is_nothing_to_recall(parts: Parts, tmp_path: Path) -> None:
    """The recorder tells of it; the watch goes on."""
    (tmp_path / "galago.db").write_bytes(b"no database" * 1000)
    watch = Watch(parts.sources(), HealthSettings(), Disk(tmp_path, 0))
    watch.recall(time.monotonic_ns(), time.time())
    watch.look(time.monotonic_ns(), time.time())
    assert "vitals.failed" not in parts.health.states


def test_it_watches_in_a_thread_of_its_own(parts: Parts, tmp_path: Path) -> None:
    """From entering to leaving; a disk that is as good as full is found."""
    parts.machine("sys/class/thermal/thermal_zone0/temp", "84000\n")
    with Watch(parts.sources(), HealthSettings(), Disk(tmp_path, keep_free_mb=1e9)):
        assert eventually(lambda: {"machine.hot", "disk.full"} <= set(parts.health.states))
