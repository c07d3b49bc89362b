"""Which programs made a model, and from which state of whose work."""

import subprocess
from importlib.metadata import version
from shutil import which

PACKAGES = ("galago", "tensorflow", "keras", "numpy")

_GIT_DEADLINE_S = 10.0  # a status of a huge repository on a slow disk


def versions() -> dict[str, str]:
    """Installed versions of the packages that a model depends on."""
    return {name: version(name) for name in PACKAGES}


def git_revision() -> str | None:
    """The commit of the current folder, with "+changes" where files differ from it.

    None outside a repository and where git is missing: it is told for people, nothing hangs on it.
    """
    commit = _git("rev-parse", "HEAD")
    if not commit:
        return None
    return f"{commit}+changes" if _git("status", "--porcelain", "--untracked-files=no") else commit


def _git(*arguments: str) -> str:
    """What git says, or nothing."""
    git = which("git")
    if git is None:
        return ""
    try:
        done = subprocess.run(  # noqa: S603 - git, with words of our own
            [git, *arguments], capture_output=True, text=True, timeout=_GIT_DEADLINE_S, check=False
        )
    except subprocess.TimeoutExpired:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
