"""TFLite flatbuffers, taken apart and put together again.

- `pack(unpack(x))` is the same model: same graph, same weights, same answers bit for bit.
- Weights lie at multiples of 16 bytes, as the schema asks and as kernels rely on.
- The same model gives the same bytes.
- Equal vectors and strings are written once: quantization repeats itself, hundreds of channels have
  the zero point 0 and hundreds of tensors a shape of four.
- `compact` drops what no interpreter reads, and only that.

    model = unpack(flatbuffer)
    flatbuffer = pack(compact(model))

Source: the schema, github.com/tensorflow/tensorflow, tensorflow/lite/schema/schema.fbs, whose
generated classes come with LiteRT.
"""

import struct
from copy import copy
from typing import Any, TypeAlias

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from galago.errors import ModelFileError

Model: TypeAlias = Any  # schema.ModelT, which is untyped

IDENTIFIER = b"TFL3"
_ALIGNMENT = 16  # `Buffer.data` is declared (force_align: 16)

_CONVERTERS_NOTES = b"CONVERSION_METADATA"  # its own settings; no interpreter reads them


def unpack(flatbuffer: bytes) -> Model:
    """The model as a tree of objects, `ai_edge_litert.schema_py_generated.ModelT`.

    Text is bytes in it, and vectors of numbers are read-only arrays on `flatbuffer`'s memory. The
    reader believes every offset: give it what an interpreter has accepted.

    Raises:
        ModelFileError: not a TFLite flatbuffer, damaged, or with weights outside of it.
    """
    if flatbuffer[4:8] != IDENTIFIER:
        raise ModelFileError("not a TFLite model (no TFL3 mark at its start)")
    try:
        model = schema.ModelT.InitFromPackedBuf(flatbuffer)
    except (struct.error, IndexError, TypeError, ValueError) as error:
        raise ModelFileError(f"damaged: the model cannot be taken apart ({error})") from error
    if any(buffer.offset > 1 for buffer in model.buffers or ()):
        raise ModelFileError("the model keeps weights behind its flatbuffer, expected them inside")
    return model


def pack(model: Model) -> bytes:
    """The flatbuffer of a model that `unpack` gave; deterministic, aligned, without repetition."""
    builder = _Builder(0)
    builder.Finish(model.Pack(builder), IDENTIFIER)
    return bytes(builder.Output())


def compact(model: Model) -> Model:
    """The same model without what no interpreter reads; `model` itself stays as it is.

    Inputs and outputs keep their names. Inner tensors that an operation computes keep the last two
    parts of theirs, enough to find a layer; weights and their like lose theirs. The converter's
    notes on its own settings go, and the empty buffers of tensors without weights become the one
    empty buffer that the schema puts first.
    """
    result = copy(model)
    result.subgraphs = [_compact_graph(graph) for graph in model.subgraphs]
    kept = [copy(entry) for entry in model.metadata or () if entry.name != _CONVERTERS_NOTES]
    result.metadata = kept or None
    _drop_empty_buffers(result)
    return result


class _Builder(flatbuffers.Builder):  # type: ignore[misc]  # the package has no types
    """A builder that aligns bytes and writes equal vectors and strings once.

    Several tables may refer to one vector: a flatbuffer is a directed acyclic graph, and TFLite
    reads it in place.
    """

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self._written: dict[tuple[str, bytes], int] = {}

    def StartVector(self, elemSize: int, numElems: int, alignment: int) -> int:  # noqa: N802, N803
        # A vector of bytes is weights (or a custom operation's options, which it does not harm).
        offset: int = super().StartVector(
            elemSize, numElems, _ALIGNMENT if elemSize == 1 else alignment
        )
        return offset

    def CreateNumpyVector(self, x: NDArray[Any]) -> int:  # noqa: N802
        key = (x.dtype.str, x.tobytes())
        if key not in self._written:
            self._written[key] = super().CreateNumpyVector(x)
        return self._written[key]

    def CreateString(self, s: Any, encoding: str = "utf-8", errors: str = "strict") -> int:  # noqa: N802
        content = s if isinstance(s, bytes) else s.encode(encoding, errors)
        key = ("text", content)
        if key not in self._written:
            self._written[key] = super().CreateString(content)
        return self._written[key]


def _compact_graph(graph: Any) -> Any:
    result = copy(graph)
    outer = {*graph.inputs, *graph.outputs}
    computed = {int(index) for operator in graph.operators for index in operator.outputs}
    result.tensors = [copy(tensor) for tensor in graph.tensors]
    for index, tensor in enumerate(result.tensors):
        if index not in outer:
            tensor.name = _short(tensor.name) if index in computed else None
    return result


def _short(name: bytes | None) -> bytes | None:
    """The end of the first of a name's parts: `net/block_1/conv/Relu6;net/…` to `conv/Relu6`."""
    return name and b"/".join(name.split(b";")[0].split(b"/")[-2:])


def _drop_empty_buffers(model: Model) -> None:
    """Number the buffers anew, without the empty ones; changes the tables it is given."""
    users = [tensor for graph in model.subgraphs for tensor in graph.tensors]
    users += model.metadata or ()
    used = {user.buffer for user in users if _content(model, user) is not None}
    order = sorted(used - {0})
    number = {old: new for new, old in enumerate(order, start=1)}
    for user in users:
        user.buffer = number.get(user.buffer, 0)
    # By the schema, buffer 0 is empty and stands for "no content".
    model.buffers = [schema.BufferT(), *(model.buffers[old] for old in order)]


def _content(model: Model, user: Any) -> NDArray[np.uint8] | None:
    data = model.buffers[user.buffer].data
    return data if data is not None and len(data) else None
