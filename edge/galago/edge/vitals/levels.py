"""How bad each state of health is, and what to do about it: the one table of all their names.

- "error": something that was asked for is not done. "warning": it is, but not for long, or not
  well.
- A state that is not in the table is a warning: nobody is kept from telling.
"""

from collections.abc import Iterable
from typing import NamedTuple, get_args

from galago.edge.health import State
from galago.edge.vitals.document import Level

LEVELS: tuple[Level, ...] = get_args(Level)


class Known(NamedTuple):
    """`advice`: one sentence."""

    level: Level
    advice: str


STATES: dict[str, Known] = {
    "camera.stalled": Known("error", "Check the camera's cable, its power and the network."),
    "camera.failed": Known("error", "Check the camera's cable and power; it is opened again."),
    "camera.frozen": Known("error", "Unplug the camera and plug it in again."),
    "camera.dark": Known("warning", "Uncover the lens, or give the scene some light at night."),
    "camera.bright": Known("warning", "Keep sun and lamps out of the lens."),
    "camera.torn": Known("error", "Check the cable, and take a smaller size or a lower rate."),
    "camera.resized": Known("warning", "If another size of picture is meant, restart galago."),
    "camera.blurred": Known("warning", "Clean the lens and focus it."),
    "camera.moved": Known("warning", "Turn the camera back, or learn the new view as reference."),
    "reference.unsaved": Known("warning", "Let the daemon write to the folder of the reference."),
    "store.failed": Known("error", "Make the state folder writable; events wait in memory."),
    "store.stuck": Known("error", "Look at the disk or card, which may be dying; events wait."),
    "store.replaced": Known("warning", "Look at the database that was set aside, then delete it."),
    "store.full": Known("error", "Events have been lost: make room on the disk, or mend it."),
    "snapshots.failed": Known(
        "error", "Make room on the disk, and let galago write there; events are kept."
    ),
    "snapshots.undeveloped": Known("warning", "Keep fewer or smaller pictures; events are whole."),
    "snapshots.unfilmed": Known("warning", "Take shorter films, or none; events are whole."),
    "disk.full": Known("error", "Delete what is not Galago's, or let it keep fewer pictures."),
    "clock.unsynchronised": Known(
        "warning", "Connect the network or a clock chip; times of events may be wrong."
    ),
    "machine.hot": Known("warning", "Give the machine air or a heat sink, or set loop.max_cpu."),
    "machine.undervoltage": Known("warning", "Use the official power supply and a short cable."),
    "machine.throttled": Known("warning", "Give the machine air and a strong power supply."),
    "loop.slow": Known("warning", "Free the processor, or take a smaller model."),
    "events.quiet": Known("warning", "Look whether the camera sees what it should."),
    "classes.drift": Known("warning", "Label some kept pictures of this camera, and train again."),
    "web.failed": Known("warning", "See why the status page does not run; it is tried again."),
    "model.returned": Known(
        "warning", "Mend the model and deploy it again; galago models says what it failed by."
    ),
    "reload.refused": Known("warning", "See galago config check; until then nothing changes."),
    "vitals.failed": Known("warning", "This is a fault of Galago: please report it."),
    "status.incomplete": Known("warning", "This is a fault of Galago: please report it."),
    "status.unwritten": Known(
        "warning", "Make room in /run; galago doctor and deploy cannot see how it goes."
    ),
}

# Of which there may be several, each with a name of its own.
FAMILIES: dict[str, Known] = {
    "publisher.": Known("warning", "Check the receiver and the network; events wait for it."),
}

_UNKNOWN = Known("warning", "galago doctor may tell more.")


def level(name: str) -> Level:
    """How bad a state of that name is."""
    return _known(name).level


def advice(name: str) -> str:
    """What to do about it, one sentence."""
    return _known(name).advice


def ranked(states: Iterable[State]) -> list[State]:
    """The worst first, then by name."""
    return sorted(states, key=lambda state: (-LEVELS.index(level(state.name)), state.name))


def summed_up(states: Iterable[State]) -> str | None:
    """All of them in one line, for whoever leaves; None: nothing is wrong."""
    return "; ".join(f"{state.name}: {state.cause}" for state in ranked(states)) or None


def _known(name: str) -> Known:
    family = next((known for prefix, known in FAMILIES.items() if name.startswith(prefix)), None)
    return STATES.get(name) or family or _UNKNOWN
