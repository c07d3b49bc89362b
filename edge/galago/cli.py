"""The `galago` command.

- A verb imports its part of Galago only when it is called: `galago --help` is instant, and the
  device never loads what only the workstation has.
- Every failure that a user can cause ends here as one line on standard error and the exit code of
  its kind (galago.errors); anything else is a defect and shows its traceback.
"""

import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from galago.errors import GalagoError, UsageError

_INTERRUPTED = 130

app = typer.Typer(
    name="galago",
    invoke_without_command=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

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
CameraOption = Annotated[
    str,
    typer.Option(
        "--camera",
        help="picamera2, usb:0, rtsp://…, file:clip.mp4, dir:frames/ or fake:bars*100 …",
    ),
]
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


@app.callback()
def options(
    *,
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False,
) -> None:
    """Turn folders of labelled images into a camera that classifies by itself."""
    if version:
        from importlib.metadata import version as version_of

        _print(f"galago {version_of('galago')}")
        raise typer.Exit


@app.command()
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

    _print(run_demo(directory, seed=seed))


@app.command()
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
        _print(f"{written.images / split}: {listed}")
    _print(
        f"{written.clip}: {written.clip_seconds:.0f} s, {written.n_events} events ({written.truth})"
    )


@app.command()
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
    _show(found.to_dict(), as_text(found), as_json=as_json)
    if strict:
        found.demand_none()


@app.command()
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
    _show(assessment.to_dict(), as_text(result, assessment), as_json=as_json)
    result.check()


@app.command()
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
    _show(metrics.to_dict(), as_text(metrics, split), as_json=as_json)


@app.command()
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
    _show(conversion.to_dict(), as_text(conversion), as_json=as_json)
    conversion.check()


@app.command()
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
    _show(adoption.to_dict(), as_text(adoption), as_json=as_json)


@app.command()
def inspect(file: ModelFileArgument, *, as_json: Json = False) -> None:
    """Say what is inside a model file.

    Example: galago inspect porch.tflite
    """
    from galago.bundle.describe import as_text, document
    from galago.bundle.model_file import ModelFile

    model = ModelFile.read(file)
    _show(document(model), as_text(model), as_json=as_json)


@app.command()
def verify(
    file: ModelFileArgument,
    *,
    threads: Threads = 1,
    interpreter: Provider = None,
    as_json: Json = False,
) -> None:
    """Run the golden frames on this machine.

    Example: galago verify porch.tflite
    """
    from galago.bundle.verify import as_text, open_verified

    _, verification = open_verified(file, threads=threads, provider=interpreter)
    _show(verification.to_dict(), as_text(verification), as_json=as_json)


@app.command()
def classify(
    file: ModelFileArgument,
    images: Annotated[list[str], typer.Argument(help="Pictures, folders or patterns.")],
    *,
    threads: Threads = 1,
    as_json: Json = False,
) -> None:
    """Print the best classes of each picture.

    Example: galago classify porch.tflite photo.jpg 'more/*.png'
    """
    from galago.bundle.classifier import Classifier
    from galago.bundle.model_file import ModelFile
    from galago.edge import classify as part

    paths = part.find_images(images)
    classifier = Classifier.open(ModelFile.read(file), threads)
    results = list(part.classify(classifier, paths))
    _show([r.to_dict() for r in results], part.as_text(results), as_json=as_json)


@app.command()
def bench(
    file: Annotated[
        Path,
        typer.Argument(
            exists=True, dir_okay=False, help="A model file, or any TFLite image classifier."
        ),
    ],
    *,
    threads: Annotated[int | None, typer.Option(min=1, max=64, help="Only this count.")] = None,
    interpreter: Provider = None,
    round_seconds: Annotated[
        float, typer.Option(min=0.01, max=60, help="Of each of five rounds; longer is steadier.")
    ] = 0.4,
    save: Annotated[
        bool, typer.Option("--save", help="Let galago run use the best number of threads.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Measure the bare interpreter and the daemon's whole loop.

    Example: galago bench porch.tflite --save
    """
    from galago.edge import bench as part

    counts = [threads] if threads else part.thread_counts()
    results = part.bench(file, counts, interpreter, round_seconds)
    _show(part.document(results), part.as_text(file, results), as_json=as_json)
    if save:
        _say(part.save(file, results))


@app.command()
def run(
    *,
    model: ModelOption,
    camera: CameraOption,
    threads: SavedThreads = None,
    region: Regions = None,
    rate: Annotated[
        float | None, typer.Option(min=0.001, max=1000, help="Pictures per second at most.")
    ] = None,
    max_cpu: Annotated[
        float | None,
        typer.Option(min=0.01, max=64, help="Share of one core at most, for heat and batteries."),
    ] = None,
    motion: Annotated[
        bool,
        typer.Option("--motion", help="Look only when something has moved, and once a second."),
    ] = False,
    reference: Annotated[
        Path | None,
        typer.Option(help="File that keeps the view as it was at set-up; made if it is not there."),
    ] = None,
) -> None:
    """Classify what a camera sees, until stopped: one JSON line per event.

    Example: galago run --model porch.tflite --camera usb:0 --region door=0.5,0.2,0.25,0.6
    """
    from galago.edge.loop import LoopSettings
    from galago.edge.motion import MotionSettings
    from galago.edge.pacing import Pacing
    from galago.edge.regions import parse_regions
    from galago.edge.run import RunSettings
    from galago.edge.run import run as look

    loop = LoopSettings(
        regions=parse_regions(region or []),
        pacing=Pacing(rate, max_cpu),
        motion=MotionSettings() if motion else None,
    )
    look(model, camera, sys.stdout, RunSettings(threads, reference, loop))


@app.command()
def capture(
    source: Annotated[
        str,
        typer.Argument(help="The camera: picamera2, usb:0, rtsp://…, file:clip.mp4, dir:frames/ …"),
    ],
    *,
    out: Annotated[
        Path, typer.Option(help="Folder for the pictures, named as their class: images/cat.")
    ],
    key: Annotated[
        bool,
        typer.Option(
            "--key", help="At a key, as without this: space a picture, b a burst, q ends."
        ),
    ] = False,
    every: Annotated[
        float | None, typer.Option(min=0.1, max=86400, help="At an interval, in seconds.")
    ] = None,
    motion: Annotated[bool, typer.Option("--motion", help="When something moves.")] = False,
    pause: Annotated[
        float | None,
        typer.Option(min=0, max=86400, help="With --motion: seconds between bursts, 10."),
    ] = None,
    burst: Annotated[
        int | None,
        typer.Option(min=1, max=1000, help="Pictures each time: 5, but 1 with --every."),
    ] = None,
    burst_fps: Annotated[
        float, typer.Option(min=0.1, max=100, help="Pictures of a burst per second.")
    ] = 5.0,
    count: Annotated[int | None, typer.Option(min=1, help="End after so many pictures.")] = None,
    region: Regions = None,
    size: Annotated[
        str | None,
        typer.Option(
            help="96 or 320x240: keep the picture as training and model get it at this size."
        ),
    ] = None,
    crop: Annotated[
        Literal["none", "centre"] | None, typer.Option(help="With --size: as for galago train.")
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="Keep it as this model file gets it."),
    ] = None,
    jpeg: Annotated[
        int | None,
        typer.Option(min=1, max=100, help="Keep JPEG of this quality; else PNG, every pixel."),
    ] = None,
    keep_free: Annotated[
        int, typer.Option(min=0, help="Megabytes of the disk that are left free.")
    ] = 500,
    as_json: Json = False,
) -> None:
    """Take training pictures with the camera itself, as the daemon will see them.

    Kept is the whole picture of the camera or region; with --size or --model what becomes of it
    before a model, pixel for pixel.

    Example: galago capture usb:0 --out images/cat --motion
    """
    from galago.edge import collect as part
    from galago.edge.album import Form
    from galago.edge.regions import parse_regions

    settings = part.CaptureSettings(
        occasion=part.Occasion(key, every, motion, pause, burst, burst_fps),
        form=Form.of(size, crop, model, jpeg),
        regions=parse_regions(region or []),
        count=count,
        keep_free_mb=keep_free,
    )
    taken = part.capture(source, out, settings)
    _show(taken.to_dict(), taken.as_text(), as_json=as_json)


@app.command()
def replay(
    clip: Annotated[Path, typer.Argument(help="A recorded video.")],
    *,
    truth: Annotated[
        Path,
        typer.Option(exists=True, dir_okay=False, help="What is in it; see galago sample."),
    ],
    model: ModelOption,
    as_json: Json = False,
) -> None:
    """Score the daemon's own code over a recorded clip, as events.

    Example: galago replay clip.mp4 --truth clip.json --model porch.tflite
    """
    from galago.edge import replay as part

    score = part.replay_file(clip, truth, model)
    _show(score.to_dict(), part.as_text(score), as_json=as_json)


@app.command()
def watch(
    *,
    model: ModelOption,
    camera: CameraOption,
    threads: SavedThreads = None,
) -> None:
    """Show the live picture with its label in a window; q ends it.

    Example: galago watch --model porch.tflite --camera file:clip.mp4
    """
    from galago.edge.watch import watch as show

    show(model, camera, threads=threads)


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    try:
        # Not standalone: errors are worded here, in one line, not by typer in a box.
        words = sys.argv[1:] if arguments is None else arguments
        result = app(words or ["--help"], prog_name="galago", standalone_mode=False)
    except typer.TyperException as error:
        return _fail(f"{error.format_message().rstrip('.')}. See galago --help", 2)
    except GalagoError as error:
        return _fail(str(error), error.exit_code)
    except OSError as error:
        return _fail(_os_error(error), 1)
    # typer ends quietly by itself when the reader of our output has left, and turns Ctrl-C into
    # this code.
    return _fail("interrupted", _INTERRUPTED) if result == _INTERRUPTED else 0


def _fail(message: str, code: int) -> int:
    _say(" ".join(message.split()))
    return code


def _os_error(error: OSError) -> str:
    where = f": {error.filename}" if error.filename else ""
    return f"{error.strerror or error}{where}"


def _print(text: str) -> None:
    try:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()
    except OSError:
        # A full disk or a reader that has left: Python must not try once more when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise


def _say(line: str) -> None:
    sys.stderr.write(f"galago: {line}\n")


def _show(document: Any, text: str, *, as_json: bool) -> None:
    _print(json.dumps(document, ensure_ascii=False, indent=2) if as_json else text)


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


if __name__ == "__main__":
    sys.exit(main())
