"""Put a classifier from elsewhere into the form that crosses to the camera.

- The file that comes out takes RGB pixels, 0–255, and gives scores, whatever the guest wanted.
- What its owner says of colours, normalisation and labels is held against labelled pictures first;
  a claim that they refute is refused (galago.convert.assumptions), and nothing is written.
- It answers as the guest did to pictures prepared by hand, and passes its own golden frames in a
  child process, before it takes its name.

    adoption = adopt(Guest.open(Path("model.tflite"), Path("labels.txt"), Claims()),
                     Path("photos"), Path("porch.tflite"))
    print(adoption.agreement)
"""

from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from galago.bundle.classifier import Classifier, Scores
from galago.bundle.interpreter import Interpreter
from galago.bundle.model_file import ModelFile
from galago.bundle.verify import verify
from galago.convert.assemble import GOLDEN_FRAMES, assemble, dress
from galago.convert.assumptions import check_reading
from galago.convert.flatbuffer import pack
from galago.convert.gate import turned
from galago.convert.graph import finish, take_pixels, take_rgb
from galago.convert.guest import Guest, Pictures, sum_tolerance
from galago.convert.metadata import About, description
from galago.convert.speed import warn_of_slow_pieces
from galago.errors import GateError, UsageError
from galago.files import check_place
from galago.progress import say
from galago.train.metrics import Metrics, measure
from galago.train.predict import predict_tflite

LEAST_AGREEMENT = 0.99  # the same network twice: only rounding may differ


@dataclass(frozen=True, slots=True, eq=False)
class Adoption:
    """What came of it.

    `before` and `after` are the figures of the guest, prepared by hand, and of the new file on
    labelled pictures; None where there are no labels. `agreement`: the share of all pictures with
    the same top class.
    """

    guest: Guest
    file: Path
    model: ModelFile
    pictures: int
    before: Metrics | None
    after: Metrics | None
    agreement: float
    partitions: tuple[int, int]

    def to_dict(self) -> dict[str, Any]:
        """The document that `galago adopt --json` prints."""
        manifest = self.model.manifest
        return {
            "file": str(self.file),
            "source": str(self.guest.path),
            "head": manifest.head,
            "labels": len(manifest.labels),
            "golden_frames": manifest.golden.frames,
            "checked": self.after is not None,
            "n": self.pictures,
            "guest": {"accuracy": self.before and self.before.accuracy},
            "adopted": {"accuracy": self.after and self.after.accuracy},
            "agreement": self.agreement,
            "partitions": {"guest": self.partitions[0], "adopted": self.partitions[1]},
            "file_bytes": len(self.model.content),
        }


def adopt(guest: Guest, data: Path, out: Path, *, name: str = "", author: str = "") -> Adoption:
    """Check the claims, change the graph, compare, embed, verify, write.

    Args:
        guest: the classifier, with what its owner claims.
        data: a dataset whose labels are some of the model's, or a folder of mere pictures.
        out: the file to write; untouched unless everything passes.
        name: of the model, for people and other programs; else that of `out`.
        author: for the file's metadata.

    Raises:
        UsageError, DataError: the pictures cannot serve, or `out` is the guest itself.
        GateError: the pictures refute a claim.
        ModelFileError: the written model does not pass its own golden frames.
    """
    if out.exists() and out.samefile(guest.path):
        raise UsageError(f"{out} is the model that is to be adopted: give --out another name")
    check_place(out)
    pictures = Pictures.find(data, guest)
    _tell(pictures, data)
    answers = _check_claims(guest, pictures)
    about = About(name or out.stem, description(guest.labels), guest.sha256[:12], author)
    flatbuffer = dress(_rebuild(guest), about)
    classifier = Classifier(Interpreter(flatbuffer), guest.spec, guest.labels, guest.head)
    warn_of_slow_pieces(classifier.interpreter)
    scores = predict_tflite(classifier, pictures.images)
    agreement = _check_agreement(answers, scores)
    before, after = (_measure(rows, guest, pictures) for rows in (answers, scores))
    model = assemble(
        flatbuffer,
        classifier,
        pictures.frames,
        quantization={"scheme": f"as it came, {guest.input.dtype} in, {guest.output.dtype} out"},
        metrics=_metrics(before, after, agreement),
        provenance=_provenance(guest),
    )
    say("Verifying the golden frames in a process of their own")
    verify(model)
    model.write(out)
    partitions = (guest.interpreter.partitions, classifier.interpreter.partitions)
    return Adoption(guest, out, model, len(pictures), before, after, agreement, partitions)


