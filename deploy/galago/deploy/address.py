"""Who is meant by USER@HOST.

- What begins with a dash, or has anything in it that no name has, is refused: to ssh it might be an
  option, to a shell a command.
- Ports, keys and jump hosts are in the user's ssh configuration, where every program finds them.

    Address.parse("pi@porch.local")
"""

import re
from dataclasses import dataclass
from typing import Self

from galago.errors import UsageError

_USER = r"[A-Za-z0-9_][A-Za-z0-9_.+-]*"
_NAME = r"[A-Za-z0-9_][A-Za-z0-9_.-]*"  # a host's, or what ~/.ssh/config calls one
_NUMBER = r"[0-9A-Fa-f]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(?:%[A-Za-z0-9_.-]+)?"  # IPv6: RFC 4007, 11
_ADDRESS = re.compile(
    rf"(?:(?P<user>{_USER})@)?(?:\[(?P<boxed>{_NUMBER})\]|(?P<host>{_NAME}|{_NUMBER}))"
)
_LONGEST = 255  # DNS: RFC 1035, 2.3.4


@dataclass(frozen=True, slots=True)
class Address:
    """A host, and who logs in there; `user` None: whom ssh would take."""

    user: str | None
    host: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `USER@HOST` or `HOST`.

        Raises:
            UsageError: it is neither.
        """
        match = _ADDRESS.fullmatch(text) if len(text) <= _LONGEST else None
        if match is None:
            raise UsageError(
                f"expected USER@HOST, such as pi@porch.local, received {text[:_LONGEST]!r}; a "
                "port, a key or a jump host is set in ~/.ssh/config, under a name of its own"
            )
        return cls(match["user"], match["boxed"] or match["host"])

    def __str__(self) -> str:
        return f"{self.user}@{self.host}" if self.user else self.host

    def place(self, path: str) -> str:
        """A path there, as scp wants it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.user}@{host}:{path}" if self.user else f"{host}:{path}"
