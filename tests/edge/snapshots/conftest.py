"""A model that serves."""

from pathlib import Path

import pytest

from galago.edge.health import Health
from galago.edge.serving import Serving, open_serving
from tests.edge.snapshots.frames import Lent, Records


@pytest.fixture(scope="session")
def serving(model_path: Path) -> Serving:
    """The shapes' model: circle, empty, square."""
    return open_serving(model_path)


@pytest.fixture
def records() -> Records:
    """What comes out of the darkroom."""
    return Records()


@pytest.fixture
def lent() -> Lent:
    """A camera's buffers."""
    return Lent()


@pytest.fixture
def health() -> Health:
    """Nothing is wrong."""
    return Health()
