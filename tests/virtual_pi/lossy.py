"""A disk with a volatile write cache, as an SD card has one: what was not flushed may be lost.

- Whoever writes is answered at once; the sector stays in the cache until a flush, or for good where
  the write demands it (FUA). Reads see the cache, as on a real disk.
- When the power goes, each sector of 512 bytes that was not flushed survives or not, by itself:
  writes come out of order, and in part.
- `image` is what a power cut now would leave, without one: for many cuts of one run.

Not modelled: erase blocks that take their neighbours with them, and a card that lies about flushes.

The disk is a process that speaks NBD on a Unix socket, so that nobody who waits for it stops it:

    with LossyDisk(folder / "disk.raw", seed=1) as disk:
        …  # qemu-system-x86_64 -drive file=nbd+unix:///?socket={disk.socket},format=raw,cache=none
        loss = disk.cut()  # and only then the machine
        disk.start()

Source: the NBD protocol, https://github.com/NetworkBlockDevice/nbd/blob/master/doc/proto.md
"""

import json
import os
import random
import socket
import struct
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

SECTOR = 512
REPOSITORY = Path(__file__).parents[2]

_END_S = 10.0

# Of the protocol: what the disk can do, the options and commands it knows, and its replies.
_CAN = 1 << 0 | 1 << 2 | 1 << 3  # has flags, FLUSH, FUA
_FIXED_NEWSTYLE_NO_ZEROES = 3
_EXPORT_NAME, _ABORT, _INFO, _GO = 1, 2, 6, 7
_ACK, _INFO_REPLY, _UNSUPPORTED = 1, 3, 1 << 31 | 1
_INFO_EXPORT, _INFO_BLOCK_SIZE = 0, 3
_READ, _WRITE, _DISCONNECT, _FLUSH = 0, 1, 2, 3
_FUA = 1
_INVALID = 22
_BLOCKS = (SECTOR, 4096, 32 << 20)  # smallest, preferred and largest piece


@dataclass(frozen=True, slots=True)
class Loss:
    """What a cut found: sectors that were not flushed, and how many of them survived."""

    unflushed: int
    kept: int


class LossyDisk:
    """The disk `raw`, a file of whole sectors; on from `with` to its end.

    `seed`: of the chance that sectors have. Leaving it without a cut writes everything.
    """

    def __init__(self, raw: Path, seed: int) -> None:
        self.socket = raw.with_suffix(".sock")
        self._raw, self._random = raw, random.Random(seed)  # noqa: S311 - no secret
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._end()

    def start(self) -> None:
        """Switch it on, with what it has kept."""
        self.socket.unlink(missing_ok=True)
        chance = str(self._random.getrandbits(64))
        command = [sys.executable, "-m", __name__, str(self._raw), str(self.socket), chance]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY
        )
        assert self._heard() == "ready"

    def cut(self) -> Loss:
        """Take its power: what survives is in the file, and nobody is answered any more."""
        loss = Loss(**self._asked("cut"))
        self._end()
        return loss

    def image(self, path: Path) -> Loss:
        """Write to `path` what a cut now would leave; the disk goes on."""
        return Loss(**self._asked("image", str(path)))

    def _asked(self, *words: str) -> dict[str, int]:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(words) + "\n")
        self._process.stdin.flush()
        answer: dict[str, int] = json.loads(self._heard())
        return answer

    def _heard(self) -> str:
        assert self._process is not None
        assert self._process.stdout is not None
        line = self._process.stdout.readline().strip()
        assert line, "the disk has ended; its reason is on standard error"
        return line

    def _end(self) -> None:
        assert self._process is not None
        self._process.communicate(timeout=_END_S)
        self._process = None


