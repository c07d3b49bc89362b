"""Where the status document and the watch get what they tell: one list of the daemon's parts."""

from collections.abc import Callable
from dataclasses import dataclass, field

from galago.edge.camera import Camera
from galago.edge.health import Health
from galago.edge.live import Live
from galago.edge.serving import Serving
from galago.edge.vitals.document import ProbationFacts, PublisherFacts, StoreFacts
from galago.edge.vitals.pulse import Pulse
from galago.edge.vitals.sensors import Sensors


@dataclass(slots=True, eq=False)
class Sources:
    """The parts of the daemon that are told of.

    The calls are made by any thread and may raise. Those that begin late (`store`, `publishers`)
    are put in when they have; `store` None: nothing is kept.
    """

    device: str
    live: Live
    pulse: Pulse
    health: Health
    serving: Callable[[], Serving]
    camera: Callable[[], Camera]
    dropped: Callable[[], int]
    probation: Callable[[], ProbationFacts | None] = lambda: None
    sensors: Sensors = field(default_factory=Sensors)
    store: Callable[[], StoreFacts] | None = None
    publishers: Callable[[], list[PublisherFacts]] = list
