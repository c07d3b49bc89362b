"""What a model file says of itself: `galago.json`.

- Reading is strict: a missing key, a wrong type or a newer schema is one clear error.
- Unknown keys are ignored, so that a later minor version may add some.
"""

import json
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

from galago.bundle.preprocess import PreprocessSpec
from galago.errors import ModelFileError

SCHEMA = 1

Head = Literal["softmax", "sigmoid"]


@dataclass(frozen=True, slots=True)
class Manifest:
    """A model file's own description.

    `head`: "softmax" has one output per label; "sigmoid" has one output, the probability of the
    second of two labels. `flatbuffer_sha256` guards the model itself. `quantization`, `metrics` and
    `provenance` are for people: what was done, how good it is, where it comes from.
    """

    labels: tuple[str, ...]
    preprocess: PreprocessSpec
    head: Head
    flatbuffer_sha256: str
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
            _check_schema(document["schema"])
            return cls(
                labels=_labels(document["labels"]),
                preprocess=_spec(document["preprocess"]),
                head=_one_of(document["head"], get_args(Head), "head"),
                flatbuffer_sha256=_text(document["flatbuffer_sha256"], "flatbuffer_sha256"),
                quantization=dict(document["quantization"]),
                metrics=dict(document["metrics"]),
                provenance=dict(document["provenance"]),
            )
        except KeyError as error:
            raise ModelFileError(f"damaged: galago.json lacks {error}") from error
        except (TypeError, ValueError, RecursionError) as error:
            if isinstance(error, ModelFileError):
                raise
            raise ModelFileError(f"damaged: galago.json is malformed ({error})") from error


def _check_schema(schema: object) -> None:
    if not isinstance(schema, int) or schema < 1:
        raise ModelFileError(f"damaged: galago.json has schema {schema!r}, expected 1 to {SCHEMA}")
    if schema > SCHEMA:
        raise ModelFileError(
            f"made for a newer Galago: its schema is {schema}, this version reads up to {SCHEMA}; "
            "upgrade with pip install --upgrade galago"
        )


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
        interpolation=_one_of(value["interpolation"], ("area",), "interpolation"),
        colour=_one_of(value["colour"], ("rgb", "bgr"), "colour"),
    )


def _one_of(value: object, allowed: tuple[str, ...], name: str) -> Any:
    if value not in allowed:
        raise ModelFileError(
            f"galago.json has {name} {value!r}, this version knows {', '.join(allowed)}"
        )
    return value


def _text(value: object, name: str) -> str:
    if not isinstance(value, str) or not value:
        raise ModelFileError(f"damaged: galago.json has {value!r} where {name} should be")
    return value
