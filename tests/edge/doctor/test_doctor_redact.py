"""Secrets are taken out of a text, whatever form they have there."""

import json
from base64 import b64encode
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from galago.edge.doctor.redact import Redactor
from galago.edge.doctor.secrets import of_url

SECRETS = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=4).filter(
    lambda text: text == text.strip() and "…" not in text and text != "galago"
)


@given(SECRETS)
def test_no_form_of_a_secret_is_left(secret: str) -> None:
    """As it is, in an address, in JSON, in base64."""
    redact = Redactor([secret])
    for form in (
        secret,
        quote(secret),
        quote_plus(secret),
        json.dumps(secret)[1:-1],
        b64encode(secret.encode()).decode().rstrip("="),
    ):
        assert form not in redact(f"« {form} »")


def test_a_short_secret_is_taken_where_it_is_a_word() -> None:
    """Not out of every other word."""
    assert Redactor(["cat"])("a cat is no category, cat!") == "a … is no category, …!"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("at rtsp://admin:hunter2@10.0.0.7:554/h264?key=1", "at rtsp://…"),
        ("POST https://hooks.example.org/T0K3N 401", "POST https://hooks.example.org/… 401"),
        ("see http://localhost:8080", "see http://localhost:8080"),
        ("query https://h/x?to=me@there", "query https://…"),
        ("mqtt password=hunter2", "mqtt password=…"),
        ('"api_key": "abc", more', '"api_key": …'),
        ("Authorization: Basic YWJjOmRlZg==", "Authorization: …"),
        ("psk=abcdefgh", "psk=…"),
        ("no camera at /dev/video0: plug one in", "no camera at /dev/video0: plug one in"),
        ("user root may not", "user root may not"),
    ],
)
def test_what_looks_like_a_secret_goes_though_nobody_knows_it(text: str, expected: str) -> None:
    """What a library has written to the log by itself."""
    assert Redactor([])(text) == expected


def test_a_document_is_redacted_in_all_its_texts() -> None:
    """Before it is written, so that JSON's escapes hide nothing."""
    redact = Redactor(['pass"word'])
    document = {"a": ['x pass"word y', 1, None], "b": {"c": 'pass"word'}}
    assert redact.document(document) == {"a": ["x … y", 1, None], "b": {"c": "…"}}


def test_an_address_gives_all_its_secrets() -> None:
    """As they are written, and as they are meant."""
    found = set(of_url("https://jo:p%40ss@h.org/hook/T0K3N?sig=abc%20d"))
    assert {"jo", "p@ss", "p%40ss", "T0K3N", "hook", "abc d"} <= found
    assert list(of_url("rtsp://[")) == ["rtsp://["]
