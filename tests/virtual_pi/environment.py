"""What the image `galago` has beside Debian: the environment of the service, and picamera2.

- /opt/galago has the locked packages, and finds the working tree in /opt/tree, which is put there
  later: so an image outlives a change of the tree.
- picamera2 and what it imports lie where apt has them on a Pi, outside that environment.
- Wheels come from the index of this machine's pip, with the digests of the locks.
"""

import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from tests.virtual_pi.debian import Debian, link, run, write

_REPOSITORY = Path(__file__).parents[2]
_LOCK = _REPOSITORY / "locks" / "edge.txt"
_PICAMERA2 = _REPOSITORY / "tests" / "picamera2" / "requirements.txt"
MADE_OF = (_LOCK, _PICAMERA2)

TREE = "/opt/tree"
_PLACE = "opt/galago.d/tree"
_ROOTS = ("edge", "deploy")

_MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}
OWN_ARCH = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), "amd64")
# Sources: PEP 600; glibc of Debian 13 is 2.41
_PLATFORMS = ("2_35", "2_34", "2_31", "2_28", "2_27", "2_17")

# Of some packages, some files are no Python, for tests of theirs: nothing is said of them.
_COMPILE = """
import compileall, sys
root, library = sys.argv[1:]
for folder in (library, "usr/lib/python3/dist-packages", "opt"):
    compileall.compile_dir(f"{root}/{folder}", quiet=2, stripdir=root, prependdir="/")
"""
_COMMAND = """#!/bin/sh
exec /opt/galago/bin/python3 -P -m galago.cli "$@"
"""


def install(system: Debian, root: Path) -> None:
    """Make /opt/galago, and put picamera2 beside the system's Python."""
    place, packages = root / _PLACE, root / _PLACE / f"lib/python{system.python}/site-packages"
    _install_wheels(system, packages, _LOCK)
    _install_wheels(system, root / "usr/lib/python3/dist-packages", _PICAMERA2, "--no-deps")
    home = f"home = /usr/bin\ninclude-system-site-packages = true\nversion = {system.python}\n"
    write(place / "pyvenv.cfg", home)
    write(packages / "galago.pth", "".join(f"{TREE}/{name}\n" for name in _ROOTS))
    write(place / "bin/galago", _COMMAND)
    (place / "bin/galago").chmod(0o755)
    for name in ("python", "python3"):
        link(place / "bin" / name, "/usr/bin/python3")
    link(root / "opt/galago", f"/{_PLACE}")


def compile_python(system: Debian, root: Path, work: Path) -> None:
    """Compile all that Python will import, as apt and pip do: a service may not write it later.

    Bytecode is the same for all processors: a Python of that release for this one makes it.
    """
    base = root
    if system.arch != OWN_ARCH:
        base = work / "python"
        own = replace(system, arch=OWN_ARCH)
        own.fetch(base, "python3-minimal libpython3-stdlib")
    libraries = base / f"usr/lib/{_MACHINES[OWN_ARCH]}-linux-gnu"
    run(
        *("env", "-i", f"PYTHONHOME={base}/usr", next(libraries.glob("ld-linux-*.so.*"))),
        *("--library-path", libraries, base / f"usr/bin/python{system.python}"),
        *("-c", _COMPILE, root, f"usr/lib/python{system.python}"),
    )
    if base != root:
        shutil.rmtree(base)


def _install_wheels(system: Debian, target: Path, lock: Path, *options: str) -> None:
    run(
        *(sys.executable, "-m", "pip", "install", "--quiet", "--root-user-action=ignore"),
        *("--disable-pip-version-check", "--no-compile", "--ignore-requires-python", *options),
        *("--target", target, f"--python-version={system.python}", "--implementation=cp"),
        *_platforms(system),
        *("--only-binary=:all:", "--require-hashes", "-r", lock),
    )


def _platforms(system: Debian) -> Iterator[str]:
    for version in _PLATFORMS:
        yield f"--platform=manylinux_{version}_{_MACHINES[system.arch]}"
    yield f"--platform=manylinux2014_{_MACHINES[system.arch]}"
