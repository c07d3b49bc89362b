"""Who is logged in, and how often somebody may try to be.

- A session is a random token that the server remembers; a cookie that was copied ends with logout.
- Tries are few for one address and few in all; a try beyond that costs no computation, and is
  refused also with the right password.
- scrypt runs in a thread, one at a time: a flood of tries takes one core's spare time at most.
"""

import asyncio
import hmac
import os
import secrets
from collections import OrderedDict
from ipaddress import IPv6Address, ip_address
from time import monotonic

from galago.edge.web.password import matches

SESSION_S = 7 * 24 * 3600
_MAX_SESSIONS = 64
_OF_ADDRESS = (5, 1 / 30)  # at once, and per second after that
_OF_ALL = (20, 1 / 3)
_MAX_ADDRESSES = 1024


class Sessions:
    """Tokens of those who are logged in; after a restart everybody logs in again."""

    def __init__(self) -> None:
        self._ends: OrderedDict[str, float] = OrderedDict()

    def open(self) -> str:
        """A new token."""
        token = secrets.token_urlsafe(32)
        self._ends[token] = monotonic() + SESSION_S
        while len(self._ends) > _MAX_SESSIONS:
            self._ends.popitem(last=False)
        return token

    def knows(self, token: str | None) -> bool:
        """Whether it is one, and not over."""
        return token is not None and self._ends.get(token, 0.0) > monotonic()

    def close(self, token: str | None) -> None:
        """Log out."""
        self._ends.pop(token or "", None)


class Bucket:
    """So many at once, and so many per second after that."""

    def __init__(self, size: float, per_s: float) -> None:
        self._size, self._per_s = size, per_s
        self._left, self._at = size, monotonic()

    def take(self) -> float:
        """0 and one less is left; or the seconds after which there is one."""
        now = monotonic()
        self._left = min(self._size, self._left + (now - self._at) * self._per_s)
        self._at = now
        if self._left < 1:
            return (1 - self._left) / self._per_s
        self._left -= 1
        return 0.0

    def put_back(self) -> None:
        """A try that was right does not count."""
        self._left = min(self._size, self._left + 1)


class TooManyTriesError(Exception):
    """Not tried at all; `after_s`: when to come again."""

    def __init__(self, after_s: float) -> None:
        super().__init__(after_s)
        self.after_s = after_s


class Doorkeeper:
    """Checks passwords, not too many of them."""

    def __init__(self, hashed: str) -> None:
        self._hashed = hashed
        self._of_all = Bucket(*_OF_ALL)
        self._of: OrderedDict[str, Bucket] = OrderedDict()
        self._one_at_a_time = asyncio.Semaphore(1)
        self._secret = os.urandom(32)
        self._known: bytes | None = None  # of the password that was right, for those who ask often

    async def is_right(self, password: str, address: str) -> bool:
        """Whether it is the password.

        Raises:
            TooManyTriesError: it was not looked at.
        """
        mine = self._bucket(_network(address))
        if after_s := mine.take() or self._of_all.take():
            raise TooManyTriesError(after_s)
        async with self._one_at_a_time:
            right = await asyncio.to_thread(matches, password, self._hashed)
        if right:
            self._known = self._mark(password)
            mine.put_back()
            self._of_all.put_back()
        return right

    def recognises(self, password: str) -> bool:
        """Whether it was right before: a scrape every few seconds costs no scrypt."""
        return self._known is not None and hmac.compare_digest(self._known, self._mark(password))

    def _mark(self, password: str) -> bytes:
        return hmac.digest(self._secret, password.encode("utf-8", "surrogatepass"), "sha256")

    def _bucket(self, network: str) -> Bucket:
        bucket = self._of.pop(network, None) or Bucket(*_OF_ADDRESS)
        self._of[network] = bucket  # as the newest
        while len(self._of) > _MAX_ADDRESSES:
            self._of.popitem(last=False)
        return bucket


def _network(address: str) -> str:
    """One house has one address of IPv4, and 2⁶⁴ of IPv6."""
    parsed = ip_address(address.split("%", maxsplit=1)[0])
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(int(parsed) >> 64)
    return str(parsed)
