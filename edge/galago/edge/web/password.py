"""The password of the page: a hash that can be kept in a file, and the check against it.

- scrypt, from the standard library; its cost stands in the hash, so that it can be raised later.
- Comparing takes the same time however wrong the password is.

    text = hashed("correct horse")          # scrypt$16384$8$5$SALT$DIGEST
    matches("correct horse", text)          # True
"""

import hashlib
import hmac
import os
import unicodedata
from base64 import b64decode, b64encode
from dataclasses import dataclass
from typing import Self

from galago.errors import UsageError

# Source: OWASP Password Storage Cheat Sheet, scrypt: N=2^14, r=8, p=5 is as strong as 2^17, 8, 1
# and takes 16 MB instead of 134, which a Pi Zero 2 with 512 MB can spare.
_COST, _BLOCK, _PARALLEL = 2**14, 8, 5
_SALT_BYTES, _DIGEST_BYTES = 16, 32
# What a hash may ask for: one written by somebody else must not take the memory of the camera.
_MAX_MEMORY = 2**26
_MAX_PARALLEL = 16

MAX_CHARACTERS = 1024


@dataclass(frozen=True, slots=True)
class Hash:
    """A hash taken apart; `text` as it is written."""

    cost: int
    block: int
    parallel: int
    salt: bytes
    digest: bytes

    @classmethod
    def parse(cls, text: str) -> Self:
        """Take a hash apart.

        Raises:
            UsageError: it is none, or asks for more memory than a camera has. It is not repeated.
        """
        try:
            kind, *figures, salt, digest = text.strip().split("$")
            cost, block, parallel = map(int, figures)
            parsed = cls(cost, block, parallel, _decoded(salt), _decoded(digest))
        except ValueError as error:
            raise _refused() from error
        if kind != "scrypt" or not parsed.is_sane():
            raise _refused()
        return parsed

    def is_sane(self) -> bool:
        """Whether it can be computed here: RFC 7914, section 6, and a ceiling of memory."""
        power_of_two = self.cost > 1 and self.cost & (self.cost - 1) == 0
        positive = self.block > 0 and 0 < self.parallel <= _MAX_PARALLEL
        enough = len(self.salt) >= 8 and len(self.digest) >= 16
        return power_of_two and positive and enough and self._memory() <= _MAX_MEMORY

    def of(self, password: str) -> bytes:
        """The digest of a password with this salt and this cost."""
        return hashlib.scrypt(
            # The same letter typed on two keyboards is the same password.
            unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass"),
            salt=self.salt,
            n=self.cost,
            r=self.block,
            p=self.parallel,
            maxmem=2 * _MAX_MEMORY,
            dklen=len(self.digest) or _DIGEST_BYTES,
        )

    def __str__(self) -> str:
        figures = f"{self.cost}${self.block}${self.parallel}"
        return f"scrypt${figures}${_encoded(self.salt)}${_encoded(self.digest)}"

    def _memory(self) -> int:
        return 128 * self.block * (self.cost + self.parallel)


def hashed(password: str) -> str:
    """What is kept of a password: `scrypt$N$r$p$SALT$DIGEST`, another each time.

    Raises:
        UsageError: the password is empty or very long.
    """
    if not 0 < len(password) <= MAX_CHARACTERS:
        raise UsageError(
            f"a password has 1 to {MAX_CHARACTERS} characters, received {len(password)}"
        )
    blank = Hash(_COST, _BLOCK, _PARALLEL, os.urandom(_SALT_BYTES), b"")
    return str(Hash(_COST, _BLOCK, _PARALLEL, blank.salt, blank.of(password)))


def matches(password: str, hashed: str) -> bool:
    """Whether `hashed` was made of this password; takes about as long either way.

    Raises:
        UsageError: `hashed` is not what `hashed()` makes.
    """
    known = Hash.parse(hashed)
    return hmac.compare_digest(known.of(password[:MAX_CHARACTERS]), known.digest)


def _encoded(data: bytes) -> str:
    return b64encode(data).decode("ascii")


def _decoded(text: str) -> bytes:
    return b64decode(text, validate=True)


def _refused() -> UsageError:
    return UsageError(
        "the password's hash cannot be read: expected scrypt$N$r$p$SALT$DIGEST, one line as "
        "`galago config password` prints it"
    )
