"""Takes secrets out of a text: those that are known, and what looks like one.

- A known secret goes in each form that programs write it in: as it is, in a URL, in JSON, in
  base64.
- Of every URL only its scheme and host stay; of one with a user, only its scheme.
- What follows a word like "password" goes, to the end of the line.

    redact = Redactor(known_secrets(patient))
    redact("rtsp://admin:hunter2@camera/stream")  # "rtsp://…"
"""

import json
import re
from base64 import b64encode
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote, quote_plus

GONE = "…"

# Shorter ones stand in half of all words; they go where they are a word of their own.
_SHORT = 4
# The program's own name is no secret, though many a broker knows the camera by it.
_NO_SECRET = frozenset({"galago"})
_URL = re.compile(r"([a-z][a-z0-9+.-]*)://([^\s\"'<>]*)", re.IGNORECASE)
_HOST = re.compile(r"[A-Za-z0-9.:\[\]_-]+")
_TELLTALE = re.compile(
    r"(?i)\b((?:proxy-)?authorization|bearer|pass(?:word|wd|phrase)?|pwd|psk|ssid|secret|"
    r"(?:access|auth|refresh)?[_-]?token|api[_-]?key|credentials?|user(?:name)?)\b"
    r"([\"']?\s*[=:]\s*|\s+(?=Bearer |Basic ))\S.*"
)


class Redactor:
    """Safe to call for any text."""

    def __init__(self, secrets: Iterable[str]) -> None:
        forms = {form for secret in secrets if secret not in _NO_SECRET for form in _forms(secret)}
        patterns = [_pattern(form) for form in sorted(forms, key=len, reverse=True)]
        self._known = re.compile("|".join(patterns)) if patterns else None

    def known(self, text: str) -> str:
        """A text of our own making, without secrets that are known and what follows a host."""
        if self._known is not None:
            text = self._known.sub(GONE, text)
        return _URL.sub(_host_alone, text)

    def __call__(self, text: str) -> str:
        """Any text, also without what looks like one."""
        text = self.known(text)
        return _TELLTALE.sub(lambda match: f"{match[1]}{match[2]}{GONE}", text)

    def document(self, value: Any) -> Any:
        """The same for all texts in what JSON can hold; its keys are ours."""
        if isinstance(value, str):
            return self(value)
        if isinstance(value, dict):
            return {key: self.document(one) for key, one in value.items()}
        if isinstance(value, list | tuple):
            return [self.document(one) for one in value]
        return value


def _forms(secret: str) -> Iterator[str]:
    yield secret
    yield quote(secret)
    yield quote(secret, safe="")
    yield quote_plus(secret)
    yield json.dumps(secret)[1:-1]
    yield json.dumps(secret, ensure_ascii=False)[1:-1]
    if len(secret) >= _SHORT:
        yield b64encode(secret.encode(errors="replace")).decode().rstrip("=")


def _pattern(form: str) -> str:
    escaped = re.escape(form)
    return escaped if len(form) >= _SHORT else rf"(?<!\w){escaped}(?!\w)"


def _host_alone(match: re.Match[str]) -> str:
    scheme, rest = match[1], match[2]
    host = _HOST.match(rest)
    if "@" in rest or host is None:
        return f"{scheme}://{GONE}"
    return f"{scheme}://{host[0]}{f'/{GONE}' if rest[host.end() :] else ''}"
