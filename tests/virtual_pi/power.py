"""A camera in a virtual machine that loses its power, and what it is like at the next start.

- The whole machine is killed; its disk forgets what was not flushed (lossy.py), and goes on so.
- An event is acknowledged when the daemon says that it is stored, in a file that is in memory and
  is read from outside.
- What counts as a start is the time from power on to the first event that is stored, without a
  login.
"""

import json
import shutil
import subprocess
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Self

from tests.activation_faults.pace import Paced
from tests.activation_faults.relatives import Relatives
from tests.virtual_pi.environment import TREE
from tests.virtual_pi.image import Image, build
from tests.virtual_pi.lossy import Loss, LossyDisk
from tests.virtual_pi.vm import VM

REPOSITORY = Path(__file__).parents[2]
FIRST_EVENT_S = 180.0

_STATE = "/var/lib/galago"
_MODELS = "/opt/models"
_SAID = "/run/galago-events"  # in memory: whatever is in it was said before the cut
_TESTS = "/opt/tests"
_PYTHON = f"PYTHONPATH={_TESTS} /opt/galago/bin/python3"
_DROP_IN = f"[Service]\nStandardOutput=append:{_SAID}\n"
_CONFIGURATION = f"""
device = "virtual-pi"

[model]
threads = 1
probation_pictures = 20
probation_min = 0.1

[camera]
source = "fake:{_MODELS}/0.jpg*4,{_MODELS}/1.jpg*4?fps=8&loop=1&noise=2&size=320x240"

[decision]
smooth_s = 0.05
hold_s = 0.1

[store]
commit_s = 0.1

[snapshots]
keep_mb = 32
keep_free_mb = 32

[web]
enabled = false
"""


@dataclass(frozen=True)
class Cut:
    """One of them. `doing`: what it interrupted; `loss`: of the disk; `wrong`: "" if nothing was.

    `boot_s`: from power on to a login; `event_s`: to the first event that was stored.
    """

    doing: str
    loss: Loss
    boot_s: float
    event_s: float
    wrong: str


