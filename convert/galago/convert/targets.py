"""Model files in the shape that other programs insist on, and the files these want beside them.

- A target is plain data: input size, type of input and output, and its companions' content.
- Every companion is written whole or not at all.
- What a target asks of a model is noted below with its source; labels that it would show otherwise
  than they are written are refused before anything is written.

    target = TARGETS["rpicam-apps"]
    write_companions(target, Path("porch.tflite"), ("cat", "dog"), crop="none")

rpicam-apps, stage `object_classify_tf` (github.com/raspberrypi/rpicam-apps, post_processing_stages:
tf_stage.cpp, object_classify_tf_stage.cpp, post_processing_stage.cpp; core/post_processor.cpp):

- The input has 224 · 224 · 3 elements, uint8 as they are or float32 as (value − 127.5) / 127.5.
- The output is read as uint8 whatever its type, and its score is value / 255 whatever its scale.
- The output's last dimension is the number of lines of the label file; each line is a label.
- On the picture a label is cut: it begins behind its first ":" and ends before its first ",".
- It looks at the middle 224 × 224 pixels of the low-resolution stream, RGB, and at nothing where
  that stream is smaller or missing. The section "rpicam-apps" asks for one of this very size; older
  versions skip that section and need --lores-width 224 --lores-height 224 on their command line.
- `par` keeps the stream's proportions by cutting the view; without it the whole view is squeezed.

Frigate, custom classification (github.com/blakeblackshear/frigate, frigate/data_processing/
real_time/custom_classification.py; load_labels in frigate/util/builtin.py):

- It opens /config/model_cache/NAME/model.tflite, and labelmap.txt beside it, one label a line, less
  the white space around it. Older versions take a first line "7 cat" for number and label.
- The input is (1, 224, 224, 3) uint8, RGB, resized from the cut-out by cv2.resize, bilinear.
- Scores are the output's values divided by their sum, so an int8 output would be nonsense, and one
  column would always be certain. The score counts in hundredths.
- For objects, the label "none" means that there is nothing to say.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from galago.errors import UsageError
from galago.files import replacing

Crop: TypeAlias = Literal["none", "centre"]
Companions: TypeAlias = Callable[[str, tuple[str, ...], Crop], dict[str, str]]


@dataclass(frozen=True, slots=True)
class Target:
    """What a program insists on.

    `size`: height and width of the input, in pixels. `io`: type of input and output. The output has
    one column per label. `companions`: from the model file's stem, the labels and the crop to
    relative path → text. `forbidden`: characters that the program would not show in a label.
    `copy_as`: where the program expects the model itself, relative, "{stem}" standing for the stem;
    None: it is told by a companion. `use`: for people, what to do with the files.
    """

    name: str
    size: tuple[int, int]
    io: Literal["uint8"]
    companions: Companions
    forbidden: str
    copy_as: str | None
    use: str


def write_companions(
    target: Target, model: Path, labels: tuple[str, ...], crop: Crop = "none"
) -> list[Path]:
    """Write what `target` wants beside the model file `model`, which exists; return the paths.

    Raises:
        UsageError: the program would show a label otherwise than it is written.
        OSError: the folder cannot be written.
    """
    check_target_labels(target, labels)
    contents = {
        name: text.encode() for name, text in target.companions(model.stem, labels, crop).items()
    }
    if target.copy_as is not None:
        contents[target.copy_as.format(stem=model.stem)] = model.read_bytes()
    return [_write(model.parent / name, content) for name, content in contents.items()]


def check_target_labels(target: Target, labels: tuple[str, ...]) -> None:
    """Raise UsageError unless the program shows every label as it is written."""
    for label in labels:
        if label != label.strip() or any(mark in label for mark in target.forbidden):
            marks = " or ".join(repr(mark) for mark in target.forbidden if mark.isprintable())
            refused = f", or with {marks} in it" if marks else ""
            raise UsageError(
                f"{target.name} cannot show the label {label!r}: expected none with white space "
                f"around it{refused}; rename its folder and train again"
            )


def _write(path: Path, content: bytes) -> Path:
    path.parent.mkdir(exist_ok=True)
    with replacing(path) as temporary:
        temporary.write_bytes(content)
    return path


def _rpicam_apps(stem: str, labels: tuple[str, ...], crop: Crop) -> dict[str, str]:
    """The stage's configuration, and its label file; paths are relative to where it is started."""
    height, width = _SIZE
    stages = {
        "rpicam-apps": {
            "lores": {
                "width": width,
                "height": height,
                "format": "yuv420",
                "par": crop == "centre",
            }
        },
        "object_classify_tf": {
            "number_of_results": min(3, len(labels)),
            "number_of_threads": 2,
            "refresh_rate": 10,
            "threshold_high": 0.5,
            "threshold_low": 0.3,
            "model_file": f"{stem}.tflite",
            "labels_file": f"{stem}.labels.txt",
            "display_labels": 1,
            "verbose": 0,
        },
        "annotate_cv": {
            "text": "",
            "fg": 255,
            "bg": 0,
            "scale": 1.0,
            "thickness": 2,
            "alpha": 0.3,
        },
    }
    return {
        f"{stem}.json": json.dumps(stages, indent=2) + "\n",
        f"{stem}.labels.txt": _lines(labels),
    }


def _frigate(stem: str, labels: tuple[str, ...], _crop: Crop) -> dict[str, str]:
    """The label map; the crop is a setting of the camera in Frigate's own configuration."""
    return {f"{stem}/labelmap.txt": _lines(labels)}


def _lines(labels: tuple[str, ...]) -> str:
    return "".join(f"{label}\n" for label in labels)


_SIZE = (224, 224)  # both take no other

TARGETS = {
    target.name: target
    for target in (
        Target(
            name="rpicam-apps",
            size=_SIZE,
            io="uint8",
            companions=_rpicam_apps,
            forbidden=":,\n\r",
            copy_as=None,
            use="copy the three files into one folder, and there: "
            "rpicam-hello --timeout 0 --post-process-file {stem}.json",
        ),
        Target(
            name="frigate",
            size=_SIZE,
            io="uint8",
            companions=_frigate,
            forbidden="\n\r",
            copy_as="{stem}/model.tflite",
            use="copy the folder {stem} into Frigate's /config/model_cache, and name it under "
            "classification in Frigate's configuration",
        ),
    )
}
