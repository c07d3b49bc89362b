"""What is wrong, and since when."""

from galago.edge.health import Change, Health, State


def test_a_state_keeps_the_time_at_which_it_began() -> None:
    """Reported again it stays as it is; over, it is gone."""
    changes: list[Change] = []
    health = Health(changes.append)
    health.report("camera.dark", "the picture is black", 10)
    health.report("camera.dark", "still black", 20)
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
