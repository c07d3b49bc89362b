"""A device in a container: this machine's system, without Galago and without a network.

- The installer is carried in and run as on a device: out of its wheel, by the system's Python.

    with Device(payloads) as device:
        done = device.install("first")
        assert done.states["healthy"] == "done"
"""

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from galago.deploy.payload import pack
from galago.deploy.target import Target
from tests.deploy.conftest import CACHE
from tests.service.machine import Machine

SOURCE = "fake:bars*forever?fps=30&noise=3"
CONFIGURATION = """
device = "porch"

[camera]
source = "{source}"

[model]
{model}

[web]
enabled = false
{more}
"""
# A model is new for a second only.
SOON_PROVEN = "probation_pictures = 20\nprobation_min = 0"
HANG_S = 300.0
WAIT_S = 60
UNIT = "galago.service"


@dataclass(frozen=True)
class Done:
    """What a run of the installer has left: its exit code, its steps, what else it said."""

    code: int
    steps: list[dict[str, str]]
    said: str

    @property
    def states(self) -> dict[str, str]:
        """By step, without notes."""
        return {step["step"]: step["state"] for step in self.steps if step["state"] != "note"}

    def detail(self, step: str) -> str:
        """What a step has said last."""
        return [found["detail"] for found in self.steps if found["step"] == step][-1]


class Device(Machine):
    """A machine with the folder `payloads` at /payloads."""

    def __init__(self, payloads: Path) -> None:
        super().__init__({payloads: "/payloads"})
        self._places = {payloads: "/payloads"}
        self._wheel = (
            f"/payloads/{next(payloads.glob('*/wheels/galago-*.whl')).relative_to(payloads)}"
        )

    def _install(self) -> None:
        """Nothing: that is what is tested."""

    def installer(self, *words: str, dies_after_s: float | None = None) -> Done:
        """Run the installer; it alone, not what it has started, is killed after some time."""
        command = ["env", f"PYTHONPATH={self._wheel}", "/usr/bin/python3", "-P"]
        command += ["-m", "galago.deploy.device", *words]
        if dies_after_s is not None:
            command = ["timeout", "--foreground", "--signal=KILL", f"{dies_after_s}", *command]
        ended = self.ended(*command, timeout_s=HANG_S)
        lines = ended.stdout.splitlines()
        steps = [json.loads(line) for line in lines if line.startswith("{")]
        return Done(ended.returncode, steps, "\n".join(x for x in lines if not x.startswith("{")))

    def install(self, payload: str, *words: str, dies_after_s: float | None = None) -> Done:
        """Install the payload of that name."""
        options = [f"--wait={WAIT_S}", "--json", *words]
        return self.installer(
            "install", f"/payloads/{payload}", *options, dies_after_s=dies_after_s
        )

    def facts(self) -> dict[str, Any]:
        """What the installer says of this device."""
        (found,) = self.installer("facts").steps
        return found

    def status(self) -> dict[str, Any]:
        """What the daemon says of itself."""
        document: dict[str, Any] = json.loads(self.run("cat", "/run/galago/status.json"))
        return document

    def main_pid(self) -> str:
        """Of the service."""
        return self.properties(UNIT, "MainPID")["MainPID"]

    def text(self, path: str) -> str:
        """A file of the device."""
        return (self.root / path).read_text()


def configuration(source: str = SOURCE, *, model: str = SOON_PROVEN, more: str = "") -> str:
    """The text of a galago.toml."""
    return CONFIGURATION.format(source=source, model=model, more=more)


def write_payload(folder: Path, target: Target, model: Path, config: str | None) -> Path:
    """Pack all that a device needs."""
    file = folder.with_suffix(".toml")
    if config is not None:
        file.write_text(config)
    pack(target, folder, model=model, config=None if config is None else file, cache=CACHE)
    return folder


def vary(
    payload: Path, name: str, *, model: Path | None = None, config: str | None = None,
    release: int | None = None,
) -> Path:  # fmt: skip
    """A payload like another, but for what is named; a release is made another by a remark."""
    folder = payload.with_name(name)
    shutil.copytree(payload, folder, copy_function=os.link)
    manifest = json.loads((folder / "payload.json").read_text())
    if model is not None:
        _replace(folder / model.name, model.read_bytes())
        manifest["model"] = _described(folder / model.name)
    if config is not None:
        _replace(folder / "galago.toml", config.encode())
        manifest["config"] = _described(folder / "galago.toml")
    if release is not None:
        _replace(
            folder / "requirements.txt",
            (folder / "requirements.txt").read_bytes() + f"# {release}\n".encode(),
        )
        manifest["release"] = _release(folder, manifest["target"])
    _replace(folder / "payload.json", json.dumps(manifest).encode())
    return folder


def _replace(path: Path, content: bytes) -> None:
    path.unlink(missing_ok=True)  # it has a second name
    path.write_bytes(content)


def _described(path: Path) -> dict[str, str]:
    return {"name": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}


def _release(folder: Path, target: Mapping[str, str]) -> str:
    identity = (
        f"{target['release']}-{target['machine']}\n{(folder / 'requirements.txt').read_text()}"
    )
    return hashlib.sha256(identity.encode()).hexdigest()[:16]
