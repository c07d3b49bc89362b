"""A child that misbehaves is the child's end, and nobody else's."""

import sys
import time
from pathlib import Path

from galago.bundle import sandbox

CONFINED = "from galago.bundle import sandbox; sandbox.confine(memory=50 << 20, cpu_s=1);"


def run(code: str, content: bytes = b"", deadline_s: float = 20.0) -> sandbox.Ended:
    return sandbox.run([sys.executable, "-c", code], content, deadline_s)


def test_what_the_child_says_comes_back() -> None:
    """It reads its input, and both of its streams are heard."""
    ended = run("import sys; text = input(); print(text); sys.exit(f'and {text}')", b"hello")
    assert ended == sandbox.Ended(1, b"hello\nand hello\n", late=False)


def test_a_child_that_never_ends_is_ended() -> None:
    """At the deadline, whether it reads, writes, or only sleeps."""
    start = time.monotonic()
    silent = "import os, time; os.close(1); os.close(2); time.sleep(60)"
    for code in ("import time; time.sleep(60)", silent, "while True: pass"):
        ended = run(code, bytes(1 << 20), deadline_s=0.5)
        assert ended.late
        assert ended.signal_name == "SIGKILL"
    assert time.monotonic() - start < 5


def test_what_a_child_has_started_ends_with_it() -> None:
    """A grandchild that keeps the pipe open keeps nobody waiting."""
    code = (
        "import subprocess, sys; "
        "print(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']).pid)"
    )
    start = time.monotonic()
    ended = run(code, deadline_s=2.0)
    assert time.monotonic() - start < 30  # of the grandchild's 60
    time.sleep(0.2)
    state = Path(f"/proc/{int(ended.output)}/stat")
    assert not state.exists() or state.read_text().split()[2] == "Z"


def test_a_child_that_says_too_much_is_not_listened_to() -> None:
    """One byte more than is read gives it away."""
    ended = run("while True: print('noise' * 100)")
    assert len(ended.output) == sandbox.MAX_OUTPUT + 1
    assert not ended.late


def test_a_confined_child_gets_no_more_memory() -> None:
    """What it holds already and what it asks for within the limit, it has."""
    assert run(CONFINED + "bytearray(30 << 20)").status == 0
    ended = run(CONFINED + "bytearray(80 << 20)")
    assert ended.status == 1
    assert ended.output.endswith(b"MemoryError\n")


def test_a_confined_child_gets_no_more_time() -> None:
    """Even when nobody is left to end it at its deadline."""
    assert run(CONFINED + "\nwhile True: pass").signal_name == "SIGXCPU"


def test_a_confined_child_writes_no_file(tmp_path: Path) -> None:
    """Not a byte, whatever code runs in it; its answer goes through a pipe."""
    path = tmp_path / "written"
    ended = run(CONFINED + f"open({str(path)!r}, 'w').write('x' * 9999)")
    assert b"File too large" in ended.output
    assert path.stat().st_size == 0


def test_a_confined_child_cannot_take_it_back() -> None:
    """The hard limits are lowered too; the superuser alone could raise them."""
    code = (
        "import os, resource as r; os.getuid() or os.setuid(65534); "
        "r.setrlimit(r.RLIMIT_FSIZE, (1, 1))"
    )
    assert b"not allowed to raise" in run(CONFINED + code).output
