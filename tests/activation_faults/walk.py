"""Through a scene, moment by moment: at each, what a cut would leave is looked at and tried out."""

import hashlib
import os
import re
import subprocess
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path

from galago.edge.activation.models import Models
from tests.activation_faults.judge import active_of, check_state, leftovers
from tests.activation_faults.pace import Paced, here
from tests.activation_faults.places import Folder
from tests.activation_faults.relatives import Relatives
from tests.activation_faults.scenes import SCENES, Scene

_AGAIN_S = 120.0


@dataclass
class Tally:
    """Of many walks: `cuts` so far, and what was `wrong` after them.

    `known`: what was left at some moment and has been tried out; the same again need not be.
    `tried`: how often; `skip`: of so many new ones, one is.
    """

    cuts: int = 0
    wrong: list[str] = field(default_factory=list)
    known: set[str] = field(default_factory=set)
    tried: int = 0
    skip: int = 1


def walk(name: str, place: Folder, relatives: Relatives, tally: Tally) -> None:
    """Play a scene, and judge each of its moments; what is wrong is in `tally`."""
    scene, state = SCENES[name], place.path / "state"
    state.mkdir()
    scene.before(Models(state / "models"), relatives)
    words = scene.words(state, relatives)
    place.settle()
    with Paced(here(state / "models", state, *words)) as galago:
        for moment in galago:
            _judge(f"{name}, before {moment}", scene, place, relatives, tally)
    assert galago.code == scene.code, f"{name} ended with {galago.code}: {galago.told}"
    # What it has said is not taken back by a cut right after.
    over = replace(scene, may=frozenset({scene.ends}))
    _judge(f"{name}, at its end", over, place, relatives, tally)


def _judge(moment: str, scene: Scene, place: Folder, relatives: Relatives, tally: Tally) -> None:
    for how, cut in place.cuts.items():
        tally.cuts += 1
        try:
            with cut() as left:
                _look(left / "state", scene, relatives, tally)
        except (AssertionError, OSError, ValueError) as error:
            tally.wrong.append(f"{how} during {moment}: {error}")


def _look(state: Path, scene: Scene, relatives: Relatives, tally: Tally) -> None:
    folder = state / "models"
    active = active_of(folder, relatives.verified)
    assert active in scene.may, f"{active or 'no model'} is active"
    check_state(folder)
    content = _content(folder)
    if content not in tally.known:
        tally.known.add(content)
        if len(tally.known) % tally.skip == 0:
            tally.tried += 1
            _try_again(state, scene, relatives)


def _try_again(state: Path, scene: Scene, relatives: Relatives) -> None:
    """The same once more comes to its end, and leaves nothing lying about."""
    folder = state / "models"
    if scene.one_step and active_of(folder, relatives.verified) == scene.ends:
        return
    done = subprocess.run(
        [sys.executable, "-P", "-m", "galago.cli", *map(str, scene.words(state, relatives))],
        check=False,
        capture_output=True,
        env=os.environ | {"STATE_DIRECTORY": str(state)},
        timeout=_AGAIN_S,
    )
    told = done.stderr.decode()
    assert done.returncode == scene.code, f"the same again ended with {done.returncode}: {told}"
    after = active_of(folder, relatives.verified)
    assert after == scene.ends, f"after the same again {after} is active"
    check_state(folder)
    assert not leftovers(folder), f"after the same again there is {leftovers(folder)}"


def _content(folder: Path) -> str:
    """What there is, but for what is chosen by chance."""
    if not folder.exists():
        return ""
    lines = []
    for path in sorted(folder.rglob("*")):
        name = re.sub(r"(?<=\.)[a-z0-9_]{8}(?=$|/)", "*", str(path.relative_to(folder)))
        if path.is_symlink():
            lines.append(f"{name} → {path.readlink()}")
        elif path.is_file():
            content = re.sub(rb'"since": "[^"]*"', b"", path.read_bytes())
            lines.append(f"{name} {hashlib.sha256(content).hexdigest()}")
        else:
            lines.append(name)
    return "\n".join(lines)
