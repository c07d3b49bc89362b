"""Looks now and then, in a thread of its own, whether the picture is one to believe.

- The loop offers every frame and goes on at once; it never waits for a look.
- What is found is told to Health (galago.edge.sanity); nothing here stops the loop.
- The view as it was at set-up is kept in a file, if there is to be one.
"""

import threading
from pathlib import Path
from typing import Self

from galago.edge.camera import Camera, Frame
from galago.edge.handover import Handover
from galago.edge.health import Health
from galago.edge.reference import Reference
from galago.edge.sanity import Sanity, SanitySettings
from galago.files import check_place


class Inspector:
    """A thread that judges a few of a camera's frames every second.

    `keep`: file with the view at set-up, or None to learn it anew at each start. If it is not
    there, it is written as soon as the view has been learnt.

    Raises:
        UsageError: the folder of `keep` is not there.
        DataError: `keep` is there and no reference.
        OSError: `keep` cannot be read, or its folder not be written to.
    """

    def __init__(self, camera: Camera, health: Health, keep: Path | None = None) -> None:
        reference = None
        if keep is not None and keep.exists():
            reference, keep = Reference.load(keep), None
        elif keep is not None:
            check_place(keep)
        settings = SanitySettings()
        self._sanity = Sanity(health, noisy=camera.noisy, settings=settings, reference=reference)
        self._period_ns = round(settings.period_s * 1e9)
        self._health, self._unsaved = health, keep
        self._due_ns = 0
        self._newest: Handover[Frame] = Handover(discard=Frame.release)
        self._thread = threading.Thread(target=self._run, name="inspector", daemon=True)

    def offer(self, frame: Frame) -> None:
        """Have a frame judged, if it is time for one; it is held for as long as that takes."""
        if frame.time_ns >= self._due_ns:
            self._due_ns = frame.time_ns + self._period_ns
            self._newest.put(frame.hold())

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._newest.close()
        self._thread.join(timeout=2.0)

    def _run(self) -> None:
        while not self._newest.finished:
            frame = self._newest.take(1.0)
            if frame is not None:
                self._sanity.look(frame.pixels, frame.time_ns)
                frame.release()
                self._save(frame.time_ns)

    def _save(self, time_ns: int) -> None:
        path, reference = self._unsaved, self._sanity.reference
        if path is None or reference is None:
            return
        self._unsaved = None
        try:
            reference.save(path)
        except OSError as error:
            self._health.report(
                "reference.unsaved", f"{path} cannot be written: {error.strerror or error}", time_ns
            )
