"""Whether events get lost: kills of the daemon's store and publisher, restarts of the broker.

    python bench/outbox.py [--events 100000] [--kills 200] [--restarts 50] [--seed 6]

Needs mosquitto. The process that is killed runs the real recorder and the real MQTT publisher, fed
with events as fast as they take them; a camera and a model would only make it slower. It is killed
with SIGKILL; the broker is restarted with SIGTERM, since mosquitto keeps its sessions only where it
may write them down. Wanted: 0 lost, and duplicates that can be told by their id.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from machine import describe

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.edge.publish.killing import torture


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--restarts", type=int, default=50)
    parser.add_argument("--seed", type=int, default=6)
    wanted = parser.parse_args()
    print(f"{describe()}\n")
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        outcome = torture(place, wanted.events, wanted.kills, wanted.restarts, wanted.seed)
    print("| events | kill -9 | broker restarts | lost | forgotten | duplicates | took |")
    print("|---|---|---|---|---|---|---|")
    share = outcome.duplicates / max(outcome.stored, 1)
    print(
        f"| {outcome.stored} | {outcome.kills} | {outcome.restarts} | {outcome.lost} "
        f"| {outcome.forgotten} | {outcome.duplicates} ({share:.1%}) | {outcome.seconds:.0f} s |"
    )
    print("| | | | wanted 0 | wanted 0 | recognisable by id | |")
    if outcome.lost or outcome.forgotten:
        raise SystemExit("events were lost")


if __name__ == "__main__":
    main()
