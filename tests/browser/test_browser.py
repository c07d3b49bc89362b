"""The page in a real browser: Chromium of the system, driven by playwright-core, judged by axe."""

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic_ns

import pytest

from galago.edge.setting import Secret
from galago.edge.store.reader import Reader
from galago.edge.web.password import hashed
from galago.edge.web.settings import WebSettings
from tests.edge.web.client import PASSWORD
from tests.edge.web.daemon import Camera, colours

HERE = Path(__file__).parent
MODULES = HERE.parents[1] / ".cache" / "browser"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
HANG_S = 20

SCRIPT = (HERE / "page.mjs").read_text()
CHECKS = (
    *re.findall(r'^  async "(.+)"\(page\)', SCRIPT, re.MULTILINE),
    *re.findall(r'check\("(.+?)"', SCRIPT),
)


def found(*commands: str) -> str:
    """The first of these that is installed."""
    path = next(filter(None, map(shutil.which, commands)), None)
    if path is None:
        pytest.skip(f"{commands[0]} is missing (Debian: apt install chromium nodejs npm)")
    return path


@pytest.fixture(scope="session")
def modules() -> Path:
    """The locked npm packages, fetched where they are missing."""
    npm = found("npm")
    lock = (HERE / "package-lock.json").read_bytes()
    ready = MODULES / "ready"
    if not ready.exists() or ready.read_bytes() != lock:
        shutil.rmtree(MODULES, ignore_errors=True)
        MODULES.mkdir(parents=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, MODULES)
        command = [npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
        done = subprocess.run(command, cwd=MODULES, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"npm cannot fetch the packages of {HERE.name}: {done.stderr[-300:]}")
        ready.write_bytes(lock)
    return MODULES


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory, modules: Path) -> Iterator[dict[str, str]]:
    """What became of each check of page.mjs: "ok", or what went wrong."""
    node, chromium = found("node"), found(*BROWSERS)
    folder = tmp_path_factory.mktemp("browser")
    (folder / "password").write_text(hashed(PASSWORD))
    closed = WebSettings(port=0, password=Secret(f"file:{folder}/password"))
    with (
        Camera(folder / "open", WebSettings(port=0), colours("empty", "bird")) as camera,
        Camera(folder / "closed", closed, colours()) as other,
    ):
        for label in ("bird", "empty") * 12:
            camera.see(label)
        camera.pass_time(30, {"bird": [9.0] * 24, "empty": [51.0] * 24})
        script = [node, HERE / "page.mjs", modules, chromium]
        words = [*script, camera.address, other.address, PASSWORD.replace(" ", "_")]
        yield converse([str(word) for word in words], camera)


def converse(words: list[str], camera: Camera) -> dict[str, str]:
    """Run the script and do at the camera what it asks for."""
    outcomes: dict[str, str] = {}
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as browser:
        assert browser.stdin is not None
        assert browser.stdout is not None
        for line in browser.stdout:
            kind, _, rest = line.strip().partition(" ")
            if kind == "do":
                print(do(camera, *rest.split(" ", 2)), file=browser.stdin, flush=True)
            elif kind == "check":
                name, _, outcome = rest.partition(": ")
                outcomes[name] = outcome
        browser.wait(HANG_S)
    return outcomes


def do(camera: Camera, verb: str, *words: str) -> object:
    """What page.mjs asks for; returns what it is told."""
    process = camera.page._process
    assert process is not None
    verbs: dict[str, Callable[[], object]] = {
        "see": lambda: camera.see(words[0]),
        "wonder": lambda: camera.wonder(words[0], 0.5),
        "ail": lambda: camera.health.report(words[0], words[1], monotonic_ns()),
        "heal": lambda: camera.health.report(words[0], None, monotonic_ns()),
        "stall": lambda: setattr(camera, "is_stalled", True),
        "go": lambda: setattr(camera, "is_stalled", False),
        "freeze": lambda: os.kill(process.pid, signal.SIGSTOP),
        "thaw": lambda: os.kill(process.pid, signal.SIGCONT),
        "asked": lambda: camera.asked,
        "truth": lambda: truth(camera),
    }
    return verbs[verb]()


def truth(camera: Camera) -> str:
    """What was said of the newest event's picture."""
    with Reader(camera.folder) as reader:
        name = reader.events(limit=1)[0].event.snapshot
        assert name is not None
        snapshot = reader.snapshot(name)
    assert snapshot is not None
    return "null" if snapshot.truth is None else snapshot.truth


@pytest.mark.parametrize("name", CHECKS)
def test_in_the_browser(outcomes: dict[str, str], name: str) -> None:
    """What the check says; page.mjs has it in code."""
    assert outcomes.get(name, "it was not reached") == "ok"
