"""Classifiers from elsewhere come into Galago's form, or are refused for a wrong claim."""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from galago.bundle.classifier import Classifier
from galago.bundle.image import write_image
from galago.bundle.model_file import ModelFile
from galago.convert.flatbuffer import pack, unpack
from galago.convert.guest import read_labels
from galago.errors import UsageError
from galago.train.predict import predict_tflite
from tests.conftest import Outcome
from tests.convert.guests import (
    LABELS,
    SIDE,
    Ending,
    Io,
    guest,
    pictures,
    tinted,
    write_labels,
    write_pictures,
)

CIFAR_10 = (
    *("airplane", "automobile", "bird", "cat", "deer"),
    *("dog", "frog", "horse", "ship", "truck"),
)
MADE_FOR = ("--mean", "127.5", "--std", "127.5")


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of tinted pictures for each label."""
    return write_pictures(tmp_path_factory.mktemp("adopt") / "photos")


@pytest.fixture
def adopt(tmp_path: Path, photos: Path, galago: Callable[..., Outcome]) -> Callable[..., Outcome]:
    """Run `galago adopt` on a small guest, `out.tflite` beside it."""

    def run(
        *options: str,
        flatbuffer: bytes | None = None,
        labels: tuple[str, ...] = LABELS,
        images: Path = photos,
    ) -> Outcome:
        file, names = tmp_path / "guest.tflite", write_labels(tmp_path / "labels.txt", labels)
        file.write_bytes(flatbuffer or guest("float32"))
        common = ("--labels", names, "--images", images, "--out", tmp_path / "out.tflite")
        return galago("adopt", file, *common, *options)

    return run


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out.tflite"


def accuracy(path: Path) -> float:
    images, truth = pictures()
    classifier = Classifier.open(ModelFile.read(path))
    return float(np.mean(predict_tflite(classifier, images).argmax(axis=1) == truth))


@pytest.mark.parametrize("io", ["float32", "uint8", "int8"])
@pytest.mark.parametrize("ending", ["softmax", "logits"])
def test_every_kind_of_guest_is_adopted(
    io: Io, ending: Ending, adopt: Callable[..., Outcome], out: Path
) -> None:
    """uint8 pixels in, scores out, in the file's order; a quantized one needs no --mean."""
    outcome = adopt(*(MADE_FOR if io == "float32" else ()), flatbuffer=guest(io, ending))
    assert outcome.code == 0, outcome.err
    model = ModelFile.read(out)
    assert model.manifest.labels == LABELS
    assert model.manifest.head == "softmax"
    assert Classifier.open(model).interpreter.input.dtype == np.uint8
    assert accuracy(out) == 1


def test_the_adopted_file_is_like_any_other(
    adopt: Callable[..., Outcome], out: Path, photos: Path, galago: Callable[..., Outcome]
) -> None:
    """verify, inspect and classify know no difference."""
    assert adopt(*MADE_FOR).code == 0
    assert json.loads(galago("verify", out, "--json").out)["passed"] is True
    assert "adopted       guest.tflite, sha256" in galago("inspect", out).out
    answers = json.loads(galago("classify", out, photos / "red", "--json").out)
    assert {answer["label"] for answer in answers} == {"red"}


def test_json_tells_what_was_checked(adopt: Callable[..., Outcome], out: Path) -> None:
    """Accuracy of the guest as it came and of the file, on the same pictures."""
    document = json.loads(adopt(*MADE_FOR, "--json").out)
    assert document["file"] == str(out)
    assert document["checked"] is True
    assert document["guest"] == document["adopted"] == {"accuracy": 1.0}
    assert (document["n"], document["agreement"], document["golden_frames"]) == (48, 1.0, 32)


def test_the_manifest_tells_where_the_guest_comes_from(
    adopt: Callable[..., Outcome], out: Path
) -> None:
    """File name, digest, claims, and what its tensors said."""
    assert adopt(flatbuffer=guest("int8")).code == 0
    provenance = ModelFile.read(out).manifest.provenance
    assert provenance["adopted"] == "guest.tflite"
    assert provenance["adopted_sha256"] == hashlib.sha256(guest("int8")).hexdigest()
    assert provenance["guest"]["input"]["dtype"] == "int8"
    assert provenance["claims"]["mean"] == pytest.approx([127.5], abs=0.6)


