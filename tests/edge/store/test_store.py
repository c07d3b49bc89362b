"""What is put is stored whole, in groups, and told when it is safe."""

import threading
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from galago.edge.health import Health
from galago.edge.record import Minute, Record, StoredEvent
from galago.edge.store.reader import Reader
from galago.edge.store.recorder import Recorder
from galago.edge.store.settings import StoreSettings
from galago.edge.store.waiting import MINUTES
from tests.edge.store.helping import (
    AT_ONCE,
    event,
    eventually,
    record,
    recording,
    settled,
    stored,
    values,
)

GROUPED = StoreSettings(commit_s=0.5, commit_events=20)


def minute(number: int, seconds: float = 10.0) -> Minute:
    shares = {(None, "cat"): seconds, ("door", "dog"): 5.0}
    return Minute(number, 100, 1, 2000, 9000, 51.5, ("disk.full", "camera.dark"), shares)


def test_an_event_comes_back_as_it_was_put(tmp_path: Path) -> None:
    """Each field, with all that may be None and some that are not ASCII."""
    events = [
        replace(event(1, "Häher"), region="Tür", snapshot="20261124T215955.123Z_Haher"),
        replace(event(2), previous=None, seconds=0.0),
    ]
    record(tmp_path, *events)
    assert [one.event for one in stored(tmp_path)] == events


def test_a_time_in_another_zone_comes_back_as_the_same_moment(tmp_path: Path) -> None:
    """Only UTC is stored."""
    record(tmp_path, replace(event(1), time="2026-11-24T22:59:55.123+01:00"))
    assert stored(tmp_path)[0].event.time == "2026-11-24T21:59:55.123+00:00"


def test_numbers_count_and_ids_are_of_this_store_alone(tmp_path: Path) -> None:
    """Also over a restart; two stores share no id."""
    record(tmp_path / "a", event(1), event(2))
    record(tmp_path / "a", event(3))
    record(tmp_path / "b", event(1))
    a, b = stored(tmp_path / "a"), stored(tmp_path / "b")
    assert [one.number for one in a] == [1, 2, 3]
    assert [one.id.rpartition("-")[2] for one in a] == ["1", "2", "3"]
    assert len({one.id.rpartition("-")[0] for one in a}) == 1
    assert b[0].id not in {one.id for one in a}


def test_a_lone_event_is_stored_at_once(tmp_path: Path) -> None:
    """It waits for nothing, however long others may wait."""
    with recording(tmp_path, StoreSettings(commit_s=60)) as (recorder, _):
        recorder.put(Record(event(1)))
        assert eventually(lambda: values(tmp_path) == [1])


def test_a_burst_is_stored_in_groups(tmp_path: Path) -> None:
    """After the first, as many together as may be; the rest when its time has come."""
    groups: list[int] = []
    with recording(tmp_path, GROUPED) as (recorder, _):
        recorder.subscribe(lambda events: groups.append(len(events)))
        recorder.put(Record(event(0)))
        assert eventually(lambda: groups == [1])
        for number in range(1, 46):
            recorder.put(Record(event(number)))
        assert eventually(lambda: groups == [1, 20, 20, 5])
    assert values(tmp_path) == list(range(46))


def test_what_waits_is_stored_at_the_end(tmp_path: Path) -> None:
    """However long it might have waited yet."""
    with recording(tmp_path, StoreSettings(commit_s=60)) as (recorder, _):
        recorder.put(Record(event(0)))
        assert settled(recorder)
        recorder.put(Record(event(1)))
        recorder.put_minute(minute(7))
        recorder.register("hook")
        recorder.acknowledge("hook", 1)
    assert values(tmp_path) == [0, 1]
    with Reader(tmp_path) as reader:
        assert reader.minutes(0, 10) == [minute(7)]
    with recording(tmp_path) as (recorder, _):
        assert recorder.register("hook") == 1


def test_what_comes_after_the_end_is_counted_as_lost(tmp_path: Path) -> None:
    """It neither raises nor waits."""
    with recording(tmp_path) as (recorder, _):
        pass
    recorder.put(Record(event(1)))
    assert recorder.facts()["lost"] == 1


def test_events_are_told_when_they_are_in_the_file(tmp_path: Path) -> None:
    """Whoever is told can read them by another connection."""
    told: list[tuple[StoredEvent, StoredEvent | None]] = []
    with recording(tmp_path) as (recorder, _), Reader(tmp_path) as reader:
        recorder.subscribe(
            lambda events: told.extend((one, reader.event(one.number)) for one in events)
        )
        for number in range(5):
            recorder.put(Record(event(number)))
        assert eventually(lambda: len(told) == 5)
    assert all(one == read for one, read in told)


