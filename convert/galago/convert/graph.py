"""Surgery on a TFLite graph: pixels in, scores out, whatever the model wanted before.

- Behind `take_pixels` the input is uint8, 0–255, as a camera gives it; the model normalises inside.
- Behind `take_rgb` it is RGB, also where the network has learnt BGR.
- Behind `finish` the output is one row of scores, 0–1, also for programs that know nothing of us.
- Everything between stays as it is: same operations, same weights, same answers.

    model = unpack(flatbuffer)
    take_pixels(model, mean=(127.5,), std=(127.5,))
    take_rgb(model)  # only where the network wants BGR
    finish(model, "logits")
    flatbuffer = pack(model)

Convention: `mean` and `std` have one value, or one for each channel in the order of the model's
input; the model was made for the real values (pixel − mean) / std.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from galago.convert.flatbuffer import Model, builtin_code
from galago.errors import ModelFileError

Channels: TypeAlias = tuple[float, ...]
Ending = Literal["softmax", "sigmoid", "logits"]

_Type, _Operator, _Options = schema.TensorType, schema.BuiltinOperator, schema.BuiltinOptions
_QUANTIZED = {
    int(_Type.UINT8): np.iinfo(np.uint8),
    int(_Type.INT8): np.iinfo(np.int8),
}
_TYPES = {**_QUANTIZED, int(_Type.FLOAT32): None}
_PASSING = {_Operator.RESHAPE, _Operator.DEQUANTIZE, _Operator.QUANTIZE}
# From the tensors that it reads and writes to an operation.
Step: TypeAlias = Callable[[int, int], Any]

_SCORE_STEP = 1 / 256  # what TFLite's integer SOFTMAX and LOGISTIC demand


@dataclass(frozen=True, slots=True)
class Border:
    """The input or output of a graph; `scale` is 0 where it is float."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    scale: float
    zero_point: int

    @property
    def real_range(self) -> tuple[float, float] | None:
        """Least and greatest real value that a quantized tensor can hold; None for float."""
        if self.scale == 0:
            return None
        limits = np.iinfo(self.dtype)
        return (
            (limits.min - self.zero_point) * self.scale,
            (limits.max - self.zero_point) * self.scale,
        )

    def pixels(self, real: NDArray[Any]) -> NDArray[np.uint8]:
        """Real values in the bytes of a quantized tensor, as the pixels 0–255 that stand for these.

        Bytes are pixels for uint8 and pixels − 128 for int8.
        """
        limits = np.iinfo(self.dtype)
        steps = np.rint(real / self.scale) + self.zero_point
        pixels: NDArray[np.uint8] = (steps.clip(limits.min, limits.max) - limits.min).astype(
            np.uint8
        )
        return pixels


def input_of(model: Model) -> Border:
    """The model's image input.

    Raises:
        ModelFileError: it has several graphs or inputs, or the input is no (1, h, w, 3) picture.
    """
    graph = _only_graph(model)
    border = _border(graph.tensors[_only(graph.inputs, "input")])
    if len(border.shape) != 4 or border.shape[0] != 1 or border.shape[3] != 3:
        raise ModelFileError(
            f"the input must be (1, height, width, 3), colour pictures with channels last; this "
            f"model's is {border.shape}"
        )
    return border


def output_of(model: Model) -> Border:
    """The model's row of outputs.

    Raises:
        ModelFileError: it has several graphs or outputs.
    """
    graph = _only_graph(model)
    return _border(graph.tensors[_only(graph.outputs, "output")])


def natural_range(border: Border) -> tuple[Channels, Channels] | None:
    """The mean and std with which pixels are a quantized input's own bytes; None for float.

    Bytes are pixels for uint8 and pixels − 128 for int8: there is one reading only.
    """
    if border.scale == 0:
        return None
    shift = 128 if border.dtype == "int8" else 0
    return (float(border.zero_point + shift),), (1 / border.scale,)


