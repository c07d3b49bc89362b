"""The verb that brings a model to cameras over ssh."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from galago.edge.tell import tell
from galago.errors import UsageError
from galago.verbs.options import Json
from galago.verbs.show import show


def deploy(
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE USER@HOST…",
            help="The model file, then the devices; without FILE for --rollback, --uninstall.",
        ),
    ],
    *,
    config: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="The daemon's configuration; else what is there stays, or a first one is made.",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be done.")
    ] = False,
    online: Annotated[
        bool, typer.Option("--online", help="The device fetches packages from the index itself.")
    ] = False,
    again: Annotated[
        bool, typer.Option("--again", help="Also a model that has failed on the device before.")
    ] = False,
    rollback: Annotated[
        bool, typer.Option("--rollback", help="Go back to what was there before.")
    ] = False,
    uninstall: Annotated[
        bool, typer.Option("--uninstall", help="Take Galago off; what it has kept stays.")
    ] = False,
    purge: Annotated[
        bool, typer.Option("--purge", help="With --uninstall: events, pictures, settings as well.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Install or update cameras over ssh, and see that they look.

    Of several devices the first is the canary: the others follow when it is well. Keys, jump hosts
    and ports are those of your ssh. A second time, nothing is to do.

    Example: galago deploy porch.tflite pi@porch.local pi@shed.local
    """
    from dataclasses import replace

    from galago.deploy import deploying as part
    from galago.deploy.wanted import Wanted

    options = {"--config": config, "--online": online, "--again": again}
    given = [name for name, value in options.items() if value]
    if rollback:
        given += [
            name
            for name, value in {"--dry-run": dry_run, "--uninstall": uninstall}.items()
            if value
        ]
    if rollback or uninstall:
        _check_alone("--rollback" if rollback else "--uninstall", given)
        addresses = part.addresses_of(_hosts_only(words))
    if purge and not uninstall:
        raise UsageError("--purge belongs to --uninstall")
    if rollback:
        outcomes = part.roll_back_all(addresses, tell)
    elif uninstall:
        outcomes = part.uninstall_all(addresses, tell, purge=purge, dry_run=dry_run)
    else:
        file, hosts = _file_and_hosts(words)
        addresses = part.addresses_of(hosts)
        wanted = replace(Wanted.of(file, config), online=online, again=again)
        outcomes = part.deploy(addresses, wanted, tell, dry_run=dry_run)
    document = {"hosts": [outcome.to_dict() for outcome in outcomes]}
    show(document, part.as_text(outcomes), as_json=as_json)
    part.check_all_well(outcomes)


def _check_alone(verb: str, given: Sequence[str]) -> None:
    if given:
        raise UsageError(f"{verb} does not go with {' and '.join(given)}: leave one of them out")


def _hosts_only(words: list[str]) -> list[str]:
    if "@" not in words[0] and Path(words[0]).is_file():
        raise UsageError(f"expected devices only, received the file {words[0]}: leave it out")
    return words


def _file_and_hosts(words: list[str]) -> tuple[Path, list[str]]:
    file, *hosts = words
    if not Path(file).is_file():
        raise UsageError(
            f"{file} is not a file: expected a model file of galago convert, then devices, such as "
            "galago deploy porch.tflite pi@porch.local"
        )
    if not hosts:
        raise UsageError(f"expected a device after {file}, such as pi@porch.local")
    return Path(file), hosts


VERBS: tuple[Callable[..., None], ...] = (deploy,)
