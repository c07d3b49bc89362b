"""The whole service in a virtual machine, and what it says of itself there.

- What is installed is the working tree, the units of systemd/ as they are, and a model.
- It looks at the webcam of guest/webcam.py, which is plugged in when the machine is switched on.

    install(vm, model)
    camera = Service(vm)
    camera.start()
    camera.webcam("show square")
    camera.wait_for_event("square")
"""

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

from galago.bundle.image import write_image
from tests.conftest import LABELS, draw
from tests.virtual_pi.environment import TREE
from tests.virtual_pi.vm import VM

UNIT = "galago.service"
WEBCAM = "/dev/v4l/by-id/usb-Galago_Virtual_Webcam_VW0001-video-index0"
RECOVERY_S = 300.0  # no fault is waited for longer: the watchdog's 30 s, a start, a slow host
CONFIGURATION = """
device = "porch"

[model]
file = "/etc/galago/model.tflite"

[camera]
source = "{source}"

[loop]
rate = 5

[web]
enabled = false
"""

_REPOSITORY = Path(__file__).parents[2]
_SOURCE = "usb:0?size=320x240&fps=10"
_WEBCAM_UNIT = """[Unit]
DefaultDependencies=no
After=local-fs.target systemd-udevd.service
[Service]
ExecStart=/opt/galago/bin/python3 /opt/test/guest/webcam.py /run/webcam /opt/test/pictures
[Install]
WantedBy=multi-user.target
"""
_READ_EVENTS = """python3 -c "
import json, sqlite3
store = sqlite3.connect('file:/var/lib/private/galago/galago.db?mode=ro', uri=True)
store.row_factory = sqlite3.Row
print(json.dumps([dict(row) for row in store.execute('SELECT * FROM events ORDER BY number')]))
"
"""


def install(vm: VM, model: Path) -> None:
    """Put the service, its model and its camera into a guest of the image `galago`."""
    vm.put(_REPOSITORY, ["edge", "deploy"], TREE)
    vm.run(f"python3 -m compileall -qq {TREE}")
    vm.put(_REPOSITORY / "tests/virtual_pi", ["guest"], "/opt/test")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "pictures").mkdir()
        for label in LABELS:
            write_image(folder / "pictures" / f"{label}.png", draw(label, seed=77))
        shutil.copy(model, folder / "model.tflite")
        vm.put(folder, ["pictures"], "/opt/test")
        vm.put(folder, ["model.tflite"], "/etc/galago")
    vm.put(_REPOSITORY / "systemd", [UNIT], "/etc/systemd/system")
    vm.write("/etc/systemd/system/webcam.service", _WEBCAM_UNIT)
    Service(vm).configure(_SOURCE)
    vm.run("systemctl daemon-reload; sync")


class Service:
    """galago.service in a guest."""

    def __init__(self, vm: VM) -> None:
        self.vm = vm

    def configure(self, source: str) -> None:
        """Have it look elsewhere from its next start on."""
        self.vm.write("/etc/galago/galago.toml", CONFIGURATION.format(source=source))

    def drop_in(self, unit: str, text: str) -> None:
        """Add to a unit what comes after all that is there."""
        self.vm.write(f"/etc/systemd/system/{unit}.d/test.conf", text)
        self.vm.run("systemctl daemon-reload")

    def start(self) -> None:
        """Plug in the webcam, start, and wait until it is ready and frames come."""
        self.vm.run("systemctl start webcam")
        self.vm.run("for i in $(seq 300); do [ -p /run/webcam ] && exit; sleep 0.1; done; exit 1")
        self.vm.run(f"systemctl start {UNIT}")
        self.wait_for_frames()

    def webcam(self, command: str) -> None:
        """Tell the webcam what to do: guest/webcam.py says what it knows."""
        self.vm.run(f"timeout 20 sh -c 'echo {command} > /run/webcam'")

    def pid(self) -> int:
        """Of the daemon; 0 while there is none."""
        return int(self.property("MainPID"))

    def property(self, name: str) -> str:
        """What `systemctl show` says."""
        return self.vm.run(f"systemctl show --property={name} --value {UNIT}").strip()

    def status(self) -> dict[str, Any] | None:
        """The status document; None where there is none now."""
        said = self.vm.ended("cat /run/galago/status.json")
        return None if said.returncode else json.loads(said.stdout)

    def states(self) -> set[str]:
        """The names of what is wrong, but for what is always so here: no network, no time."""
        status = self.status()
        if status is None:
            return set()
        return {state["name"] for state in status["health"]["states"]} - {"clock.unsynchronised"}

    def events(self) -> list[dict[str, Any]]:
        """What is in the database, oldest first."""
        found: list[dict[str, Any]] = json.loads(self.vm.run(_READ_EVENTS))
        return found

    def journal(self) -> str:
        """What it has said in this boot, and systemd about it."""
        return self.vm.run(f"journalctl --no-pager --boot --output=short-monotonic --unit={UNIT}")

    def wait_for_frames(self, more: int = 10) -> float:
        """Until the running daemon has looked at so many more; seconds that took."""
        before = self.status()
        return self.vm.wait_for(lambda: self._has_looked(before, more), RECOVERY_S)

    def wait_for_journal(self, text: str) -> float:
        """Until it has said so in this boot, or systemd about it; seconds that took."""
        return self.vm.wait_for(lambda: text in self.journal(), RECOVERY_S)

    def wait_for_event(self, label: str) -> float:
        """Until the newest event is of that label; seconds that took."""
        return self.vm.wait_for(lambda: self._newest_label() == label, RECOVERY_S)

    def _newest_label(self) -> str | None:
        events = self.events()
        return events[-1]["label"] if events else None

    def _has_looked(self, before: dict[str, Any] | None, more: int) -> bool:
        now = self.status()
        if now is None:
            return False
        is_the_same = before is not None and before["started"] == now["started"]
        frames = before["loop"]["frames"] if before is not None and is_the_same else 0
        return bool(now["loop"]["frames"] >= frames + more)
