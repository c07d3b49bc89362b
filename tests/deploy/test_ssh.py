"""Another machine over ssh: a real sshd, the real programs, and what can go wrong between them."""

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from galago.deploy.address import Address
from galago.deploy.ssh import Connection
from galago.errors import DeviceError, UsageError
from tests.deploy.sshd import Sshd

PORCH = Address(None, "porch")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with Sshd(tmp_path_factory.mktemp("sshd")) as sshd:
        yield sshd


@pytest.fixture
def sshd(running: Sshd, monkeypatch: pytest.MonkeyPatch) -> Sshd:
    """An sshd that the programs of this process's path know."""
    monkeypatch.setenv("PATH", running.variables["PATH"])
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    running.know("host")
    return running


@pytest.mark.parametrize(
    ("text", "user", "host"),
    [
        ("porch", None, "porch"),
        ("pi@porch.local", "pi", "porch.local"),
        ("pi@192.168.1.20", "pi", "192.168.1.20"),
        ("fe80::1%eth0", None, "fe80::1%eth0"),
        ("pi@[2001:db8::1]", "pi", "2001:db8::1"),
    ],
)
def test_a_host_is_a_name_or_a_number(text: str, user: str | None, host: str) -> None:
    """With or without who logs in."""
    assert Address.parse(text) == Address(user, host)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-oProxyCommand=touch /tmp/x",
        "pi@-oProxyCommand=x",
        "-l@porch",
        "porch;reboot",
        "$(reboot)",
        "pi@porch:22",
        "pi@",
        "@porch",
        "a b",
        "porch\n",
        "pi@porch/x",
        "x" * 300,
    ],
)
def test_what_might_be_an_option_or_a_command_is_no_host(text: str) -> None:
    """For ssh takes options anywhere, and one of them runs commands."""
    with pytest.raises(UsageError, match="expected USER@HOST"):
        Address.parse(text)


def test_a_number_is_boxed_for_scp() -> None:
    """Its colons would end the host."""
    assert Address.parse("pi@fe80::1").place("/opt") == "pi@[fe80::1]:/opt"


@pytest.mark.usefixtures("sshd")
def test_words_arrive_as_they_were_given() -> None:
    """No shell takes them apart."""
    words = ["a b", "$HOME", "`id`", "'", '"', "*", ";", "\\", "-n", "", "é"]
    script = "import json, sys; print(json.dumps(sys.argv[1:]))"
    with Connection(PORCH) as host:
        ended = host.run(sys.executable, "-c", script, *words)
    assert json.loads(ended.out) == words


@pytest.mark.usefixtures("sshd")
def test_both_streams_and_the_exit_code_come_back() -> None:
    """A command that fails is an answer, not an error."""
    with Connection(PORCH) as host:
        ended = host.run("sh", "-c", "echo out; echo err >&2; exit 3")
    assert (ended.code, ended.out, ended.err) == (3, "out", "err\n")


def test_a_visit_is_one_login(sshd: Sshd, tmp_path: Path) -> None:
    """Whoever has to type a password or touch a key has to once."""
    before = sshd.log.count("Accepted publickey")
    (tmp_path / "carried").write_text("x")
    (tmp_path / "there").mkdir()
    with Connection(PORCH) as host:
        for _ in range(3):
            host.run("true")
        host.send([tmp_path / "carried"], str(tmp_path / "there"))
    assert (tmp_path / "there/carried").read_text() == "x"
    assert sshd.log.count("Accepted publickey") == before + 1


@pytest.mark.usefixtures("sshd")
def test_folders_are_copied_with_what_is_in_them(tmp_path: Path) -> None:
    """As they are, byte for byte."""
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "a/b/c").write_bytes(bytes(range(256)) * 100)
    (tmp_path / "there").mkdir()
    with Connection(PORCH) as host:
        host.send([tmp_path / "a"], str(tmp_path / "there"))
    assert (tmp_path / "there/a/b/c").read_bytes() == (tmp_path / "a/b/c").read_bytes()


