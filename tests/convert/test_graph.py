"""Pixels in, scores out, and in between the guest's own answers."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from galago.bundle.interpreter import Interpreter, dequantize
from galago.bundle.preprocess import Pixels
from galago.convert.flatbuffer import Model, pack, unpack
from galago.convert.graph import (
    ending_of,
    finish,
    input_of,
    is_pixels,
    natural_range,
    output_of,
    take_pixels,
    take_rgb,
)
from galago.errors import ModelFileError
from tests.convert.guests import Ending, Io, guest, network, pictures

MEAN, STD = (127.5,), (127.5,)


def adopted(
    flatbuffer: bytes, mean: tuple[float, ...] = MEAN, std: tuple[float, ...] = STD
) -> Model:
    model = unpack(flatbuffer)
    take_pixels(model, mean, std)
    return model


def run(flatbuffer: bytes, images: NDArray[Any]) -> NDArray[np.float32]:
    """What the interpreter answers to arrays given as they are, as real values."""
    interpreter = Interpreter(flatbuffer)
    rows = []
    for image in images:
        interpreter._input_view()[0][...] = image
        rows.append(dequantize(interpreter.invoke(), interpreter.output))
    return np.stack(rows)


def by_hand(flatbuffer: bytes, images: Pixels) -> NDArray[np.float32]:
    """The guest's answers to pictures normalised, and quantized where it is, in numpy."""
    border = input_of(unpack(flatbuffer))
    values = (images.astype(np.float32) - np.float32(127.5)) / np.float32(127.5)
    if border.scale:
        limits = np.iinfo(border.dtype)
        steps = np.rint(values / np.float32(border.scale)) + border.zero_point
        return run(flatbuffer, steps.clip(limits.min, limits.max).astype(border.dtype))
    return run(flatbuffer, values)


def test_a_float_guest_gives_the_same_answers_to_bare_pixels() -> None:
    """Bit for bit those of pictures normalised by hand: the same operations in the same order."""
    images, _ = pictures()
    flatbuffer = pack(adopted(guest("float32")))
    assert Interpreter(flatbuffer).input.dtype == np.uint8
    assert np.array_equal(run(flatbuffer, images), by_hand(guest("float32"), images))


@pytest.mark.parametrize("io", ["uint8", "int8"])
def test_a_quantized_guest_gets_its_own_bytes(io: Io) -> None:
    """Pixels are its bytes already, or 128 more: the same answers as the bytes themselves."""
    images, _ = pictures()
    bytes_ = images if io == "uint8" else (images.astype(np.int16) - 128).astype(np.int8)
    flatbuffer = pack(adopted(guest(io)))
    assert Interpreter(flatbuffer).input.dtype == np.uint8
    assert np.array_equal(run(flatbuffer, images), run(guest(io), bytes_))
    assert np.abs(run(flatbuffer, images) - by_hand(guest(io), images)).max() <= 4 / 256


def test_a_quantized_guest_of_another_range_is_given_it() -> None:
    """Values that are not its bytes are computed in float and quantized: a step apart at most."""
    images, _ = pictures()
    mean, std = (100.0, 110.0, 120.0), (130.0, 140.0, 150.0)
    border = input_of(unpack(guest("int8")))
    values = (images - np.array(mean, np.float32)) / np.array(std, np.float32)
    steps = np.rint(values / border.scale) + border.zero_point
    expected = run(guest("int8"), steps.clip(-128, 127).astype(np.int8))
    assert not is_pixels(border, mean, std)
    assert np.abs(run(pack(adopted(guest("int8"), mean, std)), images) - expected).max() <= 4 / 256


def test_pixels_that_are_the_bytes_cost_nothing() -> None:
    """A uint8 guest stays as it is; an int8 one gets a single operation."""
    for io, more in (("uint8", 0), ("int8", 1)):
        before, after = unpack(guest(io)), adopted(guest(io))
        operators = [len(model.subgraphs[0].operators) for model in (before, after)]
        assert operators[1] - operators[0] == more


@pytest.mark.parametrize("io", ["float32", "uint8", "int8"])
def test_acceleration_is_kept(io: Io) -> None:
    """No more pieces outside of XNNPACK than before."""
    model = adopted(guest(io, "logits"))
    finish(model, "logits")
    assert Interpreter(pack(model)).partitions <= Interpreter(guest(io)).partitions


def test_a_bgr_network_gets_rgb_pictures() -> None:
    """Reversed inside: the answers to RGB are those that it gave to BGR."""
    images, _ = pictures()
    for io in ("float32", "int8"):
        plain, reversed_ = adopted(guest(io)), adopted(guest(io))
        take_rgb(reversed_)
        expected = run(pack(plain), images[..., ::-1])
        assert np.array_equal(run(pack(reversed_), images), expected)


def test_names_and_signatures_follow() -> None:
    """Who calls the model by its signature gives pixels and gets scores, under the old names."""
    before, after = unpack(guest("float32", "logits")), adopted(guest("float32", "logits"))
    finish(after, "logits")
    assert input_of(after).name == input_of(before).name
    assert output_of(after).name == output_of(before).name
    (signature,) = after.signatureDefs
    assert [entry.tensorIndex for entry in signature.inputs] == list(after.subgraphs[0].inputs)
    assert [entry.tensorIndex for entry in signature.outputs] == list(after.subgraphs[0].outputs)


