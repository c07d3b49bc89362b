"""The daemon's own code over a recorded clip, scored against what was really there.

- Every frame is looked at, and time is the clip's own: the same clip gives the same result.
- An event is found when its label is announced while it lasts, or just before.
"""

import json
import statistics
import threading
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from galago.bundle.classifier import Classifier
from galago.bundle.verify import open_verified
from galago.edge.camera import open_camera
from galago.edge.decision import UNKNOWN
from galago.edge.loop import Loop
from galago.errors import UsageError

EARLY_S = 0.5  # an announcement so long before the truth's start is about the same thing


@dataclass(frozen=True, slots=True)
class Interval:
    """What is to be seen from `start_s` to `end_s` of the clip."""

    label: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Announcement:
    """A change of label that the daemon made, at a time of the clip."""

    label: str
    time_s: float


@dataclass(frozen=True, slots=True)
class Score:
    """How well announcements fit the truth.

    `precision`: share of the announcements that are right. `recall`: share of the true events that
    were announced. `median_delay_s`: None where nothing was found.
    """

    precision: float
    recall: float
    false_per_hour: float
    median_delay_s: float | None
    n_truth: int
    n_found: int
    n_false: int

    def to_dict(self) -> dict[str, Any]:
        """The document that `galago replay --json` prints."""
        return asdict(self)


def replay_file(clip: Path, truth: Path, model: Path) -> Score:
    """Verify a model, let it look at a clip, and score what it announced.

    Raises:
        UsageError: the truth cannot be read.
        ModelFileError: the model is damaged or fails its golden frames.
        CameraError: the clip cannot be played.
    """
    intervals = read_truth(truth)
    opened, _ = open_verified(model)
    return score(replay(Classifier.open(opened), clip), intervals)


def as_text(score: Score) -> str:
    """The same for a terminal."""
    delay = "none" if score.median_delay_s is None else f"{score.median_delay_s:.2f} s"
    return (
        f"{score.n_found} of {score.n_truth} events found (recall {score.recall:.1%}), "
        f"precision {score.precision:.1%}\n"
        f"{score.false_per_hour:.1f} false alarms per hour, median delay {delay}"
    )


def replay(classifier: Classifier, clip: Path) -> list[Announcement]:
    """Let the daemon's loop look at every frame of a clip.

    Raises:
        CameraError: the clip cannot be played.
    """
    announcements = []
    opener = partial(open_camera, f"file:{clip}?pace=max")
    with Loop(opener, classifier, threading.Event()) as loop:
        start_ns: int | None = None
        for seen in loop:
            start_ns = seen.frame.time_ns if start_ns is None else start_ns
            if seen.changed and seen.decision.label != UNKNOWN:
                label = classifier.labels[seen.decision.label]
                time_s = (seen.frame.time_ns - start_ns) / 1e9
                announcements.append(Announcement(label, round(time_s, 3)))
    return announcements


def score(announcements: list[Announcement], truth: list[Interval]) -> Score:
    """Match announcements with true events, each at most once."""
    delays_s: list[float] = []
    unmatched = list(announcements)
    for interval in truth:
        match = next((found for found in unmatched if _is_about(found, interval)), None)
        if match is not None:
            unmatched.remove(match)
            delays_s.append(match.time_s - interval.start_s)
    hours = (truth[-1].end_s - truth[0].start_s) / 3600
    return Score(
        precision=len(delays_s) / len(announcements) if announcements else 0.0,
        recall=len(delays_s) / len(truth),
        false_per_hour=len(unmatched) / hours,
        median_delay_s=round(statistics.median(delays_s), 3) if delays_s else None,
        n_truth=len(truth),
        n_found=len(delays_s),
        n_false=len(unmatched),
    )


def read_truth(path: Path) -> list[Interval]:
    """Read what is to be seen: `{"events": [{"label", "start_s", "end_s"}, …]}`.

    Raises:
        UsageError: the file has another form.
        OSError: it cannot be read.
    """
    try:
        events = json.loads(path.read_text(encoding="utf-8"))["events"]
        truth = [
            Interval(str(event["label"]), float(event["start_s"]), float(event["end_s"]))
            for event in events
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(
            f'{path} is not a truth file: expected {{"events": [{{"label", "start_s", "end_s"}}, '
            f"…]}}, as galago sample writes it ({error})"
        ) from error
    if not truth or truth[-1].end_s <= truth[0].start_s:
        raise UsageError(f"{path} names no event of any length")
    return truth


def _is_about(found: Announcement, interval: Interval) -> bool:
    starts_s = interval.start_s - EARLY_S
    return found.label == interval.label and starts_s <= found.time_s < interval.end_s
