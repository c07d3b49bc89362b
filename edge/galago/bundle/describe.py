"""What is inside a model file, for people and programs."""

from typing import Any

from galago.bundle.manifest import SCHEMA, Manifest
from galago.bundle.model_file import ModelFile

_LISTED = 20  # labels; ImageNet's thousand would bury the rest


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
        "labels": _labels(manifest.labels),
        "input": f"{spec.width} × {spec.height} {spec.colour.upper()} "
        f"{_dig(made, 'input', 'dtype')}, from {view}, {spec.interpolation} interpolation",
        "quantization": _quantization(made),
        "accuracy": _accuracy(figures),
        **_origin(origin),
        **_certainty(manifest),
        "golden": f"{manifest.golden.frames} pictures with their answers",
        "size": f"{len(model.content) / 1e3:.0f} kB, of which model "
        f"{len(model.flatbuffer) / 1e3:.0f} kB",
        "sha256": model.sha256,
    }
    return "\n".join(f"{name:<14}{value}" for name, value in rows.items())


def _labels(labels: tuple[str, ...]) -> str:
    more = f" … {len(labels)} in all" if len(labels) > _LISTED else ""
    return ", ".join(labels[:_LISTED]) + more


def _quantization(made: dict[str, Any]) -> str:
    images = made.get("calibration_images")
    calibrated = f", calibrated on {images} pictures" if images else ""
    return f"{_dig(made, 'scheme')}{calibrated}"


def _accuracy(figures: dict[str, Any]) -> str:
    """Of the model in the file, and of the one that it was made from."""
    if not figures:
        return "not measured"
    before, what = ("guest", "adoption") if "guest" in figures else ("float", "conversion")
    return (
        f"{_share(figures, 'converted', 'accuracy')} on {_dig(figures, 'n')} test pictures, before "
        f"{what} {_share(figures, before, 'accuracy')}; the same answer for "
        f"{_share(figures, 'agreement')}"
    )


def _certainty(manifest: Manifest) -> dict[str, str]:
    """From which probability on each label is answered, where that was fitted."""
    if not manifest.thresholds:
        return {}
    limits = tuple(
        f"{label} {'never' if limit is None else f'{limit:.0%}'}"
        for label, limit in manifest.thresholds.items()
    )
    softened = f"scores softened by {manifest.temperature:.2f}"
    return {"answered from": f"{_labels(limits)} ({softened})"}


def _origin(origin: dict[str, Any]) -> dict[str, str]:
    if "adopted" in origin:
        return {"adopted": f"{origin['adopted']}, sha256 {_dig(origin, 'adopted_sha256')}"}
    if "source" in origin:
        return {"trained": f"elsewhere, {origin['source']}, sha256 {_dig(origin, 'source_sha256')}"}
    network, seed = _dig(origin, "network"), _dig(origin, "seed")
    return {"trained": f"{_dig(origin, 'trained')}, network {network}, seed {seed}"}


def _dig(document: Any, *keys: str) -> Any:
    """A value deep inside; "?" where a file of another origin lacks it."""
    for key in keys:
        document = document.get(key, "?") if isinstance(document, dict) else "?"
    return document


def _share(document: Any, *keys: str) -> str:
    value = _dig(document, *keys)
    return f"{value:.2%}" if isinstance(value, float) else "?"
