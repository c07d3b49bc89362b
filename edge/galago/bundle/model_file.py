"""The one file that crosses from workstation to camera, opened and closed.

model = ModelFile.read(Path("porch.tflite"))
print(model.manifest.labels, model.sha256)
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from galago.bundle import container
from galago.bundle.golden import Golden
from galago.bundle.manifest import Manifest
from galago.errors import ModelFileError
from galago.files import replacing

# No classifier for a Pi comes near; a wrong path to a disk image does. Taking a file apart holds it
# twice, and no file may cost its reader 300 MB.
MAX_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A model file in memory, its parts checked against each other.

    `content` is the whole file, `sha256` its digest as `sha256sum` prints it. The golden frames are
    unpacked only when asked for: whoever just reads a file decodes no pictures of strangers.
    """

    content: bytes
    flatbuffer: bytes
    manifest: Manifest
    golden_npz: bytes

    @property
    def golden(self) -> Golden:
        """The golden frames, unpacked anew each time.

        Raises:
            ModelFileError: they are damaged.
        """
        return Golden.from_bytes(self.golden_npz)

    @property
    def sha256(self) -> str:
        """Digest of the whole file, lower-case hex: the name that events give to the model."""
        return hashlib.sha256(self.content).hexdigest()

    @classmethod
    def read(cls, path: Path) -> "ModelFile":
        """Read and check a model file.

        Raises:
            ModelFileError: damaged, cut short, or without Galago's part; the message names `path`.
            OSError: the file cannot be read.
        """
        try:
            return cls.parse(read_limited(path))
        except ModelFileError as error:
            raise ModelFileError(f"{path}: {error}") from error

    @classmethod
    def parse(cls, content: bytes) -> "ModelFile":
        """Take the content of a model file apart.

        Raises:
            ModelFileError: as `read`, without the path.
        """
        flatbuffer, entries = container.split(content)
        missing = [name for name in container.LIMITS if name not in entries]
        if missing:
            raise ModelFileError(
                f"a model without Galago's part ({', '.join(missing)} not found): a file of galago "
                "convert that was cut short, or one from elsewhere; copy it again, or see galago "
                "adopt"
            )
        manifest = Manifest.from_json(entries[container.MANIFEST])
        if hashlib.sha256(flatbuffer).hexdigest() != manifest.flatbuffer_sha256:
            raise ModelFileError("damaged: the model differs from the one that was described")
        if entries[container.LABELS] != _label_lines(manifest):
            raise ModelFileError("damaged: labels.txt and galago.json name different labels")
        return cls(content, flatbuffer, manifest, entries[container.GOLDEN])

    @classmethod
    def build(cls, flatbuffer: bytes, manifest: Manifest, golden: Golden) -> "ModelFile":
        """Put the parts together; the same parts give the same bytes."""
        entries = {
            container.MANIFEST: manifest.to_json().encode(),
            container.LABELS: _label_lines(manifest),
            container.GOLDEN: golden.to_bytes(),
        }
        return cls.parse(container.join(flatbuffer, entries))

    def write(self, path: Path) -> None:
        """Write the file whole and durably, replacing what had the name."""
        with replacing(path) as temporary:
            temporary.write_bytes(self.content)


def read_limited(path: Path) -> bytes:
    """The bytes of a file that may be a model.

    Raises:
        ModelFileError: it is far too large to be one.
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise ModelFileError(f"{path}: larger than {MAX_BYTES >> 20} MB, so no model for a camera")
    return content


def _label_lines(manifest: Manifest) -> bytes:
    return "".join(f"{label}\n" for label in manifest.labels).encode()
