"""A camera without a camera: the real recorder and the real publishers, fed as fast as they take.

    python -m tests.edge.publish.camera FOLDER PORT GOAL

It stores events until there are GOAL in the store of FOLDER, and ends when all of them have arrived
at the broker; whoever started it may kill it at any moment. Of each event that is safe from a power
cut it appends the id to FOLDER/stored.
"""

import os
import sys
import time
from pathlib import Path

from galago.edge.config.schema import Config
from galago.edge.health import Health
from galago.edge.publish.open import open_publishers
from galago.edge.publish.settings import MqttSettings
from galago.edge.record import Record, StoredEvent
from galago.edge.store.reader import Reader
from galago.edge.store.recorder import Recorder
from galago.edge.store.settings import StoreSettings
from galago.edge.tell import tell_change
from tests.edge.publish.house import make_event, status

# What may wait: far below what either may hold, so that nothing is given up. By numbers, since the
# publisher's own count is as of its last look, some seconds ago when the broker is away.
MOST_UNWRITTEN, MOST_UNTOLD = 200, 1000


def main(folder: Path, port: int, goal: int) -> None:
    """As the module says."""
    health = Health(tell_change)
    config = Config(device="porch", mqtt=MqttSettings(host="127.0.0.1", port=port))
    stored = os.open(folder / "stored", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def note(events: list[StoredEvent]) -> None:
        os.write(stored, "".join(f"{event.id}\n" for event in events).encode())

    with (
        Recorder(folder, StoreSettings(), health, None) as recorder,
        open_publishers(config, recorder, folder, status, health) as publishers,
        Reader(folder) as reader,
    ):
        recorder.subscribe(note)
        for number in range(reader.last(), goal):
            while (
                recorder.facts()["pending"] > MOST_UNWRITTEN
                or reader.last() - publishers.facts()[0]["acknowledged"] > MOST_UNTOLD
            ):
                time.sleep(0.002)
            recorder.put(Record(make_event("cat" if number % 2 else "dog")))
        while publishers.facts()[0]["acknowledged"] < goal:
            time.sleep(0.05)
        if dropped := publishers.facts()[0]["dropped"]:
            sys.exit(f"{dropped} events were given up")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