def ending_of(model: Model) -> Ending:
    """How the graph ends: the last operation that is more than a change of shape or type."""
    graph = _only_graph(model)
    producer = {int(out): op for op in graph.operators for out in op.outputs}
    operator = producer.get(int(graph.outputs[0]))
    while operator is not None and _code(model, operator) in _PASSING:
        operator = producer.get(int(operator.inputs[0]))
    code = None if operator is None else _code(model, operator)
    if code == _Operator.SOFTMAX:
        return "softmax"
    return "sigmoid" if code == _Operator.LOGISTIC else "logits"


def take_pixels(model: Model, mean: Channels, std: Channels) -> None:
    """Make the input uint8 pixels, 0–255.

    Where a quantized input's bytes are the pixels already, give or take one step of rounding, they
    go in as they are (uint8) or with 128 taken off (int8, one QUANTIZE). Otherwise the model
    normalises in float32, as one does by hand, and quantizes again where it is quantized.
    """
    graph, guest = _only_graph(model), input_of(model)
    _fix_batch(graph)
    inner = int(graph.inputs[0])
    if not is_pixels(guest, mean, std):
        outer = _normalise(model, inner, mean, std)
    elif guest.dtype == "int8":
        outer = _add_tensor(graph, guest.shape, _Type.UINT8, guest.scale, guest.zero_point + 128)
        _prepend(graph, [_operator(model, _Operator.QUANTIZE, [outer], [inner])])
    else:
        return
    _enter(model, outer, b"_normalised")


def take_rgb(model: Model) -> None:
    """Turn the uint8 input of a BGR network into RGB: one GATHER reverses the channels."""
    graph, border = _only_graph(model), input_of(model)
    outer = _add_tensor(graph, border.shape, _Type.UINT8, border.scale, border.zero_point)
    order = _add_constant(model, np.array([2, 1, 0], np.int32))
    operator = _operator(model, _Operator.GATHER, [outer, order], [int(graph.inputs[0])])
    operator.builtinOptionsType = _Options.GatherOptions
    operator.builtinOptions = schema.GatherOptionsT()
    operator.builtinOptions.axis = 3
    _prepend(graph, [operator])
    _enter(model, outer, b"_bgr")


def is_pixels(border: Border, mean: Channels, std: Channels) -> bool:
    """Whether a quantized input's bytes are the pixels, off by one step at most."""
    if border.scale == 0:
        return False
    pixels = np.arange(256.0)[:, None]
    real = (pixels - np.array(mean)) / np.array(std)
    return bool(np.abs(border.pixels(real) - pixels).max() <= 1)


def finish(model: Model, ending: Ending) -> None:
    """Make the output one row of scores, (1, n), float32 or uint8, where it is `ending` now.

    Logits get a SOFTMAX, a single one a LOGISTIC, in the type that they have.
    """
    _only_graph(model)
    if len(output_of(model).shape) != 2:
        _flatten(model)
    if ending == "logits":
        _activate(model)
    if output_of(model).dtype == "int8":
        _shift_to_uint8(model)


def _activate(model: Model) -> None:
    graph, border = _only_graph(model), output_of(model)
    logits = int(graph.outputs[0])
    scale = _SCORE_STEP if border.scale else 0
    zero_point = np.iinfo(border.dtype).min if border.scale else 0
    outer = _add_tensor(graph, border.shape, _type_of(border), scale, zero_point)
    version = 2 if border.dtype == "int8" else 1
    if border.shape[-1] == 1:
        operator = _operator(model, _Operator.LOGISTIC, [logits], [outer], version)
    else:
        operator = _softmax(model, logits, outer, version)
    _append(model, operator, outer)


def _shift_to_uint8(model: Model) -> None:
    """128 added, exactly: other programs read uint8 and float outputs only."""
    graph, border = _only_graph(model), output_of(model)
    zero_point = border.zero_point + 128
    outer = _add_tensor(graph, border.shape, _Type.UINT8, border.scale, zero_point)
    _append(model, _operator(model, _Operator.QUANTIZE, [int(graph.outputs[0])], [outer]), outer)


