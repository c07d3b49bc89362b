"""`dir:` plays the images of a folder.

- Sorted by name as text (`10.png` comes before `9.png`); folders inside it are not looked into.
- The list is made once, when it is opened.
"""

from collections.abc import Iterator
from pathlib import Path

from galago.bundle.image import IMAGE_SUFFIXES, is_image, read_image
from galago.bundle.preprocess import Pixels
from galago.edge.camera.keys import Source
from galago.edge.camera.quiet import opencv_quiet
from galago.edge.camera.recording import Recording
from galago.errors import CameraError, DataError

KEYS = ("fps", "pace", "loop")

_FPS = 10.0


class ImageFolder(Recording):
    """A folder's images as frames, `fps` per second.

    Frames: (H, W, 3) uint8 RGB, each of its image's own size; image `i` at start + i / fps. One
    that cannot be read is left out and its number and time with it.

    Raises:
        CameraError: the folder is missing, cannot be listed, or has no readable image.
    """

    def __init__(
        self,
        folder: Path,
        *,
        source: str,
        fps: float = _FPS,
        paced: bool = True,
        loop: bool = False,
    ) -> None:
        self._images = _images(folder)
        if all(_read(image) is None for image in self._images):  # stops at the first that is good
            raise CameraError(
                f"{folder} has no readable image among {len(self._images)} with an image's name:"
                f" expected {', '.join(sorted(IMAGE_SUFFIXES))}"
            )
        super().__init__(source, fps=fps, paced=paced, loop=loop)

    def _one_pass(self) -> Iterator[Pixels | None]:
        for image in self._images:
            yield _read(image)


def _images(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if is_image(path))
    except NotADirectoryError as error:
        raise CameraError(
            f"{folder} is a file, expected a folder of images: write file:{folder} for a video"
        ) from error
    except OSError as error:
        raise CameraError(
            f"{folder} cannot be read, expected a folder of images: {error.strerror}"
        ) from error


def _read(image: Path) -> Pixels | None:
    try:
        with opencv_quiet():
            return read_image(image)
    except (DataError, OSError):
        return None


def open_source(source: Source) -> ImageFolder:
    """Open what `dir:…` names; raises as ImageFolder does, and UsageError for a wrong key."""
    fps, paced, loop = source.fps() or _FPS, source.paced(), source.flag("loop")
    return ImageFolder(Path(source.rest), source=source.text, fps=fps, paced=paced, loop=loop)