def test_one_sigmoid_unit_becomes_two_labels(
    adopt: Callable[..., Outcome], out: Path, tmp_path: Path
) -> None:
    """The unit is the probability of the second label."""
    images = write_pictures(tmp_path / "two", labels=("red", "blue"))
    outcome = adopt(
        *MADE_FOR,
        flatbuffer=guest("float32", "sigmoid"),
        labels=("red", "blue"),
        images=images,
    )
    assert outcome.code == 0, outcome.err
    classifier = Classifier.open(ModelFile.read(out))
    assert classifier.head == "sigmoid"
    assert classifier(tinted("blue", seed=1))[1] > 0.9
    assert classifier(tinted("red", seed=1))[1] < 0.1


def test_labels_that_do_not_exclude_each_other_keep_their_scores(
    adopt: Callable[..., Outcome], out: Path
) -> None:
    """A sigmoid for every label: scores need not add up to 1."""
    from ai_edge_litert import schema_py_generated as schema

    model = unpack(guest("float32"))
    last = model.subgraphs[0].operators[-1]
    model.operatorCodes[last.opcodeIndex] = schema.OperatorCodeT()
    code = model.operatorCodes[last.opcodeIndex]
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.LOGISTIC
    code.version = 1
    last.builtinOptionsType, last.builtinOptions = 0, None
    outcome = adopt(*MADE_FOR, flatbuffer=pack(model))
    assert outcome.code == 0, outcome.err
    classifier = Classifier.open(ModelFile.read(out))
    assert classifier.head == "independent"
    assert classifier(tinted("yellow", seed=1))[:2].min() > 0.9


