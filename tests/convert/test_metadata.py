"""TFLite Metadata: in the model, once, always the same; what it says is read in tests/house."""

from typing import Any

import numpy as np
import pytest

from galago.bundle.interpreter import Interpreter
from galago.convert.flatbuffer import pack, unpack
from galago.convert.metadata import NAME, About, metadata, with_metadata

ABOUT = About("porch", "cat or dog", "2026-11-23", "Ada Lovelace")


@pytest.fixture(scope="module")
def bare() -> Any:
    """A model without metadata of ours, taken apart."""
    from galago.convert.quantize import RECIPES, quantize
    from galago.train.models import build

    return unpack(quantize(build("cnn", (32, 32), 3).model, RECIPES["float32"]))


def entries(model: Any) -> list[bytes]:
    """Contents of the metadata entries that are ours."""
    return [
        model.buffers[entry.buffer].data.tobytes() for entry in model.metadata if entry.name == NAME
    ]


def test_the_model_carries_the_metadata(bare: Any) -> None:
    """One entry under the name that readers look for, marked as metadata."""
    (content,) = entries(unpack(pack(with_metadata(bare, ABOUT))))
    assert content == metadata(ABOUT)
    assert content[4:8] == b"M001"


def test_the_words_are_in_it(bare: Any) -> None:
    """Name, description, version, author and the label file."""
    packed = pack(with_metadata(bare, ABOUT))
    for text in (ABOUT.name, ABOUT.description, ABOUT.version, ABOUT.author, "labels.txt"):
        assert text.encode() in packed


def test_what_was_not_said_takes_no_place() -> None:
    """An author left out is left out, not an empty name."""
    assert len(metadata(About("porch", "", "", ""))) < len(metadata(About("porch", "a", "b", "c")))


def test_new_metadata_takes_the_place_of_old(bare: Any) -> None:
    """A model that already describes itself describes itself once."""
    old = with_metadata(bare, About("guest", "of someone else", "0", "Someone"))
    packed = pack(with_metadata(old, ABOUT))
    assert entries(unpack(packed)) == [metadata(ABOUT)]
    assert b"of someone else" not in packed


def test_the_same_words_give_the_same_bytes(bare: Any) -> None:
    """Nothing of the time or the machine is in it."""
    assert metadata(ABOUT) == metadata(ABOUT)
    assert pack(with_metadata(bare, ABOUT)) == pack(with_metadata(bare, ABOUT))


def test_the_model_answers_as_before(bare: Any) -> None:
    """Metadata is beside the graph, not in it; the model it was made from is as it was."""
    before = pack(bare)
    described = pack(with_metadata(bare, ABOUT))
    assert pack(bare) == before
    image = np.random.default_rng(2).integers(0, 256, (32, 32, 3), np.uint8)
    answers = []
    for flatbuffer in (before, described):
        interpreter = Interpreter(flatbuffer)
        interpreter.write(image)
        answers.append(interpreter.invoke())
    assert np.array_equal(answers[0], answers[1])
