"""Names: can this machine be found by its own, and does it find those of its configuration?

- Names are looked up, all at once, within DEADLINE_S; no connection is made.
"""

import socket
import threading
from collections.abc import Iterable, Iterator, Mapping
from time import monotonic
from urllib.parse import urlsplit

from galago.edge.doctor.finding import Finding, error, note, ok, warning
from galago.edge.doctor.patient import Patient

DEADLINE_S = 5.0

_NETWORK = ("rtsp://", "rtsps://")


def look(patient: Patient) -> Iterator[Finding]:
    """The radio first, which many a Pi has switched off."""
    yield from _radio(patient)
    names, own = wanted(patient), f"{socket.gethostname().removesuffix('.local')}.local"
    found = resolved([*names.values(), own])
    for purpose, name in names.items():
        yield judge(purpose, name, found.get(name))
    if patient.is_pi or patient.is_installed:
        yield judge_own(own, found.get(own))


def wanted(patient: Patient) -> dict[str, str]:
    """Names of the configuration by what they are for."""
    settings = patient.settings
    names: dict[str, str] = {}
    if settings.mqtt.host:
        names["mqtt"] = settings.mqtt.host
    for name, webhook in settings.webhook.items():
        names[f"webhook-{name}"] = urlsplit(webhook.url).hostname or ""
    if (source := patient.source or "").startswith(_NETWORK):
        names["camera"] = _host(source)
    return {purpose: name for purpose, name in names.items() if name}


def _host(source: str) -> str:
    try:
        return urlsplit(source.partition("#")[0]).hostname or ""
    except ValueError:  # a bracket too many
        return ""


def resolved(names: Iterable[str], deadline_s: float = DEADLINE_S) -> Mapping[str, str]:
    """What came of each name in time: "" for an address, else why there is none."""
    found: dict[str, str] = {}
    threads = [
        threading.Thread(target=_resolve, args=(name, found), daemon=True) for name in set(names)
    ]
    for thread in threads:
        thread.start()
    ends = monotonic() + deadline_s
    for thread in threads:
        thread.join(max(ends - monotonic(), 0))
    return dict(found)


def _resolve(name: str, found: dict[str, str]) -> None:
    try:
        socket.getaddrinfo(name, None)
    except (OSError, UnicodeError) as problem:
        found[name] = getattr(problem, "strerror", None) or str(problem)
    else:
        found[name] = ""


def judge(purpose: str, name: str, answer: str | None) -> Finding:
    """`answer`: as `resolved` gives it, None where there was none in time."""
    if answer == "":
        return ok(f"name-{purpose}", f"{name} has an address")
    reason = answer or f"no answer within {DEADLINE_S:g} s"
    local = " (a name in .local needs avahi-daemon here and there)" if ".local" in name else ""
    return (error if purpose == "camera" else warning)(
        f"name-{purpose}",
        f"{name}, for {purpose}, has no address: {reason}{local}",
        f"getent hosts {name}; check the spelling and the network, or write its address",
    )


def judge_own(name: str, answer: str | None) -> Finding:
    """Whether the name that people type to reach this machine works from here."""
    if answer == "":
        return ok("name-own", f"this machine is {name}")
    return note(
        "name-own",
        f"{name} has no address here: others may not find this machine by that name",
        "sudo apt install avahi-daemon libnss-mdns",
    )


def _radio(patient: Patient) -> Iterator[Finding]:
    """A Pi's Wi-Fi stays off until its country is set. Source: Linux, sysfs-class-rfkill."""
    for switch in sorted(patient.at("/sys/class/rfkill").glob("rfkill*")):
        here = switch.relative_to(patient.root)
        soft = patient.read(here / "soft").strip() == "1"
        if patient.read(here / "type").strip() == "wlan" and soft:
            yield note(
                "wifi-off",
                "Wi-Fi is switched off; on a Pi also because no country is set",
                "sudo raspi-config nonint do_wifi_country GB; sudo rfkill unblock wifi",
            )
