"""The installer's command: facts, install, rollback, uninstall.

Exits 0 if all is well, 3 if the model is refused or the service is not well, 1 otherwise.
"""

import argparse
import json
import os
import sys
from pathlib import Path

from galago.deploy.device import conditions, facts
from galago.deploy.device.installing import Installation
from galago.deploy.device.parcel import Parcel
from galago.deploy.device.places import Places
from galago.deploy.device.removing import roll_back, uninstall
from galago.deploy.device.tell import as_json, as_text
from galago.errors import GalagoError

WAIT_S = 180.0  # a Zero 2 W needs a minute from start to the first pictures


def main(words: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    options = _parser().parse_args(words)
    if options.verb == "facts":
        print(json.dumps(facts.facts()))  # noqa: T201
        return 0
    try:
        _change(options)
    except GalagoError as error:
        return _fail(str(error), error.exit_code)
    except OSError as error:
        return _fail(f"{error.strerror or error}: {error.filename or ''}".rstrip(": "), 1)
    return 0


def _change(options: argparse.Namespace) -> None:
    os.umask(0o022)  # the service's user reads what root writes here
    places = Places()
    say = as_json if options.json else as_text
    conditions.check(places)
    with conditions.alone(places):
        if options.verb == "install":
            parcel = Parcel.read(options.payload.resolve())
            conditions.check_target(parcel.target)
            run = Installation(parcel, places, say, again=options.again, dry=options.dry_run)
            run.run(options.wait)
        elif options.verb == "rollback":
            roll_back(places, say, options.wait)
        else:
            uninstall(places, say, purge=options.purge, dry=options.dry_run)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="galago.deploy.device", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("facts", help="what this device is, and what is installed")
    install = verbs.add_parser("install", help="install what a payload holds")
    install.add_argument("payload", type=Path)
    install.add_argument("--again", action="store_true", help="a model that has failed here, too")
    rollback = verbs.add_parser("rollback", help="as before the last installation")
    uninstalling = verbs.add_parser("uninstall", help="remove service and program")
    uninstalling.add_argument("--purge", action="store_true", help="and all data")
    for verb in (install, rollback, uninstalling):
        verb.add_argument("--json", action="store_true", help="a document for each step")
    for verb in (install, uninstalling):
        verb.add_argument("--dry-run", action="store_true", help="only say what would be done")
    for verb in (install, rollback):
        verb.add_argument("--wait", type=float, default=WAIT_S, help="seconds to wait for health")
    return parser


def _fail(message: str, code: int) -> int:
    print(f"galago: {message}", file=sys.stderr)  # noqa: T201
    return code


if __name__ == "__main__":
    sys.exit(main())
