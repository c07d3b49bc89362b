"""A daemon's parts for the tests of what is told of them: the real ones, without a loop."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from galago.edge.camera import Camera, Frame, open_camera
from galago.edge.decision import UNKNOWN, Decision, Told
from galago.edge.health import Health
from galago.edge.live import Live
from galago.edge.loop import Seen
from galago.edge.regions import WHOLE, Region
from galago.edge.serving import Serving
from galago.edge.vitals.pulse import Pulse
from galago.edge.vitals.sensors import Sensors
from galago.edge.vitals.sources import Sources

NS = 1_000_000_000


@dataclass
class Parts:
    """What a loop would fill: it is filled by hand. `dropped` is what the camera has lost."""

    serving: Serving
    folder: Path
    dropped: int = 0
    live: Live = field(default_factory=Live)
    pulse: Pulse = field(default_factory=Pulse)
    health: Health = field(default_factory=Health)
    camera: Camera = field(default_factory=lambda: open_camera("fake:bars"))

    def sources(self) -> Sources:
        """All of them, over a machine that is a folder."""
        return Sources(
            device="porch",
            live=self.live,
            pulse=self.pulse,
            health=self.health,
            serving=lambda: self.serving,
            camera=lambda: self.camera,
            dropped=lambda: self.dropped,
            sensors=Sensors(
                self.folder / "sys", self.folder / "proc", self.folder / "run", fresh_s=0
            ),
        )

    def sees(self, label: str, since_ns: int, region: Region = WHOLE) -> None:
        """What a region shows from now on."""
        labels = self.serving.classifier.labels
        scores = np.full(len(labels), 0.25, np.float32)
        index = UNKNOWN if label == "unknown" else labels.index(label)
        if index != UNKNOWN:
            scores[index] = 0.5
        told = Told(index, since_ns, None)
        decision = Decision(scores, index, since_ns, since_ns, told=told)
        frame = Frame(np.zeros((4, 4, 3), np.uint8), since_ns, 0)
        self.live.offer(Seen(frame, region, scores, decision, None))

    def machine(self, path: str, text: str) -> None:
        """What the machine tells in a file."""
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
