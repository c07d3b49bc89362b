"""The verbs of the daemon's configuration."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from galago.edge.tell import tell
from galago.verbs.options import Json
from galago.verbs.show import print_out, show

app = typer.Typer(invoke_without_command=True)

File = Annotated[
    Path | None, typer.Argument(metavar="FILE", help="/etc/galago/galago.toml if not given.")
]


@app.callback()
def group(context: typer.Context) -> None:
    """Look at the daemon's configuration: is it valid, what is in effect, what can be set?"""
    if context.invoked_subcommand is None:
        print_out(context.get_help())


@app.command()
def check(file: File = None) -> None:
    """Say whether the daemon could start with a configuration, or all that is wrong with it.

    Example: galago config check galago.toml
    """
    from galago.edge.config.advice import advice
    from galago.edge.config.read import DEFAULT_PATH, read_config

    path = file or DEFAULT_PATH
    loaded = read_config(path)
    for line in advice(loaded.config):
        tell(f"{path}: {line}")
    print_out(
        f"{path}: ok. What only the device can tell is not checked: whether camera, model, broker "
        "and addresses are what they should be"
    )


@app.command(name="show")
def show_(file: File = None, *, as_json: Json = False) -> None:
    """Show every setting as it is in effect, and where it comes from.

    Example: galago config show galago.toml
    """
    from galago.edge.config.read import DEFAULT_PATH, read_config
    from galago.edge.config.show import as_text, to_dict

    if file is None and not DEFAULT_PATH.exists():
        tell(f"there is no {DEFAULT_PATH}: these are the defaults")
    else:
        file = file or DEFAULT_PATH
    loaded = read_config(file)
    show(to_dict(loaded), as_text(loaded), as_json=as_json)


@app.command()
def example() -> None:
    """Write a commented file with all that can be set.

    Example: galago config example > galago.toml
    """
    from galago.edge.config.example import example as part

    print_out(part())


@app.command()
def password() -> None:
    """Ask for the page's password, and write its hash for the file that web.password names.

    Asks twice; of a pipe the first line is taken.

    Example: galago config password > /etc/galago/web-password
    """
    from galago.edge.config.asking import ask
    from galago.edge.web.password import hashed

    print_out(hashed(ask(sys.stdin)))
