"""One face for the three TFLite interpreters.

- ai-edge-litert is tried first, then tflite-runtime, then TensorFlow's own (docs/adr/0005).
- TensorFlow is imported only where neither of the others is installed: never on a device.
- Whatever the C++ side throws for a bad model leaves here as ModelFileError.

    interpreter = Interpreter(flatbuffer, threads=1)
    interpreter.write(image)  # (h, w, 3) uint8
    raw = interpreter.invoke()  # (n,) uint8, int8 or float32
"""

import importlib
import importlib.metadata
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from galago.bundle.preprocess import Pixels
from galago.errors import InterpreterError, ModelFileError
from galago.noise import hushed

# Distribution → the module that holds its Interpreter class, in order of preference.
PROVIDERS = {
    "ai-edge-litert": "ai_edge_litert.interpreter",
    "tflite-runtime": "tflite_runtime.interpreter",
    "tensorflow": "tensorflow.lite.python.interpreter",
}

Raw: TypeAlias = NDArray[Any]

_DELEGATE = "DELEGATE"


@dataclass(frozen=True, slots=True)
class Tensor:
    """An input or output of the model; `scale` is 0 where the tensor is not quantized."""

    index: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    scale: float
    zero_point: int

    @classmethod
    def from_details(cls, details: dict[str, Any]) -> "Tensor":
        """Read what `get_input_details()` and `get_output_details()` tell."""
        scale, zero_point = details["quantization"]
        shape = tuple(int(size) for size in details["shape"])
        return cls(details["index"], shape, np.dtype(details["dtype"]), scale, zero_point)

    def __str__(self) -> str:
        return f"{self.shape} {self.dtype.name}"


class Interpreter:
    """A loaded image classifier: one image in, one row of raw outputs out.

    Args:
        flatbuffer: the TFLite model.
        threads: for the kernels, at least 1.
        provider: a key of PROVIDERS, or None for the first that works.
        plain: without accelerated kernels, as the slowest interpreter would compute.

    Raises:
        InterpreterError: none of the interpreters can be used.
        ModelFileError: the interpreter refuses the model, or it is not an image classifier.
    """

    def __init__(
        self,
        flatbuffer: bytes,
        threads: int = 1,
        provider: str | None = None,
        *,
        plain: bool = False,
    ) -> None:
        self.threads = threads
        try:
            with hushed():
                self.name, module = _find(provider)
                resolvers = module.OpResolverType
                self._tflite = module.Interpreter(
                    model_content=flatbuffer,
                    num_threads=threads,
                    experimental_op_resolver_type=resolvers.BUILTIN_WITHOUT_DEFAULT_DELEGATES
                    if plain
                    else resolvers.AUTO,
                )
                self._tflite.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise ModelFileError(
                f"{self.name} cannot load the model: {_one_line(error)}"
            ) from error
        self.input = self._only(self._tflite.get_input_details(), "input")
        self.output = self._only(self._tflite.get_output_details(), "output")
        _check_classifier(self.input, self.output)
        self._input_view = self._tflite.tensor(self.input.index)
        self._output_view = self._tflite.tensor(self.output.index)
        self._put = _WRITERS[self.input.dtype.name]

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the input, in pixels."""
        return self.input.shape[1], self.input.shape[2]

    @property
    def partitions(self) -> int:
        """How many pieces of the graph an accelerated backend (XNNPACK) took over; best is one.

        Source: `_get_ops_details`, private, yet the only way; present from 2.14 to LiteRT 2.3.
        """
        return sum(operation["op_name"] == _DELEGATE for operation in self._operations())

    @property
    def outside(self) -> tuple[str, ...]:
        """Names of the operations that no accelerated backend took over, in the graph's order."""
        operations = self._operations()
        own = [operation for operation in operations if operation["op_name"] != _DELEGATE]
        made_by = {int(tensor): row for row, op in enumerate(own) for tensor in op["outputs"]}
        inside: set[int] = set()
        for piece in operations[len(own) :]:
            reached = [int(tensor) for tensor in piece["outputs"]]
            borders = set(map(int, piece["inputs"]))
            while reached:
                row = made_by.get(reached.pop())
                if row is None or row in inside:
                    continue
                inside.add(row)
                reached += [int(tensor) for tensor in own[row]["inputs"] if tensor not in borders]
        return tuple(op["op_name"] for row, op in enumerate(own) if row not in inside)

    @property
    def is_integer(self) -> bool:
        """Whether the graph computes in signed integers, which come out alike on every processor.

        Floats do not, nor do the bytes that TensorFlow 1 computed in: LiteRT 2.3 has kernels of its
        own for them on a Cortex-A53 (docs/benchmarks.md). Bytes that only go in and out do.
        """
        borders = (self.input.index, self.output.index)
        return not any(
            np.issubdtype(tensor["dtype"], np.floating)
            or (tensor["dtype"] == np.uint8 and tensor["index"] not in borders)
            for tensor in self._tflite.get_tensor_details()
        )

    @property
    def delegated(self) -> bool:
        """Whether an accelerated backend took over at least a piece."""
        return self.partitions > 0

    def write(self, image: Pixels) -> None:
        """Copy an image into the input tensor.

        Convention: (h, w, 3) uint8 in the model's colour order. An int8 input gets the same values
        shifted by −128, a float input the same values 0–255: the graph itself normalises.
        """
        self._put(image, self._input_view()[0])

    def invoke(self) -> Raw:
        """Run the model on what was written.

        Returns:
            (n,) raw outputs in the model's dtype; a copy, safe to keep.

        Raises:
            ModelFileError: the model fails to run.
        """
        try:
            self._tflite.invoke()
        except (ValueError, RuntimeError) as error:
            raise ModelFileError(f"{self.name} cannot run the model: {_one_line(error)}") from error
        result: Raw = self._output_view()[0].copy()
        return result

    def _operations(self) -> list[dict[str, Any]]:
        """The graph's operations, behind them one DELEGATE for each piece that was taken over."""
        operations: list[dict[str, Any]] = self._tflite._get_ops_details()  # noqa: SLF001
        return operations

    def _only(self, details: list[dict[str, Any]], what: str) -> Tensor:
        if len(details) != 1:
            raise ModelFileError(
                f"an image classifier has one {what}, this model has {len(details)}"
            )
        return Tensor.from_details(details[0])


