"""What is wrong, and since when."""

from galago.edge.health import Change, Health, State


def test_a_state_keeps_the_time_at_which_it_began() -> None:
    """Reported again it goes on; over, it is gone."""
    changes: list[Change] = []
    health = Health(changes.append)
    health.report("camera.dark", "the picture is black", 10)
    health.report("camera.dark", "the picture is black", 20)
    state = State("camera.dark", "the picture is black", 10)
    assert health.states == {"camera.dark": state}
    health.report("camera.dark", None, 30)
    health.report("camera.dark", None, 40)
    assert health.states == {}
    assert changes == [Change(state), Change(state, 30)]


def test_states_are_told_apart() -> None:
    """One may end while another lasts."""
    health = Health()
    health.report("camera.dark", "black", 1)
    health.report("camera.moved", "elsewhere", 2)
    health.report("camera.dark", None, 3)
    assert list(health.states) == ["camera.moved"]


def test_the_newest_cause_is_kept_and_not_told_again() -> None:
    """A backlog that grows is one line in the log, and the page has its size."""
    changes: list[Change] = []
    health = Health(changes.append)
    for waiting in range(1, 1001):
        health.report("publisher.mqtt", f"{waiting} events wait", waiting)
    assert health.states == {"publisher.mqtt": State("publisher.mqtt", "1000 events wait", 1)}
    health.report("publisher.mqtt", None, 2000)
    first, last = State("publisher.mqtt", "1 events wait", 1), changes[1].state
    assert changes == [Change(first), Change(last, 2000)]
    assert (last.cause, last.since_ns) == ("1000 events wait", 1)


def test_several_are_told() -> None:
    """Whoever comes later hears of what begins later."""
    log: list[Change] = []
    page: list[Change] = []
    health = Health(log.append)
    health.report("camera.dark", "black", 1)
    health.listen(page.append)
    health.report("camera.moved", "elsewhere", 2)
    assert [change.state.name for change in log] == ["camera.dark", "camera.moved"]
    assert [change.state.name for change in page] == ["camera.moved"]


def test_a_listener_that_fails_is_nobody_elses_trouble() -> None:
    """A log that is full or closed keeps neither the reporter nor another listener from it."""

    def closed(change: Change) -> None:
        raise OSError(28, f"No space left on device for {change}")

    told: list[Change] = []
    health = Health(closed)
    health.listen(told.append)
    health.report("disk.full", "nothing is left", 1)
    assert [change.state.name for change in told] == ["disk.full"] == list(health.states)


def test_another_cause_may_be_told_as_one_of_its_own() -> None:
    """As the end of the first and a new beginning; the same cause again is nothing new."""
    changes: list[Change] = []
    health = Health(changes.append)
    for time_ns, cause in ((1, "refused"), (2, "refused"), (3, "unreachable"), (4, None)):
        health.report_anew("publisher.mqtt", cause, time_ns)
    first, second = (
        State("publisher.mqtt", "refused", 1),
        State("publisher.mqtt", "unreachable", 3),
    )
    assert changes == [Change(first), Change(first, 3), Change(second), Change(second, 4)]
