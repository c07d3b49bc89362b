"""The verbs that choose which model serves: on the camera."""

from pathlib import Path
from typing import Annotated

import typer

from galago.edge.tell import tell
from galago.errors import ModelFileError
from galago.verbs.options import Json, ModelFileArgument
from galago.verbs.show import show

State = Annotated[
    Path, typer.Option(help="Where the daemon keeps its state; the service's if not given.")
]
_STATE = Path("/var/lib/galago")


def activate(
    file: ModelFileArgument,
    *,
    state: State = _STATE,
    config: Annotated[
        Path | None, typer.Option(help="The daemon's configuration, for model.max_ms and threads.")
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Also a model that has failed here before.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Have the daemon look with another model: verified first, on probation, the old one kept.

    A running daemon takes it when it is told to read anew: systemctl reload galago.

    Example: sudo galago activate porch.tflite
    """
    from galago.edge.activation import activate as part
    from galago.edge.activation.models import Models
    from galago.edge.activation.show import as_text
    from galago.edge.state import models_folder

    outcome = part.activate(file, Models(models_folder(state)), part.Limits.of(config), again=again)
    show(outcome.to_dict(), as_text(outcome), as_json=as_json)
    if outcome.state == "refused":
        raise ModelFileError(f"{file} is refused, all is as before: {outcome.reason}")


def rollback(*, state: State = _STATE, as_json: Json = False) -> None:
    """Have the daemon look with the model before this one, and remember this one as bad.

    A running daemon takes it when it is told to read anew: systemctl reload galago.

    Example: sudo galago rollback
    """
    from galago.edge.activation.models import Models
    from galago.edge.activation.show import listing, to_dict
    from galago.edge.state import models_folder

    folder = Models(models_folder(state))
    before = folder.active
    with folder.turn():
        if folder.active == before:  # else an earlier call, interrupted, is completed by now
            folder.take_back("taken back by hand")
    show(to_dict(folder), listing(folder), as_json=as_json)


def models(*, state: State = _STATE, as_json: Json = False) -> None:
    """List the models of this camera: which one serves, which is tried, which have failed.

    Example: sudo galago models
    """
    from galago.edge.activation.models import Models
    from galago.edge.activation.show import listing, to_dict
    from galago.edge.state import models_folder

    folder = Models(models_folder(state))
    if folder.active is None:
        tell(f"{models_folder(state)} has no active model: galago activate FILE makes one")
    show(to_dict(folder), listing(folder), as_json=as_json)


VERBS = (activate, rollback, models)
