"""Galago onto this device: from a payload to a service that is well.

- A second run changes nothing, and says so. Interrupted at any point, by a power cut too, a second
  run completes it; until then the old release and model are in use, or the new ones, each whole.
- What was in use and well before comes back if the new is refused or is not well.
- A first installation has nothing to go back to: it stays, and a second run goes on with it.

    Installation(parcel, Places(), as_text).run(wait_s=180)
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from galago.deploy.device import configuration, environment, model, unit
from galago.deploy.device.before import Before
from galago.deploy.device.packages import bring_modules, bring_picamera2
from galago.deploy.device.parcel import Parcel
from galago.deploy.device.places import SERVICE, Places
from galago.deploy.device.service import Service
from galago.deploy.device.tell import Say, State, Told
from galago.errors import DeviceError
from galago.files import remove_leftovers


class NotWellError(DeviceError):
    """The model is refused, or the service is not well with what was installed."""

    exit_code = 3


@dataclass
class Changes:
    """What the service has to follow: by a new start, or by reading anew. `told`: it was told."""

    before: Before
    anew: bool = False
    afresh: bool = False
    told: bool = False


class Installation:
    """One run. `again`: also a model that has failed here before; `dry`: only say what would be."""

    def __init__(
        self, parcel: Parcel, places: Places, say: Say, *, again: bool = False, dry: bool = False
    ) -> None:
        self._parcel, self._places, self._say = parcel, places, say
        self._again, self._dry = again, dry
        self._service = Service(places)
        self._in_use = environment.in_use(places)
        self._config = configuration.wanted(parcel, places)
        self._was_well = self._service.verdict().well
        before = Before.read(places.unfinished) or Before(installed=self._in_use is not None)
        self._interrupted = places.unfinished.exists()
        # After an interrupted run nobody knows what the running service has already followed.
        self._changes = Changes(before, anew=self._interrupted)
        self._step = ""

    def run(self, wait_s: float) -> None:
        """Every step.

        Raises:
            NotWellError: the model is refused or the service not well; what was well is back.
            DeviceError: a step failed, and what this run had changed has gone back.
            OSError: so did the disk.
        """
        try:
            for step, do in self._steps(wait_s).items():
                self._step = step
                do()
        except OSError as error:
            self._tell("failed", str(error))
            self._go_back(wait_s)
            raise
        self._finish()

    def _steps(self, wait_s: float) -> dict[str, Callable[[], None]]:
        return {
            "environment": self._environment,
            "unit": self._unit,
            "configuration": self._configuration,
            "model": self._model,
            "enable": self._enable,
            "service": self._follow,
            "healthy": partial(self._wait, wait_s),
        }

    def _environment(self) -> None:
        parcel, places = self._parcel, self._places
        what = f"galago {parcel.galago}, release {parcel.release}"
        ready = environment.is_ready(parcel.release, places)
        if ready and not self._was_well:  # a card may have lost some of it
            ready = environment.loads(parcel.release, places)
        if self._dry and not ready:
            environment.check_room(parcel, places)
        if self._is_settled(what, changed=not ready or self._in_use != parcel.release):
            return
        began = time.monotonic()
        if self._in_use != parcel.release:
            self._changes.before.release = self._changes.before.release or self._in_use
        self._keep()
        if not ready:
            bring_modules(parcel)
            environment.make(parcel, places)
        environment.use(parcel.release, places)
        self._changes.anew = True
        self._tell("done", f"{what}, {time.monotonic() - began:.0f} s")

    def _unit(self) -> None:
        wanted = unit.wanted_files(self._config, self._places)
        changes = unit.differing(wanted, self._places)
        for name in unit.missing_secrets(self._config, self._places):
            self._tell("note", f"{self._places.secrets / name} is missing: put the secret there")
        names = ", ".join(path.name for path in (changes or wanted))
        if self._is_settled(names, changed=bool(changes)):
            return
        for path in changes:
            self._changes.before.remember(path)
        self._keep()
        unit.write(changes)
        self._service.read_units()
        self._changes.anew = True
        self._tell("done", names)

    def _configuration(self) -> None:
        places = self._places
        for note in bring_picamera2(self._config, self._parcel, dry=self._dry):
            self._tell("note", note)
        changed = configuration.differs(self._config, places)
        configuration.check_model_file(self._config)
        if (changed or self._changes.anew) and not self._dry:
            configuration.check(self._config, self._parcel.release, places)
        if self._is_settled(str(places.configuration), changed=changed):
            return
        self._changes.before.remember(places.configuration)
        self._keep()
        configuration.write(self._config, places)
        self._changes.afresh = True
        self._tell("done", str(places.configuration))

    def _model(self) -> None:
        parcel, places = self._parcel, self._places
        active = model.active(places)
        what = f"{parcel.model.name}, sha256 {parcel.model_sha256[:12]}"
        if self._is_settled(what, changed=active != parcel.model_sha256):
            return
        self._changes.before.model = self._changes.before.model or active
        self._keep()
        outcome = model.activate(parcel.model, parcel.release, places, again=self._again)
        if outcome.state == "refused":
            raise NotWellError(f"{what}, is refused: {outcome.reason}")
        self._changes.afresh = True
        self._tell("done", f"{what}, on probation" if active else what)

    def _enable(self) -> None:
        if self._is_settled("starts with the machine", changed=not self._service.is_enabled):
            return
        self._service.enable()
        self._tell("done", "starts with the machine")

    def _follow(self) -> None:
        service, changes = self._service, self._changes
        if not service.is_active or service.release != self._parcel.release:
            changes.anew = True
        what = "start" if changes.anew else "reload" if changes.afresh else "it runs"
        if self._is_settled(what, changed=changes.anew or changes.afresh):
            return
        changes.told = True
        self._have_it_follow()
        self._tell("done", what)

    def _have_it_follow(self) -> None:
        if self._changes.anew:
            self._service.start()
        else:
            self._service.reload()

    def _wait(self, wait_s: float) -> None:
        if self._dry:
            return
        began = time.monotonic()
        verdict = self._service.wait_until_well(wait_s, self._parcel.model_sha256)
        if not verdict.well:
            raise NotWellError(f"the service is not well: {verdict.detail}")
        took = f"{verdict.detail}, {time.monotonic() - began:.0f} s"
        self._tell("done" if self._changes.told else "unchanged", took)

    def _finish(self) -> None:
        places, before = self._places, self._changes.before
        if self._dry or not places.unfinished.exists():
            return
        if before.installed and not before.is_empty:
            before.write(places.last)
        environment.prune(places)
        unit_file = places.units / SERVICE
        for path in (places.link, places.last, places.configuration, unit_file, places.unfinished):
            remove_leftovers(path)
        places.unfinished.unlink()

    def _go_back(self, wait_s: float) -> None:
        """Bring back what was there; for a lack of health, only what was well."""
        before = self._changes.before
        all_done, self._step = self._step == "healthy", "undo"
        if self._dry or before.is_empty:
            return
        if not before.installed or (all_done and not self._was_well):
            self._tell("note", "nothing was well before: what is installed stays")
            if all_done:
                self._finish()
            return
        try:
            names = before.bring_back(self._places)
            self._tell("done", f"as before: {'; '.join(names)}{self._settle(wait_s)}")
        except OSError as error:
            self._tell("failed", f"{error}; galago doctor tells how it is")

    def _settle(self, wait_s: float) -> str:
        """Have the service follow what has come back, if it had followed what was new."""
        if self._changes.told or self._interrupted:
            self._have_it_follow()
            verdict = self._service.wait_until_well(wait_s)
            if not verdict.well:
                return f"; the service is not well: {verdict.detail}"
        self._places.unfinished.unlink(missing_ok=True)
        return ""

    def _is_settled(self, what: str, *, changed: bool) -> bool:
        """Tell that nothing is to be done, or, in a dry run, what would be."""
        if changed and not self._dry:
            return False
        self._tell("would" if changed else "unchanged", what)
        return True

    def _keep(self) -> None:
        """Before a change: what was before it. Only the run's end takes that away."""
        self._changes.before.write(self._places.unfinished)

    def _tell(self, state: State, detail: str) -> None:
        self._say(Told(self._step, state, detail))
