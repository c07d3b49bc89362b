"""Any file at all: it gives settings or problems, and never a secret away."""

import json
import tempfile
from datetime import date
from pathlib import Path
from typing import Any, get_args, get_origin

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from galago.edge.config.keys import Key, Place, dotted, keys_of, leaves, named_of, section_of
from galago.edge.config.keys import text as quoted
from galago.edge.config.read import Loaded, read_config
from galago.edge.config.schema import Config
from galago.edge.config.show import as_text, to_dict
from galago.edge.setting import Secret
from galago.errors import ConfigError

_MARK = "hunter2"

quickly = settings(max_examples=100, deadline=None, database=None)


def places(section: type = Config, place: Place = ()) -> dict[Place, Key]:
    """All keys that have values; a table that wants a name is called x."""
    found: dict[Place, Key] = {}
    for key in keys_of(section).values():
        if inner := section_of(key.kind):
            found |= places(inner, (*place, key.name))
        elif inner := section_of(named_of(key.kind)):
            found |= places(inner, (*place, key.name, "x"))
        else:
            found[*place, key.name] = key
    return found


PLACES = places()
SECRETS = [place for place, key in PLACES.items() if key.kind is Secret]
NUMBERS = {place: key for place, key in PLACES.items() if key.kind in (bool, int, float)}

NEEDED: dict[Place, Any] = {
    ("webhook", "x", "url"): "http://a/",
    ("gpio", "x", "pin"): 4,
    ("gpio", "x", "labels"): ["cat"],
    ("command", "x", "argv"): ["a", 'b"\x1b\n'],
}

texts = st.text(st.characters(codec="utf-8"), max_size=20)
dates = st.dates(date(1, 1, 1))
huge = st.integers(60, 20_000).map(lambda power: 1 << power)
scalars = st.booleans() | st.integers() | huge | st.floats() | texts | dates
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3)
)
somewhere = st.sampled_from(list(PLACES)) | st.lists(
    st.sampled_from(sorted({name for place in PLACES for name in place})) | texts,
    min_size=1,
    max_size=5,
).map(tuple)


def written(value: Any) -> str:
    """A value as TOML."""
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, list):
        return f"[{', '.join(written(one) for one in value)}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{quoted(n)} = {written(one)}' for n, one in value.items())}}}"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bool):
        return str(value).lower()
    return hex(value) if isinstance(value, int) and value > 1 << 64 else repr(value)


def read(raw: str | bytes) -> Loaded | ConfigError:
    """Settings or problems."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "galago.toml"
        path.write_bytes(raw.encode() if isinstance(raw, str) else raw)
        try:
            return read_config(path)
        except ConfigError as error:
            problems = error
    assert problems.problems
    assert all(line.startswith(f"{path}:") for line in problems.problems)
    assert all(line.isprintable() for line in problems.problems), problems.problems
    return problems


def said(result: Loaded | ConfigError) -> str:
    """All that anybody is told about a file."""
    if isinstance(result, ConfigError):
        return f"{result} {result.problems}"
    return f"{as_text(result)} {json.dumps(to_dict(result))} {result!r}"


@quickly
@given(st.binary() | texts | st.text(st.sampled_from('[]{}=."#\n ab1'), max_size=60))
def test_any_bytes_give_settings_or_problems(raw: str | bytes) -> None:
    """Nothing else comes of a file, whatever is in it."""
    read(raw)


@quickly
@given(st.dictionaries(somewhere, values, max_size=6))
def test_any_document_gives_settings_or_problems(document: dict[Place, Any]) -> None:
    """Known keys and others, with values of every type."""
    said(read("\n".join(f"{dotted(place)} = {written(v)}" for place, v in document.items())))


marked = st.recursive(
    st.just(_MARK) | texts.map(lambda text: f"{text}{_MARK}"),
    lambda inner: st.lists(inner, min_size=1, max_size=2) | st.dictionaries(texts, inner),
).filter(lambda value: value not in ({}, []))


@quickly
@given(st.sampled_from(SECRETS) | texts.map(lambda name: (f"x{name}",)), marked)
def test_a_secret_is_never_repeated(place: Place, value: Any) -> None:
    """Where a secret was written into the file, or under a key that there is not."""
    result = read(f"{dotted(place)} = {written(value)}\n")
    assert isinstance(result, ConfigError)
    assert _MARK not in said(result)


@quickly
@given(
    st.sampled_from([("camera", "source"), ("webhook", "x", "url")]),
    st.sampled_from(["rtsp", "rtsps", "http", "https", "rstp", "file"]),
    st.sampled_from(["user:", "", "a:b"]),
    st.sampled_from(["@host/path", "@[::1]:80/", "@ho st", "@h:99999/", "@[/"]),
)
def test_a_password_in_an_address_is_never_repeated(
    place: Place, kind: str, user: str, host: str
) -> None:
    """Whether the address is right or wrong."""
    result = read(f'{dotted(place)} = "{kind}://{user}{_MARK}{host}"')
    told = said(result) if isinstance(result, ConfigError) else as_text(result)
    assert _MARK not in told


def valid(key: Key) -> st.SearchStrategy[Any]:
    """Values that a key takes."""
    low, high = key.low or 0, key.high or 1000
    if key.kind is bool:
        return st.booleans()
    if key.kind is int:
        return st.integers(int(low), int(high))
    return st.floats(low, high)


@settings(quickly, max_examples=30)  # each is a whole file
@given(st.fixed_dictionaries({}, optional={place: valid(key) for place, key in NUMBERS.items()}))
def test_what_is_shown_gives_the_same_settings(document: dict[Place, Any]) -> None:
    """The effective settings are a file themselves."""
    whole = NEEDED | document
    result = read("\n".join(f"{dotted(place)} = {written(v)}" for place, v in whole.items()))
    assume(isinstance(result, Loaded))  # regions outside of the picture, for one
    assert isinstance(result, Loaded)
    again = read(as_text(result).replace('"http://a/…"', '"http://a/"'))
    assert isinstance(again, Loaded), again
    assert again.config == result.config
    told = {dotted(place) for place, _, _ in leaves(result.config)}
    assert {key for key, origin in result.origins.items() if origin != "default"} <= told


def test_every_type_of_the_schema_is_one_that_can_be_read() -> None:
    """A key of a new type is to be taught to the reader first."""
    for place, key in PLACES.items():
        kind = get_args(key.kind)[0] if get_origin(key.kind) is tuple else key.kind
        known = kind in (bool, int, float, str, Path, Secret) or get_args(kind)
        assert known, dotted(place)
