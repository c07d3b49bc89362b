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
            "dtype": manifest.quantization["input"]["dtype"],
            "colour": spec.colour,
            "crop": spec.crop,
            "interpolation": spec.interpolation,
        },
        "head": manifest.head,
        "quantization": manifest.quantization,
        "sha256": model.sha256,
        "bytes": len(model.content),
        "golden_frames": len(model.golden.inputs),
        "provenance": manifest.provenance,
        "metrics": manifest.metrics,
    }


def as_text(model: ModelFile) -> str:
    """The same for a terminal."""
    manifest, spec = model.manifest, model.manifest.preprocess
    quantization, metrics = manifest.quantization, manifest.metrics
    provenance = manifest.provenance
    view = "the whole view" if spec.crop == "none" else "the centre of the view"
    rows = {
        "labels": ", ".join(manifest.labels),
        "input": f"{spec.width} × {spec.height} {spec.colour.upper()} "
        f"{quantization['input']['dtype']}, from {view}, {spec.interpolation} interpolation",
        "quantization": f"{quantization['scheme']}, calibrated on "
        f"{quantization['calibration_images']} pictures",
        "accuracy": f"{metrics['converted']['accuracy']:.2%} on {metrics['n']} test pictures "
        f"(before conversion {metrics['float']['accuracy']:.2%}, "
        f"same answer {metrics['agreement']:.2%})",
        "trained": f"{provenance['trained']}, network {provenance['network']}, "
        f"seed {provenance['seed']}",
        "golden": f"{len(model.golden.inputs)} pictures with their answers",
        "size": f"{len(model.content) / 1e3:.0f} kB, of which model "
        f"{len(model.flatbuffer) / 1e3:.0f} kB",
        "sha256": model.sha256,
    }
    return "\n".join(f"{name:<14}{value}" for name, value in rows.items())
