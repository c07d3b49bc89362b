"""The verbs of the workstation: from pictures to a model file."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from galago.errors import UsageError
from galago.verbs.options import Author, Colour, Crop, Data, Head, Json, MaxUnreadable, Mean, Std
from galago.verbs.show import print_out, show


def demo(
    directory: Annotated[Path, typer.Argument(help="Where to put it.")] = Path("demo"),
    *,
    seed: int = 0,
) -> None:
    """The whole pipeline on the embedded sample, in about two minutes.

    Example: galago demo
    """
    _needs_workstation()
    from galago.demo import run_demo

    print_out(run_demo(directory, seed=seed))


def sample(
    directory: Annotated[Path, typer.Argument(help="Folder to write; must not exist yet.")],
    *,
    seed: int = 0,
) -> None:
    """Draw the embedded sample: a labelled dataset and a video clip with its truth.

    Example: galago sample feeder
    """
    from galago.train.sample import write_sample

    written = write_sample(directory, seed=seed)
    for split, counts in written.counts.items():
        listed = ", ".join(f"{n} {label}" for label, n in counts.items())
        print_out(f"{written.images / split}: {listed}")
    print_out(
        f"{written.clip}: {written.clip_seconds:.0f} s, {written.n_events} events ({written.truth})"
    )


def check(
    data: Data,
    *,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 3 when there is any problem.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Look at a dataset: counts, unreadable files, copies, leaks, imbalance, false labels.

    Example: galago check images/
    """
    _needs_workstation()
    from galago.train.check import as_text
    from galago.train.check import check as look

    found = look(data)
    show(found.to_dict(), as_text(found), as_json=as_json)
    if strict:
        found.demand_none()


def train(
    data: Data,
    *,
    out: Annotated[Path, typer.Option(help="Folder for the run.")],
    model: Annotated[
        str | None,
        typer.Option(
            help="cnn, resnet8, mobilenet_v1, mobilenet_v2, mobilenet_v3_minimalistic, or "
            "module:function for your own; else what suits the pictures."
        ),
    ] = None,
    width: Annotated[
        float | None, typer.Option(min=0.05, max=4, help="Channels, 1.0 as published.")
    ] = None,
    size: Annotated[int | None, typer.Option(min=8, max=1024, help="Input side in pixels.")] = None,
    weights: Annotated[
        str | None,
        typer.Option(help="imagenet (downloaded once), none, or a .weights.h5 file to begin with."),
    ] = None,
    crop: Crop = "none",
    epochs: Annotated[int | None, typer.Option(min=1)] = None,
    batch_size: Annotated[int | None, typer.Option(min=1)] = None,
    learning_rate: Annotated[float | None, typer.Option(min=0, help="The highest.")] = None,
    schedule: Annotated[
        Literal["constant", "cosine", "plateau"] | None,
        typer.Option(help="How the learning rate falls."),
    ] = None,
    augment: Annotated[
        Literal["none", "light", "medium", "strong"] | None,
        typer.Option(help="How much training pictures are changed on the way."),
    ] = None,
    label_smoothing: Annotated[float | None, typer.Option(min=0, max=0.5)] = None,
    patience: Annotated[
        int | None, typer.Option(min=1, help="Epochs without a lower val loss, then stop.")
    ] = None,
    class_weights: Annotated[
        bool, typer.Option(help="Let rare classes count as much as common ones.")
    ] = True,
    split: Annotated[
        Literal["grouped", "naive"],
        typer.Option(help="grouped: bursts and copies stay together; naive: ignore them."),
    ] = "grouped",
    precision: Annotated[
        float,
        typer.Option(min=0.5, max=1, help="Wanted of every answer; below it, unknown."),
    ] = 0.95,
    seed: int = 0,
    time_budget: Annotated[
        str | None, typer.Option(help="Fit for this long at most: 40m, 1h30m, 90s.")
    ] = None,
    resume: Annotated[bool, typer.Option(help="Go on with an unfinished training.")] = False,
    tensorboard: Annotated[Path | None, typer.Option(help="Folder for TensorBoard's logs.")] = None,
    device: Annotated[
        list[str] | None, typer.Option(help="GPU:0; may be repeated. Else all graphics cards.")
    ] = None,
    max_unreadable: MaxUnreadable = 0.05,
    force: Annotated[bool, typer.Option(help="Replace the run that is there.")] = False,
    as_json: Json = False,
) -> None:
    """Train a network on pictures, and say honestly how good it is.

    Example: galago train images/ --out run
    """
    _needs_workstation()
    from galago.train.fit import Course
    from galago.train.recipe import Settings
    from galago.train.training import as_text, seconds
    from galago.train.training import train as fit

    settings = Settings(
        model=model,
        width=width,
        size=size,
        weights=weights,
        crop=crop,
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        schedule=schedule,
        augment=augment,
        label_smoothing=label_smoothing,
        patience=patience,
        class_weights=class_weights,
        grouped=split == "grouped",
        precision=precision,
        seed=seed,
        max_unreadable=max_unreadable,
    )
    budget_s = seconds(time_budget) if time_budget else None
    course = Course(resume, force, budget_s, tensorboard, tuple(device or ()))
    result, assessment = fit(data, out, settings, course)
    show(assessment.to_dict(), as_text(result, assessment), as_json=as_json)
    result.check()