class Cache:
    """The disk's sectors: in the file, or in the cache before they are."""

    def __init__(self, raw: Path) -> None:
        self._raw = raw
        self._file = os.open(raw, os.O_RDWR)
        self.size = os.fstat(self._file).st_size
        self._waiting: dict[int, bytes] = {}
        self._lock = threading.Lock()

    def read(self, offset: int, length: int) -> bytes:
        """Whole sectors, the newest of each."""
        with self._lock:
            content = bytearray(os.pread(self._file, length, offset))
            if self._waiting:
                for position in range(0, length, SECTOR):
                    sector = self._waiting.get(offset + position)
                    if sector is not None:
                        content[position : position + SECTOR] = sector
        return bytes(content)

    def write(self, offset: int, content: bytes, *, for_good: bool) -> None:
        """Whole sectors, into the cache or past it."""
        pieces = {
            offset + position: content[position : position + SECTOR]
            for position in range(0, len(content), SECTOR)
        }
        with self._lock:
            if for_good:
                os.pwrite(self._file, content, offset)
                for position in pieces:
                    self._waiting.pop(position, None)
            else:
                self._waiting.update(pieces)

    def flush(self) -> None:
        """All that waits goes into the file."""
        with self._lock:
            self._keep(self._file, self._waiting)
            self._waiting.clear()

    def cut(self, chance: random.Random) -> Loss:
        """Let survive what does. The lock is never given back: from now on nothing is answered."""
        self._lock.acquire()
        return self._survive(self._file, chance)

    def image(self, path: Path, chance: random.Random) -> Loss:
        """The same into a copy."""
        with self._lock:
            subprocess.run(["cp", "--sparse=always", self._raw, path], check=True)  # noqa: S607
            file = os.open(path, os.O_RDWR)
            try:
                return self._survive(file, chance)
            finally:
                os.close(file)

    def _survive(self, file: int, chance: random.Random) -> Loss:
        share = chance.choice((0.0, 0.1, 0.5, 0.9))  # a cache may have written much, or nothing
        kept = {at: sector for at, sector in self._waiting.items() if chance.random() < share}
        self._keep(file, kept)
        return Loss(len(self._waiting), len(kept))

    @staticmethod
    def _keep(file: int, sectors: dict[int, bytes]) -> None:
        for at, sector in sectors.items():
            os.pwrite(file, sector, at)


class _Client:
    """One connection to the disk."""

    def __init__(self, connection: socket.socket, cache: Cache) -> None:
        self._connection, self._cache = connection, cache

    def serve(self) -> None:
        """Until it goes."""
        with self._connection, suppress(EOFError, ConnectionError):
            if self._agree():
                while self._answer():
                    pass

    def _agree(self) -> bool:
        """Go through its options; whether it wants the disk after that."""
        self._send(b"NBDMAGICIHAVEOPT", struct.pack(">H", _FIXED_NEWSTYLE_NO_ZEROES))
        self._receive(4)
        while True:
            _magic, option, length = struct.unpack(">8sII", self._receive(16))
            self._receive(length)
            if option == _EXPORT_NAME:
                self._send(struct.pack(">QH", self._cache.size, _CAN))
                return True
            if option in {_INFO, _GO}:
                export = struct.pack(">HQH", _INFO_EXPORT, self._cache.size, _CAN)
                self._reply(option, _INFO_REPLY, export)
                self._reply(option, _INFO_REPLY, struct.pack(">HIII", _INFO_BLOCK_SIZE, *_BLOCKS))
            self._reply(option, _ACK if option in {_INFO, _GO, _ABORT} else _UNSUPPORTED)
            if option in {_GO, _ABORT}:
                return bool(option == _GO)

    def _reply(self, option: int, kind: int, content: bytes = b"") -> None:
        self._send(struct.pack(">QIII", 0x3E889045565A9, option, kind, len(content)), content)

    def _answer(self) -> bool:
        """One request; whether there may be another."""
        _magic, flags, command, handle, offset, length = struct.unpack(">IHHQQI", self._receive(28))
        content, error = b"", 0
        if command == _READ:
            content = self._cache.read(offset, length)
        elif command == _WRITE:
            self._cache.write(offset, self._receive(length), for_good=bool(flags & _FUA))
        elif command == _FLUSH:
            self._cache.flush()
        elif command == _DISCONNECT:
            return False
        else:
            error = _INVALID
        self._send(struct.pack(">IIQ", 0x67446698, error, handle), content)
        return True

    def _send(self, *parts: bytes) -> None:
        self._connection.sendall(b"".join(parts))

    def _receive(self, length: int) -> bytes:
        content = bytearray()
        while len(content) < length:
            piece = self._connection.recv(length - len(content))
            if not piece:
                raise EOFError
            content += piece
        return bytes(content)


def _accept(listener: socket.socket, cache: Cache) -> None:
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=_Client(connection, cache).serve, daemon=True).start()


def _main(raw: str, address: str, seed: str) -> None:
    """The process of the disk: it obeys lines on standard input, until these end."""
    cache, chance = Cache(Path(raw)), random.Random(int(seed))  # noqa: S311
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(address)
    listener.listen()
    threading.Thread(target=_accept, args=(listener, cache), daemon=True).start()
    _say("ready")
    for line in sys.stdin:
        verb, *words = json.loads(line)
        if verb == "cut":
            _say(json.dumps(asdict(cache.cut(chance))))
            os._exit(0)
        _say(json.dumps(asdict(cache.image(Path(words[0]), chance))))
    cache.flush()
    os._exit(0)  # the threads of its clients may still wait


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    _main(*sys.argv[1:])
