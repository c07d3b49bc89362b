"""The status document: what the page, MQTT and /metrics tell of the daemon, in one form.

JSON types only; times are UTC, ISO 8601 with milliseconds; None is "not known here".
"""

from typing import Literal, TypeAlias, TypedDict

Level: TypeAlias = Literal["ok", "warning", "error"]


class ProbationFacts(TypedDict):
    """How far a new model has got: `pictures` of `pictures_needed`, and what is left of its time.

    `previous`: sha256 of the model that comes back if this one fails, None if there is none.
    """

    pictures: int
    pictures_needed: int
    seconds_left: float
    deaths: int
    previous: str | None


class ModelFacts(TypedDict):
    """`size`: height and width of the input. `accuracy` on the test pictures, 0–1.

    `probation` None: it has passed, or was chosen by hand.
    """

    name: str
    sha256: str
    labels: list[str]
    size: list[int]
    interpreter: str
    accelerated: bool
    accuracy: float | None
    trained: str | None
    probation: ProbationFacts | None


class CameraFacts(TypedDict):
    """`source` without passwords; `live`: no recording."""

    source: str
    detail: str
    live: bool


class NowSeen(TypedDict):
    """What is seen in one region: `scores` smoothed, by label, in the model's order."""

    region: str | None
    label: str
    score: float
    since: str
    scores: dict[str, float]


class Latency(TypedDict):
    """Capture to decision, as Prometheus counts it: `counts[i]` were of at most `le_s[i]`."""

    le_s: list[float]
    counts: list[int]
    sum_s: float
    count: int


class LoopFacts(TypedDict):
    """`rate`, `p50_ms` and `p99_ms` of the last minute; the others since the start.

    `rate`: pictures per second. The quantiles, capture to decision, are 0 where no picture came.
    """

    frames: int
    dropped: int
    rate: float
    p50_ms: float
    p99_ms: float
    latency: Latency


class MachineFacts(TypedDict):
    """`throttled`: words such as "undervoltage now", None where the machine cannot tell.

    `memory_mb`: what the daemon has resident; `available_mb`: what the machine could still give.
    `clock_synchronised`: whether the time has lately been had from elsewhere.
    """

    model: str
    celsius: float | None
    throttled: list[str] | None
    memory_mb: float
    available_mb: float | None
    clock_synchronised: bool | None


class StoreFacts(TypedDict):
    """`pending`: events that wait for the disk. `lost`: that found no room to wait.

    `busy_s`: for how long the disk has been at what it was given last, 0 when it is done.
    """

    events: int
    pending: int
    lost: int
    snapshots: int
    snapshots_mb: float
    keep_mb: int
    disk_free_mb: float
    busy_s: float


class PublisherFacts(TypedDict):
    """`backlog`: events that wait for it. `error`: why the last try failed, None if it did not."""

    name: str
    kind: Literal["mqtt", "webhook", "command", "gpio"]
    connected: bool
    backlog: int
    acknowledged: int
    dropped: int
    error: str | None


class StateFacts(TypedDict):
    """Something that is wrong. `advice`: what to do about any state of that name, one sentence."""

    name: str
    level: Level
    cause: str
    advice: str
    since: str


class HealthFacts(TypedDict):
    """`level` is the worst of the states'; they come worst first, then by name."""

    level: Level
    states: list[StateFacts]


class Status(TypedDict):
    """The whole document. `store` None: nothing is kept. `uptime_s` is right whatever the clock."""

    device: str
    version: str
    time: str
    started: str
    uptime_s: float
    model: ModelFacts
    camera: CameraFacts
    now: list[NowSeen]
    loop: LoopFacts
    machine: MachineFacts
    store: StoreFacts | None
    publishers: list[PublisherFacts]
    health: HealthFacts
