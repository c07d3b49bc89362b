"""What several tests of conversion need."""

import pytest

from tests.convert.small_network import Converted, converted


@pytest.fixture(scope="session")
def small() -> Converted:
    """A small network, float and int8, with pictures."""
    return converted()
