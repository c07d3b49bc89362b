"""Turn a trained network into the one file that crosses to the camera.

- The converted model is compared with the Keras model on the test pictures, run by the interpreter
  that the camera uses; beyond the limits it gets no file, and a report says where it fails.
- Calibration and golden pictures come from the training pictures only; temperature and thresholds
  are fitted on val, on the scores of the very model that ships.
- The file is verified in a child process before it takes its name.

    conversion = convert(from_run(Path("run")), Path("porch.tflite"))
    print(conversion.chosen.comparison.agreement, conversion.passed)
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from galago.bundle.confidence import FLOAT_FLOOR, QUANTIZED_FLOOR, soften
from galago.bundle.image import read_image
from galago.bundle.model_file import ModelFile
from galago.bundle.verify import verify
from galago.convert.assemble import GOLDEN_FRAMES, as_camera, assemble
from galago.convert.layers import LayerNoise, signal_to_noise
from galago.convert.origin import Origin
from galago.convert.report import REPORT, write_report
from galago.convert.speed import warn_of_slow_pieces
from galago.convert.targets import check_target_labels, write_companions
from galago.convert.trial import Subject, Trial, Wanted, attempts, balanced
from galago.errors import GateError
from galago.files import check_place
from galago.progress import say
from galago.train.calibration import fit_temperature, thresholds_for
from galago.train.predict import predict_tflite

_NOISE_IMAGES = 8  # enough to rank layers by; each keeps all tensors of the graph in memory


@dataclass(frozen=True, slots=True, eq=False)
class Conversion:
    """What came of it; `model` is the file's content, None where the gate refused it.

    `trials`: the wanted recipe, and what else was tried until one passed. `noise`: the layers of
    the chosen one, worst first; empty where activations are floats.
    """

    subject: Subject
    trials: tuple[Trial, ...]
    noise: tuple[LayerNoise, ...]
    file: Path
    report: Path
    model: ModelFile | None

    @property
    def passed(self) -> bool:
        """Whether the file was written."""
        return self.model is not None

    @property
    def chosen(self) -> Trial:
        """The trial that passed, or the first one where none did."""
        return _choose(self.trials)

    def check(self) -> ModelFile:
        """The model that was written.

        Raises:
            GateError: none was, because it is worse than allowed.
        """
        if self.model is None:
            harder = "" if len(self.trials) > 1 else "see what --try-harder finds, "
            raise GateError(
                f"{'; '.join(self.chosen.complaints)}: {self.file} was not written; {self.report} "
                f"shows what has changed; {harder}train longer, or raise the limit"
            )
        return self.model

    def to_dict(self) -> dict[str, Any]:
        """The document that `galago convert --json` prints."""
        chosen = self.chosen
        interpreter = chosen.classifier.interpreter
        return {
            "file": str(self.file),
            "report": str(self.report),
            "recipe": chosen.recipe.name,
            "float": {
                "accuracy": chosen.comparison.original.accuracy,
                "bytes": len(self.subject.float32),
            },
            "converted": {
                "accuracy": chosen.comparison.converted.accuracy,
                "bytes": len(chosen.flatbuffer),
            },
            "passed": self.passed,
            **chosen.comparison.to_dict(),
            "partitions": interpreter.partitions,
            "not_accelerated": list(interpreter.outside),
            "file_bytes": len(self.model.content) if self.model else None,
            "trials": [trial.to_dict() for trial in self.trials],
        }


def convert(origin: Origin, out: Path, wanted: Wanted | None = None) -> Conversion:
    """Quantize, compare, embed, verify, write.

    Args:
        origin: the trained network and its pictures.
        out: the file to write; untouched unless everything passes. The report lies beside it.
        wanted: recipe, limits and words; the defaults where None.

    Raises:
        UsageError, DataError: the network or its pictures cannot serve.
        ModelFileError: the written model does not pass its own golden frames.
        OSError: the folder of `out` cannot be written.
    """
    wanted = wanted or Wanted()
    check_place(out)
    if wanted.target is not None:
        check_target_labels(wanted.target, origin.labels)
    subject = Subject.open(origin, wanted)
    trials = _until_one_passes(subject, wanted)
    chosen = _choose(trials)
    warn_of_slow_pieces(chosen.classifier.interpreter)
    model = _assemble(subject, chosen) if chosen.passed else None
    if model is not None:
        say("Verifying the golden frames in a process of their own")
        verify(model)
    conversion = Conversion(
        subject, trials, _noise(subject, chosen), out, out.with_name(REPORT), model
    )
    if model is not None:
        model.write(out)
        if wanted.target is not None:
            write_companions(wanted.target, out, origin.labels, origin.preprocess.crop)
            say(f"For {wanted.target.name}: {wanted.target.use.format(stem=out.stem)}")
    write_report(conversion)  # last: it says whether there is a file
    return conversion


def as_text(conversion: Conversion) -> str:
    """Both models side by side, for a terminal; further rows are what else was tried."""
    first, comparison = conversion.trials[0], conversion.chosen.comparison
    head = f"{'':<20}{'accuracy':>10}{'same answer':>14}{'size':>12}{'speed':>9}"
    size = f"{len(conversion.subject.float32) / 1e3:.0f} kB"
    lines = [
        head,
        f"{'float32':<20}{comparison.original.accuracy:>10.2%}{'':>14}{size:>12}{'1.0 ×':>9}",
    ]
    lines += [_row(trial) for trial in conversion.trials]
    lines.append(f"on {comparison.original.n} test pictures; {conversion.report} has the details")
    if conversion.model is not None:
        if conversion.chosen is not first:
            lines.append(f"{first.name} would not do: {'; '.join(first.complaints)}")
        size = f"{len(conversion.model.content) / 1e3:.0f} kB with golden frames"
        lines.append(f"Wrote {conversion.file} ({size}); its golden frames passed here.")
    return "\n".join(lines)


def _row(trial: Trial) -> str:
    comparison, size = trial.comparison, f"{len(trial.flatbuffer) / 1e3:.0f} kB"
    speed = f"{trial.float_microseconds / trial.microseconds:.1f} ×"
    return (
        f"{trial.name:<20}{comparison.converted.accuracy:>10.2%}{comparison.agreement:>14.2%}"
        f"{size:>12}{speed:>9}" + ("" if trial.passed else "  refused")
    )


def _until_one_passes(subject: Subject, wanted: Wanted) -> tuple[Trial, ...]:
    trials = []
    for trial in attempts(subject, wanted):
        trials.append(trial)
        if trial.passed:
            break
    return tuple(trials)


def _choose(trials: tuple[Trial, ...]) -> Trial:
    return next((trial for trial in trials if trial.passed), trials[0])


def _assemble(subject: Subject, trial: Trial) -> ModelFile:
    """The model file, with scores made believable by val."""
    origin, classifier = subject.origin, trial.classifier
    say("Fitting temperature and thresholds on val, recording golden frames")
    val = subject.dataset.splits["val"]
    scores = predict_tflite(classifier, val)
    floor = QUANTIZED_FLOOR if classifier.interpreter.output.scale else FLOAT_FLOOR
    temperature = fit_temperature(scores, val.labels, floor)
    limits = thresholds_for(soften(scores, temperature, floor), val.labels, origin.precision)
    golden = balanced(subject.dataset.splits["train"], GOLDEN_FRAMES, origin.seed)
    frames = [as_camera(read_image(path), classifier.spec) for path in golden.paths]
    return assemble(
        trial.flatbuffer,
        classifier,
        frames,
        temperature=temperature,
        thresholds=dict(zip(origin.labels, limits, strict=True)),
        quantization={"scheme": trial.recipe.name, "calibration_images": trial.calibration_images},
        metrics=_metrics(trial),
        provenance=origin.provenance,
    )


def _noise(subject: Subject, trial: Trial) -> tuple[LayerNoise, ...]:
    if not trial.recipe.is_calibrated:
        return ()  # activations are the original's: only weights have lost something
    say("Measuring what each layer loses")
    images = trial.calibration[:_NOISE_IMAGES]
    return signal_to_noise(subject.float32, trial.raw, images)


def _metrics(trial: Trial) -> dict[str, Any]:
    comparison = trial.comparison
    return {
        "float": {
            "accuracy": comparison.original.accuracy,
            "loss": comparison.original.loss,
        },
        "converted": {
            "accuracy": comparison.converted.accuracy,
            "loss": comparison.converted.loss,
        },
        "per_class": {name: asdict(m) for name, m in comparison.converted.per_class.items()},
        **comparison.to_dict(),
    }
