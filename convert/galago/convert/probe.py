"""Look into a flatbuffer while it computes: every operation, every activation.

- Reference kernels, no delegate, one thread: a delegate fuses activations away.
- Real values, whatever the tensors' types.

    probe = Probe(flatbuffer)
    probe.run(image)
    for operation in probe.operations:
        probe.value(operation.output)  # float32
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from numpy.typing import NDArray

from galago.bundle.interpreter import Tensor, dequantize
from galago.bundle.preprocess import Pixels
from galago.convert.flatbuffer import builtin_code, unpack
from galago.noise import hushed

_KINDS = {
    code: name for name, code in vars(schema.BuiltinOperator).items() if isinstance(code, int)
}


@dataclass(frozen=True, slots=True)
class Operation:
    """A node of the graph; `inputs` and `output` are numbers of tensors, −1 for one left out."""

    kind: str  # as the schema calls it, CONV_2D for example
    inputs: tuple[int, ...]
    output: int
    options: Any


class Probe:
    """A flatbuffer with one input and one graph, taken apart and loaded.

    Raises:
        ModelFileError: it is no flatbuffer.
    """

    def __init__(self, flatbuffer: bytes) -> None:
        self.model = unpack(flatbuffer)
        self.graph = self.model.subgraphs[0]
        self.input = int(self.graph.inputs[0])
        self.operations = tuple(self._operation(node) for node in self.graph.operators)
        with hushed():
            self._interpreter = Interpreter(
                model_content=flatbuffer,
                num_threads=1,
                experimental_preserve_all_tensors=True,
                experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
            )
            self._interpreter.allocate_tensors()
        details = self._interpreter.get_tensor_details()
        self._tensors = {tensor["index"]: Tensor.from_details(tensor) for tensor in details}
        self._quantization = {
            tensor["index"]: tensor["quantization_parameters"] for tensor in details
        }

    def run(self, image: Pixels) -> None:
        """Compute all activations of a prepared picture, (h, w, 3) uint8."""
        dtype = self._tensors[self.input].dtype
        shifted = image.astype(np.int16) - (128 if dtype == np.int8 else 0)
        self._interpreter.set_tensor(self.input, shifted.astype(dtype)[None])
        self._interpreter.invoke()

    def value(self, tensor: int) -> NDArray[np.float32]:
        """Real values of an activation after `run`, in its own shape."""
        return dequantize(self._interpreter.get_tensor(tensor), self._tensors[tensor])

    def quantization(self, tensor: int) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
        """Scales and zero points of a tensor: one, one per channel, or none for floats."""
        found = self._quantization[tensor]
        return found["scales"], found["zero_points"]

    def shape(self, tensor: int) -> tuple[int, ...]:
        """Of an activation or a weight."""
        return tuple(int(side) for side in self.graph.tensors[tensor].shape)

    def constant(self, tensor: int) -> NDArray[Any] | None:
        """A weight as it is stored, in its own shape; None for what is computed."""
        if tensor < 0:
            return None
        buffer = self.model.buffers[self.graph.tensors[tensor].buffer].data
        if buffer is None or not len(buffer):
            return None
        raw: NDArray[Any] = self._interpreter.get_tensor(tensor)
        return raw

    def name(self, tensor: int) -> str:
        """The converter's name of a tensor."""
        text: bytes = self.graph.tensors[tensor].name or b""
        return text.decode()

    def _operation(self, node: Any) -> Operation:
        kind = _KINDS[builtin_code(self.model.operatorCodes[node.opcodeIndex])]
        inputs = tuple(int(tensor) for tensor in node.inputs)
        return Operation(kind, inputs, int(node.outputs[0]), node.builtinOptions)
