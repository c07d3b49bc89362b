"""Who may do what: the groups of whoever asks, of the service, and of the devices."""

import os
from collections.abc import Iterator

from galago.edge.doctor.finding import Finding, error, note, ok, warning
from galago.edge.doctor.patient import Patient

_DEVICES = ("video*", "media*", "dma_heap/*")


def look(patient: Patient) -> Iterator[Finding]:
    """The user first, then the service."""
    groups = groups_of(patient)
    yield from _user(patient, groups)
    yield from _devices(patient, groups)
    if patient.is_installed:
        yield from judge_service(patient, set(groups))


def groups_of(patient: Patient) -> dict[str, tuple[int, list[str]]]:
    """Number and members by name. Source: group(5)."""
    lines = (line.split(":") for line in patient.read("/etc/group").splitlines())
    rows = (line for line in lines if len(line) == 4 and line[2].isdigit())
    return {name: (int(number), members.split(",")) for name, _, number, members in rows}


def _user(patient: Patient, groups: dict[str, tuple[int, list[str]]]) -> Iterator[Finding]:
    user = patient.user
    wanted = ["video", *(["gpio"] if patient.settings.gpio and "gpio" in groups else [])]
    if user == "root":
        yield ok("user", "root may open every device")
        return
    for name in (name for name in wanted if name in groups):
        number, members = groups[name]
        if number in os.getgroups() and not patient.is_root:
            yield ok(f"user-{name}", f"{user} is in the group {name}")
        elif user in members or _is_primary(user, number):
            if not patient.is_root:
                yield note(
                    f"user-{name}", f"{user} is in the group {name} from the next login", "log out"
                )
        else:
            yield (note if patient.is_installed else warning)(
                f"user-{name}",
                f"{user} is not in the group {name}: capture and watch cannot open a camera"
                if name == "video"
                else f"{user} is not in the group {name}",
                f"sudo usermod -aG {name} {user}, then log out and in",
            )


def _is_primary(user: str, number: int) -> bool:
    import pwd  # noqa: PLC0415 - missing on Windows

    try:
        return pwd.getpwnam(user).pw_gid == number
    except KeyError:
        return False


def _devices(patient: Patient, groups: dict[str, tuple[int, list[str]]]) -> Iterator[Finding]:
    """Nodes that udev has not given to the group video: the service cannot open them."""
    if "video" not in groups:
        return
    video = groups["video"][0]
    found = [path for pattern in _DEVICES for path in sorted(patient.at("/dev").glob(pattern))]
    status = {path: path.stat() for path in found if path.exists()}
    wrong = [
        f"/{path.relative_to(patient.root)}"
        for path, seen in status.items()
        if not (seen.st_gid == video and seen.st_mode & 0o060 == 0o060) and not seen.st_mode & 0o006
    ]
    if wrong:
        yield warning(
            "devices",
            f"{_few(wrong)} may not be opened by the group video",
            f"sudo chgrp video {wrong[0]}; to last, a rule in /etc/udev/rules.d",
        )
    elif status:
        yield ok("devices", "the group video may open the camera's devices")


def _few(names: list[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"{', '.join(names[:3])}{more}"


def judge_service(patient: Patient, known: set[str]) -> Iterator[Finding]:
    """Whether the unit gives the service the groups that it needs, and only such as there are."""
    given = set((patient.unit or {}).get("SupplementaryGroups", "").split())
    if missing := given - known:
        yield error(
            "service-group-unknown",
            f"the unit asks for the group {', '.join(sorted(missing))}, which is not on this "
            "system: the service cannot start (216/GROUP)",
            "take the line SupplementaryGroups= out of the drop-in that has it: "
            "systemctl cat galago.service",
        )
    wanted = {"video": "open a camera"} | ({"gpio": "set pins"} if patient.settings.gpio else {})
    for name, purpose in wanted.items():
        if name not in given:
            yield error(
                f"service-{name}",
                f"the service is not in the group {name} and cannot {purpose}",
                f"sudo systemctl edit galago.service, with [Service] SupplementaryGroups={name}"
                + (" and DeviceAllow=char-gpiochip rw" if name == "gpio" else ""),
            )
