"""Where on the broker a camera speaks, and what it is called there.

galago/porch/event         each event, as JSON; not retained
galago/porch/state         what is seen now, as JSON; retained, as all that follow
galago/porch/health        the status document
galago/porch/image         a small picture of the latest event, JPEG
galago/porch/availability  online or offline
"""

import hashlib
import re
from dataclasses import dataclass

_FIT = re.compile(r"[a-zA-Z0-9_-]{1,64}")  # what Home Assistant takes for an id, and any broker
_LONGEST = 48

ONLINE, OFFLINE = "online", "offline"


def fit(name: str) -> str:
    """A name fit for topics and ids: itself, or one like it that no other name has."""
    if _FIT.fullmatch(name):
        return name
    like = re.sub(r"[^a-zA-Z0-9_-]+", "-", name).strip("-")[:_LONGEST]
    return f"{like}-{hashlib.sha256(name.encode()).hexdigest()[:8]}".lstrip("-")


@dataclass(frozen=True, slots=True)
class Topics:
    """The topics of one camera; `base` is such as galago/porch."""

    base: str

    @property
    def event(self) -> str:
        """Of each event."""
        return f"{self.base}/event"

    @property
    def state(self) -> str:
        """Of what is seen now."""
        return f"{self.base}/state"

    @property
    def health(self) -> str:
        """Of the status document."""
        return f"{self.base}/health"

    @property
    def image(self) -> str:
        """Of the latest picture."""
        return f"{self.base}/image"

    @property
    def availability(self) -> str:
        """Of whether anybody is there."""
        return f"{self.base}/availability"
