"""One model for all tests of what is told of it."""

from pathlib import Path

import pytest

from galago.edge.serving import Serving, open_serving
from tests.edge.vitals.parts import Parts


@pytest.fixture(scope="session")
def serving(model_path: Path) -> Serving:
    """The shapes' model, verified and loaded."""
    return open_serving(model_path)


@pytest.fixture
def parts(serving: Serving, tmp_path: Path) -> Parts:
    """Parts of their own for each test."""
    return Parts(serving, tmp_path / "machine")
