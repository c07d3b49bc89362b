"""The whole pipeline on the embedded sample, told in plain words.

Like the command, it knows every part; unlike it, it imports them at once.
"""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from galago.bundle.classifier import Classifier
from galago.convert.convert import Conversion, convert
from galago.convert.gate import Limits
from galago.convert.origin import from_run
from galago.convert.trial import Wanted
from galago.edge.bench import Benchmark, bench
from galago.edge.decision import DecisionSettings
from galago.edge.replay import Score, read_truth, record, score
from galago.errors import UsageError
from galago.progress import say
from galago.train.recipe import Settings
from galago.train.sample import write_sample
from galago.train.training import train

_MARK = "galago-demo.json"  # tells a folder that the demo may replace from one that it may not

# Two of some 330 test pictures are already more than the half point that `galago convert` allows.
_LIMITS = Limits(drop=2.0)


@dataclass(frozen=True, slots=True)
class Results:
    """What the stages of the demo gave."""

    directory: Path
    conversion: Conversion
    speed: Benchmark
    events: Score


def run_demo(directory: Path, *, seed: int = 0) -> str:
    """Draw, train, convert, measure and replay below `directory`; return what happened.

    Raises:
        UsageError: `directory` holds something else than an earlier demo.
    """
    _clear(directory)
    say("1/5  Drawing a garden camera's pictures, and a film of it")
    sample = write_sample(directory / "sample", seed=seed)
    say("2/5  Training the network on them")
    run, _metrics = train(sample.images, directory / "run", Settings("cnn", seed=seed))
    say("3/5  Converting it to int8 for a small computer")
    file = directory / "feeder.tflite"
    conversion = convert(from_run(run.folder), file, Wanted(limits=_LIMITS))
    model = conversion.check()
    say("4/5  Measuring its speed here")
    (speed,) = bench(conversion.file, [1])
    say("5/5  Letting the daemon look at the film")
    seen = record(Classifier.open(model), sample.clip, DecisionSettings())
    events = score(seen.announcements, read_truth(sample.truth))
    return _story(Results(directory, conversion, speed, events))


def _clear(directory: Path) -> None:
    """Make room for a fresh demo, in an empty or missing folder or in place of an earlier one."""
    if (directory / _MARK).exists():
        shutil.rmtree(directory)
    elif directory.exists() and any(directory.iterdir()):
        raise UsageError(f"{directory} is not an earlier demo: choose a new or an empty folder")
    directory.mkdir(parents=True, exist_ok=True)
    (directory / _MARK).write_text(json.dumps({"made by": "galago demo"}) + "\n")


def _story(results: Results) -> str:
    conversion, events = results.conversion, results.events
    chosen = conversion.chosen
    original, int8 = chosen.comparison.original, chosen.comparison.converted
    folder = results.directory
    rows = {
        "accuracy": f"{original.accuracy:.1%} as trained, {int8.accuracy:.1%} after conversion to "
        f"int8, on {original.n} pictures that it had never seen",
        "size": f"{len(conversion.subject.float32) / 1e3:.0f} kB as trained, "
        f"{len(chosen.flatbuffer) / 1e3:.0f} kB as int8",
        "speed": f"{results.speed.fps:.0f} frames per second on this machine, one thread, from "
        "camera frame to decision",
        "film": f"{events.n_found} of {events.n_truth} events found, "
        f"{events.n_false} false alarm{'' if events.n_false == 1 else 's'}",
        "reports": f"{folder / 'run' / 'report.html'} and {conversion.report}",
        "model": f"{conversion.file}, the one file that a camera needs",
    }
    table = "\n".join(f"  {name:<10}{value}" for name, value in rows.items())
    return f"""
Galago drew pictures as a camera at a bird feeder takes them, trained a small network to tell
{", ".join(original.labels)} apart, made it fit for a small computer, and let it watch a film.

{table}

See it at work     galago watch --model {conversion.file} --camera file:{folder}/sample/clip.mp4
With your own      galago train PICTURES --out run
                   galago convert run --out my.tflite"""
