"""A page without a password, and one with: made once for all tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from galago.edge.setting import Secret
from galago.edge.web.password import hashed
from galago.edge.web.settings import WebSettings
from tests.edge.web.client import PASSWORD, Client
from tests.edge.web.daemon import Camera, colours


@pytest.fixture(scope="session")
def open_camera(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Camera]:
    """Without a password, at 127.0.0.1."""
    with Camera(tmp_path_factory.mktemp("open"), WebSettings(port=0), colours()) as camera:
        yield camera


@pytest.fixture(scope="session")
def secret(tmp_path_factory: pytest.TempPathFactory) -> Secret:
    """Where the password's hash is."""
    path = tmp_path_factory.mktemp("secret") / "password"
    path.write_text(f"{hashed(PASSWORD)}\n")
    return Secret(f"file:{path}")


@pytest.fixture
def locked_camera(tmp_path: Path, secret: Secret) -> Iterator[Camera]:
    """With a password, at every address of the machine; a new one for each test."""
    settings = WebSettings(host="0.0.0.0", port=0, password=secret)  # noqa: S104
    with Camera(tmp_path, settings, colours()) as camera:
        yield camera


@pytest.fixture
def page(open_camera: Camera) -> Client:
    """Asks the page without a password."""
    return Client(open_camera.address, {})


@pytest.fixture
def locked(locked_camera: Camera) -> Client:
    """Asks the page with one; nobody is logged in."""
    return Client(locked_camera.address, {})
