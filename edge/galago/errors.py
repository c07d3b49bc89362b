"""Every error that Galago raises on purpose, grouped by who must act.

    GalagoError                     exit 1
    ├── UsageError      ValueError  exit 2   the command line: the caller
    │   └── ConfigError                      the configuration, all problems at once
    ├── DataError       ValueError  exit 2   the images: whoever collected them
    ├── FrameError      ValueError  exit 1   a picture of the wrong kind: the code that made it
    ├── ModelFileError  ValueError  exit 3   the model file: keep the old one
    ├── CheckError      ValueError  exit 3   problems in a dataset that was to have none: mend it
    ├── GateError       ValueError  exit 3   the conversion is worse than allowed: redo it
    ├── InterpreterError ImportError exit 1  no TFLite interpreter: install one
    ├── CameraError     OSError     exit 4   the camera: retry, then a person with a cable
    ├── StoreError      OSError     exit 1   the store on the disk: retry, then a person with a disk
    ├── DeviceError     OSError     exit 1   installing, and the way there: a person, then once more
    └── StoppedError                exit 130 Ctrl-C: what was done until then is kept

A message is one line: what happened, what was expected, what was received, how to fix it.
"""


class GalagoError(Exception):
    """Root of the tree; `exit_code` is what the command leaves with."""

    exit_code = 1


class UsageError(GalagoError, ValueError):
    """The command was asked for something that cannot be."""

    exit_code = 2


class ConfigError(UsageError):
    """The configuration has problems: each of `problems` is a message of its own."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class DataError(GalagoError, ValueError):
    """The dataset cannot serve: empty, one class only, unreadable, or of other labels."""

    exit_code = 2


class FrameError(GalagoError, ValueError):
    """A picture is not (H, W, 3) uint8."""


class ModelFileError(GalagoError, ValueError):
    """A model file is damaged, incomplete, or gives wrong answers."""

    exit_code = 3


class CheckError(GalagoError, ValueError):
    """A dataset that was to have no problems has some."""

    exit_code = 3


class GateError(GalagoError, ValueError):
    """The converted model is worse than its limit."""

    exit_code = 3


class InterpreterError(GalagoError, ImportError):
    """No usable TFLite interpreter is installed."""


class CameraError(GalagoError, OSError):
    """A camera cannot be opened or has stopped giving frames."""

    exit_code = 4


class StoreError(GalagoError, OSError):
    """The store of events cannot be read, or a mark not be written."""


class DeviceError(GalagoError, OSError):
    """Something cannot be fetched for a device, brought there or installed on it."""


class StoppedError(GalagoError):
    """Ctrl-C ended long work early; the message says what is left of it."""

    exit_code = 130
