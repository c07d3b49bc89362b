"""From one thread to another: the newest alone, or all of it."""

import threading
from collections.abc import Callable

import pytest

from galago.edge.handover import Handover
from galago.errors import CameraError


def test_only_the_newest_waits() -> None:
    """Older ones are discarded and counted."""
    discarded: list[int] = []
    newest = Handover[int](discard=discarded.append)
    for number in range(5):
        assert newest.put(number)
    assert newest.take(0) == 4
    assert newest.take(0) is None
    assert (newest.dropped, discarded) == (4, [0, 1, 2, 3])


def test_nothing_is_lost_where_the_maker_waits() -> None:
    """Things are handed over one by one."""
    newest = Handover[int](room=1)
    thread = threading.Thread(target=lambda: [newest.put(number) for number in range(50)])
    thread.start()
    taken = [newest.take(5) for _ in range(50)]
    thread.join(5)
    assert taken == list(range(50))
    assert newest.dropped == 0


@pytest.mark.parametrize("room", [0, 1, 4])
def test_two_threads_agree_on_what_was_taken(room: int) -> None:
    """Whatever their turns: taken and discarded are together all, in order, each once."""
    discarded: list[int] = []
    newest = Handover[int](room=room, discard=discarded.append)

    def make() -> None:
        for number in range(20_000):
            newest.put(number)
        newest.finish()

    thread = threading.Thread(target=make)
    thread.start()
    taken = []
    finished = False
    while (thing := newest.take(5)) is not None or not finished:
        finished = newest.finished
        taken += [] if thing is None else [thing]
    thread.join(5)
    assert taken == sorted(taken)
    assert sorted(taken + discarded) == list(range(20_000))
    assert newest.dropped == len(discarded) == (0 if room else 20_000 - len(taken))


def test_the_last_thing_comes_before_the_error() -> None:
    """What a camera gave before it failed is still looked at, and the error stays."""
    newest = Handover[int]()
    newest.put(0)
    newest.finish(CameraError("unplugged"))
    assert newest.take(0) == 0
    for _ in range(2):
        with pytest.raises(CameraError, match="unplugged"):
            newest.take(0)


def test_finishing_frees_whoever_waits() -> None:
    """Neither a maker that waits for room nor a taker that waits for a thing stays behind."""
    full, empty = Handover[int](room=1), Handover[int](room=1)
    full.put(0)
    answers: list[object] = []
    threads = [
        threading.Thread(target=lambda: answers.append(full.put(1))),
        threading.Thread(target=lambda: answers.append(empty.take(60))),
    ]
    for thread in threads:
        thread.start()
    full.finish()
    empty.finish()
    for thread in threads:
        thread.join(5)
    assert sorted(map(str, answers)) == ["False", "None"]


class Gate:
    """A lock; `before` happens once, when somebody has come as far as to it."""

    def __init__(self, before: Callable[[], None]) -> None:
        self._before: Callable[[], None] | None = before
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        if (before := self._before) is not None:
            self._before = None
            before()
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def test_what_finishes_while_the_last_thing_is_taken_is_no_fault() -> None:
    """The taker has been let in, and is not at the thing yet."""
    newest = Handover[int]()
    newest.put(1)
    newest._lock = Gate(newest.finish)  # type: ignore[assignment]
    assert newest.take(0) == 1
    assert newest.take(0) is None


def test_closing_discards_what_is_there() -> None:
    """And what comes too late."""
    discarded: list[int] = []
    newest = Handover[int](discard=discarded.append)
    newest.put(1)
    newest.close()
    assert not newest.put(2)
    assert discarded == [1, 2]
    assert newest.take(0) is None