def bgr_guest() -> bytes:
    """The small network with the channels of its first layer the other way round."""
    model = unpack(guest("float32"))
    kernel = [3, SIDE // 4, SIDE // 4, 3]
    tensors = [tensor for tensor in model.subgraphs[0].tensors if tensor.shape is not None]
    (weights,) = (model.buffers[t.buffer] for t in tensors if list(t.shape) == kernel)
    values = np.frombuffer(bytes(weights.data), np.float32).reshape(-1, 3)[:, ::-1]
    weights.data = np.frombuffer(values.tobytes(), np.uint8)
    return pack(model)


def test_a_bgr_guest_takes_rgb_pictures(adopt: Callable[..., Outcome], out: Path) -> None:
    """Refused as RGB; told the truth, it turns the colours by itself."""
    refused = adopt(*MADE_FOR, flatbuffer=bgr_guest())
    assert refused.code == 3
    assert "RGB and BGR swapped: as claimed, --colour rgb" in refused.complaint
    assert not out.exists()
    assert adopt(*MADE_FOR, "--colour", "bgr", flatbuffer=bgr_guest()).code == 0
    assert ModelFile.read(out).manifest.preprocess.colour == "rgb"
    assert accuracy(out) == 1


@pytest.mark.parametrize(
    ("options", "io", "complaint"),
    [
        ((*MADE_FOR, "--colour", "bgr"), "float32", "RGB and BGR swapped: as claimed"),
        (("--mean", "0", "--std", "1"), "float32", "not normalised: as claimed"),
        (("--mean", "0", "--std", "255"), "float32", "normalised otherwise: as claimed"),
        (("--mean", "0", "--std", "1"), "int8", "not normalised: --mean 0 --std 1 turns pixels"),
        (("--mean", "0", "--std", "255"), "uint8", "normalised otherwise: --mean 0 --std 255"),
    ],
)
def test_wrong_claims_are_refused(
    options: tuple[str, ...], io: Io, complaint: str, adopt: Callable[..., Outcome], out: Path
) -> None:
    """Exit 3, a message of its own, and no file; the old one stays."""
    out.write_bytes(b"the old model")
    outcome = adopt(*options, flatbuffer=guest(io))
    assert outcome.code == 3
    assert outcome.complaint.startswith(f"galago: {complaint}")
    assert out.read_bytes() == b"the old model"


def test_normalising_twice_is_refused(adopt: Callable[..., Outcome], out: Path) -> None:
    """A model that normalises inside, said to want −1 to 1; adopted once, it is such a model."""
    assert adopt(*MADE_FOR).code == 0
    inside = ModelFile.read(out).flatbuffer
    assert adopt(flatbuffer=inside).code == 0
    outcome = adopt(*MADE_FOR, flatbuffer=inside)
    assert outcome.code == 3
    assert outcome.complaint.startswith("galago: normalised twice: ")


def test_labels_in_another_order_are_refused(adopt: Callable[..., Outcome], out: Path) -> None:
    """Sorted by alphabet, say, which is not how this model was trained."""
    outcome = adopt(*MADE_FOR, labels=tuple(sorted(LABELS)))
    assert outcome.code == 3
    assert outcome.complaint.startswith("galago: label order changed: as claimed ")
    assert "grey is called red" in outcome.complaint
    assert not out.exists()


@pytest.mark.parametrize(
    ("ending", "labels", "complaint"),
    [
        ("softmax", LABELS[:3], "names 3, the model has 4 outputs"),
        ("sigmoid", LABELS, "names 4, the model has 1 output: one output tells two apart"),
    ],
)
def test_a_wrong_label_count_is_refused(
    ending: Ending, labels: tuple[str, ...], complaint: str, adopt: Callable[..., Outcome]
) -> None:
    """With both counts, before any picture is read."""
    outcome = adopt(*MADE_FOR, flatbuffer=guest("float32", ending), labels=labels)
    assert outcome.code == 2
    assert "wrong label count: " in outcome.complaint
    assert complaint in outcome.complaint


def test_a_float_guest_needs_a_claim(adopt: Callable[..., Outcome]) -> None:
    """Nothing in the file says which values it wants, and nothing is guessed."""
    assert "expected --mean and --std, such as" in adopt().complaint
    assert "belong together" in adopt("--mean", "127.5").complaint
    assert "three with commas" in adopt("--mean", "1,2", "--std", "1").complaint
    assert "above 0" in adopt("--mean", "0", "--std", "0").complaint


def test_some_of_the_labels_are_enough(adopt: Callable[..., Outcome], tmp_path: Path) -> None:
    """Pictures of two of the four classes; of any other they are refused."""
    images = write_pictures(tmp_path / "some", labels=("blue", "red"))
    assert adopt(*MADE_FOR, images=images).code == 0
    (images / "red").rename(images / "owl")
    outcome = adopt(*MADE_FOR, images=images)
    assert outcome.code == 2
    assert "shows owl, which the labels do not name" in outcome.complaint


def test_pictures_without_labels_leave_the_claims_unchecked(
    adopt: Callable[..., Outcome], out: Path, tmp_path: Path
) -> None:
    """That is said, and nothing is measured; few pictures give few golden frames."""
    (tmp_path / "flat").mkdir()
    for seed in range(5):
        write_image(tmp_path / "flat" / f"{seed}.png", tinted("red", seed))
    outcome = adopt(*MADE_FOR, "--colour", "bgr", images=tmp_path / "flat")
    assert outcome.code == 0
    assert "the order of the labels could not be checked" in outcome.err
    assert "5 pictures: as many golden frames, 32 are wanted" in outcome.err
    manifest = ModelFile.read(out).manifest
    assert (manifest.golden.frames, manifest.metrics) == (5, {})


def test_a_broken_picture_is_left_out_and_named(
    adopt: Callable[..., Outcome], photos: Path, tmp_path: Path
) -> None:
    """The others serve."""
    images = shutil.copytree(photos, tmp_path / "photos")
    (images / "red" / "000.png").write_bytes(b"no picture")
    outcome = adopt(*MADE_FOR, "--json", images=images)
    assert json.loads(outcome.out)["n"] == 47
    assert "left out: " in outcome.err


def test_logits_said_to_be_scores_are_refused(adopt: Callable[..., Outcome]) -> None:
    """--head is a claim like any other."""
    outcome = adopt(*MADE_FOR, "--head", "softmax", flatbuffer=guest("float32", "logits"))
    assert outcome.code == 3
    assert "expected scores from 0 to 1; use --head logits" in outcome.complaint


def test_files_that_are_no_guests_are_refused(
    adopt: Callable[..., Outcome], out: Path, tmp_path: Path, galago: Callable[..., Outcome]
) -> None:
    """Not TFLite, cut short, Galago's own, or the very file to be written."""
    assert "TFL3" in adopt(flatbuffer=b"GIF89a, say, not a model").complaint
    cut = adopt(*MADE_FOR, flatbuffer=guest("float32")[:1000])
    assert cut.code == 3
    assert "guest.tflite: " in cut.complaint
    assert adopt(*MADE_FOR).code == 0
    assert "nothing to adopt" in adopt(flatbuffer=out.read_bytes()).complaint
    labels, images = write_labels(tmp_path / "l.txt"), write_pictures(tmp_path / "p", each=1)
    out.write_bytes(guest("int8"))
    same = galago("adopt", out, "--labels", labels, "--images", images, "--out", out)
    assert "give --out another name" in same.complaint
    assert out.read_bytes() == guest("int8")


def test_the_same_guest_gives_the_same_bytes(adopt: Callable[..., Outcome], out: Path) -> None:
    """A file can be made again and compared."""
    adopt(*MADE_FOR)
    first = out.read_bytes()
    adopt(*MADE_FOR)
    assert out.read_bytes() == first


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("cat\ndog\n\n", ("cat", "dog")),
        ("0 cat\n1 dog\n", ("cat", "dog")),
        ("0  a\r\n1  b", ("a", "b")),
        ("\ufeffcat\n2 dogs\n", ("cat", "2 dogs")),
        ("crane\nowl\ncrane\n", ("crane", "owl", "crane (2)")),
    ],
)
def test_label_files_of_others_are_read(text: str, labels: tuple[str, ...], tmp_path: Path) -> None:
    """One a line; counted as Teachable Machine does; twice the same as in ImageNet."""
    path = tmp_path / "labels.txt"
    path.write_bytes(text.encode())
    assert read_labels(path) == labels


