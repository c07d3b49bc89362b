"""When a frame is wanted for labelling: region by region, at most one in a while.

Asked in the loop's thread whether to look, in the darkroom's whether what came of it is new.
"""

from galago.bundle.preprocess import Pixels
from galago.edge.decision import DecisionSettings
from galago.edge.loop import Seen
from galago.edge.rules import Rules
from galago.edge.serving import Serving
from galago.edge.snapshots.doubt import Scenes, Turns, in_doubt

NEVER_NS = 2**63

_LOOK_NS = 500_000_000  # how often scores are looked at, once it is time for that
_BORED = 60  # a scene that was kept before is looked at again after this share of the usual time


class Attention:
    """`every_s`: seconds between two pictures of one region; 0: none is ever wanted.

    `due_ns`: when to ask again, by region; `first_ns` for one that is not in it.
    """

    def __init__(self, every_s: float, decision: DecisionSettings) -> None:
        self.due_ns: dict[str | None, int] = {}
        self.first_ns = 0 if every_s else NEVER_NS
        self._every_ns = round(every_s * 1e9)
        self.decision = decision
        self._rules: tuple[Serving, Rules] | None = None
        self._turns = Turns(self._every_ns)
        self._scenes: dict[str | None, Scenes] = {}

    def wants(self, seen: Seen, serving: Serving) -> bool:
        """Whether the model is in doubt about this frame, and it is the label's turn."""
        region, time_ns = seen.region.name, seen.frame.time_ns
        self.due_ns[region] = time_ns + min(_LOOK_NS, self._every_ns)
        rules, smoothed = self._rules_of(serving), seen.decision.scores
        return self._turns.may(region, int(smoothed.argmax()), time_ns) and in_doubt(
            rules.evidence(seen.scores), smoothed, rules.enter
        )

    def is_new(self, seen: Seen, view: Pixels) -> bool:
        """Whether it shows what no picture of late does; `view` (h, w, 3) uint8, of the region."""
        region, scores = seen.region.name, seen.decision.scores
        time_ns = seen.frame.time_ns
        is_new = self._scenes.setdefault(region, Scenes()).is_new(view)
        if is_new:
            self._turns.had(region, int(scores.argmax()), len(scores), time_ns)
        self.due_ns[region] = time_ns + (self._every_ns if is_new else self._every_ns // _BORED)
        return is_new

    def _rules_of(self, serving: Serving) -> Rules:
        if self._rules is None or self._rules[0] is not serving:
            self._rules = serving, Rules.of(self.decision, serving.classifier)
        return self._rules[1]
