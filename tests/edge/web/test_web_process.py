"""The page's process: begun, kept alive, ended, and never in the daemon's way."""

import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable
from http.client import HTTPResponse
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from galago.edge.setting import Secret
from galago.edge.web.settings import WebSettings
from galago.errors import UsageError
from tests.edge.web.client import Client
from tests.edge.web.daemon import Camera, colours

SOON_S = 20.0
REPOSITORY = Path(__file__).parents[3]

CHILD = """
import sys, time
from pathlib import Path
from galago.edge.web.settings import WebSettings
from tests.edge.web.daemon import Camera, colours
with Camera(Path(sys.argv[1]), WebSettings(port=0), colours()) as camera:
    print(camera.address, flush=True)
    time.sleep(60)
"""


def until(happens: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SOON_S
    while not happens():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.05)


def cause(camera: Camera) -> str:
    state = camera.health.states.get("web.failed")
    return state.cause if state else ""


def begun(camera: Camera) -> None:
    """Enter the page alone, whether or not it comes to serve."""
    camera.page.__enter__()


def pid_of(camera: Camera) -> int:
    process = camera.page._process
    assert process is not None
    return process.pid


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "camera.example"])  # noqa: S104
def test_showing_the_camera_to_others_needs_a_password(tmp_path: Path, host: str) -> None:
    """The daemon does not begin: it says what to do."""
    with pytest.raises(UsageError, match="galago config password"):
        Camera(tmp_path, WebSettings(host=host), colours())


def test_settings_that_cannot_serve_are_refused(tmp_path: Path, secret: Secret) -> None:
    """A certificate without its key, a password that cannot be read, a hash that is none."""
    with pytest.raises(UsageError, match="both"):
        Camera(tmp_path, WebSettings(certificate=Path("x"), password=secret), colours())
    with pytest.raises(UsageError, match="cannot be read"):
        missing = Secret(f"file:{tmp_path}/none")
        Camera(tmp_path, WebSettings(password=missing), colours())
    with pytest.raises(UsageError, match="expected scrypt"):
        (tmp_path / "plain").write_text("correct horse")
        Camera(tmp_path, WebSettings(password=Secret(f"file:{tmp_path}/plain")), colours())


def test_while_nobody_looks_nothing_is_asked(tmp_path: Path) -> None:
    """Neither status nor picture; nor after the last viewer has gone."""
    with Camera(tmp_path, WebSettings(port=0), colours()) as camera:
        page = Client(camera.address, {})
        assert page.get("/").status == 200
        assert camera.asked == 0
        with page.open("/api/stream") as stream:
            stream.read1(1000)
            until(lambda: camera.asked > 0)
        time.sleep(0.5)  # it is noticed that the viewer has gone
        asked = camera.asked
        time.sleep(1.5)
        assert camera.asked == asked
        assert not camera.live._wanted


def taken(stream: HTTPResponse) -> bytes:
    """The time of the next picture."""
    while not (line := stream.readline()).startswith(b"X-Time"):
        pass
    return line


def test_all_viewers_are_shown_the_same_pictures(open_camera: Camera) -> None:
    """They are fetched once for all of them."""
    page = Client(open_camera.address, {})
    with page.open("/live.mjpeg") as one, page.open("/live.mjpeg") as other:
        times = [[taken(stream) for _ in range(4)] for stream in (one, other)]
    assert len(set(times[0]) & set(times[1])) >= 2


def test_a_page_that_dies_is_started_again_at_the_same_address(tmp_path: Path) -> None:
    """Health says so meanwhile, and that it is over; the loop has gone on."""
    with Camera(tmp_path, WebSettings(port=0), colours()) as camera:
        address, frames = camera.address, camera.frames
        os.kill(pid_of(camera), signal.SIGKILL)
        until(lambda: "by itself (exit status -9)" in cause(camera))
        until(lambda: not cause(camera))
        assert camera.address == address
        assert Client(address, {}).get("/healthz").status == 200
        assert camera.frames > frames


