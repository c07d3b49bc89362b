"""What several tests of deploying need: this machine as a target, wheels that are kept."""

import os
from pathlib import Path

import pytest

from galago.deploy.target import Target, target_named
from galago.errors import UsageError
from tests.house.environments import REPOSITORY

# Kept between sessions: a hundred megabytes are not fetched again for each.
CACHE = REPOSITORY / ".cache"


def this_machine() -> tuple[str, str]:
    """Code name and machine of this system, as targets are called."""
    lines = Path("/etc/os-release").read_text().splitlines()
    about = {key: value.strip('"') for key, _, value in (line.partition("=") for line in lines)}
    return about.get("VERSION_CODENAME", ""), os.uname().machine


@pytest.fixture(scope="session")
def here() -> Target:
    """The target that this machine is."""
    try:
        return target_named(*this_machine())
    except (OSError, UsageError) as error:
        pytest.skip(f"no device is like this machine: {error}")


@pytest.fixture
def any_model(tmp_path: Path) -> Path:
    """A file that is carried as a model; nobody looks into it."""
    path = tmp_path / "porch.tflite"
    path.write_bytes(b"a model")
    return path
