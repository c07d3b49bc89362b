"""The verb that prepares an SD card."""

import getpass
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from galago.errors import UsageError
from galago.verbs.options import Json
from galago.verbs.show import show


def flash(
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="A model file of galago convert.")
    ],
    *,
    boot: Annotated[
        Path,
        typer.Option(help="Where the card's boot partition is mounted: /media/me/bootfs, E:\\."),
    ],
    config: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="The daemon's configuration; else a first one is made.",
        ),
    ] = None,
    hostname: Annotated[str | None, typer.Option(help="The device's name in the network.")] = None,
    user: Annotated[
        str | None,
        typer.Option(help="Who logs in, with --ssh-key and without a password; else pi."),
    ] = None,
    ssh_key: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="A public key: id_ed25519.pub.")
    ] = None,
    wifi: Annotated[
        str | None, typer.Option(help="The network's name; its password is asked for.")
    ] = None,
    wifi_country: Annotated[
        str | None, typer.Option(help="Whose rules the radio keeps to: DE, KR, US …")
    ] = None,
    wifi_password_file: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="Instead of being asked.")
    ] = None,
    secret: Annotated[
        list[str] | None,
        typer.Option(help="NAME=FILE for each credential:NAME in the configuration."),
    ] = None,
    target: Annotated[
        str | None, typer.Option(help="trixie-aarch64 …, where the card does not tell.")
    ] = None,
    online: Annotated[
        bool,
        typer.Option("--online", help="The first boot fetches packages from the index itself."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Make a freshly written Raspberry Pi OS card start classifying at its first boot.

    Only files on its boot partition are written; the first boot needs no network, and takes away
    what is secret. A second time, nothing is to do.

    Example: galago flash porch.tflite --boot /media/me/bootfs --hostname porch
    """
    from galago.deploy.card import flash as part
    from galago.deploy.card.settings import Settings, Wifi, read_key

    if wifi is None and (wifi_country or wifi_password_file):
        raise UsageError("--wifi-country and --wifi-password-file belong to --wifi")
    settings = Settings(
        hostname=hostname,
        user=user,
        key=read_key(ssh_key) if ssh_key else None,
        wifi=Wifi.of(wifi, _password(wifi, wifi_password_file), wifi_country) if wifi else None,
    )
    request = part.Request(file, config, settings, _files(secret or []), target, online)
    flashed = part.flash(boot, request)
    show(flashed.to_dict(), flashed.as_text(), as_json=as_json)


def _password(ssid: str, file: Path | None) -> str:
    from galago.deploy.card.settings import read_password

    if file is not None:
        return read_password(file)
    if not sys.stdin.isatty():
        raise UsageError(
            "--wifi: nobody is here to be asked for the password: --wifi-password-file"
        )
    return getpass.getpass(f"Password of the Wi-Fi {ssid}: ")


def _files(words: list[str]) -> dict[str, Path]:
    found = {}
    for word in words:
        name, _, path = word.partition("=")
        if not path or not Path(path).is_file():
            raise UsageError(f"--secret: expected NAME=FILE, received {word!r}")
        found[name] = Path(path)
    return found


VERBS: tuple[Callable[..., None], ...] = (flash,)
