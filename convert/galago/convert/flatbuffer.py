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
from collections.abc import Callable, Hashable
from copy import copy
from typing import Any, TypeAlias

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from flatbuffers import number_types
from numpy.typing import NDArray

from galago.errors import ModelFileError

Model: TypeAlias = Any  # schema.ModelT, which is untyped

IDENTIFIER = b"TFL3"
_ALIGNMENT = 16  # `Buffer.data` is declared (force_align: 16)

# What TensorFlow's converter says of itself; no interpreter reads it.
_CONVERTERS_NOTES = (b"CONVERSION_METADATA", b"min_runtime_version")


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
    if not model.subgraphs:
        raise ModelFileError("damaged: the model has no graph")
    if any(buffer.offset > 1 for buffer in model.buffers or ()):
        raise ModelFileError("the model keeps weights behind its flatbuffer, expected them inside")
    return model


def builtin_code(entry: Any) -> int:
    """The operation that an entry of the model's table `operatorCodes` stands for.

    The schema outgrew its first, narrower field, the only one that old writers fill.
    """
    return max(int(entry.builtinCode), int(entry.deprecatedBuiltinCode))


def pack(model: Model) -> bytes:
    """The flatbuffer of a model that `unpack` gave; deterministic, aligned, without repetition."""
    builder = Builder(0)
    builder.Finish(model.Pack(builder), IDENTIFIER)
    return bytes(builder.Output())


def compact(model: Model) -> Model:
    """The same model without what no interpreter reads; `model` itself stays as it is.

    Inputs and outputs keep their names; inner tensors lose theirs, which the converter makes as
    long as the way through the layers (look at layers before). The converter's notes go, and the
    empty buffers of tensors without weights become the one that the schema puts first.
    """
    result = copy(model)
    result.description = None  # it says which converter wrote it
    result.subgraphs = [_without_inner_names(graph) for graph in model.subgraphs]
    kept = [copy(entry) for entry in model.metadata or () if entry.name not in _CONVERTERS_NOTES]
    result.metadata = kept or None
    _drop_empty_buffers(result)
    return result


class Builder(flatbuffers.Builder):  # type: ignore[misc]  # the package has no types
    """A builder that writes nothing twice and aligns bytes.

    Several tables may refer to one vector, and several vectors to one table: a flatbuffer is a
    directed acyclic graph, and TFLite reads it in place. A table's fields are held back until its
    end, to recognize an equal one, and then written with the widest first, to need little padding.
    """

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self._written: dict[Any, int] = {}
        self._fields: list[_Field] = []

    def StartVector(self, elemSize: int, numElems: int, alignment: int) -> int:  # noqa: N802, N803
        """Start a vector; of bytes, at a multiple of 16."""
        # Bytes are weights, or a custom operation's options, which it does not harm.
        alignment = _ALIGNMENT if elemSize == 1 else alignment
        offset: int = super().StartVector(elemSize, numElems, alignment)
        return offset

    def CreateNumpyVector(self, x: NDArray[Any]) -> int:  # noqa: N802
        """Write a vector of numbers, or find it."""
        return self._once((x.dtype.str, x.tobytes()), super().CreateNumpyVector, x)

    def CreateString(self, s: str | bytes) -> int:  # noqa: N802
        """Write a text, or find it."""
        content = s.encode() if isinstance(s, str) else s
        return self._once(content, super().CreateString, content)

    def StartObject(self, numfields: int) -> None:  # noqa: N802
        """Start a table."""
        self._count, self._fields = numfields, []

    def PrependSlot(self, flags: Any, o: int, x: Any, d: Any) -> None:  # noqa: N802
        """Note a number of the table; one that is its default `d` needs no place."""
        if x != d:
            self._fields.append((o, flags, x))

    def PrependUOffsetTRelativeSlot(self, o: int, x: int, d: int) -> None:  # noqa: N802
        """Note a reference of the table."""
        if x != d:
            self._fields.append((o, None, x))

    def EndObject(self) -> int:  # noqa: N802
        """Write the table, or find it."""
        return self._once(tuple(self._fields), self._table, self._fields)

    def _table(self, fields: "list[_Field]") -> int:
        super().StartObject(self._count)
        for slot, flags, value in sorted(fields, key=_width, reverse=True):
            if flags is None:
                super().PrependUOffsetTRelativeSlot(slot, value, 0)
            else:
                super().PrependSlot(flags, slot, value, None)
        offset: int = super().EndObject()
        return offset

    def _once(self, content: Hashable, write: Callable[[Any], int], argument: Any) -> int:
        if content not in self._written:
            self._written[content] = write(argument)
        return self._written[content]


# Slot in the table, the scalar's type or None for a reference, value or offset.
_Field: TypeAlias = tuple[int, Any, Any]


def _width(field: _Field) -> int:
    flags = field[1] or number_types.UOffsetTFlags
    width: int = flags.bytewidth
    return width


def _without_inner_names(graph: Any) -> Any:
    result = copy(graph)
    outer = {*graph.inputs, *graph.outputs}
    result.tensors = [copy(tensor) for tensor in graph.tensors]
    for index, tensor in enumerate(result.tensors):
        tensor.name = tensor.name if index in outer else None
    return result


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
