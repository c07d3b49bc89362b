"""What is inside a model file, for people and programs."""

from typing import Any

from galago.bundle.manifest import SCHEMA
from galago.bundle.model_file import ModelFile


def document(model: ModelFile) -> dict[str, Any]:
    """The document that `galago inspect --json` prints."""
    manifest = model.manifest
    spec = manifest.preprocess
    return {
        "schema": SCHEMA,
        "labels": list(manifest.labels),
        "input": {
            "height": spec.height,
            "width": spec.width,
            "dtype": _dig(manifest.quantization, "input", "dtype"),
            "colour": spec.colour,
            "crop": spec.crop,
            "interpolation": spec.interpolation,
        },
        "head": manifest.head,
        "temperature": manifest.temperature,
        "thresholds": manifest.thresholds,
        "quantization": manifest.quantization,
        "sha256": model.sha256,
        "bytes": len(model.content),
        "golden_frames": manifest.golden.frames,
        "provenance": manifest.provenance,
        "metrics": manifest.metrics,
    }


def as_text(model: ModelFile) -> str:
    """The same for a terminal."""
    manifest, spec = model.manifest, model.manifest.preprocess
    made, figures, origin = manifest.quantization, manifest.metrics, manifest.provenance
    view = "the whole view" if spec.crop == "none" else "the centre of the view"
    rows = {
        "labels": ", ".join(manifest.labels),
        "input": f"{spec.width} × {spec.height} {spec.colour.upper()} "
        f"{_dig(made, 'input', 'dtype')}, from {view}, {spec.interpolation} interpolation",
        "quantization": f"{_dig(made, 'scheme')}, calibrated on "
        f"{_dig(made, 'calibration_images')} pictures",
        "accuracy": f"{_share(figures, 'converted', 'accuracy')} on {_dig(figures, 'n')} test "
        f"pictures, before conversion {_share(figures, 'float', 'accuracy')}; the same answer for "
        f"{_share(figures, 'agreement')}",
        "trained": f"{_dig(origin, 'trained')}, network {_dig(origin, 'network')}, "
        f"seed {_dig(origin, 'seed')}",
        "golden": f"{manifest.golden.frames} pictures with their answers",
        "size": f"{len(model.content) / 1e3:.0f} kB, of which model "
        f"{len(model.flatbuffer) / 1e3:.0f} kB",
        "sha256": model.sha256,
    }
    return "\n".join(f"{name:<14}{value}" for name, value in rows.items())


def _dig(document: Any, *keys: str) -> Any:
    """A value deep inside; "?" where a file of another origin lacks it."""
    for key in keys:
        document = document.get(key, "?") if isinstance(document, dict) else "?"
    return document


def _share(document: Any, *keys: str) -> str:
    value = _dig(document, *keys)
    return f"{value:.2%}" if isinstance(value, float) else "?"
