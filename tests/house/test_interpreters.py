"""One model file, four environments: LiteRT, tflite-runtime, TensorFlow, and two that break."""

import json
import re
import sysconfig
from pathlib import Path

import pytest

from tests.house.environments import REPOSITORY, Environment, install, lend

BRIEFLY = ("--threads", "1", "--round-seconds", "0.05")
FOREIGN = ("mobilenet_v1_0.25_128_quant.tflite", "mlperf_tiny_resnet8_int8.tflite")
WORKSTATION_PACKAGES = ("tensorflow", "keras", "sklearn", "jinja2")


@pytest.fixture(scope="module")
def numpy_2(tflite_runtime: Environment, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the numpy that the edge environment has."""
    folder = tmp_path_factory.mktemp("numpy")
    lock = (REPOSITORY / "locks" / "edge.txt").read_text()
    # With its continuation lines, which hold the digests.
    wanted = re.findall(r"^numpy==(?:.*\\\n)*.*\n", lock, re.MULTILINE)
    requirements = folder / "requirements.txt"
    requirements.write_text("".join(wanted))
    packages = folder / "packages"
    install(tflite_runtime, "--target", packages, "--require-hashes", "-r", requirements)
    return packages


def test_a_device_has_nothing_of_the_workstation(device: Environment) -> None:
    """Neither lock brings TensorFlow, or what else only training needs."""
    code = f"from importlib.util import find_spec\nprint([*map(find_spec, {WORKSTATION_PACKAGES})])"
    assert device.run("-c", code).stdout.strip() == "[None, None, None, None]"


def test_litert_gives_the_recorded_answers_bit_for_bit(pi: Environment, model_path: Path) -> None:
    """A camera with LiteRT answers exactly as the workstation did, whatever its Python."""
    answer = pi.answer("verify", model_path, "--json")
    assert answer["passed"] is True
    assert answer["exact"] is True
    assert answer["agreement"] == 1.0
    assert answer["interpreter"].startswith("ai-edge-litert 2")


def test_tflite_runtime_gives_the_recorded_classes(
    tflite_runtime: Environment, model_path: Path
) -> None:
    """A camera with the fallback interpreter passes the golden frames."""
    answer = tflite_runtime.answer("verify", model_path, "--json")
    assert answer["passed"] is True
    assert answer["agreement"] == 1.0
    assert answer["interpreter"].startswith("tflite-runtime 2.14")


def test_a_device_classifies_as_the_workstation(
    device: Environment, workstation: Environment, model_path: Path, pictures: Path
) -> None:
    """The same picture files get the same labels, with nearly the same scores."""
    here = workstation.answer("classify", model_path, pictures, "--json")
    there = device.answer("classify", model_path, pictures, "--json")
    assert len(here) >= 3
    assert [seen["path"] for seen in there] == [seen["path"] for seen in here]
    assert [seen["label"] for seen in there] == [seen["label"] for seen in here]
    scores_here, scores_there = ([seen["score"] for seen in seens] for seens in (here, there))
    assert scores_there == pytest.approx(scores_here, abs=0.0625)


def test_a_device_tells_what_its_camera_sees(
    device: Environment, model_path: Path, pictures: Path
) -> None:
    """`run` prints one JSON line for the one thing that is seen, and nothing else."""
    seen = device.answer("classify", model_path, pictures, "--json")
    clearest = max(seen, key=lambda picture: picture["score"])
    camera = f"fake:{clearest['path']}*30?fps=30"  # a label must last before it is told
    done = device.galago("run", "--model", model_path, "--camera", camera)
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    event = json.loads(line)
    assert event["label"] == clearest["label"]
    assert event["previous"] is None
    assert event["model"] == device.answer("inspect", model_path, "--json")["sha256"]


def test_a_devices_camera_may_see_nothing_it_knows(device: Environment, model_path: Path) -> None:
    """Colour bars, which are no class, pass through the whole daemon."""
    done = device.galago("run", "--model", model_path, "--camera", "fake:bars*30?pace=max")
    assert done.returncode == 0, done.stderr
    assert "30 frames, 0 dropped" in done.stderr
    assert all(json.loads(line)["model"] for line in done.stdout.splitlines())


@pytest.mark.parametrize("name", FOREIGN)
def test_a_device_runs_foreign_models(device: Environment, shared: Path, name: str) -> None:
    """Classifiers that others quantized, with uint8 and with int8 inputs, run and are measured."""
    answer = device.answer("bench", shared / "models" / name, *BRIEFLY, "--json")
    assert answer["threads"] == 1
    assert answer["raw_us"]["median"] > 0
    assert answer["fps"] > 0


def test_a_model_that_cannot_be_run_is_one_line_and_exit_3(
    device: Environment, shared: Path
) -> None:
    """Whatever the C++ side throws, a device says it in one line."""
    done = device.galago("bench", shared / "models" / "broken_invoke.tflite", "--threads", "1")
    assert (done.returncode, done.stdout) == (3, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("galago: ")
    assert "broken_invoke.tflite" in line


@pytest.mark.parametrize("verb", ["verify", "bench"])
def test_numpy_2_beside_tflite_runtime_is_said_in_one_line(
    tflite_runtime: Environment, numpy_2: Path, model_path: Path, verb: str
) -> None:
    """The pair that breaks deep inside is named before it does, with what would help."""
    done = tflite_runtime.galago(verb, model_path, PYTHONPATH=str(numpy_2))
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("galago: ")
    assert "tflite-runtime: it needs numpy < 2 and found 2." in line


def test_tensorflows_own_interpreter_serves_when_asked_for(
    workstation: Environment, model_path: Path
) -> None:
    """On a workstation, --interpreter chooses another than the first."""
    answer = workstation.answer("verify", model_path, "--interpreter", "tensorflow", "--json")
    assert answer["passed"] is True
    assert answer["interpreter"].startswith("tensorflow 2.")


def test_tensorflows_own_interpreter_serves_where_there_is_no_other(
    fresh: Environment, model_path: Path, tmp_path: Path
) -> None:
    """Without LiteRT and tflite-runtime, TensorFlow's is found by itself."""
    packages = Path(sysconfig.get_path("purelib"))
    path = lend(packages, tmp_path, without=("ai_edge_litert", "tflite_runtime"))
    answer = fresh.answer("verify", model_path, "--json", PYTHONPATH=path)
    assert answer["passed"] is True
    assert answer["interpreter"].startswith("tensorflow 2.")


def test_without_any_interpreter_one_line_says_what_to_install(
    edge: Environment, fresh: Environment, model_path: Path, tmp_path: Path
) -> None:
    """A machine with numpy and OpenCV alone is told what it lacks."""
    (packages,) = edge.python.parents[1].glob("lib/python*/site-packages")
    path = lend(packages, tmp_path, without=("ai_edge_litert", "galago"))
    done = fresh.galago("verify", model_path, PYTHONPATH=path)
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("galago: no TFLite interpreter can be used; install one with pip")
