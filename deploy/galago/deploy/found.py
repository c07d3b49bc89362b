"""What is on a device, and how that differs from what is wanted.

- Looking changes nothing there: it needs a Python and root, and leaves no file.
- What cannot be is refused in one line, with what would help.

    found = look(porch)
    for told in differences(found, wanted, release): ...
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import as_file, files
from typing import Any

from galago.deploy import device
from galago.deploy.device.tell import State, Told
from galago.deploy.ssh import Connection, Ended
from galago.deploy.target import Target, target_of
from galago.deploy.wanted import NeededSecret, Wanted
from galago.deploy.wheelhouse import digest_of
from galago.errors import DeviceError

PYTHON = "/usr/bin/python3"  # the system's: picamera2 is its own

_STATE = """
test -e /opt/galago/release.json && test ! -e /opt/galago.d/unfinished && echo finished
systemctl is-enabled --quiet galago.service && echo enabled
cat /run/galago/status.json 2>/dev/null
"""
# A credential may also come from elsewhere, by a drop-in that somebody has written.
_IS_THERE = (
    'test -s "$1" || { test -n "$2" && '
    'grep -rqs "^LoadCredential[A-Za-z]*=$2:" /etc/systemd/system/galago.service.d; }'
)


@dataclass(frozen=True, slots=True)
class Found:
    """`facts` as galago.deploy.device.facts says them; `root`: the words that make one root there.

    `serving`: sha256 of the model that looks now, None where none does.
    """

    facts: dict[str, Any]
    target: Target
    root: tuple[str, ...]
    finished: bool
    enabled: bool
    serving: str | None

    def has(self, release: str) -> bool:
        """Whether a release is installed there, whole, in use or kept."""
        return self.finished and release in {self.facts["release"], self.facts["previous"]}


def become_root(host: Connection) -> tuple[str, ...]:
    """The words before a command that make it root's there.

    Raises:
        DeviceError: they would need a password.
    """
    if host.run("id", "-u").out.strip() == "0":
        return ()
    ended = host.run("sudo", "-n", "true")
    if ended.code == 0:
        return ("sudo", "-n")
    address = host.address
    if "not found" in ended.err:
        raise DeviceError(f"{address} is not root, and there is no sudo: log in as root")
    raise DeviceError(
        f"sudo wants a password there: log in with ssh {address}, then allow it without one: "
        'echo "$USER ALL=(ALL) NOPASSWD: ALL" | sudo tee /etc/sudoers.d/galago'
    )


def look(host: Connection) -> Found:
    """See what is there.

    Raises:
        DeviceError: there is no Python, or nobody may be root.
        UsageError: Galago runs on no such machine.
    """
    root = become_root(host)
    with as_file(files(device) / "facts.py") as script:
        ended = host.run(*root, PYTHON, "-I", "-", stdin=script)
    facts = _document(ended)
    state = host.run(*root, "sh", "-c", _STATE).out.splitlines()
    return Found(
        facts,
        target_of(facts),
        root,
        finished="finished" in state,
        enabled="enabled" in state,
        serving=_serving(state),
    )


def check_secrets(
    host: Connection, root: tuple[str, ...], secrets: tuple[NeededSecret, ...]
) -> None:
    """See whether the secrets are there that a configuration names.

    Raises:
        DeviceError: one is not; with the command that writes it.
    """
    for secret in secrets:
        asked = (*root, "sh", "-c", _IS_THERE, "sh", secret.path, secret.credential or "")
        if host.run(*asked).code:
            raise DeviceError(
                f"the configuration's {secret.key} is in {secret.path}, which is not there or "
                f"empty: a secret is not carried; write it with ssh {host.address} {secret.how}"
            )


def differences(found: Found, wanted: Wanted, release: str) -> Iterator[Told]:
    """Each step of an installation: "unchanged", or what it "would" do."""
    facts = found.facts
    here = found.finished and facts["release"] == release
    yield _step("environment", here, f"release {release} for {found.target.name}")
    unit = digest_of_unit()
    yield _step("unit", facts["unit"] == unit and found.enabled, "galago.service, on at each boot")
    yield _configuration(facts, wanted)
    yield _step("model", facts["model"] == wanted.sha256, f"{wanted.model.name}, {wanted.sha256}")
    serves = facts["service"] == "active" and found.serving == wanted.sha256
    yield _step("service", serves, "looks with this model" if serves else f"is {facts['service']}")


def digest_of_unit() -> str:
    """The sha256 of galago.service as this Galago has it."""
    with as_file(files("galago.deploy") / "systemd" / "galago.service") as path:
        return digest_of(path)


def _configuration(facts: dict[str, Any], wanted: Wanted) -> Told:
    if wanted.config is None and facts["config"]:
        return _step("configuration", True, "stays as it is there")  # noqa: FBT003
    if wanted.config is None:
        cameras = ", ".join(facts["cameras"]) or "no camera seen yet"
        return _step("configuration", False, f"a first one: {cameras}")  # noqa: FBT003
    same = facts["config"] == wanted.config_sha256
    return _step("configuration", same, wanted.config.name)


def _step(name: str, same: bool, detail: str) -> Told:
    state: State = "unchanged" if same else "would"
    return Told(name, state, detail)


def _document(ended: Ended) -> dict[str, Any]:
    # A login shell may say something first.
    for line in reversed(ended.out.splitlines()):
        if line.startswith("{"):
            facts: dict[str, Any] = json.loads(line)
            return facts
    if re.search(r"not found|No such file", ended.err):
        raise DeviceError(f"there is no {PYTHON}: sudo apt install python3")
    raise DeviceError(f"it did not say what it is: {ended.complaint}")


def _serving(lines: list[str]) -> str | None:
    try:
        sha256: str = json.loads(lines[-1])["model"]["sha256"]
    except (IndexError, ValueError, KeyError, TypeError):
        return None
    return sha256
