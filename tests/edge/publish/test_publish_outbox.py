"""What waits for a publisher: all of it, in order, and no more than may."""

from galago.edge.publish.outbox import Outbox
from tests.edge.publish.house import Store


def taken(box: Outbox) -> list[int]:
    box.look()
    numbers = []
    while (event := box.next()) is not None:
        numbers.append(event.number)
    return numbers


def test_a_new_publisher_begins_with_what_comes_after_it(store: Store) -> None:
    """Not with the months before."""
    store.put("cat", "dog")
    box = store.outbox()
    store.put("cat")
    assert taken(box) == [3]
    assert box.backlog == 1


def test_what_has_arrived_is_not_told_again_after_a_start(store: Store) -> None:
    """And what has not is."""
    box = store.outbox()
    store.put("cat", "dog", "cat")
    assert taken(box) == [1, 2, 3]
    box.arrived(1)
    store.recorder.__exit__()
    with Store(store.folder) as again:
        assert taken(again.outbox()) == [2, 3]


def test_the_cursor_moves_only_over_what_has_arrived_without_a_gap(store: Store) -> None:
    """However the answers come."""
    box = store.outbox()
    store.put("cat", "dog", "cat")
    taken(box)
    box.arrived(3)
    box.arrived(2)
    assert (box.acknowledged, box.backlog) == (0, 3)
    box.arrived(1)
    assert (box.acknowledged, box.backlog) == (3, 0)


def test_what_is_under_way_comes_again_after_a_lost_connection(store: Store) -> None:
    """From the oldest on, those included whose answer came before an older one's."""
    box = store.outbox()
    store.put("cat", "dog", "cat")
    taken(box)
    box.arrived(2)
    box.rewind()
    assert taken(box) == [1, 2, 3]


def test_only_events_of_the_labels_wait(store: Store) -> None:
    """The cursor passes over the others, so that none of them is looked at again."""
    box = store.outbox(labels=("dog",))
    store.put("cat", "dog", "cat", "cat")
    assert taken(box) == [2]
    assert box.backlog == 1
    box.arrived(2)
    assert taken(box) == []
    assert (box.acknowledged, box.backlog) == (4, 0)


def test_the_oldest_are_given_up_where_too_many_wait(store: Store) -> None:
    """They are counted, one under way included; its answer, if it comes after all, does no harm."""
    box = store.outbox(limit=3)
    store.put("cat")
    assert taken(box) == [1]
    store.put("cat", "dog", "cat", "dog")
    assert taken(box) == [3, 4, 5]
    box.arrived(1)
    assert (box.acknowledged, box.backlog, box.dropped) == (2, 3, 2)


def test_only_events_of_the_labels_take_room(store: Store) -> None:
    """What is rare and waited for does not go because of what is common and unwanted."""
    box = store.outbox(labels=("dog",), limit=2)
    store.put("dog", *["cat"] * 20, "dog", "dog")
    assert taken(box) == [22, 23]
    assert (box.backlog, box.dropped) == (2, 1)


def test_more_events_than_a_page_come_in_order(store: Store) -> None:
    """And are counted."""
    box = store.outbox()
    store.put(*["cat"] * 450)
    assert taken(box) == list(range(1, 451))
    assert box.backlog == 450


def test_an_event_that_is_given_up_is_counted_and_passed_over(store: Store) -> None:
    """What comes after it waits on."""
    box = store.outbox()
    store.put("cat", "dog")
    taken(box)
    box.give_up(1)
    assert (box.acknowledged, box.backlog, box.dropped) == (1, 1, 1)