def test_a_listener_that_raises_stops_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The others are told, and what follows is stored."""
    told: list[int] = []

    def broken(_events: list[StoredEvent]) -> None:
        raise ValueError("not my day")

    with recording(tmp_path) as (recorder, _):
        recorder.subscribe(broken)
        recorder.subscribe(lambda events: told.extend(one.number for one in events))
        recorder.put(Record(event(1)))
        assert eventually(lambda: told == [1])
        recorder.put(Record(event(2)))
        assert eventually(lambda: told == [1, 2])
    assert "not my day" in capsys.readouterr().err


def test_what_can_never_be_stored_is_given_up_alone(tmp_path: Path) -> None:
    """The event before it and the one after it are stored; it is counted, and health says so."""
    with recording(tmp_path, GROUPED) as (recorder, health):
        bad = replace(event(3), score=float("nan"))
        for one in (event(1), event(2), bad, event(4), replace(event(5), time="noon"), event(6)):
            recorder.put(Record(one))
        assert eventually(lambda: values(tmp_path) == [1, 2, 4, 6])
        assert recorder.facts()["lost"] == 2
        assert settled(recorder)
        assert eventually(lambda: not health.states)


def test_a_publisher_starts_at_the_last_event_and_goes_on_from_where_it_was(tmp_path: Path) -> None:
    """A new one is not told the past; one that is known is told what it has not had."""
    record(tmp_path, *map(event, range(5)))
    with recording(tmp_path) as (recorder, _):
        assert recorder.register("mqtt") == 5
        assert recorder.register("mqtt") == 5
        recorder.put(Record(event(5)))
        recorder.put(Record(event(6)))
        assert settled(recorder)
        recorder.acknowledge("mqtt", 6)
    with recording(tmp_path) as (recorder, _):
        assert recorder.register("mqtt") == 6
        assert recorder.register("hook") == 7


def test_a_publishers_place_never_goes_back(tmp_path: Path) -> None:
    """Also when acknowledgements come in the wrong order, or the daemon is started again."""
    record(tmp_path, *map(event, range(9)))
    for number in (9, 4):
        with recording(tmp_path) as (recorder, _):
            recorder.register("mqtt")
            recorder.acknowledge("mqtt", number)
            assert recorder.register("mqtt") == 9
    with recording(tmp_path) as (recorder, _):
        assert recorder.register("mqtt") == 9


def test_a_minute_that_comes_twice_is_the_sum(tmp_path: Path) -> None:
    """As when the daemon was started again within it."""
    for _ in range(2):
        with recording(tmp_path) as (recorder, _health):
            recorder.put_minute(minute(9))
    with Reader(tmp_path) as reader:
        (found,) = reader.minutes(9, 10)
    assert (found.frames, found.dropped, found.p99_us) == (200, 2, 9000)
    assert found.seconds == {(None, "cat"): 20.0, ("door", "dog"): 10.0}


def test_shares_are_summed_by_bucket(tmp_path: Path) -> None:
    """By multiples of the step, within what was asked for."""
    with recording(tmp_path) as (recorder, _):
        for number in (59, 60, 61, 119, 120):
            recorder.put_minute(minute(number))
    with Reader(tmp_path) as reader:
        found = reader.shares(60, 121, 60)
    assert [row for row in found if row[1] is None] == [
        (60, None, "cat", 30.0),
        (120, None, "cat", 10.0),
    ]
    assert (60, "door", "dog", 15.0) in found


@pytest.mark.parametrize("count", [110, 260])
def test_the_oldest_events_go_when_there_are_too_many(tmp_path: Path, count: int) -> None:
    """There are never more than are to be kept, and not many less."""
    settings = StoreSettings(commit_s=0.0, keep_events=100)
    record(tmp_path, *map(event, range(count)), settings=settings)
    kept = values(tmp_path)
    assert 90 <= len(kept) <= 100
    assert kept == list(range(count - len(kept), count))


def test_an_event_that_a_publisher_has_yet_to_get_stays(tmp_path: Path) -> None:
    """Until it has it, or gives it up."""
    settings = StoreSettings(commit_s=0.0, keep_events=100)
    with recording(tmp_path, settings) as (recorder, _):
        recorder.register("mqtt")
        recorder.register("hook")
        for number in range(300):
            recorder.put(Record(event(number)))
        assert settled(recorder)
        recorder.acknowledge("hook", 300)
        recorder.put(Record(event(300)))
        assert settled(recorder)
        assert len(values(tmp_path)) == 301
        recorder.acknowledge("mqtt", 250, dropped=250)
        recorder.put(Record(event(301)))
        assert eventually(lambda: len(values(tmp_path)) <= 100)
    assert values(tmp_path)[-1] == 301


def test_a_publisher_of_the_former_run_is_waited_for_after_a_start(tmp_path: Path) -> None:
    """What it has not had stays while it may yet register."""
    settings = StoreSettings(commit_s=0.0, keep_events=100)
    with recording(tmp_path, settings) as (recorder, _):
        recorder.register("mqtt")
        for number in range(150):
            recorder.put(Record(event(number)))
    record(tmp_path, *map(event, range(150, 160)), settings=settings)
    assert len(values(tmp_path)) == 160


def test_a_lower_limit_is_reached_in_small_steps(tmp_path: Path) -> None:
    """Many rows go though no event comes, few in each transaction."""
    record(tmp_path, *map(event, range(3000)))
    with recording(tmp_path, StoreSettings(keep_events=100)):
        assert eventually(lambda: len(values(tmp_path)) < 3000)
        assert len(values(tmp_path)) > 100
        assert eventually(lambda: len(values(tmp_path)) <= 100)


YEAR = 365 * 1440
NOW = 29_900_000  # minutes since 1970, in 2026


@pytest.mark.parametrize("jump", [YEAR, -YEAR])
def test_a_clock_that_jumps_by_a_year_empties_nothing(tmp_path: Path, jump: int) -> None:
    """Neither events nor minutes; and when it is right again, what was wrong goes first."""
    settings = StoreSettings(commit_s=0.0, keep_days=1, keep_events=1000)
    wrong = datetime.fromtimestamp((NOW + jump) * 60, UTC).isoformat(timespec="milliseconds")
    with recording(tmp_path, settings) as (recorder, _):
        for number in range(1440):
            recorder.put_minute(minute(NOW + number))
        for number in range(50):
            recorder.put(Record(event(number)))
        assert settled(recorder)
        for number in range(100):
            recorder.put_minute(minute(NOW + jump + number))
            recorder.put(Record(replace(event(50 + number), time=wrong)))
        assert settled(recorder)
    assert values(tmp_path) == list(range(150))
    with recording(tmp_path, settings) as (recorder, _), Reader(tmp_path) as reader:
        assert len(reader.minutes(NOW, NOW + 1440)) >= 1440 - 160
        for number in range(150):
            recorder.put_minute(minute(NOW + 1440 + number))
            recorder.put(Record(event(number)))
            settled(recorder)
        assert len(reader.minutes(NOW, NOW + 3 * 1440)) >= 1440 - 60
        assert not reader.minutes(NOW + jump, NOW + jump + 1440)
        assert len(reader.shares(0, 10 * NOW, 1)) <= 2 * 1440


def test_all_may_be_called_from_any_thread(tmp_path: Path) -> None:
    """Eight threads put at once; nothing is missing, nothing comes twice."""
    with recording(tmp_path) as (recorder, _):

        def put(first: int) -> None:
            for number in range(first, first + 100):
                recorder.put(Record(event(number)))
                recorder.acknowledge(f"{first}", number)
                recorder.facts()

        threads = [threading.Thread(target=put, args=(100 * index,)) for index in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(values(tmp_path)) == list(range(800))


def test_facts_say_how_much_there_is(tmp_path: Path) -> None:
    """And are there before anything is."""
    recorder = Recorder(tmp_path, AT_ONCE, Health(), None)
    assert recorder.facts()["events"] == 0
    with recorder:
        recorder.put(Record(event(1)))
        assert eventually(lambda: recorder.facts()["events"] == 1)
        facts = recorder.facts()
    assert (facts["pending"], facts["lost"], facts["snapshots"]) == (0, 0, 0)
    assert facts["disk_free_mb"] > 0


def test_acknowledgements_and_minutes_wait_to_be_written_together(tmp_path: Path) -> None:
    """Forty of them cost no more than one."""
    with recording(tmp_path) as (recorder, _):
        recorder.register("mqtt")
        recorder.put(Record(event(0)))
        assert settled(recorder)
        wal = tmp_path / "galago.db-wal"
        size = wal.stat().st_size
        for _ in range(40):
            recorder.acknowledge("mqtt", 1)
            time.sleep(0.001)
        for number in range(MINUTES - 1):
            recorder.put_minute(minute(number))
        time.sleep(0.1)
        assert wal.stat().st_size == size
        recorder.put_minute(minute(MINUTES))
        assert eventually(lambda: wal.stat().st_size > size)
