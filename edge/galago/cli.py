"""The `galago` command.

- A verb (galago.verbs) imports its part of Galago only when it is called: `galago --help` is
  instant, and the device never loads what only the workstation has.
- Every failure that a user can cause ends here as one line on standard error and the exit code of
  its kind (galago.errors); anything else is a defect and shows its traceback.
"""

import sys
from collections.abc import Callable
from typing import Annotated

import typer

from galago.edge.tell import tell
from galago.errors import ConfigError, GalagoError
from galago.verbs import activate, camera, config, deploy, desk, doctor, flash
from galago.verbs.show import print_out

_INTERRUPTED = 130

app = typer.Typer(
    name="galago",
    invoke_without_command=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@app.callback()
def options(
    *,
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False,
) -> None:
    """Turn folders of labelled images into a camera that classifies by itself."""
    if version:
        from importlib.metadata import version as version_of

        print_out(f"galago {version_of('galago')}")
        raise typer.Exit


_VERBS: tuple[Callable[..., None], ...] = (
    *desk.VERBS,
    *camera.VERBS,
    *activate.VERBS,
    *deploy.VERBS,
    *flash.VERBS,
    *doctor.VERBS,
)

for verb in _VERBS:
    app.command()(verb)
app.add_typer(config.app, name="config")


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    try:
        # Not standalone: errors are worded here, in one line, not by typer in a box.
        words = sys.argv[1:] if arguments is None else arguments
        result = app(words or ["--help"], prog_name="galago", standalone_mode=False)
    except typer.TyperException as error:
        return _fail(f"{error.format_message().rstrip('.')}. See galago --help", 2)
    except ConfigError as error:
        return max(_fail(problem, error.exit_code) for problem in error.problems)
    except GalagoError as error:
        return _fail(str(error), error.exit_code)
    except OSError as error:
        return _fail(_os_error(error), 1)
    # typer ends quietly by itself when the reader of our output has left, and turns Ctrl-C into
    # this code.
    return _fail("interrupted", _INTERRUPTED) if result == _INTERRUPTED else 0


def _fail(message: str, code: int) -> int:
    tell(" ".join(message.split()), "error")
    return code


def _os_error(error: OSError) -> str:
    where = f": {error.filename}" if error.filename else ""
    return f"{error.strerror or error}{where}"


if __name__ == "__main__":
    sys.exit(main())
