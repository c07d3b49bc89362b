"""What Raspberry Pi OS 13 reads at its first boot: cloud-init's files on the boot partition.

- `user-data`, where Imager and people put theirs, is never touched. Ours is `vendor-data`, which
  cloud-init reads beside it and lets user-data win over: so nothing has to be merged, and no YAML
  to be understood.
- What user-data already says is not said again: that it would silently win is refused here.
- `network-config` is written only for Wi-Fi, and only where it has no settings of its own.
- The hook is a boothook: cloud-init runs it at every boot, while scripts and commands run once,
  whether or not the power stayed on until their end.

Sources: cloud-init 25.1: DataSourceNoCloud (seedfrom, vendor-data), util.read_seeded,
stages.consume_data, handlers/boot_hook.py; RPi-Distro/pi-gen, stage2/04-cloud-init; rpi-imager,
src/customization_generator.cpp, for users and wifis as Imager writes them.
"""

import json
import re
from collections.abc import Iterator

from galago.deploy.card.boot import USER_DATA
from galago.deploy.card.hook import MARK, MOUNTED, SCRIPT
from galago.deploy.card.partition import FOLDER, Partition
from galago.deploy.card.settings import Settings, Wifi
from galago.errors import UsageError

VENDOR_DATA, NETWORK = "vendor-data", "network-config"

# As Imager has them. cloud-init makes those that are missing.
_GROUPS = "users,adm,dialout,audio,netdev,video,plugdev,cdrom,games,input,gpio,spi,i2c,render,sudo"
# What pi-gen's network-config says for an image without settings, in some of its versions.
_DEFAULT_NETWORK = [
    "network:",
    "version: 2",
    "ethernets:",
    "eth0:",
    "dhcp4: true",
    "optional: true",
]
_TAKEN = {
    "--hostname": ("hostname", "fqdn"),
    "--user and --ssh-key": ("user", "users", "password", "chpasswd", "ssh_authorized_keys"),
}


def check(partition: Partition, settings: Settings) -> None:
    """See that nothing on the card says otherwise, before anything is written.

    Raises:
        UsageError: something does.
    """
    text = (partition.root / USER_DATA).read_text("utf-8", errors="replace")
    keys = set(re.findall(r"^([A-Za-z_]+)\s*:", text, re.MULTILINE))
    if "vendor_data" in keys:
        raise UsageError(f"{USER_DATA} on the card switches vendor-data off: take vendor_data: out")
    wanted = {"--hostname": settings.hostname, "--user and --ssh-key": settings.key}
    asked = [option for option, value in wanted.items() if value]
    if asked and not text.startswith("#cloud-config"):
        raise UsageError(
            f"{USER_DATA} on the card is not a #cloud-config, so that nobody knows what it says: "
            f"leave out {', '.join(asked)}"
        )
    for option in asked:
        if said := keys.intersection(_TAKEN[option]):
            raise UsageError(
                f"{USER_DATA} on the card says {', '.join(sorted(said))} already (Imager?): leave "
                f"out {option}, or write the card anew without settings"
            )
    if (partition.root / VENDOR_DATA).exists() and not _is_ours(partition, VENDOR_DATA):
        raise UsageError(f"{VENDOR_DATA} on the card is another program's: take it away first")
    if settings.wifi:
        _check_network(partition)


def write(partition: Partition, settings: Settings, *, online: bool) -> None:
    """Put the files on the card; what network-config was is kept, or comes back."""
    if settings.wifi:
        text = network_config(settings.wifi, online=online)
        partition.replace(NETWORK, text, MARK)
    elif _is_ours(partition, NETWORK):
        partition.restore(NETWORK, MARK)
    partition.write(VENDOR_DATA, vendor_data(settings))


def vendor_data(settings: Settings) -> str:
    """The hook and what cloud-init is to set; inside JSON, which is YAML, so no quoting is ours."""
    hook = f"#!/bin/sh\nexec sh {MOUNTED}/{FOLDER}/{SCRIPT} start\n"
    parts = [{"type": "text/cloud-boothook", "content": hook}]
    if said := _config(settings):
        text = f"#cloud-config\n{json.dumps(said, indent=1)}\n"
        parts.append({"type": "text/cloud-config", "content": text})
    return f"#cloud-config-archive\n# {MARK}.\n{json.dumps(parts, indent=1)}\n"


def network_config(wifi: Wifi, *, online: bool) -> str:
    """`online`: the first boot waits for it, since the installer needs it."""
    return "".join(f"{line}\n" for line in _network_lines(wifi, online=online))


def _network_lines(wifi: Wifi, *, online: bool) -> Iterator[str]:
    yield f"# {MARK}; the network's key is taken out of this file after the first boot."
    yield "network:"
    yield "  version: 2"
    yield "  ethernets:"
    yield "    eth0:"
    yield "      dhcp4: true"
    yield "      optional: true"
    yield "  wifis:"
    yield "    wlan0:"
    yield "      dhcp4: true"
    # Optional: a camera looks without a network, and is not to wait for it.
    yield f"      optional: {'false' if online else 'true'}"
    yield f'      regulatory-domain: "{wifi.country}"'
    yield "      access-points:"
    yield f"        {json.dumps(wifi.ssid, ensure_ascii=False)}:"
    yield f'          password: "{wifi.psk}"'


def _config(settings: Settings) -> dict[str, object]:
    said: dict[str, object] = {}
    if settings.hostname:
        said |= {"hostname": settings.hostname, "manage_etc_hosts": True}
    if settings.key:
        user = {
            "name": settings.user or "pi",
            "groups": _GROUPS,
            "shell": "/bin/bash",
            "lock_passwd": True,
            "ssh_authorized_keys": [settings.key],
            "sudo": "ALL=(ALL) NOPASSWD:ALL",
        }
        said |= {"enable_ssh": True, "ssh_pwauth": False, "users": [user]}
    return said


def _check_network(partition: Partition) -> None:
    text = partition.original(NETWORK, MARK) or ""
    said = [line.strip() for line in text.splitlines()]
    said = [line for line in said if line and not line.startswith("#")]
    if said and said != _DEFAULT_NETWORK:
        raise UsageError(
            f"{NETWORK} on the card has settings already (Imager?): leave out --wifi, or write the "
            "card anew without them"
        )


def _is_ours(partition: Partition, name: str) -> bool:
    path = partition.root / name
    return path.is_file() and MARK in path.read_text("utf-8", errors="replace")
