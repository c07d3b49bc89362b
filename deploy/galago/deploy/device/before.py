"""What was in use before a run changed it, kept so that it can come back.

- Written down when the run has ended well: `rollback` is the same as going back within a run.
- Only what the run has changed is in it; what was changed since by hand is overwritten with it.

    before = Before(release="3f2a…", model="91c0…")
    before.remember(Path("/etc/galago/galago.toml"))
    before.bring_back(places)                             # the names of what has come back
"""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Self

from galago.deploy.device import environment, model
from galago.deploy.device.places import Places
from galago.deploy.device.service import Service
from galago.errors import DeviceError
from galago.files import replacing


@dataclass
class Before:
    """`release` and `model` None: it was not changed, or there was none. Text by file, or None."""

    release: str | None = None
    model: str | None = None
    files: dict[str, str | None] = field(default_factory=dict)

    @classmethod
    def read(cls, places: Places) -> Self:
        """What the last run that changed something has left.

        Raises:
            DeviceError: there is nothing, or it cannot be read.
        """
        if not places.last.exists():
            raise DeviceError("there is nothing to go back to: no installation was before this one")
        try:
            return cls(**json.loads(places.last.read_text("utf-8")))
        except (ValueError, TypeError) as error:
            raise DeviceError(f"{places.last} is damaged: deploy what is wanted anew") from error

    def write(self, places: Places) -> None:
        """Keep it for a rollback."""
        with replacing(places.last) as temporary:
            temporary.write_text(json.dumps(asdict(self)) + "\n", "utf-8")

    def remember(self, path: Path) -> None:
        """A file as it is now, or that there is none."""
        self.files[str(path)] = path.read_text("utf-8") if path.exists() else None

    def bring_back(self, places: Places) -> list[str]:
        """All of it; returns what has come back, for people.

        Raises:
            DeviceError: the release is not there any more, or the model cannot be taken back.
            OSError: the disk fails.
        """
        names = []
        if self.model is not None and self.model != model.active(places):
            model.take_back(environment.in_use(places) or "", places)
            names.append(f"model {self.model[:12]}")
        if self.files:
            _put_back(self.files)
            Service(places).read_units()
            names.append(", ".join(Path(path).name for path in self.files))
        if self.release is not None and self.release != environment.in_use(places):
            if not environment.is_ready(self.release, places):
                raise DeviceError(f"release {self.release} is not there any more: deploy it anew")
            environment.use(self.release, places)
            names.append(f"release {self.release}")
        return names


def _put_back(files: dict[str, str | None]) -> None:
    for name, text in files.items():
        if text is None:
            Path(name).unlink(missing_ok=True)
            continue
        with replacing(Path(name)) as temporary:
            temporary.write_text(text, "utf-8")
