"""The daemon's part: which model it serves, and whether a new one may stay.

- A start with a model on trial is written down before the model is loaded, and crossed out when
  the daemon ends well. What is left are deaths: crashes, kills by the watchdog or for memory, and
  power cuts, which look the same. After three the model before it is active again.
- A model on trial that fails its golden frames, gives no number, or says the same of pictures that
  have nothing in common is taken back at once, and the loop goes on with the one before.
- It has passed after so many pictures and so many minutes. The loop's thread only counts.
- A disk that cannot be written to changes nothing: the active model serves.
"""

import math
import threading
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import Self

from galago.edge.activation.constant import Constant
from galago.edge.activation.ledger import Trial
from galago.edge.activation.models import DAMAGED, DEATHS, Models
from galago.edge.config.schema import ModelSection
from galago.edge.loop import Seen
from galago.edge.serving import Serving, open_serving
from galago.edge.state import models_folder
from galago.edge.tell import tell
from galago.edge.vitals.document import ProbationFacts
from galago.errors import ModelFileError, UsageError

RETURNED = "model.returned"

_CLOSE_TIMEOUT_S = 10.0


class Probation:
    """One for the life of the daemon.

    `ask`: has the model opened anew, by `open`; called when the one that serves has failed.
    """

    def __init__(self, ask: Callable[[], None], models: Models | None = None) -> None:
        self._ask = ask
        self._models = models or Models(models_folder())
        self._watch: _Watch | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """The end is a good one, but for a mistake of the program."""
        watch = self._let_go()
        if watch is not None and (kind is None or issubclass(kind, Exception)):
            self._write(self._models.count_good_end)

    def open(self, section: ModelSection) -> Serving:
        """The model to serve: the configured file, or else the active one of the folder.

        Raises:
            UsageError: none is configured, and none is active.
            ModelFileError: it is damaged or fails its golden frames, and there is none before it.
        """
        if section.file is not None:
            self._let_go()
            return open_serving(section.file, section.threads)
        if self._models.active is None:
            raise UsageError(
                "there is no model: run galago activate FILE, or set model.file in the "
                "configuration"
            )
        trial = self._begin()
        serving = self._load(section)
        if trial is not None and trial.sha256 == serving.sha256:
            self._look_at(trial, section)
        return serving

    def reject(self, reason: str) -> None:
        """The model that `open` gave last cannot serve after all; the one before stays."""
        if self._watch is not None:
            self._let_go()
            self._take_back(reason)

    def judge(self, seen: Seen) -> None:
        """Count a picture; called for each one, in the loop's thread."""
        if self._watch is not None:
            self._watch.judge(seen)

    @property
    def complaint(self) -> str | None:
        """What the last model that failed here failed by, until another is activated."""
        ledger = self._models.ledger
        if ledger.returned is None or ledger.returned == self._models.active:
            return None
        reason = ledger.refused.get(ledger.returned, "")
        return f"model {ledger.returned[:12]} was taken back, the one before serves: {reason}"

    def facts(self) -> ProbationFacts | None:
        """How far the model on trial has got."""
        watch = self._watch
        return None if watch is None else watch.facts()

    def _begin(self) -> Trial | None:
        """What is on trial, counted; None if nothing is."""
        known = self._watch.trial.sha256 if self._watch else None
        counted: list[Trial | None] = []

        def count() -> None:
            trial = self._models.ledger.trial
            if trial is None or trial.sha256 == known:
                counted.append(trial)
                return
            if trial.deaths >= DEATHS and trial.previous is not None:
                self._models.take_back(f"it ended the daemon {trial.deaths} times while it was new")
                return
            self._models.count_start()
            counted.append(self._models.ledger.trial)

        self._write(count)
        return counted[0] if counted else None

    def _load(self, section: ModelSection) -> Serving:
        """The active model, or the one before it where that one fails."""
        sha256 = str(self._models.active)
        try:
            return self._opened(sha256, section)
        except ModelFileError as error:
            self._let_go()
            if not self._take_back(str(error)):
                raise
            return self._opened(str(self._models.active), section)

    def _opened(self, sha256: str, section: ModelSection) -> Serving:
        if not self._models.is_whole(sha256):
            raise ModelFileError(DAMAGED)
        return open_serving(self._models.path(sha256), section.threads)

    def _take_back(self, reason: str) -> bool:
        """Whether another model is active now."""
        before = self._models.active

        def take_back() -> None:
            with suppress(UsageError):
                self._models.take_back(reason)

        self._write(take_back)
        return self._models.active != before

    def _look_at(self, trial: Trial, section: ModelSection) -> None:
        if self._watch is not None and self._watch.trial.sha256 == trial.sha256:
            return
        self._let_go()
        self._watch = _Watch(trial, section, self._end)
        self._watch.start()

    def _end(self, failure: str | None) -> None:
        """In the watch's thread: the trial is over."""
        if failure is None:
            self._write(self._models.confirm)
            tell("the new model has passed its probation")
        elif self._take_back(failure):
            tell(f"the new model is taken back: {failure}", "warning")
            self._ask()
        self._watch = None

    def _let_go(self) -> "_Watch | None":
        watch, self._watch = self._watch, None
        if watch is not None:
            watch.stop()
        return watch

    def _write(self, change: Callable[[], None]) -> None:
        """Make a change in one's turn; without a disk to write to, there is none."""
        try:
            with self._models.turn():
                change()
        except OSError as error:
            tell(f"the model's probation cannot be written down: {error}", "warning")


class _Watch(threading.Thread):
    """The time of one model on trial: ends with `end(why it failed or None)`, or is stopped."""

    def __init__(
        self, trial: Trial, section: ModelSection, end: Callable[[str | None], None]
    ) -> None:
        super().__init__(name="probation", daemon=True)
        self.trial = trial
        self._needed, self._until = (
            section.probation_pictures,
            monotonic() + 60 * section.probation_min,
        )
        self._end = end
        self._pictures, self._failure = 0, ""
        self._constant = Constant()
        self._stopped, self._counted = threading.Event(), threading.Event()

    def judge(self, seen: Seen) -> None:
        """Count a picture, and look at what was said of it."""
        if self._failure:
            return
        self._pictures += 1
        if not math.isfinite(seen.scores.sum()):
            self._fail("it gave scores that are no numbers")
        elif self._constant.look(seen):
            self._fail("it gave the same answer to pictures that have nothing in common")
        elif self._pictures >= self._needed:
            self._counted.set()

    def facts(self) -> ProbationFacts:
        """As of now."""
        return ProbationFacts(
            pictures=min(self._pictures, self._needed),
            pictures_needed=self._needed,
            seconds_left=round(max(self._until - monotonic(), 0.0), 1),
            deaths=max(self.trial.deaths - 1, 0),  # this start is no death yet
            previous=self.trial.previous,
        )

    def stop(self) -> None:
        """End without a verdict."""
        self._stopped.set()
        self._counted.set()
        if threading.current_thread() is not self:
            self.join(_CLOSE_TIMEOUT_S)

    def run(self) -> None:
        """Wait for a failure, or for both pictures and time."""
        self._counted.wait()
        while not (self._failure or self._stopped.is_set() or monotonic() >= self._until):
            self._stopped.wait(min(self._until - monotonic(), 1.0))
        if not self._stopped.is_set():
            self._end(self._failure or None)

    def _fail(self, why: str) -> None:
        self._failure = why
        self._counted.set()
