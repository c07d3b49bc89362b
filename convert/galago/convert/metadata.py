"""TFLite Metadata: what other programs ask of a model before they show it a picture.

- The pixels' meaning: an RGB picture, 0–255, which goes in unchanged (mean 0, standard deviation 1:
  the graph itself normalises).
- The scores' meaning: one for each line of `labels.txt`, which is an entry of the zip archive
  behind the flatbuffer (galago.bundle.container).
- The same words give the same bytes.

    model = with_metadata(unpack(flatbuffer), About("porch", "cat or dog", "2026-11-23", "Ada"))

Source: the schema, github.com/tensorflow/tflite-support,
tensorflow_lite_support/metadata/metadata_schema.fbs. The only package that would write it brings
a vision library and plots along, so the few tables are written here.
"""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from galago.convert.flatbuffer import Builder, Model

NAME = b"TFLITE_METADATA"  # of the model's metadata entry that readers look for
IDENTIFIER = b"M001"
LABELS = "labels.txt"

_MIN_PARSER_VERSION = "1.0.0"  # every field used below is as old as the schema

# The schema's enumerations and unions.
_RGB = 1
_IMAGE_PROPERTIES = 2
_NORMALIZATION_OPTIONS = 1
_TENSOR_AXIS_LABELS = 2


@dataclass(frozen=True, slots=True)
class About:
    """What people read: the model's name, what it tells apart, its version, who made it.

    An empty text is left out of the file.
    """

    name: str
    description: str
    version: str
    author: str


def description(labels: Sequence[str]) -> str:
    """What the model does; short, as the labels have a file of their own."""
    return f"Tells {len(labels)} kinds of pictures apart."


def with_metadata(model: Model, about: About) -> Model:
    """The same model with metadata, in place of any that it had; `model` itself stays as it is."""
    content = schema.BufferT(data=np.frombuffer(metadata(about), np.uint8))
    old = [entry for entry in model.metadata or () if entry.name == NAME]
    index = old[0].buffer if old else len(model.buffers)
    others = [entry for entry in model.metadata or () if entry.name != NAME]
    result = copy(model)
    result.metadata = [*others, schema.MetadataT(name=NAME, buffer=index)]
    result.buffers = [*model.buffers[:index], content, *model.buffers[index + 1 :]]
    return result


def metadata(about: About) -> bytes:
    """The metadata of an image classifier: a flatbuffer of its own, marked M001."""
    builder = Builder(0)
    graph = _table(
        builder,
        {2: _tables(builder, [_image(builder)]), 3: _tables(builder, [_scores(builder)])},
    )
    texts = {
        0: about.name,
        1: about.description,
        2: about.version,
        4: about.author,
        7: _MIN_PARSER_VERSION,
    }
    fields = {slot: builder.CreateString(text) for slot, text in texts.items() if text}
    fields[3] = _tables(builder, [graph])
    builder.Finish(_table(builder, fields), IDENTIFIER)
    return bytes(builder.Output())


def _image(builder: Builder) -> int:
    """TensorMetadata of the input."""
    properties = _table(builder, {}, enums={0: _RGB})
    content = _table(builder, {1: properties}, enums={0: _IMAGE_PROPERTIES})
    options = _table(builder, {0: _floats(builder, 0), 1: _floats(builder, 1)})
    normalization = _table(builder, {1: options}, enums={0: _NORMALIZATION_OPTIONS})
    fields = {
        0: builder.CreateString("image"),
        3: content,
        4: _tables(builder, [normalization]),
        5: _stats(builder, 0, 255),
    }
    return _table(builder, fields)


def _scores(builder: Builder) -> int:
    """TensorMetadata of the output."""
    labels = _table(builder, {0: builder.CreateString(LABELS)}, enums={2: _TENSOR_AXIS_LABELS})
    fields = {
        0: builder.CreateString("scores"),
        5: _stats(builder, 0, 1),
        6: _tables(builder, [labels]),
    }
    return _table(builder, fields)


def _stats(builder: Builder, least: float, most: float) -> int:
    return _table(builder, {0: _floats(builder, most), 1: _floats(builder, least)})


def _floats(builder: Builder, *values: float) -> int:
    return builder.CreateNumpyVector(np.array(values, np.float32))


def _tables(builder: Builder, offsets: Sequence[int]) -> int:
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    vector: int = builder.EndVector()
    return vector


def _table(
    builder: Builder, references: dict[int, int], enums: dict[int, int] | None = None
) -> int:
    """A table of references and one-byte enumerations, by their place in the schema's table."""
    enums = enums or {}
    builder.StartObject(1 + max([*references, *enums]))
    for slot, value in enums.items():
        builder.PrependInt8Slot(slot, value, 0)
    for slot, offset in references.items():
        builder.PrependUOffsetTRelativeSlot(slot, offset, 0)
    return builder.EndObject()
