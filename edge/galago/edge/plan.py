"""From configuration and command line to what the parts of the daemon take."""

from dataclasses import dataclass, replace
from pathlib import Path

from galago.edge.config.read import read_config
from galago.edge.config.schema import Config, RegionSection
from galago.edge.loop import LoopSettings
from galago.edge.motion import MotionSettings
from galago.edge.pacing import Pacing
from galago.edge.regions import WHOLE, Region, parse_regions
from galago.edge.state import state_folder


@dataclass(frozen=True, slots=True)
class Overrides:
    """Options of `galago run`, which come before what the file says; None says nothing."""

    model: Path | None = None
    camera: str | None = None
    threads: int | None = None
    rate: float | None = None
    max_cpu: float | None = None
    motion: bool | None = None
    reference: Path | None = None
    regions: list[str] | None = None

    def over(self, path: Path | None) -> Config:
        """The configuration of a file, or of none, with these options.

        Raises:
            UsageError: there is a mistake in the file, or an option does not fit.
        """
        loaded = read_config(path)
        chosen: dict[str, str | float | None] = {
            "model.file": _absolute(self.model),
            "model.threads": self.threads,
            "camera.source": self.camera,
            "camera.reference": _absolute(self.reference),
            "loop.rate": self.rate,
            "loop.max_cpu": self.max_cpu,
            "loop.motion": self.motion,
        }
        for key, value in chosen.items():
            loaded = loaded.overridden(key, value)
        if not self.regions:
            return loaded.config
        regions = {
            region.name or "": RegionSection(region.left, region.top, region.width, region.height)
            for region in parse_regions(self.regions)
        }
        return replace(loaded.config, region=regions)


def _absolute(path: Path | None) -> str | None:
    return None if path is None else str(path.absolute())


def loop_settings(config: Config) -> LoopSettings:
    """What the loop looks at, how often, and how it decides."""
    return LoopSettings(
        regions=_regions(config),
        pacing=Pacing(config.loop.rate, config.loop.max_cpu),
        motion=MotionSettings() if config.loop.motion else None,
        decision=config.decision,
    )


def store_folder(config: Config) -> Path:
    """Where events and pictures are kept."""
    return config.store.folder or state_folder()


def needs_new_start(before: Config, after: Config) -> bool:
    """Whether a changed configuration asks for another camera or another store.

    Everything else may change while the loop goes on.
    """
    lasting = ("device", "camera", "store", "snapshots")
    return any(getattr(before, name) != getattr(after, name) for name in lasting)


def _regions(config: Config) -> tuple[Region, ...]:
    regions = (
        Region(name, part.left, part.top, part.width, part.height)
        for name, part in config.region.items()
    )
    return tuple(regions) or (WHOLE,)
