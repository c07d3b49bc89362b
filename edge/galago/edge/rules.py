"""What a decision goes by: settings, and what the model file knows of its classes, worked out once.

- What the configuration says goes before what the model file says; of one class before of all.
- A threshold from the model file is one that smoothed scores can reach.
- A class that the model file never answers is never taken up, unless the configuration has a
  threshold for it or for all.
- Scores are softened as they were when the thresholds were chosen (galago.bundle.confidence).

    rules = Rules.of(DecisionSettings(), classifier)
    rules.enter[classifier.labels.index("cat")]  # 0.54
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Self

import numpy as np
from numpy.typing import NDArray

from galago.bundle.classifier import Classifier, Scores
from galago.bundle.confidence import FLOAT_FLOOR, QUANTIZED_FLOOR, soften
from galago.edge.decision import DecisionSettings, LabelDecision
from galago.edge.hint import nearest
from galago.errors import UsageError

# Of the highest score that softening leaves: a threshold from the model file counts as no more. It
# is a score that was seen; where all pictures were easy it is the highest there is, which smoothing
# only ever approaches. It comes this near in 1.4 time constants: 1 − e^−1.4 = 0.75.
ENTER_MOST = 0.75
ENTER = 0.6  # where neither the configuration nor the model file has a threshold
LEAVE_SHARE = 0.6  # of `enter`, where the configuration has no `leave`
# A live camera that is silent for longer counts as lost (galago.edge.camera.base.PATIENCE_S); what
# happened before says nothing about now.
GAP_S = 10.0

_SHOWN = 10  # labels in a message


@dataclass(frozen=True, slots=True, eq=False)
class Rules:
    """Settings and model, resolved.

    `enter`, `leave`: by class, softened scores, infinite for one that is never taken up. `hold_ns`,
    `cool_down_ns`: by class and, last, for UNKNOWN, which is index −1; the latter None where
    nothing cools down. `decay`: the exponent of smoothing, per nanosecond. `gap_ns`: from which
    silence on smoothing begins anew. `exponent`: of softening, None: scores are taken as they are;
    it and `floor` are arrays () as NumPy takes those in half the time of a Python float.
    """

    enter: tuple[float, ...]
    leave: tuple[float, ...]
    hold_ns: tuple[int, ...]
    cool_down_ns: tuple[int, ...] | None
    smooths: bool
    decay: float
    gap_ns: int
    exponent: NDArray[np.float32] | None
    floor: NDArray[np.float32]
    ones: Scores

    @classmethod
    def of(cls, settings: DecisionSettings, classifier: Classifier) -> Self:
        """The rules for a classifier's scores.

        Raises:
            UsageError: the settings are about a label that the classifier does not have.
        """
        quantized = classifier.interpreter.output.dtype.itemsize == 1
        return cls.resolve(
            settings,
            classifier.labels,
            classifier.thresholds,
            # Probabilities that are independent of each other have no common logits to divide.
            1.0 if classifier.head == "independent" else classifier.temperature,
            QUANTIZED_FLOOR if quantized else FLOAT_FLOOR,
        )

    @classmethod
    def resolve(
        cls,
        settings: DecisionSettings,
        labels: tuple[str, ...],
        thresholds: Mapping[str, float | None] | None = None,
        temperature: float = 1.0,
        floor: float = FLOAT_FLOOR,
    ) -> Self:
        """The same from its parts; `thresholds` by label, None or empty where none were fitted.

        Raises: as `of`.
        """
        for label in settings.label:
            if label not in labels:
                raise UsageError(
                    f"decision.label.{label} is about a label that the model does not have: "
                    f"expected one of {_some(labels)}{nearest(label, labels)}"
                )
        own = [settings.label.get(label, LabelDecision()) for label in labels]
        most = ENTER_MOST * _highest(len(labels), temperature, floor)
        enter = tuple(
            _enter(each, settings, _limit(label, thresholds or {}, most))
            for label, each in zip(labels, own, strict=True)
        )
        ns = partial(_by_label, own)
        return cls(
            enter=enter,
            leave=tuple(_leave(*both, settings) for both in zip(own, enter, strict=True)),
            hold_ns=ns("hold_s", settings.hold_s),
            cool_down_ns=_or_none(ns("cool_down_s", settings.cool_down_s)),
            smooths=settings.smooth_s > 0,
            decay=-1e-9 / settings.smooth_s if settings.smooth_s > 0 else 0.0,
            gap_ns=round(max(GAP_S, settings.smooth_s) * 1e9),
            exponent=None if temperature == 1 else np.array(1 / temperature, np.float32),
            floor=np.array(floor, np.float32),
            ones=np.ones(len(labels), np.float32),
        )

    def evidence(self, scores: Scores, weight: float = 1.0) -> Scores:
        """Softened scores times `weight`, in memory of their own; 0 where they are no numbers.

        Convention: (classes,) float32 → the same. In float32, unlike `soften`, as it is done for
        every picture; the difference is below a millionth.
        """
        if self.exponent is None:
            total = float(scores.dot(self.ones))
            return scores * weight if math.isfinite(total) else self._rescued(scores, weight)
        powers: Scores = np.maximum(scores, self.floor)
        np.power(powers, self.exponent, powers)
        total = float(powers.dot(self.ones))
        if 0 < total < math.inf:
            powers *= weight / total
            return powers
        return self._rescued(scores, weight)

    def _rescued(self, scores: Scores, weight: float) -> Scores:
        """What the fast way cannot: no numbers, and powers too small for float32."""
        if self.exponent is None or not np.isfinite(scores).all():
            return np.zeros_like(scores)
        return soften(scores, 1 / float(self.exponent), float(self.floor)) * np.float32(weight)


def _highest(classes: int, temperature: float, floor: float) -> float:
    """The softened score of a picture of which the model is as sure as it can be."""
    if temperature == 1:
        return 1.0
    sure = np.zeros(classes, np.float32)
    sure[0] = 1
    return float(soften(sure, temperature, floor)[0])


def _limit(label: str, thresholds: Mapping[str, float | None], most: float) -> float:
    """What the model file has to say: a threshold, infinite for never, or nothing."""
    limit = thresholds.get(label, ENTER)
    return math.inf if limit is None else min(limit, most)


def _enter(own: LabelDecision, settings: DecisionSettings, limit: float) -> float:
    chosen = next(value for value in (own.enter, settings.enter, limit) if value is not None)
    return float(np.float32(chosen))  # as scores are, or a score that equals it could be below it


def _leave(own: LabelDecision, enter: float, settings: DecisionSettings) -> float:
    """Never above `enter`, which may be the model file's and lower than whoever set this knew."""
    set_to = own.leave if own.leave is not None else settings.leave
    return min(enter, LEAVE_SHARE * enter if set_to is None else float(np.float32(set_to)))


def _by_label(own: list[LabelDecision], key: str, common_s: float) -> tuple[int, ...]:
    """Seconds of each label and, last, of UNKNOWN, in nanoseconds."""
    each_s = [getattr(label, key) for label in own]
    return tuple(round(1e9 * (common_s if s is None else s)) for s in [*each_s, common_s])


def _or_none(values: tuple[int, ...]) -> tuple[int, ...] | None:
    return values if any(values) else None


def _some(labels: tuple[str, ...]) -> str:
    shown = ", ".join(labels[:_SHOWN])
    return shown if len(labels) <= _SHOWN else f"{shown} … ({len(labels)} in all)"
