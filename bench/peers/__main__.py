"""Make environments, clip and models where they are missing, measure in turns, print tables.

PYTHONPATH=bench python -m peers --chart docs/pictures/peers.svg
PYTHONPATH=bench python -m peers --seconds 1 --rounds 1 --sizes 64   # a quick look
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from machine import describe
from peers import chart, material
from peers.results import GALAGO, PEERS, Peer, Size, programs, table, verdict, versions
from tests.house.environments import Environment, build_wheel, find_python, locked

WARM_UP = 20  # frames before the clock starts
EVERY_FRAME = 10**6  # in the first round, where the answers are compared


def main() -> None:
    """Print the tables; leave with 1 where Galago itself could not be measured."""
    options = _options()
    peers = [peer for peer in PEERS if peer.key in {GALAGO, *options.peers}]
    environments = _environments({peer.environment for peer in peers})
    sizes = [
        Size(side, material.model(side).name)
        for side in options.sizes  # all models first: nothing is trained between measurements
    ]
    for side in options.sizes:
        material.prepared(side)
    load = os.getloadavg()[0]
    for size in sizes:
        for number in range(options.rounds):
            for peer in peers:
                _turn(size, peer, environments, options.seconds, first=number == 0)
    _publish(sizes, options, load)
    sys.exit(any(GALAGO in size.failures for size in sizes))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m peers", description=__doc__)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each measure")
    parser.add_argument("--rounds", type=int, default=5)
    sides, keys = [*material.RECIPES], [peer.key for peer in PEERS]
    parser.add_argument("--sizes", type=int, nargs="+", default=sides, choices=sides)
    parser.add_argument("--peers", nargs="+", default=keys, choices=keys)
    parser.add_argument("--chart", type=Path, help="draw the rates from memory as SVG")
    parser.add_argument("--results", type=Path, default=material.CACHE / "results.json")
    return parser.parse_args()


def _environments(names: set[str]) -> dict[str, Environment | str]:
    """The environments by name; a reason where one cannot be made here."""
    made: dict[str, Environment | str] = {"workstation": Environment(Path(sys.executable))}
    with tempfile.TemporaryDirectory() as folder:
        wheel = build_wheel(Path(folder))
        for name in sorted(names - {"workstation"}):
            print(f"Making the environment {name}", file=sys.stderr)
            try:
                # The last tflite-runtime is for Python 3.11 at most.
                old = name == "tflite-runtime"
                python = find_python("3.11") if old else Path(sys.executable)
                made[name] = locked(name, python, wheel)
            except pytest.skip.Exception as missing:
                made[name] = str(missing)
    return made


def _turn(
    size: Size,
    peer: Peer,
    environments: dict[str, Environment | str],
    seconds: float,
    *,
    first: bool,
) -> None:
    """Run a peer once, in a process of its own, and keep what it prints or why it fails."""
    if peer.key in size.failures:
        return
    environment = environments[peer.environment]
    if isinstance(environment, str):
        size.failures[peer.key] = environment
        return
    print(f"{size.side} px: {peer.name}", file=sys.stderr)
    model = material.model(size.side)
    path = model.keras if peer.key == "keras" else model.tflite
    try:
        done = environment.run(
            *("-m", f"peers.subjects.{peer.subject}", path, model.labels),
            *(material.frames(), material.prepared(size.side), material.clip()),
            *(seconds, EVERY_FRAME if first else WARM_UP),
            cwd=material.REPOSITORY / "bench",
        )
    except subprocess.TimeoutExpired as late:
        size.failures[peer.key] = f"it did not end within {late.timeout:g} s"
        return
    if done.returncode == 0:
        document: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        size.rounds.setdefault(peer.key, []).append(document)
    else:
        size.failures[peer.key] = (done.stderr.splitlines() or ["no reason given"])[-1]


def _publish(sizes: list[Size], options: argparse.Namespace, load: float) -> None:
    machine = describe()
    options.results.write_text(json.dumps([machine, *map(asdict, sizes)], indent=1))
    print(machine)
    print(f"{options.rounds} rounds of {options.seconds:g} s; load before them {load:.1f}")
    print(f"{versions(sizes)}\n")
    print(verdict(sizes), *map(table, sizes), sep="\n\n")
    if options.chart:
        note = f"{machine.split(', Python')[0]}; {programs(sizes)}"
        options.chart.write_text(chart.draw(sizes, note), encoding="utf-8")


if __name__ == "__main__":
    main()
