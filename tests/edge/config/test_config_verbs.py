"""`galago config`: check, show, example, password."""

import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from galago.edge.config.example import example
from galago.edge.config.read import DEFAULT_PATH
from tests.conftest import Outcome

Galago = Callable[..., Outcome]

_COMMAND = [sys.executable, "-P", "-m", "galago.cli", "config"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the configuration is."""
    return tmp_path / "galago.toml"


def test_a_good_file_is_said_to_be_good(galago: Galago, path: Path) -> None:
    """One line that also says what was not looked at; what is not here yet is told, no more."""
    path.write_text('[model]\nfile = "/etc/galago/model.tflite"\n')
    outcome = galago("config", "check", path)
    assert (outcome.code, outcome.out.count("\n")) == (0, 1)
    assert outcome.out.startswith(f"{path}: ok. What only the device can tell is not checked")
    assert outcome.complaint.endswith("model.file: there is no /etc/galago/model.tflite here")


def test_each_problem_is_a_line(galago: Galago, path: Path) -> None:
    """All of them, and exit code 2."""
    path.write_text("[web]\nport = 1.5\nprot = 80\n")
    outcome = galago("config", "check", path)
    assert (outcome.code, outcome.out) == (2, "")
    assert [line.split(": ")[:3] for line in outcome.err.splitlines()] == [
        ["galago", f"{path}:2", "web.port"],
        ["galago", f"{path}:3", "web.prot"],
    ]


def test_a_missing_file_is_a_problem_of_check_only(galago: Galago) -> None:
    """To show what is in effect needs none."""
    if DEFAULT_PATH.exists():
        pytest.skip(f"this machine has {DEFAULT_PATH}")
    assert galago("config", "check").complaint == (
        f"galago: {DEFAULT_PATH}: cannot be read: No such file or directory"
    )
    shown = galago("config", "show")
    assert shown.complaint == f"galago: there is no {DEFAULT_PATH}: these are the defaults"
    assert 'host = "127.0.0.1"' in shown.out


def test_a_secret_that_others_can_read_is_told(galago: Galago, path: Path) -> None:
    """It is no fault of the file, so the file is good all the same."""
    secret = path.with_name("secret")
    secret.write_text("hunter2\n")
    path.write_text('[mqtt]\npassword = "file:secret"\n')
    secret.chmod(0o604)
    outcome = galago("config", "check", path)
    assert outcome.code == 0
    assert f"mqtt.password: others may read or write {secret}" in outcome.err
    secret.chmod(0o640)
    assert "mqtt.password" not in galago("config", "check", path).err
    secret.write_text("")
    assert f"mqtt.password: {secret} is empty" in galago("config", "check", path).err
    secret.unlink()
    assert "mqtt.password: file:" in galago("config", "check", path).err


def test_a_broker_without_a_host_is_told(galago: Galago, path: Path) -> None:
    """It may be switched off for a while, so it is no fault."""
    path.write_text('[mqtt]\nusername = "porch"\n')
    outcome = galago("config", "check", path)
    assert outcome.code == 0
    assert "mqtt: there is no host, so no broker is told" in outcome.err


def test_a_secret_of_systemd_cannot_be_checked_elsewhere(galago: Galago, path: Path) -> None:
    """Which is said."""
    path.write_text('[mqtt]\npassword = "credential:mqtt"\n')
    told = galago("config", "check", path).err
    assert "credential:mqtt is there only when systemd starts the daemon" in told


def test_settings_are_shown_with_where_they_come_from(galago: Galago, path: Path) -> None:
    """Line and file, or default; of a secret only where it is."""
    path.write_text('[web]\nport = 80\npassword = "file:/secret"\n')
    lines = galago("config", "show", path).out.splitlines()
    web = lines[lines.index("[web]") :]
    told = {" ".join(line.split()) for line in web}
    assert f"port = 80 # {path}:2" in told
    assert f'password = "file:/secret" # {path}:3' in told
    assert 'host = "127.0.0.1" # default' in told
    assert "# key is unset # default" in told


def test_settings_are_shown_as_json(galago: Galago, path: Path) -> None:
    """By dotted key."""
    path.write_text('[command.x]\nargv = ["a"]\n[camera]\nsource = "rtsp://me:hunter2@cam/x"\n')
    shown = json.loads(galago("config", "show", path, "--json").out)
    assert shown["command.x.argv"] == {"value": ["a"], "from": f"{path}:2"}
    assert shown["camera.source"] == {"value": "rtsp://cam/x", "from": f"{path}:4"}
    assert shown["model.threads"] == {"value": None, "from": "default"}


def test_the_example_is_what_the_verb_writes(galago: Galago) -> None:
    """On standard output, to be put where it is wanted."""
    assert galago("config", "example").out == example() + "\n"


def test_without_a_verb_the_group_says_what_it_has(galago: Galago) -> None:
    """As the command itself does."""
    outcome = galago("config")
    assert outcome.code == 0
    assert all(verb in outcome.out for verb in ("check", "show", "example", "password"))


def test_checking_loads_neither_pictures_nor_numbers(path: Path) -> None:
    """OpenCV and numpy take a small board seconds to load."""
    path.write_text("[web]\nport = 80\n")
    program = (
        "import sys; from galago.cli import main\n"
        f"code = main(['config', 'check', {str(path)!r}])\n"
        "print(code, sorted({'cv2', 'numpy', 'asyncio', 'starlette', 'paho'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "0 []"


def test_a_password_from_a_pipe_becomes_its_hash() -> None:
    """The hash alone on standard output, and one that fits."""
    matches = pytest.importorskip("galago.edge.web.password").matches
    done = subprocess.run(
        [*_COMMAND, "password"], input=b"hunter2\nmore\n", capture_output=True, check=True
    )
    assert b"hunter2" not in done.stdout + done.stderr
    assert matches("hunter2", done.stdout.decode().rstrip("\n"))


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        (b"", "a password has 1 to 1000 characters: received 0"),
        (b"\n", "a password has 1 to 1000 characters: received 0"),
        (b"x" * 1001, "a password has 1 to 1000 characters: received 1001"),
        (b"\xff\n", "a password is text in UTF-8: received other bytes"),
    ],
)
def test_what_is_no_password_is_refused(given: bytes, complaint: str) -> None:
    """In one line."""
    done = subprocess.run([*_COMMAND, "password"], input=given, capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.decode() == f"galago: {complaint}\n"


def typed(*lines: str) -> tuple[int, str]:
    """Run the verb at a terminal of its own, with lines typed; its code, and all that is shown."""
    child, terminal = pty.fork()
    if not child:
        os.execv(sys.executable, [*_COMMAND, "password"])  # noqa: S606 - a program of ours
    shown = ""
    for line in lines:
        shown += _until(terminal, ": ")
        os.write(terminal, f"{line}\n".encode())
    shown += _until(terminal, "")
    _, status = os.waitpid(child, 0)
    os.close(terminal)
    return os.waitstatus_to_exitcode(status), shown


def _until(terminal: int, end: str) -> str:
    shown = ""
    while not end or not shown.endswith(end):
        try:
            more = os.read(terminal, 1000)
        except OSError:  # the other side has left
            break
        if not more:
            break
        shown += more.decode()
    return shown


def test_at_a_terminal_a_password_is_asked_for_twice() -> None:
    """And is not shown."""
    matches = pytest.importorskip("galago.edge.web.password").matches
    code, shown = typed("hunter2", "hunter2")
    assert code == 0
    assert "hunter2" not in shown
    assert matches("hunter2", shown.split()[-1])


def test_two_different_passwords_are_refused() -> None:
    """As one of them was not meant."""
    code, shown = typed("hunter2", "hunter3")
    assert code == 2
    assert "the two are not the same" in shown
    assert "hunter" not in shown