@pytest.mark.usefixtures("sshd")
def test_a_copy_that_fails_is_told(tmp_path: Path) -> None:
    """Here into a folder that is not there."""
    (tmp_path / "a").write_text("x")
    with Connection(PORCH) as host, pytest.raises(DeviceError, match="not all was copied"):
        host.send([tmp_path / "a"], str(tmp_path / "nowhere/at/all"))


@pytest.mark.usefixtures("sshd")
def test_lines_come_when_they_are_written() -> None:
    """Not all at the end: somebody watches."""
    times: list[float] = []
    with Connection(PORCH) as host:
        host.follow(
            ["sh", "-c", "echo a; sleep 0.5; echo b"], lambda _: times.append(time.monotonic())
        )
    assert len(times) == 2
    assert times[1] - times[0] > 0.2


@pytest.mark.usefixtures("sshd")
def test_a_command_without_end_is_given_up() -> None:
    """Every wait has a deadline."""
    with (
        Connection(PORCH) as host,
        pytest.raises(DeviceError, match="sleep 60 did not end within 1 s"),
    ):
        host.run("sleep", "60", deadline_s=1)


@pytest.mark.usefixtures("sshd")
def test_a_port_where_nobody_listens() -> None:
    """The remedy is the one for a Pi whose ssh is off."""
    with pytest.raises(DeviceError, match=r"Connection refused: .* raspi-config"):
        Connection(Address(None, "gone")).__enter__()


@pytest.mark.usefixtures("sshd")
def test_a_name_that_nobody_has() -> None:
    """The top level "invalid" is nobody's: RFC 2606."""
    with pytest.raises(DeviceError, match=r"Could not resolve hostname .* nobody has that name"):
        Connection(Address("pi", "porch.invalid")).__enter__()


def test_another_key_than_before_is_no_small_thing(sshd: Sshd) -> None:
    """Either the card was written anew, or somebody stands between."""
    sshd.know("other")
    with pytest.raises(DeviceError, match=r"HAS CHANGED: .* ssh-keygen -R porch"):
        Connection(PORCH).__enter__()


def test_a_key_that_was_never_seen(sshd: Sshd) -> None:
    """Nobody is asked where there is no terminal: nothing is trusted then."""
    sshd.known_hosts.write_text("")
    with pytest.raises(DeviceError, match="log in once by hand"):
        Connection(PORCH).__enter__()


def test_a_stranger_is_not_let_in(sshd: Sshd) -> None:
    """And gets to know how a key is made known."""
    own, hidden = sshd.folder / "user.pub", sshd.folder / "user.hidden"
    own.rename(hidden)
    try:
        with pytest.raises(DeviceError, match=r"Permission denied .*: .* ssh-copy-id porch"):
            Connection(PORCH).__enter__()
    finally:
        hidden.rename(own)


def test_without_ssh_the_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A path without programs."""
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(DeviceError, match="there is no ssh on this machine: install OpenSSH"):
        Connection(PORCH)


def test_a_machine_that_vanishes_is_noticed(sshd: Sshd) -> None:
    """In the middle of a command, and again by the next one."""

    def vanish(_line: str) -> None:
        sshd.stop()

    try:
        with Connection(PORCH) as host:
            with pytest.raises(DeviceError, match="the connection was lost"):
                host.follow(["sh", "-c", "echo here; sleep 60"], vanish)
            with pytest.raises(DeviceError, match="the connection was lost"):
                host.run("true")
    finally:
        sshd.start()


@pytest.mark.usefixtures("sshd")
def test_nothing_is_left_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No folder and no process, however it ended."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with Connection(PORCH) as host:
        assert list(tmp_path.iterdir())
        shared = host._shared
    assert list(tmp_path.iterdir()) == []
    assert shared is not None
    assert shared.returncode is not None
    with pytest.raises(DeviceError):
        Connection(Address(None, "gone")).__enter__()
    assert list(tmp_path.iterdir()) == []
