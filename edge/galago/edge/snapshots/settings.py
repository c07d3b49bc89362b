"""What may be set of the pictures that are kept."""

from dataclasses import dataclass

from galago.edge.setting import setting


@dataclass(frozen=True, slots=True)
class SnapshotSettings:
    """Section `[snapshots]`. MB are 10⁶ bytes."""

    enabled: bool = setting(default=True, help_="Whether pictures are kept at all.")
    keep_mb: int = setting(
        2000, "MB that pictures may take; this is never passed.", low=1, high=10_000_000
    )
    keep_free_mb: int = setting(
        500, "MB of the disk that are left free for everything else.", low=0, high=10_000_000
    )
    keep_each: int = setting(
        50, "Pictures of each class that stay, however common it is.", low=0, high=100_000
    )
    jpeg: int = setting(85, "Quality of the pictures.", low=1, high=100)
    width: int = setting(
        1280,
        "A wider picture is made smaller to so many pixels.",
        low=64,
        high=8192,
    )
    uncertain_every_s: float = setting(
        600.0,
        "A picture that the model is not sure of is kept for labelling, one in so many seconds at "
        "most; 0: never.",
        low=0,
        high=86_400,
    )
    clip_before_s: float = setting(
        0.0, "Seconds of film from before an event; needs memory and time.", low=0, high=30
    )
    clip_after_s: float = setting(0.0, "Seconds of film from after it.", low=0, high=30)
    clip_rate: float = setting(5.0, "Pictures per second of the film.", low=0.5, high=15)
