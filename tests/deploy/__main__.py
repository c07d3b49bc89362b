"""Figures of an installation: what is carried to each kind of device, and how long each run takes.

    python -m tests.deploy MODEL

Root and systemd-nspawn, on a machine that is a device's like (Debian 12 or 13); the wheels are
fetched once. The container has no network, and its disk is this machine's memory: a card is slower.
"""

import shutil
import sys
import tempfile
import time
from pathlib import Path

from galago.deploy.target import TARGETS, target_named
from galago.deploy.wheelhouse import wheelhouse
from tests.deploy.conftest import CACHE, this_machine
from tests.deploy.container import Device, configuration, vary, write_payload


def main() -> None:
    """Print two tables."""
    print("| device | wheels | MB |\n|---|---|---|")  # noqa: T201
    for target in TARGETS:
        sizes = [path.stat().st_size for path in wheelhouse(target, CACHE).glob("*.whl")]
        print(f"| {target.name} | {len(sizes)} | {sum(sizes) / 1e6:.1f} |")  # noqa: T201
    print("\n| run | s | steps done |\n|---|---|---|")  # noqa: T201
    with tempfile.TemporaryDirectory() as folder:
        runs(Path(folder), Path(sys.argv[1]))


def runs(folder: Path, model: Path) -> None:
    """From nothing, again, a new configuration, another release, and back."""
    first = folder / "first"
    write_payload(first, target_named(*this_machine()), model, configuration())
    vary(first, "config", config=configuration(more="[loop]\nrate = 20\n"))
    vary(first, "release", release=1)
    with Device(folder) as device:
        for name, payload in {
            "first installation": "first",
            "second run": "first",
            "another configuration": "config",
            "another release": "release",
        }.items():
            began = time.monotonic()
            done = device.install(payload)
            steps = [step for step, state in done.states.items() if state == "done"]
            said = ", ".join(steps) or "none"
            print(f"| {name} | {time.monotonic() - began:.1f} | {said} |")  # noqa: T201
            assert done.code == 0, done
        installed = device.run("du", "--summarize", "--block-size=MB", "/opt/galago/").split()[0]
    print(f"\non the disk: {installed} a release")  # noqa: T201
    shutil.rmtree(first)


if __name__ == "__main__":
    main()
