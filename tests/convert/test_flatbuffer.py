"""Flatbuffers taken apart and put together: the same model, aligned, smaller, always the same."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from galago.bundle.interpreter import Interpreter
from galago.bundle.preprocess import Pixels
from galago.convert.flatbuffer import compact, pack, unpack
from galago.errors import ModelFileError
from tests.convert.guests import by_tensorflow

FOREIGN = ("mobilenet_v1_0.25_128_quant.tflite", "mlperf_tiny_resnet8_int8.tflite")
SIDE = 32


def noise(n: int, side: int = SIDE) -> Pixels:
    return np.random.default_rng(5).integers(0, 256, (n, side, side, 3), np.uint8)


@pytest.fixture(scope="module")
def converted() -> bytes:
    """A residual network as TensorFlow's converter writes it."""
    from galago.train.models import build
    from galago.train.tensorflow import keras

    image = keras.Input(batch_shape=(1, SIDE, SIDE, 3), name="image")
    model = keras.Model(image, build("resnet8", (SIDE, SIDE), 10).model(image))
    return by_tensorflow(model, "uint8", noise(4).astype(np.float32))


def outputs(flatbuffer: bytes, provider: str | None = None) -> NDArray[Any]:
    interpreter = Interpreter(flatbuffer, provider=provider)
    rows = []
    for image in noise(8, interpreter.size[0]):
        interpreter.write(image)
        rows.append(interpreter.invoke())
    return np.stack(rows)


def addresses(flatbuffer: bytes, vector: Callable[[Any], NDArray[Any]]) -> dict[bytes, set[int]]:
    """Content → places in the file, of one vector of each quantized tensor."""
    graph = schema.Model.GetRootAs(flatbuffer).Subgraphs(0)
    start = np.frombuffer(flatbuffer, np.uint8).ctypes.data
    found: dict[bytes, set[int]] = {}
    for index in range(graph.TensorsLength()):
        values = vector(graph.Tensors(index).Quantization())
        if isinstance(values, np.ndarray):  # the generated reader gives 0 where there is none
            found.setdefault(values.tobytes(), set()).add(values.ctypes.data - start)
    return found


@pytest.mark.parametrize("provider", ["ai-edge-litert", "tensorflow"])
def test_the_answers_stay_bit_for_bit(converted: bytes, provider: str) -> None:
    """A packed and a compact model answer as the converter's own did."""
    expected = outputs(converted, provider)
    assert len(np.unique(expected, axis=0)) > 1
    for model in (unpack(converted), compact(unpack(converted))):
        assert np.array_equal(outputs(pack(model), provider), expected)


def test_the_graph_stays_one_piece_for_the_accelerator(converted: bytes) -> None:
    """XNNPACK takes all of a compact model."""
    assert Interpreter(pack(compact(unpack(converted)))).partitions == 1


@pytest.mark.parametrize("name", FOREIGN)
def test_foreign_models_answer_as_before(shared: Path, name: str) -> None:
    """Models that other programs have written go through unharmed."""
    content = (shared / "models" / name).read_bytes()
    assert np.array_equal(outputs(pack(unpack(content))), outputs(content))
    assert np.array_equal(outputs(pack(compact(unpack(content)))), outputs(content))


def test_weights_lie_at_multiples_of_16_bytes(converted: bytes) -> None:
    """As the schema asks, seen in the real bytes; flatbuffers' own packing does not do it."""
    packed = pack(unpack(converted))
    start = np.frombuffer(packed, np.uint8).ctypes.data
    model = schema.Model.GetRootAs(packed)
    buffers = [model.Buffers(index) for index in range(model.BuffersLength())]
    places = [buffer.DataAsNumpy().ctypes.data - start for buffer in buffers if buffer.DataLength()]
    assert len(places) > 10
    assert {place % 16 for place in places} == {0}


def test_the_same_model_gives_the_same_bytes(converted: bytes) -> None:
    """Packing twice, and packing what was packed, changes nothing."""
    packed = pack(compact(unpack(converted)))
    assert packed == pack(compact(unpack(converted)))
    assert packed == pack(compact(unpack(packed)))
    assert packed[4:8] == b"TFL3"


def test_equal_vectors_are_written_once(converted: bytes) -> None:
    """All tensors with sixteen zero points of 0 refer to the same sixteen."""
    before = addresses(converted, lambda quantization: quantization.ZeroPointAsNumpy())
    after = addresses(pack(unpack(converted)), lambda quantization: quantization.ZeroPointAsNumpy())
    assert before.keys() == after.keys()
    assert max(map(len, before.values())) > 5
    assert max(map(len, after.values())) == 1


def test_packing_and_compacting_each_make_the_file_smaller(converted: bytes) -> None:
    """Repetition goes first, then names: a twentieth of a small file at least."""
    packed, compacted = pack(unpack(converted)), pack(compact(unpack(converted)))
    assert len(compacted) < len(packed) < len(converted)
    assert len(compacted) < 0.95 * len(converted)


def test_inputs_and_outputs_keep_their_names(converted: bytes) -> None:
    """Who looks for the input or the output by name or by signature finds it."""
    before, after = unpack(converted), unpack(pack(compact(unpack(converted))))
    graph, compacted = before.subgraphs[0], after.subgraphs[0]
    outer = [*graph.inputs, *graph.outputs]
    assert [*compacted.inputs, *compacted.outputs] == outer
    assert [compacted.tensors[i].name for i in outer] == [graph.tensors[i].name for i in outer]
    assert sum(tensor.name is not None for tensor in compacted.tensors) == len(outer)
    ends = [
        [(end.name, end.tensorIndex) for end in (*signature.inputs, *signature.outputs)]
        for signature in (*before.signatureDefs, *after.signatureDefs)
    ]
    assert ends[0] == ends[1]


def test_compacting_leaves_the_original_as_it_is(converted: bytes) -> None:
    """Who still needs the inner names has them."""
    model = unpack(converted)
    before = pack(model)
    compact(model)
    assert pack(model) == before


def test_other_tools_read_a_compact_model(
    converted: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    """TensorFlow's analyzer finds the operations and the signature."""
    from galago.train.tensorflow import tf

    tf.lite.experimental.Analyzer.analyze(model_content=pack(compact(unpack(converted))))
    said = capfd.readouterr().out
    assert "CONV_2D" in said
    assert "SOFTMAX" in said
    assert "'image' : T#" in said


@pytest.mark.parametrize("content", [b"", b"PK\3\4 no model at all", b"\0\0\0\0TFL3"])
def test_what_is_no_model_is_refused(content: bytes) -> None:
    """Other files are one clear error."""
    with pytest.raises(ModelFileError, match=r"not a TFLite model|damaged"):
        unpack(content)


def test_a_model_cut_short_is_refused(converted: bytes) -> None:
    """Half a flatbuffer is no flatbuffer."""
    with pytest.raises(ModelFileError, match="damaged"):
        unpack(converted[: len(converted) // 2])


def test_weights_outside_the_flatbuffer_are_refused(converted: bytes) -> None:
    """A very large model keeps weights behind its flatbuffer, where packing would lose them."""
    model = unpack(converted)
    model.buffers[-1].offset = 4096
    with pytest.raises(ModelFileError, match="behind its flatbuffer"):
        unpack(pack(model))
