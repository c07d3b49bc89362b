"""Schemathesis, in an environment of its own, asks what the API's document allows, and what not.

GALAGO_SCHEMATHESIS=2000 asks so many questions of each route instead of a few.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import time

import pytest

from tests.edge.web.client import Client
from tests.edge.web.daemon import Camera
from tests.house.environments import REPOSITORY, Environment, install

LOCK = REPOSITORY / "locks" / "schemathesis.txt"
QUESTIONS = int(os.environ.get("GALAGO_SCHEMATHESIS", "12"))
SEED = "2026"
# Answers that go on for ever; what is in them, test_web_api.py reads.
ENDLESS = ("/api/stream", "/live.mjpeg")


@pytest.fixture(scope="session")
def schemathesis() -> Environment:
    """Its environment, made where it is missing."""
    digest = hashlib.sha256(LOCK.read_bytes() + sys.version.encode()).hexdigest()[:16]
    folder = REPOSITORY / ".cache" / "environments" / f"schemathesis-{digest}"
    made = Environment(folder / "bin" / "python")
    if not (folder / "ready").exists():
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
        install(made, "--require-hashes", "-r", LOCK)
        (folder / "ready").touch()
    return made


@pytest.mark.timeout(60 + 20 * QUESTIONS)
def test_the_api_does_as_its_document_says(
    schemathesis: Environment, page: Client, open_camera: Camera
) -> None:
    """No error of the server; codes, types and schemas of answers as written; nonsense refused."""
    open_camera.see("bird")
    open_camera.wonder("bird", 0.5)
    time.sleep(0.5)  # they are in the store, and known by name to nobody but /api/snapshots
    command = [
        *(schemathesis.python.parent / "schemathesis", "run", f"{page.address}/api/openapi.json"),
        *("--max-examples", QUESTIONS, "--seed", SEED, "--workers", 1, "--no-color"),
        *("--request-timeout", 10, "--generation-database", "none"),
        # That `until` comes after `since`, and which labels the model has, no schema says.
        *("--exclude-checks", "positive_data_acceptance"),
        *(word for path in ENDLESS for word in ("--exclude-path", path)),
    ]
    done = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
