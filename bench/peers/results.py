"""What was measured, and the tables that tell it.

- A rate is the median of the rounds, with the lowest and the highest behind it.
- "Galago is … ×" is the median of each round's own ratio, since peers take turns within a round.
- A peer that does not run here is listed with its reason, never left out in silence.
"""

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Measure = Literal["memory", "file"]

Labels = Literal["labels", "labels_prepared"]

COLUMNS = (
    "",
    "frames/s from memory",
    "Galago is",
    "frames/s from the file",
    "Galago is",
    "CPU ms a frame",
    "same best class",
    "the same, shrunk alike",
)


@dataclass(frozen=True, slots=True)
class Peer:
    """`key` is its module in subjects/; `environment` the lock its environment is made from."""

    key: str
    name: str
    environment: str
    subject: str
    wanted: dict[int, float] = field(default_factory=dict)
    """By the size of the input: how many times its rate Galago is to have."""


GALAGO = "galago"

PEERS = (
    Peer(GALAGO, "Galago, the daemon's loop", "edge", "galago_loop"),
    Peer(
        "mediapipe",
        "MediaPipe `ImageClassifier`, VIDEO mode",
        "mediapipe",
        "mediapipe_tasks",
        {64: 2.5, 128: 2.5, 224: 1.1},
    ),
    Peer("litert", "LiteRT, a plain loop", "edge", "plain_loop"),
    Peer("tflite", "tflite-runtime 2.14, a plain loop", "tflite-runtime", "plain_loop"),
    Peer("picamera2", "LiteRT as in picamera2's example", "edge", "picamera2_example"),
    Peer("keras", "`keras.Model.predict` per frame", "workstation", "keras_predict", {64: 300.0}),
    Peer("floor", "LiteRT's benchmark, `invoke` only", "edge", "litert_benchmark"),
)


@dataclass(slots=True)
class Size:
    """All rounds of all peers with one model; `failures` by peer, in the peer's own words.

    `rounds`: by peer, what its module printed, one document a round.
    """

    side: int
    model: str
    rounds: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)

    def rates(self, key: str, measure: Measure) -> list[float]:
        """Frames per second of each round; empty where the peer has no such measure."""
        documents = self.rounds.get(key, [])
        return [document[measure]["fps"] for document in documents if document[measure]]

    def times(self, key: str, measure: Measure) -> float | None:
        """How many times the peer's rate Galago's is."""
        pairs = zip(self.rates(GALAGO, measure), self.rates(key, measure), strict=False)
        ratios = [ours / theirs for ours, theirs in pairs]
        return statistics.median(ratios) if ratios else None

    def cpu_ms(self, key: str) -> float | None:
        """Processor time for a frame from memory, of all threads."""
        values = [document["memory"]["cpu_ms"] for document in self.rounds.get(key, [])]
        return None if not values or None in values else statistics.median(values)

    def agreement(self, key: str, labels: Labels) -> tuple[int, int]:
        """Frames with Galago's best class, of how many; those of the first round."""
        pairs = list(zip(self._labels(GALAGO, labels), self._labels(key, labels), strict=False))
        return sum(ours == theirs for ours, theirs in pairs), len(pairs)

    def classes_seen(self) -> int:
        """How many classes Galago finds in the frames: with one, agreement says nothing."""
        return len(set(self._labels(GALAGO, "labels")))

    def _labels(self, key: str, labels: Labels) -> list[str]:
        documents = self.rounds.get(key)
        return documents[0][labels] if documents else []


def table(size: Size) -> str:
    """The table of one size, in Markdown."""
    seen = size.classes_seen()
    lines = [
        f"### {size.side} × {size.side}, {size.model}",
        "",
        f"| {' | '.join(COLUMNS)} |",
        "|---" * len(COLUMNS) + "|",
        *(_row(size, peer) for peer in PEERS if size.rounds.get(peer.key)),
        "",
        f"Classes that Galago finds in these frames: {seen}.",
        *(f"\nNot measured: {key}: {reason}" for key, reason in size.failures.items()),
    ]
    return "\n".join(lines)


def verdict(sizes: Sequence[Size]) -> str:
    """What was wanted and what was measured, in Markdown."""
    rows = [
        f"| {peer.name} | {size.side} px | {wanted:g} × | {_times(size, peer.key, 'memory')} "
        f"| {_times(size, peer.key, 'file')} |"
        for peer, size, wanted in _wanted(sizes)
    ]
    head = ["| against | input | wanted | from memory | from the file |", "|---|---|---|---|---|"]
    return "\n".join(head + rows)


def versions(sizes: Sequence[Size]) -> str:
    """Which packages each peer ran with, in one line."""
    found: dict[str, str] = {}
    for peer in PEERS:
        for size in sizes:
            for document in size.rounds.get(peer.key, [])[:1]:
                packages = document["versions"].items()
                found[peer.key] = f"{peer.key}: " + ", ".join(" ".join(pair) for pair in packages)
    return "; ".join(found.values())


def programs(sizes: Sequence[Size]) -> str:
    """The program of each peer and its version, in one line."""
    documents = (
        document
        for peer in PEERS
        for size in sizes
        for document in size.rounds.get(peer.key, [])[:1]
    )
    found = dict(next(iter(document["versions"].items())) for document in documents)
    return ", ".join(" ".join(pair) for pair in found.items())


def _wanted(sizes: Sequence[Size]) -> Iterator[tuple[Peer, Size, float]]:
    for peer in PEERS:
        for size in sizes:
            if size.side in peer.wanted and size.rounds.get(peer.key):
                yield peer, size, peer.wanted[size.side]


def _row(size: Size, peer: Peer) -> str:
    cpu_ms = size.cpu_ms(peer.key)
    cells = [
        f"**{peer.name}**" if peer.key == GALAGO else peer.name,
        _spread(size.rates(peer.key, "memory")),
        _times(size, peer.key, "memory"),
        _spread(size.rates(peer.key, "file")),
        _times(size, peer.key, "file"),
        "–" if cpu_ms is None else f"{cpu_ms:.2f}",
        _same(size, peer.key, "labels"),
        _same(size, peer.key, "labels_prepared"),
    ]
    return f"| {' | '.join(cells)} |"


def _times(size: Size, key: str, measure: Measure) -> str:
    times = size.times(key, measure)
    return "–" if times is None or key == GALAGO else f"{_three_digits(times)} ×"


def _same(size: Size, key: str, labels: Labels) -> str:
    same, n = size.agreement(key, labels)
    return "–" if key == GALAGO or not n else f"{same} of {n}"


def _spread(rates: list[float]) -> str:
    if not rates:
        return "–"
    low, middle, high = (
        _three_digits(rate) for rate in (min(rates), statistics.median(rates), max(rates))
    )
    return f"{middle} ({low}–{high})"


def _three_digits(value: float) -> str:
    if value >= 100:
        return f"{value:,.0f}".replace(",", " ")
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"
