"""The verb that says what is wrong: on the workstation and on the camera."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from galago.edge.tell import Screen, tell
from galago.errors import CheckError
from galago.verbs.options import Json, OptionalCamera
from galago.verbs.show import show


def doctor(
    *,
    config: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="TOML file; the service's if not given."),
    ] = None,
    camera: OptionalCamera = None,
    everything: Annotated[bool, typer.Option("--all", help="Show also what is well.")] = False,
    bundle: Annotated[
        Path | None,
        typer.Option(help="Zip file to write for whoever helps: no secrets, no pictures."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Say what is wrong with this machine, its camera, model and service, and how to mend it.

    Nothing is changed. With sudo more can be looked at.

    Example: galago doctor --camera usb:0
    """
    from galago.edge.doctor.examination import examine
    from galago.edge.doctor.patient import Patient
    from galago.edge.doctor.report import as_text

    patient = Patient(config=config, camera=camera)
    with Screen() as screen:
        report = examine(patient, lambda name: screen.show(f"looks at {name} …"))
    show(report.to_dict(), as_text(report, everything=everything), as_json=as_json)
    if bundle is not None:
        from galago.edge.doctor.bundle import write

        tell(write(bundle, patient, report))
    if report.level == "error":
        wrong = [finding.name for finding in report.findings if finding.level == "error"]
        count = f"{len(wrong)} error{'s' if len(wrong) > 1 else ''}"
        raise CheckError(f"{count}, what to do stands above: {', '.join(wrong)}")


VERBS: tuple[Callable[..., None], ...] = (doctor,)
