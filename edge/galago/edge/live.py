"""What is seen now, for whoever looks: costs the loop next to nothing while nobody does.

live.offer(seen)                      # the loop, for every picture
with live.picture(timeout_s=1) as frame: ...   # a viewer's thread: the next frame, held
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from galago.edge.camera import Frame
from galago.edge.decision import Decision
from galago.edge.loop import Seen


class Live:
    """The newest decisions, and the next frame for one viewer at a time.

    Frames belong to the camera and are few: a viewer holds one only for as long as it takes to
    make a small picture of it.
    """

    def __init__(self) -> None:
        self._decisions: dict[str | None, Decision] = {}
        self._frame: Frame | None = None
        self._wanted = False
        self._came = threading.Event()
        self._one_viewer = threading.Lock()

    @property
    def decisions(self) -> dict[str | None, Decision]:
        """The newest decision by region's name, None for the whole picture; a copy."""
        return dict(self._decisions)

    def offer(self, seen: Seen) -> None:
        """Take note of a region's decision; called by the loop."""
        self._decisions[seen.region.name] = seen.decision
        if self._wanted:
            self._wanted = False
            seen.frame.hold()
            self._frame = seen.frame
            self._came.set()

    def forget(self) -> None:
        """Nothing has been decided yet; called by the loop, where it looks at other regions."""
        self._decisions = {}

    @contextmanager
    def picture(self, timeout_s: float) -> Iterator[Frame | None]:
        """The next frame that the loop looks at, (H, W, 3) uint8 RGB; None: none came in time."""
        with self._one_viewer:
            self._let_go()  # of one that came when nobody waited any more
            self._came.clear()
            self._wanted = True
            self._came.wait(timeout_s)
            self._wanted = False
            try:
                yield self._frame
            finally:
                self._let_go()

    def _let_go(self) -> None:
        frame, self._frame = self._frame, None
        if frame is not None:
            frame.release()