def test_a_label_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    """One line, not a decoder's complaint."""
    path = tmp_path / "labels.txt"
    path.write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(UsageError, match="is not text: expected one label a line"):
        read_labels(path)


@pytest.fixture(scope="module")
def cifar(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty test pictures of each class of CIFAR-10."""
    import zipfile

    folder = tmp_path_factory.mktemp("cifar")
    with zipfile.ZipFile(shared / "data" / "cifar10.zip") as archive:
        for label in CIFAR_10:
            part = f"/test/{label}/"
            archive.extractall(
                folder, [n for n in archive.namelist() if part in n and n[-1] != "/"][:20]
            )
    return next(folder.rglob("test"))


def adopt_mlperf(
    galago: Callable[..., Outcome], shared: Path, tmp_path: Path, cifar: Path, *options: Any
) -> Outcome:
    labels = tmp_path / "labels.txt"
    if not labels.exists():
        write_labels(labels, CIFAR_10)
    guest_ = shared / "models" / "mlperf_tiny_resnet8_int8.tflite"
    common = ("--labels", labels, "--images", cifar, "--out", tmp_path / "out.tflite")
    return galago("adopt", guest_, *common, *options)


def test_mlperf_tiny_loses_nothing(
    galago: Callable[..., Outcome], shared: Path, tmp_path: Path, cifar: Path
) -> None:
    """200 photographs: the same answers, to every one, and as good as it is known to be."""
    outcome = adopt_mlperf(galago, shared, tmp_path, cifar, "--json")
    document = json.loads(outcome.out)
    assert document["n"] == 200
    assert document["guest"] == document["adopted"]
    assert document["adopted"]["accuracy"] > 0.68
    assert document["agreement"] == 1
    assert json.loads(galago("verify", tmp_path / "out.tflite", "--json").out)["exact"] is True


def test_mlperf_tiny_with_wrong_claims_is_refused(
    galago: Callable[..., Outcome], shared: Path, tmp_path: Path, cifar: Path
) -> None:
    """Swapped colours cost 13 points, two swapped labels as much: real photographs show it."""
    swapped = adopt_mlperf(galago, shared, tmp_path, cifar, "--colour", "bgr")
    assert swapped.code == 3
    assert "RGB and BGR swapped" in swapped.complaint
    twice = adopt_mlperf(galago, shared, tmp_path, cifar, *MADE_FOR)
    assert "normalised twice: --mean 127.5 --std 127.5 turns pixels into -1…1" in twice.complaint
    write_labels(tmp_path / "labels.txt", ("automobile", "airplane", *CIFAR_10[2:]))
    order = adopt_mlperf(galago, shared, tmp_path, cifar)
    assert order.code == 3
    assert "automobile is called airplane, airplane is called automobile" in order.complaint


def test_a_thousand_labels_and_two_photographs(
    galago: Callable[..., Outcome], shared: Path, tmp_path: Path
) -> None:
    """The classic uint8 MobileNet with ImageNet's labels, on a cat and a parrot."""
    models, out = shared / "models", tmp_path / "out.tflite"
    (tmp_path / "photos").mkdir()
    for name in ("cat_720p.jpg", "parrot.jpg"):
        shutil.copy(models / name, tmp_path / "photos")
    guest_, labels = models / "mobilenet_v1_0.25_128_quant.tflite", models / "imagenet_labels.txt"
    common = ("--labels", labels, "--images", tmp_path / "photos", "--out", out)
    outcome = galago("adopt", guest_, *common)
    assert outcome.code == 0, outcome.err
    answers = json.loads(galago("classify", out, tmp_path / "photos", "--json").out)
    assert [answer["label"] for answer in answers] == ["Egyptian cat", "macaw"]
