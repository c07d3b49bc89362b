"""From the TOML file to settings, or to everything that is wrong with it.

- Any file gives a Config or one ConfigError; that has all problems, each with its line.
- A message repeats no value that may be a secret, nor any value of an unknown key.
- Relative paths are relative to the folder of the file.

    loaded = read_config(Path("/etc/galago/galago.toml"))
    loaded = loaded.overridden("camera.source", "usb:0")  # the command line's
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from galago.edge.config.judge import Judge
from galago.edge.config.keys import Place, dotted, keys_of, leaves
from galago.edge.config.lines import locate
from galago.edge.config.schema import Config
from galago.edge.config.values import UnfitError, convert
from galago.edge.setting import Checked
from galago.errors import ConfigError, UsageError

DEFAULT_PATH = Path("/etc/galago/galago.toml")

_DEFAULT = "default"
_COMMAND_LINE = "command line"
_MAX_BYTES = 256_000
_POSITION = re.compile(r"(.*) \(at (?:line (\d+), column \d+|end of document)\)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings, and by dotted key where each comes from: default, FILE:LINE or command line."""

    config: Config
    origins: Mapping[str, str]

    def overridden(self, key: str, value: str | float | None) -> "Loaded":
        """With the value of a dotted key from the command line; None leaves it as it is.

        Raises:
            UsageError: the value is not what the key wants.
        """
        if value is None:
            return self
        section, name = key.split(".")
        settings = getattr(self.config, section)
        try:
            fit = convert(keys_of(type(settings))[name], value, Path())
        except UnfitError as error:
            raise UsageError(f"{key}: {error}") from error
        changed = replace(settings, **{name: fit})
        for problem in changed.check() if isinstance(changed, Checked) else ():
            raise UsageError(f"{section}.{problem.key}: {problem.what}")
        config = replace(self.config, **{section: changed})
        return Loaded(config, {**self.origins, key: _COMMAND_LINE})


def read_config(path: Path | None) -> Loaded:
    """Read and check a whole file; without one, everything is at its default.

    Raises:
        ConfigError: with every problem that the file has, or that it cannot be read.
    """
    if path is None:
        return _load({}, "", None)
    text = _read(path)
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigError((f"{path}{_no_toml(error, text)}",)) from None
    return _load(document, text, path)


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError((f"{path}: cannot be read: {error.strerror}",)) from error
    if len(raw) > _MAX_BYTES:
        raise ConfigError((f"{path}: has more than {_MAX_BYTES} bytes: is it the right file?",))
    try:
        return raw.decode("utf-8-sig")  # some editors put a mark at the beginning
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise ConfigError((f"{path}:{line}: is not UTF-8 text: save it as such",)) from None


def _no_toml(error: Exception, text: str) -> str:
    """The end of a message: the line that the parser names, and what it says."""
    if isinstance(error, RecursionError):
        return ": is not TOML that can be read: lists or tables are nested too deep"
    match = _POSITION.fullmatch(str(error))
    if match is None:
        return f": is not TOML: {error}"
    last = text.count("\n") + 1
    return f":{match[2] or last}: is not TOML: {match[1]}"


def _load(document: dict[str, Any], text: str, path: Path | None) -> Loaded:
    judge = Judge(path.absolute().parent if path else Path.cwd())
    config = judge.config(document)
    lines = locate(text)
    if judge.problems:
        problems = sorted(judge.problems, key=lambda problem: _line(lines, problem[0]))
        raise ConfigError(
            tuple(f"{_at(path, _line(lines, place))}{dotted(place)}: {w}" for place, w in problems)
        )
    origins = {
        dotted(place): _origin(path, _line(lines, place)) if place in judge.given else _DEFAULT
        for place, _, _ in leaves(config)
    }
    return Loaded(config, origins)


def _line(lines: Mapping[Place, int], place: Place) -> int:
    """The line of a place, or of the section that it would be in; 0: unknown."""
    while place and place not in lines:
        place = place[:-1]
    return lines.get(place, 0)


def _at(path: Path | None, line: int) -> str:
    return "" if path is None else f"{_origin(path, line)}: "


def _origin(path: Path | None, line: int) -> str:
    return f"{path}:{line}" if line else f"{path}"
