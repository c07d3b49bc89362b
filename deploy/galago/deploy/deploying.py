"""Several devices, one after the other.

- The first is the canary: the others are touched only when it is well.
- Of the others, one that cannot be reached or refuses stops nobody else.
- Every one of them has an outcome, also where nothing was done.
- Asked to end (Ctrl-C, SIGTERM, a terminal that is closed), it clears up on the device first.

    outcomes = deploy(addresses, wanted, tell)
"""

import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import TypeAlias

from galago.deploy.address import Address
from galago.deploy.errand import Outcome, Record
from galago.deploy.ssh import Connection
from galago.deploy.visit import install, roll_back, uninstall
from galago.deploy.wanted import Wanted
from galago.errors import DeviceError, GalagoError, StoppedError, UsageError

Tell: TypeAlias = Callable[[str], None]
Visit: TypeAlias = Callable[[Connection, Record], Outcome]

_WELL = {"deployed", "rolled back", "uninstalled", "unchanged", "would"}
_UNHEALTHY = {"refused", "unhealthy"}


class UnhealthyError(DeviceError):
    """A device has refused the model, or is not well with what it was given."""

    exit_code = 3


def deploy(
    addresses: Sequence[Address], wanted: Wanted, tell: Tell, *, dry_run: bool = False
) -> list[Outcome]:
    """Have devices be as is wanted, the others only if the first is well.

    Raises:
        StoppedError: it was asked to end.
    """

    def visit(host: Connection, record: Record) -> Outcome:
        return install(host, wanted, record, dry_run=dry_run)

    return canary(addresses, visit, tell)


def canary(addresses: Sequence[Address], visit: Visit, tell: Tell) -> list[Outcome]:
    """Visit the first, and the others if that is well.

    Raises:
        StoppedError: it was asked to end.
    """
    first, *others = addresses
    outcomes = _visit_all([first], visit, tell, alone=not others)
    if outcomes[0].state not in _WELL:
        reason = f"{first}, the first, is not well: nothing was done here"
        return outcomes + [Outcome(str(other), "skipped", reason=reason) for other in others]
    return outcomes + _visit_all(others, visit, tell, alone=False)


def roll_back_all(addresses: Sequence[Address], tell: Tell) -> list[Outcome]:
    """Have devices go back to what they had before.

    Raises:
        StoppedError: it was asked to end.
    """
    return _visit_all(addresses, roll_back, tell, alone=len(addresses) == 1)


def uninstall_all(
    addresses: Sequence[Address], tell: Tell, *, purge: bool = False, dry_run: bool = False
) -> list[Outcome]:
    """Take Galago off devices.

    Raises:
        StoppedError: it was asked to end.
    """

    def visit(host: Connection, record: Record) -> Outcome:
        return uninstall(host, record, purge=purge, dry_run=dry_run)

    return _visit_all(addresses, visit, tell, alone=len(addresses) == 1)


def addresses_of(texts: Sequence[str]) -> list[Address]:
    """Read the hosts of a command line, each of which may be named once.

    Raises:
        UsageError: one is no host, or is there twice.
    """
    addresses = [Address.parse(text) for text in texts]
    for text, address in zip(texts, addresses, strict=True):
        if addresses.count(address) > 1:
            raise UsageError(f"{text} is named twice: name each device once")
    return addresses


def check_all_well(outcomes: Sequence[Outcome]) -> None:
    """See that every device is as was asked.

    Raises:
        UnhealthyError: one has refused the model, or is not well with it.
        DeviceError: one could not be reached or changed.
    """
    bad = [outcome for outcome in outcomes if outcome.state not in _WELL]
    if not bad:
        return
    told = [one for one in bad if one.state != "skipped"]
    message = "; ".join(f"{one.host}: {one.state}: {one.reason}" for one in told)
    if skipped := [one.host for one in bad if one.state == "skipped"]:
        message += f"; left untouched: {', '.join(skipped)}"
    raise (UnhealthyError if any(o.state in _UNHEALTHY for o in bad) else DeviceError)(message)


def as_text(outcomes: Sequence[Outcome]) -> str:
    """A line for each device."""
    return "\n".join(_line(outcome) for outcome in outcomes)


def _line(outcome: Outcome) -> str:
    words = {"unchanged": "nothing to do: all is as wanted", "would": "would be changed"}
    return f"{outcome.host}: {words.get(outcome.state, outcome.state)}"


def _visit_all(
    addresses: Sequence[Address], visit: Visit, tell: Tell, *, alone: bool
) -> list[Outcome]:
    return [
        _visit(address, visit, tell if alone else _named(address, tell)) for address in addresses
    ]


def _visit(address: Address, visit: Visit, tell: Tell) -> Outcome:
    record = Record(tell)
    try:
        with _stopped_by_signals(), Connection(address) as host:
            return visit(host, record)
    except (GalagoError, OSError) as error:
        if isinstance(error, StoppedError):
            raise
        return Outcome(str(address), "failed", tuple(record.steps), " ".join(str(error).split()))
    except KeyboardInterrupt:
        raise StoppedError(
            f"stopped at {address}: the same command goes on from where it was"
        ) from None


def _named(address: Address, tell: Tell) -> Tell:
    return lambda line: tell(f"{address}: {line}")


@contextmanager
def _stopped_by_signals() -> Iterator[None]:
    """SIGTERM and SIGHUP end it as Ctrl-C does."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    names = ("SIGTERM", "SIGHUP")  # Windows has no SIGHUP
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    before = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield
    finally:
        for number, former in before.items():
            signal.signal(number, former)
