"""What may be set of health."""

from dataclasses import dataclass

from galago.edge.setting import setting


@dataclass(frozen=True, slots=True)
class HealthSettings:
    """Section `[health]`."""

    quiet_hours: float | None = setting(
        None,
        "Hours without an event that are worth a complaint; unset: never.",
        low=0.1,
        high=8760,
        example=24.0,
    )
    hot_celsius: float = setting(80.0, "Temperature of the processor to complain at.", low=20)
    min_rate: float | None = setting(
        None,
        "Pictures per second below which to complain; unset: never.",
        low=0.001,
        example=1.0,
    )
    drift: float = setting(
        0.5,
        "How far the classes seen in a day may be from those of the training pictures, in time and "
        "in visits, 0–1 (half the sum of the differences of their shares); 1: any.",
        low=0,
        high=1,
    )
