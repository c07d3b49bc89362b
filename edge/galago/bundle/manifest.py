"""What a model file says of itself: `galago.json`.

- Reading is strict: a missing key, a wrong type or a newer schema is one clear error.
- Older schemas are read; what they did not know yet gets the value that changes nothing.
- Unknown keys are ignored, so that a later minor version may add some.
"""

import json
import math
import re
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

from galago.bundle.preprocess import Interpolation, PreprocessSpec
from galago.errors import ModelFileError

SCHEMA = 2  # 1: without temperature, thresholds and what the golden frames were recorded with

_DEEPEST = 32
_UNWRITABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")

Head = Literal["softmax", "sigmoid", "independent"]

# By how much a score may differ from the recorded one where the bits cannot be the same, unless the
# file says more: tflite-runtime's kernels round otherwise (docs/benchmarks.md, Interpreters).
TOLERANCE = 16 / 256


@dataclass(frozen=True, slots=True)
class Recorded:
    """How the golden answers came about, and so how close others must come to them.

    `frames`: how many there are. `interpreter`: name and version; `accelerated`: an XNNPACK
    delegate ran the graph. `exact`: the graph is integer, so the same interpreter must give the
    same bits on another machine of the kind; otherwise a score may differ by `tolerance`, 0–1.
    `machine`: the kind, as platform.machine() names it; "" where the file does not say.
    """

    frames: int
    interpreter: str
    accelerated: bool
    exact: bool
    tolerance: float
    machine: str = ""


@dataclass(frozen=True, slots=True)
class Manifest:
    """A model file's own description.

    `head`: "softmax" has one output per label; "sigmoid" has one output, the probability of the
    second of two labels; "independent" has one output per label, each a probability of its own.
    `flatbuffer_sha256` guards the model itself. `temperature` and
    `thresholds` make scores believable (galago.bundle.confidence): by label, None for a class that
    is never answered; no thresholds at all where none were fitted. `quantization`, `metrics` and
    `provenance` are for people: what was done, how good it is, where it comes from.
    """

    labels: tuple[str, ...]
    preprocess: PreprocessSpec
    head: Head
    flatbuffer_sha256: str
    golden: Recorded
    temperature: float = 1.0
    thresholds: dict[str, float | None] = field(default_factory=dict)
    quantization: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, Any] = field(default_factory=dict)
    provenance: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> str:
        """The text of `galago.json`."""
        document = {"schema": SCHEMA, **asdict(self)}
        return json.dumps(document, indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes) -> "Manifest":
        """Read `galago.json`.

        Raises:
            ModelFileError: it is not JSON, lacks something, or has a newer schema.
        """
        try:
            document = json.loads(text)
            _check_writable(document)
            schema = _schema(document["schema"])
            labels = _labels(document["labels"])
            if schema == 1:
                document |= _UNKNOWN_TO_SCHEMA_1
            return cls(
                labels=labels,
                preprocess=_spec(document["preprocess"]),
                head=_one_of(document["head"], get_args(Head), "head"),
                flatbuffer_sha256=_text(document["flatbuffer_sha256"], "flatbuffer_sha256"),
                golden=_recorded(document["golden"]),
                temperature=_number(document["temperature"], "temperature", 0, math.inf),
                thresholds=_thresholds(document["thresholds"], labels),
                quantization=dict(document["quantization"]),
                metrics=dict(document["metrics"]),
                provenance=dict(document["provenance"]),
            )
        except KeyError as error:
            raise ModelFileError(f"damaged: galago.json lacks {error}") from error
        except ModelFileError:
            raise
        except _MALFORMED as error:
            raise ModelFileError(f"damaged: galago.json is malformed ({error})") from error


_MALFORMED = (AttributeError, TypeError, ValueError, OverflowError, RecursionError)

_UNKNOWN_TO_SCHEMA_1: dict[str, Any] = {
    "golden": asdict(Recorded(0, "", accelerated=False, exact=False, tolerance=TOLERANCE)),
    "temperature": 1.0,
    "thresholds": {},
}


def _check_writable(value: object, depth: int = 0) -> None:
    """Raise if `value` could not be shown: too deep for a JSON writer, or text that is none.

    Control characters would move the cursor of whoever inspects a stranger's file.
    """
    if depth > _DEEPEST:
        raise ModelFileError(f"damaged: galago.json is nested deeper than {_DEEPEST} levels")
    if isinstance(value, dict):
        value = [*value, *value.values()]
    if isinstance(value, list):
        for inner in value:
            _check_writable(inner, depth + 1)
    elif isinstance(value, str) and _UNWRITABLE.search(value):
        raise ModelFileError(f"damaged: galago.json has {value[:80]!a}, which is no plain text")


def _schema(schema: object) -> int:
    if not isinstance(schema, int) or schema < 1:
        raise ModelFileError(f"damaged: galago.json has schema {schema!r}, expected 1 to {SCHEMA}")
    if schema > SCHEMA:
        raise ModelFileError(
            f"made for a newer Galago: its schema is {schema}, this version reads up to {SCHEMA}; "
            "upgrade with pip install --upgrade galago"
        )
    return schema


def _labels(value: object) -> tuple[str, ...]:
    labels = tuple(_text(label, "a label") for label in value) if isinstance(value, list) else ()
    if len(labels) < 2 or len(set(labels)) != len(labels):
        raise ModelFileError("damaged: galago.json must name two or more different labels")
    return labels


def _spec(value: Any) -> PreprocessSpec:
    size = {side: value[side] for side in ("height", "width")}
    if not all(isinstance(pixels, int) and pixels > 0 for pixels in size.values()):
        raise ModelFileError(f"damaged: galago.json has the input size {size}")
    return PreprocessSpec(
        **size,
        crop=_one_of(value["crop"], ("none", "centre"), "crop"),
        interpolation=_one_of(value["interpolation"], get_args(Interpolation), "interpolation"),
        colour=_one_of(value["colour"], ("rgb", "bgr"), "colour"),
    )


def _recorded(value: Any) -> Recorded:
    return Recorded(
        frames=int(_number(value["frames"], "frames", 0, math.inf)),
        interpreter=str(value["interpreter"]),
        accelerated=_one_of(value["accelerated"], (True, False), "accelerated"),
        exact=_one_of(value["exact"], (True, False), "exact"),
        tolerance=_number(value["tolerance"], "tolerance", 0, 1),
        machine=str(value.get("machine", "")),
    )


def _thresholds(value: Any, labels: tuple[str, ...]) -> dict[str, float | None]:
    if value and set(value) != set(labels):
        raise ModelFileError("damaged: galago.json has thresholds of other labels than its own")
    return {
        label: None if limit is None else _number(limit, "a threshold", 0, 1)
        for label, limit in value.items()
    }


def _number(value: object, name: str, low: float, high: float) -> float:
    # JSON's true is Python's 1. Written so that a NaN is refused.
    if type(value) in {int, float} and low <= value <= high and math.isfinite(value):  # type: ignore[operator,arg-type]
        return float(value)  # type: ignore[arg-type]
    raise ModelFileError(
        f"damaged: galago.json has {value!r} where {name} should be, {low:g} to {high:g}"
    )


def _one_of(value: object, allowed: tuple[object, ...], name: str) -> Any:
    if value not in allowed:
        raise ModelFileError(
            f"galago.json has {name} {value!r}, this version knows {', '.join(map(str, allowed))}"
        )
    return value


def _text(value: object, name: str) -> str:
    if not isinstance(value, str) or not value or "\n" in value:
        raise ModelFileError(f"damaged: galago.json has {value!r} where {name} should be")
    return value
