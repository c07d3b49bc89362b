"""What is written in each MQTT message."""

import json
from pathlib import Path
from typing import Any

from galago.edge.record import StoredEvent
from galago.edge.snapshots.place import files
from galago.edge.vitals.document import NowSeen, Status
from galago.errors import UsageError

MOST_IMAGE_BYTES = 50_000  # pictures do not belong on a broker; a small one does no harm


def event_message(event: StoredEvent) -> bytes:
    """The event's own keys, its id, and the type that Home Assistant wants to read."""
    return json.dumps(
        {**json.loads(event.to_json()), "event_type": event.event.label}, ensure_ascii=False
    ).encode()


def state_message(status: Status) -> bytes:
    """Label, score and since of the whole picture, and of each region by its name."""
    regions = {it["region"]: _seen(it) for it in status["now"] if it["region"] is not None}
    whole = next((_seen(it) for it in status["now"] if it["region"] is None), {})
    return json.dumps({**whole, "regions": regions}, ensure_ascii=False).encode()


def health_message(status: Status) -> bytes:
    """The status document, less what only a scraper needs."""
    loop = {key: value for key, value in status["loop"].items() if key != "latency"}
    return json.dumps({**status, "loop": loop}, ensure_ascii=False).encode()


def image_message(folder: Path, snapshot: str) -> bytes | None:
    """The small picture of a snapshot; None: it is gone, or too big."""
    try:
        picture = files(folder, snapshot).thumbnail.read_bytes()
    except (OSError, UsageError):
        return None
    return picture if len(picture) <= MOST_IMAGE_BYTES else None


def _seen(now: NowSeen) -> dict[str, Any]:
    return {"label": now["label"], "score": now["score"], "since": now["since"]}
