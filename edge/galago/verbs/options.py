"""What several verbs take."""

from pathlib import Path
from typing import Annotated, Literal

import typer

Data = Annotated[
    Path,
    typer.Argument(
        help="Folder per class, train/ val/ test/ with a folder per class each, a CSV manifest, or "
        "a zip of these."
    ),
]
ModelFileArgument = Annotated[
    Path,
    typer.Argument(exists=True, dir_okay=False, help="A model file that galago convert wrote."),
]
ModelOption = Annotated[
    Path, typer.Option("--model", exists=True, dir_okay=False, help="The model file.")
]
_CAMERA = typer.Option(
    "--camera", help="picamera2, usb:0, rtsp://…, file:clip.mp4, dir:frames/ or fake:bars*100 …"
)
CameraOption = Annotated[str, _CAMERA]
OptionalCamera = Annotated[str | None, _CAMERA]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]
Threads = Annotated[int, typer.Option(min=1, max=64, help="Threads of the interpreter.")]
SavedThreads = Annotated[
    int | None,
    typer.Option(min=1, max=64, help="Of the interpreter; else what bench --save has found."),
]
Regions = Annotated[
    list[str] | None,
    typer.Option(
        "--region",
        help="NAME=LEFT,TOP,WIDTH,HEIGHT in fractions or pixels, looked at by itself; repeatable.",
    ),
]
Provider = Annotated[
    Literal["ai-edge-litert", "tflite-runtime", "tensorflow"] | None,
    typer.Option("--interpreter", help="Only this one, instead of the first that is installed."),
]
# What a model from elsewhere expects of its pictures.
Mean = Annotated[
    str | None,
    typer.Option(help="M or M,M,M: the model wants (pixel − mean) / std; 0–255 is 0 and 1."),
]
Std = Annotated[str | None, typer.Option(help="S or S,S,S; see --mean.")]
Colour = Annotated[
    Literal["rgb", "bgr"], typer.Option(help="Order of the channels that the model wants.")
]
Crop = Annotated[
    Literal["none", "centre"],
    typer.Option(help="none: the whole view, stretched; centre: its middle."),
]
Head = Annotated[
    Literal["auto", "softmax", "sigmoid", "logits"],
    typer.Option(help="What the outputs are; auto looks for itself."),
]
Author = Annotated[str, typer.Option(help="For the file's metadata.")]
MaxUnreadable = Annotated[
    float, typer.Option(min=0, max=1, help="Share of unreadable pictures that may be left out.")
]
