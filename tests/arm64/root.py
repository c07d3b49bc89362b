"""Root file systems of a Raspberry Pi's Debian, made on a PC: Python and the locked packages.

- Packages are unpacked, not installed, and wheels are fetched by this machine's pip: nothing is
  emulated while one is made, which takes ten seconds (half a minute with OpenCV from Debian).
- The archive is the one this machine's apt is set up for; wheels come from its pip's index and
  must have the lock's digests.
- One is kept in .cache/arm64 until this file or its lock changes, and nobody writes to it after.

    root = build(TRIXIE)  # root / "usr/bin/python3.13" is a program for arm64
"""

import hashlib
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement

REPOSITORY = Path(__file__).parents[2]
CACHE = REPOSITORY / ".cache" / "arm64"
PACKAGES = "opt/packages"  # where in a root the locked packages lie

# command: the package that brings it, on Debian and its kin
TOOLS = {
    "qemu-aarch64-static": "qemu-user-static",
    "qemu-arm-static": "qemu-user-static",
    "mmdebstrap": "mmdebstrap",
    "unshare": "util-linux",
    "apt-get": "apt",
}

_STEP_S = 600.0
_DEBIAN = (
    "base-files,coreutils,dash,python3,python3-minimal,libpython3-stdlib,libstdc++6,libatomic1"
)
# A shell of this machine's own kind: what stands for Python there has to start without help.
_SHELL = "busybox-static:amd64"
_NEWEST_GLIBC = {"trixie": 41, "bookworm": 36}  # the figure behind "2."
_OLDEST_GLIBC = 17  # PEP 599


@dataclass(frozen=True)
class Release:
    """A system that people run on a Pi.

    `architecture`: Debian's name for it. `lock`: in locks/. `from_debian`: what of the lock comes
    from Debian instead, because the index has no wheel of it; with the Debian package's name.
    """

    name: str
    suite: str
    architecture: str
    python: str
    lock: str
    from_debian: tuple[tuple[str, str], ...] = ()

    @property
    def machine(self) -> str:
        """The architecture, as wheels and kernels call it."""
        return {"arm64": "aarch64", "armhf": "armv7l"}[self.architecture]


TRIXIE = Release("trixie", "trixie", "arm64", "3.13", "edge")
BOOKWORM = Release("bookworm", "bookworm", "arm64", "3.11", "bookworm")
BOOKWORM_TFLITE = Release("bookworm-tflite", "bookworm", "arm64", "3.11", "tflite-runtime")
BOOKWORM_32 = Release(
    *("bookworm-32", "bookworm", "armhf", "3.11", "tflite-runtime"),
    (("numpy", "python3-numpy"), ("opencv-python-headless", "python3-opencv")),
)


def missing() -> str:
    """What this machine lacks to make a root and run its programs, with the remedy; or ""."""
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        return "a Pi's programs are compared with those of an x86-64 Linux, which this is not"
    lacking = sorted({package for tool, package in TOOLS.items() if not shutil.which(tool)})
    if lacking:
        return f"not installed: {', '.join(lacking)} (Debian: apt install {' '.join(lacking)})"
    if os.geteuid():
        return "a root file system's files belong to root, so that making it needs root"
    return ""


def build(release: Release) -> Path:
    """The root file system, made where it is missing.

    Raises:
        RuntimeError, subprocess.TimeoutExpired: a step failed or hung.
    """
    made_of = Path(__file__).read_bytes() + _lock(release).read_bytes()
    ready = CACHE / f"{release.name}-{hashlib.sha256(made_of).hexdigest()[:16]}"
    if not ready.exists():
        for old in CACHE.glob(f"{release.name}-{'?' * 16}*"):  # of another lock, or interrupted
            shutil.rmtree(old)
        work = ready.with_name(f"{ready.name}.new")
        _unpack(release, work)
        _install_wheels(release, work)
        work.rename(ready)
    return ready


def _lock(release: Release) -> Path:
    return REPOSITORY / "locks" / f"{release.lock}.txt"


def _unpack(release: Release, root: Path) -> None:
    include = ",".join([*_DEBIAN.split(), _SHELL, *(package for _, package in release.from_debian)])
    root.mkdir(parents=True)
    # --variant=extract: download and unpack, run nothing of the packages
    _run(
        *("mmdebstrap", "--quiet", "--mode=root", "--variant=extract"),
        *(f"--architectures={release.architecture},amd64", f"--include={include}"),
        *('--aptopt=APT::Install-Recommends "false"', release.suite, root, *_mirror()),
    )
    for waste in ("usr/share/man", "usr/share/doc", "usr/share/locale", "var/lib/apt/lists"):
        shutil.rmtree(root / waste, ignore_errors=True)
    for name in ("blas", "lapack"):  # what update-alternatives would have chosen, for numpy
        for library in root.glob(f"usr/lib/*/{name}/lib{name}.so.3"):
            (library.parents[1] / library.name).symlink_to(f"{name}/{library.name}")


def _mirror() -> Sequence[str]:
    """The archive that apt is set up for here; nothing where apt does not know one of Debian's."""
    wanted = ("Origin: Debian", "Created-By: Packages")
    return _run("apt-get", "indextargets", "--format", "$(REPO_URI)", *wanted).split()[:1]


def _install_wheels(release: Release, root: Path) -> None:
    wanted = root.with_name(f"{root.name}.txt")
    wanted.write_text(_requirements(release))
    glibc = range(_NEWEST_GLIBC[release.suite], _OLDEST_GLIBC - 1, -1)
    tags = [f"--platform=manylinux_2_{minor}_{release.machine}" for minor in glibc]
    _run(
        *(sys.executable, "-m", "pip", "install", "--quiet", "--root-user-action=ignore"),
        *("--target", root / PACKAGES, "--no-deps", "--no-compile", "--only-binary=:all:"),
        *("--implementation=cp", f"--python-version={release.python}", *tags),
        f"--platform=manylinux2014_{release.machine}",
        # Asked of this Python otherwise, once the wheel for the other one is chosen.
        "--ignore-requires-python",
        *("--require-hashes", "-r", wanted),
    )
    wanted.unlink()


def _requirements(release: Release) -> str:
    """The lock's lines for that system: pip would judge the markers by this one."""
    there = {
        "python_version": release.python,
        "python_full_version": f"{release.python}.0",
        "platform_machine": release.machine,
        "sys_platform": "linux",
    }
    lines = []
    for line in _lock(release).read_text().replace("\\\n", "").splitlines():
        wanted, *digests = line.split("--hash=")
        requirement = Requirement(wanted.strip())
        if requirement.name in dict(release.from_debian):
            continue
        if requirement.marker is None or requirement.marker.evaluate(there):
            hashes = " ".join(f"--hash={digest.strip()}" for digest in digests)
            lines.append(f"{requirement.name}{requirement.specifier} {hashes}\n")
    return "".join(lines)


def _run(*words: object) -> str:
    done = subprocess.run(
        [str(word) for word in words],
        check=False,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_STEP_S,
    )
    if done.returncode:
        raise RuntimeError(f"{words[0]} failed with {done.returncode}: {done.stderr[-2000:]}")
    return done.stdout