class Pi:
    """A camera on a lossy disk, on from `with` to its end.

    `options`: of the mounted disk besides its own, for a counter-proof.
    """

    def __init__(
        self,
        scratch: Path,
        relatives: Relatives,
        pictures: tuple[Path, Path],
        *,
        seed: int = 0,
        options: str = "",
    ) -> None:
        self._scratch, self._relatives, self._pictures = scratch, relatives, pictures
        self._random = Random(seed)  # noqa: S311 - no secret
        self._options = options
        self._active = ""
        self.acknowledged: set[str] = set()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            image = _copy(build("amd64", "galago"), self._scratch / "image")
            stack.callback(shutil.rmtree, image.folder)
            self._disk = stack.enter_context(LossyDisk(image.disk, self._random.getrandbits(32)))
            socket = f"nbd+unix:///?socket={self._disk.socket}"
            self._vm = stack.enter_context(VM(image, disk=socket))
            self._install()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def rest(self) -> tuple[float, float]:
        """Shut it down and start it again: seconds to a login, and to the first event."""
        self._vm.shut_down()
        return self._start()

    def cut_at(self, moment: int) -> Cut | None:
        """Lose power before an activation's so many-th touch of a file.

        None: it touches less, and was done.
        """
        program = f"{_PYTHON} -P {_TESTS}/tests/activation_faults/paced.py {_STATE}/models"
        with Paced(self._ssh(f"{program} {self._activation()}")) as galago:
            for number, about in enumerate(galago, 1):
                if number == moment:
                    what = " ".join(word.rpartition("/")[2][:16] for word in about.split())
                    return self._cut(f"touch {number}, {what}")
        assert galago.code == 0, f"the activation ended with {galago.code}: {galago.told}"
        return None

    def cut_after(self, seconds: float) -> Cut:
        """Lose power so long after an activation has begun."""
        command = f"galago {self._activation()} && systemctl reload galago"
        with subprocess.Popen(
            self._ssh(f"PATH=$PATH:/opt/galago/bin; {command}"),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        ) as visitor:
            time.sleep(seconds)
            state = "during" if visitor.poll() is None else "after"
            cut = self._cut(f"{seconds:.2f} s, {state} the activation")
            visitor.kill()
        return cut

    def _cut(self, doing: str) -> Cut:
        acknowledged = frozenset(self.acknowledged)
        loss = self._disk.cut()
        self._vm.cut()
        self._disk.start()
        boot_s, event_s = self._start()
        return Cut(doing, loss, boot_s, event_s, self._wrong(acknowledged))

    def _wrong(self, acknowledged: frozenset[str]) -> str:
        """Look at what is there; why it may not be so, or nothing."""
        program = f"{_PYTHON} {_TESTS}/tests/virtual_pi/guest/after_cut.py"
        found = json.loads(self._vm.run(f"{program} {' '.join(self._relatives.verified)}"))
        lost = acknowledged - set(found["events"])
        self._active = found["active"]
        wrong = [found["wrong"], *found["kernel"]]
        wrong += (
            [f"{len(lost)} of {len(acknowledged)} acknowledged events are lost"] if lost else []
        )
        return "; ".join(filter(None, wrong))

    def _activation(self) -> str:
        """The words that bring another model than the active one."""
        others = [
            name for sha256, name in self._relatives.verified.items() if sha256 != self._active
        ]
        name = self._random.choice(others)
        return f"activate {_MODELS}/{name}.tflite --again --state {_STATE}"

    def _ssh(self, command: str) -> list[str]:
        return ["ssh", "-F", str(self._vm.ssh_config), f"root@{self._vm.name}", command]

    def _start(self) -> tuple[float, float]:
        """Switch it on: seconds to a login, and to the first event.

        Raises:
            AssertionError: no event is stored in time.
        """
        began = time.monotonic()
        self._vm.start()
        boot_s = time.monotonic() - began
        if self._options:
            self._vm.run(f"mount -o remount,{self._options} /")
        self._vm.wait_for(lambda: self._vm.ended(f"test -s {_SAID}").returncode == 0, FIRST_EVENT_S)
        event_s = time.monotonic() - began
        self._listen()
        return boot_s, event_s

    def _listen(self) -> None:
        """Hear what is acknowledged, from the first on."""
        follow = self._ssh(f"tail --lines=+1 --follow {_SAID}")
        process = subprocess.Popen(
            follow, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )

        def hear() -> None:
            with process:
                for line in process.stdout or ():
                    if line.endswith(b"\n"):
                        self.acknowledged.add(json.loads(line)["time"])

        threading.Thread(target=hear, daemon=True).start()

    def _install(self) -> None:
        """Put galago, its service, models and pictures on the disk, and have it serve."""
        files = self._scratch / "files"
        files.mkdir()
        for name, path in self._relatives.paths.items():
            shutil.copy(path, files / f"{name}.tflite")
        for number, path in enumerate(self._pictures):
            shutil.copy(path, files / f"{number}.jpg")
        self._vm.put(files, ["."], _MODELS)
        self._vm.put(REPOSITORY, ["edge", "deploy"], TREE)
        names = ["tests/activation_faults", "tests/virtual_pi/guest"]
        self._vm.put(REPOSITORY, names, _TESTS)
        self._vm.put(REPOSITORY / "systemd", ["galago.service"], "/etc/systemd/system")
        self._vm.write("/etc/systemd/system/galago.service.d/said.conf", _DROP_IN)
        self._vm.write("/etc/galago/galago.toml", _CONFIGURATION)
        self._vm.run(f"/opt/galago/bin/python3 -m compileall -q {TREE}/edge", timeout_s=300)
        self._vm.run(
            "systemctl daemon-reload; systemctl enable --now --no-block galago;"
            f"for i in $(seq 100); do [ -d {_STATE}/. ] && break; sleep 0.2; done;"
            f"/opt/galago/bin/galago activate {_MODELS}/first.tflite --state {_STATE}"
        )


def _copy(image: Image, folder: Path) -> Image:
    """One that may be written to, and that lasts where the original is made anew meanwhile."""
    subprocess.run(["cp", "--recursive", "--sparse=always", image.folder, folder], check=True)  # noqa: S607
    return replace(image, folder=folder)
