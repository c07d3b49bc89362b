"""A machine for each test."""

from pathlib import Path

import pytest

from tests.edge.doctor.parts import House


@pytest.fixture
def house(tmp_path: Path) -> House:
    """An empty one."""
    return House(tmp_path)
