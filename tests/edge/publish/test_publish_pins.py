"""Pins, through gpiozero's own mock of them."""

import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from gpiozero import Device  # type: ignore[import-untyped]
from gpiozero.pins.mock import MockFactory  # type: ignore[import-untyped]

from galago.edge.health import Health
from galago.edge.publish.pins import Pins
from galago.edge.publish.settings import GpioSettings
from tests.edge.publish.house import make_event, wait_until


@pytest.fixture
def board() -> Iterator[MockFactory]:
    """Pins that are shipped with gpiozero for this."""
    before, Device.pin_factory = Device.pin_factory, MockFactory()
    yield Device.pin_factory
    Device.pin_factory.reset()
    Device.pin_factory = before


def high(board: MockFactory, pin: int) -> bool:
    return bool(board.pin(pin).state)


def test_a_pin_is_on_while_its_label_is_seen(board: MockFactory) -> None:
    """And off at the start, for every other label, and at the end."""
    settings = GpioSettings(pin=17, labels=("cat", "fox"))
    with Pins({"lamp": settings}, Health()) as pins:
        wait_until(lambda: pins.facts()[0]["connected"])
        assert not high(board, 17)
        pins.put(make_event("cat"))
        wait_until(lambda: high(board, 17))
        pins.put(make_event("dog"))
        wait_until(lambda: not high(board, 17))
        pins.put(make_event("fox"))
        wait_until(lambda: high(board, 17))
    assert not high(board, 17)


def test_a_pulse_ends_by_itself(board: MockFactory) -> None:
    """A new one in it makes it longer."""
    settings = GpioSettings(pin=17, labels=("cat",), mode="pulse", pulse_s=0.4)
    with Pins({"bell": settings}, Health()) as pins:
        pins.put(make_event("cat"))
        wait_until(lambda: high(board, 17))
        began = time.monotonic()
        time.sleep(0.2)
        pins.put(make_event("cat"))
        wait_until(lambda: not high(board, 17))
        assert time.monotonic() - began >= 0.55


def test_no_label_no_pulse(board: MockFactory) -> None:
    """What is not asked for does nothing."""
    settings = GpioSettings(pin=17, labels=("cat",), mode="pulse")
    with Pins({"bell": settings}, Health()) as pins:
        pins.put(make_event("dog"))
        pins.put(make_event("unknown"))
        wait_until(pins._changes.empty)
        assert not high(board, 17)


def test_a_pin_is_on_while_any_region_shows_its_label(board: MockFactory) -> None:
    """One of a region looks at that alone."""
    settings = {
        "any": GpioSettings(pin=17, labels=("cat",)),
        "door": GpioSettings(pin=18, labels=("cat",), region="door"),
    }
    with Pins(settings, Health()) as pins:
        pins.put(make_event("cat", region="door"))
        pins.put(make_event("cat", region="roof"))
        pins.put(make_event("dog", region="door"))
        wait_until(lambda: pins.facts()[1]["acknowledged"] == 2)
        assert high(board, 17)
        assert not high(board, 18)
        pins.put(make_event("dog", region="roof"))
        wait_until(lambda: not high(board, 17))


def test_on_may_be_the_low_level(board: MockFactory) -> None:
    """As on most boards with relays; off is high then, from the start to the end."""
    settings = GpioSettings(pin=17, labels=("cat",), active_high=False)
    with Pins({"relay": settings}, Health()) as pins:
        wait_until(lambda: pins.facts()[0]["connected"])
        assert high(board, 17)
        pins.put(make_event("cat"))
        wait_until(lambda: not high(board, 17))


def test_a_pin_that_cannot_be_had_is_a_state_of_health(board: MockFactory) -> None:
    """The others work."""
    health = Health()
    settings = {name: GpioSettings(pin=17, labels=("cat",)) for name in ("first", "second")}
    settings["third"] = GpioSettings(pin=18, labels=("cat",))
    with Pins(settings, health) as pins:
        wait_until(lambda: "publisher.gpio.second" in health.states)
        assert "GPIO17" in health.states["publisher.gpio.second"].cause
        pins.put(make_event("cat"))
        wait_until(lambda: high(board, 18))
        assert high(board, 17)
    assert [pin["connected"] for pin in pins.facts()] == [False, False, False]


def test_a_machine_without_pins_is_told_what_to_install() -> None:
    """The pin factories that gpiozero tries are all missing here, as on any desk."""
    code = (
        "import time\n"
        "from galago.edge.health import Health\n"
        "from galago.edge.publish.pins import Pins\n"
        "from galago.edge.publish.settings import GpioSettings\n"
        "health = Health()\n"
        "with Pins({'lamp': GpioSettings(pin=17, labels=('cat',))}, health):\n"
        "    while not health.states: time.sleep(0.01)\n"
        "print(health.states['publisher.gpio.lamp'].cause)\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "GPIO17" in done.stdout
    assert "apt install python3-lgpio" in done.stdout


def test_a_change_that_finds_no_room_does_not_hold_the_loop(board: MockFactory) -> None:
    """Nobody takes them, and still nobody waits."""
    del board
    pins = Pins({"lamp": GpioSettings(pin=17, labels=("cat",))}, Health())
    for _ in range(1000):
        pins.put(make_event("cat"))


def test_without_pins_nothing_is_started() -> None:
    """No thread, no gpiozero."""
    with Pins({}, Health()) as pins:
        pins.put(make_event("cat"))
        assert not pins._thread.is_alive()
