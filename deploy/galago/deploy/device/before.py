"""What was in use before a run changed it, kept so that it can come back.

- It is on the disk before the first change: a run that was interrupted is gone on with, or goes
  back, as if it had not been.
- When a run has ended well it is what a rollback brings back; what was changed since by hand is
  overwritten with it.

    before = Before(installed=True, release="3f2a…", model="91c0…")
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
    """`installed`: whether there was anything. `release`, `model`: None if they were not changed.

    `files`: the text of each that was changed, None where there was none.
    """

    installed: bool
    release: str | None = None
    model: str | None = None
    files: dict[str, str | None] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """What `write` has left; None where nothing is, or nothing that can be read."""
        try:
            return cls(**json.loads(path.read_text("utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def write(self, path: Path) -> None:
        """Keep it, whole and durably."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temporary:
            temporary.write_text(json.dumps(asdict(self)) + "\n", "utf-8")

    @property
    def is_empty(self) -> bool:
        """Whether nothing was changed that could come back."""
        return not (self.release or self.model or self.files)

    def remember(self, path: Path) -> None:
        """A file as it is now, or that there is none; the first time counts."""
        self.files.setdefault(str(path), path.read_text("utf-8") if path.exists() else None)

    def bring_back(self, places: Places) -> list[str]:
        """All of it; returns what has come back, for people.

        Raises:
            DeviceError: the release is not there any more, or the model cannot be taken back.
            OSError: the disk fails.
        """
        names = []
        if self.model is not None and self.model != model.active(places):
            model.bring_back(self.model, environment.in_use(places) or "", places)
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