def as_text(adoption: Adoption) -> str:
    """What was adopted, for a terminal."""
    size, frames = len(adoption.model.content), adoption.model.manifest.golden.frames
    lines = [
        f"The same answer for {adoption.agreement:.2%} of {adoption.pictures} pictures.",
        f"Wrote {adoption.file} ({size / 1e3:.0f} kB); its {frames} golden frames passed here.",
    ]
    if adoption.before and adoption.after:
        before, after = adoption.before.accuracy, adoption.after.accuracy
        lines.insert(0, f"Accuracy {after:.2%}, before adoption {before:.2%}.")
    return "\n".join(lines)


def _tell(pictures: Pictures, data: Path) -> None:
    """What cannot be known from these pictures."""
    if pictures.truth is None:
        say(
            f"{data} holds pictures without labels: colours, normalisation and the order of the "
            "labels could not be checked; a folder for each class would tell"
        )
    if len(pictures) < GOLDEN_FRAMES:
        say(
            f"{len(pictures)} pictures: as many golden frames, {GOLDEN_FRAMES} are wanted, and "
            "wrong claims may stay unnoticed"
        )


def _check_claims(guest: Guest, pictures: Pictures) -> Scores:
    """The guest's answers to all pictures, read as claimed."""
    if pictures.truth is None:
        answers = guest.predict(guest.reading.values(pictures.images))
    else:
        say("Holding the claims against the pictures")
        answers = check_reading(guest.predict, pictures.images, pictures.truth, guest.reading)
    _check_scores(guest, answers)
    return answers


def _check_scores(guest: Guest, answers: Scores) -> None:
    """Scores of a head that was believed, or said, to be there already."""
    low, high, sums = answers.min(), answers.max(), answers.sum(axis=1)
    if low < 0 or high > 1:
        raise GateError(
            f"the model's outputs go from {low:.3g} to {high:.3g}: expected scores from 0 to 1; "
            "use --head logits"
        )
    if guest.head == "softmax" and np.abs(sums - 1).max() > sum_tolerance(guest.interpreter):
        raise GateError(
            f"the scores of a picture add up to {sums.min():.3g} to {sums.max():.3g}: expected 1; "
            "use --head sigmoid where labels do not exclude each other, --head logits else"
        )


def _rebuild(guest: Guest) -> bytes:
    model = guest.unpack()
    take_pixels(model, guest.reading.mean, guest.reading.std)
    if guest.reading.colour == "bgr":
        take_rgb(model)
    finish(model, guest.ending)
    return pack(model)


def _check_agreement(before: Scores, after: Scores) -> float:
    same = ~turned(before, after)
    # One picture between two equal classes proves nothing.
    if np.sum(~same) > max(1, (1 - LEAST_AGREEMENT) * len(same)):
        raise GateError(
            f"the adopted model agrees with the original on {same.mean():.1%} of {len(same)} "
            f"pictures, expected {LEAST_AGREEMENT:.0%}: its graph was not understood"
        )
    return float(same.mean())


def _measure(scores: Scores, guest: Guest, pictures: Pictures) -> Metrics | None:
    if pictures.truth is None:
        return None
    return measure(scores, pictures.truth, guest.labels)


def _metrics(before: Metrics | None, after: Metrics | None, agreement: float) -> dict[str, Any]:
    """Only what was measured; classes without pictures have no figures."""
    if before is None or after is None:
        return {}
    return {
        "n": after.n,
        "guest": {"accuracy": before.accuracy, "loss": before.loss},
        "converted": {"accuracy": after.accuracy, "loss": after.loss},
        "agreement": agreement,
        "per_class": {
            name: asdict(metrics) for name, metrics in after.per_class.items() if metrics.support
        },
    }


def _provenance(guest: Guest) -> dict[str, Any]:
    return {
        "adopted": guest.path.name,
        "adopted_sha256": guest.sha256,
        "adopted_bytes": len(guest.content),
        "claims": {
            "mean": list(guest.reading.mean),
            "std": list(guest.reading.std),
            "colour": guest.reading.colour,
            "crop": guest.claims.crop,
            "ending": guest.ending,
            "given": [key for key, value in asdict(guest.claims).items() if value is not None],
        },
        "guest": {"input": asdict(guest.input), "output": asdict(guest.output)},
        "versions": {"galago": version("galago")},
    }
