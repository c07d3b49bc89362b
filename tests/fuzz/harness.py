"""Give damaged files to what `galago inspect` and `galago verify` call, and watch what happens.

For every mutant:

- It is read or refused by a ModelFileError of one printable line; nothing else comes out.
- A file that can be read can be shown: its text and its JSON can be written in UTF-8.
- Reading and showing take PARENT_S at most, a child its deadline and little more.
- This process opens nothing for writing but the mutant, and makes, moves and removes no file; the
  folder in which it and its children work holds the mutant alone afterwards.
- Neither this process nor a child is ever larger than LIMIT_MB.
"""

import faulthandler
import json
import math
import multiprocessing
import os
import re
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from galago.bundle import describe
from galago.bundle.model_file import ModelFile
from galago.bundle.verify import as_text, verify
from galago.errors import ModelFileError
from tests.fuzz.archives import Sample
from tests.fuzz.mutators import mutant

LIMIT_MB = 300
PARENT_S = 5.0  # a hundredth of it on an idle machine
DEADLINE_S = 20.0
CHUNK = 250

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_CHANGES = (
    *("os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink", "os.truncate"),
    *("os.chmod", "os.chown", "os.utime", "tempfile.", "shutil.", "os.system", "socket.connect"),
)


@dataclass
class Tally:
    """What came of some mutants."""

    kinds: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    messages: Counter[str] = field(default_factory=Counter)
    children: int = 0
    worst_read_s: float = 0.0
    worst_verify_s: float = 0.0
    parent_mb: float = 0.0
    child_mb: float = 0.0
    faults: list[str] = field(default_factory=list)

    def add(self, other: "Tally") -> None:
        """Take another's figures in."""
        self.kinds += other.kinds
        self.outcomes += other.outcomes
        self.messages += other.messages
        self.children += other.children
        self.faults += other.faults
        for name in ("worst_read_s", "worst_verify_s", "parent_mb", "child_mb"):
            setattr(self, name, max(getattr(self, name), getattr(other, name)))


def fuzz(path: Path, count: int, seed: int, workers: int) -> Iterator[Tally]:
    """Try `count` mutants of a sound file in processes of their own; yields what is known so far.

    Raises:
        BrokenProcessPool: a mutant ended a worker, which is what must never happen.
    """
    tally = Tally()
    # Not forked: a worker's peak of memory would begin with this process's.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        chunks = [range(start, min(start + CHUNK, count)) for start in range(0, count, CHUNK)]
        jobs = [pool.submit(attempt, path.absolute(), seed, chunk) for chunk in chunks]
        for job in as_completed(jobs):
            tally.add(job.result())
            yield tally


def attempt(path: Path, seed: int, numbers: range) -> Tally:
    """Try the mutants `numbers` in this process, in a new folder."""
    sample, tally = Sample.read(path), Tally()
    with tempfile.TemporaryDirectory(prefix="galago-fuzz-") as folder:
        file = Path(folder, "mutant.tflite")
        # Where a child would leave something if it left something.
        os.environ["TMPDIR"] = folder
        os.chdir(folder)
        for number in numbers:
            kind, content = mutant(sample, f"{seed}:{number}")
            file.write_bytes(content)
            outcome, faults = _watched(file, tally)
            if os.listdir(folder) != [file.name]:  # noqa: PTH208 - names are what is asked
                faults.append("something was left in the folder")
            tally.kinds[kind] += 1
            tally.outcomes[outcome] += 1
            tally.faults += [f"{kind}, {seed}:{number}: {fault}" for fault in faults]
        os.chdir("/")
    tally.parent_mb = peak_mb()
    tally.child_mb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return tally


def peak_mb() -> float:
    """The most that this process ever held.

    Its rusage would count the process that started it; the children's counts this one, and so is
    never below it.
    """
    status = Path("/proc/self/status").read_text(encoding="ascii")
    peak = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(peak[1]) / 1024 if peak else math.inf


def _watched(file: Path, tally: Tally) -> tuple[str, list[str]]:
    """Try one file; what came of it, and what must not have happened."""
    # A hang ends the worker, and so the whole run, with a traceback.
    faulthandler.dump_traceback_later(2 * (PARENT_S + DEADLINE_S), exit=True)
    with _no_changes() as changes:
        outcome, faults = _tried(file, tally)
    faulthandler.cancel_dump_traceback_later()
    return outcome, faults + changes


def _tried(file: Path, tally: Tally) -> tuple[str, list[str]]:
    start = time.monotonic()
    verifying = False
    try:
        model = ModelFile.read(file)
        document = json.dumps(describe.document(model), ensure_ascii=False, indent=2)
        f"{describe.as_text(model)}{document}".encode()
        read_s = time.monotonic() - start
        tally.worst_read_s = max(tally.worst_read_s, read_s)
        tally.children += 1
        verifying = True
        as_text(verify(model, deadline_s=DEADLINE_S))
    except ModelFileError as error:
        outcome, faults = _refused(str(error), tally, verifying=verifying)
    except Exception as error:  # noqa: BLE001 - any other is what is looked for
        outcome, faults = "FAULT", [f"{type(error).__name__}: {error}"[:200]]
    else:
        outcome, faults = "passed", []
    took, limit = time.monotonic() - start, PARENT_S + (DEADLINE_S if verifying else 0)
    worst = "worst_verify_s" if verifying else "worst_read_s"
    setattr(tally, worst, max(getattr(tally, worst), took))
    return outcome, faults + ([f"took {took:.1f} s"] if took > limit else [])


def _refused(message: str, tally: Tally, *, verifying: bool) -> tuple[str, list[str]]:
    told = re.sub(r"[0-9.]+", "#", message.rpartition("mutant.tflite: ")[2])
    tally.messages[told[:70]] += 1
    faults = [] if message.isprintable() else [f"the message is not one line: {message!r}"[:200]]
    if not verifying:
        return "refused on reading", faults
    for words, outcome in _ENDS.items():
        if re.search(words, message):
            return outcome, faults
    return "child: refused", faults


_ENDS = {
    "crashed the interpreter": "child: crashed",
    "did not finish": "child: out of time",
    "needs more than|[Aa]llocate|[Ii]nsufficient memory": "child: out of memory",
}


@contextmanager
def _no_changes() -> Iterator[list[str]]:
    """What this process does to files in the block, but for reading them."""
    if not _hooked:
        sys.addaudithook(_note)
        _hooked.append(True)
        sys.dont_write_bytecode = True  # a late import would
    changes: list[str] = []
    _noting.append(changes)
    try:
        yield changes
    finally:
        _noting.clear()


# An audit hook stays for the life of the process: it is set once, and heeded only in the block.
_hooked: list[bool] = []
_noting: list[list[str]] = []


def _note(event: str, arguments: tuple[Any, ...]) -> None:
    if not _noting:
        return
    opened = event == "open" and isinstance(arguments[0], str | bytes) and arguments[2] & _WRITING
    if opened or event.startswith(_CHANGES):
        _noting[-1].append(f"{event} {arguments[:1]}")