def dequantize(raw: Raw, tensor: Tensor) -> NDArray[np.float32]:
    """Raw outputs to real values, (n,) float32: `(raw − zero_point) · scale` where quantized."""
    if tensor.scale == 0:
        return raw.astype(np.float32)
    shifted = raw.astype(np.float32) - np.float32(tensor.zero_point)
    return shifted * np.float32(tensor.scale)


def _find(provider: str | None) -> tuple[str, Any]:
    """Name and version of the first interpreter that can be used, and its module."""
    reasons = []
    for distribution in [provider] if provider else PROVIDERS:
        try:
            module = importlib.import_module(PROVIDERS[distribution])
        except ImportError as error:  # also a wheel for another C library
            reasons.append(f"{distribution}: {_one_line(error)}")
            continue
        version = importlib.metadata.version(distribution)
        reason = _numpy_trap(distribution)
        if reason is None:
            return f"{distribution} {version}", module
        reasons.append(reason)
    raise InterpreterError(
        "no TFLite interpreter can be used; install one with pip install ai-edge-litert "
        f"(tried {'; '.join(reasons)})"
    )


def _numpy_trap(distribution: str) -> str | None:
    """tflite-runtime was built against numpy 1: with numpy 2 it imports, then breaks when used."""
    if distribution == "tflite-runtime" and int(np.__version__.split(".")[0]) >= 2:
        found = np.__version__
        return f"tflite-runtime: it needs numpy < 2 and found {found}, pip install 'numpy<2'"
    return None


def _check_classifier(input_: Tensor, output: Tensor) -> None:
    n_dimensions, channels = 4, 3
    shape = input_.shape
    if len(shape) != n_dimensions or shape[0] != 1 or shape[3] != channels:
        raise ModelFileError(f"the input must be (1, height, width, 3), this model's is {input_}")
    if input_.dtype.name not in _WRITERS:
        raise ModelFileError(f"the input must be uint8, int8 or float32, this model's is {input_}")
    if len(output.shape) != 2 or output.shape[0] != 1:
        raise ModelFileError(f"the output must be (1, classes), this model's is {output}")


def _put_bytes(image: Pixels, tensor: Raw) -> None:
    # As `tensor[...] = image`; but numpy lets go of Python's lock for that, and to get it back from
    # a thread that prepares the next picture takes ten times as long as to copy 12 kB.
    tensor.data.cast("B")[:] = np.ascontiguousarray(image).data.cast("B")


def _put_same(image: Pixels, tensor: Raw) -> None:
    tensor[...] = image


def _put_shifted(image: Pixels, tensor: Raw) -> None:
    # x − 128 as int8 is x with its top bit flipped: one pass, exact, no wider type in between.
    np.bitwise_xor(image, np.uint8(0x80), out=tensor.view(np.uint8))


_WRITERS = {"uint8": _put_bytes, "int8": _put_shifted, "float32": _put_same}


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())
