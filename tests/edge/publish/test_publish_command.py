"""A program for each event: real processes."""

import json
import os
import sys
import threading
import time
from pathlib import Path

import pytest

from galago.edge.publish.command import Command
from galago.edge.publish.courier import DeliveryError, RefusedError
from galago.edge.publish.placeholders import complaint
from galago.edge.publish.settings import CommandSettings
from galago.edge.record import StoredEvent
from tests.edge.publish.house import make_event, wait_until

EVENT = StoredEvent(7, "epoch-7", make_event('a "cat"; $(touch x)'))


def run(*argv: str, timeout_s: float = 10.0, stop: threading.Event | None = None) -> None:
    Command(CommandSettings(argv=argv, timeout_s=timeout_s))(EVENT, stop or threading.Event())


def python(code: str, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-c", f"import json, os, sys, time; {code}", *arguments)


def gone(pid: int) -> bool:
    """Whether a process has ended, though nobody may have taken note of it yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


def test_arguments_are_filled_and_no_shell_reads_them(tmp_path: Path) -> None:
    """What an event does not have is left empty."""
    out = str(tmp_path / "out")
    code = "json.dump(sys.argv[2:], open(sys.argv[1], 'w'))"
    run(*python(code, out, "{label}", "x{score}y", "{snapshot}", "{{literally}}", "{id}"))
    assert json.loads(Path(out).read_text()) == [
        'a "cat"; $(touch x)',
        "x0.91y",
        "",
        "{literally}",
        "epoch-7",
    ]


def test_the_event_is_on_standard_input(tmp_path: Path) -> None:
    """As one line of JSON."""
    run(*python("open(sys.argv[1], 'w').write(sys.stdin.read())", str(tmp_path / "out")))
    assert (tmp_path / "out").read_text() == EVENT.to_json() + "\n"


def test_nothing_of_the_daemons_environment_is_passed_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But what any program needs."""
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", "/run/credentials/galago")
    code = "json.dump(dict(os.environ), open(sys.argv[1], 'w'))"
    run(*python(code, str(tmp_path / "out")))
    environment = json.loads((tmp_path / "out").read_text())
    assert environment["PATH"] == os.environ["PATH"]
    assert "CREDENTIALS_DIRECTORY" not in environment


def test_a_program_that_fails_is_a_refusal_with_what_it_said() -> None:
    """The last line of it, however much it says; and nobody waits for room."""
    code = "sys.stderr.write('x' * 300000 + chr(10) + 'no such lamp'); sys.exit(3)"
    with pytest.raises(RefusedError, match="left with 3: no such lamp"):
        run(*python(code))


def test_a_program_that_dies_is_a_refusal() -> None:
    """By name of the signal."""
    with pytest.raises(RefusedError, match="was ended by SIGKILL"):
        run(*python("os.kill(os.getpid(), 9)"))


def test_a_program_that_is_not_there_is_waited_for() -> None:
    """It may be installed yet: that is no refusal of this event."""
    with pytest.raises(DeliveryError, match="cannot be started") as raised:
        run("/nowhere/light", "{label}")
    assert not isinstance(raised.value, RefusedError)


def test_a_program_that_takes_too_long_is_ended_with_all_it_started(tmp_path: Path) -> None:
    """Also if it is deaf to being asked."""
    pids = tmp_path / "pids"
    code = (
        "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); child = os.fork();"
        "open(sys.argv[1] + str(os.getpid()), 'w').close(); time.sleep(60)"
    )
    pids.mkdir()
    start = time.monotonic()
    with pytest.raises(RefusedError, match=r"was ended after 0\.5 s"):
        run(*python(code, f"{pids}/"), timeout_s=0.5)
    assert time.monotonic() - start < 40
    started = [int(path.name) for path in pids.iterdir()]
    assert len(started) == 2
    wait_until(lambda: all(gone(pid) for pid in started))


def test_a_daemon_that_ends_takes_its_program_along(tmp_path: Path) -> None:
    """It will be started again with the daemon: that is no refusal."""
    stop = threading.Event()
    code = "open(sys.argv[1], 'w').close(); time.sleep(60)"
    began = tmp_path / "began"

    def stop_it() -> None:
        wait_until(began.exists)
        stop.set()

    threading.Thread(target=stop_it).start()
    start = time.monotonic()
    with pytest.raises(DeliveryError, match="with the daemon") as raised:
        run(*python(code, str(began)), stop=stop, timeout_s=50)
    assert not isinstance(raised.value, RefusedError)
    assert time.monotonic() - start < 30


def test_what_a_program_leaves_behind_is_not_waited_for() -> None:
    """A grandchild that keeps the pipe open."""
    start = time.monotonic()
    run("/bin/sh", "-c", "sleep 20 & exit 0")
    assert time.monotonic() - start < 15


@pytest.mark.parametrize("argument", ["{label}", "on", "{{x}}", "-l={label},{region}", "{id}", ""])
def test_arguments_that_fit(argument: str) -> None:
    """Keys of an event, or none."""
    assert complaint(argument) is None


@pytest.mark.parametrize(
    "argument",
    [
        "{lable}",
        "{}",
        "{0}",
        "{label.__class__}",
        "{label[0]}",
        "{label!r}",
        "{score:>9}",
        "{",
        "}",
    ],
)
def test_arguments_that_do_not_fit(argument: str) -> None:
    """Whatever is no key of an event, its attributes included, and braces that do not close."""
    assert complaint(argument)
    settings = CommandSettings(argv=("/bin/true", argument))
    assert [problem.key for problem in settings.check()] == ["argv"]
