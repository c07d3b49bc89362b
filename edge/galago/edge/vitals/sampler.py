"""What is seen, sampled: for how long each label, and how often it came anew.

- The loop is not touched: its newest decisions are looked at now and then.
- While the camera gives nothing, nothing is seen.
"""

from galago.edge.decision import Decision
from galago.edge.event import name
from galago.edge.vitals.drift import UNKNOWN, Drift
from galago.edge.vitals.sources import Sources

BLIND = frozenset({"camera.stalled", "camera.failed"})

_NS = 1_000_000_000
_LONGEST_NS = 5 * _NS  # between two samples: what nobody looked at was not seen


class Sampler:
    """Turns the newest decisions into seconds and visits; for one thread.

    `told_ns`: when the last event was, monotonic, or the start. `drift`: gets all of it.
    """

    def __init__(self, sources: Sources) -> None:
        self.drift = Drift()
        self.told_ns = sources.pulse.started_ns
        self._sources = sources
        self._last_ns: int | None = None
        self._visits: dict[str | None, int] = {}

    def sample(self, now_ns: int) -> dict[tuple[str | None, str], float]:
        """How long each region's label has been seen since the last sample."""
        elapsed_ns = min(now_ns - (self._last_ns or now_ns), _LONGEST_NS)
        self._last_ns = now_ns
        if BLIND & self._sources.health.states.keys():
            return {}
        labels = self._sources.serving().classifier.labels
        seen = {}
        for region, decision in self._sources.live.decisions.items():
            if decision.label < len(labels):  # not of a model before with more of them
                label = name(decision.label, labels)
                seen[region, label] = elapsed_ns / _NS
                self._count(region, label, decision, elapsed_ns / _NS)
        return seen

    def _count(self, region: str | None, label: str, decision: Decision, seconds: float) -> None:
        is_new = self._visits.get(region) != decision.since_ns
        self._visits[region] = decision.since_ns
        self.told_ns = max(self.told_ns, decision.told.time_ns or 0)
        visits = int(is_new and label != UNKNOWN)
        self.drift.add(label, self._last_ns or 0, seconds=seconds, visits=visits)
