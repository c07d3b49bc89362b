"""The way in and out."""

import base64

import pytest

from galago.edge.web.password import hashed, matches
from galago.errors import UsageError
from tests.edge.web.client import PASSWORD, Client
from tests.edge.web.daemon import Camera


def basic(password: str) -> str:
    return "Basic " + base64.b64encode(f"prometheus:{password}".encode()).decode()


def test_the_right_password_opens_the_page(locked: Client) -> None:
    """Its cookie is not for scripts, nor for other sites, and ends."""
    answer = locked.login()
    assert (answer.status, answer.headers["location"]) == (303, "/")
    flags = answer.headers["set-cookie"].lower()
    assert all(flag in flags for flag in ("httponly", "samesite=strict", "path=/", "max-age="))
    assert "domain" not in flags
    assert locked.logged_in().get("/").status == 200


def test_a_wrong_password_opens_nothing(locked: Client) -> None:
    """The form comes back and says so; no cookie is set."""
    answer = locked.login("wrong horse")
    assert answer.status == 401
    assert b'role="alert"' in answer.body
    assert "set-cookie" not in answer.headers


def test_logging_out_ends_the_session_and_its_streams(locked: Client) -> None:
    """A copy of the cookie is worth nothing afterwards."""
    inside = locked.logged_in()
    with inside.open("/live.mjpeg") as stream:
        assert stream.read1(100)
        assert inside.ask("POST", "/logout").status == 303
        assert inside.get("/api/status").status == 401
        while stream.read1(100_000):  # ends, rather than show the camera on
            pass


def test_guessing_is_slowed_down(locked: Client) -> None:
    """After some wrong passwords nothing is tried any more, not even the right one."""
    answers = [locked.login(f"guess {number}") for number in range(8)]
    assert [answer.status for answer in answers[:5]] == [401] * 5
    assert {answer.status for answer in answers[5:]} == {429}
    last = locked.login()
    assert last.status == 429
    assert int(last.headers["retry-after"]) > 0


def test_another_site_cannot_log_somebody_in(locked: Client) -> None:
    """A form of another origin is refused before the password is looked at."""
    assert locked.login(Origin="http://evil.example").status == 403
    assert locked.login(Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="navigate").status == 403
    assert locked.login(Origin=locked.address, Sec_Fetch_Site="same-origin").status == 303


def test_prometheus_sends_the_password_with_each_request(locked: Client) -> None:
    """It opens /metrics, again and again, and nothing else."""
    for _ in range(8):  # more than may be tried: it is known after the first
        answer = locked.get("/metrics", Authorization=basic(PASSWORD))
        assert answer.status == 200
        assert b"galago_frames_total" in answer.body
    assert locked.get("/api/status", Authorization=basic(PASSWORD)).status == 401
    assert locked.get("/metrics", Authorization=basic("wrong")).status == 401
    assert locked.get("/metrics", Authorization="Basic ?").status == 401
    assert "basic" in locked.get("/metrics").headers["www-authenticate"].lower()


def test_a_password_is_asked_for_on_loopback_too(locked_camera: Camera, locked: Client) -> None:
    """It was set: where the visitor comes from makes no difference."""
    assert locked_camera.address.startswith("http://0.0.0.0:")
    assert locked.get("/api/status").status == 401


def test_a_hash_matches_its_password_only() -> None:
    """Another each time, whatever letters; how the letters were typed makes no difference."""
    text = hashed("pässwörd")
    assert text != hashed("pässwörd")
    assert matches("pässwörd", text)
    assert matches("pa\u0308sswo\u0308rd", text)
    assert not matches("passwort", text)
    assert not matches("", text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "correct horse",
        "scrypt$16384$8$5$c2FsdHNhbHQ$",
        "scrypt$16383$8$5$c2FsdHNhbHQ=$MTIzNDU2Nzg5MDEyMzQ1Ng==",
        "scrypt$1073741824$8$1$c2FsdHNhbHQ=$MTIzNDU2Nzg5MDEyMzQ1Ng==",
        "scrypt$16384$8$5000$c2FsdHNhbHQ=$MTIzNDU2Nzg5MDEyMzQ1Ng==",
        "bcrypt$16384$8$5$c2FsdHNhbHQ=$MTIzNDU2Nzg5MDEyMzQ1Ng==",
    ],
)
def test_what_is_no_hash_is_refused_without_being_told(text: str) -> None:
    """It may be the password itself; one that asks for a gigabyte is none either."""
    with pytest.raises(UsageError) as caught:
        matches("any", text)
    assert "galago config password" in str(caught.value)
    assert not text or text not in str(caught.value)


def test_an_empty_password_is_none() -> None:
    """Nor is a book."""
    for password in ("", "x" * 2000):
        with pytest.raises(UsageError, match="1 to 1024"):
            hashed(password)
