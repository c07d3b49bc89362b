"""The verbs of the camera, which the workstation has as well: they need no TensorFlow."""

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from galago.edge.tell import tell
from galago.errors import UsageError
from galago.verbs.options import (
    CameraOption,
    Json,
    ModelFileArgument,
    ModelOption,
    OptionalCamera,
    Provider,
    Regions,
    SavedThreads,
    Threads,
)
from galago.verbs.show import show


def inspect(file: ModelFileArgument, *, as_json: Json = False) -> None:
    """Say what is inside a model file.

    Example: galago inspect porch.tflite
    """
    from galago.bundle.describe import as_text, document
    from galago.bundle.model_file import ModelFile

    model = ModelFile.read(file)
    show(document(model), as_text(model), as_json=as_json)


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
    show(verification.to_dict(), as_text(verification), as_json=as_json)


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
    show([r.to_dict() for r in results], part.as_text(results), as_json=as_json)


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
    show(part.document(results), part.as_text(file, results), as_json=as_json)
    if save:
        tell(part.save(file, results))


def run(
    *,
    config: Annotated[
        Path | None,
        typer.Option(help="TOML file, see galago config example: events are kept, others told."),
    ] = None,
    model: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="The model file.")
    ] = None,
    camera: OptionalCamera = None,
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

    With --config as a service does it: events and pictures are kept, others are told, and there is
    a page to look at. Other options come before what is in the file.

    Example: galago run --model porch.tflite --camera usb:0 --region door=0.5,0.2,0.25,0.6
    """
    from galago.edge.plan import Overrides
    from galago.edge.run import run as look

    if config is None and (model is None or camera is None):
        raise UsageError("expected --model and --camera, or --config with a file that names them")
    options = Overrides(model, camera, threads, rate, max_cpu, motion or None, reference, region)
    look(lambda: options.over(config), sys.stdout, keep=config is not None)


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
    show(taken.to_dict(), taken.as_text(), as_json=as_json)


def replay(
    clip: Annotated[Path, typer.Argument(help="A recorded video.")],
    *,
    truth: Annotated[
        Path,
        typer.Option(exists=True, dir_okay=False, help="What is in it; see galago sample."),
    ],
    model: ModelOption,
    config: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="Decide as its section [decision] says; else as usual.",
        ),
    ] = None,
    rate: Annotated[
        float | None,
        typer.Option(min=0.001, max=1000, help="Frames per second that are looked at; else all."),
    ] = None,
    tune: Annotated[
        bool, typer.Option("--tune", help="Try other settings, show the trade-off, propose some.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Score the daemon's own code over a recorded clip, as events.

    Example: galago replay clip.mp4 --truth clip.json --model porch.tflite --tune
    """
    from galago.edge import replay as part
    from galago.edge import tune as tuning
    from galago.edge.config.read import read_config
    from galago.edge.decision import DecisionSettings
    from galago.edge.serving import open_serving

    intervals = part.read_truth(truth)
    settings = read_config(config).config.decision if config else DecisionSettings()
    classifier = open_serving(model, threads=1).classifier
    record = part.record(classifier, clip, settings, rate)
    score = part.score(record.announcements, intervals)
    document, text = score.to_dict(), part.as_text(score)
    if tune:
        tuned = tuning.tune(record, intervals, classifier, settings)
        document, text = document | tuned.to_dict(), f"{text}\n{tuning.as_text(tuned)}"
        if as_json:
            tell(tuning.WARNING)
    show(document, text, as_json=as_json)


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


VERBS = (inspect, verify, classify, bench, run, capture, replay, watch)
