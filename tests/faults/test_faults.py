"""Each fault, once, on the real daemon: it goes on, says why, and recovers by itself.

`make soak` has the long run, and the loop's rate under each.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from galago.bundle.image import write_image
from tests.conftest import draw
from tests.faults.card import needs_a_card
from tests.faults.world import FAULTS, World

PATIENCE_S = 30.0

# They wait for a broker's patience, or for two new processes.
LONG = ("silent broker", "camera fails")


@pytest.fixture(scope="module")
def world(model_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One daemon for all faults, an event every half second."""
    folder = tmp_path_factory.mktemp("world")
    needs_a_card(folder)
    pictures = (folder / "circle.png", folder / "square.png")
    for picture in pictures:
        write_image(picture, draw(picture.stem, seed=4321))
    with World(folder, model_path, pictures, fps=30, each=30) as world:
        yield world


def goes_on(world: World) -> None:
    """Ten more pictures are looked at."""
    before = world.frames()
    world.daemon.wait_for(lambda: not before <= world.frames() < before + 10, PATIENCE_S)


@pytest.mark.parametrize("name", FAULTS)
def test_it_goes_on_says_why_and_recovers(world: World, name: str) -> None:
    """The loop looks all the while; the state is named; events are stored again at the end."""
    fault = FAULTS[name]
    if name in LONG and not os.environ.get("GALAGO_SOAK"):
        pytest.skip("takes long: make soak")
    if not fault.needs(world):
        pytest.skip("mosquitto or a C compiler is missing (Debian: apt install mosquitto gcc)")
    mark = len(world.daemon.lines)
    with fault.happens(world):
        if fault.said:
            world.daemon.wait_for(lambda: world.said(mark) & {*fault.said}, PATIENCE_S)
        goes_on(world)
    world.daemon.wait_for(lambda: not world.reasons(), PATIENCE_S)
    before = world.events()
    world.daemon.wait_for(lambda: world.events() > before, PATIENCE_S)
