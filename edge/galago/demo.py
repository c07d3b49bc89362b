"""The whole pipeline on the embedded sample, told in plain words.

Like the command, it knows every part; unlike it, it imports them at once.
"""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from galago.bundle.classifier import Classifier
from galago.convert.convert import Conversion, convert
from galago.edge.bench import Benchmark, bench
from galago.edge.replay import Score, read_truth, replay, score
from galago.errors import UsageError
from galago.progress import say
from galago.train.fit import Settings, train
from galago.train.sample import write_sample

_MARK = "galago-demo.json"  # tells a folder that the demo may replace from one that it may not


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
    run, _metrics = train(sample.images, directory / "run", Settings(seed=seed))
    say("3/5  Converting it to int8 for a small computer")
    conversion = convert(run.folder, directory / "feeder.tflite")
    if conversion.model is None:
        raise AssertionError("the sample's own model fails the gate: a defect, please report it")
    say("4/5  Measuring its speed here")
    (speed,) = bench(conversion.file, [1])
    say("5/5  Letting the daemon look at the film")
    announced = replay(Classifier.open(conversion.model), sample.clip)
    events = score(announced, read_truth(sample.truth))
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
    comparison, events = results.conversion.comparison, results.events
    float_kb = results.conversion.float_bytes / 1000
    int8_kb = results.conversion.converted_bytes / 1000
    folder = results.directory
    return f"""
What happened
  Galago drew {comparison.original.n} test pictures and more to learn from, as a camera at a bird
  feeder would take them, and trained a small network to tell {", ".join(comparison.original.labels)}.

  accuracy     {comparison.original.accuracy:.1%} as trained, {comparison.converted.accuracy:.1%} \
after conversion to int8, the same answer on {comparison.agreement:.1%}
  size         {float_kb:.0f} kB as trained, {int8_kb:.0f} kB as int8
  speed        {results.speed.fps:.0f} frames per second on one core of this machine, \
from camera frame to decision
  film         {events.n_found} of {events.n_truth} events found, \
{events.n_false} false alarms
  report       {folder / "run" / "report.html"}
  model        {folder / "feeder.tflite"}, the one file that a camera needs

Look at it live:  galago watch --model {folder}/feeder.tflite --camera 'file:{folder}/sample/clip.mp4'
Your own:         galago train PICTURES --out run, then galago convert run --out my.tflite
"""
