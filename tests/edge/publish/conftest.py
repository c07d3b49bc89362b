"""A store for every test of a publisher."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.edge.publish.house import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A real one, of its own."""
    with Store(tmp_path / "state") as it:
        yield it