def evaluate(
    model: Annotated[Path, typer.Argument(help="A run, a .keras or a .tflite.")],
    data: Data,
    *,
    split: Annotated[str, typer.Option(help="test, val, train or all.")] = "test",
    max_unreadable: MaxUnreadable = 0.05,
    as_json: Json = False,
) -> None:
    """Print loss, accuracy, figures per class and the confusion matrix.

    Example: galago evaluate run images/
    """
    _needs_workstation()
    from galago.train.evaluate import as_text
    from galago.train.evaluate import evaluate as score

    metrics = score(model, data, split=split, max_unreadable=max_unreadable)
    show(metrics.to_dict(), as_text(metrics, split), as_json=as_json)


def convert(
    model: Annotated[
        Path,
        typer.Argument(
            help="A run of galago train; or a .keras, .h5 or SavedModel from elsewhere.",
        ),
    ],
    *,
    out: Annotated[Path, typer.Option(help="The .tflite to write.")],
    data: Annotated[
        Path | None,
        typer.Option(help="The pictures: if they have moved, or the model is from elsewhere."),
    ] = None,
    recipe: Annotated[
        Literal["int8", "dynamic", "float16", "float32"],
        typer.Option(help="How numbers are stored and computed."),
    ] = "int8",
    io: Annotated[
        Literal["uint8", "int8"],
        typer.Option(help="Type of an int8 model's input and output; others read only uint8."),
    ] = "uint8",
    max_drop: Annotated[
        float, typer.Option(min=0, max=100, help="Accuracy that may be lost, in points.")
    ] = 0.5,
    max_class_drop: Annotated[
        float, typer.Option(min=0, max=100, help="Recall that any class may lose, in points.")
    ] = 3.0,
    try_harder: Annotated[
        bool, typer.Option(help="Where a limit is broken, try more calibration, other recipes.")
    ] = False,
    target: Annotated[
        Literal["rpicam-apps", "frigate"] | None,
        typer.Option("--for", help="In the shape that this program wants, with what it needs."),
    ] = None,
    mean: Mean = None,
    std: Std = None,
    colour: Colour = "rgb",
    crop: Crop = "none",
    head: Head = "auto",
    author: Author = "",
    model_version: Annotated[
        str, typer.Option(help="For the file's metadata; else the time of the training.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Quantize, compare with the original, and write the one file for the camera.

    Example: galago convert run --out porch.tflite
    """
    _needs_workstation()
    from galago.convert.convert import as_text
    from galago.convert.convert import convert as turn
    from galago.convert.elsewhere import open_origin
    from galago.convert.gate import Limits
    from galago.convert.targets import TARGETS
    from galago.convert.trial import Wanted

    wanted = Wanted(
        recipe,
        io,
        Limits(max_drop, max_class_drop),
        try_harder,
        TARGETS[target] if target else None,
        author,
        model_version,
    )
    origin = open_origin(model, data, _claims(mean, std, colour, crop, head))
    conversion = turn(origin, out, wanted)
    show(conversion.to_dict(), as_text(conversion), as_json=as_json)
    conversion.check()


def adopt(
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="A TFLite image classifier.")
    ],
    *,
    labels: Annotated[
        Path,
        typer.Option(exists=True, dir_okay=False, help="One label a line, in the outputs' order."),
    ],
    images: Annotated[
        Path, typer.Option(help="A dataset with some of these labels, or a folder of pictures.")
    ],
    out: Annotated[Path, typer.Option(help="The .tflite to write.")],
    mean: Mean = None,
    std: Std = None,
    colour: Colour = "rgb",
    crop: Crop = "none",
    head: Head = "auto",
    name: Annotated[str, typer.Option(help="Of the model; else that of the file.")] = "",
    author: Author = "",
    as_json: Json = False,
) -> None:
    """Put a classifier from elsewhere into the same form, checked against pictures.

    Example: galago adopt model.tflite --labels labels.txt --images photos/ --out porch.tflite
    """
    _needs_workstation()
    from galago.convert.adopt import adopt as take_in
    from galago.convert.adopt import as_text
    from galago.convert.guest import Guest

    guest = Guest.open(file, labels, _claims(mean, std, colour, crop, head))
    adoption = take_in(guest, images, out, name=name, author=author)
    show(adoption.to_dict(), as_text(adoption), as_json=as_json)


def _claims(mean: str | None, std: str | None, colour: Any, crop: Any, head: Any) -> Any:
    """What the owner of a model from elsewhere says of it."""
    from galago.convert.guest import Claims, channels

    return Claims(
        mean=channels(mean, "--mean") if mean else None,
        std=channels(std, "--std") if std else None,
        colour=colour,
        crop=crop,
        ending=None if head == "auto" else head,
    )


def _needs_workstation() -> None:
    """Say in one line that this verb wants the workstation's packages, where they are missing."""
    from importlib.util import find_spec

    if any(find_spec(name) is None for name in ("tensorflow", "sklearn", "jinja2")):
        raise UsageError("this needs the workstation's packages: pip install 'galago[train]'")


VERBS = (demo, sample, check, train, evaluate, convert, adopt)
