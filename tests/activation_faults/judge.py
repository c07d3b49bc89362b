"""What must be true of a models folder whatever befell it: one active model, whole and verified."""

import hashlib
import json
from pathlib import Path

from galago.edge.activation.models import Models


def active_of(folder: Path, verified: dict[str, str]) -> str:
    """The name of the model that is active, as found by looking at the disk; "" if there is none.

    `verified`: names of models whose golden frames have passed here, by sha256. Loadable is what
    has the same bytes.

    Raises:
        AssertionError: more than one could be meant, or none is whole, or it was never verified.
    """
    link = folder / "active"
    if not link.is_symlink():
        assert not link.exists(), "active is not a link"
        return ""
    target = link.readlink()
    assert target.parent == Path(), f"active points out of its folder, to {target}"
    assert (folder / target).is_file(), f"active points to {target}, which is not there"
    content = (folder / target).read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    assert digest == target.stem, f"{target} has {len(content)} bytes of another digest"
    assert digest in verified, f"{target} was never verified"
    assert Models(folder).active == digest, "the daemon would take another"
    return verified[digest]


def check_state(folder: Path) -> None:
    """The state file is whole, and what it would go back to is there.

    Raises:
        AssertionError: it is not.
    """
    state = folder / "state.json"
    if not state.exists():
        return
    document = json.loads(state.read_bytes())
    back = [document["previous"], (document["trial"] or {}).get("previous")]
    for sha256 in filter(None, back):
        content = (folder / f"{sha256}.tflite").read_bytes()
        assert hashlib.sha256(content).hexdigest() == sha256, f"{sha256}, to go back to, is torn"


def leftovers(folder: Path) -> set[str]:
    """Names in the folder that are neither a model's, nor the link, nor the state."""
    names = {path.name for path in folder.iterdir()}
    return {name for name in names if name.startswith(".")} | (
        {name for name in names if not name.startswith(".") and not name.endswith(".tflite")}
        - {"active", "state.json"}
    )