def test_a_page_that_hangs_does_not_keep_the_daemon(tmp_path: Path) -> None:
    """It is ended by force."""
    with Camera(tmp_path, WebSettings(port=0), colours()) as camera:
        pid = pid_of(camera)
        os.kill(pid, signal.SIGSTOP)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_the_page_ends_with_a_daemon_that_is_killed(tmp_path: Path) -> None:
    """SIGKILL leaves the daemon no time to say anything: nobody listens any more all the same."""
    with subprocess.Popen(
        [sys.executable, "-c", CHILD, str(tmp_path)], cwd=REPOSITORY, stdout=subprocess.PIPE
    ) as daemon:
        assert daemon.stdout is not None
        place = urlsplit(daemon.stdout.readline().decode().strip())
        daemon.kill()

    def refused() -> bool:
        try:
            socket.create_connection((place.hostname, place.port), 1).close()
        except ConnectionError:
            return True
        return False

    until(refused)


def test_the_page_does_without_numpy_and_opencv() -> None:
    """They are forty megabytes of a small Pi's memory, and it has no use for them."""
    ask = "import galago.edge.web.server, sys; print({'numpy', 'cv2'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_a_port_that_is_taken_is_tried_again(tmp_path: Path) -> None:
    """Health names it; when it is free, the page comes."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        camera = Camera(tmp_path, WebSettings(port=port), colours())
        begun(camera)
        until(lambda: bool(cause(camera)))
        assert f"127.0.0.1 port {port}: address already in use" in cause(camera)
        assert camera.page.address is None
    until(lambda: not cause(camera))
    assert Client(camera.address, {}).get("/healthz").status == 200
    camera.page.__exit__()


@pytest.mark.skipif(
    os.geteuid() == 0
    or int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text()) <= 80,
    reason="every port may be taken here",
)
def test_a_port_that_needs_rights_is_named(tmp_path: Path) -> None:
    """With what to do."""
    camera = Camera(tmp_path, WebSettings(port=80), colours())
    begun(camera)
    until(lambda: "1024" in cause(camera))
    camera.page.__exit__()


def test_packages_that_are_missing_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the command that brings them; the daemon runs on."""
    (tmp_path / "uvicorn.py").write_text("raise ModuleNotFoundError(\"No module named 'uvicorn'\")")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    camera = Camera(tmp_path, WebSettings(port=0), colours())
    begun(camera)
    until(lambda: "pip install 'galago[web]'" in cause(camera))
    assert "No module named 'uvicorn'" in cause(camera)
    camera.page.__exit__()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate and its key, made by openssl."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is missing (Debian: apt install openssl)")
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    files = ["-subj", "/CN=localhost", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*command.split(), *files], check=True, capture_output=True)
    return certificate, key


def test_https_is_served_from_version_1_2_on(
    tmp_path: Path, secret: Secret, certificate: tuple[Path, Path]
) -> None:
    """Its cookie is for https only, and for this host only."""
    file, key = certificate
    settings = WebSettings(port=0, password=secret, certificate=file, key=key)
    with Camera(tmp_path, settings, colours()) as camera:
        page = Client(camera.address, {})
        assert camera.address.startswith("https://")
        flags = page.login().headers["set-cookie"]
        assert flags.startswith("__Host-galago=")
        assert "secure" in flags.lower()
        assert page.logged_in().get("/api/status").status == 200
        old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
        with pytest.warns(DeprecationWarning, match="TLSv1"):
            old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
        old.set_ciphers("ALL:@SECLEVEL=0")
        with page.socket() as bare, pytest.raises(ssl.SSLError):
            old.wrap_socket(bare)


def test_a_certificate_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    """With its path; the page is tried again, and the daemon runs."""
    wrong = tmp_path / "wrong.pem"
    wrong.write_text("no certificate")
    camera = Camera(tmp_path, WebSettings(port=0, certificate=wrong, key=wrong), colours())
    begun(camera)
    until(lambda: str(wrong) in cause(camera))
    assert "PEM files" in cause(camera)
    camera.page.__exit__()