@pytest.mark.parametrize("io", ["float32", "uint8", "int8"])
@pytest.mark.parametrize("ending", ["softmax", "sigmoid", "logits"])
def test_the_ending_is_read_from_the_graph(io: Io, ending: Ending) -> None:
    """Through the operations that only change a type."""
    assert ending_of(unpack(guest(io, ending))) == ending


@pytest.mark.parametrize(("io", "near"), [("float32", 1e-6), ("uint8", 0.1), ("int8", 0.1)])
def test_logits_become_scores(io: Io, near: float) -> None:
    """In the file itself, in the guest's own type: 0 to 1, with sum 1, as softmax gives them."""
    images, truth = pictures()
    model = adopted(guest(io, "logits"))
    finish(model, "logits")
    interpreter = Interpreter(pack(model))
    scores = run(pack(model), images)
    assert interpreter.output.dtype.name == ("float32" if io == "float32" else "uint8")
    assert (scores.argmax(axis=1) == truth).all()
    assert np.abs(scores - by_hand(guest("float32"), images)).max() <= near


def test_an_operation_is_listed_in_its_own_version() -> None:
    """An older reader refuses by this number; the first SOFTMAX knew no int8."""
    model = unpack(guest("int8", "logits"))
    first = schema.OperatorCodeT()
    first.builtinCode = first.deprecatedBuiltinCode = schema.BuiltinOperator.SOFTMAX
    model.operatorCodes.append(first)
    finish(model, "logits")
    softmax, _quantize = model.subgraphs[0].operators[-2:]
    code = model.operatorCodes[softmax.opcodeIndex]
    assert (code.builtinCode, code.version) == (first.builtinCode, 2)


def test_a_single_logit_becomes_a_probability() -> None:
    """One unit without an activation gets the sigmoid that its training had in the loss."""
    images, truth = pictures()
    model = adopted(guest("float32", "sigmoid"))
    graph = model.subgraphs[0]
    logistic = graph.operators.pop()
    code = model.operatorCodes[logistic.opcodeIndex]
    assert code.builtinCode == schema.BuiltinOperator.LOGISTIC
    graph.outputs = logistic.inputs
    model.signatureDefs = None
    assert ending_of(model) == "logits"
    finish(model, "logits")
    scores = run(pack(model), images)
    assert scores.shape == (len(images), 1)
    assert ((scores[:, 0] > 0.5) == (truth == 3)).all()


def test_an_output_of_more_dimensions_is_made_a_row() -> None:
    """(1, 1, 1, 4), as older networks have it."""
    model = unpack(guest("float32"))
    graph = model.subgraphs[0]
    graph.tensors[int(graph.outputs[0])].shape = np.array([1, 1, 1, 4], np.int32)
    finish(model, "softmax")
    assert output_of(model).shape == (1, 4)


@pytest.mark.parametrize(
    ("shape", "received"), [([1, 3, 16, 16], r"\(1, 3, 16, 16\)"), ([1, 16, 16, 1], "16, 1")]
)
def test_inputs_that_are_no_colour_pictures_are_refused(shape: list[int], received: str) -> None:
    """Channels first, or grey: one line with the shape that was found."""
    model = unpack(guest())
    graph = model.subgraphs[0]
    graph.tensors[int(graph.inputs[0])].shape = np.array(shape, np.int32)
    with pytest.raises(ModelFileError, match=f"must be .1, height, width, 3.*{received}"):
        input_of(model)


def test_several_graphs_are_refused() -> None:
    """Branches and loops have graphs of their own."""
    model = unpack(guest())
    model.subgraphs = model.subgraphs * 2
    with pytest.raises(ModelFileError, match="has one graph, this model has 2"):
        input_of(model)


def test_a_quantized_input_knows_its_own_range() -> None:
    """The mean and std with which pixels are its bytes."""
    for io in ("uint8", "int8"):
        border = input_of(unpack(guest(io)))
        natural = natural_range(border)
        assert natural is not None
        assert is_pixels(border, *natural)
        assert is_pixels(border, MEAN, STD)
        assert (natural[0][0], natural[1][0]) == pytest.approx((127.5, 127.5), abs=0.6)


@pytest.mark.parametrize("name", ["mlperf_tiny_resnet8_int8", "mobilenet_v1_0.25_128_quant"])
def test_published_models_answer_as_before(name: str, shared: Path) -> None:
    """MLPerf Tiny's int8 and the classic uint8 MobileNet: every output bit the same."""
    flatbuffer = (shared / "models" / f"{name}.tflite").read_bytes()
    guest_, natural = Interpreter(flatbuffer), natural_range(input_of(unpack(flatbuffer)))
    assert natural is not None
    images = np.random.default_rng(0).integers(0, 256, (8, *guest_.size, 3), np.uint8)
    given = images ^ 128 if guest_.input.dtype == np.int8 else images
    expected = run(flatbuffer, given.view(guest_.input.dtype))
    model = adopted(flatbuffer, *natural)
    finish(model, "softmax")
    assert Interpreter(pack(model)).output.dtype == np.uint8
    assert np.array_equal(run(pack(model), images), expected)


def test_the_small_network_is_what_it_is_said_to_be() -> None:
    """Right for pictures read from −1 to 1, wrong when read otherwise."""
    images, truth = pictures()
    values = images.astype(np.float32) / 127.5 - 1
    for wrong, given in enumerate((values, values[..., ::-1], (values + 1) / 2)):
        scores = np.concatenate([network().predict_on_batch(value[None]) for value in given])
        assert (scores.argmax(axis=1) == truth).all() == (wrong == 0)
