"""From the loop to whoever is told, without waiting for them."""

import threading

import pytest

from galago.edge.outlet import ROOM, Outlet


def never() -> None:
    pytest.fail("nothing had failed")


def test_lines_come_in_their_order() -> None:
    """And all of them, before it closes."""
    lines: list[str] = []
    with Outlet(lines.append, never) as outlet:
        for number in range(100):
            outlet.put(str(number))
    assert lines == [str(number) for number in range(100)]


def test_a_writer_that_hangs_does_not_hold_the_loop() -> None:
    """What finds no room is counted."""
    go_on = threading.Event()
    lines: list[str] = []

    def write(line: str) -> None:
        go_on.wait(30)
        lines.append(line)

    with Outlet(write, never) as outlet:
        for number in range(ROOM + 10):
            outlet.put(str(number))
        assert outlet.lost in {9, 10}  # one may be in the writer's hand
        go_on.set()
    assert len(lines) + outlet.lost == ROOM + 10


def test_of_a_recording_nothing_is_lost() -> None:
    """There the loop waits for room."""
    lines: list[str] = []
    with Outlet(lines.append, never, wait=True) as outlet:
        for number in range(10 * ROOM):
            outlet.put(str(number))
    assert len(lines) == 10 * ROOM
    assert outlet.lost == 0


def test_a_reader_that_has_left_is_told_at_once() -> None:
    """Nothing more is written, nobody waits for room, and the error comes out at the end."""
    failed = threading.Event()
    written: list[str] = []

    def write(line: str) -> None:
        written.append(line)
        raise BrokenPipeError

    with pytest.raises(BrokenPipeError), Outlet(write, failed.set, wait=True) as outlet:
        outlet.put("one")
        assert failed.wait(10)
        for _ in range(10 * ROOM):
            outlet.put("more than there is room for")
    assert written == ["one"]
