"""The daemon as its user starts it: real processes, real signals."""

import fcntl
import json
import os
import platform
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from galago.bundle.image import write_image
from galago.bundle.model_file import ModelFile
from tests.conftest import Outcome, draw, write_clip


def script(folder: Path, *steps: str) -> str:
    """A scripted camera that shows shapes: `script(path, "circle*30", "empty*30")`."""
    shown = []
    for step in steps:
        label, amount = step.split("*")
        write_image(folder / f"{label}.png", draw(label, seed=4321))
        shown.append(f"{folder / label}.png*{amount}")
    return "fake:" + ",".join(shown)


def daemon(model: Path, source: str, *options: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-P", "-m", "galago.cli", "run"]
    return subprocess.Popen(
        [*command, "--model", model, "--camera", source, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def test_every_change_is_one_json_line(model_path: Path, tmp_path: Path) -> None:
    """With the documented keys; a change that lasts is told once."""
    source = script(tmp_path, "circle*45", "empty*45", "square*45") + "?fps=30"
    with daemon(model_path, source) as process:
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    events = [json.loads(line) for line in out.splitlines()]
    assert [event["label"] for event in events] == ["circle", "empty", "square"]
    assert [event["previous"] for event in events] == [None, "circle", "empty"]
    for event in events:
        assert list(event) == [
            "time", "label", "score", "previous", "seconds", "snapshot", "model", "device",
            "region",
        ]  # fmt: skip
        assert event["model"] == ModelFile.read(model_path).sha256
        assert event["device"] == platform.node()
        assert event["snapshot"] is None
        assert 0.5 <= event["score"] <= 1
        age = datetime.now(UTC) - datetime.fromisoformat(event["time"])
        assert timedelta(0) <= age < timedelta(minutes=2)
    assert events[1]["seconds"] == pytest.approx(1.5, abs=1.0)
    assert "has ended: " in err
    assert err.splitlines()[-1].endswith("3 events")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(model_path: Path, tmp_path: Path, number: signal.Signals) -> None:
    """Exit 0, a last line that says so, no traceback."""
    with daemon(model_path, script(tmp_path, "circle*forever")) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("{")
        process.send_signal(number)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "stopped by a signal: " in err
    assert "Traceback" not in err


def test_a_signal_during_start_up_ends_it_cleanly(model_path: Path) -> None:
    """While the golden frames are still running in their own process."""
    with daemon(model_path, "fake:bars*forever") as process:
        time.sleep(0.4)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=30)
    assert process.returncode in {0, -signal.SIGTERM}
    assert "Traceback" not in err


def test_ctrl_c_during_start_up_is_no_crash_of_the_model(model_path: Path) -> None:
    """A terminal sends it to the whole process group; the golden frames' process is not meant."""
    with daemon(model_path, "fake:bars*forever") as process:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        if not children.exists():
            process.kill()
            pytest.skip("/proc does not tell a process's children here")
        deadline = time.monotonic() + 30
        while not children.read_text() and time.monotonic() < deadline:
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    assert "stopped by a signal: 0 frames" in err


def test_a_reader_that_leaves_ends_it_quietly(model_path: Path, tmp_path: Path) -> None:
    """`galago run | head -1` leaves no traceback."""
    source = script(tmp_path, "circle*60", "empty*60") + "?fps=30&loop=1"
    with daemon(model_path, source) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        err = process.stderr.read()
        assert process.wait(timeout=30) == 1
    assert "Traceback" not in err


def test_a_reader_that_never_reads_does_not_spoil_the_end(model_path: Path, tmp_path: Path) -> None:
    """The pipe is full and a thread waits in it; the daemon ends by its own will all the same."""
    regions = [f"--region=part{number}=0,0,1,1" for number in range(40)]
    source = script(tmp_path, "circle*90") + "?fps=30&loop=1"
    with daemon(model_path, source, *regions) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        fcntl.fcntl(process.stdout, fcntl.F_SETPIPE_SZ, 4096)
        looks = process.stderr.readline()
        time.sleep(2)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0
        err = looks + process.stderr.read()
    assert "stopped by a signal: " in err
    assert "Fatal" not in err


def test_a_folder_of_pictures_is_a_camera(
    model_path: Path, tmp_path: Path, galago: Callable[..., Outcome]
) -> None:
    """dir: shows them in order; when it ends, so does the daemon, with exit 0."""
    for number in range(60):
        label = "circle" if number < 30 else "empty"
        write_image(tmp_path / f"{number:02}.png", draw(label, seed=4321))
    outcome = galago("run", "--model", model_path, "--camera", f"dir:{tmp_path}?pace=max")
    assert outcome.code == 0
    labels = [json.loads(line)["label"] for line in outcome.out.splitlines()]
    assert labels == ["circle", "empty"]
    assert "has ended: 60 frames, 0 dropped, 2 events" in outcome.err


def test_a_video_that_ends_is_a_good_end(
    model_path: Path, tmp_path: Path, galago: Callable[..., Outcome]
) -> None:
    """Exit 0, with every frame looked at and a line that says so."""
    source = f"file:{write_clip(tmp_path / 'clip.mp4', ('circle',), each=25)}?pace=max"
    outcome = galago("run", "--model", model_path, "--camera", source)
    assert outcome.code == 0
    assert [json.loads(line)["label"] for line in outcome.out.splitlines()] == ["circle"]
    assert f"{source} has ended: 25 frames, 0 dropped, 1 events" in outcome.err


@pytest.mark.parametrize(
    ("source", "code", "message"),
    [
        ("file:nowhere.mp4", 4, "nowhere.mp4"),
        ("dir:nowhere", 4, "nowhere"),
        ("fake:bars*3,error", 4, "fake:bars*3,error"),
        ("usb:97", 4, "/dev/video97"),
        ("webcam", 2, "webcam"),
    ],
)
def test_a_camera_that_cannot_serve_is_one_line(
    model_path: Path,
    galago: Callable[..., Outcome],
    source: str,
    code: int,
    message: str,
) -> None:
    """Exit 4 for a camera that is not there or fails, 2 for a name that is none."""
    outcome = galago("run", "--model", model_path, "--camera", source)
    assert outcome.code == code
    last = outcome.err.splitlines()[-1]
    assert last.startswith("galago: ")
    assert message in last
    assert "Traceback" not in outcome.err