def _normalise(model: Model, inner: int, mean: Channels, std: Channels) -> int:
    """Operations from pixels to the guest's input; returns the tensor of pixels."""
    graph = _only_graph(model)
    guest = _border(graph.tensors[inner])
    pixels = _add_tensor(graph, guest.shape, _Type.UINT8, 1, 0)
    # Subtract, then divide, as everyone does by hand: the same rounding, so the same answers.
    steps = [_alone(model, _Operator.DEQUANTIZE)]
    if set(mean) != {0.0}:
        sub = (_Operator.SUB, schema.SubOptionsT, _Options.SubOptions)
        steps.append(_with_constant(model, *sub, mean))
    if set(std) != {1.0}:
        div = (_Operator.DIV, schema.DivOptionsT, _Options.DivOptions)
        steps.append(_with_constant(model, *div, std))
    if guest.scale:
        steps.append(_alone(model, _Operator.QUANTIZE))
    operators, source = [], pixels
    for number, step in enumerate(steps, start=1):
        last = number == len(steps)
        target = inner if last else _add_tensor(graph, guest.shape, _Type.FLOAT32)
        operators.append(step(source, target))
        source = target
    _prepend(graph, operators)
    return pixels


def _alone(model: Model, code: int) -> Step:
    return lambda source, target: _operator(model, code, [source], [target])


def _with_constant(
    model: Model, code: int, options: Callable[[], Any], kind: int, values: Channels
) -> Step:
    constant = _add_constant(model, np.array(values, np.float32))

    def step(source: int, target: int) -> Any:
        operator = _operator(model, code, [source, constant], [target])
        operator.builtinOptionsType, operator.builtinOptions = kind, options()
        return operator

    return step


def _softmax(model: Model, logits: int, outer: int, version: int) -> Any:
    operator = _operator(model, _Operator.SOFTMAX, [logits], [outer], version)
    operator.builtinOptionsType = _Options.SoftmaxOptions
    operator.builtinOptions = schema.SoftmaxOptionsT()
    operator.builtinOptions.beta = 1.0
    return operator


def _flatten(model: Model) -> None:
    """(1, 1, 1, n) or (n,) to (1, n)."""
    graph, border = _only_graph(model), output_of(model)
    size = int(np.prod(border.shape))
    if size != max(border.shape, default=0):
        raise ModelFileError(f"the output must be (1, classes), this model's is {border.shape}")
    inner = int(graph.outputs[0])
    outer = _add_tensor(graph, (1, size), _type_of(border), border.scale, border.zero_point)
    shape = _add_constant(model, np.array([1, size], np.int32))
    operator = _operator(model, _Operator.RESHAPE, [inner, shape], [outer])
    operator.builtinOptionsType = _Options.ReshapeOptions
    operator.builtinOptions = schema.ReshapeOptionsT()
    operator.builtinOptions.newShape = np.array([1, size], np.int32)
    _append(model, operator, outer)


def _enter(model: Model, outer: int, suffix: bytes) -> None:
    """Make `outer` the input; it takes over the name of the tensor that was it."""
    graph = _only_graph(model)
    inner = int(graph.inputs[0])
    graph.tensors[outer].name = graph.tensors[inner].name
    graph.tensors[inner].name = (graph.tensors[inner].name or b"") + suffix
    _rewire(model, "inputs", inner, outer)


def _append(model: Model, operator: Any, outer: int) -> None:
    """Add the last operation; the output's name goes over to its result."""
    graph = _only_graph(model)
    inner = int(graph.outputs[0])
    graph.operators.append(operator)
    graph.tensors[outer].name = graph.tensors[inner].name
    graph.tensors[inner].name = (graph.tensors[inner].name or b"") + b"_raw"
    _rewire(model, "outputs", inner, outer)


def _prepend(graph: Any, operators: list[Any]) -> None:
    graph.operators = [*operators, *graph.operators]


def _rewire(model: Model, side: Literal["inputs", "outputs"], inner: int, outer: int) -> None:
    """Name another tensor as the model's input or output, in its signatures too."""
    setattr(_only_graph(model), side, np.array([outer], np.int32))
    for signature in model.signatureDefs or ():
        for entry in getattr(signature, side) or ():
            if entry.tensorIndex == inner:
                entry.tensorIndex = outer


