"""How long `galago deploy` takes to a bare virtual Pi, and how long nobody looks at a swap.

    python -m tests.virtual_pi.deploy_times demo/feeder.tflite

The processor is emulated, some twenty times slower than this machine's own.
"""

import os
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from galago.bundle.model_file import ModelFile
from tests.virtual_pi.deployed import Done, Pi, configuration
from tests.virtual_pi.image import build
from tests.virtual_pi.vm import VM

CACHE = Path(__file__).parents[2] / ".cache"
_WATCH_S = 60.0


def main(model: Path) -> None:
    """Deploy, deploy again, deploy another model, and go back."""
    os.environ["GALAGO_CACHE"] = str(CACHE)
    with tempfile.TemporaryDirectory() as name, VM(build("amd64", "bare")) as vm:
        folder = Path(name)
        pi = Pi(vm, folder)
        config = configuration(folder / "galago.toml")
        _say("first deployment", pi.deploy(model, pi.address, "--config", config))
        _say("second, nothing to do", pi.deploy(model, pi.address))
        pi.wait_until_confirmed()
        pi.watch(_WATCH_S)
        _say("another model", pi.deploy(_another(model, folder / "another.tflite"), pi.address))
        _tell(f"longest time without an answer: {pi.gap_s():.2f} s, wanted: 1 s at most")
        pi.wait_until_confirmed()
        _say("rollback", pi.deploy("--rollback", pi.address))


def _another(path: Path, out: Path) -> Path:
    """The same network in another file."""
    model = ModelFile.read(path)
    manifest = replace(model.manifest, provenance={**model.manifest.provenance, "again": "yes"})
    ModelFile.build(model.flatbuffer, manifest, model.golden).write(out)
    return out


def _say(what: str, done: Done) -> None:
    _tell(f"{what}: {done.seconds:.1f} s, {done.state}, exit code {done.code}")


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
