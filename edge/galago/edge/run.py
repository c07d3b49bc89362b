"""The daemon: start up, look until told to stop, leave cleanly.

- It looks through nobody's eyes but a verified model's: the golden frames come first.
- Standard output carries events, one JSON line each, and nothing else; a slow reader of it does not
  slow the loop.
- What is wrong with the camera is told on standard error when it begins and when it is over.
"""

import platform
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TextIO

from galago.bundle.verify import Verification
from galago.edge.camera import Camera, open_camera
from galago.edge.event import make_event
from galago.edge.health import Health
from galago.edge.inspector import Inspector
from galago.edge.loop import Loop, LoopSettings
from galago.edge.outlet import Outlet
from galago.edge.serving import open_serving
from galago.edge.stopping import stop_on_signals
from galago.edge.tell import tell, tell_change


@dataclass(frozen=True, slots=True)
class RunSettings:
    """What a user may choose.

    `threads`: of the interpreter; None is what `galago bench --save` has found. `reference`: file
    that keeps the view as it was at set-up; None learns it anew at each start.
    """

    threads: int | None = None
    reference: Path | None = None
    loop: LoopSettings = field(default_factory=LoopSettings)


def run(model_path: Path, source: str, out: TextIO, settings: RunSettings | None = None) -> None:
    """Classify what `source` shows until it ends or a signal comes; write events to `out`.

    Raises:
        ModelFileError: the model is damaged or fails its golden frames.
        CameraError: the camera cannot be opened, or is lost for good.
        BrokenPipeError: nobody reads `out` any more.
    """
    settings = settings or RunSettings()
    with stop_on_signals() as stop:
        serving = open_serving(model_path, settings.threads)
        health = Health(tell_change)
        opener = partial(open_camera, source)
        with Loop(opener, serving.classifier, stop, settings.loop, health=health) as loop:
            what, how = _what(loop.camera), _how(serving.verification)
            tell(f"{model_path.name} looks at {what}, {how}")
            inspector = Inspector(loop.camera, health, settings.reference)
            write = partial(print, file=out, flush=True)
            outlet = Outlet(write, stop.set, wait=not loop.camera.live)
            events = _look(loop, serving.sha256, outlet, inspector)
            why = "stopped by a signal" if stop.is_set() else f"{loop.camera.source} has ended"
            tell(f"{why}: {loop.frames} frames, {loop.dropped} dropped, {events} events")


def _look(loop: Loop, sha256: str, outlet: Outlet, inspector: Inspector) -> int:
    """Look until the end; how many events there were."""
    events = 0
    make = partial(make_event, labels=loop.labels, model=sha256, device=platform.node())
    with inspector, outlet:
        for seen in loop:
            inspector.offer(seen.frame)
            if seen.changed:
                outlet.put(make(seen).to_json())
                events += 1
    if outlet.lost:
        tell(f"{outlet.lost} of {events} events found no room: standard output was not read")
    return events


def _what(camera: Camera) -> str:
    return f"{camera.source} ({camera.detail})" if camera.detail else camera.source


def _how(verification: Verification) -> str:
    speed = "" if verification.accelerated else ", WITHOUT acceleration"
    return f"{verification.n} golden frames passed with {verification.interpreter}{speed}"