def _fix_batch(graph: Any) -> None:
    """A batch of any size becomes the one picture that the shapes already say."""
    for tensor in graph.tensors:
        signature = tensor.shapeSignature
        if signature is not None and np.array_equal(signature[1:], tensor.shape[1:]):
            tensor.shapeSignature = None


def _operator(
    model: Model, code: int, inputs: Sequence[int], outputs: Sequence[int], version: int = 1
) -> Any:
    operator = schema.OperatorT()
    operator.opcodeIndex = _opcode(model, code, version)
    operator.inputs = np.array(inputs, np.int32)
    operator.outputs = np.array(outputs, np.int32)
    return operator


def _opcode(model: Model, code: int, version: int) -> int:
    """Where the model's table lists this operation in this version; added if it does not."""
    for index, entry in enumerate(model.operatorCodes):
        if builtin_code(entry) == code and entry.version == version:
            return index
    entry = schema.OperatorCodeT()
    # Interpreters older than the wider field read the narrow one.
    entry.builtinCode, entry.deprecatedBuiltinCode, entry.version = code, code, version
    model.operatorCodes.append(entry)
    return len(model.operatorCodes) - 1


def _code(model: Model, operator: Any) -> int:
    return builtin_code(model.operatorCodes[operator.opcodeIndex])


def _add_tensor(
    graph: Any, shape: tuple[int, ...], type_: int, scale: float = 0, zero_point: int = 0
) -> int:
    tensor = schema.TensorT()
    tensor.shape, tensor.type = np.array(shape, np.int32), type_
    tensor.name = f"galago_{len(graph.tensors)}".encode()
    if scale:
        tensor.quantization = schema.QuantizationParametersT()
        tensor.quantization.scale = np.array([scale], np.float32)
        tensor.quantization.zeroPoint = np.array([zero_point], np.int64)
    graph.tensors.append(tensor)
    return len(graph.tensors) - 1


def _add_constant(model: Model, values: NDArray[Any]) -> int:
    type_ = _Type.INT32 if values.dtype == np.int32 else _Type.FLOAT32
    index = _add_tensor(_only_graph(model), values.shape, type_)
    buffer = schema.BufferT()
    buffer.data = np.frombuffer(values.tobytes(), np.uint8)
    model.buffers.append(buffer)
    _only_graph(model).tensors[index].buffer = len(model.buffers) - 1
    return index


def _only_graph(model: Model) -> Any:
    if len(model.subgraphs or ()) != 1:
        raise ModelFileError(
            f"an image classifier has one graph, this model has {len(model.subgraphs or ())}: "
            "models with branches or loops cannot be adopted"
        )
    return model.subgraphs[0]


def _only(indices: Any, what: str) -> int:
    count = 0 if indices is None else len(indices)
    if count != 1:
        raise ModelFileError(f"an image classifier has one {what}, this model has {count}")
    return int(indices[0])


def _border(tensor: Any) -> Border:
    name = (tensor.name or b"a tensor without name").decode(errors="replace")
    shape = tuple(int(size) for size in (() if tensor.shape is None else tensor.shape))
    if tensor.type not in _TYPES:
        raise ModelFileError(
            f"{name} must be uint8, int8 or float32, this model's has TFLite type {tensor.type}"
        )
    limits = _TYPES[tensor.type]
    if limits is None:
        return Border(name, shape, "float32", 0.0, 0)
    quantization = tensor.quantization
    if quantization is None or quantization.scale is None or len(quantization.scale) != 1:
        raise ModelFileError(f"{name} is an integer without one scale: its meaning is unknown")
    scale, zero_point = float(quantization.scale[0]), int(quantization.zeroPoint[0])
    return Border(name, shape, limits.dtype.name, scale, zero_point)


def _type_of(border: Border) -> int:
    return next(
        type_
        for type_, limits in _TYPES.items()
        if border.dtype == ("float32" if limits is None else limits.dtype.name)
    )
