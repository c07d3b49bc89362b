"""`galago doctor` in real environments, well and broken in the ways that people break them."""

import json
from pathlib import Path
from typing import Any

import pytest

from galago.edge.doctor import cameras
from tests.house.environments import Environment, install, lend

# The last simplejpeg that was built against numpy 1, as Debian 12 has it.
BUILT_FOR_NUMPY_1 = "simplejpeg==1.6.6"
NUMPY_2 = "numpy>=2,<2.5"  # of those for Python 3.11


def doctor(environment: Environment, **variables: str) -> tuple[int, dict[str, dict[str, Any]]]:
    """Exit status, and the findings by name."""
    done = environment.galago("doctor", "--json", cwd=None, **variables)
    found = {one["name"]: one for one in json.loads(done.stdout)["findings"]}
    assert "Traceback" not in done.stderr
    return done.returncode, found


@pytest.fixture(scope="module")
def numpy_2(tflite_runtime: Environment, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with numpy 2, and a simplejpeg for the other."""
    folder = tmp_path_factory.mktemp("numpy") / "packages"
    install(tflite_runtime, "--target", folder, "--no-deps", NUMPY_2, BUILT_FOR_NUMPY_1)
    return folder


def test_a_cameras_environment_is_well(edge: Environment) -> None:
    """LiteRT from the wheel, accelerated."""
    code, found = doctor(edge)
    assert found["interpreter"]["what"].startswith("ai-edge-litert 2.")
    assert {found[name]["level"] for name in ("python", "numpy", "cv2", "interpreter")} == {"ok"}
    assert code == 0


def test_tflite_runtime_with_numpy_2_is_found(
    tflite_runtime: Environment,
    numpy_2: Path,
) -> None:
    """By its versions, and because it fails when it is tried."""
    code, found = doctor(tflite_runtime, PYTHONPATH=str(numpy_2))
    assert code == 3
    assert found["tflite-numpy"]["level"] == found["interpreter"]["level"] == "error"
    assert "'numpy<2'" in found["interpreter"]["fix"]


def test_a_simplejpeg_built_for_numpy_1_fails_as_is_expected(
    tflite_runtime: Environment,
    numpy_2: Path,
) -> None:
    """The very error that `import picamera2` ends with on Bookworm, and its fix."""
    words = ("-P", "-m", "galago.edge.doctor.probe", "import", "simplejpeg")
    done = tflite_runtime.run(*words, PYTHONPATH=str(numpy_2))
    error = json.loads(done.stdout)["error"]
    assert "numpy.dtype size changed" in error
    message = f"picamera2 cannot be imported ({error}): sudo apt install python3-picamera2"
    assert "'numpy<2'" in cameras.judge({"error": message}, "picamera2").fix


def test_without_opencv_the_rest_is_still_looked_at(
    edge: Environment,
    fresh: Environment,
    tmp_path: Path,
) -> None:
    """What is missing is an error; what needs it says that it could not be looked at."""
    (packages,) = edge.python.parents[1].glob("lib/python*/site-packages")
    path = lend(packages, tmp_path, without=("cv2", "opencv", "galago"))
    code, found = doctor(fresh, PYTHONPATH=path)
    assert code == 3
    assert found["cv2"]["level"] == "error"
    assert "No module named 'cv2'" in found["cv2"]["what"]
    assert found["machine-unknown"]["level"] == "note"
    assert found["disk"]["level"] in {"ok", "warning"}
